# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PTP hardware clocks of a machine, told apart by their names.

/dev/ptp0 is whichever driver came first, so that only /sys/class/ptp/ptpN/clock_name says what a clock is. The names
are the kernel's own: ``KVM virtual PTP`` (drivers/ptp/ptp_kvm_common.c), ``hyperv`` (drivers/hv/hv_util.c),
``ena-ptp-05`` with the PCI slot (drivers/net/ethernet/amazon/ena, ena_phc.c), ``vmclock0``
(drivers/ptp/ptp_vmclock.c).
"""
import re

_CLASS = '/sys/class/ptp'
_KINDS = (
    (re.compile(r'KVM virtual PTP\Z'), 'kvm'),
    (re.compile(r'hyperv\Z'), 'hyperv'),
    (re.compile(r'ena-ptp-'), 'ena'),
    (re.compile(r'(?:ptp_)?vmclock[0-9]*\Z'), 'vmclock'),
)


def read(root):
    """The clocks, as ``[{'device': '/dev/ptp0', 'clock_name': str|None, 'kind': kvm|hyperv|ena|vmclock|nic|other}]``.

    A network card's clock (``nic``) keeps that card's time until something disciplines it. A VMClock's own device
    (/dev/vmclock0) has a row without a clock_name: it is read or mapped, not opened as a PTP clock.
    """
    clocks = [_clock(root, name) for name in _numbered(root.listdir(_CLASS), 'ptp')]
    names = set(_numbered(root.listdir('/sys/class/misc'), 'vmclock')) or (
        {'vmclock0'} if root.exists('/dev/vmclock0') else set())
    for name in sorted(names):
        clocks.append({'device': '/dev/' + name, 'clock_name': None, 'kind': 'vmclock'})
    return clocks


def named(clock_name, wanted):
    """Whether a clock's name is the one wanted: exactly, or up to an asterisk that ends it."""
    if clock_name is None:
        return False
    return clock_name.startswith(wanted[:-1]) if wanted.endswith('*') else clock_name == wanted


def error_bound(root, device):
    """The nanoseconds that the card itself vouches for, None where it does not.

    Amazon's ENA driver has it beside the card, of the last reading (kernel/linux/ena/README.rst, "PHC error bound").
    """
    text = root.line('%s/%s/device/phc_error_bound' % (_CLASS, device.rpartition('/')[2])) or ''
    return int(text) if re.match(r'[0-9]{1,9}\Z', text) else None


def _numbered(names, prefix):
    """The names that are the prefix and a number, by that number."""
    found = [name for name in names if re.match(prefix + r'[0-9]+\Z', name)]
    return sorted(found, key=lambda name: int(name[len(prefix):]))


def _clock(root, name):
    clock_name = root.line('%s/%s/clock_name' % (_CLASS, name))
    return {'device': '/dev/' + name, 'clock_name': clock_name, 'kind': _kind(root, name, clock_name or '')}


def _kind(root, name, clock_name):
    for pattern, kind in _KINDS:
        if pattern.match(clock_name):
            return kind
    return 'nic' if root.listdir('%s/%s/device/net' % (_CLASS, name)) else 'other'
