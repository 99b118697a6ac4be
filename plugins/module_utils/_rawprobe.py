# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it what the probe prints? A figure that is not is an error, never a wrong number. Pure."""

SCHEMA = 1
CLOCKS = ('realtime', 'monotonic', 'monotonic_raw', 'realtime_coarse', 'monotonic_coarse', 'boottime', 'tai',
          'process_cputime_id', 'thread_cputime_id', 'gettimeofday')
COUNTERS = ('rdtsc', 'rdtscp', 'lfence_rdtsc', 'cntvct_el0', 'isb_cntvct_el0')
LIMIT = 2.0 ** 64
LONGEST_TEXT = 200
CPUID = {'hypervisor_present': bool, 'hypervisor_signature': str, 'invariant_tsc': bool, 'signatures': list,
         'xen': dict, 'kvm': dict, 'hyperv': dict}
XEN = {'eax': int, 'tsc_mode': int, 'emulated': bool, 'host_tsc_reliable': bool, 'rdtscp': bool,
       'guest_khz': int, 'incarnation': int}


def check(raw, require=False):
    """ValueError names the first key of ``raw`` that is not as probe/json.h describes it.

    Every section may be absent, but a run on this machine (``require``) has a counter and clocks.
    """
    _as(raw, dict, 'the output')
    if (require or 'schema' in raw) and raw.get('schema') != SCHEMA:
        _wrong('schema', raw.get('schema'))
    if raw.get('clocks') is not None or require:
        for key in ('counter', 'clocks', 'stopwatch', 'loop'):
            # In a hurry nothing was timed: the stopwatch's list is empty then.
            if not raw.get(key) and raw.get(key) != []:
                _wrong(key, raw.get(key))
    for key in ('budget_ms', 'elapsed_ms'):
        _number(raw.get(key), key, True)
    _text(raw.get('clocksource'), 'clocksource')
    for key, value in _as(raw.get('build'), dict, 'build', True).items():
        _text(value, 'build.' + key)
    _counter(raw.get('counter'))
    _distribution(raw.get('stopwatch') or [], 'stopwatch')
    for key in ('loop', 'work', 'entry'):
        _series(raw.get(key), key)
    for name, series in _as(raw.get('counters'), dict, 'counters', True).items():
        _known(name, COUNTERS, 'counters')
        _series(series, 'counters.' + name)
    for name, clock in _as(raw.get('clocks'), dict, 'clocks', True).items():
        _known(name, CLOCKS, 'clocks')
        _clock(clock, 'clocks.' + name)
    _warp(raw.get('warp'))
    _cpuid(raw.get('cpuid'))


def _wrong(key, value):
    raise ValueError('the probe\'s %s is %.60r' % (key, value))


def _as(value, kind, key, optional=False):
    if value is None and optional:
        return kind()
    if not isinstance(value, kind) or kind is int and isinstance(value, bool):
        _wrong(key, value)
    return value


def _there(section, name, key):
    if name not in section:
        raise ValueError('the probe\'s %s.%s is not there' % (key, name))
    return section[name]


def _known(name, names, key):
    if name not in names:
        _wrong(key, name)


def _number(value, key, optional=False):
    # Booleans are no numbers here, and no comparison with NaN holds.
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (optional and value is None) and not (number and 0 <= value < LIMIT):
        _wrong(key, value)


def _count(value, key, least=0):
    if not least <= _as(value, int, key) < LIMIT:
        _wrong(key, value)


def _text(value, key):
    if value is None:
        return
    try:
        good = len(_as(value, str, key).encode('utf-8')) <= LONGEST_TEXT
    except UnicodeEncodeError:
        good = False
    if not good:
        _wrong(key, value)


def _counter(counter):
    if counter is None:
        return
    _known(_as(counter, dict, 'counter').get('name'), COUNTERS + ('monotonic_raw',), 'counter.name')
    # Whole ones: a frequency made of fractions may be none that a float can hold.
    for key in ('ticks', 'ns', 'error_ns'):
        _count(counter.get(key), 'counter.' + key)


def _series(series, key):
    if series is None:
        return
    slices = _as(_as(series, dict, key).get('slices'), list, key + '.slices')
    _count(series.get('calls'), key + '.calls', 1 if any(slices) else 0)
    for batches in slices:
        for ticks in _as(batches, list, key + '.slices'):
            _number(ticks, key + '.slices')


def _distribution(pairs, key):
    before = -1
    for pair in _as(pairs, list, key):
        if not isinstance(pair, list) or len(pair) != 2:
            _wrong(key, pair)
        _number(pair[0], key)
        _count(pair[1], key, 1)
        if pair[0] <= before:
            _wrong(key + ' (not ascending)', pair)
        before = pair[0]


def _clock(clock, key):
    _number(_there(_as(clock, dict, key), 'resolution_ns', key), key + '.resolution_ns', True)
    for way in ('vdso', 'libc', 'syscall'):
        name = '%s.%s' % (key, way)
        path = _there(clock, way, key)
        if path is not None:
            _series(path, name)
            _distribution(path.get('singles'), name + '.singles')
            _count(path.get('back'), name + '.back')
            _number(path.get('worst_back_ns'), name + '.worst_back_ns')
            _number(_there(path, 'step_ns', name), name + '.step_ns', True)


def _warp(warp):
    if warp is None:
        return
    _as(warp, dict, 'warp')
    for key in ('pairs_tested', 'pairs_total', 'worst_cycles', 'covered'):
        _count(warp.get(key), 'warp.' + key)
    if warp['pairs_tested'] > warp['pairs_total']:
        _wrong('warp.pairs_tested', warp['pairs_tested'])
    for key in ('budget_ms', 'elapsed_ms', 'exchanges'):
        _number(warp.get(key), 'warp.' + key, True)
    for cpu in _as(warp.get('cpus'), list, 'warp.cpus'):
        _count(cpu, 'warp.cpus')
    pair = warp.get('worst_pair')
    if pair is not None and len(_as(pair, list, 'warp.worst_pair')) != 2 or warp['worst_cycles'] and not pair:
        _wrong('warp.worst_pair', pair)
    for cpu in pair or ():
        _count(cpu, 'warp.worst_pair')
    _text(warp.get('reason'), 'warp.reason')


def _cpuid(cpuid):
    for key, value in _as(cpuid, dict, 'cpuid', True).items():
        if value is not None:
            _as(value, CPUID.get(key, type(value)), 'cpuid.' + key)
    for key, value in ((cpuid or {}).get('xen') or {}).items():
        if value is not None:
            _as(value, XEN.get(key, type(value)), 'cpuid.xen.' + key)
    _text((cpuid or {}).get('hypervisor_signature'), 'cpuid.hypervisor_signature')
    for item in (cpuid or {}).get('signatures') or ():
        for key in ('leaf', 'signature'):
            _text(_as(item, dict, 'cpuid.signatures').get(key), 'cpuid.signatures')
