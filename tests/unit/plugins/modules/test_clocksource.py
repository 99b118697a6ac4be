# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

DMI = {'sys_vendor': 'Xen', 'product_name': 'HVM domU', 'bios_version': '4.2.amazon', 'bios_vendor': 'Xen'}
CPUINFO = 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu tsc hypervisor lm\n\n'


@pytest.fixture
def machine(tmp_path):
    def lay(current='xen', available='xen tsc hpet acpi_pm', log='[    0.000000] Linux version 5.10.0\n', dmi=None):
        for path, text in [
            ('sys/devices/system/clocksource/clocksource0/current_clocksource', current + '\n'),
            ('sys/devices/system/clocksource/clocksource0/available_clocksource', available + ' \n'),
            ('sys/devices/system/cpu/online', '0-3\n'),
            ('proc/cpuinfo', CPUINFO),
            ('var/log/dmesg', log),
        ] + [('sys/class/dmi/id/' + key, value + '\n') for key, value in (DMI if dmi is None else dmi).items()]:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return str(tmp_path)
    return lay


def tree(path):
    return {str(item): item.read_bytes() for item in path.rglob('*') if item.is_file()}


def test_another_root_is_planned_and_never_written(run_module, machine, tmp_path):
    root = machine()
    before = tree(tmp_path)
    result = run_module('clocksource', root=root)
    assert (result['action'], result['name'], result['changed']) == ('planned', 'tsc', False)
    assert result['vouched_by'] == 'policy'
    assert result['gates']['warp'] == {
        'passed': None, 'reason': 'warp test: not run: another root, without a probe.json'}
    assert tree(tmp_path) == before


def test_nothing_to_do(run_module, machine):
    result = run_module('clocksource', root=machine(current='tsc'))
    assert (result['action'], result['name'], result['verdict']) == ('none', 'tsc', 'optimal')
    assert result['refused'] is False


def test_choice_of_the_policy_that_cannot_be_had_is_no_failure(run_module, machine):
    log = '[    0.000000] Linux version 5.10.0\n[    0.1] tsc: Marking TSC unstable due to TSCs unsynchronized\n'
    result = run_module('clocksource', root=machine('hpet', 'hpet acpi_pm', log))
    assert (result['failed'], result['changed'], result['refused']) == (False, False, True)
    assert 'TSCs unsynchronized' in result['reason']
    assert result['name'] is None


@pytest.mark.parametrize('facts, args, words', [
    ({}, {'name': 'tsc0'}, 'tsc0 is not offered: the kernel offers xen, tsc, hpet, acpi_pm'),
    ({}, {'name': 'hyperv_clocksource_tsc_page'}, 'is not offered'),
    ({'dmi': {}}, {'name': 'tsc'}, 'nobody vouches for tsc'),
    ({}, {'name': 'tsc hpet'}, 'not a clocksource name'),
    ({}, {'name': 'x' * 40}, 'not a clocksource name'),
    ({}, {'tolerance': -1}, 'tolerance must be'),
    ({}, {'tolerance': 'nan'}, 'tolerance must be'),
    ({}, {'settle_seconds': 'inf'}, 'settle_seconds 0 to 600'),
    ({}, {'settle_seconds': -2}, 'settle_seconds 0 to 600'),
    ({}, {'min_speedup': -0.1}, 'min_speedup must be 0 or more, warp_budget_ms 0 to 600000'),
    ({}, {'min_speedup': 'nan'}, 'min_speedup must be'),
    ({}, {'warp_budget_ms': 600001}, 'warp_budget_ms 0 to 600000'),
    ({}, {'warp_budget_ms': -1}, 'warp_budget_ms 0 to 600000'),
    ({}, {'policy': [{'prefers': ['tsc']}]}, "unknown key 'prefers'"),
])
def test_bad_wish_fails_with_its_reason(run_module, machine, facts, args, words):
    result = run_module('clocksource', root=machine(**facts), **args)
    assert result['failed'] is True
    assert words in result['msg']


def test_operators_word_opens_the_gate(run_module, machine):
    result = run_module('clocksource', root=machine(dmi={}), name='tsc', force=['vouched'])
    assert (result['action'], result['vouched_by']) == ('planned', 'operator')


def test_no_clocksource_directory(run_module, tmp_path):
    auto = run_module('clocksource', root=str(tmp_path))
    assert (auto['failed'], auto['refused'], auto['verdict']) == (False, True, 'unknown')
    named = run_module('clocksource', root=str(tmp_path), name='tsc')
    assert named['failed'] is True
    assert 'there is no /sys/devices/system/clocksource' in named['msg']


def test_link_that_leaves_the_root(run_module, machine, tmp_path):
    machine()
    (tmp_path / 'proc' / 'cpuinfo').unlink()
    (tmp_path / 'proc' / 'cpuinfo').symlink_to('../../../../../proc/cpuinfo')
    result = run_module('clocksource', root=str(tmp_path))
    assert result['failed'] is True
    assert 'leaves the root' in result['msg']


def test_missing_root(run_module, tmp_path):
    assert 'is not a directory' in run_module('clocksource', root=str(tmp_path / 'gone'))['msg']


def test_bytes_that_are_no_text(run_module, machine, tmp_path):
    root = machine(current='hpet')
    path = tmp_path / 'sys/devices/system/clocksource/clocksource0/current_clocksource'
    path.write_bytes(b'hp\xffet\n')
    assert run_module('clocksource', root=root)['before']['source'] == 'hp?et'


WARP = {'pairs_tested': 6, 'pairs_total': 6, 'worst_cycles': 0, 'worst_pair': None, 'cpus': [0, 1, 2, 3], 'covered': 4,
        'elapsed_ms': 80.0, 'reason': None}


@pytest.mark.parametrize('probe, action, words', [
    ({'warp': WARP}, 'planned', 'is offered'),
    ({'warp': dict(WARP, worst_cycles=7, worst_pair=[0, 3])}, 'refused', 'went back 7 cycles'),
    ({'warp': dict(WARP, pairs_tested=5)}, 'planned', 'is offered'),   # EC2: the vendor's word covers the rest
    ({'cpuid': {'xen': {'tsc_mode': 1, 'emulated': True}}}, 'refused', 'TSC reads are emulated'),
    ({'cpuid': {'xen': {'tsc_mode': 0, 'emulated': False}}}, 'planned', 'is offered'),
])
def test_recorded_probe_is_a_gate(run_module, machine, tmp_path, probe, action, words):
    root = machine()
    (tmp_path / 'probe.json').write_text(json.dumps(probe))
    result = run_module('clocksource', root=root)
    assert (result['action'], result['failed']) == (action, False)
    assert words in result['reason']
    assert result['measured_by'] is None
