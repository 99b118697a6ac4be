# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines answered, as plain values of known types: an answer may hold anything, and a wrong type is unknown."""
from __future__ import annotations

import re

# Control characters but tab and newline, and those that turn the direction of what follows: they could make a text look
# like another one.
UNSEEN = re.compile('[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]')
LONGEST = 2000


def text(value, longest: int = LONGEST) -> str | None:
    """None for what is no text or empty."""
    if not isinstance(value, str) or not value:
        return None
    # str(): ansible's own tagged strings are a subclass
    plain = UNSEEN.sub('\ufffd', str(value).encode('utf-8', 'replace').decode('utf-8'))
    return plain if len(plain) <= longest else plain[:longest] + '…'


def number(value) -> float | int | None:
    """None also for what nothing can have measured: one such figure would cost the whole fleet its sums and its axis."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        # beyond this JavaScript reads another number
        return int(value) if abs(value) < 2 ** 53 else None
    return float(value) if value == 0 or 1e-9 <= abs(value) < 1e18 else None


def whole(value) -> int | None:
    found = number(value)
    return found if isinstance(found, int) else None


def truth(value) -> bool | None:
    return bool(value) if isinstance(value, bool) else None


def one_of(value, known) -> str | None:
    return str(value) if isinstance(value, str) and value in known else None


def mapping(value) -> dict:
    return value if isinstance(value, dict) else {}


def texts(value, most: int = 64) -> list[str]:
    found = [text(item, 200) for item in value[:most]] if isinstance(value, list) else []
    return [item for item in found if item]


def pick(value, **kinds) -> dict:
    """``pick(answer, ns=number, path=text)``: these keys, each by its cleaner."""
    value = mapping(value)
    return {key: kind(value.get(key)) for key, kind in kinds.items()}
