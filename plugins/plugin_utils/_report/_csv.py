# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as a table for a spreadsheet."""
from __future__ import annotations

import csv
import io

from ._summary import place_of

COLUMNS = ('host', 'state', 'verdict', 'clocksource', 'recommended', 'available', 'ns', 'p99_ns', 'p999_ns', 'path', 'clock',
           'cpu_percent', 'lost_percent', 'place', 'provider', 'platform', 'instance_type', 'hypervisor', 'container',
           'machine', 'cpus', 'tsc_unstable', 'warp_cycles', 'reboot_required', 'fix', 'kept_by', 'time_daemon',
           'offset_seconds', 'reason', 'source', 'next')
# What makes a spreadsheet take a cell for a formula, also in the full width of East Asian keyboards.
FORMULA = tuple('=+-@＝＋－＠')


def render(hosts: list[dict]) -> str:
    """With a line of column names, by RFC 4180; unknown is an empty cell."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator='\r\n')
    lines.writerow(COLUMNS)
    for it in hosts:
        lines.writerow([cell(value) for value in _row(it)])
    return out.getvalue()


def cell(value):
    """A text that a spreadsheet would run gets an apostrophe before it; numbers are numbers."""
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if not isinstance(value, str):
        return value
    return "'" + value if value.lstrip().startswith(FORMULA) or value[:1] in '\t\r\n' and value else value


def _row(it):
    source, figure, cloud = it['clocksource'], it['figure'], it['cloud']
    return (it['host'], it['state'], source['verdict'], source['current'], source['recommended'], ' '.join(source['available']),
            figure['ns'], figure['p99'], figure['p999'], figure['path'], figure['clock'], it['cpu_percent'],
            it['lost_percent'], place_of(it), cloud['provider'], cloud['platform'], cloud['instance_type'],
            it['hypervisor']['type'], it['hypervisor']['container'], it['machine'], it['cpus'], it['tsc']['unstable'],
            (it['warp'] or {}).get('worst_cycles'), it['boot']['reboot_required'], it['fix'], it['kept_by'],
            it['time_sync']['daemon'],
            it['time_sync']['offset_seconds'], it['failure'] or source['reason'], source['source'],
            it['next'][0]['command'] if it['next'] else None)
