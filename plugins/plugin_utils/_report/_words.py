# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a reader wants them."""
from __future__ import annotations


def count(value: int) -> str:
    return f'{value:,}'


def ns(value) -> str:
    """– for unknown, which is never nought."""
    if value is None:
        return '–'
    return f'{value:.1f}' if value < 100 else f'{value:,.0f}'


def amount(value: float) -> str:
    """Of CPUs."""
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
    if not kinds:
        who = 'The machine does not read' if seen == 1 else f'None of {machines(seen)} reads'
        first = f'{who} the time from a slow or an unsafe clock.'
    else:
        verb = 'reads' if (slow or unsafe) == 1 else 'read'
        first = f'Of {machines(seen)}, {" and ".join(kinds).replace(" from ", f" {verb} the time from ", 1)}.'
    lost, back = figures['lost_cpus'], figures['recoverable_cpus']
    if lost < 0.005:
        return first
    second = f' At {count(rate)} reads a second each, {amount(lost)} CPUs are lost to it'
    fixable = figures['fixable']
    return first + second + (f'; fixing {machines(fixable)} brings {amount(back)} back.' if fixable else '; no fix is known.')
