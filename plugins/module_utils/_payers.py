# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probe counted → the processes that pay, and what the counting cost. Pure; ValueError for what no probe prints.

Where calls are rare each is a sample. Where they are many a sample stands for as many as its period, and the sum is made
to agree with the kernel's own count.
"""
from . import _reasons

ABIS = ('64-bit', '32-bit', 'x32')
CALLS = ('clock_gettime', 'clock_gettime64', 'gettimeofday', 'time')
_NUMBERS = ('looked_ms', 'cpus', 'samples', 'lost', 'throttled', 'passed', 'sampled', 'unrelated', 'longest_period', 'unplaced',
            'cpu_ms', 'cost_sampled', 'pid')
_COSTS = ('counter', 'coarse', 'cpu_time', 'other')
# Two of three processes that show by so many per cent less or more than they call.
_MARGIN = 100.0
# What to do, by what the probe could not do (probe/syscalls.c).
_NEXT = {
    'tracefs': {2: "the kernel's tracepoints are not to be seen: mount tracefs (mount -t tracefs nodev /sys/kernel/tracing); "
                   "where that fails the kernel was built without them, or this is a container: ask on its host",
                1: 'the kernel refuses its tracepoints: locked down (cat /sys/kernel/security/lockdown), or a container',
                13: 'this takes root (become: true)'},
    'perf_event_open': {
        1: 'the kernel refuses perf events: this takes root or CAP_PERFMON, and no container (ask on its host)',
        13: 'this takes root (become: true) or CAP_PERFMON',
        38: 'the kernel was built without perf events'},
}
_NEXT['tracefs'][20] = _NEXT['tracefs'][2]


def check(raw):
    """``raw`` itself. ValueError names the first key that is not as probe/syscalls.c prints it."""
    if not isinstance(raw, dict) or raw.get('schema') != 1 or 'refused' not in raw:
        raise ValueError('it is no count of system calls')
    if raw['refused'] is not None:
        if not isinstance(raw['refused'], dict):
            raise ValueError('refused')
        return raw
    for key in _NUMBERS:
        _number(raw.get(key), key)
    for key in ('cost', 'cost_meanwhile'):
        for part in _COSTS:
            _number(_dict(raw.get(key), key).get(part), key)
    for part in ('calls', 'ms'):
        _number(_dict(raw.get('all'), 'all').get(part), 'all')
    for pid, name in _dict(raw.get('names'), 'names').items():
        if not pid.isdecimal() or not isinstance(name, str) or max(name, default='') > '\xff':
            raise ValueError('names')
    for row in raw['rows'] if isinstance(raw.get('rows'), list) else [None]:
        _row(row)
    return raw


def _row(row):
    if not isinstance(row, list) or len(row) != 8 or row[1] not in ABIS or row[2] not in CALLS:
        raise ValueError('rows')
    for value in (row[0], row[4], row[5], row[6], row[7]):
        _number(value, 'rows')
    if row[3] is not None and (not isinstance(row[3], int) or isinstance(row[3], bool)):
        raise ValueError('rows')


def _number(value, key):
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 2.0 ** 64:
        raise ValueError(key)


def _dict(value, key):
    if not isinstance(value, dict):
        raise ValueError(key)
    return value


def refusal(refused):
    """Why nothing could be counted, and what to do."""
    what, code = refused.get('what'), refused.get('errno')
    words = '%s%s: %s' % (what, ' (%s)' % refused['path'] if refused.get('path') else '', refused.get('words'))
    advice = _NEXT.get(what, {}).get(code)
    return '%s [%s]' % (advice, words) if advice else words


def judge(raw, describe, paths, audit, limit):
    """``processes`` and the figures about the looking itself; ``describe(pid, name)`` is asked of ``limit`` processes.

    ``paths``: clock → vdso or syscall, as measured here; ``audit``: _audit.read's.
    """
    seconds = raw['looked_ms'] / 1000.0
    counted = raw['sampled'] + raw['unrelated']
    scale = raw['passed'] / float(counted) if counted and raw['passed'] > counted else 1.0
    by_pid = {}
    for row in raw['rows']:
        by_pid.setdefault(row[0], []).append(row)
    order = sorted(by_pid, key=lambda pid: (-sum(row[5] for row in by_pid[pid]), pid))
    processes = [_process(pid, by_pid[pid], describe(pid, _name(raw, pid)), scale / seconds, raw, paths, audit)
                 for pid in order[:limit]]
    return {'processes': processes, 'payers': len(order), 'shown': len(processes),
            'calls_per_second': _rate(sum(row[5] for row in raw['rows']) * scale / seconds),
            'cpu_percent': _percent(sum(_ns(row, raw) * row[5] for row in raw['rows']) * scale / seconds),
            'seconds': round(seconds, 3), 'samples': raw['samples'], 'lost_samples': raw['lost'], 'throttled': raw['throttled'],
            'exact': raw['longest_period'] <= 1 and not raw['lost'] and not raw['throttled'] and raw['passed'] <= counted,
            'calls_without_room': raw['unplaced'],
            'syscall_ns': dict(raw['cost']), 'looking': _looking(raw, seconds)}


def _name(raw, pid):
    """As a file's text is read: the probe writes each byte as the character of that number."""
    name = raw['names'].get(str(pid))
    return name and name.encode('latin-1').decode('utf-8', 'surrogateescape')


def _process(pid, rows, process, each, raw, paths, audit):
    calls = [_call(row, process, each, raw, paths, audit) for row in rows]
    first = max(rows, key=lambda row: row[5])
    shown = {key: process[key] for key in ('name', 'command', 'exe', 'uid', 'user', 'cgroup', 'container', 'seccomp', 'ended')}
    shown.update((key, calls[rows.index(first)][key]) for key in ('why_it_enters', 'certain', 'evidence'))
    shown.update(pid=pid, abi=first[1], syscalls=calls,
                 calls_per_second=_rate(sum(row[5] for row in rows) * each),
                 cpu_percent=_percent(sum(_ns(row, raw) * row[5] for row in rows) * each),
                 what_makes_it_dearer=sorted(set(sum((call['what_makes_it_dearer'] for call in calls), []))))
    return shown


def _call(row, process, each, raw, paths, audit):
    _pid, abi, call, clock, samples, calls, address, votes = row
    name = _reasons.clock_name(call, clock)
    found = _reasons.why(name, abi, address, process, paths)
    if found['certain'] and address and votes * 2 < samples and not _reasons.is_cpu_time(name):
        # Calls came from several places, and the reason is that of the most frequent one.
        found.update(certain=False, evidence='of most of its calls: ' + found['evidence'])
    found.update(syscall=call, clock=name, abi=abi, samples=samples, calls_per_second=_rate(calls * each),
                 cpu_percent=_percent(_ns(row, raw) * calls * each),
                 margin_percent=_margin(raw, samples),
                 what_makes_it_dearer=_reasons.dearer(call, abi, process, audit))
    return found


def _margin(raw, samples):
    if raw['throttled']:
        return None  # nobody knows how many calls the kernel passed over; some kernels do not even count them
    # Each sample of a long period is a draw from many calls; where all were taken nothing is left to chance.
    return 0.0 if raw['longest_period'] <= 1 else round(_MARGIN / samples ** 0.5, 1)


def _ns(row, raw):
    """What one call costs here: a filter or an audit rule of the caller's is not in it."""
    name = _reasons.clock_name(row[2], row[3])
    if _reasons.is_cpu_time(name):
        return raw['cost']['cpu_time']
    return raw['cost']['coarse' if name in _reasons.COARSE else 'counter']


def _looking(raw, seconds):
    """What it cost: the probe's own time, and what every system call of the machine took longer meanwhile."""
    all_calls = raw['all']['calls'] * 1000.0 / raw['all']['ms'] if raw['all']['ms'] else None
    added = max(0, raw['cost_meanwhile']['other'] - raw['cost']['other'])
    per_sample = max(0, raw['cost_sampled'] - raw['cost_meanwhile']['counter'])
    slowed = None if all_calls is None else _percent(all_calls * added + raw['samples'] / seconds * per_sample)
    return {'cpu_ms': raw['cpu_ms'], 'cpu_ms_per_second': round(raw['cpu_ms'] / seconds, 2),
            'system_calls_per_second': None if all_calls is None else _rate(all_calls),
            'ns_added_to_each': added, 'ns_added_to_a_sampled_one': per_sample,
            'time_call_slower': round(raw['cost_meanwhile']['counter'] / float(raw['cost']['counter']), 2)
            if raw['cost']['counter'] else None,
            'slowed_cpu_percent': slowed}


def _rate(value):
    return round(value, 1) if value < 100 else int(round(value))


def _percent(ns_per_second):
    """Of one CPU."""
    return round(ns_per_second / 1e7, 3)
