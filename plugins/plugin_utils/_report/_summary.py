# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet in a few figures: what stands at the head of the page, and groups of machines that are alike."""
from __future__ import annotations

import statistics

# In the order in which a reader should see them.
FATES = ('slow', 'unsafe', 'unreachable', 'failed', 'unknown', 'measured', 'not looked at', 'acceptable', 'optimal')
# Of all others it is not known whether their source is slow or unsafe.
JUDGED = ('slow', 'unsafe', 'acceptable', 'optimal')


def summary(hosts: list[dict]) -> dict:
    counts = {fate: 0 for fate in FATES}
    for it in hosts:
        counts[it['fate']] = counts.get(it['fate'], 0) + 1
    losing = [it for it in hosts if it['fixable'] and it['lost_percent']]
    return {
        'machines': len(hosts), 'seen': sum(it['state'] == 'seen' for it in hosts),
        'by_fate': {fate: count for fate, count in counts.items() if count},
        'by_source': {name: len(group) for name, group in groups(hosts, source_of)},
        'slow': counts['slow'], 'unsafe': counts['unsafe'], 'fixable': sum(it['fixable'] for it in hosts),
        'lost_cpus': cpus(hosts), 'recoverable_cpus': cpus(losing), 'recoverable_on': len(losing),
        'spent_cpus': cpus(hosts, 'cpu_percent'),
        'not_measured': sum(it['figure']['ns'] is None for it in hosts),
        'reboots_pending': sum(it['boot']['reboot_required'] is True for it in hosts),
    }


def cpus(hosts, key: str = 'lost_percent') -> float | None:
    """CPUs' worth of time in all; machines that were not measured add nothing, and None where none was."""
    known = [it[key] for it in hosts if it[key] is not None]
    return round(sum(known) / 100, 6) if known or not hosts else None


def source_of(it: dict) -> str:
    return it['clocksource']['current'] or 'not known'


def place_of(it: dict) -> str:
    """The instance type where it is known, else cloud and platform, else the hypervisor."""
    cloud, hypervisor = it['cloud'], it['hypervisor']
    if cloud['provider'] and cloud['provider'] != 'none':
        found = [cloud['provider'], cloud['instance_type'] or cloud['platform']]
    else:
        found = ['bare metal' if hypervisor['type'] == 'none' else hypervisor['type']]
    return ' '.join(word for word in found if word) or 'not known'


def groups(hosts, key) -> list[tuple]:
    """``[(key, machines)]``, the most numerous first."""
    found: dict = {}
    for it in hosts:
        found.setdefault(key(it), []).append(it)
    return sorted(found.items(), key=lambda item: (-len(item[1]), str(item[0])))


def spread(hosts) -> dict | None:
    """``{n, least, low, median, high, most}`` of the machines' nanoseconds, the quartiles between; None without a figure."""
    figures = sorted(it['figure']['ns'] for it in hosts if it['figure']['ns'] is not None and it['figure']['ns'] > 0)
    if not figures:
        return None
    quarters = statistics.quantiles(figures, n=4, method='inclusive') if len(figures) > 1 else figures * 3
    return {'n': len(figures), 'least': figures[0], 'low': quarters[0], 'median': quarters[1], 'high': quarters[2],
            'most': figures[-1]}
