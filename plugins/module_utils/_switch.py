# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction around one write to current_clocksource: gates before, measurements around, undo after."""
import errno
import os
import signal
import time

from . import _clocksource, _klog, _loop, _policy, _state, _tsc

BOOT_ID = '/proc/sys/kernel/random/boot_id'
BUDGET = 0.1
# Nanoseconds. A source of the vDSO costs some 10 ns above the loop, and one and the same tsc was seen at 7 and at 13
# within a minute: less than this is noise.
NOISE = 10.0


def gates(name, facts, rows, force):
    """``({gate: {'passed', 'reason'}}, voucher)``: what must hold before ``name`` is written. Pure.

    A gate that the operator forces passes and keeps its reason. ``offered`` and ``writable`` cannot be forced:
    nothing could come of it.
    """
    clock, tsc, container = facts['clocksource'], facts['tsc'], facts['hypervisor']['container']
    row = _policy.row_for(facts['cloud'], facts['hypervisor'], clock['available'], rows)
    voucher = _policy.voucher(name, row, tsc)
    is_tsc = name == 'tsc'
    checks = {
        'offered': _offered(name, clock['available']),
        'host': (container is None,
                 'this is a %s container: its clock is the host\'s, so fix the host' % container if container
                 else 'not a container'),
        'writable': (clock['writable'] is not False, _writable(clock['writable'])),
        'stable': _stable(tsc) if is_tsc else (True, 'only the TSC is watched'),
        'emulation': _emulation(tsc) if is_tsc else (True, 'only TSC reads are emulated'),
        'warp': _warp(tsc, facts['cpus']) if is_tsc else (True, 'one device for all CPUs'),
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


def _writable(writable):
    if writable is not False:
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


def _emulation(tsc):
    if tsc['emulated'] is None:
        return None, 'not measured'
    return not tsc['emulated'], 'TSC reads are %s' % ('emulated' if tsc['emulated'] else 'native')


def _warp(tsc, cpus):
    if cpus == 1:
        return True, 'one CPU'
    if tsc['warp_cycles'] is None:
        return None, 'warp test: not run'
    return tsc['warp_cycles'] == 0, 'largest step back %d cycles' % tsc['warp_cycles']


def switch(module, root, result):
    """Write, read back, watch, measure; keep or undo. Returns the finished result."""
    name, old = result['name'], result['before']['source']
    result['before']['ns'] = before = _cost(old)
    overridden = _overridden(root, old)
    first = module.params['remember'] and _state.remember(root, module, 'clocksource', {
        'source': old, 'override': overridden, 'boot_id': root.line(BOOT_ID),
        'when': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())})
    # Leaving an unsafe source may cost speed; anything else must not.
    free = before is None or result['verdict'] == 'unsafe'
    limit = None if free else before * (1 + module.params['tolerance']) + NOISE
    problem, after, ended = 'the run was interrupted', None, None
    with _Signals() as signals:
        try:
            problem, after = _try(root, name, before, limit, module.params)
        except OSError as exc:
            problem = str(exc)
        finally:
            signals.ignore()
            if problem:
                ended = _undo(root, old, overridden)
                if first and ended == old:
                    _state.forget(root, module, 'clocksource')
    if problem is None:
        return dict(result, changed=True, speedup=before and round(before / after, 1), after={'source': name, 'ns': after})
    fate = ('back on %s' % old if ended == old
            else 'the kernel did not take %s back and is on %s now' % (old, ended))
    return dict(result, failed=True, changed=ended != old, action='rolled_back', refused=True,
                reason='%s; %s' % (problem, fate), tried={'source': name, 'ns': after},
                after={'source': ended, 'ns': before if ended == old else None})


def _try(root, name, before, limit, params):
    """``(problem, ns after)``; the problem is None when all is well."""
    seen = _write(root, name)
    if seen != name:
        return 'the kernel offers %s but refused it and is on %s (see its log)' % (name, seen), None
    seen = _clocksource.watch(root, name, params['settle_seconds'])
    if seen != name:
        return 'the kernel took %s and left it for %s within %g s' % (name, seen, params['settle_seconds']), None
    if name == 'tsc' and 'stable' not in params['force']:
        tsc = _tsc.judge({}, *_klog.read(root))
        if tsc['unstable']:
            return 'the kernel marked the TSC unstable: %s' % tsc['unstable_reason'], None
    after = _cost(name)
    if after is None:
        return '%s counts ticks: a read of it cannot be measured' % name, None
    if limit is not None and after > limit:
        return ('%s is slower: %.1f ns a read, before %.1f ns (tolerance %g %%)'
                % (name, after, before, 100 * params['tolerance'])), after
    return None, after


def _cost(name):
    """Nanoseconds a read, None for a source that counts ticks: a clock that stands still times nothing."""
    coarse = _policy.SOURCES.get(name, {}).get('grade') == 'coarse'
    return None if coarse else _loop.counter_cost(BUDGET)


class _Signals:
    """Turns what ends a process when its connection or its user goes away into an exception, so that undo runs.

    Where ssh has a terminal (no pipelining) its end sends SIGHUP. A signal that the caller ignores stays ignored.
    """

    ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

    def __enter__(self):
        self.before = {number: signal.getsignal(number) for number in self.ENDING}
        self._set({number: kept if kept == signal.SIG_IGN else self._end for number, kept in self.before.items()})
        return self

    def __exit__(self, *exc_info):
        self._set(self.before)

    def ignore(self):
        self._set(dict.fromkeys(self.ENDING, signal.SIG_IGN))

    def _end(self, number, frame):
        self.ignore()
        raise OSError('the run was ended by signal %d' % number)

    @staticmethod
    def _set(handlers):
        for number, handler in handlers.items():
            try:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            except ValueError:
                return  # not the main thread: whoever runs us in another one minds the signals


def _write(root, name):
    try:
        return _clocksource.switch(root, name)
    except OSError as exc:
        why = {errno.EROFS: 'the file system is read-only', errno.EACCES: 'become root', errno.EPERM: 'become root'}
        raise OSError('%s cannot be written: %s' % (_clocksource.CURRENT, why.get(exc.errno, exc.strerror)))


def _overridden(root, current):
    """Was the present source asked for, by the command line or by a write, and not the kernel's own choice?

    sysfs does not show the override. A source that is not the kernel's best-rated one was asked for.
    """
    asked = [arg.split('=', 1)[1] for arg in (root.line('/proc/cmdline') or '').split()
             if arg.startswith('clocksource=')]
    return current != _clocksource.read(root)['available'][0] or asked[-1:] == [current]


def _undo(root, old, overridden):
    """Back to ``old``, without an override where there was none. Returns the source read back."""
    try:
        seen = None if overridden else _clocksource.switch(root, '')
        return seen if seen == old else _clocksource.switch(root, old)
    except OSError:
        return _clocksource.read(root)['current']


def restore(module, root):
    """``state: restored``: back to the recorded source, and forget it."""
    clock = _clocksource.read(root)
    current = clock and clock['current']
    result = {'changed': False, 'action': 'none', 'refused': False, 'name': None, 'recommended': None,
              'verdict': 'unknown', 'source': _state.PATH, 'speedup': None,
              'before': {'source': current, 'ns': None}, 'after': {'source': current, 'ns': None}}
    record = _state.load(root).get('clocksource')
    if record is None:
        return dict(result, reason='no record of a switch by this collection: nothing to go back to')
    if not isinstance(record, dict) or not {'source', 'override', 'when'} <= set(record):
        raise ValueError('%s is damaged (clocksource: %r): move it away to go on without the record'
                         % (_state.PATH, record))
    if not root.live:
        return dict(result, action='planned', name=record['source'], reason='another root is never written')
    if clock is None or record['source'] not in clock['available']:
        return dict(result, failed=True, refused=True, action='refused', name=record['source'],
                    reason='the kernel does not offer %s any more' % record['source'])
    moves = current != record['source']
    if moves and clock['writable'] is False:
        return dict(result, failed=True, refused=True, action='refused', name=record['source'],
                    reason=_writable(clock['writable']))
    result.update(changed=True, action='restored' if moves else 'none', name=record['source'],
                  reason='%s was the source on %s' % (record['source'], record['when']),
                  after={'source': record['source'], 'ns': None})
    if module.check_mode:
        return result
    if moves:
        seen = _undo(root, record['source'], record['override'])
        if seen != record['source']:
            return dict(result, failed=True, action='refused', refused=True, changed=seen != current,
                        after={'source': seen, 'ns': None},
                        reason='the kernel offers %s but stays on %s' % (record['source'], seen))
    _state.forget(root, module, 'clocksource')
    return result
