# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables and charts of the page that need no script: by source, by source and machine type, and who was not seen."""
from __future__ import annotations

import math
from html import escape

from ._host import NEED_WORK
from ._summary import JUDGED, cpus, groups, place_of, source_of, spread
from ._words import amount, count, ns

# More rows than this are no picture any more; the table of machines has them all.
MOST_GROUPS = 24
MOST_NAMES = 12
MOST_REASONS = 40


def by_source(hosts: list[dict]) -> str:
    rows = []
    for source, group in groups(hosts, source_of):
        figures = spread(group)
        work = sum(it['fate'] in NEED_WORK for it in group)
        judged = any(it['fate'] in JUDGED for it in group)
        rows.append(
            f'<tr><th scope="row">{_breakable(source)}</th>'
            f'<td class="bar">{_share(len(group) / len(hosts), work / len(hosts))}</td><td class="n">{count(len(group))}</td>'
            f'<td class="n{" bad" if work else ""}">{count(work) if judged else "–"}</td><td class="n second">{ns(figures and figures["median"])}</td>'
            f'<td class="n">{amount(cpus(group))}</td></tr>')
    return '\n'.join(rows)


def by_type(hosts: list[dict]) -> str:
    """Rows of a table whose chart column is one picture: strips over one logarithmic axis."""
    alike = [(key, group, spread(group)) for key, group in groups(hosts, lambda it: (source_of(it), place_of(it)))]
    alike = sorted((item for item in alike if item[2]), key=lambda item: -item[2]['median'])
    if not alike:
        return "<tr><td colspan='5'>No machine's clock was measured.</td></tr>"
    shown, rest = alike[:MOST_GROUPS], alike[MOST_GROUPS:]
    axis = Axis(min(item[2]['least'] for item in alike), max(item[2]['most'] for item in alike))
    rows = [f'<tr class="axis"><td></td><td class="second"></td><td>{axis.labels()}</td><td></td><td class="wide"></td></tr>']
    for (source, place), group, figures in shown:
        bad = 2 * sum(it['fate'] in NEED_WORK for it in group) >= len(group)
        rows.append(
            f'<tr><th scope="row">{_breakable(source)} <span class="place">{escape(place)}</span></th>'
            f'<td class="n second">{count(len(group))}</td><td>{axis.strip(figures, bad)}</td>'
            f'<td class="n{" bad" if bad else ""}">{ns(figures["median"])}</td>'
            f'<td class="n wide">{ns(figures["least"])}–{ns(figures["most"])}</td></tr>')
    if rest:
        machines = sum(len(item[1]) for item in rest)
        rows.append(f'<tr><td colspan="5">and {count(len(rest))} quicker kinds with {count(machines)} machines</td></tr>')
    return '\n'.join(rows)


def not_seen(hosts: list[dict]) -> str:
    """Rows: fate, reason, machines; '' where all were seen."""
    found = groups([it for it in hosts if it['state'] != 'seen'], lambda it: (it['fate'], _reason(it)))
    rows = []
    for (fate, why), group in found[:MOST_REASONS]:
        names = ', '.join(f'<bdi>{escape(it["host"])}</bdi>' for it in group[:MOST_NAMES])
        more = f' and {count(len(group) - MOST_NAMES)} more' if len(group) > MOST_NAMES else ''
        rows.append(f'<tr><th scope="row" class="n">{count(len(group))}</th><td class="second">{escape(fate)}</td>'
                    f'<td class="why">{escape(why)}</td><td class="names">{names}{more}</td></tr>')
    rest = sum(len(group) for _key, group in found[MOST_REASONS:])
    if rest:
        rows.append(f'<tr><th scope="row" class="n">{count(rest)}</th>'
                    '<td colspan="3">for other reasons: they are in the table below</td></tr>')
    return '\n'.join(rows)


def _reason(it) -> str:
    # ssh names the host in what it says, and then no two reasons would be alike
    return (it['failure'] or 'no reason given').replace(it['host'], '…')


def _share(part: float, bad: float) -> str:
    """Of all machines; ``bad`` of them, at the bar's beginning, in colour."""
    return (f'<svg width="100%" height="8" aria-hidden="true"><rect class="rail" width="100%" height="8"/>'
            f'<rect class="ink" width="{100 * part:.2f}%" height="8"/><rect class="accent" width="{100 * bad:.2f}%" height="8"/></svg>')


def _breakable(name: str) -> str:
    """hyperv_clocksource_tsc_page is wider than a phone's column."""
    return escape(name).replace('_', '_<wbr>')


def _si(decade: int) -> str:
    """A power of ten of nanoseconds, with its unit."""
    step = min(max(decade // 3, 0), 3)
    return f'{10.0 ** (decade - 3 * step):g} {("ns", "µs", "ms", "s")[step]}'


class Axis:
    """Nanoseconds by their logarithm, whole decades, as shares of a width that the reader's screen decides."""

    def __init__(self, least: float, most: float):
        self.low = math.floor(math.log10(least))
        self.high = max(math.ceil(math.log10(most)), self.low + 1)
        # one line in three, one in six …, where there are too many for a phone
        self.decades = range(self.low, self.high + 1, max(1, (self.high - self.low) // 5))

    def at(self, value: float) -> float:
        return round(100 * (math.log10(value) - self.low) / (self.high - self.low), 2)

    def lines(self) -> str:
        return ''.join(f'<line class="grid" x1="{at}%" x2="{at}%" y1="0" y2="100%"/>'
                       for at in (self.at(10.0 ** decade) for decade in self.decades))

    def labels(self) -> str:
        found = []
        for decade in self.decades:
            anchor = {self.low: 'start', self.high: 'end'}.get(decade, 'middle')
            # a phone has room for the ends
            inner = ' class="second"' if anchor == 'middle' else ''
            found.append(f'<text{inner} x="{self.at(10.0 ** decade)}%" y="12" text-anchor="{anchor}">{_si(decade)}</text>')
        return f'<svg class="labels" width="100%" height="16" aria-hidden="true">{"".join(found)}</svg>'

    def strip(self, figures: dict, bad: bool) -> str:
        """A line from the least to the most, a bar between the quartiles, a dot at the median."""
        least, low, middle, high, most = (self.at(figures[key]) for key in ('least', 'low', 'median', 'high', 'most'))
        return (f'<svg class="strip {"accent" if bad else "ink"}" aria-hidden="true">{self.lines()}'
                f'<line x1="{least}%" x2="{most}%" y1="50%" y2="50%"/>'
                f'<line class="box" x1="{low}%" x2="{high}%" y1="50%" y2="50%"/>'
                f'<circle cx="{middle}%" cy="50%" r="5"/></svg>')
