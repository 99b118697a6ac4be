# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action plugin says of itself that works on the controller alone, once for all hosts of a play."""
from __future__ import annotations

from ansible.plugins.action import ActionBase


class OnController(ActionBase):
    """No host is asked, no module runs."""

    TRANSFERS_FILES = False
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def play_variables(self, task_vars) -> dict:
        """What the play, an import of it, or the task gives, as it is written; no host's variables have that.

        It goes before what the inventory gives and after ``-e``: where that was given, the values differ.
        """
        given = {**self._task.get_play().get_vars(), **self._task.get_vars()}
        return {name: value for name, value in given.items() if task_vars.get(name) == value}

    def of_host(self, value, known, given):
        """``value`` of ``given``, play_variables', as a template of that host, whose variables ``known`` are."""
        return self._templar.copy_with_new_env(available_variables={**known, **given}).template(value)
