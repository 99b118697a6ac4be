# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up fleet: verdicts by the real policy, figures that were recorded on real machines and scaled."""
from __future__ import annotations

import functools
import json
import random
from pathlib import Path

from ansible_collections.cloudclock.linux.plugins.module_utils import _policy, _readings

HERE = Path(__file__).resolve().parent.parent.parent
RECORDED = HERE / 'tests' / 'unit' / 'plugins' / 'module_utils' / 'probe_json'
# What a machine could call itself to do harm.
HOSTILE = '</script><script>document.title="taken"</script><!--<script><img src=x onerror=alert(1)>\u202e\u2028"\'`&lt;'
FORMULA = '=cmd|\' /C calc\'!A0'
TSC = {'constant': True, 'nonstop': True, 'known_freq': True, 'khz': 2600000, 'unstable': False, 'unstable_reason': None,
       'policy': None, 'emulated': False, 'xen_mode': None, 'warp': None, 'warp_cycles': None}
NO_WARP = {'pairs_tested': 6, 'pairs_total': 6, 'partial': False, 'worst_cycles': 0, 'worst_pair': None, 'blur_cycles': 41,
           'covered': 4, 'cpus': [0, 1, 2, 3], 'reason': None, 'elapsed_ms': 120.0, 'budget_ms': 2000, 'exchanges': 300000}
WARPED = dict(NO_WARP, worst_cycles=165, worst_pair=[0, 3])


@functools.lru_cache
def recorded(name: str) -> str:
    return json.dumps(_readings.judge(json.loads((RECORDED / f'{name}.json').read_text())))


def facts(current, available, provider='aws', platform='nitro', instance_type=None, hypervisor='kvm', container=None, tsc=(),
          fast=None, boot=(), cpus=4, **more):
    """clock_facts' result, its verdict by the policy."""
    known = dict(TSC if current != 'arch_sys_counter' else dict.fromkeys(TSC), **dict(tsc))
    cloud = {'provider': provider, 'platform': platform, 'instance_type': instance_type, 'evidence': [], 'settled': True}
    host = {'type': hypervisor, 'container': container, 'signature': None, 'virt_mode': None, 'xen_role': None}
    clock = {'current': current, 'available': available, 'writable': container is None, 'switched_to': current}
    vdso = {'fast': current in ('tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page') if fast is None else fast,
            'mapped': True, 'evidence': 'measured'}
    choice = _policy.decide(clock, known, vdso, cloud, host)
    clock.update((key, choice[key]) for key in ('recommended', 'verdict', 'reason', 'source'))
    return {'changed': False, 'ansible_facts': {'clock': dict({
        'cloud': cloud, 'hypervisor': host, 'clocksource': clock, 'tsc': known, 'vdso': vdso, 'ptp': [], 'cpus': cpus,
        'time_sync': {'daemon': 'chrony', 'source': '169.254.169.123', 'stratum': 4, 'offset_seconds': -0.000012, 'leap': 'normal',
                      'root_dispersion': 0.0003, 'reference_id': 'A9FEA97B', 'reason': None},
        'boot': dict({'bootloader': 'grub', 'clocksource': None, 'tsc': [], 'running': [], 'configured': [],
                      'reboot_required': False, 'reason': None, 'kernel_choice': available[0] if available else None,
                      'unit': {'present': False, 'enabled': False, 'sha256': None}}, **dict(boot)),
        'probe': {'ran': True, 'reason': None, 'elapsed_ms': 6.2},
        'cost': dict({'path': 'vdso', 'ns': 20.1} if vdso['fast'] else {'path': 'syscall', 'ns': 900.4},
                     cycles=None, syscall_ns=None, counter_ns=8.7)}, **more)}}


def bench(ns, path='vdso', seed=1, machine='x86_64', warp=None):
    """clock_bench_info's result: MONOTONIC and REALTIME of a recorded run, scaled to ``ns``."""
    dice = random.Random(seed)
    it = json.loads(recorded('kvm-tsc' if path == 'vdso' else 'tcg-hpet'))
    mould = it['clocks']['monotonic']
    clocks = {}
    for name, factor in (('monotonic', 1), ('realtime', 1 + dice.uniform(-.02, .02))):
        clock = json.loads(json.dumps(mould))
        for way in ('libc', 'vdso', 'syscall'):
            if clock[way] is None:
                continue
            scale = factor * ns / mould['libc']['ns']['median']
            for key in ('median', 'low', 'high', 'min', 'p50', 'p90', 'max'):
                figure = clock[way]['ns'][key]
                clock[way]['ns'][key] = None if figure is None else round(figure * scale, 2)
            middle = clock[way]['ns']['median']
            clock[way]['ns'].update(p99=round(middle * 1.4, 2), p999=round(middle * 2.1, 2), max=round(middle * 700, 2))
            clock[way]['cycles']['median'] = round(middle * 2.6, 2)
            clock[way]['histogram'] = humps(middle, dice)
        clock['path'], clock['cpu_percent'] = path, round(ns / 100, 3)
        clocks[name] = clock
    it.update(clocks=clocks, warp=warp or NO_WARP, changed=False, clocksource=None, build=dict(it['build'], machine=machine))
    return it


def humps(ns, dice):
    """10,000 single reads: most near ``ns``, one in fifty ten times as long, few that something interrupted."""
    bins: dict[int, int] = {}
    for median, reads in ((ns, 9789), (ns * 10, 200), (ns * 300, 11)):
        for _read in range(50):
            at = 1
            while at < median * dice.lognormvariate(0, .25):
                at *= 2
            bins[at] = bins.get(at, 0) + reads // 50
    bins[max(bins)] += 11
    return [{'le_ns': le, 'count': count} for le, count in sorted(bins.items()) if count]


def answers(facts_of=None, bench_of=None, failure=None):
    return {'facts': facts_of or {}, 'bench': bench_of or {}, 'failure': failure}


def lost(why):
    return answers({'unreachable': True, 'changed': False, 'msg': why})


def small() -> dict:
    """``{host: {'facts', 'bench', 'failure'}}`` with one of each kind."""
    xen, pair = ['xen', 'tsc', 'hpet', 'acpi_pm'], ['tsc', 'kvm-clock', 'hpet', 'acpi_pm']
    fleet = {}
    for number in range(1, 7):
        fleet[f'web-{number:02}'] = answers(
            facts('xen', xen, platform='xen', instance_type='m4.large', hypervisor='xen', fast=False),
            bench(1040 + 37 * number, 'syscall', number))
    kept = {'clocksource': 'tsc', 'running': ['clocksource=tsc'], 'configured': ['clocksource=tsc'], 'kernel_choice': 'xen'}
    for number in range(7, 13):
        waiting = {} if number < 11 else {'running': [], 'reboot_required': True}
        fleet[f'web-{number:02}'] = answers(
            facts('tsc', xen, platform='xen', instance_type='m4.large', hypervisor='xen', boot=dict(kept, **waiting)),
            bench(20 + number / 9, seed=number))
    for number in range(1, 9):
        fleet[f'db-{number:02}'] = answers(facts('tsc', pair, instance_type='r6i.2xlarge', cpus=8), bench(17 + number / 5, seed=number))
    for number in range(1, 5):
        fleet[f'api-{number:02}'] = answers(facts('kvm-clock', pair[1:], 'gcp', None, 'n2-standard-4'), bench(25 + number, seed=number))
        fleet[f'arm-{number:02}'] = answers(facts('arch_sys_counter', ['arch_sys_counter'], instance_type='c7g.large', cpus=2),
                                            bench(29 + number, seed=number, machine='aarch64'))
        fleet[f'win-{number:02}'] = answers(
            facts('hyperv_clocksource_tsc_page', ['hyperv_clocksource_tsc_page', 'hyperv_clocksource_msr', 'acpi_pm'], 'azure', None,
                  'Standard_D4s_v5', 'hyperv'), bench(31 + number, seed=number))
    refused = {'unstable': True, 'unstable_reason': 'clocksource watchdog'}
    fleet['lab-01'] = answers(facts('hpet', ['hpet', 'acpi_pm'], 'none', None, tsc=refused, fast=False), bench(953, 'syscall', 4))
    fleet['lab-02'] = answers(facts('acpi_pm', ['tsc', 'acpi_pm'], 'none', None, hypervisor='vmware', fast=False),
                              bench(2870, 'syscall', 5))
    fleet['lab-03'] = answers(facts('tsc', ['tsc', 'hpet', 'acpi_pm'], 'none', None, hypervisor='none', cpus=48),
                              bench(15.2, seed=6, warp=WARPED))
    fleet['lab-04'] = answers(facts('hpet', ['tsc', 'hpet'], 'none', None, fast=False, cpus=192),
                              bench(886, 'syscall', 7, warp=dict(NO_WARP, partial=True, pairs_tested=900, pairs_total=18336, covered=192)))
    fleet['build-01'] = answers(facts('xen', xen, platform='xen', instance_type='m4.large', hypervisor='xen', container='docker',
                                      fast=False), bench(1088, 'syscall', 8))
    fleet['old-01'] = lost('Failed to connect to the host via ssh: ssh: connect to host old-01 port 22: Connection timed out')
    fleet['old-02'] = lost('Failed to connect to the host via ssh: ssh: connect to host old-02 port 22: Connection timed out')
    fleet['old-03'] = answers(facts('hpet', ['tsc', 'hpet'], 'none', None, fast=False), {'failed': True},
                              'The clocks were not measured: no compiler for x86_64 on the controller: install musl-tools')
    return fleet


def nulls() -> dict:
    """A machine that knows nothing of itself."""
    def empty(value):
        return {key: empty(item) for key, item in value.items()} if isinstance(value, dict) else None
    return answers({'ansible_facts': empty(facts('tsc', ['tsc'])['ansible_facts'])}, empty(bench(20)))


def unknown() -> dict:
    """Machines that are measured or judged and not both, and one whose next boot brings another source."""
    mute = answers(facts('hpet', ['tsc', 'hpet'], 'none', None, fast=False, cost=None))
    leaving = small()['db-01']
    leaving['facts']['ansible_facts']['clock']['boot'].update(clocksource='hpet')
    return {'mute': mute, 'nulls': nulls(), 'bench': answers(None, bench(900, 'syscall')), 'leaving': leaving}


def hostile() -> dict:
    """A machine that puts HOSTILE wherever a text may stand."""
    def spoil(value):
        if isinstance(value, dict):
            return {key: spoil(item) for key, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return HOSTILE if isinstance(value, str) else value
    return answers(spoil(facts('hpet', ['tsc', 'hpet'], fast=False)), spoil(bench(900, 'syscall')), None)


def large(size: int = 5000) -> dict:
    """The small fleet again and again, each time with other figures."""
    dice, fleet, found = random.Random(7), list(small().items()), {}
    for number in range(size):
        name, mould = fleet[number % len(fleet)]
        it = json.loads(json.dumps(mould))
        for clock in it['bench'].get('clocks', {}).values():
            factor = dice.uniform(.8, 1.3)
            clock['libc']['ns'].update({key: value and round(value * factor, 2) for key, value in clock['libc']['ns'].items()})
        found[f'{name.split("-")[0]}-{number:05}.eu-central-1.compute.example.org'] = it
    return found


def rows(fleet: dict):
    """What the room that renders takes."""
    return [(name, it['facts'], it['bench'], it['failure'], []) for name, it in fleet.items()]
