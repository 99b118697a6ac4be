# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of verify-clocksource.yml: a host's facts against what is asked of them. Pure."""
from __future__ import annotations

import re

from ._checks import CHECKS, Check, judge
from ._wishes import Wishes, wishes

__all__ = ['CHECKS', 'Check', 'Wishes', 'checks_of', 'judge', 'lines', 'wishes']


def checks_of(facts, failure, wished: Wishes) -> list[Check]:
    """A host's checks: what the registered result ``facts`` says, or one that failed where there are no facts.

    ``failure`` is why its task failed, None where it did not.
    """
    facts = facts if isinstance(facts, dict) else {}
    if facts.get('unreachable'):
        return [Check('reachable', False, f'unreachable: {_plain(facts.get("msg"))}', 'an answer',
                      'see whether the host is up and ssh lets you in', error=True)]
    found = facts.get('ansible_facts')
    clock = found.get('clock') if isinstance(found, dict) else None
    if failure or not isinstance(clock, dict):
        why = _plain(failure or facts.get('msg') or 'no facts')
        return [Check('facts', False, why, 'facts', 'run cloudclock.linux.clock_facts on it with -vvv', error=True)]
    try:
        return judge(clock, wished)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        return [Check('facts', False, f'facts that are not as clock_facts gives them ({exc!r})', 'facts',
                      'see that controller and target have the same collection', error=True)]


def lines(host: str, checks: list[Check]) -> list[str]:
    """One line for each check that did not pass, or one for a host where all did."""
    found = [f'{host}: {check.sentence()}' for check in checks if check.passed is not True]
    if all(check.passed for check in checks):
        found.append(f'{host}: all {len(checks)} checks passed: ' + ', '.join(check.seen for check in checks))
    return found


def _plain(why) -> str:
    """Without what ansible-core from 2.19 on puts before a task's own words."""
    return re.sub('^(Task failed: )?(Action failed: )?', '', str(why or 'no reason given'))
