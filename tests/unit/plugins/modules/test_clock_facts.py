# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import pathlib
import re

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _probe, _readings

SCHEMA = {
    'cloud': {'provider', 'platform', 'instance_type', 'evidence'},
    'hypervisor': {'type', 'signature', 'container'},
    'clocksource': {'current', 'available', 'switched_to', 'recommended', 'verdict', 'reason', 'source'},
    'tsc': {'constant', 'nonstop', 'known_freq', 'khz', 'unstable', 'unstable_reason', 'warp_cycles', 'emulated',
            'xen_mode', 'warp'},
    'vdso': {'mapped', 'fast', 'evidence'},
    'time_sync': {'daemon', 'source', 'stratum', 'offset_seconds'},
    'cost': {'path', 'ns', 'cycles', 'syscall_ns', 'counter_ns'},
    'probe': {'ran', 'reason', 'elapsed_ms'},
    'boot': {'bootloader', 'clocksource', 'tsc', 'running', 'configured', 'reboot_required'},
}


@pytest.mark.parametrize('where', ['live', 'empty'])
def test_schema(run_module, tmp_path, where):
    result = run_module('clock_facts', root='/' if where == 'live' else str(tmp_path))
    clock = result['ansible_facts']['clock']
    assert {room: SCHEMA[room] - set(clock[room]) for room in SCHEMA} == {room: set() for room in SCHEMA}
    assert isinstance(clock['ptp'], list)


def test_every_key_is_documented(run_module, tmp_path):
    from ansible_collections.cloudclock.linux.plugins.modules import clock_facts
    page = (pathlib.Path(__file__).parents[4] / 'docs' / 'facts.md').read_text(encoding='utf-8')
    clock = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']
    keys = {key for room, found in clock.items() for key in (found if isinstance(found, dict) else [room])}
    assert len(keys) > 50
    assert {key for key in keys if not re.search(r'[`.]%s[`.]' % key, page)} == set()
    assert {key for key in keys if 'C(%s)' % key not in clock_facts.RETURN} == set()


def test_empty_root_is_null_and_no_guess(run_module, tmp_path):
    clock = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']
    assert clock['cloud']['provider'] is None
    assert clock['hypervisor']['type'] is None
    assert clock['clocksource']['current'] is None
    assert clock['clocksource']['verdict'] == 'unknown'
    assert clock['tsc']['unstable'] is None
    assert clock['vdso']['fast'] is None
    assert clock['boot']['bootloader'] is None
    assert clock['boot']['running'] is None
    assert clock['cpus'] is None


def test_only_clock_arguments_become_facts(run_module, tmp_path):
    (tmp_path / 'proc').mkdir()
    (tmp_path / 'proc' / 'cmdline').write_text(
        'root=/dev/sda1 rd.password=hunter2 clocksource=hpet tsc=nowatchdog nmi_watchdog=0 tsc=noirqtime\n')
    result = run_module('clock_facts', root=str(tmp_path))
    assert result['ansible_facts']['clock']['boot']['running'] == ['clocksource=hpet', 'tsc=nowatchdog', 'tsc=noirqtime']
    assert 'hunter2' not in str(result)


@pytest.mark.parametrize('append, found', [
    (None, (None, None, None)),
    ('ro quiet', ([], None, [])),
    ('ro tsc=nowatchdog clocksource=hpet tsc=reliable', (
        ['tsc=nowatchdog', 'clocksource=hpet', 'tsc=reliable'], 'hpet', ['nowatchdog', 'reliable'])),
])
def test_what_the_next_boot_is_told_of_the_tsc_is_null_where_nobody_knows(run_module, tmp_path, append, found):
    if append:
        (tmp_path / 'boot/extlinux').mkdir(parents=True)
        (tmp_path / 'boot/extlinux/extlinux.conf').write_text('default l0\nlabel l0\n linux /vmlinuz\n append %s\n' % append)
    boot = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']['boot']
    assert (boot['configured'], boot['clocksource'], boot['tsc']) == found


@pytest.mark.parametrize('text, source', [
    ('ExecStartPre=-/bin/sh /usr/local/lib/cloudclock/clocksource.sh now tsc\n'
     'ExecStart=/bin/sh /usr/local/lib/cloudclock/clocksource.sh watch tsc\n', 'tsc'), ('ExecStart=/bin/true\n', None), ('', None)])
def test_the_source_that_our_unit_takes(run_module, tmp_path, text, source):
    unit = tmp_path / 'etc/systemd/system/cloudclock-clocksource.service'
    unit.parent.mkdir(parents=True)
    unit.write_text(text)
    found = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']['boot']['unit']
    assert (found['present'], found['enabled'], found['source']) == (True, False, source)


def test_cpus_of_a_recorded_machine(run_module, tmp_path):
    (tmp_path / 'sys/devices/system/cpu').mkdir(parents=True)
    (tmp_path / 'sys/devices/system/cpu/online').write_text('0-3,6,8-9\n')
    assert run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']['cpus'] == 7


def test_link_that_leaves_the_root(run_module, tmp_path):
    (tmp_path / 'sys').symlink_to('../../../../sys')
    result = run_module('clock_facts', root=str(tmp_path))
    assert result['failed'] is True
    assert 'leaves the root' in result['msg']


def test_metadata_is_never_asked_about_another_root(run_module, tmp_path, monkeypatch):
    def connect(*args):
        raise AssertionError('a connection was opened')
    monkeypatch.setattr('socket.socket.connect', connect)
    clock = run_module('clock_facts', root=str(tmp_path), metadata='when_unsettled')['ansible_facts']['clock']
    assert clock['cloud']['provider'] is None


@pytest.mark.parametrize('online', ['', 'all', '0-3,', '0-\u00b2', '9' * 5000])
def test_cpus_of_a_strange_list(run_module, tmp_path, online):
    (tmp_path / 'sys/devices/system/cpu').mkdir(parents=True)
    (tmp_path / 'sys/devices/system/cpu/online').write_text(online, encoding='utf-8')
    assert run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']['cpus'] is None


def test_hostile_tree(run_module, tmp_path):
    """Whatever the files hold, they are no reason to crash, to hang or to fill the memory."""
    for path, text in [
        ('run/chrony/chronyd.pid', '\u00b2 ' + '9' * 5000),
        ('sys/devices/system/cpu/cpu0/tsc_freq_khz', '\u00b2'),
        ('run/cloud-init/instance-data.json', '[' * 200000),
        ('proc/cpuinfo', 'flags\t\t: tsc\n\n'),
        ('proc/cmdline', 'quiet clocksource=\udcff\0 root=UUID=1 password=secret'),
        ('sys/class/dmi/id/sys_vendor', 'Amazon EC2\n'),
        ('sys/class/dmi/id/product_name', 'c5.\udcff\n'),
        ('sys/devices/system/clocksource/clocksource0/available_clocksource', '\udcff tsc\n'),
        ('var/log/dmesg', '[    0.000000] Linux version 6\ntsc: Detected %s.000 MHz processor\n'
                          '[   1.0] clocksource: Switched to clocksource \n' % ('9' * 5000)),
    ]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode('utf-8', 'surrogateescape'))
    os.mkfifo(str(tmp_path / 'sys/devices/system/clocksource/clocksource0/current_clocksource'))
    with open(str(tmp_path / 'var/log/kern.log'), 'wb') as handle:
        handle.truncate(100 << 30)
    result = run_module('clock_facts', root=str(tmp_path))
    assert result['failed'] is False
    clock = result['ansible_facts']['clock']
    assert (clock['clocksource']['current'], clock['clocksource']['verdict']) == (None, 'unknown')
    assert (clock['clocksource']['switched_to'], clock['tsc']['khz']) == (None, None)
    assert clock['time_sync']['daemon'] is None
    assert 'secret' not in json.dumps(result)
    assert json.dumps(result, ensure_ascii=False).encode('utf-8'), 'the controller takes nothing but UTF-8'
    assert clock['cloud']['instance_type'] == 'c5.?'


def test_probe_that_is_nested_too_deep(run_module, tmp_path):
    (tmp_path / 'probe.json').write_text('[' * 200000)
    assert 'probe.json' in run_module('clock_facts', root=str(tmp_path))['msg']


RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, 'module_utils', 'probe_json')


def record(name):
    with open(os.path.join(RECORDED, name + '.json')) as handle:
        return json.load(handle)


class Probe:
    """In place of the runner: ``readings`` or a reason for none."""

    def __init__(self, readings=None, reason='no compiler here'):
        self.readings, self.reason, self.asked = readings, None if readings else reason, []

    def run(self, budget_ms, clocks=None, warp_budget_ms=0):
        self.asked.append((budget_ms, clocks, warp_budget_ms))
        return self.readings


@pytest.fixture
def probe(monkeypatch):
    def lay(*args):
        found = Probe(*args)
        monkeypatch.setattr(_probe, 'load', lambda module: found)
        return found
    return lay


def test_probe_fills_cost_vdso_and_signature(run_module, probe):
    asked = probe(_readings.judge(record('kvm-tsc'))).asked
    clock = run_module('clock_facts', warp_budget_ms=50)['ansible_facts']['clock']
    assert asked == [(6, ['monotonic'], 50)]
    assert clock['probe'] == {'ran': True, 'reason': None, 'elapsed_ms': record('kvm-tsc')['elapsed_ms']}
    assert (clock['cost']['path'], clock['vdso']['fast']) == ('vdso', True)
    assert clock['cost']['counter_ns'] < clock['cost']['ns'] < clock['cost']['syscall_ns']
    assert clock['hypervisor']['signature'] == 'KVMKVMKVM'
    assert clock['tsc']['emulated'] is False
    assert clock['tsc']['warp']['pairs_total'] == 1
    assert json.dumps(clock)


def test_without_a_probe_the_keys_are_null_and_say_why(run_module, probe):
    asked = probe().asked
    clock = run_module('clock_facts')['ansible_facts']['clock']
    assert asked == [(6, ['monotonic'], 0)]
    assert clock['probe'] == {'ran': False, 'reason': 'no compiler here', 'elapsed_ms': None}
    assert set(clock['cost'].values()) == {None}
    assert (clock['tsc']['emulated'], clock['tsc']['warp'], clock['tsc']['warp_cycles']) == (None, None, None)
    assert 'MONOTONIC_COARSE' in clock['vdso']['evidence'], 'the loop takes its place'


def test_nothing_handed_over(run_module):
    ran = run_module('clock_facts')['ansible_facts']['clock']['probe']
    assert ran['ran'] is False
    assert 'gather_facts' in ran['reason']


def test_another_root_has_its_own_record(run_module, tmp_path, monkeypatch):
    monkeypatch.setattr(_probe, 'load', lambda module: pytest.fail('this machine was measured'))
    raw = dict(record('kvm-tsc'), cpuid={'hypervisor_signature': 'XenVMMXenVMM', 'xen': {'tsc_mode': 0, 'emulated': True}})
    (tmp_path / 'probe.json').write_text(json.dumps(raw))
    clock = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']
    assert clock['probe'] == {'ran': False, 'reason': 'another root: from its probe.json', 'elapsed_ms': None}
    assert (clock['tsc']['emulated'], clock['tsc']['xen_mode']) == (True, 0)
    assert clock['cost']['path'] == 'vdso'
    assert clock['hypervisor'] == dict(clock['hypervisor'], type='xen', signature='XenVMMXenVMM')


@pytest.mark.parametrize('raw', [{'schema': 3}, {'warp': {'pairs_tested': 9, 'pairs_total': 1}}, [1], {'cpuid': 'KVM'}])
def test_record_that_no_probe_wrote(run_module, tmp_path, raw):
    (tmp_path / 'probe.json').write_text(json.dumps(raw))
    assert "probe.json: the probe's " in run_module('clock_facts', root=str(tmp_path))['msg']


@pytest.mark.parametrize('budget', [-1, 600001])
def test_warp_budget_out_of_bounds(run_module, tmp_path, budget):
    result = run_module('clock_facts', root=str(tmp_path), warp_budget_ms=budget)
    assert result['msg'] == 'warp_budget_ms must be 0 to 600000'


@pytest.mark.parametrize('budget', [0, 10001])
def test_budget_out_of_bounds(run_module, tmp_path, budget):
    assert run_module('clock_facts', root=str(tmp_path), budget_ms=budget)['msg'] == 'budget_ms must be 1 to 10000'


def test_a_longer_measurement_can_be_asked_for(run_module, probe):
    asked = probe(_readings.judge(record('kvm-tsc'))).asked
    run_module('clock_facts', budget_ms=100)
    assert asked == [(100, ['monotonic'], 0)]


def test_cpufreq_of_a_recorded_machine(run_module, tmp_path):
    for number, governor in enumerate(['powersave', 'performance', 'powersave']):
        policy = tmp_path / 'sys/devices/system/cpu/cpufreq' / ('policy%d' % number)
        policy.mkdir(parents=True)
        (policy / 'scaling_governor').write_text(governor + '\n')
        (policy / 'scaling_driver').write_text('intel_pstate\n')
    clock = run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']
    assert clock['cpufreq'] == {'driver': 'intel_pstate', 'governors': ['performance', 'powersave']}
    assert clock['audit_rules']['total'] is None


def test_without_cpufreq_it_is_null(run_module, tmp_path):
    assert run_module('clock_facts', root=str(tmp_path))['ansible_facts']['clock']['cpufreq'] is None
