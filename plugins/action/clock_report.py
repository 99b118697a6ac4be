# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works on the controller alone: no host is asked, no module runs."""
from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleActionFail

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _report, _write
from ansible_collections.cloudclock.linux.plugins.plugin_utils._controller import OnController

# What audit-clocks.yml registers and sets on each host.
FACTS, BENCH, FAILURE, POLICY = 'audit_facts', 'audit_bench', 'audit_failure', 'clocksource_policy'


class ActionModule(OnController):
    """The report of audit-clocks.yml; plugins/modules/clock_report.py documents it."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec({
            'path': {'type': 'path', 'default': 'clock-audit'},
            'hosts': {'type': 'list', 'elements': 'str'},
            'calls_per_second': {'type': 'int', 'default': 100000},
        })
        hostvars = task_vars['hostvars']
        names = given['hosts'] if given['hosts'] is not None else task_vars['ansible_play_hosts_all']
        plays = self.play_variables(task_vars)
        answers = [self._answer(hostvars, name, plays) for name in names]
        made = datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        rate = given['calls_per_second']
        report = _report.report(answers, made, rate, options())
        # Nothing of a host changes, and the first host of the play would stand in the recap as changed.
        result.update(changed=False, summary=report['summary'], table=_report.table(report['hosts'], report['summary'], rate))
        # A run of some tags only would put an empty report over a full one.
        if not any(facts or bench or failure for _name, facts, bench, failure, _rows in answers):
            return dict(result, msg='no host was looked at in this run: the last report is as it was')
        if not given['path']:
            return dict(result, msg='no report is asked for')
        return dict(result, **self._write(Path(os.path.abspath(given['path'])), _report.render(report)))

    def _answer(self, hostvars, name, plays) -> tuple:
        """What the audit holds of a host. Raw: it came from that host and is no template."""
        known = hostvars.raw_get(name)
        if not isinstance(known, dict):
            raise AnsibleActionFail(f'there is no host {name}')
        rows = self.of_host(plays[POLICY], known, plays) if POLICY in plays else hostvars[name][POLICY] if known.get(POLICY) else []
        return name, known.get(FACTS), known.get(BENCH), known.get(FAILURE), rows

    def _write(self, folder, texts) -> dict:
        if self._task.check_mode:
            page = folder / next(iter(texts))
            return {'files': [str(folder / name) for name in texts], 'msg': f'check mode, nothing is written; the page would be {page}'}
        try:
            files = _write.write(folder, texts)
        except OSError as exc:
            return {'failed': True, 'msg': f'the report could not be written to {folder}: {exc.strerror or exc}. The table has every '
                                           'host; audit_report names another folder, and an empty one writes none'}
        return {'files': files, 'msg': f'the page is {files[0]}'}


def options() -> list[str]:
    """The audit's own arguments that say which hosts there are and how they are reached; no variable, it may be secret."""
    given, found = context.CLIARGS, []
    for source in given.get('inventory') or ():
        if source not in (C.DEFAULT_HOST_LIST, *C.DEFAULT_HOST_LIST):
            found += ['-i', shorter(str(source))]
    for flag, key, usual in (('-c', 'connection', C.DEFAULT_TRANSPORT), ('-u', 'remote_user', C.DEFAULT_REMOTE_USER)):
        if given.get(key) and given[key] != usual:
            found += [flag, str(given[key])]
    return found


def shorter(source: str) -> str:
    """A path below the present folder as that folder's own."""
    here = os.getcwd() + os.sep
    return source[len(here):] if source.startswith(here) else source
