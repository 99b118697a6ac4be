# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``chronyc -n -c tracking`` and ``chronyc -n -c sources`` print, as values. Pure: nothing is run here.

The columns are those of chrony's client.c (the reports of these two commands); ``-c`` is there since chrony 2.4.
Both parsers raise ValueError for anything else: an error message, a shortened line, another command's report.
"""

UNSYNCHRONISED = 'Not synchronised'
# chronyc prints an interval that it does not know as 2^32 - 1.
_NEVER = 4294967295


def tracking(text):
    """``{'reference_id', 'source', 'stratum', 'ref_time', 'offset_seconds', 'root_dispersion', 'update_interval', 'leap'}``.

    ``offset_seconds`` is the reference less the system clock: positive where the system clock is slow. ``source`` is
    an address, a refclock's name (``PHC0``) or None where there is none; all times are seconds: ``ref_time``, since
    the epoch, is that of the last measurement used, ``update_interval`` lies between it and the one before. A daemon
    that never was synchronised says 00000000, no source, stratum 0 and ``Not synchronised``.
    """
    # 50484330,PHC0,1,1795224580.959354080,-0.000001227,0.000000061,0.000000203,-0.020,0.001,0.336,0.000005850,
    # 0.000003199,1.0,Normal
    lines = text.strip().splitlines()
    row = lines[0].split(',') if len(lines) == 1 else []
    if len(row) != 14 or len(row[0]) != 8:
        raise _strange('tracking', text)
    try:
        int(row[0], 16)
        return {'reference_id': row[0], 'source': row[1] or None, 'stratum': int(row[2]), 'ref_time': float(row[3]),
                'offset_seconds': float(row[4]), 'root_dispersion': float(row[11]), 'update_interval': float(row[12]),
                'leap': row[13]}
    except ValueError:
        raise _strange('tracking', text)


def sources(text):
    """``[{'mode', 'state', 'name', 'stratum', 'poll', 'reach', 'last_rx', 'offset_seconds', 'error_seconds'}]``.

    ``mode`` is ``^`` server, ``=`` peer or ``#`` reference clock; ``state`` is ``*`` selected, ``+`` combined,
    ``-`` not combined, ``?`` unusable, ``x`` falseticker or ``~`` too variable; ``reach`` a register of eight bits;
    ``last_rx`` seconds or None. ``offset_seconds`` is the source less the system clock, as ``tracking`` has it:
    chronyc prints the opposite sign here.
    """
    # #,*,PHC0,0,3,377,5,-0.000000012,-0.000000015,0.000000300
    return [_source(line, text) for line in text.splitlines() if line.strip()]


def _source(line, text):
    row = line.strip().split(',')
    if len(row) != 10 or row[0] not in ('^', '=', '#') or len(row[1]) != 1:
        raise _strange('sources', text)
    try:
        last = int(row[6])
        return {'mode': row[0], 'state': row[1], 'name': row[2], 'stratum': int(row[3]), 'poll': int(row[4]),
                'reach': int(row[5], 8), 'last_rx': None if last == _NEVER else last,
                'offset_seconds': 0.0 - float(row[7]), 'error_seconds': float(row[9])}
    except ValueError:
        raise _strange('sources', text)


def _strange(report, text):
    return ValueError('this is not what chronyc -c %s prints: %r' % (report, text.strip()[:120]))
