# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After it was taken back. chrony itself stays, as its package brought it: systemd-timesyncd had to go for it."""
import checks


def test_every_file_is_the_packages_again(host):
    # The image has no documentation.
    assert [line for line in host.run('dpkg --verify chrony').stdout.splitlines() if '/usr/share/' not in line] == []
    assert host.file('/etc/chrony/sources.d/lab.sources').content_string == 'server 192.0.2.1 iburst\n'


def test_nothing_of_ours_is_there(host):
    assert host.run('grep -rl cloudclock /etc').stdout == ''
    assert host.run('find /etc /run /var/lib -name "*cloudclock*" ! -name cloudclock.lock').stdout == ''
    assert not host.file(checks.RECORD).exists
    assert not host.file('/dev/ptp_lab').exists


def test_chrony_follows_its_own_server(host):
    assert checks.await_selected(host)[:3] == ['^', '*', '192.0.2.1']
    assert not [row for row in checks.sources(host) if row.startswith('#')]
