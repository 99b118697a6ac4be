# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _memory


@pytest.fixture
def memory():
    memory = _memory.start(None, 'one machine')
    _memory.boot(memory, 'first boot')
    return memory


def clocks(ns):
    return {'monotonic': {'vdso': {'ns': {'median': ns}}, 'libc': None, 'syscall': {'ns': {'median': None}}}}


def baselines(memory, *figures):
    found = []
    for ns in figures:
        _memory.reads(memory, clocks(ns))
        found.append(memory['reads']['monotonic vdso']['baseline'])
    return found


def test_a_baseline_takes_three_runs_in_a_row(memory):
    assert baselines(memory, 20, 25, 22) == [None, None, 25]
    assert list(memory['reads']) == ['monotonic vdso']


def test_one_lucky_reading_does_not_lower_it(memory):
    assert baselines(memory, 20, 20, 20, 5, 20, 20, 20)[2:] == [20] * 5


def test_it_falls_and_never_rises(memory):
    assert baselines(memory, 900, 900, 900, 30, 30, 30, 950, 950, 950)[2:] == [900, 900, 900, 30, 30, 30, 30]


def test_another_machine_and_a_damaged_memory_start_anew(memory):
    baselines(memory, 20, 20, 20)
    assert _memory.start(memory, 'one machine') is memory
    for kept in (memory, [], {'machine': 'another'}, {'reads': 1, 'machine': 'another'}):
        assert _memory.start(kept, 'another')['reads'] == {}


LINES = ['[    0.000000] Linux version 6.1', '[    0.500000] clocksource: Switched to clocksource tsc-early',
         '[    1.250000] clocksource: Switched to clocksource tsc', '[    2.000000] other']


def test_a_switch_is_dated_once_by_the_kernels_message(memory):
    _memory.source(memory, 'tsc', LINES, now=1000.0, uptime=100.0)
    assert memory['switch'] == {'stamp': 1.25, 'source': 'tsc', 'time': 901.25}
    # the wall clock was slewed meanwhile
    _memory.source(memory, 'tsc', LINES, now=1300.004, uptime=400.0)
    assert (memory['switch']['time'], memory['switches']) == (901.25, 0)


def test_a_change_between_two_runs_counts_and_has_its_own_date(memory):
    _memory.source(memory, 'tsc', LINES, 1000.0, 100.0)
    _memory.source(memory, 'hpet', LINES + ['[  150.000000] clocksource: Switched to clocksource hpet'], 1300.0, 400.0)
    assert (memory['switches'], memory['switch']['time']) == (1, 1050.0)


def test_without_its_message_a_switch_has_no_date(memory):
    _memory.source(memory, 'tsc', LINES, 1000.0, 100.0)
    _memory.source(memory, 'tsc', ['[  300.000000] the buffer has wrapped'], 1300.0, 400.0)
    assert memory['switch']['time'] == 901.25
    _memory.source(memory, 'hpet', ['[  500.000000] the buffer has wrapped'], 1600.0, 700.0)
    assert (memory['switch'], memory['switches']) == (None, 1)
    _memory.source(memory, 'hpet', None, 1900.0, 1000.0)
    assert memory['switch'] is None


def test_a_switch_to_another_source_than_the_one_in_use_is_not_believed(memory):
    _memory.source(memory, 'hpet', LINES, 1000.0, 100.0)
    assert memory['switch'] is None


def test_a_boot_forgets_what_was_of_the_last_one(memory):
    _memory.source(memory, 'tsc', LINES, 1000.0, 100.0)
    _memory.warp(memory, {'worst_cycles': 0, 'partial': False}, 2e9, 1000)
    baselines(memory, 20, 20, 20)
    _memory.boot(memory, 'first boot')
    assert memory['switch'] and memory['warp']
    _memory.boot(memory, 'second boot')
    assert (memory['switch'], memory['warp']) == (None, None)
    assert memory['reads']['monotonic vdso']['baseline'] == 20
    _memory.source(memory, 'kvm-clock', [], 2000.0, 10.0)
    assert memory['switches'] == 1


def test_the_warp_test_is_daily_and_hourly_where_it_was_not_finished(memory):
    assert _memory.warp_owed(memory, 1000)
    _memory.warp(memory, {'worst_cycles': 0, 'partial': False}, 2e9, 1000)
    assert [_memory.warp_owed(memory, 1000 + after) for after in (3600, 86399, 86400, -1)] == [False, False, True, True]
    for result in ({'worst_cycles': 0, 'partial': True}, None):
        memory['warp'] = None
        _memory.warp(memory, result, 2e9, 1000)
        assert [_memory.warp_owed(memory, 1000 + after) for after in (3599, 3600)] == [False, True]


def test_a_step_back_that_was_seen_stands(memory):
    _memory.warp(memory, {'worst_cycles': 70, 'partial': True}, 2e9, 1000)
    _memory.warp(memory, {'worst_cycles': 0, 'partial': False}, 2e9, 2000)
    assert (memory['warp']['result']['worst_cycles'], memory['warp']['time']) == (70, 2000)
    _memory.warp(memory, {'worst_cycles': 90, 'partial': False}, 2e9, 3000)
    assert memory['warp']['result']['worst_cycles'] == 90


def test_a_step_back_is_kept_in_seconds(memory):
    for cycles, hertz, seconds in ((0, 2e9, None), (70, None, None), (80, 2e9, 4e-08), (0, 2e9, 4e-08), (60, 1e9, 4e-08),
                                   (90, 2e9, 4.5e-08)):
        _memory.warp(memory, {'worst_cycles': cycles, 'partial': False}, hertz, 1000)
        assert memory['warp']['seconds'] == seconds
    _memory.warp(memory, None, None, 2000)
    assert memory['warp']['seconds'] == 4.5e-08
