# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe's figures: what real machines printed (probe_json/), and small ones whose answers are reckoned by hand."""
import copy
import json
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _measured, _readings

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'probe_json')


def recorded(name):
    with open(os.path.join(RECORDED, name + '.json')) as handle:
        return json.load(handle)


def series(per_call, calls=100):
    """Batches that come to ``per_call`` ticks with the stopwatch's 50 and the loop's one tick a call in them."""
    return {'calls': calls, 'slices': [[50 + calls * (per_call + 1)] * 3, [50 + calls * (per_call + 2)] * 3]}


def path(per_call, singles=(), **more):
    return dict(series(per_call), singles=list(singles), **dict({'back': 0, 'worst_back_ns': 0, 'step_ns': None}, **more))


def raw(vdso=50, libc=52, syscall=400, entry=250, counter=20, work=60, **more):
    """Two ticks a nanosecond, an empty loop of one tick a call."""
    ways = {'vdso': vdso, 'libc': libc, 'syscall': syscall}
    return dict({
        'schema': 1, 'build': {'machine': 'x86_64', 'libc': 'musl', 'compiler': '12.2.0', 'source': None},
        'clocksource': 'tsc', 'budget_ms': 500, 'elapsed_ms': 480.5,
        'counter': {'name': 'rdtsc', 'ticks': 2000000, 'ns': 1000000, 'error_ns': 50},
        'stopwatch': [[40, 2], [50, 5], [90, 1]],
        'loop': series(0), 'work': series(work), 'entry': series(entry), 'counters': {'rdtsc': series(counter)},
        'clocks': {'monotonic': dict({'resolution_ns': 1},
                                     **{way: None if ticks is None else path(ticks) for way, ticks in ways.items()})},
        'warp': None, 'cpuid': None}, **more)


def with_path(**more):
    whole = raw()
    whole['clocks']['monotonic']['vdso'].update(more)
    return whole


def vdso_of(whole):
    return _readings.judge(whole)['clocks']['monotonic']['vdso']


def test_ticks_become_nanoseconds_without_loop_and_stopwatch():
    result = _readings.judge(raw())
    assert result['loop'] == {'ns': 0.5}
    assert result['entry'] == {'ns': 125.0}
    vdso = result['clocks']['monotonic']['vdso']
    assert (vdso['ns']['median'], vdso['cycles']['median']) == (25.0, 50.0)
    assert (result['clocksource'], result['budget_ms'], result['elapsed_ms']) == ('tsc', 500, 480.5)


@pytest.mark.parametrize('slices, median, low, high', [
    # medians 10, 12, 30 ticks a call: the least is the figure, their median the upper end
    ([[11, 11, 11], [9, 12, 13], [31, 31, 31]], 10.0, 10.0, 11.0),
    # the lower quartile of the least slice, 8 of 8, 9, 10, 11, 12
    ([[13, 9, 11, 10, 12]], 10.0, 9.0, 10.0),
    # an even number: the mean of the two in the middle
    ([[11, 12, 13, 14]], 11.5, 10.0, 11.5),
    # two batches are no slice beside one of three
    ([[2, 2], [21, 21, 21]], 20.0, 20.0, 20.0),
    # but better than nothing: the least of a few, since one of them may have been preempted
    ([[], [7, 90]], 6.0, 6.0, 47.5),
    ([[9000], [8, 7]], 6.0, 6.0, 6.5),
    # never less than nothing
    ([[0, 0, 0]], 0.0, 0.0, 0.0),
])
def test_least_of_the_slices_medians(slices, median, low, high):
    whole = with_path(slices=[[50 + 100 * ticks for ticks in batches] for batches in slices])
    ns = vdso_of(whole)['ns']
    assert [2 * ns[key] for key in ('median', 'low', 'high')] == [median, low, high]


@pytest.mark.parametrize('slices', [[], [[], []], [[13540488], []]])
def test_no_batch_or_a_single_one_is_no_figure(slices):
    result = vdso_of(with_path(slices=slices))
    assert (result['ns']['median'], result['ns']['low'], result['cycles']['median']) == (None, None, None)


def test_ranks_of_single_reads():
    # 1,000 reads of 10 … 1,009 ns, two ticks each, with the stopwatch's 50 ticks
    ns = vdso_of(with_path(singles=[[50 + 20 + 2 * n, 1] for n in range(1000)]))['ns']
    assert (ns['min'], ns['p50'], ns['p90'], ns['p99'], ns['max']) == (10.0, 509.0, 909.0, 999.0, 1009.0)
    assert ns['p999'] is None, '10,000 single reads tell it, not 1,000'


@pytest.mark.parametrize('count, p99, p999', [(999, None, None), (1000, 25.0, None), (9999, 25.0, None),
                                              (10000, 25.0, 25.0)])
def test_ranks_need_enough_reads(count, p99, p999):
    ns = vdso_of(with_path(singles=[[100, count]]))['ns']
    assert (ns['p50'], ns['p99'], ns['p999']) == (25.0, p99, p999)


def test_rare_read_is_beyond_its_rank_only():
    ns = vdso_of(with_path(singles=[[100, 9990], [4050, 10]]))['ns']
    assert (ns['p99'], ns['p999'], ns['max']) == (25.0, 25.0, 2000.0)
    ns = vdso_of(with_path(singles=[[100, 9989], [4050, 11]]))['ns']
    assert ns['p999'] == 2000.0


def test_histogram_has_powers_of_two():
    # 0, 16, 16.5, 32, 700 ns; less than the stopwatch itself is nothing
    singles = [[40, 1], [82, 2], [83, 4], [114, 8], [1450, 16]]
    assert vdso_of(with_path(singles=singles))['histogram'] == [
        {'le_ns': 1, 'count': 1}, {'le_ns': 16, 'count': 2}, {'le_ns': 32, 'count': 12}, {'le_ns': 1024, 'count': 16}]


def test_reads_and_what_went_back():
    result = vdso_of(with_path(singles=[[60, 7]], back=2, worst_back_ns=31))
    assert (result['reads'], result['back'], result['worst_back_ns']) == (607, 2, 31)


@pytest.mark.parametrize('figures, path', [
    (dict(vdso=50, syscall=400, entry=250), 'vdso'),                        # tsc on a 2.6 GHz machine
    (dict(vdso=2700, syscall=2650, entry=250), 'syscall'),                  # hpet: the vDSO function falls back
    (dict(vdso=9000, libc=9050, syscall=26000, entry=20000), 'vdso'),       # QEMU's emulation: 10 µs a system call
    (dict(vdso=31000, libc=31050, syscall=30000, entry=20000), 'syscall'),  # hpet there
    (dict(vdso=5, libc=7, syscall=290, entry=250), 'vdso'),                 # a coarse clock: no counter read
    (dict(vdso=935, libc=955, syscall=933, entry=250), 'syscall'),          # a CPU-time clock
    (dict(vdso=4300, libc=4310, syscall=4600, entry=250), 'vdso'),          # rdtsc emulated inside the vDSO
    (dict(vdso=30000, libc=30100, syscall=30200, entry=230), None),         # 15 us, and busy: an entry is lost in it
    (dict(vdso=None, libc=400, syscall=400, entry=250), 'syscall'),         # no vDSO
    (dict(vdso=None, libc=50, syscall=400, entry=250), 'vdso'),             # libc has a way of its own
    (dict(vdso=50, syscall=None), None),                                    # seccomp forbids the raw call
    (dict(vdso=None, libc=None, syscall=400), None),
    (dict(vdso=60, libc=60, syscall=60, entry=0), 'syscall'),
])
def test_path(figures, path):
    assert _readings.judge(raw(**figures))['clocks']['monotonic']['path'] == path


def test_path_is_not_told_from_figures_that_overlap():
    whole = raw(vdso=4300, syscall=4600)
    whole['clocks']['monotonic']['vdso']['slices'].append([50 + 100 * 4900] * 3)
    whole['clocks']['monotonic']['vdso']['slices'].append([50 + 100 * 5000] * 3)
    assert _readings.judge(whole)['clocks']['monotonic']['path'] is None


def test_path_needs_the_kernel_entry():
    whole = raw()
    whole['entry']['slices'] = [[]]
    assert _readings.judge(whole)['clocks']['monotonic']['path'] is None


@pytest.mark.parametrize('libc, grade', [(99, '<100: vDSO works'), (100, '100-500: partly or slow source'),
                                         (500, '100-500: partly or slow source'), (501, '>500: full syscall')])
def test_grade(libc, grade):
    assert _readings.judge(raw(libc=libc))['clocks']['monotonic']['grade'] == grade


def test_grade_is_for_cycles_only():
    whole = raw()
    whole['counter']['name'] = 'cntvct_el0'
    assert _readings.judge(whole)['clocks']['monotonic']['grade'] is None


def test_share_of_a_cpu():
    clock = _readings.judge(raw(libc=2000), calls_per_second=250000)['clocks']['monotonic']
    assert clock['cpu_percent'] == 25.0, '250,000 reads of 1,000 ns'


def test_least_step_of_the_paths():
    whole = raw()
    for way, step in (('vdso', 10), ('libc', 8), ('syscall', None)):
        whole['clocks']['monotonic'][way]['step_ns'] = step
    clock = _readings.judge(whole)['clocks']['monotonic']
    assert (clock['step_ns'], clock['resolution_ns']) == (8, 1)


@pytest.mark.parametrize('counter, work, ratio, emulated', [
    (20, 60, 0.33, False),     # native
    (1500, 60, 25.0, True),    # emulated by Xen
    (180, 60, 3.0, None),      # neither
    (240, 60, 4.0, None),
    (120, 60, 2.0, None),
    (119, 60, 1.98, False),
    (20, 0, None, None),
])
def test_emulated_reads(counter, work, ratio, emulated):
    found = _readings.judge(raw(counter=counter, work=work))['counter']
    assert (found['ratio'], found['emulated']) == (ratio, emulated)


def test_counter():
    found = _readings.judge(raw())['counter']
    assert found == {'name': 'rdtsc', 'hz': 2000000000, 'hz_error_ppm': 50.0, 'ns': {'median': 10.0},
                     'cycles': {'median': 20.0}, 'work': {'cycles': 60.0}, 'ratio': 0.33, 'emulated': False}


@pytest.mark.parametrize('change', [{'ns': 0}, {'ticks': 0}, {'error_ns': 200000}])
def test_unknown_frequency_gives_no_nanoseconds(change):
    whole = with_path(singles=[[100, 5]])
    whole['counter'].update(change)
    result = _readings.judge(whole)
    clock = result['clocks']['monotonic']
    assert result['counter']['hz'] is None
    assert (clock['vdso']['ns']['median'], clock['vdso']['ns']['p50'], clock['vdso']['histogram']) == (None, None, None)
    assert clock['vdso']['cycles']['median'] == 50.0
    assert (clock['path'], clock['cpu_percent']) == ('vdso', None)


def test_nothing_is_held_against_a_clock_that_stands_still():
    result = _readings.judge(raw(clocksource='jiffies'))
    assert result['clocks']['monotonic']['vdso']['ns']['median'] is None


def test_clock_of_the_kernel_counts_no_cycles():
    whole = raw(counters={})
    whole['counter'] = {'name': 'monotonic_raw', 'ticks': 1000, 'ns': 1000, 'error_ns': 0}
    result = _readings.judge(whole)
    assert result['clocks']['monotonic']['vdso']['cycles']['median'] is None
    assert result['clocks']['monotonic']['vdso']['ns']['median'] == 50.0
    assert (result['counter']['ns']['median'], result['counter']['emulated'], result['counters']) == (None, None, None)


WARP = {'budget_ms': 2000, 'elapsed_ms': 1999.5, 'pairs_tested': 600, 'pairs_total': 18336, 'exchanges': 9000,
        'worst_cycles': 0, 'worst_pair': None, 'cpus': list(range(192)), 'covered': 192, 'reason': None}


@pytest.mark.parametrize('change, partial', [({}, True), ({'pairs_tested': 18336}, False),
                                             ({'pairs_tested': 0, 'pairs_total': 0, 'cpus': [3]}, False)])
def test_warp(change, partial):
    warp = _readings.judge(raw(warp=dict(WARP, **change)))['warp']
    assert warp['partial'] is partial
    assert warp['elapsed_ms'] == 1999.5


def test_record_may_hold_as_little_as_a_signature():
    result = _readings.judge({'cpuid': {'hypervisor_signature': 'KVMKVMKVM'}})
    assert result['cpuid']['hypervisor_signature'] == 'KVMKVMKVM'
    assert {key: value for key, value in result.items() if value is not None} == {'cpuid': result['cpuid']}


def edit(*keys_and_value):
    keys, value = keys_and_value[:-1], keys_and_value[-1]
    whole = copy.deepcopy(raw(warp=WARP))
    at = whole
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    return whole


MONOTONIC = ('clocks', 'monotonic')
VDSO = MONOTONIC + ('vdso',)


@pytest.mark.parametrize('bad, key', [
    ([], 'output'), (None, 'output'), ('{}', 'output'), ({}, 'schema'),
    (edit('schema', 2), 'schema'), (edit('schema', None), 'schema'),
    (edit('counter', None), 'counter'), (edit('counter', []), 'counter'), (edit('clocks', {}), 'clocks'),
    (edit('stopwatch', None), 'stopwatch'), (edit('loop', None), 'loop'), (edit('loop', []), 'loop'),
    (edit('budget_ms', '500'), 'budget_ms'), (edit('elapsed_ms', float('nan')), 'elapsed_ms'),
    (edit('clocksource', 1), 'clocksource'), (edit('clocksource', 'x' * 300), 'clocksource'),
    (edit('clocksource', '\udcff'), 'clocksource'), (edit('build', 'gcc'), 'build'),
    (edit('build', 'libc', []), 'build.libc'),
    (edit('counter', 'name', 'sundial'), 'counter.name'), (edit('counter', 'ticks', True), 'counter.ticks'),
    (edit('counter', 'ns', float('inf')), 'counter.ns'), (edit('counter', 'error_ns', -1), 'counter.error_ns'),
    (edit('counter', 'ticks', 1e-300), 'counter.ticks'), (edit('counter', 'ns', 0.5), 'counter.ns'),
    (edit('counters', {'rdpmc': None}), 'counters'), (edit('counters', 'rdtsc', 'calls', 0), 'counters.rdtsc.calls'),
    (edit('stopwatch', [[50, 0]]), 'stopwatch'), (edit('stopwatch', [[50]]), 'stopwatch'),
    (edit('stopwatch', [50]), 'stopwatch'), (edit('stopwatch', [[50, 1], [50, 1]]), 'not ascending'),
    (edit('work', 'calls', 1.5), 'work.calls'), (edit('entry', 'slices', None), 'entry.slices'),
    (edit('entry', 'slices', [5]), 'entry.slices'), (edit('entry', 'slices', [[float('nan')]]), 'entry.slices'),
    (edit('entry', 'slices', [[-1]]), 'entry.slices'), (edit('entry', 'slices', [['1']]), 'entry.slices'),
    (edit('entry', 'slices', [[1 << 70]]), 'entry.slices'),
    (edit('clocks', 'sundial', {}), 'clocks'), (edit(*(MONOTONIC + ([],))), 'clocks.monotonic'),
    (edit(*(MONOTONIC + ({'resolution_ns': 1},))), 'clocks.monotonic.vdso'),
    (edit(*(MONOTONIC + ({way: None for way in ('vdso', 'libc', 'syscall')},))), 'clocks.monotonic.resolution_ns'),
    (edit(*(VDSO + ({key: value for key, value in path(50).items() if key != 'step_ns'},))), 'clocks.monotonic.vdso.step_ns'),
    (edit(*(MONOTONIC + ('resolution_ns', 'one'))), 'clocks.monotonic.resolution_ns'),
    (edit(*(VDSO + ('singles', None))), 'clocks.monotonic.vdso.singles'),
    (edit(*(VDSO + ('back', None))), 'clocks.monotonic.vdso.back'),
    (edit(*(VDSO + ('worst_back_ns', -2))), 'clocks.monotonic.vdso.worst_back_ns'),
    (edit(*(VDSO + ('step_ns', False))), 'clocks.monotonic.vdso.step_ns'),
    (edit('warp', []), 'warp'), (edit('warp', 'pairs_total', 3), 'warp.pairs_tested'),
    (edit('warp', 'worst_cycles', 9), 'warp.worst_pair'), (edit('warp', 'worst_pair', [1]), 'warp.worst_pair'),
    (edit('warp', 'worst_pair', [1, -1]), 'warp.worst_pair'), (edit('warp', 'cpus', 4), 'warp.cpus'),
    (edit('warp', 'covered', None), 'warp.covered'), (edit('warp', 'elapsed_ms', 'long'), 'warp.elapsed_ms'),
    (edit('warp', 'reason', 5), 'warp.reason'),
    (edit('cpuid', 'KVM'), 'cpuid'), (edit('cpuid', {'invariant_tsc': 1}), 'cpuid.invariant_tsc'),
    (edit('cpuid', {'hypervisor_signature': 7}), 'cpuid.hypervisor_signature'),
    (edit('cpuid', {'xen': {'tsc_mode': True}}), 'cpuid.xen.tsc_mode'),
    (edit('cpuid', {'xen': {'emulated': 0}}), 'cpuid.xen.emulated'),
    (edit('cpuid', {'signatures': ['KVMKVMKVM']}), 'cpuid.signatures'),
])
def test_what_the_probe_does_not_print(bad, key):
    with pytest.raises(ValueError, match=key.replace('.', r'\.')):
        _readings.judge(bad, require=True)


def test_error_shows_little_of_what_came():
    with pytest.raises(ValueError) as caught:
        _readings.judge(edit('clocksource', 'x' * 100000))
    assert len(str(caught.value)) < 200


def test_recorded_machine():
    result = _readings.judge(recorded('kvm-tsc'), require=True)
    paths = {name: clock['path'] for name, clock in result['clocks'].items()}
    assert paths == dict({name: 'vdso' for name in paths}, process_cputime_id='syscall', thread_cputime_id='syscall')
    vdso = result['clocks']['monotonic']['vdso']
    assert vdso['ns']['low'] <= vdso['ns']['median'] <= vdso['ns']['high']
    assert 15 < vdso['ns']['median'] < 25
    assert 40 < vdso['cycles']['median'] < 65
    assert vdso['back'] == 0
    assert sum(bucket['count'] for bucket in vdso['histogram']) <= vdso['reads']
    assert (result['counter']['emulated'], result['counter']['name']) == (False, 'rdtsc')
    assert 2.5e9 < result['counter']['hz'] < 2.7e9
    assert result['warp']['partial'] is False
    assert result['cpuid']['hypervisor_signature'] == 'KVMKVMKVM'


def test_recorded_short_run():
    readings = _readings.judge(recorded('kvm-tsc-facts'), require=True)
    cost = _measured.cost(readings)
    assert cost['path'] == 'vdso'
    assert cost['counter_ns'] < cost['ns'] < cost['syscall_ns']
    found = _measured.vdso(readings)
    assert (found['fast'], found['mapped']) == (True, True)
    assert 'by system call' in found['evidence']


def test_recorded_run_that_had_no_time():
    readings = _readings.judge(recorded('kvm-tsc-hurried'), require=True)
    assert readings['counter']['hz'] == 2596112488
    assert set(_measured.cost(readings).values()) == {None}
    assert _measured.vdso(readings) is None


def test_recorded_emulation_of_another_architecture():
    readings = _readings.judge(recorded('aarch64-qemu-user'), require=True)
    assert readings['counter']['name'] == 'cntvct_el0'
    assert readings['cpuid'] is None
    assert readings['clocks']['monotonic']['syscall']['ns']['median'] > 0
    assert readings['clocks']['monotonic']['grade'] is None


NO_TSC = {'emulated': None, 'xen_mode': None, 'warp_cycles': None, 'warp': None}


def measured(cpus=192, **more):
    return _measured.tsc(_readings.judge(raw(**more)), cpus)


def test_no_readings_are_no_facts():
    assert _measured.tsc(None, 4) == NO_TSC
    assert set(_measured.cost(None).values()) == {None}
    assert _measured.vdso(None) is None


@pytest.mark.parametrize('xen, counter, emulated', [
    ({'emulated': False}, 20, False), ({'emulated': True}, 20, True), ({'emulated': False}, 1500, True),
    ({'emulated': False}, 180, False), ({}, 1500, True), (None, 180, None), (None, 20, False), (None, 1500, True),
])
def test_emulation_by_xens_word_and_as_measured(xen, counter, emulated):
    found = measured(cpuid={'xen': xen and dict(xen, tsc_mode=0)}, counter=counter)
    assert found['emulated'] is emulated
    assert found['xen_mode'] == (0 if xen else None)


@pytest.mark.parametrize('change, cycles, partial', [
    ({}, None, True),
    ({'pairs_tested': 18336}, 0, False),
    ({'worst_cycles': 165, 'worst_pair': [3, 7]}, 165, True),
    # all pairs of the two CPUs that a cpuset leaves us
    ({'pairs_tested': 1, 'pairs_total': 1, 'cpus': [0, 1], 'covered': 2}, None, True),
    ({'pairs_tested': 0, 'pairs_total': 0, 'cpus': [0], 'covered': 0}, None, True),
])
def test_warp_cycles_come_from_a_whole_test_or_a_step_back(change, cycles, partial):
    found = measured(warp=dict(WARP, **change))
    assert (found['warp_cycles'], found['warp']['partial']) == (cycles, partial)


@pytest.mark.parametrize('leaf, kept', [
    # t2.micro, 2023-06-15: eax=0x00000006 ebx=0x00000002 ecx=0x00249f0a edx=0x00000001
    # (firecracker-microvm/firecracker, the comment of its T2 CPU template)
    ({'eax': 6, 'tsc_mode': 2, 'emulated': False, 'host_tsc_reliable': True, 'rdtscp': True, 'guest_khz': 2400010,
      'incarnation': 1}, True),
    ({'eax': 1, 'tsc_mode': 0, 'emulated': True}, True),
    ({'eax': None, 'tsc_mode': 0, 'emulated': False}, True),
    ({'tsc_mode': 2, 'emulated': False}, True),
    # Seen in a KVM guest that QEMU shows as Xen: EAX is the host's kHz, ECX and EDX a multiplier and its shift.
    ({'eax': 2596083, 'tsc_mode': 0, 'emulated': True, 'host_tsc_reliable': True, 'rdtscp': False,
      'guest_khz': 3308805840, 'incarnation': 4294967295}, False),
])
def test_a_leaf_that_is_not_xens_own_says_nothing(leaf, kept):
    found = _readings.judge({'cpuid': {'hypervisor_signature': 'XenVMMXenVMM', 'xen': leaf}})['cpuid']
    assert found['xen'] == (leaf if kept else None)
    assert found['hypervisor_signature'] == 'XenVMMXenVMM'


@pytest.mark.parametrize('name, path, least, most', [
    ('tcg-hpet', 'syscall', 800, 1100),
    ('kvm-xen-slow', 'syscall', 550, 750),
    ('kvm-xen-fast', 'vdso', 30, 60),
])
def test_recorded_lab_machines(name, path, least, most):
    """The lab's hpet machine, and its Xen guest while the host reads its own clock slowly and quickly."""
    readings = _readings.judge(recorded(name), require=True)
    paths = {name: clock['path'] for name, clock in readings['clocks'].items()}
    assert paths == {'monotonic': path, 'monotonic_coarse': 'vdso', 'thread_cputime_id': 'syscall'}
    assert least < _measured.cost(readings)['ns'] < most
    assert readings['counter']['emulated'] is False
    assert readings['cpuid']['xen'] is None


class Hurried:
    """A probe whose runs are too short to tell until they get ``enough`` milliseconds."""

    def __init__(self, enough, after=None):
        self.enough, self.after, self.asked = enough, after, []

    def run(self, budget_ms, clocks=None, warp_budget_ms=0):
        self.asked.append((budget_ms, warp_budget_ms))
        if self.after is not None and len(self.asked) > self.after:
            return None
        found = _readings.judge(recorded('kvm-tsc-facts' if budget_ms >= self.enough else 'kvm-tsc-hurried'), require=True)
        return dict(found, warp={'warped': warp_budget_ms} if warp_budget_ms else None)


@pytest.mark.parametrize('enough, asked, path', [
    (8, [(8, 70)], 'vdso'),
    (40, [(8, 70), (40, 0)], 'vdso'),
    (41, [(8, 70), (40, 0)], None),
])
def test_a_run_that_tells_too_little_is_repeated_once_with_more_time(enough, asked, path):
    probe = Hurried(enough)
    readings = _measured.take(probe, 8, 70)
    assert probe.asked == asked
    assert _measured.cost(readings)['path'] == path
    assert readings['warp'] == {'warped': 70}


def test_a_run_that_does_not_tell_whether_the_counter_is_emulated_is_repeated():
    asked = []

    class Between:
        def run(self, budget_ms, clocks=None, warp_budget_ms=0):
            asked.append(budget_ms)
            found = _readings.judge(recorded('kvm-tsc-facts'), require=True)
            return found if budget_ms > 8 else dict(found, counter=dict(found['counter'], emulated=None))

    assert _measured.take(Between(), 8)['counter']['emulated'] is False
    assert asked == [8, 40]


def test_a_repetition_that_fails_leaves_what_there_was():
    readings = _measured.take(Hurried(40, after=1), 8, 70)
    assert readings['counter']['hz'] == 2596112488
    assert _measured.take(Hurried(40, after=0), 8) is None
