# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PTP hardware clock against the system clock, by the kernel's ioctls (include/uapi/linux/ptp_clock.h).

Three methods, the best first. ``precise``: the device, or the hypervisor, latches both clocks at once. ``extended``
(Linux 5.0): the kernel reads the system clock right before and after the one register that matters. ``plain``: around
the driver's whole read, which on a network card takes microseconds. In the last two the PHC was read somewhere within
that window, so that half of it is the error at most; the shortest of several windows is kept.

PHC and system clock are compared as they stand. A PHC that runs on TAI is 37 s ahead, and nothing here corrects that.
"""
import errno
import fcntl
import os
import stat
import struct

# PTP_MAX_SAMPLES
MOST_SAMPLES = 25
# struct ptp_clock_time: __s64 sec, __u32 nsec, __u32 reserved; 16 bytes on every architecture.
_TIME = struct.Struct('=qII')
_HEAD = struct.Struct('=I3I')
_CAPS = struct.Struct('=20i')
_PRECISE_SIZE = 4 * _TIME.size
_EXTENDED_SIZE = _HEAD.size + 3 * MOST_SAMPLES * _TIME.size
_PLAIN_SIZE = _HEAD.size + (2 * MOST_SAMPLES + 1) * _TIME.size
# The precise readings tell their error only by how they differ.
_LEAST_PRECISE = 3
_TRIES = 3
_AGAIN = (errno.EINTR, errno.EAGAIN, errno.EBUSY)
_NOT_OFFERED = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL)


class PhcError(ValueError):
    """The clock could not be read; the message says why, and ``errno`` is the kernel's word, None where it had none."""

    def __init__(self, message, number=None):
        ValueError.__init__(self, message)
        self.errno = number


def read(path, samples=10):
    """``{'offset_seconds', 'uncertainty_seconds', 'window_ns', 'method', 'capabilities'}`` of the clock at ``path``.

    ``offset_seconds`` is the PHC less CLOCK_REALTIME; ``window_ns`` is None for ``precise``, which has none;
    ``capabilities`` are the device's own words (``_capabilities``). ``samples`` exchanges, 1 to 25. Raises PhcError.
    """
    try:
        fd = _open(path)
    except OSError as exc:
        raise PhcError(explain(exc.errno), exc.errno)
    try:
        offered = _ask_capabilities(fd)
        return dict(_compare(fd, samples), capabilities=offered)
    finally:
        os.close(fd)


def _open(path):
    status = os.stat(path)
    if not stat.S_ISCHR(status.st_mode):
        raise PhcError('it is no device')
    # To open some devices is to act: a watchdog starts. The kernel says which class a device number is of.
    entry = '/sys/dev/char/%d:%d' % (os.major(status.st_rdev), os.minor(status.st_rdev))
    if os.path.exists(entry) and os.path.basename(os.path.realpath(entry + '/subsystem')) != 'ptp':
        raise PhcError('it is no PTP clock')
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _ask_capabilities(fd):
    try:
        return capabilities(_ask(fd, 'r', (10, 1), bytearray(_CAPS.size)))
    except OSError as exc:
        raise PhcError('it is no PTP clock' if exc.errno in _NOT_OFFERED else explain(exc.errno), exc.errno)


def _compare(fd, samples):
    said = None
    for method in (_precise, _extended, _plain):
        try:
            return method(fd, samples)
        except OSError as exc:
            # ENODEV is ptp_kvm's where the kernel is not on the clocksource that the host's counter belongs to, and
            # ETIMEDOUT is some cards': whatever one method says, the next may work.
            if said is None or said in _NOT_OFFERED:
                said = exc.errno
    raise PhcError('it has no way to be compared with the system clock' if said in _NOT_OFFERED else explain(said),
                   said)


def _precise(fd, samples):
    return of_precise([_ask(fd, 'rw', (17, 8), bytearray(_PRECISE_SIZE))
                       for _unused in range(max(samples, _LEAST_PRECISE))])


def _extended(fd, samples):
    return of_extended(_ask(fd, 'rw', (18, 9), _wanted(_EXTENDED_SIZE, samples)), samples)


def _plain(fd, samples):
    # The kernel calls this one _IOW all the same, and writes the answer back.
    return of_plain(_ask(fd, 'w', (14, 5), _wanted(_PLAIN_SIZE, samples)), samples)


def _wanted(size, samples):
    """A request: the number of samples; the reserved words stay 0, which since 6.13 means CLOCK_REALTIME."""
    data = bytearray(size)
    _HEAD.pack_into(data, 0, samples, 0, 0, 0)
    return data


def _ask(fd, direction, numbers, data):
    """The buffer as the kernel filled it, by the first of the two ioctls' numbers that it knows. Raises OSError."""
    newer, older = numbers
    try:
        return _ioctl(fd, request(direction, newer, len(data)), data)
    except OSError as exc:
        # The numbers from 10 on are there since Linux 5.4.
        if exc.errno not in (errno.ENOTTY, errno.EINVAL):
            raise
    return _ioctl(fd, request(direction, older, len(data)), data)


def _ioctl(fd, number, data):
    for left in reversed(range(_TRIES)):
        answer = bytearray(data)
        try:
            fcntl.ioctl(fd, number, answer)
            return bytes(answer)
        except OSError as exc:
            if exc.errno not in _AGAIN or not left:
                raise


def request(direction, number, size, machine=None):
    """An ioctl's number: the macros _IOR, _IOW and _IOWR with PTP's magic ``=`` (asm-generic/ioctl.h).

    ``direction`` is the process's: r, w or rw. Some architectures lay the bits out in a way of their own
    (arch/{alpha,mips,powerpc,sparc,parisc}/include/uapi/asm/ioctl.h).
    """
    machine = machine or os.uname()[4]
    reads, writes, shift = 2, 1, 30
    if machine.startswith(('alpha', 'mips', 'ppc', 'powerpc', 'sparc')):
        reads, writes, shift = 2, 4, 29
    elif machine.startswith('parisc'):
        reads, writes = 1, 2
    bits = (reads if 'r' in direction else 0) | (writes if 'w' in direction else 0)
    return bits << shift | size << 16 | ord('=') << 8 | number


def explain(number):
    """What the kernel's refusal means here and what to do about it."""
    if number in (errno.EACCES, errno.EPERM):
        if os.geteuid():
            return 'it may not be opened without root: become root'
        return 'root was refused: a container, a sandbox or SELinux keeps the device back'
    if number == errno.ENOENT:
        return 'no such device'
    if number in (errno.ENODEV, errno.ENXIO):
        return 'the device is gone, or its driver cannot serve it now'
    if number == errno.EBUSY:
        return 'the device is busy: try again'
    if number == errno.ENOSYS:
        return 'a sandbox keeps the call back'
    return os.strerror(number)


# From here on pure: what the kernel wrote → figures. Times are whole nanoseconds until the last step, as a float of
# seconds since 1970 is good to 0.2 µs only.

def capabilities(data):
    """struct ptp_clock_caps by name: ``max_adj_ppb``, numbers of channels and pins, and what is yes or no."""
    words = _CAPS.unpack(data)
    names = ('max_adj_ppb', 'n_alarm', 'n_ext_ts', 'n_per_out', 'pps', 'n_pins', 'cross_timestamping', 'adjust_phase')
    return {name: bool(word) if name in ('pps', 'cross_timestamping', 'adjust_phase') else word
            for name, word in zip(names, words)}


def of_precise(answers):
    """struct ptp_sys_offset_precise each: device, system, raw. The median; the uncertainty is the farthest's distance.

    A nanosecond, the clocks' own step, is the least that is claimed.
    """
    offsets = sorted(_time(data, 0) - _time(data, 1) for data in answers)
    middle = offsets[len(offsets) // 2]
    uncertainty = max(offsets[-1] - middle, middle - offsets[0], 1)
    return {'offset_seconds': middle / 1e9, 'uncertainty_seconds': uncertainty / 1e9, 'window_ns': None,
            'method': 'precise'}


def of_extended(data, samples):
    """struct ptp_sys_offset_extended: of each sample system, device, system."""
    return _shortest('extended', [[_time(data, 3 * index + step, _HEAD.size) for step in range(3)]
                                  for index in range(samples)])


def of_plain(data, samples):
    """struct ptp_sys_offset: system and device by turns, a system time at the end."""
    return _shortest('plain', [[_time(data, 2 * index + step, _HEAD.size) for step in range(3)]
                               for index in range(samples)])


def _shortest(method, exchanges):
    # A window that ends before it began is one in which the system clock was set back.
    windows = [(after - before, 2 * device - before - after) for before, device, after in exchanges if after >= before]
    if not windows:
        raise PhcError('the system clock was set back while it was read: try again')
    window, doubled = min(windows)
    return {'offset_seconds': doubled / 2e9, 'uncertainty_seconds': max(window, 2) / 2e9, 'window_ns': window,
            'method': method}


def _time(data, index, start=0):
    seconds, nanoseconds, _reserved = _TIME.unpack_from(data, start + index * _TIME.size)
    if nanoseconds >= 1000000000:
        raise PhcError('the kernel answered by a time that is none')
    return seconds * 1000000000 + nanoseconds
