# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit as it is, over a fleet whose two modules answer from files: `python -m tests.page.play FOLDER [HOSTS]`."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import fleet as made

HERE = Path(__file__).resolve().parent.parent.parent
ANSWER = '''
import json, os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        with open(os.path.join(os.environ['FLEET'], task_vars['inventory_hostname'])) as answers:
            script = json.load(answers)
        found = script['facts' if self._task.action.endswith('facts') else 'bench']
        if found.get('unreachable'):
            raise AnsibleConnectionFailure(found['msg'])
        return dict(found, msg=script['failure']) if found.get('failed') else found
'''


def run(folder: Path, fleet: dict, *arguments, program: Path = Path(sys.executable).parent / 'ansible-playbook',
        **environment) -> subprocess.CompletedProcess:
    """The playbook, in the folder, where its report will be; its output is the result's stdout."""
    collection, answers = folder / 'ansible_collections' / 'cloudclock' / 'linux', folder / 'answers'
    if not collection.exists():
        for name in ('plugins', 'playbooks', 'roles', 'meta'):
            shutil.copytree(HERE / name, collection / name, ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy(HERE / 'galaxy.yml', collection)
        for name in ('clock_facts', 'clock_bench_info'):
            (collection / 'plugins' / 'action' / f'{name}.py').write_text(ANSWER)
    shutil.rmtree(answers, ignore_errors=True)
    answers.mkdir()
    for name, answer in fleet.items():
        (answers / name).write_text(json.dumps(answer))
    (folder / 'hosts.ini').write_text(''.join(f'{name}\n' for name in fleet))
    plain = {name: value for name, value in os.environ.items() if not name.startswith('ANSIBLE_')}
    plain.update(ANSIBLE_COLLECTIONS_PATH=str(folder), FLEET=str(answers), ANSIBLE_LOCAL_TEMP=str(folder / 'tmp'),
                 ANSIBLE_HOME=str(folder / 'home'), ANSIBLE_NOCOLOR='1', ANSIBLE_CALLBACK_RESULT_FORMAT='yaml',
                 ANSIBLE_DISPLAY_SKIPPED_HOSTS='false', PYTHONUTF8='1', **environment)
    return subprocess.run([str(program), 'cloudclock.linux.audit_clocks', '-i', 'hosts.ini', *arguments], cwd=folder, env=plain,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=1500,
                          check=False)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    fleet = made.large(int(sys.argv[2])) if len(sys.argv) > 2 else made.small()
    start = time.monotonic()
    done = run(folder, fleet, ANSIBLE_CALLBACKS_ENABLED='ansible.posix.profile_tasks')
    print(done.stdout[-3000:])
    print(f'{len(fleet)} hosts, {time.monotonic() - start:.0f} s, exit code {done.returncode}')


if __name__ == '__main__':
    main()
