# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the facts say by the probe's readings (``_readings.judge``'s, or None where there are none). Pure, but for
``take``, which runs the probe that it is handed."""

UNKNOWN = {'emulated': None, 'xen_mode': None, 'warp_cycles': None, 'warp': None}


# How many times longer the second try is.
PATIENCE = 5


def take(probe, budget_ms, warp_budget_ms=0):
    """Readings of MONOTONIC, or None with the probe's ``reason`` set.

    A run in which other work left too little to judge by is repeated once, with more time; so is one on a machine that
    is emulated itself, where the first call of anything takes longest. The warp test has a budget of its own.
    """
    readings = probe.run(budget_ms, clocks=['monotonic'], warp_budget_ms=warp_budget_ms)
    if readings is None or _tells(readings):
        return readings
    again = probe.run(PATIENCE * budget_ms, clocks=['monotonic'])
    return dict(again, warp=readings['warp']) if again else readings


def _tells(readings):
    # Where there is no bare counter, as on ppc64le, there is nothing more to hope for.
    return _monotonic(readings).get('path') and (not readings['counters'] or readings['counter']['emulated'] is not None)


def cost(readings):
    """What a read of MONOTONIC costs: ``{'path', 'ns', 'cycles', 'syscall_ns', 'counter_ns'}``; None where unknown."""
    clock, counter = _monotonic(readings), (readings or {}).get('counter')
    best = clock.get('vdso') or clock.get('syscall')
    return {'path': clock.get('path'),
            'ns': best and best['ns']['median'],
            'cycles': best and best['cycles']['median'],
            'syscall_ns': _median(clock.get('syscall')),
            'counter_ns': _median(counter)}


def ran(readings):
    """``probe`` of the facts after a run that gave readings."""
    return {'ran': True, 'reason': None, 'elapsed_ms': readings['elapsed_ms']}


def vdso(readings):
    """``{'mapped', 'fast', 'evidence'}``, or None where the readings do not tell."""
    clock = _monotonic(readings)
    if clock.get('path') is None:
        return None
    figures = [('the vDSO', _median(clock['vdso'])), ('libc', _median(clock['libc'])),
               ('system call', _median(clock['syscall']))]
    words = ', '.join('by %s %.0f ns' % figure for figure in figures if figure[1] is not None)
    return {'mapped': True if clock['vdso'] else None, 'fast': clock['path'] == 'vdso',
            'evidence': 'MONOTONIC %s; a kernel entry %s' % (
                words, '%.0f ns' % readings['entry']['ns'] if readings['entry']['ns'] is not None else 'not timed')}


def tsc(readings, cpus):
    """The measured keys of ``tsc``. ``cpus`` are those online: a test that did not reach each is no whole one.

    ``emulated`` is Xen's own bit (public/arch-x86/cpuid.h, leaf 3, XEN_CPUID_TSC_EMULATED) or the measured verdict.
    """
    if not readings:
        return dict(UNKNOWN)
    xen = (readings['cpuid'] or {}).get('xen') or {}
    verdicts = (xen.get('emulated'), (readings['counter'] or {}).get('emulated'))
    warp = readings['warp']
    found = {'emulated': True in verdicts or next((word for word in verdicts if word is not None), None),
             'xen_mode': xen.get('tsc_mode'), 'warp_cycles': None, 'warp': None}
    if warp:
        partial = warp['partial'] or len(set(warp['cpus'])) < (cpus or 0)
        found['warp'] = dict(
            {key: warp.get(key) for key in ('pairs_tested', 'pairs_total', 'worst_cycles', 'worst_pair', 'budget_ms',
                                            'elapsed_ms', 'covered', 'reason')}, cpus=len(set(warp['cpus'])), partial=partial)
        found['warp_cycles'] = None if partial and not warp['worst_cycles'] else warp['worst_cycles']
    return found


def _monotonic(readings):
    return ((readings or {}).get('clocks') or {}).get('monotonic') or {}


def _median(figures):
    return figures and figures['ns']['median']
