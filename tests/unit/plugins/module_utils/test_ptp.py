# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _ptp
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


@pytest.fixture
def machine(tmp_path):
    def add(number, clock_name, net=None):
        """As sysfs has it: the class entry is a link, and its device link leads to the parent in /sys/devices."""
        parent = tmp_path / ('sys/devices/parent%d' % number)
        clock = parent / 'ptp' / ('ptp%d' % number)
        clock.mkdir(parents=True)
        (clock / 'device').symlink_to('../../../parent%d' % number)
        if clock_name is not None:
            (clock / 'clock_name').write_text(clock_name + '\n')
        if net:
            (parent / 'net' / net).mkdir(parents=True)
        folder = tmp_path / 'sys/class/ptp'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ('ptp%d' % number)).symlink_to('../../devices/parent%d/ptp/ptp%d' % (number, number))
    add.path = tmp_path
    return add


@pytest.mark.parametrize('clock_name, net, kind', [
    ('KVM virtual PTP', None, 'kvm'),
    ('hyperv', None, 'hyperv'),
    ('ena-ptp-05', 'ens5', 'ena'),
    ('vmclock0', None, 'vmclock'),
    ('ptp_vmclock', None, 'vmclock'),
    ('mlx5_ptp', 'eth0', 'nic'),
    ('00:16:3e:00:00:01', 'eth0', 'nic'),
    ('ptp_vmw', None, 'other'),
    ('Not KVM virtual PTP', None, 'other'),
    ('hyperv2', None, 'other'),
    ('my-ena-ptp-05', None, 'other'),
    ('', None, 'other'),
])
def test_kind(machine, clock_name, net, kind):
    machine(0, clock_name, net)
    assert _ptp.read(Root(machine.path)) == [{'device': '/dev/ptp0', 'clock_name': clock_name, 'kind': kind}]


def test_no_name_is_null(machine):
    machine(3, None)
    assert _ptp.read(Root(machine.path)) == [{'device': '/dev/ptp3', 'clock_name': None, 'kind': 'other'}]


def test_order_is_by_number(machine):
    for number in (10, 9, 0):
        machine(number, 'hyperv')
    assert [clock['device'] for clock in _ptp.read(Root(machine.path))] == ['/dev/ptp0', '/dev/ptp9', '/dev/ptp10']


def test_nothing(tmp_path):
    assert _ptp.read(Root(tmp_path)) == []


def test_vmclock_device_beside_its_ptp_clock(machine):
    machine(0, 'vmclock0')
    (machine.path / 'sys/class/misc/vmclock0').mkdir(parents=True)
    (machine.path / 'sys/class/misc/vmclockX').mkdir(parents=True)
    assert _ptp.read(Root(machine.path)) == [
        {'device': '/dev/ptp0', 'clock_name': 'vmclock0', 'kind': 'vmclock'},
        {'device': '/dev/vmclock0', 'clock_name': None, 'kind': 'vmclock'}]


def test_vmclock_by_its_device_node_alone(tmp_path):
    (tmp_path / 'dev').mkdir()
    (tmp_path / 'dev/vmclock0').write_text('')
    assert _ptp.read(Root(tmp_path)) == [{'device': '/dev/vmclock0', 'clock_name': None, 'kind': 'vmclock'}]


@pytest.mark.parametrize('wanted, is_it', [
    ('ena-ptp-05', True), ('ena-ptp-*', True), ('*', True), ('ena-ptp-0', False), ('ena-ptp-06*', False), ('*-05', False),
    ('', False)])
def test_named(wanted, is_it):
    assert _ptp.named('ena-ptp-05', wanted) is is_it


def test_a_clock_without_a_name_is_none_that_is_wanted():
    assert _ptp.named(None, '*') is False


@pytest.mark.parametrize('text, bound', [('17000\n', 17000), ('0', 0), ('4294967295', None), ('-1', None), ('', None)])
def test_error_bound_of_the_card(machine, text, bound):
    machine(0, 'ena-ptp-05', 'ens5')
    (machine.path / 'sys/devices/parent0/phc_error_bound').write_text(text)
    assert _ptp.error_bound(Root(machine.path), '/dev/ptp0') == bound


def test_most_cards_have_no_error_bound(machine):
    machine(0, 'ena-ptp-05', 'ens5')
    assert _ptp.error_bound(Root(machine.path), '/dev/ptp0') is None
