# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before another clocksource is written. Pure, but for whose rights these are."""
import os

from . import _clocksource, _policy

# Xen's leaf 3: 0 emulates where the host cannot do without, 1 always, 2 never, 3 leaves it to the guest
# (xen-tscmode(7)).
ALWAYS_EMULATED, NEVER_EMULATED = 1, 2
MAY_BE_EMULATED = (0, 3)


def judge(name, facts, rows, force):
    """``({gate: {'passed', 'reason'}}, voucher)``: passed is None for what is not known, which refuses nothing.

    A gate that the operator forces passes and keeps its reason. ``offered`` and ``writable`` cannot be forced:
    nothing could come of it.
    """
    clock, tsc, container = facts['clocksource'], facts['tsc'], facts['hypervisor']['container']
    row = _policy.row_for(facts['cloud'], facts['hypervisor'], clock['available'], rows)
    voucher = _policy.voucher(name, row, tsc)
    is_tsc = name == 'tsc'
    # why the probe said nothing, where it should have
    silence = ': ' + facts['probe']['reason'] if facts['probe']['reason'] else ''
    checks = {
        'offered': _offered(name, clock['available']),
        'host': (container is None,
                 'this is a %s container: its clock is the host\'s, so fix the host' % container if container
                 else 'not a container'),
        'writable': (clock['writable'] is not False, writable(clock['writable'])),
        'stable': _stable(tsc) if is_tsc else (True, 'only the TSC is watched'),
        'emulation': _emulation(tsc, facts['hypervisor'], silence) if is_tsc else (True, 'only TSC reads are emulated'),
        'warp': _warp(tsc, facts['cpus'], row, silence) if is_tsc else (True, 'one device for all CPUs'),
        'vouched': (voucher is not None, 'by %s' % voucher if voucher else 'nobody vouches for tsc') if is_tsc
        else (True, 'only the TSC needs a word for it'),
    }
    result = {}
    for gate, (passed, reason) in checks.items():
        if gate in force and passed is not True:
            passed, reason = True, 'forced by the operator; it was: ' + reason
            voucher = 'operator' if gate == 'vouched' else voucher
        result[gate] = {'passed': passed, 'reason': reason}
    return result, voucher


def _offered(name, available):
    if not available:
        return False, 'there is no %s' % _clocksource.AVAILABLE
    return name in available, '%s is %s: the kernel offers %s' % (
        name, 'offered' if name in available else 'not offered', ', '.join(available))


def writable(known):
    """The reason of that gate, for ``writable`` of the facts."""
    if known is not False:
        return '%s is writable' % _clocksource.CURRENT
    why = 'only root may write it, so become root' if os.geteuid() else 'sysfs is read-only here'
    return '%s: %s' % (_clocksource.CURRENT, why)


def _stable(tsc):
    if tsc['unstable'] is None:
        return None, ('the messages of this boot cannot be read to their start; the kernel withdraws a source that it '
                      'marks unstable')
    if tsc['unstable']:
        return False, 'the kernel marked the TSC unstable in this boot: %s' % (tsc['unstable_reason'] or 'no reason')
    return True, 'not marked unstable in this boot'


def _emulation(tsc, hypervisor, silence):
    mode = tsc['xen_mode']
    if tsc['emulated'] or mode == ALWAYS_EMULATED:
        return False, 'TSC reads are emulated: switching gains nothing'
    if mode == NEVER_EMULATED:
        return True, 'TSC reads are native, and Xen never emulates them here (tsc_mode 2)'
    if mode in MAY_BE_EMULATED and tsc['emulated'] is False:
        return True, 'TSC reads are native now; a migration to another host may turn emulation on (tsc_mode %d)' % mode
    if hypervisor['type'] == 'xen':
        return None, ('CPUID shows no leaf 3 of Xen\'s own: not known' if mode is None
                      else 'tsc_mode %s says nothing: not known' % mode)
    return (None, 'not measured' + silence) if tsc['emulated'] is None else (True, 'TSC reads are native')


def _warp(tsc, cpus, row, silence):
    if cpus == 1:
        return True, 'one CPU'
    warp = tsc['warp']
    if warp is None:
        return None, 'warp test: not run' + silence
    if warp['worst_cycles']:
        return False, 'reads of the TSC went back %d cycles between CPUs %d and %d' % (
            (warp['worst_cycles'],) + tuple(warp['worst_pair']))
    # A test that was begun and used its time up is an unfinished one.
    if not warp['pairs_tested'] and warp['reason'] and (warp['elapsed_ms'] or 0) < (warp['budget_ms'] or 0):
        return None, 'warp test: not run: ' + warp['reason']
    seen = 'no step back between %d of %d pairs of CPUs' % (warp['pairs_tested'], warp['pairs_total'])
    if not warp['partial']:
        return True, seen
    if warp['pairs_tested'] < warp['pairs_total']:
        seen += ' (%d of %d CPUs)' % (warp['covered'], cpus or warp['cpus'])
        enough = _enough(warp)
        more = 'raise warp_budget_ms to test all' + (', to some %d' % enough if enough else '')
    else:
        more = 'only %d of %d CPUs may be used here (affinity, a cpuset, isolcpus): give the run the others too, or ' \
               'name warp in force' % (warp['cpus'], cpus)
    if row.get('partial_warp'):
        return True, '%s; the policy (%s) takes that for the rest; %s' % (seen, row['id'], more)
    return False, '%s: not all were tested; %s' % (seen, more)


def _enough(warp):
    """Milliseconds for all pairs, in whole seconds, by those that were tested; a quarter more for busy CPUs."""
    if not warp['pairs_tested'] or not warp['elapsed_ms']:
        return None
    return int(-(-1.25 * warp['elapsed_ms'] * warp['pairs_total'] // (warp['pairs_tested'] * 1000))) * 1000
