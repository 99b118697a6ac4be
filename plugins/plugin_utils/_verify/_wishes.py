# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a host, from variables of any form: -e gives words only."""
from __future__ import annotations

import math
from dataclasses import dataclass

from ._names import CHECKS, VERDICTS


@dataclass(frozen=True)
class Wishes:
    """``source``: a name, or auto for the policy's choice, which passes with one of ``verdicts``. The most that a read
    of MONOTONIC may cost, None for no limit. ``unknown_ok``: the checks that may lack evidence."""

    source: str = 'auto'
    verdicts: tuple[str, ...] = ('optimal', 'acceptable')
    max_cycles: float | None = 100.0
    max_ns: float | None = 100.0
    checks: tuple[str, ...] = CHECKS
    unknown_ok: tuple[str, ...] = ()


def wishes(given: dict) -> Wishes:
    """From ``{name without verify_: value}``; what is missing or None has its default. ValueError for what makes no
    sense: a gate must not pass for a slip of the pen."""
    found = {}
    for key, value in given.items():
        if value is None:
            continue
        if key == 'source':
            found[key] = _name(value)
        elif key in ('max_cycles', 'max_ns'):
            found[key] = _limit(key, value)
        elif key == 'verdicts':
            found[key] = _words(key, value, VERDICTS)
        elif key == 'checks':
            found[key] = CHECKS if value in ('all', ['all']) else _words(key, value, CHECKS)
        else:
            found[key] = CHECKS if value in ('all', ['all']) else _words(key, value, CHECKS, empty=True)
    wished = Wishes(**found)
    unlimited = [name for name, limit in (('cycles', wished.max_cycles), ('ns', wished.max_ns)) if limit is None]
    if not set(wished.checks) - set(unlimited):
        raise ValueError(f'no check is left: verify_checks has {", ".join(wished.checks)} only, without a limit')
    return wished


def _name(value) -> str:
    if not isinstance(value, str) or len(value.split()) != 1:
        raise ValueError(f'verify_source must be auto or the name of a clocksource, not {value!r}')
    return value.strip()


def _limit(key, value) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError(f'verify_{key} must be a number, 0 for no limit, not {value!r}')
    return number or None


def _words(key, value, known, empty=False) -> tuple[str, ...]:
    words = [word.strip() for word in value.split(',')] if isinstance(value, str) else value
    words = [word for word in words if word != ''] if isinstance(words, (list, tuple)) else [value]
    wrong = [word for word in words if word not in known]
    if wrong or not (words or empty):
        raise ValueError(f'verify_{key}: {", ".join(map(str, wrong)) or "nothing"} is none of {", ".join(known)}')
    # their own order, each once
    return tuple(word for word in known if word in words)
