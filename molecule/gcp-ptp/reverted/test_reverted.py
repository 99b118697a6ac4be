# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After it was undone; and after a run on a host without the clock, which must not have written anything."""
import checks

OURS = ('/etc/chrony/conf.d/cloudclock-ptp.conf', '/etc/chrony/cloudclock-ptp.d',
        '/etc/modules-load.d/cloudclock-ptp.conf', '/etc/modprobe.d/cloudclock-ptp.conf',
        '/etc/udev/rules.d/99-cloudclock-ptp.rules', '/etc/systemd/system/cloudclock-chrony-ptp.service',
        '/etc/systemd/system/chrony.service.d', checks.RECORD)


def test_the_operators_files_are_back_to_the_byte(host):
    conf = host.file('/etc/chrony/chrony.conf')
    assert conf.content == host.file('/usr/share/chrony/chrony.conf').content
    assert (conf.mode, conf.user) == (0o644, 'root')
    assert host.file('/etc/chrony/sources.d/lab.sources').content == b'server 192.0.2.1 iburst\n'


def test_nothing_of_ours_is_there(host):
    assert [path for path in OURS if host.file(path).exists] == []
    assert host.run('grep -rl cloudclock /etc /run/systemd /run/udev/rules.d /usr/lib/systemd').stdout == ''
    assert not host.file('/dev/ptp_kvm').exists
    assert 'cloudclock' not in host.check_output('systemctl list-units --all --no-legend')


def test_chronyd_is_up_and_follows_its_servers_again(host):
    assert host.service('chrony').is_running
    assert checks.await_selected(host)[:3] == ['^', '*', '192.0.2.1']


def test_a_run_without_the_clock_writes_nothing(host):
    checks.same_as_first(host, 'undone-files', checks.fingerprint(host, '/etc'))


def test_a_run_without_the_clock_restarts_nothing(host):
    checks.same_as_first(host, 'undone-chronyd', host.check_output('systemctl show chrony -p MainPID'))
