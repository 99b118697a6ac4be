# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the time daemon says of itself: one command of its own client, with a limit of time, and nobody else asked.

chronyc is sent to the socket and to 127.0.0.1, timedatectl talks to the daemon by D-Bus, ntpq to 127.0.0.1. The other
daemons are not asked: ntpsec's ntpq is a Python program, dearer than all other facts together, and OpenNTPD's client
tells no offset. The parsers are pure and raise ValueError for what is no such report.
"""
import re
import time

from . import _chronyc

SECONDS = 1
LIMIT = 1 << 16
UNKNOWN = {'source': None, 'stratum': None, 'offset_seconds': None, 'root_dispersion': None, 'reference_id': None,
           'leap': None}
# chronyc's own patience, of seconds and for every address in turn, would outlast ours; and killed it leaves its socket
# behind in /run/chrony. 300 ms is much: an idle daemon answers in less than one.
CHRONYC = ['chronyc', '-n', '-c', '-h', '/run/chrony/chronyd.sock,127.0.0.1', '-m', 'timeout 300', 'retries 0',
           'tracking']
# show-timesync would be made for programs, but tells no offset: its time stamps end at the second.
TIMEDATECTL = ['timedatectl', '--no-pager', 'timesync-status']
NTPQ = ['ntpq', '-n', '-c', 'rv', '127.0.0.1']

# systemd's format_timespan (src/basic/time-util.c): a year is 365.25 days, a month the twelfth of it.
_SPAN = {'y': 31557600, 'month': 2629800, 'w': 604800, 'd': 86400, 'h': 3600, 'min': 60, 's': 1, 'ms': 1e-3, 'us': 1e-6,
         '\u03bcs': 1e-6, '\u00b5s': 1e-6}
_CHRONY_LEAPS = {'Normal': 'normal', 'Insert second': 'insert', 'Delete second': 'delete',
                 _chronyc.UNSYNCHRONISED: 'unsynchronised'}
# The NTP leap indicator, as ntpq prints its two bits.
_NTP_LEAPS = {'00': 'normal', '01': 'insert', '10': 'delete', '11': 'unsynchronised'}
# chronyd gives a source up after eight polls without an answer; a server it asks each 64 s or less often (minpoll 6).
_POLLS, _POLL_SECONDS = 8, 64
# chronyd's own clock (`local`), as an address: 127.127.1.1.
_LOCAL = '7F7F0101'


def ask(daemon, run=None):
    """UNKNOWN's keys filled as far as the daemon tells, and ``reason``, None or why something is missing.

    ``daemon`` is _timesync's name; ``run(argv)`` returns the output as text and raises ValueError or OSError.
    ``offset_seconds`` is the source less the system clock: positive where the system clock is slow.
    """
    command, parse = {'chrony': (CHRONYC, lambda text: of_chronyc(text, time.time())),
                      'systemd-timesyncd': (TIMEDATECTL, of_timedatectl),
                      'ntpd': (NTPQ, of_ntpq)}.get(daemon, (None, None))
    if command is None:
        return dict(UNKNOWN, reason='%s is not asked' % daemon)
    try:
        return parse((run or _run)(command))
    except FileNotFoundError:
        return dict(UNKNOWN, reason='%s is not installed' % command[0])
    except (ValueError, OSError) as exc:
        return dict(UNKNOWN, reason='%s told nothing: %s' % (command[0], exc))


def _run(argv):
    from . import _bounded
    return _bounded.finish(_bounded.start(argv), SECONDS, LIMIT).decode('utf-8', 'replace')


def of_chronyc(text, now=None):
    """A report of ``chronyc -c tracking``; an unsynchronised chronyd has no source, and a local one none but itself.

    A chronyd whose source is dead goes on to name it: where that is likely at ``now``, seconds since the epoch,
    ``reason`` says so.
    """
    report = _chronyc.tracking(text)
    leap = _CHRONY_LEAPS.get(report['leap'])
    if leap == 'unsynchronised':
        return dict(UNKNOWN, leap=leap, reason='chronyd is not synchronised')
    found = dict({key: report[key] for key in UNKNOWN}, leap=leap, reason=None)
    if report['reference_id'] == _LOCAL:
        found.update(offset_seconds=None, root_dispersion=None, reason='chronyd serves its own clock, by no source')
    elif now is not None and now - report['ref_time'] > _POLLS * max(report['update_interval'], _POLL_SECONDS):
        found['reason'] = 'chronyd last heard of its source %.0f s ago' % (now - report['ref_time'])
    return found


def of_timedatectl(text):
    """What ``timedatectl timesync-status`` prints (systemd 239 and newer): ``       Offset: -5.086ms``."""
    rows = dict(re.findall(r'^ *([A-Z][a-z]+(?: [a-z]+)?): +(.*?) *$', text, re.MULTILINE))
    if 'Server' not in rows:
        raise ValueError('this is not what timedatectl timesync-status prints: %r' % text.strip()[:120])
    if 'Stratum' not in rows:
        return dict(UNKNOWN, leap='unsynchronised', reason='systemd-timesyncd has heard of no server yet')
    leap = rows.get('Leap', '')
    if leap == 'not synchronized':
        return dict(UNKNOWN, leap='unsynchronised', reason='the server of systemd-timesyncd is not synchronised')
    # Stratum and Reference are the server's own; a machine is one below what it follows.
    return dict(UNKNOWN, source=rows['Server'].split()[0], stratum=int(rows['Stratum']) + 1, reason=None,
                offset_seconds=_span(rows['Offset']) if 'Offset' in rows else None,
                leap='normal' if leap == 'normal' else 'insert' if '61' in leap else 'delete' if '59' in leap else None)


def _span(text):
    """``+3.406ms``, ``-1min 53.991s`` or ``0`` as seconds."""
    parts = re.findall(r'([0-9]+(?:\.[0-9]+)?) ?([a-z\u03bc\u00b5]+)', text)
    if text.lstrip('+-') != '0' and not parts or any(unit not in _SPAN for _number, unit in parts):
        raise ValueError('this is no time span: %r' % text[:120])
    total = sum(float(number) * _SPAN[unit] for number, unit in parts)
    return round(-total if text.startswith('-') else total, 9)


def of_ntpq(text):
    """What ``ntpq -c rv`` prints, with milliseconds: ``leap=00, stratum=2, …, rootdisp=40.902, refid=192.0.2.1``.

    From stratum 2 on refid stands for the server, by its address or for IPv6 by a hash of it, which look alike: only
    stratum 1's, a clock's name, is told as the source.
    """
    values = dict(re.findall(r'\b([a-z]+)=([^,\s]+)', text))
    try:
        stratum, leap = int(values['stratum']), _NTP_LEAPS.get(values['leap'])
        if stratum > 15 or leap == 'unsynchronised':
            return dict(UNKNOWN, leap='unsynchronised', reason='ntpd is not synchronised')
        return {'source': values['refid'].strip('.') if stratum == 1 else None, 'stratum': stratum, 'leap': leap,
                'offset_seconds': round(float(values['offset']) / 1e3, 9), 'reference_id': values['refid'].strip('.'),
                'root_dispersion': round(float(values['rootdisp']) / 1e3, 9),
                'reason': None if stratum == 1 else 'ntpd does not tell the address of its server'}
    except (KeyError, ValueError):
        raise ValueError('this is not what ntpq -c rv prints: %r' % text.strip()[:120])
