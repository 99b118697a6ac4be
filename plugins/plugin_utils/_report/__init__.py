# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's report: what two modules found on each host, made into a page, a JSON and a table for a spreadsheet."""
from __future__ import annotations

import json

from . import _advice, _csv, _host, _page, _summary
from ._table import table

__all__ = ['render', 'report', 'table']

SCHEMA, VERSION = 'cloudclock.linux/clock-report', 1
NAMES = ('clocks.html', 'clocks.json', 'clocks.csv')


def report(answers, made: str, rate: int, options: list[str]) -> dict:
    """``answers`` yields (host, facts, bench, failure, policy rows); ``made`` is a moment in ISO 8601, UTC, by its Z."""
    hosts = []
    for name, facts, bench, failure, rows in answers:
        it = _host.record(name, facts, bench, failure, rows, rate)
        it['next'] = _advice.commands(it, options)
        hosts.append(it)
    return {'schema': SCHEMA, 'version': VERSION, 'made': made, 'calls_per_second': rate,
            'summary': _summary.summary(hosts), 'hosts': hosts}


def render(found: dict) -> dict[str, str]:
    """``{file name: text}``."""
    head = json.dumps({key: value for key, value in found.items() if key != 'hosts'}, allow_nan=False)
    # a line a machine, so that grep and diff work on it
    lines = ',\n'.join(json.dumps(it, allow_nan=False) for it in found['hosts'])
    return dict(zip(NAMES, (_page.render(found), f'{head[:-1]}, "hosts": [\n{lines}\n]}}\n', _csv.render(found['hosts']))))
