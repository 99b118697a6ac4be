# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import errno

import pytest

from ansible_collections.cloudclock.linux.plugins.modules import ptp_clock_info

KVM = {'device': '/dev/ptp0', 'clock_name': 'KVM virtual PTP', 'kind': 'kvm'}
CARD = {'device': '/dev/ptp1', 'clock_name': 'ena-ptp-05', 'kind': 'ena'}
PAGE = {'device': '/dev/vmclock0', 'clock_name': None, 'kind': 'vmclock'}
FIGURES = {'offset_seconds': 1e-6, 'uncertainty_seconds': 2e-7, 'window_ns': 400, 'method': 'extended',
           'capabilities': {'n_pins': 0}}
KEYS = {'device', 'clock_name', 'kind', 'offset_seconds', 'uncertainty_seconds', 'window_ns', 'method', 'capabilities',
        'error_bound_ns', 'vmclock', 'reason'}


@pytest.fixture
def clocks(monkeypatch):
    """A machine with three clocks; returns what was read, as (device, samples)."""
    asked = []

    def read(device, samples):
        asked.append((device, samples))
        return dict(FIGURES)
    monkeypatch.setattr(ptp_clock_info._ptp, 'read', lambda root: [dict(KVM), dict(CARD), dict(PAGE)])
    monkeypatch.setattr(ptp_clock_info._ptp, 'error_bound', lambda root, device: 17000 if device == '/dev/ptp1' else None)
    monkeypatch.setattr(ptp_clock_info._phc, 'read', read)
    monkeypatch.setattr(ptp_clock_info._vmclock, 'read', lambda device: {'status': 'synchronized'})
    return asked


@pytest.mark.parametrize('check_mode', [False, True])
def test_all_of_them(run_module, clocks, check_mode):
    result = run_module('ptp_clock_info', check_mode=check_mode)
    assert result['changed'] is False and result['failed'] is False
    kvm, card, page = result['clocks']
    assert kvm == dict(KVM, **FIGURES, error_bound_ns=None, vmclock=None, reason=None)
    assert card == dict(CARD, **FIGURES, error_bound_ns=17000, vmclock=None, reason=None)
    assert page['vmclock'] == {'status': 'synchronized'} and page['offset_seconds'] is None
    assert 'PTP clock of the same name' in page['reason']
    assert set(kvm) == set(page) == KEYS
    assert clocks == [('/dev/ptp0', 10), ('/dev/ptp1', 10)]


@pytest.mark.parametrize('name, devices', [
    ('KVM virtual PTP', ['/dev/ptp0']), ('ena-ptp-*', ['/dev/ptp1']), ('KVM', []), ('*', ['/dev/ptp0', '/dev/ptp1'])])
def test_by_name(run_module, clocks, name, devices):
    result = run_module('ptp_clock_info', clock_name=name, samples=25)
    assert [clock['device'] for clock in result['clocks']] == devices
    assert clocks == [(device, 25) for device in devices]


def test_by_a_link(run_module, clocks, tmp_path):
    (tmp_path / 'ptp_ena').symlink_to('/dev/ptp1')
    assert run_module('ptp_clock_info', device=str(tmp_path / 'ptp_ena'))['clocks'][0]['clock_name'] == 'ena-ptp-05'


def test_a_device_that_the_kernel_does_not_list(run_module, tmp_path):
    row, = run_module('ptp_clock_info', device=str(tmp_path / 'ptp9'))['clocks']
    assert row == dict(dict.fromkeys(KEYS), device=str(tmp_path / 'ptp9'), reason='no such device')


@pytest.mark.parametrize('number, reason', [(errno.EACCES, 'root'), (errno.EINVAL, 'Invalid argument')])
def test_a_page_that_cannot_be_read(run_module, clocks, monkeypatch, number, reason):
    def refuse(device):
        raise OSError(number, 'no')
    monkeypatch.setattr(ptp_clock_info._vmclock, 'read', refuse)
    rows = run_module('ptp_clock_info')['clocks']
    assert reason in rows[2]['reason'] and rows[2]['vmclock'] is None
    assert rows[0]['reason'] is None


def test_one_that_cannot_be_read_does_not_hide_the_others(run_module, clocks, monkeypatch):
    def read(device, samples):
        if device == '/dev/ptp0':
            raise ptp_clock_info._phc.PhcError('the device is busy: try again', errno.EBUSY)
        return dict(FIGURES)
    monkeypatch.setattr(ptp_clock_info._phc, 'read', read)
    first, second, _page = run_module('ptp_clock_info')['clocks']
    assert first['reason'] == 'the device is busy: try again' and first['offset_seconds'] is None
    assert second['offset_seconds'] == 1e-6


@pytest.mark.parametrize('args, word', [
    ({'samples': 0}, 'samples must be 1 to 25'), ({'samples': 26}, 'samples must be 1 to 25'),
    ({'device': '/dev/ptp0', 'clock_name': 'hyperv'}, 'mutually exclusive')])
def test_what_is_refused(run_module, clocks, args, word):
    result = run_module('ptp_clock_info', **args)
    assert result['failed'] is True and word in result['msg']
    assert not clocks
