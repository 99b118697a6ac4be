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
        hostvars, names = task_vars['hostvars'], task_vars['ansible_play_hosts_all']
        known = {name: hostvars.raw_get(name) for name in names}
        if not any(raw.get(FACTS) or raw.get(FAILURE) for raw in known.values()):
            raise AnsibleActionFail('no host was looked at, so nothing was checked: does verify_hosts match any host of the inventory?')
        plays = self.play_variables(task_vars)
        found = {name: self._checks(name, raw, hostvars, plays) for name, raw in known.items()}
        lines = {name: _verify.lines(name, made) for name, made in found.items()}
        failing = {name: [f'{name}: {check.sentence()}' for check in made if check.failed] for name, made in found.items()}
        failing = {name: words for name, words in failing.items() if words}
        # Nothing of a host changes. What was found is told where the file could not be written, too.
        return dict(result, **self._written(given['junit'], found), changed=False, failing=failing,
                    lines=[line for host in lines.values() for line in host],
                    summary=f'{len(found) - len(failing)} passed, {len(failing)} failed of {len(found)} host'
                            + ('' if len(found) == 1 else 's'))

    def _checks(self, name, raw, hostvars, plays) -> list:
        """The facts are taken raw: they came from the host and are no template."""
        wished = {key: hostvars[name][f'verify_{key}'] for key in WISHES if raw.get(f'verify_{key}') is not None}
        wished.update((key, self.of_host(plays[f'verify_{key}'], raw, plays)) for key in WISHES if f'verify_{key}' in plays)
        try:
            return _verify.checks_of(raw.get(FACTS), raw.get(FAILURE), _verify.wishes(wished))
        except ValueError as exc:
            raise AnsibleActionFail(f'{name}: {exc}') from exc

    @staticmethod
    def _written(junit: str | None, found) -> dict:
        """In check mode too: it is what was seen, and the hosts are as they were in any mode."""
        if not junit:
            return {}
        path, made = Path(os.path.abspath(junit)), datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
        try:
            _write.write(path.parent, {path.name: _junit.junit(found, 'verify-clocksource', made)})
        except OSError as exc:
            return {'failed': True, 'msg': f'{path} could not be written: {exc.strerror or exc}'}
        return {'junit': str(path)}
