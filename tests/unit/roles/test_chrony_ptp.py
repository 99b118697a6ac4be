# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role chrony_ptp and its playbook: what is called on a host, and what the reader is told of each."""
import os
import re
import sys

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import specs
from .conftest import ACTION, REPO

PLAYBOOK = 'cloudclock.linux.setup_chrony_ptp'
AT_ONCE = ('-e', 'chrony_ptp_serial=100%')
CHECK = ('--check',)

NOBODY = {'daemon': None, 'source': None, 'stratum': None, 'offset_seconds': None, 'root_dispersion': None}
BY_NTP = {'daemon': 'systemd-timesyncd', 'source': '192.0.2.1', 'stratum': 3, 'offset_seconds': -0.0012,
          'root_dispersion': None}
BY_PHC = {'daemon': 'chrony', 'source': 'PHC0', 'stratum': 1, 'offset_seconds': 1.2e-8, 'root_dispersion': 1.04e-6}
PROFILE = {'id': 'gcp', 'date': 'undated', 'source': 'a page of Google', 'clock_name': 'KVM virtual PTP'}
DEVICE = {'device': '/dev/ptp0', 'link': '/dev/ptp_kvm', 'clock_name': 'KVM virtual PTP', 'kind': 'kvm'}
OK = {'offset_seconds': 0.000012, 'uncertainty_seconds': 1e-6, 'method': 'precise', 'verdict': 'ok',
      'reference': 'chrony: 192.0.2.1, stratum 3'}


def answer(action='none', **more):
    result = {'changed': action in ('configured', 'removed'), 'action': action, 'refused': action == 'refused',
              'reason': 'a reason', 'package_needed': False, 'package': None, 'profile': PROFILE, 'device': DEVICE,
              'sanity': None, 'conflicts': [], 'selected': None, 'files': [], 'before': BY_NTP, 'after': BY_NTP,
              'reboot_required': False}
    result.update(more)
    return result


SELECTED = {'source': 'PHC0', 'stratum': 1, 'offset_seconds': 1.2e-8, 'root_dispersion': 1.04e-6,
            'reference_id': '50484330'}
CONFIGURED = answer('configured', selected=SELECTED, sanity=OK, after=BY_PHC,
                    conflicts=[{'service': 'systemd-timesyncd', 'did': 'stopped and disabled'}],
                    reason='profile gcp of undated: a page of Google')
DONE = answer(selected=SELECTED, before=BY_PHC, after=BY_PHC, reason='chronyd follows this clock already')
NEEDED = answer(package_needed=True, package='chrony', sanity=OK,
                reason='chrony is not installed: install it and call again; nothing was changed')
REMOVED = ('Reading package lists...\nThe following packages will be REMOVED:\n  systemd-timesyncd\n'
           'The following NEW packages will be installed:\n  chrony\n')
WENT = {'changed': True, 'stdout': REMOVED}


def packages(manager, family='Debian'):
    return {'ansible_facts': {'ansible_pkg_mgr': manager, 'ansible_os_family': family}, 'changed': False}


@pytest.fixture
def role(fleet, tmp_path):
    """As ``fleet``. ``real=True`` leaves ansible.builtin.package as it is, beside a fake community.general."""
    here = tmp_path / 'ansible_collections' / 'cloudclock' / 'linux'
    for name in ('chrony_refclock', 'setup', 'package', 'apt'):
        (here / 'plugins' / 'action' / (name + '.py')).write_text(ACTION)
    tasks = here / 'roles' / 'chrony_ptp' / 'tasks' / 'package.yml'
    text = tasks.read_text()

    def run(answers, *arguments, real=False, **environment):
        faked = 'setup|apt' if real else 'setup|apt|package'
        tasks.write_text(re.sub(r'ansible\.builtin\.(%s):' % faked, r'cloudclock.linux.\1:', text))
        return fleet(PLAYBOOK, answers, *arguments, **environment)
    return run


def table(run):
    lines = run.output[run.output.index('chrony_ptp : Show all hosts]'):].splitlines()
    start = next(n for n, line in enumerate(lines) if line.split()[:2] == ['host', 'action'])
    end = next(n for n, line in enumerate(lines) if re.search(r' of \d+ hosts?', line))
    return [line[8:] for line in lines[start:end + 1]]


def row(run, host):
    """``(the cells' first lines, two and more blanks between them; the reason)``."""
    lines = table(run)
    mine = next(n for n, line in enumerate(lines) if re.match(r'%s( |$)' % re.escape(host), line))
    reason = []
    for line in lines[mine + 1:]:
        indent = len(line) - len(line.lstrip())
        if indent == 4:
            reason.append(line.strip())
        elif reason or indent < 4:
            break
    return re.split(r' {2,}', lines[mine])[1:], ' '.join(reason)


@pytest.mark.slow
def test_each_kind_of_answer_has_its_row_and_only_failures_fail(role):
    run = role({
        'fresh': {'chrony_refclock': [CONFIGURED]},
        'done': {'chrony_refclock': [DONE]},
        'refused': {'chrony_refclock': [answer('refused', reason='the clock is 3600 s from the time that NTP keeps')]},
        'alone': {'chrony_refclock': [answer('left_alone', profile=None, device=None, before=NOBODY, after=NOBODY,
                                             reason='no profile covers this machine')]},
        'broken': {'chrony_refclock': [answer('rolled_back', failed=True, changed=False,
                                              msg='chronyd did not select PHC0. Everything is as it was.')]},
        'lost': {'chrony_refclock': ['unreachable']},
        'trusting': {'chrony_refclock': [dict(CONFIGURED, conflicts=[], sanity=dict(OK, verdict='unknown',
                                                                                    reference=None))]},
    }, *AT_ONCE)
    assert run.code == 2
    cells, reason = row(run, 'fresh')
    assert cells == ['configured', '192.0.2.1, systemd-timesyncd → PHC0 /dev/ptp_kvm', '1', '12.0 ns', '1.0 µs']
    assert reason == ('profile gcp; the clock is 12.0 µs ahead of the time of chrony: 192.0.2.1, stratum 3; '
                      'systemd-timesyncd stopped and disabled')
    assert row(run, 'done') == (['unchanged', 'PHC0 /dev/ptp_kvm', '1', '12.0 ns', '1.0 µs'],
                                'chronyd follows this clock already')
    assert row(run, 'refused') == (['refused', '192.0.2.1, systemd-timesyncd', '3', '-1.2 ms', '-'],
                                   'the clock is 3600 s from the time that NTP keeps')
    assert row(run, 'alone') == (['left alone', '-', '-', '-', '-'], 'no profile covers this machine')
    cells, reason = row(run, 'broken')
    assert cells[0] == 'failed' and reason == 'chronyd did not select PHC0. Everything is as it was.'
    assert row(run, 'lost') == (['unreachable', '-', '-', '-', '-'], 'no route to host')
    assert 'taken on trust' in row(run, 'trusting')[1]
    assert table(run)[-1] == '2 configured, 1 unchanged, 1 refused, 1 left alone, 1 failed, 1 unreachable of 7 hosts'
    assert max(len(line) for line in table(run)) <= 106
    assert all(run.recap(host)['failed'] == (host in ('broken', 'lost')) for host in
               ('fresh', 'done', 'refused', 'alone', 'broken', 'lost', 'trusting'))


@pytest.mark.slow
def test_a_clock_that_waits_for_a_reboot_is_not_configured_yet(role):
    waits = {'reboot_required': True, 'device': None, 'reason': 'reboot, then run again'}
    run = role({'web1': {'chrony_refclock': [answer('configured', **waits)]},
                'web2': {'chrony_refclock': [answer('left_alone', **waits)]}}, *AT_ONCE)
    assert run.code == 0
    for host in 'web1', 'web2':
        assert row(run, host) == (['reboot needed', '192.0.2.1, systemd-timesyncd', '3', '-1.2 ms', '-'],
                                  'reboot, then run again')
    assert table(run)[-1] == '2 reboot needed of 2 hosts'


@pytest.mark.slow
def test_a_converged_host_costs_one_module_and_few_tasks(role):
    run = role({'web1': {'chrony_refclock': [DONE]}})
    recap = run.recap('web1')
    assert run.code == 0 and run.called('web1') == ['chrony_refclock']
    assert recap['changed'] == 0 and recap['ok'] + recap['skipped'] <= 5


@pytest.mark.slow
def test_the_variables_reach_the_module(role):
    run = role({'web1': {'chrony_refclock': [DONE]}}, '-e', '{"chrony_ptp_profiles": [{"clock_name": "ice"}]}', '-e',
               'chrony_ptp_state=absent chrony_ptp_variant=classic chrony_ptp_max_offset=0.5 '
               'chrony_ptp_unverified=accept chrony_ptp_settle_seconds=9 chrony_ptp_metadata=when_unsettled')
    assert run.code == 0, run.output
    args = run.args('web1', 'chrony_refclock')[0]
    assert {key: str(value) for key, value in args.items()} == {
        'state': 'absent', 'profiles': "[{'clock_name': 'ice'}]", 'variant': 'classic', 'max_offset': '0.5',
        'unverified': 'accept', 'settle_seconds': '9', 'metadata': 'when_unsettled'}


@pytest.mark.slow
def test_absent_says_who_keeps_the_time_now(role):
    gone = answer('removed', before=BY_PHC, reason='chrony is as it was before', profile=None, device=None)
    answers = {'web1': {'chrony_refclock': [gone]}}
    run = role(answers, '-e', 'chrony_ptp_state=absent')
    assert run.code == 0 and run.called('web1') == ['chrony_refclock']
    cells, reason = row(run, 'web1')
    assert cells[0] == 'removed' and 'PHC0' in cells[1] and cells[2:4] == ['3', '-1.2 ms']
    assert reason == 'chrony is as it was before' and table(run)[-1] == '1 removed of 1 host'
    planned = role(answers, '-e', 'chrony_ptp_state=absent', *CHECK)
    assert row(planned, 'web1')[0][0] == 'would be removed'


@pytest.mark.slow
def test_chrony_is_installed_where_the_clock_waits_for_it(role):
    fresh = dict(CONFIGURED, conflicts=[], before=dict(NOBODY, daemon='chrony'),
                 sanity=dict(OK, verdict='unknown', reference=None))
    run = role({
        'debian': {'chrony_refclock': [NEEDED, fresh], 'setup': [packages('apt')], 'package': [WENT]},
        'rhel': {'chrony_refclock': [NEEDED, CONFIGURED], 'setup': [packages('dnf', 'RedHat')],
                 'package': [{'changed': True}]},
        'stale': {'chrony_refclock': [NEEDED, CONFIGURED], 'setup': [packages('apt')], 'apt': [WENT],
                  'package': [{'failed': True, 'msg': 'No package matching \'chrony\' is available'}]},
    }, *AT_ONCE)
    assert run.code == 0, run.output
    assert run.called('debian') == ['chrony_refclock', 'setup', 'package', 'chrony_refclock']
    assert run.called('stale') == ['chrony_refclock', 'setup', 'package', 'apt', 'chrony_refclock']
    assert run.args('debian', 'package') == [{'name': 'chrony', 'state': 'present', 'use': 'apt'}]
    assert run.args('rhel', 'package')[0]['use'] == 'dnf'
    assert run.args('stale', 'apt')[0]['update_cache'] is True
    # What vouched for the clock may have gone with the other package: the first call has asked it.
    assert [call['unverified'] for call in run.args('debian', 'chrony_refclock')] == ['refuse', 'accept']
    for host in ('debian', 'stale'):
        cells, reason = row(run, host)
        assert cells[0].startswith('installed and') and 'the package systemd-timesyncd gave way to chrony' in reason
    cells, reason = row(run, 'debian')
    assert cells[1].startswith('192.0.2.1,') and 'on trust' not in reason and '12.0 µs ahead of the time of' in reason
    assert 'gave way' not in row(run, 'rhel')[1] and table(run)[-1] == '3 configured of 3 hosts'


@pytest.mark.slow
def test_check_mode_without_chrony_predicts_and_does_not_fail(role):
    run = role({
        'debian': {'chrony_refclock': [NEEDED], 'setup': [packages('apt')], 'package': [WENT]},
        'stale': {'chrony_refclock': [NEEDED], 'setup': [packages('apt')],
                  'package': [{'failed': True, 'msg': 'No package matching \'chrony\' is available'}]},
    }, *AT_ONCE, *CHECK)
    assert run.code == 0, run.output
    assert run.called('stale') == ['chrony_refclock', 'setup', 'package', 'chrony_refclock']
    cells, reason = row(run, 'debian')
    assert cells[0] == 'would be installed' and cells[1].endswith('→ /dev/ptp_kvm') and cells[2:] == ['-', '-', '-']
    assert reason == ('check mode installs nothing, so what would be written is not shown yet; the clock is 12.0 µs '
                      'ahead of the time of chrony: 192.0.2.1, stratum 3; the package systemd-timesyncd would give '
                      'way to chrony')
    assert "whether apt has chrony shows in a real run (No package matching 'chrony' is available)" in row(
        run, 'stale')[1]
    assert table(run)[-1] == '2 configured of 2 hosts'


@pytest.mark.slow
def test_without_a_module_for_the_package_manager_the_host_fails_and_the_others_go_on(role):
    """ansible.builtin.package is the real one here, and no collection is installed."""
    run = role({
        'suse': {'chrony_refclock': [NEEDED], 'setup': [packages('zypper', 'Suse')]},
        'alpine': {'chrony_refclock': [NEEDED], 'setup': [packages('apk', 'Alpine')]},
        'plan9': {'chrony_refclock': [NEEDED], 'setup': [packages('unknown', 'Plan9')]},
        'web1': {'chrony_refclock': [CONFIGURED]},
    }, '-e', 'chrony_ptp_serial=1', real=True)
    assert run.code == 2 and run.called('web1') == ['chrony_refclock']
    for host, command in (('suse', 'zypper install chrony'), ('alpine', 'apk add --update-cache chrony'),
                          ('plan9', 'its own package manager')):
        assert run.called(host) == ['chrony_refclock', 'setup']
        cells, reason = row(run, host)
        assert cells[0] == 'failed' and 'On the machine it is done by ' + command in reason, reason
        assert ('ansible-galaxy collection install community.general' in reason) == (host != 'plan9')
        assert 'Could not find a' in reason and run.recap(host)['failed'] == 1
    assert table(run)[-1] == '3 failed, 1 configured of 4 hosts'


@pytest.mark.slow
def test_yum_alone_is_recognised_where_ansible_knows_it_no_more(role):
    """A core before 2.17 has a module for it, so what installs is faked."""
    run = role({'al2': {'chrony_refclock': [NEEDED], 'setup': [packages('unknown', 'RedHat')],
                        'package': [{'failed': True, 'msg': 'Could not find a matching action for "yum".'}]}})
    assert run.args('al2', 'package')[0]['use'] == 'yum' and run.code == 2
    assert 'done by yum install chrony; then run this again' in row(run, 'al2')[1]


@pytest.mark.slow
@pytest.mark.parametrize('manager', ['zypper', 'apk'])
def test_with_its_collection_the_package_manager_is_used(role, tmp_path, manager):
    folder = tmp_path / 'ansible_collections' / 'community' / 'general' / 'plugins' / 'modules'
    folder.mkdir(parents=True)
    (folder / (manager + '.py')).write_text(
        '#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n'
        'module = AnsibleModule(dict(name=dict(type="str"), state=dict(type="str")), supports_check_mode=True)\n'
        'open(%r, "a").write(module.params["name"] + module.params["state"])\nmodule.exit_json(changed=True)\n'
        % str(tmp_path / 'ran'))
    run = role({'web1': {'chrony_refclock': [NEEDED, CONFIGURED], 'setup': [packages(manager, 'other')]}},
               '-c', 'local', '-e', 'ansible_become=false', '-e', 'ansible_python_interpreter=' + sys.executable,
               real=True)
    assert run.code == 0, run.output
    assert (tmp_path / 'ran').read_text() == 'chronypresent'
    assert row(run, 'web1')[0][0].startswith('installed and')


@pytest.mark.slow
def test_what_fails_after_the_package_came_fails_the_host_and_says_what_went(role):
    broken = answer('rolled_back', failed=True, msg='chronyd did not select PHC0. Everything is as it was.')
    run = role({
        'web1': {'chrony_refclock': [NEEDED, broken], 'setup': [packages('apt')], 'package': [WENT]},
        'web2': {'chrony_refclock': [NEEDED, NEEDED], 'setup': [packages('apt')], 'package': [WENT]},
        'web3': {'chrony_refclock': [NEEDED], 'setup': [packages('apt')], 'package': [{'failed': True, 'msg': 'old'}],
                 'apt': [{'failed': True, 'msg': 'Failed to update apt cache'}]},
        'far': {'chrony_refclock': [NEEDED, answer('refused', reason='the clock is far', sanity=dict(OK, verdict='far'))],
                'setup': [packages('apt')], 'package': [WENT]},
        'web4': {'chrony_refclock': [NEEDED, 'unreachable'], 'setup': [packages('apt')], 'package': [WENT]},
    }, *AT_ONCE)
    assert run.code == 2
    cells, reason = row(run, 'web1')
    assert cells[0] == 'failed' and reason == ('chronyd did not select PHC0. Everything is as it was.; the package '
                                               'systemd-timesyncd gave way to chrony')
    assert row(run, 'web2')[1].startswith('chrony was installed, and no chronyd is to be found')
    assert row(run, 'web3')[1].startswith('Failed to update apt cache')
    assert row(run, 'web4')[0][0] == 'unreachable'
    assert row(run, 'far')[0][0] == 'refused' and row(run, 'far')[1] == (
        'the clock is far; the package systemd-timesyncd gave way to chrony')
    assert table(run)[-1] == '3 failed, 1 refused, 1 unreachable of 5 hosts'


@pytest.mark.slow
def test_a_canary_that_fails_stops_the_fleet(role):
    broken = {'chrony_refclock': [answer('rolled_back', failed=True, msg='chronyd did not start')]}
    run = role({'canary': broken, 'web1': {'chrony_refclock': [CONFIGURED]}})
    assert run.code == 2 and run.called('web1') == []
    assert row(run, 'web1') == (['not tried', '-', '-', '-', '-'],
                                'its batch was not begun, or the tags left it out')
    assert table(run)[-1] == '1 failed, 1 not tried of 2 hosts'
    run = role({'canary': broken, 'web1': {'chrony_refclock': [CONFIGURED]}}, '-e',
               'chrony_ptp_max_fail_percentage=100')
    assert run.code == 2 and run.called('web1') == ['chrony_refclock']
    run = role({'canary': broken, 'web1': {'chrony_refclock': [CONFIGURED]}}, '--limit', 'web1')
    assert run.code == 0 and table(run)[-1] == '1 configured of 1 host'


@pytest.mark.slow
def test_stages_by_their_tags(role):
    answers = {'web1': {'chrony_refclock': [NEEDED, CONFIGURED], 'setup': [packages('apt')], 'package': [WENT]}}
    run = role(answers, '--skip-tags', 'package')
    assert run.code == 0 and run.called('web1') == ['chrony_refclock']
    assert row(run, 'web1')[0][0] == 'left alone' and row(run, 'web1')[1].startswith('chrony is not installed')
    run = role(answers, '--tags', 'report')
    assert run.code == 0 and run.called('web1') == [] and table(run)[-1] == '1 not tried of 1 host'


@pytest.mark.slow
def test_a_value_that_cannot_be_meant_fails_the_host_before_anything(role):
    run = role({'web1': {'chrony_refclock': [CONFIGURED]}}, '-e', 'chrony_ptp_unverified=maybe')
    assert run.code == 2 and run.called('web1') == []
    assert row(run, 'web1')[0][0] == 'failed' and 'chrony_ptp_unverified' in row(run, 'web1')[1]


@pytest.mark.slow
def test_json_output_shows_the_table_line_by_line(role):
    run = role({'web1': {'chrony_refclock': [DONE]}}, ANSIBLE_CALLBACK_RESULT_FORMAT='json')
    assert re.search(r'"web1 +unchanged +PHC0 /dev/ptp_kvm', run.output)


def test_each_default_is_the_one_that_is_specified_and_the_modules():
    defaults = specs.load('chrony_ptp', 'defaults', 'main.yml')
    assert {name: option['default'] for name, option in specs.options('chrony_ptp').items()} == defaults
    assert ArgumentSpecValidator(specs.options('chrony_ptp')).validate(defaults).error_messages == []
    with open(os.path.join(REPO, 'plugins', 'modules', 'chrony_refclock.py'), encoding='utf-8') as source:
        text = re.search(r"DOCUMENTATION = r'''(.*?)'''", source.read(), re.S).group(1)
    for name, option in yaml.safe_load(text)['options'].items():
        if name not in ('root', 'remember'):
            mine = specs.options('chrony_ptp')['chrony_ptp_' + name]
            assert mine == {key: value for key, value in option.items() if key in mine}, name


@pytest.mark.parametrize('name, value', [
    ('chrony_ptp_state', 'there'), ('chrony_ptp_profiles', ['gcp']), ('chrony_ptp_max_offset', 'small'),
    ('chrony_ptp_unverified', 'trust'), ('chrony_ptp_settle_seconds', '1 min'), ('chrony_ptp_metadata', 'always')])
def test_what_cannot_be_meant_is_refused(name, value):
    errors = ArgumentSpecValidator(specs.options('chrony_ptp')).validate({name: value}).error_messages
    assert len(errors) == 1 and name in errors[0]


def test_each_variable_is_in_the_handbook():
    with open(os.path.join(REPO, 'docs', 'chrony-ptp.md'), encoding='utf-8') as text:
        handbook = text.read()
    wanted = list(specs.options('chrony_ptp')) + ['chrony_ptp_hosts', 'chrony_ptp_serial', 'chrony_ptp_max_fail_percentage']
    assert [name for name in wanted if '| `%s` |' % name not in handbook] == []
