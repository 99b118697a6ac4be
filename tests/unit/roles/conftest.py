# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that answers from a script: the role and the playbooks as they are, the modules replaced.

The modules (and reboot, which nothing may do here) become action plugins that answer with what the host's variable
``answers`` holds for them, one answer after the other, and write down how they were called. As the real one does, the
switch returns the facts that it found: the first of ``clock_facts``' answers.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

COLUMNS = ('host', 'cloud', 'before → after', 'change', 'reboot')
REPO = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))

ACTION = '''
import json, os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        host, name = task_vars['inventory_hostname'], self._task.action.rsplit('.', 1)[-1]
        path = os.path.join(os.environ['FLEET'], 'calls')
        with open(path, 'a+') as log:
            log.seek(0)
            past = [json.loads(line) for line in log]
            shown = (name, 'clocksource') if name == 'clock_facts' else (name,)
            number = len([call for call in past if call['host'] == host and call['module'] in shown])
            log.write(json.dumps({'host': host, 'module': name, 'args': self._task.args,
                                  'check': self._task.check_mode}, default=str) + '\\n')
        with open(os.path.join(os.environ['FLEET'], 'answers')) as answers:
            script = json.load(answers)[host]
        mine, found = script.get(name), {}
        if name == 'clocksource':
            first = script.get('clock_facts', [{}])[0]
            if first == 'unreachable' or 'failed' in first:
                mine = [first]
            elif 'ansible_facts' in first:
                found = {'ansible_facts': first['ansible_facts']}
        if not mine:
            raise AssertionError('%s was not expected on %s' % (name, host))
        answer = mine[min(number, len(mine) - 1)]
        if answer == 'unreachable':
            raise AnsibleConnectionFailure('no route to host')
        return dict(found if 'action' in answer else {}, **answer)
'''


class Run:
    def __init__(self, process, calls):
        self.code, self.output, self.calls = process.returncode, process.stdout, calls

    def called(self, host):
        return [call['module'] for call in self.calls if call['host'] == host]

    def args(self, host, module):
        return [call['args'] for call in self.calls if (call['host'], call['module']) == (host, module)]

    def recap(self, host):
        found = re.search(r'^%s +: (.*)$' % re.escape(host), self.output, re.M)
        return {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', found.group(1))} if found else None

    def table(self):
        """The last play's table as the lines that a reader sees."""
        shown = self.output[self.output.index('TASK [cloudclock.linux.clocksource : Show all hosts]'):]
        lines = shown.splitlines()
        start = next(n for n, line in enumerate(lines) if 'before → after' in line)
        end = next(n for n, line in enumerate(lines) if re.search(r' of \d+ hosts?', line))
        return lines[start:end + 1]

    def row(self, host):
        """``{column: text}`` and the reason, cells and lines that were wrapped put together again."""
        table = [line for line in self.table() if line.strip()]
        starts = [table[0].index(title) for title in COLUMNS] + [None]
        cut = [[line[a:b].strip() for a, b in zip(starts, starts[1:])] for line in table]
        mine = next(n for n, line in enumerate(table) if cut[n][0] == host)
        cells, reason = [[] for title in COLUMNS], []
        for n in range(mine, len(table) - 1):
            indent = len(table[n]) - len(table[n].lstrip()) - starts[0]
            if indent == 4:
                reason.append(table[n].strip())
            elif reason or (n > mine and indent == 0):
                break
            else:
                for cell, text in zip(cells, cut[n]):
                    cell.append(text)
        found = {title: ' '.join(cell).strip() for title, cell in zip(COLUMNS, cells)}
        return SimpleNamespace(cloud=found['cloud'], clock=found['before → after'], change=found['change'],
                               reboot=found['reboot'], reason=' '.join(reason))


@pytest.fixture
def fleet(tmp_path):
    """``run(playbook, answers, *arguments)``: ``answers`` is ``{host: {module: [answer, …]}}``."""
    here = tmp_path / 'ansible_collections' / 'cloudclock' / 'linux'
    for folder in ('roles', 'playbooks', 'meta'):
        shutil.copytree(os.path.join(REPO, folder), str(here / folder))
    shutil.copy(os.path.join(REPO, 'galaxy.yml'), str(here))
    shutil.copytree(os.path.join(REPO, 'plugins'), str(here / 'plugins'), ignore=shutil.ignore_patterns('__pycache__'))
    actions = here / 'plugins' / 'action'
    for name in ('clock_facts', 'clock_bench_info', 'clocksource', 'kernel_cmdline', 'reboot', 'systemd_service', 'copy',
                 'file', 'stat'):
        (actions / (name + '.py')).write_text(ACTION)
    for tasks in (here / 'roles' / 'clocksource' / 'tasks').iterdir():
        tasks.write_text(re.sub(r'ansible\.builtin\.(reboot|systemd_service|copy|file|stat):', r'cloudclock.linux.\1:',
                                tasks.read_text()))

    def run(playbook, answers, *arguments, **environment):
        (tmp_path / 'answers').write_text(json.dumps(answers))
        (tmp_path / 'calls').write_text('')
        (tmp_path / 'hosts').write_text(''.join(host + '\n' for host in answers))
        (tmp_path / 'ansible.cfg').write_text('')
        settings = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(tmp_path), FLEET=str(tmp_path), ANSIBLE_FORKS='5',
                        ANSIBLE_CONFIG=str(tmp_path / 'ansible.cfg'), ANSIBLE_LOCALHOST_WARNING='false',
                        ANSIBLE_NOCOLOR='1', ANSIBLE_CALLBACK_RESULT_FORMAT='yaml',
                        ANSIBLE_LOCAL_TEMP=str(tmp_path / 'tmp'), PYTHONUTF8='1')
        settings.update(environment)
        process = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), 'ansible-playbook'), playbook, '-i', str(tmp_path / 'hosts')]
            + list(arguments), env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8',
            timeout=120, cwd=str(tmp_path), check=False)
        calls = [json.loads(line) for line in (tmp_path / 'calls').read_text().splitlines()]
        return Run(process, calls)
    return run
