# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import ctypes
import struct

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _timesource
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _sanity

READING = {'offset_seconds': 0.02, 'uncertainty_seconds': 0.001, 'method': 'extended'}


def sync(daemon, *more):
    found = dict(_timesource.UNKNOWN, daemon=daemon, reason=None)
    for values in more:
        found.update(values)
    return found


CHRONY = dict(source='192.0.2.1', stratum=3, offset_seconds=0.5)


@pytest.mark.parametrize('time_sync, kernel, vouches, word', [
    (sync('chrony', CHRONY), False, 'chrony: 192.0.2.1, stratum 3', None),
    (sync('chrony', CHRONY, dict(source='PHC0')), True, None, 'this very clock'),
    (sync('chrony', CHRONY, dict(source='GPS')), False, 'chrony: GPS, stratum 3', None),
    (sync('chrony'), True, None, 'not synchronised'),
    (sync('chrony', CHRONY, dict(offset_seconds=None)), True, None, 'not synchronised'),
    (sync('chrony', CHRONY, dict(stratum=16)), True, None, 'not synchronised'),
    (sync('systemd-timesyncd'), True, "systemd-timesyncd, by the kernel's word (adjtimex)", None),
    (sync('systemd-timesyncd'), False, None, 'does not keep the clock'),
    (sync(None), True, None, 'no time daemon'),
    (sync('ntpd'), None, None, 'does not keep the clock'),
    # the kernel's flag is clean since the daemon before
    (sync('systemd-timesyncd', dict(leap='unsynchronised', reason='has heard of no server yet')), True, None, 'no server'),
    (sync('ntpd', dict(leap='unsynchronised')), True, None, 'ntpd is not synchronised'),
    (sync('ntpd'), True, "ntpd, by the kernel's word (adjtimex)", None)])
def test_who_vouches(time_sync, kernel, vouches, word):
    found, why, ahead = _sanity.reference(time_sync, lambda source: source == 'PHC0', lambda: kernel)
    assert found == vouches and (why is None) == (word is None) and (word is None or word in why)
    assert ahead == (0.5 if vouches and vouches.startswith('chrony') else 0.0)


@pytest.mark.parametrize('ahead, limit, verdict, offset', [
    (0.0, 0.1, 'ok', 0.02), (0.0, 0.0205, 'far', 0.02), (0.0, 0.0211, 'ok', 0.02), (0.5, 0.1, 'far', -0.48),
    (0.02, 0.0011, 'ok', 0.0)])
def test_verdict(ahead, limit, verdict, offset):
    found = _sanity.judge(READING, ('ntpd', None, ahead), limit)
    assert (found['verdict'], found['offset_seconds']) == (verdict, offset)


def test_nobody_vouches():
    found = _sanity.judge(READING, (None, 'because', 0.0), 0.1)
    assert (found['verdict'], found['reason'], found['offset_seconds']) == ('unknown', 'because', 0.02)


@pytest.mark.parametrize('state, status, answer', [
    (0, 0x2001, True), (3, 0x2001, True), (0, 0x2041, False), (5, 0x2001, False), (-1, 0, None)])
def test_what_the_kernel_says(monkeypatch, state, status, answer):
    class Libc:
        @staticmethod
        def adjtimex(timex):
            # modes, offset, freq, maxerror, esterror, status
            ctypes.memmove(timex, struct.pack('@I4li', 0, 64, 64, 64, 64, status), struct.calcsize('@I4li'))
            return state
    monkeypatch.setattr(ctypes, 'CDLL', lambda *_args, **_kwargs: Libc)
    assert _sanity.kernel_synchronised() is answer


def test_the_kernel_answers_for_real():
    raw = ctypes.create_string_buffer(1024)
    state = ctypes.CDLL(None).adjtimex(raw)
    status = struct.unpack_from('@I4li', raw)[-1]  # modes, offset, freq, maxerror, esterror, status
    assert _sanity.kernel_synchronised() is (None if state < 0 else state != 5 and not status & 0x40)
