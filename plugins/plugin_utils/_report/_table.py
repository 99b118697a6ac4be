# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's table for a terminal: a line a host, a line a clock below it, the reason below those."""
from __future__ import annotations

import textwrap

from ._summary import place_of
from ._words import ns

# The callback that shows it adds up to 12 columns.
WIDTH = 106
LAYOUT = '%-21s %9s %8s  %-7s %9s  %17s  %8s'


def table(hosts: list[dict], summary: dict, rate: int) -> list[str]:
    """``hosts`` and ``summary`` as in clocks.json."""
    lines = [LAYOUT % ('host, clock', 'ns', 'cycles', 'path', 'p99.9 ns', 'low–high ns', '% of CPU')]
    for it in hosts:
        lines += textwrap.wrap(_plain(_head(it)), WIDTH - 2, subsequent_indent='    ') or ['?']
        lines += [_clock(name, clock) for name, clock in it['clocks'].items()]
        for line in (it['failure'] or _reason(it) or '').splitlines():
            lines += textwrap.wrap(_plain(line), WIDTH - 2, initial_indent='    ', subsequent_indent='    ')
    counts = ', '.join(f'{count} {fate}' for fate, count in summary['by_fate'].items())
    return lines + ['', f'The last column is what {rate:,} reads a second cost.',
                    f'{counts} of {len(hosts)} host{"" if len(hosts) == 1 else "s"}']


def _head(it) -> str:
    source, place = it['clocksource'], place_of(it)
    shown = f'{source["current"] or "its source"} is {source["verdict"]}' if source['verdict'] else source['current']
    words = [it['fate'] if it['state'] != 'seen' or not (shown or it['clocks']) else '', shown,
             place if place != 'not known' else '', _warp(it['warp']) if it['clocks'] else '',
             'counter reads are emulated' if it['counter']['emulated'] else '']
    return f'{it["host"]}: ' + ', '.join(filter(None, words))


def _clock(name, clock) -> str:
    percent = clock['cpu_percent']
    figures = (_figure(clock['median']), _figure(clock['cycles']), clock['path'] or '-', _figure(clock['p999']),
               '-' if clock['low'] is None else f'{_figure(clock["low"])}–{_figure(clock["high"])}',
               '-' if percent is None else f'{percent:.2f}')
    return (LAYOUT % (f'  {_plain(name)}', *figures)).rstrip()


def _figure(value) -> str:
    return '-' if value is None else ns(value).replace(',', '')


def _warp(warp) -> str:
    if not warp:
        return 'warp not tested'
    if not warp['pairs_tested'] and not warp['worst_cycles']:
        return f'warp not tested: {warp["reason"] or ("no time for a pair" if warp["pairs_total"] else "one CPU")}'
    found = 'no warp'
    if warp['worst_cycles']:
        found = f'{warp["worst_cycles"]} cycles of warp between CPUs {" and ".join(map(str, warp["worst_pair"] or ["?"]))}'
    return f'{found} in {warp["pairs_tested"]} of {warp["pairs_total"] or "?"} pairs'


def _reason(it):
    source = it['clocksource']
    if it['fate'] == 'unsafe' and source['recommended'] not in (None, source['current']):
        return f'{source["reason"]}: leave it, with clocksource_name={source["recommended"]}'
    return source['reason']


def _plain(text: str) -> str:
    """One such character would make the callback show the whole table as one escaped line; so would each quote for JSON."""
    return ''.join(sign if sign.isprintable() else '\ufffd' for sign in text).replace('"', "'")
