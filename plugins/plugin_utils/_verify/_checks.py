# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check of a host's facts (``ansible_facts.clock``, docs/facts.md): seen, expected, and what to do next."""
from __future__ import annotations

import math
from dataclasses import dataclass

from .._next_boot import next_boot
from ._names import CHECKS
from ._wishes import Wishes


@dataclass(frozen=True)
class Check:
    """``passed`` is None where evidence is missing; ``excused`` where that was allowed; ``error``: nothing could be checked."""

    name: str
    passed: bool | None
    seen: str
    expected: str
    next: str
    excused: bool = False
    error: bool = False

    @property
    def failed(self) -> bool:
        return not self.passed and not self.excused

    def sentence(self) -> str:
        """Without the host, on one line whatever the machine said."""
        fate = 'not known, and that is allowed' if self.excused else 'not known' if self.passed is None else ''
        words = f'{self.name}: {fate and fate + ": "}{self.seen}, expected {self.expected}; next: {self.next}'
        return ' '.join(words.split())


def judge(clock: dict, wished: Wishes) -> list[Check]:
    """The checks asked for, in the order of ``CHECKS``."""
    made = {'source': _source, 'stable': _stable, 'vdso': _vdso, 'cycles': _cycles, 'ns': _ns,
            'persistent': _persistent}
    found = []
    for name in CHECKS:
        if name not in wished.checks or wished.max_cycles is None and name == 'cycles' \
                or wished.max_ns is None and name == 'ns':
            continue
        passed, seen, expected, step = made[name](clock, wished)
        found.append(Check(name, passed, seen, expected, step, passed is None and name in wished.unknown_ok))
    return found


def _source(clock, wished):
    found = clock['clocksource']
    current, reason = found['current'] or 'no clocksource', found['reason']
    if wished.source != 'auto':
        offered = wished.source in found['available']
        step = (_fix(clock, f' -e clocksource_name={wished.source}') if offered
                else f'the kernel offers {", ".join(found["available"]) or "none"}: see why not {wished.source}')
        return found['current'] == wished.source if found['current'] else None, current, wished.source, step
    verdict, recommended = found['verdict'], found['recommended']
    passed = verdict in wished.verdicts or (None if verdict == 'unknown' else False)
    better = recommended if recommended != found['current'] else None
    expected = '%s by the policy%s' % (' or '.join(wished.verdicts), f', {better}' if better else '')
    step = _fix(clock) if better else 'see docs/policy.md: nothing better can be had here as it is'
    return passed, f'{current}, {verdict}' + ('' if passed else f' ({reason})'), expected, step


def _stable(clock, wished):
    tsc = clock['tsc']
    expected = 'a source that the kernel did not mark unstable in this boot'
    if not clock['clocksource']['current']:
        return None, 'no clocksource', expected, 'see what /sys/devices/system/clocksource holds there'
    if 'tsc' not in (clock['clocksource']['current'], wished.source):
        return True, 'only the TSC is watched and it is not in use', expected, ''
    if tsc['unstable'] is None:
        return (None, 'the kernel\'s messages of this boot cannot be read to their start', expected,
                'read them as root, or allow it: verify_unknown_ok=stable')
    if tsc['unstable']:
        return (False, f'the kernel marked the TSC unstable: {tsc["unstable_reason"] or "no reason"}', expected,
                'believe it: see docs/fix.md, "When a machine refuses"')
    return True, 'not marked unstable', expected, ''


def _vdso(clock, _wished):
    vdso = clock['vdso']
    why = vdso.get('evidence') or _silence(clock)
    step = _fix(clock) if clock['clocksource']['recommended'] not in (None, clock['clocksource']['current']) else \
        'see docs/reading-the-numbers.md, "vdso.fast"'
    seen = {True: 'read in the vDSO', False: f'each read enters the kernel ({why})', None: why}[vdso['fast']]
    return vdso['fast'], seen, 'reads in the vDSO', step


def _cycles(clock, wished):
    return _cost(clock, clock['cost']['cycles'], wished.max_cycles, 'cycles')


def _ns(clock, wished):
    return _cost(clock, clock['cost']['ns'], wished.max_ns, 'ns')


def _cost(clock, figure, limit, unit):
    expected = f'{limit:g} {unit} at most'
    # A read takes some time, so what is no figure above nought was not measured.
    if isinstance(figure, bool) or not figure or not 0 < figure < math.inf:
        return None, f'not measured: {_silence(clock)}', expected, 'see docs/probe.md'
    return (figure <= limit, f'{figure:.1f} {unit} a read', expected,
            f'measure again when the machine is quiet (audit-clocks.yml), then raise verify_max_{unit} or look for the '
            'cause')


def _persistent(clock, _wished):
    current, boot = clock['clocksource']['current'], clock['boot']
    expected = f'{current} after the next boot too'
    source, _keeper, why = next_boot(boot)
    if source is None or current is None:
        step = 'ask its host, and allow it here' if _container(clock) else 'see docs/kernel-arguments.md, or allow it'
        return None, why, expected, f'{step}: verify_unknown_ok=persistent'
    if source == current:
        return True, f'{source} at the next boot, {why}', expected, ''
    return False, f'{source} at the next boot, {why}', expected, _fix(clock, ', which makes the source last')


def _fix(clock, more=''):
    return "fix its host: a container has the host's clock" if _container(clock) else f'run fix-clocksource.yml{more}'


def _container(clock):
    return (clock.get('hypervisor') or {}).get('container')


def _silence(clock):
    return (clock.get('probe') or {}).get('reason') or 'the measurement did not tell'
