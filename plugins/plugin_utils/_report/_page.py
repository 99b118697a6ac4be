# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: one file, the stylesheet and the script in it, the machines as data, and no way to any network."""
from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from html import escape
from pathlib import Path

from . import _chart
from ._summary import JUDGED, place_of
from ._words import amount, count, headline

HERE = Path(__file__).resolve().parent
MARK = re.compile(r'<!--(\w+)-->|/\*(\w+)\*/')


def render(report: dict) -> str:
    """``report`` is what clocks.json holds."""
    hosts, figures, rate = report['hosts'], report['summary'], report['calls_per_second']
    style, script = ((HERE / name).read_text(encoding='utf-8') for name in ('page.css', 'page.js'))
    rows, words = _rows(hosts)
    lost, cards = _chart.not_seen(hosts), Cards()
    lines = [cards.line(it) for it in hosts]
    parts = {
        'policy': f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'; "
                  "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        'style': style, 'script': script,
        'made': escape(report['made'].replace('T', ' ').replace('Z', ' UTC')), 'headline': escape(headline(figures, rate)),
        'tiles': _tiles(hosts, figures, rate), 'rate': count(rate), 'lost_class': '' if lost else 'none',
        'by_source': _chart.by_source(hosts), 'by_type': _chart.by_type(hosts), 'not_seen': lost,
        'rows': _data({'words': words, 'rows': rows, 'rate': rate}),
        # A machine's own line is only parsed when its card is opened.
        'cards': '\n'.join([_data(list(cards.known)), *lines]),
    }
    page = (HERE / 'page.html').read_text(encoding='utf-8')
    return MARK.sub(lambda mark: parts[mark.group(1) or mark.group(2)], page)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(value) -> str:
    """JSON that no HTML parser can take for the end of its element or for a comment; ASCII, one line."""
    plain = json.dumps(value, separators=(',', ':'), allow_nan=False)
    return plain.replace('<', '\\u003c').replace('>', '\\u003e').replace('&', '\\u0026')


def _rows(hosts: list[dict]) -> tuple[list[list], list[str]]:
    """(a list a machine in the order of page.js's COLUMNS, the words that its numbers stand for)"""
    known: dict[str, int] = {}

    def word(text):
        return None if not text else known.setdefault(text, len(known))

    rows = []
    for it in hosts:
        source, figure = it['clocksource'], it['figure']
        rows.append([
            it['host'], word(it['fate']), word(source['current']), word(source['recommended']), figure['ns'], figure['p999'],
            word(figure['path']), it['cpu_percent'], word(_kind(it)),
            word(it['fix']), word(it['failure'] or source['reason'])])
    return rows, list(known)


def _kind(it: dict) -> str:
    """The type of machine; what is unlike the most besides."""
    besides = (it['hypervisor']['container'], it['machine'] if it['machine'] != 'x86_64' else None)
    return ', '.join([place_of(it), *filter(None, besides)])


class Cards:
    """Each machine's record as one line, without what it does not know or the page does not show.

    A text that is long, or begins as a reference does, is put among the words and stands there as ``§`` and its number:
    reasons and sources are the same on many machines.
    """

    SHORT = 12
    HIDDEN = {'way', 'min', 'p50', 'p90', 'reads', 'vdso_ns', 'state', 'switched_to', 'partial', 'blur_cycles', 'covered', 'hz',
              'evidence', 'figure', 'fixable', 'fix', 'lost_percent', 'vouched_by', 'khz', 'xen_mode', 'policy', 'leap', 'stratum',
              'kernel_choice', 'unit', 'budget_ms'}

    def __init__(self):
        self.known: dict[str, int] = {}

    def line(self, it: dict) -> str:
        return _data(dict(self._lean(dict(it, next=None)), next=[self._command(step, it['host']) for step in it['next']]))

    def _lean(self, value):
        if isinstance(value, dict):
            return {key: self._lean(item) for key, item in value.items()
                    if key not in self.HIDDEN and item is not None and item != [] and item != {}}
        if isinstance(value, list):
            return [self._lean(item) for item in value]
        return self._word(value) if isinstance(value, str) else value

    def _word(self, text: str) -> str:
        if len(text) <= self.SHORT and not text.startswith('§'):
            return text
        return f'§{self.known.setdefault(text, len(self.known))}'

    def _command(self, step: dict, host: str) -> list[str]:
        """Why, and the command around the host's name, which alone differs from machine to machine."""
        quoted = shlex.quote(host)
        before, limit, after = step['command'].partition(f'--limit {quoted}')
        return [self._word(step['why']), self._word(before + limit[:-len(quoted)]), quoted, self._word(after)]


def _tiles(hosts: list[dict], figures: dict, rate: int) -> str:
    lost = figures['machines'] - figures['seen']
    fate = figures['by_fate']
    missing = ', '.join(f'{count(fate[name])} {name}' for name in ('unreachable', 'failed') if fate.get(name))
    fixable = {kind: sum(it['fixable'] for it in hosts if it['fate'] == kind) for kind in ('slow', 'unsafe')}
    judged = sum(fate.get(kind, 0) for kind in JUDGED)
    silent = figures['seen'] - judged
    waits = [it['boot']['reboot_required'] for it in hosts]
    tiles = [
        ('Machines', count(figures['machines']), f'{count(fate.get("optimal", 0) + fate.get("acceptable", 0))} optimal or acceptable'
         + (f', {count(silent)} not known' if silent else ''), False),
        *((kind.capitalize(), count(figures[kind]) if judged else '–',
           f'{count(fixable[kind])} can be fixed' if judged else 'not known', figures[kind] > 0) for kind in fixable),
        ('CPUs lost', amount(figures['lost_cpus']),
         f'at {count(rate)} reads a second each{_unknown([it["lost_percent"] for it in hosts])}', (figures['lost_cpus'] or 0) >= 0.005),
        ('Reboots pending', count(figures['reboots_pending']) if set(waits) != {None} else '–',
         f'kernel arguments wait{_unknown(waits)}', False),
        ('Not seen', count(lost), missing or 'all answered', lost > 0),
    ]
    return '\n'.join(f'<div{" class=bad" if bad else ""}><dt>{name}</dt><dd>{value}<span>{note}</span></dd></div>'
                     for name, value, note, bad in tiles)


def _unknown(values: list) -> str:
    some = values.count(None)
    return f'; of {count(some)} not known' if some else ''
