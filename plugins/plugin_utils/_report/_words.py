# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a reader wants them."""
from __future__ import annotations

from ._summary import JUDGED


def count(value: int) -> str:
    return f'{value:,}'


def ns(value) -> str:
    """– for unknown, which is never nought."""
    if value is None:
        return '–'
    return f'{value:.1f}' if value < 100 else f'{value:,.0f}'


def amount(value: float | None) -> str:
    """Of CPUs."""
    if value is None:
        return '–'
    if not value:
        return '0'
    return '< 0.01' if value < 0.01 else f'{value:.2f}' if value < 10 else f'{value:,.0f}'


def machines(value: int) -> str:
    return f'{count(value)} machine{"" if value == 1 else "s"}'


def headline(figures: dict, rate: int) -> str:
    """The whole audit in two sentences."""
    seen, slow, unsafe = figures['seen'], figures['slow'], figures['unsafe']
    if not figures['machines']:
        return 'No machine was in this audit.'
    if not seen:
        return 'No machine could be looked at.'
    kinds = [f'{count(some)} from {kind}' for some, kind in (
        (slow, 'a slow clock'), (unsafe, 'an unsafe one' if slow else 'an unsafe clock')) if some]
    known = sum(figures['by_fate'].get(fate, 0) for fate in JUDGED)
    if kinds:
        verb = 'reads' if (slow or unsafe) == 1 else 'read'
        first = f'Of {machines(seen)}, {" and ".join(kinds).replace(" from ", f" {verb} the time from ", 1)}'
    elif not known:
        who = 'the machine' if seen == 1 else f'any of {machines(seen)}'
        first = f'It is not known whether {who} reads the time from a slow or an unsafe clock'
    else:
        who = ('The machine does not read' if seen == 1 else '1 machine does not read' if known == 1
               else f'None of {machines(known)} reads')
        first = f'{who} the time from a slow or an unsafe clock'
    first += f'; of {count(seen - known)}{"" if kinds else " more"} it is not known.' if 0 < known < seen else '.'
    lost, winners = figures['lost_cpus'] or 0, figures['recoverable_on']
    if lost < 0.005:
        return first
    second = f' At {count(rate)} reads a second each, {amount(lost)} CPUs are lost to entering the kernel for it; '
    return first + second + (f'fixing {machines(winners)} brings {amount(figures["recoverable_cpus"])} back.' if winners
                             else 'no fix is known.')
