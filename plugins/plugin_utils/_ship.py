# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the probe to the module of the same name, in the round trip that the module takes anyway."""
from __future__ import annotations

import platform
import re

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from . import _build

# It names files and programs here, and a target's answer may be one.
MACHINE = re.compile(r'[a-z0-9_]{1,20}')
ELSEWHERE = 'only a running machine can be measured'


class ShipsProbe(ActionBase):
    """The module gets the argument ``probe`` and whatever the task gives."""

    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        in_background = bool(self._task.async_val) and not self._connection.has_native_async
        try:
            done = self._execute(self._first(task_vars), task_vars, in_background)
            wanted = done.pop('probe_wanted', None)
            if wanted is not None:
                if not isinstance(wanted, str) or not MACHINE.fullmatch(wanted):
                    raise AnsibleActionFail(f'the target asked for the probe of a machine named {wanted!r}')
                done = self._execute(_build.argument(wanted, C.DEFAULT_LOCAL_TMP, retry=False), task_vars, in_background)
            result.update(done)
        finally:
            if not in_background:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _first(self, task_vars):
        if self._task.args.get('root', '/') != '/':
            return _build.nothing(ELSEWHERE)
        return _build.argument(machine_of(self._facts(task_vars)), C.DEFAULT_LOCAL_TMP, retry=not self._task.async_val)

    def _facts(self, task_vars):
        """Of the host that the task runs on; its variables may hold none."""
        if self._task.delegate_to:
            task_vars = (task_vars.get('hostvars') or {}).get(self._task.delegate_to) or {}
        facts = task_vars.get('ansible_facts') or {}
        if 'architecture' not in facts and 'ansible_architecture' in task_vars:
            return dict(facts, architecture=task_vars['ansible_architecture'])
        return facts

    def _execute(self, probe, task_vars, in_background):
        return self._execute_module(module_args=dict(self._task.args, probe=probe), task_vars=task_vars,
                                    wrap_async=in_background)


def machine_of(facts) -> str:
    """The machine as ``uname -m`` names it, from facts where they say so, else the controller's own."""
    known = facts.get('architecture') or (facts.get('clock') or {}).get('machine') or platform.machine()
    known = str(known).lower()
    # what macOS and the BSDs call it
    known = {'arm64': 'aarch64', 'amd64': 'x86_64'}.get(known, known)
    return known if MACHINE.fullmatch(known) else 'x86_64'
