# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say how long each of a scenario's playbooks took, and where one failed what the machines said last."""
from __future__ import annotations

import os
import sys
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: phase
type: aggregate
short_description: The time of a playbook, and the machines' last words where it failed
description: Used by the molecule scenarios only.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'phase'
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook):
        self.name, self.began = os.path.basename(playbook._file_name), time.monotonic()

    def v2_playbook_on_stats(self, stats):
        self._display.display(f'{self.name} took {time.monotonic() - self.began:.0f} s')
        if stats.failures or stats.dark:
            sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
            import console
            for path, end in console.ends():
                self._display.display(f'--- the end of {path}\n{end}')
