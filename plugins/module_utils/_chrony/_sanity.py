# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a PTP hardware clock to be trusted? It is held against the time that NTP keeps on this machine.

A host whose own clock is not synchronised gives its guests a wrong PHC (coreos/bugs#1355, #2263). What vouches for the
system clock: chronyd, when it follows a source that is not this PHC and not its own clock; with another daemon the
kernel's word that it keeps it (adjtimex; timedatectl's NTPSynchronized is the same). Without either the answer is unknown.
"""

_TIME_ERROR = 5
# adjtimex(2): STA_UNSYNC; struct timex begins with modes, offset, freq, maxerror, esterror, status.
_STA_UNSYNC = 0x40


def kernel_synchronised():
    """Whether the kernel believes that a daemon keeps its clock; None where it does not say."""
    import ctypes

    class Timex(ctypes.Structure):
        _fields_ = [('modes', ctypes.c_uint), ('offset', ctypes.c_long), ('freq', ctypes.c_long),
                    ('maxerror', ctypes.c_long), ('esterror', ctypes.c_long), ('status', ctypes.c_int),
                    ('rest', ctypes.c_char * 512)]
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    timex = Timex()
    state = call(ctypes.byref(timex))
    if state < 0:
        return None
    return state != _TIME_ERROR and not timex.status & _STA_UNSYNC


def reference(time_sync, is_this, kernel=kernel_synchronised):
    """``(what vouches or None, why none, seconds by which that time is ahead of the system clock)``.

    ``time_sync`` is _timesync.read's; ``is_this(source)`` says whether chrony's source is the PHC itself.
    """
    daemon = time_sync['daemon']
    if daemon == 'chrony':
        source, stratum = time_sync['source'], time_sync['stratum']
        if source and is_this(source):
            return None, 'chronyd follows this very clock (%s)' % source, 0.0
        if not source or not stratum or stratum >= 16 or time_sync['offset_seconds'] is None:
            return None, time_sync.get('reason') or 'chronyd is not synchronised', 0.0
        return 'chrony: %s, stratum %d' % (source, stratum), None, time_sync['offset_seconds']
    if daemon is None:
        # Whoever told the kernel so may have it from this very clock.
        return None, 'no time daemon that is known here runs', 0.0
    if time_sync['leap'] == 'unsynchronised':
        # The kernel's flag may be the word of the daemon before.
        return None, time_sync['reason'] or '%s is not synchronised' % daemon, 0.0
    if kernel():
        return '%s, by the kernel\'s word (adjtimex)' % daemon, None, 0.0
    return None, '%s does not keep the clock synchronised' % daemon, 0.0


def judge(reading, against, limit):
    """``sanity`` of the result: _phc.read's reading held against ``reference``'s answer."""
    vouches, why, ahead = against
    found = {'offset_seconds': None, 'uncertainty_seconds': reading['uncertainty_seconds'],
             'method': reading['method'], 'reference': vouches, 'verdict': 'unknown', 'reason': why}
    if vouches is None:
        return dict(found, offset_seconds=round(reading['offset_seconds'], 9))
    offset = round(reading['offset_seconds'] - ahead, 9)
    far = abs(offset) + reading['uncertainty_seconds'] > limit
    return dict(found, offset_seconds=offset, verdict='far' if far else 'ok')
