# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import os
import re

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _audit, _probe
from ..module_utils.test_payers import NO_RULES, RAW


@pytest.fixture(name='counted')
def lay(monkeypatch):
    """What the probe will have counted; returns what it is asked for."""
    def given(raw, reason=None, unmeasured=None):
        asked = []

        class Found:
            def __init__(self):
                self.reason = reason

            def run(self, budget_ms, clocks):
                asked.append(clocks)
                if unmeasured:
                    self.reason = unmeasured
                    return None
                return {'clocks': {'monotonic': {'path': 'vdso'}}}

            def look(self, seconds):
                asked.append(seconds)
                self.reason = None if raw else reason
                return raw
        monkeypatch.setattr(_probe, 'load', lambda module: Found())
        monkeypatch.setattr(_audit, 'read', lambda root: NO_RULES)
        return asked
    return given


def test_the_result(run_module, counted):
    raw = copy.deepcopy(RAW)
    raw['names'][str(os.getpid())] = open('/proc/self/comm').read().strip()
    raw['rows'].insert(0, [os.getpid(), '64-bit', 'clock_gettime', 1, 99, 99, 1, 99])
    asked = counted(raw)
    result = run_module('time_syscalls_info', check_mode=True, seconds=3)
    assert asked == [['monotonic', 'monotonic_raw', 'boottime', 'tai'], 3]
    assert (result['failed'], result['changed'], result['clocks']) == (False, False, {'monotonic': 'vdso'})
    assert result['clocks_reason'] is None
    myself, gone = result['processes'][:2]
    assert (myself['pid'], myself['uid'], myself['ended']) == (os.getpid(), os.getuid(), False)
    assert (gone['pid'], gone['name'], gone['ended'], gone['command']) == (7, 'loop', True, None)


def test_paths_that_were_not_measured_are_no_reason_of_a_process(run_module, counted):
    rows = [[os.getpid(), '64-bit', 'clock_gettime', 11, 30, 30, 1, 30]]
    counted(dict(RAW, rows=rows), unmeasured='the probe gave no measurement')
    result = run_module('time_syscalls_info')
    assert (result['clocks'], result['clocks_reason']) == ({}, 'the probe gave no measurement')
    assert (result['processes'][0]['why_it_enters'], result['processes'][0]['certain']) == ('unknown', False)


def test_what_is_returned_is_documented(run_module, counted):
    from ansible_collections.cloudclock.linux.plugins.modules import time_syscalls_info
    counted(RAW)
    documented = re.findall(r'^(\w+):', time_syscalls_info.RETURN, re.M)
    assert set(run_module('time_syscalls_info')) - {'failed', 'changed'} == set(documented)


def test_a_name_that_is_no_text_can_be_told(run_module, counted):
    counted(dict(RAW, names={'7': 'caf\u00c3\u00a9"\n\u00ff'}))
    assert run_module('time_syscalls_info')['processes'][0]['name'] == 'caf\u00e9"\n?'


def test_a_refusal_fails_with_what_to_do(run_module, counted):
    counted({'schema': 1, 'refused': {'what': 'tracefs', 'path': '/sys/x', 'errno': 2, 'words': 'No such file'}})
    result = run_module('time_syscalls_info')
    assert result['failed'] is True
    assert 'mount -t tracefs' in result['msg']


def test_a_probe_that_did_not_run(run_module, counted):
    counted(None, 'it was killed by SIGSYS')
    assert run_module('time_syscalls_info')['msg'] == 'The system calls were not counted: it was killed by SIGSYS'


def test_without_a_probe(run_module):
    assert _probe.ABSENT in run_module('time_syscalls_info')['msg']


@pytest.mark.parametrize('name, value', [('seconds', 0), ('seconds', 61), ('limit', 0), ('limit', 10001)])
def test_bounds(run_module, counted, name, value):
    asked = counted(RAW)
    assert run_module('time_syscalls_info', **{name: value})['msg'].startswith(name + ' must be ')
    assert not asked
