# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify-clocksource.yml: its exit code, its lines, its JUnit file, and ansible-core's own JUnit callback over it."""
import copy
import os
import re
import shutil
import xml.etree.ElementTree as tree

import pytest

from .conftest import REPO

pytestmark = pytest.mark.slow

VERIFY = 'cloudclock.linux.verify_clocksource'


@pytest.fixture
def gate(fleet, tmp_path):
    """The fleet with the gate's real plugins."""
    plugins = tmp_path / 'ansible_collections' / 'cloudclock' / 'linux' / 'plugins'
    for folder in ('plugin_utils', 'module_utils'):
        shutil.copytree(os.path.join(REPO, 'plugins', folder), str(plugins / folder), dirs_exist_ok=True)
    for kind in ('action', 'modules'):
        (plugins / kind).mkdir(exist_ok=True)
        shutil.copy(os.path.join(REPO, 'plugins', kind, 'clock_gate.py'), str(plugins / kind))
    return fleet


CLOCK = {
    'clocksource': {'current': 'tsc', 'available': ['tsc', 'hpet'], 'recommended': 'tsc', 'verdict': 'optimal',
                    'reason': 'the first choice'},
    'tsc': {'unstable': False, 'unstable_reason': None}, 'vdso': {'fast': True, 'evidence': 'by the vDSO 19 ns'},
    'cost': {'cycles': 49.5, 'ns': 19.1}, 'probe': {'ran': True, 'reason': None},
    'boot': {'running': [], 'configured': [], 'clocksource': None, 'reason': None, 'kernel_choice': 'tsc',
             'unit': {'present': False, 'enabled': False, 'sha256': None, 'source': None}}}


def host(**parts):
    clock = copy.deepcopy(CLOCK)
    for part, changes in parts.items():
        clock[part].update(changes)
    return {'clock_facts': [{'changed': False, 'ansible_facts': {'clock': clock}}]}


GOOD = host()
SLOW = host(clocksource={'current': 'hpet', 'verdict': 'slow', 'reason': 'hpet is not read in the vDSO'},
            vdso={'fast': False, 'evidence': 'by system call 1104 ns'}, cost={'cycles': 2871.0, 'ns': 1104.2},
            boot={'clocksource': 'hpet', 'configured': ['clocksource=hpet'], 'running': ['clocksource=hpet']})
UNREAD = host(tsc={'unstable': None})


def said(run):
    """The lines of the report."""
    shown = run.output[run.output.index('TASK [Say what did not pass]'):run.output.index('TASK [Fail the hosts')]
    return [line.strip() for line in shown[shown.index('msg:'):].splitlines()[1:] if line.strip()]


def test_good_machines_pass(gate):
    run = gate(VERIFY, {'web1': GOOD, 'web2': GOOD})
    assert run.code == 0, run.output
    assert said(run)[-1] == '2 passed, 0 failed of 2 hosts'
    assert 'web1: all 6 checks passed: tsc, optimal' in said(run)[0]
    assert run.called('web1') == ['clock_facts']
    assert run.recap('web1')['changed'] == 0


def test_what_failed_has_a_line_a_case_and_an_exit_code(gate, tmp_path):
    report = tmp_path / 'new' / 'clocks.xml'
    run = gate(VERIFY, {'web1': GOOD, 'db1': SLOW, 'lost': {'clock_facts': ['unreachable']}, 'old': UNREAD,
                        'mute': {'clock_facts': [{'failed': True, 'msg': 'MODULE FAILURE'}]}},
               '-e', 'verify_junit=%s' % report)
    assert run.code != 0
    lines = '\n'.join(said(run))
    for line in ('db1: source: hpet, slow (hpet is not read in the vDSO), expected optimal or acceptable by the policy, tsc; '
                 'next: run fix-clocksource.yml', 'db1: vdso: each read enters the kernel', 'db1: ns: 1104.2 ns a read',
                 'db1: cycles: 2871.0 cycles a read', '\nlost: reachable: unreachable: no route to host',
                 'old: stable: not known: ', 'mute: facts: MODULE FAILURE', '1 passed, 4 failed of 5 hosts'):
        assert line in lines, run.output
    assert [run.recap(name)['failed'] for name in ('web1', 'db1', 'lost', 'old', 'mute')] == [0, 1, 1, 1, 1]
    assert 'db1: source: hpet' in run.output[run.output.index('TASK [Fail the'):]
    suites = tree.parse(str(report)).getroot()
    failed, errors = ({suite.get('name'): [case.get('name') for case in suite if case.find(kind) is not None] for suite in suites}
                      for kind in ('failure', 'error'))
    assert failed == {'web1': [], 'db1': ['source', 'vdso', 'cycles', 'ns'], 'lost': [], 'old': ['stable'], 'mute': []}
    assert {name: cases for name, cases in errors.items() if cases} == {'lost': ['reachable'], 'mute': ['facts']}
    assert [suites.get(key) for key in ('tests', 'failures', 'errors')] == ['20', '5', '2']


def test_check_mode_judges_and_reports_too(gate, tmp_path):
    report = tmp_path / 'clocks.xml'
    run = gate(VERIFY, {'db1': SLOW}, '--check', '-e', 'verify_junit=%s' % report)
    assert run.code != 0 and report.exists()
    assert [call['check'] for call in run.calls] == [True]


def test_what_is_asked_may_differ_by_host_and_the_policy_is_the_fixs(gate, tmp_path):
    (tmp_path / 'host_vars').mkdir()
    (tmp_path / 'host_vars' / 'db1.yml').write_text(
        'wanted: hpet\nverify_source: "{{ wanted }}"\nverify_checks: [source, persistent]\n')
    (tmp_path / 'host_vars' / 'old.yml').write_text('verify_unknown_ok: [stable]\n')
    run = gate(VERIFY, {'web1': GOOD, 'db1': SLOW, 'old': UNREAD}, '-e', '{"clocksource_policy": [{"prefer": ["tsc"]}]}')
    assert run.code == 0, run.output
    asked, = run.args('db1', 'clock_facts')
    assert dict(asked, budget_ms=str(asked['budget_ms'])) == {
        'metadata': 'never', 'policy': [{'prefer': ['tsc']}], 'budget_ms': '100'}
    assert any('old: stable: not known, and that is allowed' in line for line in said(run))


def test_variables_of_an_import_count(gate, tmp_path):
    (tmp_path / 'site.yml').write_text(
        '- ansible.builtin.import_playbook: %s\n  vars:\n    verify_source: hpet\n    verify_checks: source\n' % VERIFY)
    run = gate(str(tmp_path / 'site.yml'), {'web1': GOOD, 'db1': SLOW})
    assert [run.recap(name)['failed'] for name in ('web1', 'db1')] == [1, 0], run.output


def test_variables_of_an_import_stand_above_the_inventorys_and_below_those_of_the_command_line(gate, tmp_path):
    """Those of the first host as well: the others had the default then."""
    (tmp_path / 'host_vars').mkdir()
    (tmp_path / 'host_vars' / 'web1.yml').write_text('verify_source: tsc\nmine: tsc\n')
    (tmp_path / 'host_vars' / 'db1.yml').write_text('mine: hpet\n')
    site = tmp_path / 'site.yml'
    for given, failed in (('hpet', [1, 0]), ('"{{ mine }}"', [0, 0])):
        site.write_text('- ansible.builtin.import_playbook: %s\n  vars:\n    verify_source: %s\n    verify_checks: source\n'
                        % (VERIFY, given))
        run = gate(str(site), {'web1': GOOD, 'db1': SLOW})
        assert [run.recap(name)['failed'] for name in ('web1', 'db1')] == failed, run.output
    run = gate(str(site), {'web1': GOOD, 'db1': SLOW}, '-e', 'verify_source=tsc')
    assert [run.recap(name)['failed'] for name in ('web1', 'db1')] == [0, 1], run.output


@pytest.mark.parametrize('answers, more', [({}, []), ({'web1': GOOD}, ['-e', 'verify_hosts=db'])])
def test_no_host_at_all_is_no_pass(gate, tmp_path, answers, more):
    run = gate(VERIFY, answers, '-e', 'verify_junit=%s' % (tmp_path / 'clocks.xml'), *more)
    assert run.code != 0 and 'no host was looked at, so nothing was checked' in run.output, run.output
    assert not (tmp_path / 'clocks.xml').exists()


def test_a_slip_of_the_pen_fails(gate):
    run = gate(VERIFY, {'web1': GOOD}, '-e', 'verify_checks=speed')
    assert run.code != 0 and 'web1: verify_checks: speed is none of source, stable' in run.output


def test_what_a_host_says_is_no_template(gate):
    run = gate(VERIFY, {'evil': host(clocksource={'current': "{{ lookup('pipe', 'touch /tmp/owned') }}", 'verdict': 'slow',
                                                  'recommended': None})})
    assert run.code != 0
    assert "{{ lookup('pipe'" in run.output and 'Traceback' not in run.output
    assert not os.path.exists('/tmp/owned')


def test_a_folder_that_cannot_be_written_is_an_error(gate, tmp_path):
    (tmp_path / 'file').write_text('')
    run = gate(VERIFY, {'web1': GOOD}, '-e', 'verify_junit=%s' % (tmp_path / 'file' / 'clocks.xml'))
    assert run.code != 0 and 'clocks.xml could not be written: ' in run.output[run.output.index('TASK [Fail where'):]


def test_a_file_that_cannot_be_written_hides_no_check(gate, tmp_path):
    (tmp_path / 'file').write_text('')
    run = gate(VERIFY, {'web1': GOOD, 'db1': SLOW, 'lost': {'clock_facts': ['unreachable']}},
               '-e', 'verify_junit=%s' % (tmp_path / 'file' / 'clocks.xml'))
    assert 'db1: source: hpet' in '\n'.join(said(run)) and said(run)[-1] == '1 passed, 2 failed of 3 hosts'
    assert [run.recap(name)['failed'] for name in ('web1', 'db1', 'lost')] == [1, 1, 1], run.output


@pytest.mark.parametrize('tags', ['deploy', 'verify'])
def test_it_checks_whatever_tags_are_asked_for(gate, tmp_path, tags):
    (tmp_path / 'site.yml').write_text('- ansible.builtin.import_playbook: %s\n' % VERIFY)
    run = gate(str(tmp_path / 'site.yml'), {'db1': SLOW}, '--tags', tags)
    assert run.code != 0 and 'db1: source: hpet' in '\n'.join(said(run)), run.output


def test_the_callback_of_ansible_core_counts_the_lost_too(gate, tmp_path):
    run = gate(VERIFY, {'web1': GOOD, 'db1': SLOW, 'lost': {'clock_facts': ['unreachable']}},
               ANSIBLE_CALLBACKS_ENABLED='ansible.builtin.junit', JUNIT_OUTPUT_DIR=str(tmp_path / 'junit'),
               JUNIT_TEST_CASE_PREFIX='Fail the hosts')
    assert run.code != 0
    report, = (tmp_path / 'junit').iterdir()
    cases = tree.parse(str(report)).getroot().iter('testcase')
    failed = {re.match(r'\[(\w+)\]', case.get('name')).group(1): case.find('failure')
              if case.find('error') is None else case.find('error') for case in cases}
    assert failed['web1'] is None
    assert 'source: hpet' in failed['db1'].get('message') and 'no route to host' in failed['lost'].get('message')
