# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard as a real shell runs it, on a folder that stands for /sys and /dev."""
import os
import shutil
import subprocess

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _guard, _profiles

SHELLS = [words for words in (['dash'], ['bash', '--posix'], ['busybox', 'sh']) if shutil.which(words[0])]
NAMES = ['guard.sh', 'ntp.off', 'ptp.conf'], ['guard.sh', 'ntp.conf', 'ptp.off']


def profile(**more):
    row = {'clock_name': 'KVM virtual PTP', 'link': 'ptp_kvm', 'refclock': 'refclock PHC {device}'}
    return _profiles.check_rows([dict(row, **more)])[0]


class Machine:
    def __init__(self, path, row, device):
        self.path = path
        self.folder = path / 'etc'
        for name in 'etc', 'dev', 'sys/class/ptp':
            (path / name).mkdir(parents=True)
        text = _guard.script(str(self.folder), row, '%s/dev/%s' % (path, device))
        # An ordinary file stands for the device, and nobody waits.
        text = text.replace('"/sys/', '"%s/sys/' % path).replace(' /sys/', ' %s/sys/' % path).replace(
            '"/dev/', '"%s/dev/' % path).replace('-c "$1"', '-e "$1"').replace('sleep 1', ':')
        for name, content in zip(NAMES[0], (text, 'ntp', 'ptp')):
            (self.folder / name).write_text(content)
        self.udev_does('')

    def plug(self, name, number=0):
        folder = self.path / 'sys/class/ptp' / ('ptp%d' % number)
        folder.mkdir()
        (folder / 'clock_name').write_text(name + '\n')
        (self.path / 'dev' / ('ptp%d' % number)).write_text('')

    def udev_does(self, script):
        tool = self.path / 'bin/udevadm'
        tool.parent.mkdir(exist_ok=True)
        tool.write_text('#!/bin/sh\necho "$@" >>%s/udevadm.log\n%s' % (self.path, script))
        tool.chmod(0o755)

    def run(self, shell):
        done = subprocess.run(shell + [str(self.folder / 'guard.sh')], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=30, check=False, env={'PATH': '%s/bin:%s' % (self.path, os.environ['PATH'])})
        assert done.returncode == 0, done.stderr
        assert (b'goes on without it' in done.stderr) == ('ntp.conf' in os.listdir(str(self.folder)))
        return sorted(os.listdir(str(self.folder)))


@pytest.fixture(params=SHELLS, ids=' '.join)
def shell(request):
    return request.param


def test_there_gone_and_back(tmp_path, shell):
    machine = Machine(tmp_path, profile(), 'ptp_kvm')
    assert machine.run(shell) == NAMES[1]
    assert machine.run(shell) == NAMES[1]
    machine.plug('igb-0000:01:00.0')
    assert machine.run(shell) == NAMES[1]
    machine.plug('KVM virtual PTP', 1)
    assert machine.run(shell) == NAMES[0]
    # where udev made no link the guard does, and not to the card's clock
    assert os.readlink(str(tmp_path / 'dev/ptp_kvm')) == 'ptp1'
    assert machine.run(shell) == NAMES[0]


def test_a_clock_that_udev_has_yet_to_bring_is_waited_for(tmp_path, shell):
    machine = Machine(tmp_path, profile(), 'ptp_kvm')
    staged = tmp_path / 'staged'
    machine.plug('KVM virtual PTP')
    (tmp_path / 'sys/class/ptp/ptp0').rename(staged)
    machine.udev_does('mv %s %s/sys/class/ptp/ptp0\n' % (staged, tmp_path))
    assert machine.run(shell) == NAMES[0]
    assert machine.run(shell) == NAMES[0]
    asked = (tmp_path / 'udevadm.log').read_text().splitlines()
    assert asked == ['settle --timeout=60 --exit-if-exists=%s/dev/ptp_kvm' % tmp_path]


def test_a_udev_that_does_not_come_to_an_end_holds_nothing_up(tmp_path, shell):
    machine = Machine(tmp_path, profile(), 'ptp_kvm')
    machine.udev_does('exit 1\n')
    assert machine.run(shell) == NAMES[1]


def test_a_link_to_another_clock_is_set_right(tmp_path, shell):
    machine = Machine(tmp_path, profile(), 'ptp_kvm')
    machine.plug('igb')
    machine.plug('KVM virtual PTP', 1)
    (tmp_path / 'dev/ptp_kvm').symlink_to('ptp0')
    assert machine.run(shell) == NAMES[0] and os.readlink(str(tmp_path / 'dev/ptp_kvm')) == 'ptp1'


def test_of_several_clocks_of_a_name_the_linked_one_stays(tmp_path, shell):
    machine = Machine(tmp_path, profile(clock_name='ena-ptp-*', link='ptp_ena'), 'ptp_ena')
    machine.plug('ena-ptp-05')
    machine.plug('ena-ptp-06', 1)
    (tmp_path / 'dev/ptp_ena').symlink_to('ptp1')
    assert machine.run(shell) == NAMES[0] and os.readlink(str(tmp_path / 'dev/ptp_ena')) == 'ptp1'


def test_without_a_link_the_number_must_have_the_name(tmp_path, shell):
    machine = Machine(tmp_path, profile(link=None), 'ptp0')
    machine.plug('igb')
    machine.plug('KVM virtual PTP', 1)
    assert machine.run(shell) == NAMES[1] and not (tmp_path / 'dev/ptp_kvm').exists()


def test_a_guard_whose_folder_is_gone_holds_nothing_up(tmp_path, shell):
    machine = Machine(tmp_path, profile(), 'ptp_kvm')
    script = (machine.folder / 'guard.sh').read_text()
    shutil.rmtree(str(machine.folder))
    assert subprocess.run(shell + ['-c', script], stderr=subprocess.PIPE, timeout=30, check=False).returncode == 0


def test_the_units_order_and_never_require():
    unit, dropin = _guard.unit('/etc/x', 'chronyd'), _guard.dropin()
    assert 'Before=chronyd.service' in unit and 'RemainAfterExit' not in unit and '\nType=oneshot\n' in unit
    for text in unit, dropin:
        assert 'Requires' not in text and 'BindsTo' not in text
    assert _guard.dropin_of('chrony') == '/etc/systemd/system/chrony.service.d/cloudclock-ptp.conf'


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='systemd is not installed')
def test_systemd_takes_the_units(tmp_path):
    text = _guard.unit(str(tmp_path), 'chrony-test')
    (tmp_path / (_guard.GUARD + '.service')).write_text(text)
    (tmp_path / 'chrony-test.service').write_text('[Service]\nExecStart=/bin/true\n')
    (tmp_path / 'chrony-test.service.d').mkdir()
    (tmp_path / 'chrony-test.service.d/cloudclock-ptp.conf').write_text(_guard.dropin())
    (tmp_path / 'guard.sh').write_text('')
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(tmp_path / (_guard.GUARD + '.service')),
                           str(tmp_path / 'chrony-test.service')], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    complaints = [line for line in done.stdout.decode().splitlines() if 'chrony' in line]
    assert not complaints and done.returncode == 0, done.stdout.decode()
