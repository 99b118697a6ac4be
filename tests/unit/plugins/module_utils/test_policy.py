# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _policy

TSC_UNKNOWN = {'constant': False, 'nonstop': False, 'unstable': False, 'unstable_reason': None, 'emulated': None}
TSC_INVARIANT = dict(TSC_UNKNOWN, constant=True, nonstop=True)
TSC_UNSTABLE = dict(TSC_INVARIANT, unstable=True, unstable_reason='TSCs unsynchronized')


def decide(current, offered, provider='none', hypervisor='kvm', tsc=None, fast=None, rows=()):
    clocksource = {'current': current, 'available': offered.split()}
    return _policy.decide(clocksource, tsc or TSC_UNKNOWN, {'fast': fast}, {'provider': provider, 'platform': None},
                          {'type': hypervisor}, rows)


@pytest.mark.parametrize('current, offered, facts, verdict, recommended', [
    ('xen', 'xen tsc hpet acpi_pm', dict(provider='aws', hypervisor='xen', fast=False), 'slow', 'tsc'),
    ('xen', 'xen tsc hpet acpi_pm', dict(provider='aws', hypervisor='xen'), 'slow', 'tsc'),
    ('xen', 'xen tsc hpet acpi_pm', dict(provider='aws', hypervisor='xen', fast=True), 'acceptable', 'tsc'),
    ('tsc', 'xen tsc hpet acpi_pm', dict(provider='aws', hypervisor='xen', fast=True), 'optimal', 'tsc'),
    ('kvm-clock', 'kvm-clock tsc acpi_pm', dict(provider='aws', fast=True), 'acceptable', 'tsc'),
    ('hpet', 'tsc hpet acpi_pm', dict(provider='aws', fast=False), 'slow', 'tsc'),
    ('hpet', 'tsc hpet acpi_pm', dict(provider='aws', hypervisor='none', tsc=TSC_INVARIANT), 'slow', 'tsc'),
    ('tsc', 'tsc hpet acpi_pm', dict(hypervisor='none', tsc=TSC_INVARIANT, fast=True), 'optimal', 'tsc'),
    ('kvm-clock', 'kvm-clock tsc acpi_pm', dict(provider='gcp', fast=True), 'optimal', 'kvm-clock'),
    ('kvm-clock', 'kvm-clock tsc acpi_pm', dict(provider='gcp', fast=True, tsc=TSC_INVARIANT), 'acceptable', 'tsc'),
    ('acpi_pm', 'kvm-clock tsc acpi_pm', dict(provider='gcp', fast=False), 'slow', 'kvm-clock'),
    ('acpi_pm', 'kvm-clock tsc acpi_pm', dict(provider='gcp', fast=False, tsc=TSC_INVARIANT), 'slow', 'tsc'),
    ('tsc-early', 'tsc-early hpet acpi_pm', dict(provider='aws', fast=True), 'unknown', None),
    ('tsc-early', 'kvm-clock tsc-early hpet', dict(fast=False), 'unknown', None),
    ('kvm-clock', 'kvm-clock tsc acpi_pm', dict(provider='none', fast=True), 'optimal', 'kvm-clock'),
    ('kvm-clock', 'kvm-clock acpi_pm', dict(provider='none', fast=False), 'slow', None),
    ('hyperv_clocksource_tsc_page', 'hyperv_clocksource_tsc_page acpi_pm',
     dict(provider='azure', hypervisor='hyperv', fast=True), 'acceptable', 'hyperv_clocksource_tsc_page'),
    ('hyperv_clocksource_tsc_page', 'hyperv_clocksource_tsc_page acpi_pm',
     dict(provider='azure', hypervisor='hyperv'), 'acceptable', 'hyperv_clocksource_tsc_page'),
    ('acpi_pm', 'hyperv_clocksource_tsc_page acpi_pm',
     dict(provider='azure', hypervisor='hyperv', fast=False), 'slow', 'hyperv_clocksource_tsc_page'),
    ('hyperv_clocksource_msr', 'hyperv_clocksource_msr acpi_pm',
     dict(hypervisor='hyperv', fast=False), 'slow', None),
    ('hyperv_clocksource', 'hyperv_clocksource acpi_pm', dict(hypervisor='hyperv'), 'slow', None),
    ('xen', 'xen tsc hpet', dict(hypervisor='xen', fast=False), 'slow', None),
    ('xen', 'xen tsc hpet', dict(hypervisor='xen', fast=False, tsc=TSC_INVARIANT), 'slow', 'tsc'),
    ('hpet', 'kvm-clock tsc hpet', dict(fast=False), 'slow', 'kvm-clock'),
    ('hpet', 'kvm-clock tsc hpet', dict(fast=False, tsc=TSC_INVARIANT), 'slow', 'tsc'),
    ('hpet', 'hpet acpi_pm', dict(hypervisor='none', tsc=TSC_UNSTABLE, fast=False), 'slow', None),
    ('tsc', 'tsc hpet', dict(provider='aws', tsc=TSC_UNSTABLE, fast=True), 'unsafe', 'hpet'),
    ('tsc', 'xen tsc hpet', dict(provider='aws', hypervisor='xen', tsc=TSC_UNSTABLE, fast=True), 'unsafe', 'xen'),
    ('tsc', 'tsc', dict(hypervisor='none', tsc=TSC_UNSTABLE, fast=True), 'unsafe', None),
    ('tsc', 'tsc jiffies', dict(hypervisor='none', tsc=TSC_UNSTABLE, fast=True), 'unsafe', None),
    ('acpi_pm', 'xen tsc hpet acpi_pm', dict(hypervisor='xen', fast=False), 'slow', 'xen'),
    ('acpi_pm', 'xen tsc hpet acpi_pm', dict(hypervisor='xen', fast=False, tsc=TSC_INVARIANT), 'slow', 'tsc'),
    ('xen', 'xen tsc hpet', dict(hypervisor='xen', fast=True), 'acceptable', 'xen'),
    ('hyperv_clocksource_tsc_page', 'hyperv_clocksource_tsc_page acpi_pm',
     dict(provider='azure', hypervisor='hyperv', fast=False), 'slow', None),
    ('tsc', 'kvm-clock tsc', dict(provider='aws', tsc=TSC_UNSTABLE, fast=True), 'unsafe', 'kvm-clock'),
    ('arch_sys_counter', 'arch_sys_counter', dict(provider='aws', fast=True), 'optimal', 'arch_sys_counter'),
    ('arch_sys_counter', 'arch_sys_counter', dict(provider='azure', hypervisor='hyperv'), 'optimal', 'arch_sys_counter'),
    ('jiffies', 'jiffies', dict(hypervisor=None), 'slow', None),
    ('refined-jiffies', 'tsc refined-jiffies', dict(hypervisor='vmware'), 'slow', 'tsc'),
    ('pit', 'pit', dict(hypervisor='virtualbox', fast=False), 'slow', None),
    ('sundial', 'sundial', dict(hypervisor='none'), 'unknown', None),
    ('sundial', 'sundial', dict(hypervisor='none', fast=True), 'acceptable', 'sundial'),
    (None, '', dict(hypervisor='none'), 'unknown', None),
    ('tsc', 'tsc hpet', dict(hypervisor='unknown-vm', fast=True), 'acceptable', 'tsc'),
])
def test_verdict(current, offered, facts, verdict, recommended):
    answer = decide(current, offered, **facts)
    assert (answer['verdict'], answer['recommended']) == (verdict, recommended), answer['reason']
    assert answer['reason']
    assert answer['source']


def test_source_that_is_acceptable_by_its_row_and_measured_slow_has_a_reason():
    answer = decide('hyperv_clocksource_tsc_page', 'hyperv_clocksource_tsc_page acpi_pm', provider='azure',
                    hypervisor='hyperv', fast=False)
    assert answer['reason'] == 'hyperv_clocksource_tsc_page is not read in the vDSO, but nothing faster is offered'
    answer = decide('xen', 'xen tsc hpet', hypervisor='xen', fast=False)
    assert answer['reason'].startswith('xen is not read in the vDSO, but nobody vouches for the TSC')


def test_first_choice_that_enters_the_kernel_says_so():
    answer = decide('tsc', 'tsc hpet', provider='aws', fast=False)
    assert answer['verdict'] == 'optimal'
    assert 'enter the kernel' in answer['reason']


def test_names_are_compared_as_whole_words():
    answer = decide('acpi_pm', 'hyperv_clocksource_tsc_page acpi_pm', provider='aws', fast=False)
    assert answer['recommended'] is None


def test_reason_names_the_kernels_word():
    answer = decide('hpet', 'hpet acpi_pm', provider='aws', tsc=TSC_UNSTABLE, fast=False)
    assert 'TSCs unsynchronized' in answer['reason']
    assert 'amazon-eks-ami#2144' in answer['source']


def test_operators_row_comes_first():
    rows = _policy.check_rows([{'match': {'provider': 'aws'}, 'prefer': ['hpet'], 'source': 'house rule 7'}])
    answer = decide('tsc', 'tsc hpet', provider='aws', fast=False, rows=rows)
    assert (answer['verdict'], answer['recommended']) == ('slow', 'hpet')
    assert answer['source'] == 'house rule 7 (policy operator-1, undated)'


@pytest.mark.parametrize('row, complaint', [
    ('tsc', 'not a mapping'),
    ({}, 'no prefer list'),
    ({'prefer': 'tsc'}, 'prefer must be a list'),
    ({'prefer': ['tsc'], 'clouds': ['aws']}, "unknown key 'clouds'"),
    ({'prefer': ['tsc'], 'match': {'cloud': 'aws'}}, 'match knows provider'),
])
def test_operators_mistakes_are_named(row, complaint):
    with pytest.raises(ValueError, match=complaint):
        _policy.check_rows([row])


def test_every_row_is_dated_and_has_a_source():
    for row in _policy.ROWS + [_policy.ARM_ROW]:
        assert set(row) | {'partial_warp'} == set(_policy.ROW_KEYS)
        assert len(row['date'].split('-')) == 3
        assert set(row['prefer'] + row['acceptable'] + row['vouches']) <= set(_policy.SOURCES), row['id']


def test_every_source_of_these_machines_is_graded():
    assert set(_policy.SOURCES) == {
        'tsc', 'tsc-early', 'kvm-clock', 'xen', 'hyperv_clocksource_tsc_page', 'hyperv_clocksource_msr',
        'hyperv_clocksource', 'hpet', 'acpi_pm', 'pit', 'jiffies', 'refined-jiffies', 'arch_sys_counter'}


@pytest.mark.parametrize('tsc, verdict, recommended, words', [
    (dict(TSC_INVARIANT, emulated=True), 'unsafe', None, 'switching gains nothing'),
    (dict(TSC_INVARIANT, warp_cycles=165), 'unsafe', 'kvm-clock', 'went back 165 cycles'),
    (dict(TSC_INVARIANT, warp_cycles=0), 'optimal', 'tsc', 'first choice'),
])
def test_what_was_measured_of_the_tsc_in_use(tsc, verdict, recommended, words):
    answer = decide('tsc', 'tsc kvm-clock', provider='gcp', tsc=tsc, fast=True)
    assert (answer['verdict'], answer['recommended']) == (verdict, recommended)
    assert words in answer['reason']


def test_tsc_that_was_seen_to_warp_is_not_recommended():
    answer = decide('hpet', 'hpet tsc kvm-clock', provider='gcp', tsc=dict(TSC_INVARIANT, warp_cycles=12), fast=False)
    assert answer['recommended'] == 'kvm-clock'


def test_whose_reads_went_back_is_said_beside_another_source():
    answer = decide('hpet', 'hpet tsc', tsc=dict(TSC_INVARIANT, warp_cycles=9), fast=False)
    assert answer['reason'] == ('hpet is not read in the vDSO, but TSC reads went back 9 cycles from one CPU to another')


def test_rows_whose_word_covers_every_cpu():
    assert {row['id'] for row in _policy.ROWS if row.get('partial_warp')} == {'aws-xen', 'aws-metal', 'aws'}
    assert _policy.check_rows([{'prefer': ['tsc']}])[0]['partial_warp'] is False
    assert _policy.check_rows([{'prefer': ['tsc'], 'partial_warp': True}])[0]['partial_warp'] is True
    with pytest.raises(ValueError, match='partial_warp must be a bool'):
        _policy.check_rows([{'prefer': ['tsc'], 'partial_warp': 'yes'}])
