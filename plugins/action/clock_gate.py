# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works on the controller alone: no host is asked, no module runs."""
from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from ansible.errors import AnsibleActionFail

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _verify, _write
from ansible_collections.cloudclock.linux.plugins.plugin_utils._controller import OnController
from ansible_collections.cloudclock.linux.plugins.plugin_utils._verify import _junit

# What verify-clocksource.yml registers and sets on each host, and what may be set for it.
FACTS, FAILURE = 'verify_facts', 'verify_failure'
WISHES = ('source', 'verdicts', 'max_cycles', 'max_ns', 'checks', 'unknown_ok')


class ActionModule(OnController):
    """The gate of verify-clocksource.yml; plugins/modules/clock_gate.py documents it."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec({'junit': {'type': 'path'}})
        hostvars = task_vars['hostvars']
        # what an import_playbook gave is the play's and in no host's variables
        plays = {key: self._templar.template(task_vars[f'verify_{key}']) for key in WISHES if f'verify_{key}' in task_vars
                 and f'verify_{key}' not in hostvars.raw_get(task_vars['inventory_hostname'])}
        found = {name: checks(hostvars, name, plays) for name in task_vars['ansible_play_hosts_all']}
        lines = {name: _verify.lines(name, made) for name, made in found.items()}
        failing = {name: [f'{name}: {check.sentence()}' for check in made if check.failed] for name, made in found.items()}
        failing = {name: words for name, words in failing.items() if words}
        if given['junit']:
            result['junit'] = self._write(Path(os.path.abspath(given['junit'])), found)
        # Nothing of a host changes.
        return dict(result, changed=False, failing=failing, lines=[line for host in lines.values() for line in host],
                    summary=f'{len(found) - len(failing)} passed, {len(failing)} failed of {len(found)} host'
                            + ('' if len(found) == 1 else 's'))

    @staticmethod
    def _write(path: Path, found) -> str:
        """In check mode too: it is what was seen, and the hosts are as they were in any mode."""
        made = datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
        try:
            _write.write(path.parent, {path.name: _junit.junit(found, 'verify-clocksource', made)})
        except OSError as exc:
            raise AnsibleActionFail(f'{path} could not be written: {exc.strerror or exc}') from exc
        return str(path)


def checks(hostvars, name, plays) -> list:
    """The facts are taken raw: they came from the host and are no template."""
    raw = hostvars.raw_get(name)
    hosts = {key: hostvars[name][f'verify_{key}'] for key in WISHES if raw.get(f'verify_{key}') is not None}
    try:
        return _verify.checks_of(raw.get(FACTS), raw.get(FAILURE), _verify.wishes({**plays, **hosts}))
    except ValueError as exc:
        raise AnsibleActionFail(f'{name}: {exc}') from exc
