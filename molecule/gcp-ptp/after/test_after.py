# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the role; after a second run, which must write and restart nothing; after a reboot by somebody else."""
import json

import checks

CONF = '/etc/chrony/chrony.conf'
FOLDER = '/etc/chrony/cloudclock-ptp.d'


def test_chronyd_follows_the_clock_and_nobody_else(host):
    row = checks.await_selected(host)
    assert row[:3] == ['#', '*', 'PHC0']
    assert [line.split(',')[0] for line in checks.sources(host)] == ['#']
    tracking = host.check_output('chronyc -c tracking').split(',')
    print('tracking:', tracking)
    assert tracking[:3] == ['50484330', 'PHC0', '1']
    assert abs(float(tracking[4])) < 0.01


def test_the_device_is_the_one_of_that_name(host):
    device = host.file('/dev/ptp_kvm').linked_to
    name = host.file(device.replace('/dev', '/sys/class/ptp') + '/clock_name').content_string.strip()
    assert name == 'KVM virtual PTP'


def test_the_operators_file_stays_and_what_cannot_stand_beside_it_is_marked(host):
    lines = host.file(CONF).content_string.splitlines()
    own = host.file('/usr/share/chrony/chrony.conf').content_string.splitlines()
    assert [line for line in own if line not in lines] == ['pool 2.debian.pool.ntp.org iburst',
                                                           'sourcedir /run/chrony-dhcp',
                                                           'leapseclist /usr/share/zoneinfo/leap-seconds.list']
    assert 'driftfile /var/lib/chrony/chrony.drift' in lines and 'rtcsync' in lines
    assert not [line for line in host.file('/etc/chrony/sources.d/lab.sources').content_string.splitlines()
                if line.startswith('server')]


def test_the_line_is_in_a_drop_in(host):
    assert f'confdir {FOLDER}' in host.file('/etc/chrony/conf.d/cloudclock-ptp.conf').content_string.splitlines()
    lines = host.file(f'{FOLDER}/ptp.conf').content_string.splitlines()
    assert [line for line in lines if not line.startswith('#')] == ['refclock PHC /dev/ptp_kvm poll -1', 'log tracking']
    assert 'server 192.0.2.1 iburst' in host.file(f'{FOLDER}/ntp.off').content_string.splitlines()
    assert not host.file(f'{FOLDER}/ntp.conf').exists


def test_no_other_daemon_keeps_the_time(host):
    assert not host.service('systemd-timesyncd').is_running
    assert host.check_output('systemctl is-enabled chrony') == 'enabled'


def test_the_guard_ran_before_chronyd(host):
    guard = show(host, 'cloudclock-chrony-ptp', 'Result', 'ExecMainStatus', 'ExecMainExitTimestampMonotonic')
    chronyd = show(host, 'chrony', 'ExecMainStartTimestampMonotonic')
    assert (guard['Result'], guard['ExecMainStatus']) == ('success', '0')
    assert 0 < int(guard['ExecMainExitTimestampMonotonic']) < int(chronyd['ExecMainStartTimestampMonotonic'])
    assert 'active' == host.check_output('systemctl is-active chrony')
    assert host.file('/etc/modules-load.d/cloudclock-ptp.conf').content_string.splitlines()[-1] == 'ptp_kvm'


def test_the_former_state_is_remembered(host):
    record = host.file(checks.RECORD + '/state.json')
    assert record.mode == 0o600
    assert CONF in json.loads(record.content_string)['chrony_ptp']['files']


def test_a_second_run_writes_nothing(host):
    checks.same_as_first(host, 'set-up-files', checks.fingerprint(host, checks.RECORD, '/etc'))


def test_a_second_run_restarts_nothing(host):
    boot = host.file('/proc/sys/kernel/random/boot_id').content_string.strip()
    checks.same_as_first(host, 'chronyd-' + boot, show(host, 'chrony', 'MainPID'))


def show(host, unit, *names):
    lines = host.check_output('systemctl show %s -p %s', unit, ','.join(names)).splitlines()
    return dict(line.split('=', 1) for line in lines)
