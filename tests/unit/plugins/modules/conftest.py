# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import importlib
import json

import pytest
from ansible.module_utils import basic

PACKAGE = 'ansible_collections.cloudclock.linux.plugins.modules.'


class Ended(BaseException):
    """What exit_json and fail_json do: nothing after them runs."""


@pytest.fixture
def run_module(monkeypatch):
    """``run_module('clock_facts', root=…)`` runs the module's main and returns what it would print."""
    def run(module, check_mode=False, **args):
        args.update(_ansible_check_mode=check_mode, _ansible_diff=True)
        monkeypatch.setattr(basic, '_ANSIBLE_ARGS', json.dumps({'ANSIBLE_MODULE_ARGS': args}).encode('utf-8'))
        # From 2.19 on arguments name the form they come in.
        monkeypatch.setattr(basic, '_ANSIBLE_PROFILE', 'legacy', raising=False)
        result = {}

        def end(failed):
            def method(self, msg=None, **kwargs):
                result.update(kwargs, failed=failed)
                if msg is not None:
                    result['msg'] = msg
                raise Ended
            return method
        monkeypatch.setattr(basic.AnsibleModule, 'exit_json', end(False))
        monkeypatch.setattr(basic.AnsibleModule, 'fail_json', end(True))
        with pytest.raises(Ended):
            importlib.import_module(PACKAGE + module).main()
        return result
    return run
