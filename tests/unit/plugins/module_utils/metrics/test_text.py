# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _memory, _text

RUN = {'time': 1700000000.5, 'interval': 300, 'measured': True, 'cpu_seconds': 0.08}


def found(**changes):
    facts = {'clocksource': {'current': 'tsc', 'available': ['tsc', 'hpet'], 'recommended': 'tsc', 'verdict': 'optimal'},
             'vdso': {'fast': True},
             'tsc': {'unstable': False, 'unstable_reason': None, 'policy': None, 'warp_cycles': 0}}
    for key, value in changes.items():
        facts[key] = dict(facts[key], **value)
    return facts


def lines(facts, readings=None, phcs=(), memory=None, run=None):
    memory = memory or _memory.start(None, 'machine')
    return _text.render(facts, readings, phcs, memory, run or RUN).decode('utf-8').splitlines()


READINGS = {'counter': {'hz': 2600000000}, 'clocks': {'monotonic': {
    'vdso': {'ns': {'median': 18.8, 'p50': 20.03, 'p99': None}}, 'libc': None,
    'syscall': {'ns': {'median': 146.1, 'p50': None, 'p99': None}}}}}


def test_figures_are_in_seconds_and_what_is_not_known_is_not_there():
    shown = [line for line in lines(found(), READINGS) if line.startswith('node_clock_read')]
    assert shown == ['node_clock_read_seconds{clock="monotonic",path="vdso"} 1.88e-08',
                     'node_clock_read_seconds{clock="monotonic",path="syscall"} 1.461e-07',
                     'node_clock_read_p50_seconds{clock="monotonic",path="vdso"} 2.003e-08']


def test_nothing_known_leaves_no_guess():
    facts = found(clocksource={'current': None, 'available': [], 'recommended': None, 'verdict': 'unknown'},
                  vdso={'fast': None}, tsc={'unstable': None, 'warp_cycles': None})
    names = {line.partition(' ')[0].partition('{')[0] for line in lines(facts, run=dict(RUN, measured=False))
             if not line.startswith('#')}
    assert names == {'node_clock_verdict', 'node_clock_source_switches_total', 'node_clock_probe_success',
                     'node_clock_last_run_timestamp_seconds', 'node_clock_interval_seconds', 'node_clock_run_cpu_seconds'}


@pytest.mark.parametrize('tsc, fault, policy', [
    ({'unstable': False}, 0, 0),
    ({'unstable': True, 'unstable_reason': 'clocksource watchdog'}, 1, 0),
    ({'unstable': True, 'unstable_reason': 'running on Hyper-V', 'policy': 'running on Hyper-V'}, 0, 1),
    # Hyper-V's rule, and a fault on top of it
    ({'unstable': True, 'unstable_reason': 'clocksource watchdog', 'policy': 'running on Hyper-V'}, 1, 0)])
def test_hyper_vs_rule_is_no_fault(tsc, fault, policy):
    shown = lines(found(tsc=tsc))
    assert 'node_clock_tsc_unstable{why="fault"} %d' % fault in shown
    assert 'node_clock_tsc_unstable{why="policy"} %d' % policy in shown


def test_a_step_back_is_in_seconds_where_the_frequency_is_known():
    facts = found(tsc={'warp_cycles': 260})
    assert 'node_clock_tsc_warp_seconds 1e-07' in lines(facts, READINGS)
    assert not any('tsc_warp_seconds' in line for line in lines(facts))
    assert 'node_clock_tsc_warp_seconds 0' in lines(found())


def test_a_step_back_stands_though_the_probe_fails():
    memory = _memory.start(None, 'machine')
    _memory.warp(memory, {'worst_cycles': 165, 'partial': False, 'pairs_tested': 6, 'pairs_total': 6}, 1650000000, 1000.0)
    shown = lines(found(tsc={'warp_cycles': None}), None, memory=memory, run=dict(RUN, measured=False))
    assert 'node_clock_tsc_warp_seconds 1e-07' in shown


def test_the_memory_is_shown():
    memory = _memory.start(None, 'machine')
    memory.update(switches=2, switch={'time': 1699999000.25}, reads={'monotonic vdso': {'baseline': 18.5}},
                  warp={'time': 1699990000, 'result': {'pairs_tested': 1, 'pairs_total': 6}})
    shown = lines(found(), READINGS, memory=memory)
    for line in ('node_clock_source_switches_total 2', 'node_clock_source_last_switch_timestamp_seconds 1699999000.25',
                 'node_clock_read_baseline_seconds{clock="monotonic",path="vdso"} 1.85e-08',
                 'node_clock_warp_tested_pairs 1', 'node_clock_warp_pairs 6'):
        assert line in shown


def test_labels_are_escaped_and_bytes_that_are_no_text_do_no_harm():
    phc = {'device': '/dev/ptp0', 'clock_name': 'a "b"\\c\nd\udcff', 'kind': 'nic', 'offset_seconds': -0.25,
           'uncertainty_seconds': 1e-06}
    shown = lines(found(), phcs=[phc])
    assert 'node_clock_phc_offset_seconds{clock_name="a \\"b\\"\\\\c\\nd?",device="/dev/ptp0",kind="nic"} -0.25' in shown
