# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = '''
name: meter
type: aggregate
short_description: Writes what each task cost
description:
  - A line of JSON for each task that was started, in the file named by C(METER_LOG), with the wall time and the
    controller's and the target's CPU time in seconds, from its start to the next task's start.
  - The target's share is read by the command in C(METER_ACCOUNT), when that is set.
'''

import json
import multiprocessing
import os
import time

from ansible.plugins.callback import CallbackBase

from transport import account, controller_seconds


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'meter'
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.reader = json.loads(os.environ.get('METER_ACCOUNT', 'null'))
        self.open_task = None
        self.before = None

    def _mark(self, task):
        """End the open task's interval, look at the target's account outside of both intervals, and begin the next."""
        wall = time.monotonic()
        for worker in multiprocessing.active_children():
            worker.join(1)  # its CPU time counts once it has been waited for, which the strategy does a task later
        controller = controller_seconds()
        target = account(self.reader) if self.reader else 0.0
        if self.open_task:
            row = dict(self.open_task, wall=wall - self.before[0], controller=controller - self.before[1],
                       target=target - self.before[2])
            with open(os.environ['METER_LOG'], 'a', encoding='utf-8') as log:
                log.write(json.dumps(row) + '\n')
        self.open_task = task and {'name': task.get_name(), 'action': task.action, 'results': []}
        self.before = (time.monotonic(), controller_seconds(), target)

    def _result(self, word, result):
        if self.open_task:
            self.open_task['results'].append(word)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._mark(task)

    def v2_playbook_on_handler_task_start(self, task):
        self._mark(task)

    def v2_runner_on_ok(self, result):
        self._result('changed' if (getattr(result, 'result', None) or result._result).get('changed') else 'ok', result)

    def v2_runner_on_skipped(self, result):
        self._result('skipped', result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result('failed', result)

    def v2_runner_on_unreachable(self, result):
        self._result('unreachable', result)

    def v2_playbook_on_stats(self, stats):
        self._mark(None)
