# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page by which a hypervisor tells its guest about time, at /dev/vmclock0 (include/uapi/linux/vmclock-abi.h).

Its ``disruption_marker`` changes when the guest was migrated or the counter was otherwise disturbed: what was measured
against the counter before is then worth nothing.
"""
import os
import struct

_MAGIC = 0x4b4c4356
# magic, size, version, counter_id, time_type, seq_count, disruption_marker, flags, two of padding, clock_status,
# leap_second_smearing_hint, tai_offset_sec, leap_indicator, counter_period_shift
_FIELDS = struct.Struct('<IIHBBIQQ2xBBhBB')
_MAX_ERROR = struct.Struct('<Q')
_MAX_ERROR_AT = 96
_TAI_VALID, _SOON, _IMMINENT, _MAX_ERROR_VALID = 1, 2, 4, 64
_STATUS = ('unknown', 'initializing', 'synchronized', 'freerunning', 'unreliable')
_TYPES = ('utc', 'tai', 'monotonic')


def read(path):
    """``parse`` of the page at ``path``; raises ValueError or OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # The driver's read() answers only by what was whole at one moment.
        return parse(os.read(fd, 4096))
    finally:
        os.close(fd)


def parse(data):
    """``{'status', 'time_type', 'disruption_marker', 'disruption_expected', 'tai_offset_seconds', 'max_error_ns'}``.

    ``disruption_expected``: within about an ``hour``, a ``day``, or None where nothing is announced. What the page
    leaves open is None. Raises ValueError for what is no such page.
    """
    if len(data) < _FIELDS.size:
        raise ValueError('the page is too short')
    (magic, size, version, _counter, time_type, _sequence, marker, flags, status, _smearing, tai, _leap,
     _shift) = _FIELDS.unpack_from(data)
    if magic != _MAGIC or version != 1:
        raise ValueError('the page is no VMClock of version 1')
    whole = min(size, len(data)) >= _MAX_ERROR_AT + _MAX_ERROR.size
    return {
        'status': _STATUS[status] if status < len(_STATUS) else None,
        'time_type': _TYPES[time_type] if time_type < len(_TYPES) else None,
        'disruption_marker': marker,
        'disruption_expected': 'hour' if flags & _IMMINENT else 'day' if flags & _SOON else None,
        'tai_offset_seconds': tai if flags & _TAI_VALID else None,
        'max_error_ns': _MAX_ERROR.unpack_from(data, _MAX_ERROR_AT)[0] if whole and flags & _MAX_ERROR_VALID else None,
    }
