# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _timesync
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

V2 = 'sys/fs/cgroup/system.slice/%s.service/cgroup.procs'
V1 = 'sys/fs/cgroup/systemd/system.slice/%s.service/cgroup.procs'
HYBRID = 'sys/fs/cgroup/unified/system.slice/%s.service/cgroup.procs'


@pytest.fixture
def machine(tmp_path):
    class Machine:
        path = tmp_path

    def put(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def process(pid, comm, cmdline='', cgroup=''):
        put('proc/%d/comm' % pid, comm + '\n')
        put('proc/%d/cmdline' % pid, cmdline.replace(' ', '\0'))
        put('proc/%d/cgroup' % pid, cgroup)

    Machine.put, Machine.process = staticmethod(put), staticmethod(process)
    Machine.daemon = staticmethod(lambda: _timesync.read(Root(tmp_path))['daemon'])
    return Machine


@pytest.mark.parametrize('path', ['run/chrony/chronyd.pid', 'run/chronyd.pid', 'var/run/chronyd.pid',
                                  V2 % 'chrony', V2 % 'chronyd', V1 % 'chronyd', HYBRID % 'chrony'])
def test_chrony(machine, path):
    machine.put(path, '612\n')
    machine.process(612, 'chronyd')
    assert machine.daemon() == 'chrony'


@pytest.mark.parametrize('path', [V2, V1, HYBRID])
def test_timesyncd_has_no_pid_file(machine, path):
    machine.put(path % 'systemd-timesyncd', '301\n')
    machine.process(301, 'systemd-timesyn')
    assert machine.daemon() == 'systemd-timesyncd'


NTPSEC = '/usr/sbin/ntpd -p /run/ntpd.pid -c /etc/ntpsec/ntp.conf -g -N -u ntpsec:ntpsec'


@pytest.mark.parametrize('path, cmdline, cgroup, daemon', [
    ('run/ntpd.pid', '/usr/sbin/ntpd -u ntp:ntp -g', '', 'ntpd'),
    ('run/ntpd.pid', NTPSEC, '', 'ntpsec'),
    (V2 % 'ntpsec', '/usr/sbin/ntpd -n', '0::/system.slice/ntpsec.service', 'ntpsec'),
    ('run/ntpd.pid', '/usr/sbin/ntpd -f /etc/openntpd/ntpd.conf', '', 'openntpd'),
    (V2 % 'openntpd', 'ntpd: ntp engine', '0::/system.slice/openntpd.service', 'openntpd'),
    (V2 % 'ntp', '/usr/sbin/ntpd -p /var/run/ntpd.pid', '0::/system.slice/ntp.service', 'ntpd'),
])
def test_three_programs_called_ntpd(machine, path, cmdline, cgroup, daemon):
    machine.put(path, '77')
    machine.process(77, 'ntpd', cmdline, cgroup)
    assert machine.daemon() == daemon


def test_openntpd_by_its_socket(machine):
    machine.put('run/ntpd.pid', '77')
    machine.put('run/ntpd.sock', '')
    machine.process(77, 'ntpd', 'ntpd: [priv]')
    assert machine.daemon() == 'openntpd'


def test_stale_pid_file(machine):
    machine.put('run/chrony/chronyd.pid', '612')
    assert machine.daemon() is None


def test_pid_used_again_by_another(machine):
    machine.put('run/chrony/chronyd.pid', '612')
    machine.process(612, 'chronyd-helper')
    assert machine.daemon() is None


def test_stale_file_does_not_hide_the_one_that_runs(machine):
    machine.put('run/chronyd.pid', '612')
    machine.process(612, 'sshd')
    machine.put(V2 % 'systemd-timesyncd', '301')
    machine.process(301, 'systemd-timesyn')
    assert machine.daemon() == 'systemd-timesyncd'


@pytest.mark.parametrize('text', ['', 'chronyd', '-612', '612x', '\0\0'])
def test_garbage_in_a_pid_file(machine, text):
    machine.put('run/chrony/chronyd.pid', text)
    machine.process(612, 'chronyd')
    assert machine.daemon() is None


def test_run_folder_of_a_daemon_that_is_gone(machine):
    (machine.path / 'run/systemd/timesync').mkdir(parents=True)
    assert machine.daemon() is None


REPORT = ('50484330,PHC0,1,%.9f,-0.000001227,0.000000061,0.000000203,-0.020,0.001,0.336,0.000005850,'
          '0.000003199,1.0,Normal\n')
KEYS = {'daemon', 'source', 'stratum', 'offset_seconds', 'root_dispersion', 'reference_id', 'leap', 'reason'}


@pytest.fixture
def asked(machine):
    """Reads the machine as a live one; the commands that were run come with it."""
    def read(daemon=True):
        if daemon:
            machine.put('run/chrony/chronyd.pid', '612')
            machine.process(612, 'chronyd')
        root, commands = Root(machine.path), []
        root.live = True
        return _timesync.read(root, lambda argv: commands.append(argv) or REPORT % time.time()), commands
    return read


def test_the_daemon_is_asked_by_one_command(asked):
    found, commands = asked()
    assert [command[0] for command in commands] == ['chronyc']
    assert found == {'daemon': 'chrony', 'source': 'PHC0', 'stratum': 1, 'offset_seconds': -0.000001227, 'leap': 'normal',
                     'root_dispersion': 0.000003199, 'reference_id': '50484330', 'reason': None}


def test_no_daemon_no_command(asked):
    found, commands = asked(daemon=False)
    assert not commands
    assert set(found) == KEYS and set(found.values()) == {None}


def test_another_root_is_not_asked(machine):
    machine.put('run/chronyd.pid', '612')
    machine.process(612, 'chronyd')
    found = _timesync.read(Root(machine.path), lambda argv: pytest.fail('it ran %s' % argv))
    assert found == dict(dict.fromkeys(KEYS), daemon='chrony', reason='another root')
