# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded kernel messages, written as var/log/dmesg below a root, and what is to be told from them."""
import io
import json
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _evidence, _klog, _tsc
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

MACHINES = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'machines')


def recorded(*names):
    rows = []
    for name in names:
        with io.open(os.path.join(MACHINES, name), encoding='utf-8') as handle:
            rows.extend(json.load(handle))
    return [pytest.param(row, id=row['id']) for row in rows]


@pytest.mark.parametrize('record', recorded('kernel_logs.json', 'further_logs.json'))
def test_recorded_messages(record, tmp_path):
    os.makedirs(str(tmp_path / 'var' / 'log'))
    with io.open(str(tmp_path / 'var' / 'log' / 'dmesg'), 'w', encoding='utf-8') as handle:
        handle.write(u'\n'.join(record['lines']) + u'\n')
    root = Root(str(tmp_path))
    lines, complete = _klog.read(root)
    found = _tsc.judge(_evidence.collect(root), lines, complete)
    expect = record['expect']
    assert found['unstable'] is expect['tsc_unstable']
    assert found['unstable_reason'] in [expect['reason']] + record.get('accept_reason', [])
    assert found['switched_to'] == expect['switched_to']
    assert found['khz'] == record.get('khz', found['khz'])
    assert found['policy'] == record.get('policy')


def test_flags_of_x86():
    found = _tsc.judge({'cpu': {'flags': ['tsc', 'constant_tsc', 'tsc_known_freq']}}, None)
    assert (found['constant'], found['nonstop'], found['known_freq']) == (True, False, True)


def test_flags_are_whole_words():
    found = _tsc.judge({'cpu': {'flags': ['xconstant_tsc', 'nonstop_tsc_s3']}}, None)
    assert (found['constant'], found['nonstop']) == (False, False)


@pytest.mark.parametrize('evidence', [{}, {'cpu': None}, {'cpu': {'features': 'fp asimd'}}])
def test_no_x86_flags_is_null(evidence):
    found = _tsc.judge(evidence, None)
    assert (found['constant'], found['nonstop'], found['known_freq']) == (None, None, None)


def test_messages_that_cannot_be_read_are_null():
    found = _tsc.judge({}, None)
    assert (found['unstable'], found['unstable_reason'], found['switched_to'], found['khz']) == (None,) * 4


CLEAN = ['[    0.500000] clocksource: Switched to clocksource tsc']


@pytest.mark.parametrize('complete, unstable', [(True, False), (False, None), (None, False)])
def test_what_the_reader_says_of_completeness_stands(complete, unstable):
    assert _tsc.judge({}, CLEAN, complete)['unstable'] is unstable


def test_incomplete_messages_still_tell_the_last_switch_and_a_fault():
    lines = CLEAN + ['[   90.000000] tsc: Marking TSC unstable due to clocksource watchdog']
    found = _tsc.judge({}, lines, False)
    assert (found['unstable'], found['switched_to']) == (True, 'tsc')


def test_frequency_from_sysfs_where_the_log_has_none():
    assert _tsc.judge({'tsc_khz': 2000000}, CLEAN)['khz'] == 2000000
    assert _tsc.judge({'tsc_khz': 2000000}, ['[    0.000000] tsc: Detected 2600.001 MHz processor'])['khz'] == 2600001


@pytest.mark.parametrize('line', [
    '[    0.000000] hpet: 8 comparators, 64-bit 14.318180 MHz counter',
    '[    0.000000] tsc: Detected fast MHz processor',
    '[    0.100000] Detected 3 MHz of something',
])
def test_other_frequencies_are_not_the_tscs(line):
    assert _tsc.judge({}, [line])['khz'] is None


def test_the_kernel_marks_once_and_the_first_reason_stays():
    lines = ['[    0.100000] tsc: Marking TSC unstable due to TSCs unsynchronized',
             '[    9.000000] TSC found unstable after boot, most likely due to broken BIOS.']
    assert _tsc.judge({}, lines)['unstable_reason'] == 'TSCs unsynchronized'


def test_stamps_that_jump_back_in_mid_boot_do_not_begin_a_boot():
    lines = ['[    0.000000] Linux version 2.6.22', '[   18.000000] tsc: Marking TSC unstable due to cpufreq changes',
             '[    7.600000] Time: hpet clocksource has been installed.']
    assert _tsc.this_boot(lines) == lines


def test_a_stamp_of_zero_early_in_a_boot_does_not_begin_another():
    lines = ['[    0.000000] tsc: Fast TSC calibration using PIT',
             '[    0.000002] tsc: Detected 2000.000 MHz processor',
             '[    0.000000] Console: colour VGA+ 80x25']
    assert _tsc.this_boot(lines) == lines
