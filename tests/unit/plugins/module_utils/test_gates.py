# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _gates

FACTS = {
    'clocksource': {'available': ['xen', 'tsc', 'hpet'], 'writable': True},
    'tsc': {'constant': False, 'nonstop': False, 'unstable': False, 'unstable_reason': None, 'emulated': None,
            'xen_mode': None, 'warp': None},
    'cloud': {'provider': 'none', 'platform': None},
    'hypervisor': {'type': 'xen', 'container': None},
    'cpus': 2,
    'probe': {'ran': True, 'reason': None, 'elapsed_ms': 7.9},
}


WHOLE = {'pairs_tested': 1, 'pairs_total': 1, 'worst_cycles': 0, 'worst_pair': None, 'budget_ms': 2000,
         'elapsed_ms': 20.5, 'covered': 2, 'cpus': 2, 'reason': None, 'partial': False}
MANY = dict(WHOLE, pairs_tested=600, pairs_total=18336, elapsed_ms=2000.0, covered=192, cpus=192, partial=True)
EMULATED = 'TSC reads are emulated: switching gains nothing'


def with_facts(room, **facts):
    return dict(FACTS, **{room: dict(FACTS[room], **facts)})


@pytest.mark.parametrize('facts, gate, passed, words', [
    (FACTS, 'vouched', False, 'nobody vouches'),
    (with_facts('cloud', provider='aws'), 'vouched', True, 'by policy'),
    (with_facts('tsc', constant=True, nonstop=True), 'vouched', True, 'by cpuid'),
    (with_facts('tsc', unstable=True, unstable_reason='check_tsc_sync_source failed'), 'stable', False,
     'check_tsc_sync_source failed'),
    (with_facts('tsc', unstable=None), 'stable', None, 'cannot be read to their start'),
    (with_facts('hypervisor', type='kvm'), 'emulation', None, 'not measured'),
    (FACTS, 'warp', None, 'not run'),
    (dict(FACTS, cpus=1), 'warp', True, 'one CPU'),
    (with_facts('hypervisor', container='docker'), 'host', False, 'fix the host'),
    (with_facts('clocksource', available=['xen', 'hyperv_clocksource_tsc_page']), 'offered', False, 'xen'),
    (with_facts('clocksource', available=[]), 'offered', False, 'there is no'),
    (with_facts('clocksource', writable=False), 'writable', False, 'current_clocksource'),
])
def test_gates(facts, gate, passed, words):
    gates, voucher = _gates.judge('tsc', facts, (), [])
    assert gates[gate]['passed'] is passed
    assert words in gates[gate]['reason']


def test_what_was_not_run_says_why():
    facts = dict(with_facts('hypervisor', type='kvm'), probe={'ran': False, 'reason': 'no compiler', 'elapsed_ms': None})
    gates = _gates.judge('tsc', facts, (), [])[0]
    assert gates['warp'] == {'passed': None, 'reason': 'warp test: not run: no compiler'}
    assert gates['emulation'] == {'passed': None, 'reason': 'not measured: no compiler'}


def test_forced_gate_passes_and_keeps_its_reason():
    gates, voucher = _gates.judge('tsc', FACTS, (), ['vouched'])
    assert gates['vouched']['passed'] is True
    assert 'it was: nobody vouches' in gates['vouched']['reason']
    assert voucher == 'operator'
    assert gates['warp']['passed'] is None


@pytest.mark.parametrize('kind, mode, emulated, passed, reason', [
    ('xen', 0, True, False, EMULATED),
    ('xen', 1, False, False, EMULATED),
    ('xen', 1, None, False, EMULATED),
    ('xen', 2, True, False, EMULATED),
    ('xen', None, True, False, EMULATED),
    ('kvm', None, True, False, EMULATED),
    ('xen', 2, False, True, 'TSC reads are native, and Xen never emulates them here (tsc_mode 2)'),
    ('xen', 0, False, True,
     'TSC reads are native now; a migration to another host may turn emulation on (tsc_mode 0)'),
    ('xen', 3, False, True,
     'TSC reads are native now; a migration to another host may turn emulation on (tsc_mode 3)'),
    ('xen', None, False, None, "CPUID shows no leaf 3 of Xen's own: not known"),
    ('xen', None, None, None, "CPUID shows no leaf 3 of Xen's own: not known"),
    ('xen', 7, False, None, 'tsc_mode 7 says nothing: not known'),
    ('kvm', None, False, True, 'TSC reads are native'),
    ('none', None, None, None, 'not measured'),
])
def test_emulation(kind, mode, emulated, passed, reason):
    facts = dict(with_facts('tsc', xen_mode=mode, emulated=emulated), hypervisor={'type': kind, 'container': None})
    assert _gates.judge('tsc', facts, (), [])[0]['emulation'] == {'passed': passed, 'reason': reason}


@pytest.mark.parametrize('provider, cpus, warp, passed, reason', [
    ('none', 2, WHOLE, True, 'no step back between 1 of 1 pairs of CPUs'),
    ('none', 2, dict(WHOLE, worst_cycles=165, worst_pair=[1, 0]), False,
     'reads of the TSC went back 165 cycles between CPUs 1 and 0'),
    ('none', 192, MANY, False, 'no step back between 600 of 18336 pairs of CPUs (192 of 192 CPUs): not all were tested; '
     'raise warp_budget_ms to test all, to some 77000'),
    ('aws', 192, MANY, True, 'no step back between 600 of 18336 pairs of CPUs (192 of 192 CPUs); the policy (aws-xen) '
     'takes that for the rest; raise warp_budget_ms to test all, to some 77000'),
    ('aws', 192, dict(MANY, worst_cycles=3, worst_pair=[9, 80]), False,
     'reads of the TSC went back 3 cycles between CPUs 9 and 80'),
    ('none', 192, dict(MANY, pairs_tested=0, elapsed_ms=0, covered=0), False,
     'no step back between 0 of 18336 pairs of CPUs (0 of 192 CPUs): not all were tested; raise warp_budget_ms to test '
     'all'),
    ('none', 192, dict(MANY, pairs_tested=0, elapsed_ms=0.3, reason='no second process'), None,
     'warp test: not run: no second process'),
    ('none', 2, dict(WHOLE, pairs_tested=0, covered=0, elapsed_ms=2100.1, partial=True,
                     reason='the second process of the test got no CPU'), False,
     'no step back between 0 of 1 pairs of CPUs (0 of 2 CPUs): not all were tested; raise warp_budget_ms to test all'),
    ('none', 8, dict(WHOLE, partial=True), False,
     'no step back between 1 of 1 pairs of CPUs: not all were tested; only 2 of 8 CPUs may be used here (affinity, a cpuset, '
     'isolcpus): give the run the others too, or name warp in force'),
    ('none', 1, None, True, 'one CPU'),
    ('none', 192, None, None, 'warp test: not run'),
])
def test_warp(provider, cpus, warp, passed, reason):
    facts = dict(with_facts('tsc', warp=warp), cpus=cpus, cloud={'provider': provider, 'platform': None})
    assert _gates.judge('tsc', facts, (), [])[0]['warp'] == {'passed': passed, 'reason': reason}


def test_operators_policy_takes_a_test_that_is_not_whole():
    row = {'id': 'ours', 'match': {}, 'prefer': ['tsc'], 'acceptable': [], 'vouches': ['tsc'], 'partial_warp': True}
    facts = dict(with_facts('tsc', warp=MANY), cpus=192)
    gates, voucher = _gates.judge('tsc', facts, [row], [])
    assert (gates['warp']['passed'], voucher) == (True, 'policy')
    assert '(ours) takes that for the rest' in gates['warp']['reason']


def test_operator_forces_a_warp_that_was_found():
    facts = with_facts('tsc', warp=dict(WHOLE, worst_cycles=165, worst_pair=[0, 1]))
    gate = _gates.judge('tsc', facts, (), ['warp'])[0]['warp']
    assert gate == {'passed': True, 'reason': 'forced by the operator; it was: reads of the TSC went back 165 cycles '
                    'between CPUs 0 and 1'}


def test_other_sources_need_no_word_about_the_tsc():
    facts = with_facts('tsc', warp=dict(WHOLE, worst_cycles=165, worst_pair=[0, 1]), emulated=True, unstable=True)
    gates, voucher = _gates.judge('hpet', facts, (), [])
    assert {gate['passed'] for gate in gates.values()} == {True}
