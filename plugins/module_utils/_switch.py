# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction around one write to current_clocksource: measurements around it, undo after."""
import errno
import time

from . import _clocksource, _gates, _klog, _signals, _state, _tsc

BOOT_ID = '/proc/sys/kernel/random/boot_id'
# The key in the state file of a switch that gained too little, so that the next run need not try again.
TRIED = 'clocksource_tried'


def switch(module, root, result, gauge):
    """Write, read back, watch, measure by ``gauge`` (_gauge.Gauge), by which ``before`` was measured; keep or undo.

    Returns the finished result.
    """
    name, old, before = result['name'], result['before']['source'], result['before']['ns']
    least = gauge.least(result)
    overridden = was_asked_for(root, old)
    first = module.params['remember'] and _state.remember(root, module, 'clocksource', {
        'source': old, 'override': overridden, 'boot_id': root.line(BOOT_ID),
        'when': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())})
    # Leaving an unsafe source may cost speed; anything else must not.
    free = before is None or result['verdict'] == 'unsafe'
    limit = None if free else before * (1 + module.params['tolerance']) + gauge.noise
    problem, after, ended, failed = 'the run was interrupted', None, None, True
    with _signals.Signals() as signals:
        try:
            problem, after = _try(root, name, before, limit, module.params, gauge)
            if problem is None and least and before < least * after:
                failed = False
                problem = 'nothing to gain: %s %.1f ns a read, %s %.1f ns (min_speedup %g)' % (
                    old, before, name, after, least)
        except (OSError, _signals.Interrupted) as exc:
            problem = str(exc)
        finally:
            signals.ignore()
            if problem:
                ended = go_back(root, old, overridden)
                if first and ended == old:
                    _state.forget(root, module, 'clocksource')
    if problem is None:
        return dict(result, changed=True, speedup=round(before / after, 1) if before and after else None,
                    after={'source': name, 'ns': after})
    if not failed and ended == old and module.params['remember']:
        _state.update(root, module, TRIED, {
            'source': old, 'name': name, 'by': gauge.by, 'before': before, 'after': after,
            'boot_id': root.line(BOOT_ID)})
    fate = ('back on %s' % old if ended == old
            else 'the kernel did not take %s back and is on %s now' % (old, ended))
    failed = failed or ended != old
    return dict(result, failed=failed, changed=ended != old, action='rolled_back', refused=failed,
                reason='%s; %s' % (problem, fate), tried={'source': name, 'ns': after},
                after={'source': ended, 'ns': before if ended == old else None})


def tried(root):
    """What a run in this boot tried and undid because it gained too little, {} where none did. ValueError."""
    record, boot = _state.load(root).get(TRIED), root.line(BOOT_ID)
    whole = isinstance(record, dict) and all(type(record.get(key)) in (int, float) for key in ('before', 'after'))
    return record if whole and boot and record.get('boot_id') == boot else {}


def _try(root, name, before, limit, params, gauge):
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
    after = gauge.cost(name)
    if after is None:
        return '%s was not measured: %s' % (name, gauge.reason), None
    if limit is not None and after > limit:
        return ('%s is slower: %.1f ns a read, before %.1f ns (tolerance %g %%)'
                % (name, after, before, 100 * params['tolerance'])), after
    return None, after


def _write(root, name):
    try:
        return _clocksource.switch(root, name)
    except OSError as exc:
        why = {errno.EROFS: 'the file system is read-only', errno.EACCES: 'become root', errno.EPERM: 'become root'}
        raise OSError('%s cannot be written: %s' % (_clocksource.CURRENT, why.get(exc.errno, exc.strerror)))


def was_asked_for(root, current):
    """Was the present source asked for, by the command line or by a write, and not the kernel's own choice?

    sysfs does not show the override. A source that is not the kernel's best-rated one was asked for.
    """
    asked = [arg.split('=', 1)[1] for arg in (root.line('/proc/cmdline') or '').split()
             if arg.startswith('clocksource=')]
    return current != _clocksource.read(root)['available'][0] or asked[-1:] == [current]


def go_back(root, old, overridden):
    """Back to ``old``, without an override where there was none. Returns the source read back."""
    try:
        seen = None if overridden else _clocksource.switch(root, '')
        return seen if seen == old else _clocksource.switch(root, old)
    except OSError:
        return _clocksource.read(root)['current']


def restore(module, root):
    """``state: restored``: back to the recorded source, and forget it."""
    if root.live and not module.check_mode:
        _state.forget(root, module, TRIED)
    clock = _clocksource.read(root)
    current = clock and clock['current']
    result = {'changed': False, 'action': 'none', 'refused': False, 'name': None, 'recommended': None,
              'verdict': 'unknown', 'source': _state.PATH, 'speedup': None, 'measured_by': None,
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
                    reason=_gates.writable(clock['writable']))
    result.update(changed=True, action='restored' if moves else 'none', name=record['source'],
                  reason='%s was the source on %s' % (record['source'], record['when']),
                  after={'source': record['source'], 'ns': None})
    if module.check_mode:
        return result
    if moves:
        seen = go_back(root, record['source'], record['override'])
        if seen != record['source']:
            return dict(result, failed=True, action='refused', refused=True, changed=seen != current,
                        after={'source': seen, 'ns': None},
                        reason='the kernel offers %s but stays on %s' % (record['source'], seen))
    _state.forget(root, module, 'clocksource')
    return result
