# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's checks of facts, its variables, and its XML."""
import copy
import xml.etree.ElementTree as tree

import pytest

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _verify
from ansible_collections.cloudclock.linux.plugins.plugin_utils._verify import _junit

GOOD = {
    'clocksource': {'current': 'tsc', 'available': ['tsc', 'hpet', 'acpi_pm'], 'recommended': 'tsc', 'verdict': 'optimal',
                    'reason': 'tsc is the first choice of what is offered here'},
    'tsc': {'unstable': False, 'unstable_reason': None},
    'vdso': {'fast': True, 'evidence': 'by the vDSO 19 ns'},
    'cost': {'cycles': 49.5, 'ns': 19.1},
    'probe': {'ran': True, 'reason': None},
    'boot': {'running': ['clocksource=tsc'], 'configured': ['clocksource=tsc'], 'clocksource': 'tsc', 'reason': None,
             'kernel_choice': 'tsc', 'unit': {'present': False, 'enabled': False, 'source': None}}}


def facts(**changes):
    """``facts(boot__clocksource='hpet')``"""
    clock = copy.deepcopy(GOOD)
    for key, value in changes.items():
        part, _two, name = key.partition('__')
        clock[part][name] = value
    return clock


def judged(clock, **wished):
    return {check.name: check for check in _verify.judge(clock, _verify.wishes(wished))}


def test_a_good_machine_passes_each_check():
    found = judged(facts())
    assert list(found) == list(_verify.CHECKS)
    assert all(check.passed is True for check in found.values())
    assert _verify.lines('web1', list(found.values())) == [
        'web1: all 6 checks passed: tsc, optimal, not marked unstable, read in the vDSO, 49.5 cycles a read, '
        '19.1 ns a read, tsc at the next boot, by clocksource=tsc on its command line']


SLOW = dict(clocksource__current='hpet', clocksource__verdict='slow', clocksource__recommended='tsc',
            clocksource__reason='hpet is not read in the vDSO, and tsc is offered')


@pytest.mark.parametrize('check, changes, wished, line', [
    ('source', SLOW, {}, 'source: hpet, slow (hpet is not read in the vDSO, and tsc is offered), expected optimal or '
                         'acceptable by the policy, tsc; next: run fix-clocksource.yml'),
    ('source', dict(SLOW, clocksource__recommended=None), {}, 'expected optimal or acceptable by the policy; next: see docs'),
    ('source', dict(SLOW, clocksource__verdict='acceptable'), {'verdicts': 'optimal'}, 'source: hpet, acceptable'),
    ('source', {}, {'source': 'hpet'}, 'source: tsc, expected hpet; next: run fix-clocksource.yml -e clocksource_name=hpet'),
    ('source', {}, {'source': 'kvm-clock'}, 'the kernel offers tsc, hpet, acpi_pm: see why not kvm-clock'),
    ('stable', {'tsc__unstable': True, 'tsc__unstable_reason': 'clocksource watchdog'}, {},
     'stable: the kernel marked the TSC unstable: clocksource watchdog'),
    # in use is hpet, but tsc is what was asked for
    ('stable', dict(SLOW, tsc__unstable=True), {'source': 'tsc'}, 'stable: the kernel marked the TSC unstable: no reason'),
    ('vdso', {'vdso__fast': False, 'vdso__evidence': 'by system call 1104 ns'}, {},
     'vdso: each read enters the kernel (by system call 1104 ns), expected reads in the vDSO'),
    ('cycles', {'cost__cycles': 100.5}, {}, 'cycles: 100.5 cycles a read, expected 100 cycles at most'),
    ('ns', {'cost__ns': 19.6}, {'max_ns': '19.5'}, 'ns: 19.6 ns a read, expected 19.5 ns at most'),
    ('persistent', {'boot__configured': ['clocksource=hpet'], 'boot__clocksource': 'hpet'}, {},
     'persistent: hpet at the next boot, by clocksource=hpet on its command line, expected tsc after the next boot too; '
     'next: run fix-clocksource.yml'),
    ('persistent', {'boot__running': [], 'boot__configured': [], 'boot__clocksource': None, 'boot__kernel_choice': 'kvm-clock'},
     {}, 'persistent: kvm-clock at the next boot, by the kernel\'s own choice'),
    ('persistent', {'boot__unit': {'present': True, 'enabled': True, 'source': 'hpet'}}, {},
     'persistent: hpet at the next boot, by cloudclock-clocksource.service'),
])
def test_what_is_wrong_fails_with_a_line(check, changes, wished, line):
    found = judged(facts(**changes), **wished)[check]
    assert found.passed is False and found.failed
    assert line in found.sentence()


@pytest.mark.parametrize('check, changes, line', [
    ('source', dict(clocksource__current=None, clocksource__verdict='unknown', clocksource__recommended=None),
     'source: not known: no clocksource, unknown'),
    ('stable', {'tsc__unstable': None}, 'stable: not known: the kernel\'s messages'),
    ('stable', dict(clocksource__current=None, clocksource__verdict='unknown'), 'stable: not known: no clocksource'),
    ('vdso', {'vdso__fast': None, 'vdso__evidence': None}, 'vdso: not known: the measurement did not tell'),
    ('cycles', {'cost__cycles': None, 'probe__reason': 'no compiler'}, 'cycles: not known: not measured: no compiler'),
    ('ns', {'cost__ns': None}, 'ns: not known: not measured'),
    ('ns', {'cost__ns': -5.0}, 'ns: not known: not measured'), ('ns', {'cost__ns': 0.0}, 'ns: not known: not measured'),
    ('ns', {'cost__ns': False}, 'ns: not known: not measured'), ('cycles', {'cost__cycles': float('-inf')}, 'not measured'),
    ('persistent', {'boot__configured': None, 'boot__reason': 'no boot loader was recognised'},
     'persistent: not known: the arguments of the next boot are not known: no boot loader was recognised'),
    ('persistent', {'boot__configured': ['clocksource=tsc', 'tsc=unstable']},
     'other kernel arguments come into force (tsc=unstable, now none): reboot, then look again'),
    ('persistent', {'boot__running': None}, 'now not known'),
    ('persistent', {'boot__running': [], 'boot__configured': [], 'boot__clocksource': None, 'boot__kernel_choice': None},
     'what the kernel takes by itself is not known'),
    ('persistent', {'boot__reason': 'the entry that boots next was chosen for one boot (next_entry): Linux 6.1'},
     'persistent: not known: the arguments of the next boot are not known: the entry that boots next was chosen for one boot'),
    # the unit cannot take what the kernel will not offer
    ('persistent', {'boot__configured': ['tsc=unstable'], 'boot__unit': {'present': True, 'enabled': True, 'source': 'tsc'}},
     'other kernel arguments come into force (tsc=unstable, now none)'),
    ('persistent', {'boot__unit': {'present': True, 'enabled': True, 'source': None}}, 'does not say what it takes'),
])
def test_missing_evidence_is_no_pass_unless_it_is_allowed(check, changes, line):
    clock = facts(**changes)
    found = judged(clock)[check]
    assert found.passed is None and found.failed
    assert line in found.sentence()
    allowed = judged(clock, unknown_ok=check)[check]
    assert allowed.passed is None and not allowed.failed and 'and that is allowed' in allowed.sentence()
    assert judged(clock, unknown_ok='all')[check].excused
    other = next(name for name in _verify.CHECKS if name != check)
    assert judged(clock, unknown_ok=[other])[check].failed


def test_a_container_is_sent_to_its_host():
    found = judged(dict(facts(**SLOW, boot__configured=None), hypervisor={'container': 'docker'}))
    assert all(found[name].next.startswith('fix its host') for name in ('source', 'vdso') if not found[name].passed)
    assert not found['source'].passed and found['persistent'].next.startswith('ask its host')


def test_what_is_wrong_is_not_excused():
    assert judged(facts(**SLOW), unknown_ok='all')['source'].failed


@pytest.mark.parametrize('changes', [
    dict(clocksource__current='kvm-clock', clocksource__verdict='acceptable', boot__clocksource='kvm-clock', tsc__unstable=True),
    # switched while it runs, the argument for the next boot is there, and the reboot is to come
    {'boot__running': ['clocksource=hpet']},
    {'boot__running': [], 'boot__configured': [], 'boot__clocksource': None},
    # the unit comes after the command line
    {'boot__unit': {'present': True, 'enabled': True, 'source': 'tsc'}, 'boot__clocksource': 'hpet',
     'boot__configured': None},
    {'cost__cycles': 100.0, 'cost__ns': 100.0},
])
def test_what_is_well_passes(changes):
    assert [check.sentence() for check in judged(facts(**changes)).values() if not check.passed] == []


def test_the_limits_and_the_checks_can_be_chosen():
    slow = facts(cost__cycles=3000, cost__ns=1100)
    assert 'cycles' not in judged(slow, max_cycles=0) and 'ns' in judged(slow, max_cycles=0)
    assert list(judged(slow, checks='ns, source')) == ['source', 'ns']
    assert list(judged(slow, checks='all')) == list(_verify.CHECKS)


@pytest.mark.parametrize('given, words', [
    ({'source': 'tsc hpet'}, 'verify_source must be auto or the name'), ({'source': ['tsc']}, 'verify_source must be'),
    ({'max_ns': 'fast'}, 'verify_max_ns must be a number'), ({'max_ns': -1}, 'must be a number'),
    ({'max_cycles': 'inf'}, 'must be a number'), ({'max_cycles': 'nan'}, 'must be a number'),
    ({'max_cycles': True}, 'must be a number'), ({'checks': 'speed'}, 'verify_checks: speed is none of source, stable'),
    ({'checks': 'ns,cycles', 'max_ns': 0, 'max_cycles': '0'}, 'no check is left: verify_checks has cycles, ns only, without a limit'),
    ({'checks': ''}, 'verify_checks: nothing is none of'), ({'checks': 5}, 'verify_checks: 5 is none of'),
    ({'unknown_ok': ['stable', 'warp']}, 'verify_unknown_ok: warp is none of'),
    ({'verdicts': 'good'}, 'verify_verdicts: good is none of optimal, acceptable'),
])
def test_a_slip_of_the_pen_is_an_error_and_no_pass(given, words):
    with pytest.raises(ValueError, match=words):
        _verify.wishes(given)


def test_empty_means_the_default_or_none():
    assert _verify.wishes({'source': None, 'checks': None, 'unknown_ok': ''}) == _verify.Wishes()


@pytest.mark.parametrize('result, failure, line', [
    ({'unreachable': True, 'msg': 'no route to host'}, None, 'reachable: unreachable: no route to host, expected an answer'),
    ({'failed': True, 'msg': 'MODULE FAILURE'}, 'MODULE FAILURE', 'facts: MODULE FAILURE'),
    (None, 'it failed', 'facts: it failed'), (None, None, 'facts: no facts'), ({}, None, 'facts: no facts'),
    ({'ansible_facts': {'clock': {'clocksource': 5}}}, None, 'facts: facts that are not as clock_facts gives them'),
    ({'ansible_facts': ['clock']}, None, 'facts: no facts'),
    ({'ansible_facts': {'clock': facts(cost__ns=10 ** 400)}}, None, 'facts: facts that are not as clock_facts gives them'),
])
def test_a_host_without_facts_has_a_failed_check(result, failure, line):
    check, = _verify.checks_of(result, failure, _verify.Wishes())
    assert check.failed and line in check.sentence()


# src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd of github.com/jenkinsci/xunit-plugin
XSD = {'testsuites': {'name', 'time', 'tests', 'failures', 'errors'},
       'testsuite': {'name', 'time', 'tests', 'failures', 'errors', 'skipped', 'timestamp', 'hostname', 'id', 'package'},
       'testcase': {'name', 'time', 'classname', 'group'}, 'failure': {'type', 'message'}, 'error': {'type', 'message'},
       'skipped': {'type', 'message'}, 'system-out': set()}


def test_the_xml_has_a_case_for_each_check_and_host():
    odd = dict(SLOW, tsc__unstable=None, boot__kernel_choice='a\x00b & "c"\n<d>]]>\ud800', boot__clocksource=None)
    hosts = {'web1': list(judged(facts()).values()),
             'web<2>': list(judged(facts(**odd), source='tsc', unknown_ok='stable').values()),
             'lost': _verify.checks_of({'unreachable': True, 'msg': 'no\x1broute'}, None, _verify.Wishes()),
             'mute': _verify.checks_of(None, 'it failed', _verify.Wishes())}
    suites = tree.fromstring(_junit.junit(hosts, 'gate', '2026-01-31T12:00:00').encode())
    assert suites.attrib == {'name': 'gate', 'tests': '14', 'failures': '2', 'errors': '2'}
    assert [suite.get('name') for suite in suites] == list(hosts)
    assert [tuple(suite.get(key) for key in ('failures', 'errors', 'skipped')) for suite in suites] == [
        ('0', '0', '0'), ('2', '0', '1'), ('0', '1', '0'), ('0', '1', '0')]
    for element in suites.iter():
        assert set(element.attrib) <= XSD[element.tag], element.tag
    cases = {case.get('name'): case for case in suites[1]}
    assert list(cases) == list(_verify.CHECKS)
    assert cases['source'].find('failure').get('message').startswith('web<2>: source: hpet, expected tsc; next: ')
    assert cases['stable'].find('skipped') is not None and cases['stable'].find('failure') is None
    assert suites[2][0].find('error').get('message').startswith('lost: reachable: unreachable: no?route')
    assert suites[3][0].find('error').get('message').startswith('mute: facts: it failed') and suites[3][0].find('failure') is None
