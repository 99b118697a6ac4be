# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured around a switch, and what follows, with a probe that answers from a table."""
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _clocksource, _gauge, _klog, _loop, _plan, _switch
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

NS = {'hpet': 1000.0, 'tsc': 20.0, 'kvm-clock': 22.0, 'xen': 900.0, 'jiffies': None}
WARP = {'pairs_tested': 6, 'pairs_total': 6, 'worst_cycles': 0, 'worst_pair': None, 'elapsed_ms': 90.0, 'covered': 4,
        'cpus': [0, 1, 2, 3], 'reason': None, 'partial': False}
PARAMS = {'name': 'auto', 'force': [], 'tolerance': 0.25, 'settle_seconds': 0, 'min_speedup': 1.2,
          'warp_budget_ms': 2000, 'remember': True, 'state': 'present'}


class Machine:
    """A kernel with its sources, and a probe on it; ``runs`` is what the probe was asked for."""

    reason = None

    def __init__(self, current, ns=None, counter=8.0, emulated=False, warp=None, ends_after=None):
        self.current, self.counter, self.emulated = current, counter, emulated
        self.ns, self.warp, self.ends_after = dict(NS, **(ns or {})), dict(WARP, **(warp or {})), ends_after
        self.runs = []

    def run(self, budget_ms, clocks=None, warp_budget_ms=0):
        self.runs.append((budget_ms, clocks, warp_budget_ms))
        if self.ends_after is not None and len(self.runs) > self.ends_after:
            self.reason = 'the probe ended by signal 31'
            return None
        path = {'ns': {'median': self.ns[self.current]}, 'cycles': {'median': None}}
        return {'clocks': {'monotonic': {'vdso': path, 'libc': path, 'syscall': path, 'path': 'vdso'}}, 'elapsed_ms': 99.5,
                'counter': {'ns': {'median': self.counter}, 'ratio': 0.4, 'emulated': self.emulated}, 'cpuid': None,
                'counters': {'rdtsc': {}},
                'warp': self.warp if warp_budget_ms else None}

    def switch(self, root, name):
        self.current = name or 'hpet'
        return self.current

    def facts(self, verdict='slow', recommended='tsc', available=('hpet', 'tsc', 'kvm-clock', 'jiffies')):
        return {'clocksource': {'current': self.current, 'available': list(available), 'writable': True,
                                'verdict': verdict, 'recommended': recommended, 'reason': 'hpet is slow',
                                'source': 'a row'},
                'tsc': {'constant': True, 'nonstop': True, 'unstable': False, 'unstable_reason': None, 'emulated': None,
                        'xen_mode': None, 'warp': None, 'warp_cycles': None},
                'cloud': {'provider': 'none', 'platform': None}, 'hypervisor': {'type': 'kvm', 'container': None},
                'cpus': 4, 'cost': {}, 'probe': {'ran': True, 'reason': None, 'elapsed_ms': 7.9}}


class Module:
    check_mode = False

    def __init__(self, params):
        self.params = params


@pytest.fixture
def run(tmp_path, monkeypatch):
    """``run(machine, verdict=…, **params)`` → (result, facts), as the module's run does it."""
    def play(machine, facts=None, **params):
        root = Root(tmp_path)
        root.live = True
        monkeypatch.setattr(_clocksource, 'switch', machine.switch)
        monkeypatch.setattr(_clocksource, 'watch', lambda root, name, seconds: machine.current)
        monkeypatch.setattr(_clocksource, 'read', lambda root: {
            'current': machine.current, 'available': ['hpet', 'tsc'], 'writable': True})
        monkeypatch.setattr(_klog, 'read', lambda root: (['[    0.000000] Linux version 6.12.0'], True))
        module = Module(dict(PARAMS, **params))
        facts = facts or machine.facts()
        gauge = _gauge.Gauge(machine, module.params)
        result = _plan.decide(module.params, facts, (), gauge)
        if result['action'] == 'switched':
            result = _switch.switch(module, root, result, gauge)
        return result, facts
    monkeypatch.setattr('ansible_collections.cloudclock.linux.plugins.module_utils._state.remember',
                        lambda *args: False)
    monkeypatch.setattr(_loop, 'counter_cost', lambda budget: pytest.fail('the loop was run beside the probe'))
    return play


def test_measured_before_and_after_by_the_probe(run):
    machine = Machine('hpet')
    result, facts = run(machine)
    assert (result['before'], result['after']) == ({'source': 'hpet', 'ns': 1000.0}, {'source': 'tsc', 'ns': 20.0})
    assert (result['changed'], result['speedup'], result['measured_by']) == (True, 50.0, 'probe')
    assert machine.runs == [(100, ['monotonic'], 0), (1, ['monotonic'], 2000), (100, ['monotonic'], 0)]
    assert result['gates']['warp'] == {'passed': True, 'reason': 'no step back between 6 of 6 pairs of CPUs'}
    assert (facts['tsc']['warp_cycles'], facts['cost']['ns'], facts['probe']['ran']) == (0, 1000.0, True)


def test_nothing_to_do_measures_nothing(run):
    machine = Machine('tsc')
    result, dummy = run(machine, machine.facts(verdict='optimal'))
    assert (result['action'], machine.runs, result['measured_by']) == ('none', [], None)


def test_gate_that_fails_anyway_costs_no_warp_test(run):
    machine = Machine('hpet')
    facts = machine.facts()
    facts['tsc']['unstable'] = True
    result, dummy = run(machine, facts)
    assert (result['action'], machine.runs) == ('refused', [])
    assert result['gates']['warp']['reason'] == 'warp test: not run'


def test_warp_that_is_found_refuses(run):
    machine = Machine('hpet', warp={'worst_cycles': 165, 'worst_pair': [2, 1]})
    result, facts = run(machine)
    assert (result['action'], result['refused'], machine.current) == ('refused', True, 'hpet')
    assert result['reason'] == 'reads of the TSC went back 165 cycles between CPUs 2 and 1'
    assert facts['tsc']['warp_cycles'] == 165


def test_emulation_that_the_longer_run_finds_refuses(run):
    machine = Machine('xen', emulated=True, counter=600.0)
    result, dummy = run(machine, machine.facts(available=('xen', 'tsc')))
    assert result['reason'] == 'TSC reads are emulated: switching gains nothing'
    assert machine.current == 'xen'


@pytest.mark.parametrize('params, cpus', [({'warp_budget_ms': 0}, 4), ({}, 1)])
def test_no_warp_test(run, params, cpus):
    machine = Machine('hpet')
    facts = dict(machine.facts(), cpus=cpus)
    result, dummy = run(machine, facts, **params)
    assert result['changed'] is True
    assert [budget for dummy, dummy, budget in machine.runs] == [0, 0]
    assert result['gates']['warp']['passed'] is (True if cpus == 1 else None)


def test_other_sources_need_no_warp_test(run):
    machine = Machine('hpet')
    result, dummy = run(machine, machine.facts(recommended='kvm-clock'))
    assert (result['changed'], machine.current) == (True, 'kvm-clock')
    assert [budget for dummy, dummy, budget in machine.runs] == [0, 0]


@pytest.mark.parametrize('name, verdict, least, tried', [
    ('auto', 'slow', 1.2, False),     # 1000 ns now, and the counter alone takes 900
    ('auto', 'slow', 1.1, True),
    ('auto', 'slow', 0, True),
    ('auto', 'unsafe', 1.2, True),
    ('tsc', 'slow', 1.2, True),
])
def test_bare_counter_bounds_what_can_be_gained(run, name, verdict, least, tried):
    machine = Machine('hpet', counter=900.0, ns={'tsc': 905.0})
    result, dummy = run(machine, machine.facts(verdict=verdict), name=name, min_speedup=least)
    assert len(machine.runs) == (3 if tried else 1)
    if not tried:
        assert (result['action'], result['refused'], result['name']) == ('none', False, 'hpet')
        assert result['reason'] == ('nothing to gain: a read costs 1000.0 ns, the bare counter 900.0 ns of it '
                                    '(min_speedup 1.2)')


def test_less_gained_than_asked_is_undone_and_no_failure(run):
    machine = Machine('hpet', ns={'tsc': 880.0})
    for dummy in range(2):
        result, dummy = run(machine)
        assert (result['failed'], result['changed'], result['refused']) == (False, False, False)
        assert (result['action'], machine.current) == ('rolled_back', 'hpet')
        assert result['reason'] == ('nothing to gain: hpet 1000.0 ns a read, tsc 880.0 ns (min_speedup 1.2); back on '
                                    'hpet')
        assert result['tried'] == {'source': 'tsc', 'ns': 880.0}
        assert result['after'] == {'source': 'hpet', 'ns': 1000.0}


@pytest.mark.parametrize('name, ns, changed, failed', [
    ('auto', 1000 / 1.2, True, False),       # just enough
    ('tsc', 880.0, True, False),             # asked for by name: no speed-up is asked for
    ('tsc', 1200.0, True, False),            # within the tolerance
    ('tsc', 1260.0, False, True),
    ('auto', 1260.0, False, True),
])
def test_speedup_and_tolerance(run, name, ns, changed, failed):
    result, dummy = run(Machine('hpet', ns={'tsc': ns}), name=name)
    assert (result['changed'], result.get('failed', False)) == (changed, failed)


@pytest.mark.parametrize('after, kept', [(26.9, True), (27.2, False)])
def test_noise_of_the_probe_is_2_ns(run, after, kept):
    machine = Machine('kvm-clock', ns={'kvm-clock': 20.0, 'tsc': after})
    assert run(machine, name='tsc')[0]['changed'] is kept


def test_loop_measures_both_where_the_probe_does_not_run(run, monkeypatch):
    machine = Machine('hpet', ends_after=0)
    monkeypatch.setattr(_loop, 'counter_cost', lambda budget: {'hpet': 1100.0, 'tsc': 22.0}[machine.current])
    result, facts = run(machine)
    assert (result['measured_by'], result['before']['ns'], result['after']['ns']) == ('loop', 1100.0, 22.0)
    assert result['gates']['warp'] == {'passed': None,
                                       'reason': 'warp test: not run: the probe ended by signal 31'}
    assert len(machine.runs) == 2, 'before the switch, and for the warp test'


def test_loop_does_not_follow_the_probe_within_one_switch(run):
    machine = Machine('hpet', ends_after=2)
    result, dummy = run(machine)
    assert (result['failed'], machine.current) == (True, 'hpet')
    assert result['reason'] == 'tsc was not measured: the probe ended by signal 31; back on hpet'


def test_source_that_counts_ticks(run, monkeypatch):
    machine = Machine('jiffies')
    monkeypatch.setattr(_loop, 'counter_cost', lambda budget: 22.0)
    result, dummy = run(machine)
    assert (result['changed'], result['before']['ns'], result['speedup']) == (True, None, None)
    assert result['after'] == {'source': 'tsc', 'ns': 22.0}


def test_check_mode_and_run_decide_by_the_same(run):
    """The plan is all that check mode does; it measures and does not write."""
    machine = Machine('hpet')
    result = _plan.decide(dict(PARAMS), machine.facts(), (), _gauge.Gauge(machine, PARAMS))
    assert (result['action'], result['before']['ns'], machine.current) == ('switched', 1000.0, 'hpet')
    assert [budget for dummy, dummy, budget in machine.runs] == [0, 2000]


def test_another_root_is_judged_by_what_it_recorded():
    facts = Machine('hpet').facts()
    facts['tsc']['warp'] = dict(WARP, worst_cycles=9, worst_pair=[0, 1], cpus=4)
    result = _plan.decide(dict(PARAMS), facts, (), None)
    assert (result['action'], result['before']['ns']) == ('refused', None)
