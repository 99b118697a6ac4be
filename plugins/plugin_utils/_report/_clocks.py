# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine's clocks as the report has them: what a program pays for a read, and how single reads were spread."""
from __future__ import annotations

from ._clean import mapping, number, one_of, pick, text, whole

# The first of these that was measured is the machine's figure: programs read these most.
FIRST = ('monotonic', 'realtime', 'gettimeofday')
PATHS = ('vdso', 'syscall')
WAYS = ('libc', 'vdso', 'syscall')
MOST_CLOCKS = 16
MOST_BINS = 64


def read(clocks, rate: int) -> dict:
    """``{name: …}`` of clock_bench_info's ``clocks``, each as docs/audit.md lists it."""
    found = {}
    for name, clock in list(mapping(clocks).items())[:MOST_CLOCKS]:
        clock = mapping(clock)
        way = next((way for way in WAYS if mapping(clock.get(way))), None)
        read_by = mapping(clock.get(way))
        figures = pick(read_by.get('ns'), median=number, low=number, high=number, min=number, p50=number, p90=number,
                       p99=number, p999=number, max=number)
        found[text(name, 40) or '?'] = dict(
            figures, way=way, path=one_of(clock.get('path'), PATHS), cycles=number(mapping(read_by.get('cycles')).get('median')),
            cpu_percent=percent(figures['median'], rate),
            vdso_ns=_median(clock.get('vdso')), syscall_ns=_median(clock.get('syscall')),
            reads=whole(read_by.get('reads')), back=whole(read_by.get('back')),
            worst_back_ns=number(read_by.get('worst_back_ns')), histogram=_histogram(read_by.get('histogram')))
    return found


def figure(clocks: dict, cost) -> dict:
    """The machine's one figure: ``{clock, ns, p99, p999, path}``, of the facts' own cost where nothing else was measured."""
    for name in FIRST:
        clock = clocks.get(name)
        if clock and clock['median'] is not None:
            return {'clock': name, 'ns': clock['median'], 'p99': clock['p99'], 'p999': clock['p999'], 'path': clock['path']}
    cost = dict(pick(cost, ns=number), path=one_of(mapping(cost).get('path'), PATHS))
    return {'clock': 'monotonic' if cost['ns'] is not None else None, 'ns': cost['ns'], 'p99': None, 'p999': None,
            'path': cost['path']}


def percent(ns, rate: int) -> float | None:
    """What ``rate`` reads a second of ``ns`` take of one CPU, in per cent."""
    return None if ns is None else round(max(ns, 0) * rate / 1e7, 4)


def _median(way):
    return number(mapping(mapping(way).get('ns')).get('median'))


def _histogram(bins) -> list[list[int]]:
    """``[[le_ns, count], …]``, upwards."""
    found = [(whole(mapping(item).get('le_ns')), whole(mapping(item).get('count')))
             for item in (bins if isinstance(bins, list) else [])[:MOST_BINS]]
    return sorted([le, count] for le, count in found if le and count and le > 0 and count > 0)
