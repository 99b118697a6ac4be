# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the operator's profile was given, after a second run, which must write nothing, and after a reboot."""
import checks

BEHIND = """
import os, time
clock = ~os.open('/dev/ptp_lab', os.O_RDONLY) << 3 | 3
def difference():
    before, phc, after = time.time(), time.clock_gettime(clock), time.time()
    return after - before, phc - (before + after) / 2
print(min(difference() for dummy in range(50))[1])
"""


def test_chrony_follows_the_clock_and_nothing_else(host):
    assert checks.await_selected(host)[:3] == ['#', '*', 'PHC0']
    assert len(checks.sources(host)) == 1
    tracking = host.check_output('chronyc -c tracking').split(',')
    assert (tracking[0], tracking[1], tracking[2]) == ('50484330', 'PHC0', '1')
    print('root dispersion %s s' % tracking[11])


def test_the_system_clock_is_where_the_cards_is(host):
    behind = float(host.check_output('python3 -c %s', BEHIND))
    print('the card is %.6f s from the system clock' % behind)
    assert abs(behind) < 0.005


def test_it_is_the_only_daemon(host):
    assert host.service('chrony').is_running and host.service('chrony').is_enabled
    assert not host.service('systemd-timesyncd').is_running


def test_the_operators_file_stays(host):
    lines = host.file('/etc/chrony/chrony.conf').content_string.splitlines()
    for line in ('driftfile /var/lib/chrony/chrony.drift', 'rtcsync', 'keyfile /etc/chrony/chrony.keys', 'makestep 1 3'):
        assert line in lines
    assert not [line for line in lines if line.startswith(('pool ', 'server '))]


def test_a_second_run_writes_nothing(host):
    checks.same_as_first(host, 'written', checks.fingerprint(
        host, '/etc/chrony', '/etc/systemd', '/etc/udev', '/etc/modules-load.d', checks.RECORD))
