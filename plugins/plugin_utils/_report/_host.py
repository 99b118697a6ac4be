# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine's record: its answers cleaned, its verdict with the warp test in it, its gates. docs/audit.md lists the keys."""
from __future__ import annotations

import math
import re

from ...module_utils import _gates, _policy
from .._next_boot import next_boot
from . import _clocks
from ._clean import mapping, number, one_of, pick, text, texts, truth, whole

# What a room that expects complete facts raises over others.
INCOMPLETE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
NEED_WORK = ('slow', 'unsafe')
VERDICTS = ('optimal', 'acceptable', 'slow', 'unsafe', 'unknown')


def record(name: str, facts, bench, failure, rows, rate: int) -> dict:
    """``facts`` and ``bench`` are the two modules' results, {} where there is none; ``failure`` the words of one that failed.

    ``rows`` is the operator's clocksource_policy, ``rate`` the reads a second that costs are reckoned for.
    """
    facts, bench = mapping(facts), mapping(bench)
    clock = mapping(mapping(facts.get('ansible_facts')).get('clock'))
    lost = facts if facts.get('unreachable') is True else bench if bench.get('unreachable') is True else None
    state = 'unreachable' if lost else 'failed' if failure else 'seen'
    measured = _clocks.read(bench.get('clocks'), rate)
    warp = _warp(bench.get('warp'))
    choice, gates, voucher = _judge(clock, bench.get('warp'), rows)
    tsc, boot, machine = mapping(clock.get('tsc')), mapping(clock.get('boot')), mapping(bench.get('build'))
    source = pick(choice, current=text, recommended=text, reason=text, source=text, switched_to=text)
    source['verdict'] = one_of(choice.get('verdict'), VERDICTS)
    source['current'] = source['current'] or text(bench.get('clocksource'), 64)
    it = {
        'host': text(name, 255) or '?', 'state': state,
        'fate': state if state != 'seen' else source['verdict'] or ('measured' if measured else 'not looked at'),
        'failure': _words(failure) or _words(mapping(lost).get('msg')) or (state if lost else None),
        'clocksource': dict(source, available=texts(choice.get('available'))),
        'figure': _clocks.figure(measured, clock.get('cost')), 'clocks': measured,
        'counter': _counter(bench.get('counter'), clock.get('cost')),
        'cloud': pick(clock.get('cloud'), provider=text, platform=text, instance_type=text),
        'hypervisor': pick(clock.get('hypervisor'), type=text, container=text),
        'machine': text(machine.get('machine'), 40), 'cpus': whole(clock.get('cpus')),
        'tsc': pick(tsc, constant=truth, nonstop=truth, unstable=truth, unstable_reason=text, policy=text, emulated=truth,
                    xen_mode=whole, khz=number),
        'vdso': pick(clock.get('vdso'), fast=truth, evidence=text), 'warp': warp,
        'gates': gates, 'vouched_by': voucher,
        'boot': dict(pick(boot, bootloader=text, clocksource=text, reboot_required=truth, kernel_choice=text, reason=text),
                     running=texts(boot.get('running')), configured=texts(boot.get('configured')),
                     unit=truth(mapping(boot.get('unit')).get('enabled'))),
        'time_sync': pick(clock.get('time_sync'), daemon=text, source=text, stratum=whole, offset_seconds=number, leap=text),
    }
    it['next_boot'], it['kept_by'] = _next_boot(boot, source['current'])
    it['cpu_percent'] = _clocks.percent(it['figure']['ns'], rate)
    it['lost_percent'] = _lost(it, rate)
    it['fixable'] = _fixable(it)
    it['fix'] = _fix(it)
    return it


def _words(failure):
    # ansible-core 2.19 and newer put that before a task's own words
    found = text(failure)
    return re.sub(r'^(Task failed: )?(Action failed: )?', '', found) if found else None


def _judge(clock, warp, rows):
    """(the facts' clocksource as it stands with this warp test, gates or None, who vouches or None).

    The audit takes its facts without the warp test and tests by the benchmark. The gates are those of the source to have,
    by the rules that a fix goes by; where the facts are not complete there are none.
    """
    choice = mapping(clock.get('clocksource'))
    if not warp or not choice:
        return choice, None, None
    try:
        facts = dict(clock, tsc=dict(clock['tsc'], warp=warp, warp_cycles=warp['worst_cycles'] or clock['tsc']['warp_cycles']))
        checked = _policy.check_rows(rows)
        if warp['worst_cycles'] and choice['current'] == 'tsc':
            again = _policy.decide(choice, facts['tsc'], clock['vdso'], clock['cloud'], clock['hypervisor'], checked)
            choice = dict(choice, **{key: again[key] for key in ('recommended', 'verdict', 'reason', 'source')})
        gates, voucher = _gates.judge(choice['recommended'] or choice['current'], facts, checked, ())
    except INCOMPLETE:
        if mapping(warp).get('worst_cycles') and choice.get('current') == 'tsc':
            choice = dict(choice, verdict='unsafe', recommended=None, reason='time goes backwards between these CPUs')
        return choice, None, None
    return choice, {gate: {'passed': truth(found['passed']), 'reason': text(_elsewhere(gate, found, choice))}
                    for gate, found in gates.items()}, voucher


def _elsewhere(gate, found, choice):
    # That room reads whose rights the process has, and this one runs on the controller.
    if gate == 'writable' and choice.get('writable') is False:
        return 'the clocksource could not be written: sysfs is read-only there, or the audit did not become root'
    return found['reason']


def _warp(found):
    warp = mapping(found)
    pair = warp.get('worst_pair')
    return dict(pick(warp, pairs_tested=whole, pairs_total=whole, partial=truth, worst_cycles=number, blur_cycles=number,
                     covered=whole, budget_ms=number,
                     reason=text),
                worst_pair=[whole(cpu) for cpu in pair[:2]] if isinstance(pair, list) else None) if warp else None


def _counter(found, cost):
    counter = mapping(found)
    ns = number(mapping(counter.get('ns')).get('median'))
    return dict(pick(counter, name=text, hz=number, emulated=truth),
                ns=ns if ns is not None else number(mapping(cost).get('counter_ns')))


def _next_boot(boot, current):
    """(the source after the next boot or None, what brings it where it is the present one), as the gate has it."""
    try:
        source, keeper, _why = next_boot(boot)
    except INCOMPLETE:
        return None, None
    source = text(source)
    return source, keeper if source and source == current else None


def _lost(it, rate):
    """Per cent of a CPU that goes into entering the kernel for the time: the read less the bare counter's own cost.

    Nought for what is read in user space, however dear; None where it was not measured. A machine cannot lose more CPUs
    than it has, at whatever rate.
    """
    figure, floor = it['figure'], it['counter']['ns'] or 0
    if figure['ns'] is None or figure['path'] is None:
        return None
    if figure['path'] != 'syscall':
        return 0.0
    return min(_clocks.percent(max(figure['ns'] - floor, 0), rate), 100.0 * (it['cpus'] or math.inf))


def _fixable(it):
    source, gates = it['clocksource'], it['gates'] or {}
    return (it['state'] == 'seen' and source['verdict'] in NEED_WORK and it['hypervisor']['container'] is None
            and source['recommended'] not in (None, source['current'])
            and not any(gate['passed'] is False for gate in gates.values()))


def _fix(it):
    """In a few words: what a fix would come to, or came to; None where there is nothing to say."""
    source, words = it['clocksource'], None
    if it['state'] != 'seen':
        return None
    if source['verdict'] in NEED_WORK:
        refusing = [name for name, gate in (it['gates'] or {}).items() if gate['passed'] is False]
        words = ('on its host' if it['hypervisor']['container'] else 'can be fixed' if it['fixable']
                 else 'nothing better offered' if source['recommended'] in (None, source['current'])
                 else 'refused: ' + ', '.join(refusing))
    elif source['verdict'] in ('optimal', 'acceptable'):
        fixed = it['boot']['kernel_choice'] not in (None, source['current'])
        if it['next_boot'] and not it['kept_by']:
            words = 'fixed until the next boot' if fixed else 'until the next boot'
        elif fixed:
            words = 'fixed' if it['kept_by'] else 'fixed, next boot not known'
    return ', '.join(filter(None, (words, 'reboot pending' if it['boot']['reboot_required'] else None))) or None
