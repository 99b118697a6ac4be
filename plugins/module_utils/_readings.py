# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probe printed → figures and verdicts. Pure; ValueError names what is not as the probe prints it.

The probe times batches of calls and single calls in ticks of one counter. What a path costs is the least of its
slices' medians: a burst of other work spoils slices, not the figure.
"""
from ._rawprobe import check

# How many times a read of the counter may cost what 32 dependent multiplications do. Natively it costs less: 15 to 80
# cycles (clockperf's README; Broomhead et al., "Virtualize Everything but Time") against 3 cycles for each of 32
# (Agner Fog's instruction tables, IMUL). Emulated by Xen it costs 15 to 20 times more than that (xen-tscmode(7)).
EMULATED, NATIVE = 4.0, 2.0
# A frequency that is known to no better than a tenth is no unit to give figures in.
WORST_FREQUENCY = 0.1
# Sources that stand still between ticks (kernel kernel/time/jiffies.c): no frequency can be held against them.
STANDING = ('jiffies', 'refined-jiffies')
FEWEST_BATCHES = 3
# Two figures of one and the same cost differ by 2.8 % at worst on a disturbed machine, in ten reads of a slow one too.
BLUR = 0.05
# What Xen defines of EAX in its leaf 3 (xen/include/public/arch-x86/cpuid.h): three flags.
XEN_TIME_FLAGS = 0b111
# (key, per mille, fewest single reads that it can be told from)
RANKS = (('p50', 500, 1), ('p90', 900, 1), ('p99', 990, 1000), ('p999', 999, 10000))


def judge(raw, calls_per_second=100000, require=False):
    """The probe's JSON → ``clocks``, ``counter``, ``counters``, ``loop``, ``entry``, ``warp``, ``cpuid``,
    ``clocksource``, ``budget_ms``, ``elapsed_ms``, ``build``.

    A section that is not there is None; a run on this machine (``require``) must have measured. Nanoseconds are None
    where the counter's frequency is not known, cycles where the counter is a clock of the kernel.
    """
    check(raw, require)
    scale = _Scale(raw)
    entry = scale.cost(raw.get('entry'))
    counters = {name: scale.shown(scale.cost(series)) for name, series in (raw.get('counters') or {}).items()}
    clocks = {name: _clock(scale, clock, entry, calls_per_second)
              for name, clock in (raw.get('clocks') or {}).items()}
    result = {key: raw.get(key) for key in ('build', 'clocksource', 'budget_ms', 'elapsed_ms')}
    warp = raw.get('warp')
    result.update(cpuid=_cpuid(raw.get('cpuid')), clocks=clocks or None, counters=counters or None, counter=_counter(scale, raw),
                  loop=raw.get('loop') and {'ns': scale.ns(scale.loop)},
                  entry=entry and {'ns': scale.ns(entry['median'])},
                  warp=warp and dict(warp, partial=warp['pairs_tested'] < warp['pairs_total']))
    return result


def _cpuid(cpuid):
    """``xen`` is None where the leaf is not as Xen writes it: KVM as Xen has the host's kHz in place of the flags
    (kernel arch/x86/kvm/xen.c, kvm_xen_update_tsc_info, into the one entry that QEMU makes for all sub-leaves)."""
    odd = cpuid and cpuid.get('xen') and (cpuid['xen'].get('eax') or 0) & ~XEN_TIME_FLAGS
    return dict(cpuid, xen=None) if odd else cpuid


class _Scale:
    """From ticks to nanoseconds and cycles, and from batches to the cost of one call."""

    def __init__(self, raw):
        self.counter = counter = raw.get('counter') or {'name': None, 'ticks': 0, 'ns': 0, 'error_ns': 0}
        known = (counter['ticks'] and counter['ns'] and counter['error_ns'] <= WORST_FREQUENCY * counter['ns'] and
                 raw.get('clocksource') not in STANDING)
        self.tick = counter['ns'] / counter['ticks'] if known else None
        self.start = _rank(raw['stopwatch'], 500) if raw.get('stopwatch') else 0
        self.loop = 0
        loop = self.cost(raw.get('loop'))
        self.loop = loop and loop['median']

    def ns(self, ticks):
        return None if ticks is None or self.tick is None else round(ticks * self.tick, 2)

    def cycles(self, ticks):
        return None if ticks is None or self.counter['name'] == 'monotonic_raw' else round(ticks, 2)

    def cost(self, series):
        """Ticks a call: ``{'median', 'low', 'high'}``, or None where there are too few batches to tell.

        Short slices count where there are no others. A batch that was preempted is then among two or three, so the
        least one is the figure; a single one tells nothing.
        """
        slices = [sorted(batches) for batches in (series['slices'] if series else ())]
        whole = [batches for batches in slices if len(batches) >= FEWEST_BATCHES]
        slices = whole or [sorted(sum(slices, []))[:2]]
        if len(slices[0]) < 2 or self.loop is None:
            return None
        if not whole:
            slices = [[ticks] for ticks in slices[0]]
        medians = [_median(batches) for batches in slices]
        least = slices[medians.index(min(medians))]
        ticks = {'median': min(medians), 'low': least[(len(least) - 1) // 4], 'high': _median(sorted(medians))}
        return {key: max(0.0, (value - self.start) / series['calls'] - self.loop) for key, value in ticks.items()}

    def shown(self, ticks):
        median = ticks and ticks['median']
        return {'ns': self.ns(median), 'cycles': self.cycles(median)}

    def path(self, path, ticks):
        if path is None:
            return None
        singles = [[max(0, at - self.start), count] for at, count in path['singles']]
        total = sum(count for at, count in singles)
        ns = {key: self.ns(_rank(singles, mille)) if total >= fewest else None for key, mille, fewest in RANKS}
        ns.update(min=self.ns(singles[0][0]) if singles else None, max=self.ns(singles[-1][0]) if singles else None)
        ns.update((key, self.ns(ticks and ticks[key])) for key in ('median', 'low', 'high'))
        return {'ns': ns, 'cycles': {'median': self.cycles(ticks and ticks['median'])},
                'histogram': self._histogram(singles),
                'reads': total + path['calls'] * sum(len(batches) for batches in path['slices']),
                'back': path['back'], 'worst_back_ns': path['worst_back_ns']}

    def _histogram(self, singles):
        if self.tick is None:
            return None
        counts, edge = {}, 1
        for at, count in singles:
            while at * self.tick > edge:
                edge *= 2
            counts[edge] = counts.get(edge, 0) + count
        return [{'le_ns': edge, 'count': counts[edge]} for edge in sorted(counts)]


def _clock(scale, clock, entry, calls_per_second):
    ticks = {way: scale.cost(clock[way]) for way in ('vdso', 'libc', 'syscall')}
    result = {way: scale.path(clock[way], ticks[way]) for way in ticks}
    user, kernel = ticks['vdso'] or ticks['libc'], ticks['syscall']
    # Without a vDSO function libc has another way in user space, or it enters the kernel just as the raw call does.
    path = None
    if user and kernel and entry:
        path = _path(user, kernel, entry)
    pays = next((ticks[way]['median'] for way in ('libc', 'vdso', 'syscall') if ticks[way]), None)
    ns, steps = scale.ns(pays), [clock[way]['step_ns'] for way in ticks if clock[way] and clock[way]['step_ns']]
    result.update(path=path, resolution_ns=clock['resolution_ns'], step_ns=min(steps) if steps else None,
                  grade=_grade(pays) if scale.counter['name'] == 'rdtsc' else None,
                  cpu_percent=None if ns is None else round(calls_per_second * ns / 1e7, 3))
    return result


def _path(user, kernel, entry):
    if kernel['median'] - user['median'] <= entry['median'] / 2:
        return 'syscall'
    # On a source of 15 us a busy machine makes two such figures differ by more than an entry: then it is not known.
    told = kernel['low'] > user['high'] and kernel['median'] - user['median'] > BLUR * kernel['median']
    return 'vdso' if told else None


def _grade(cycles):
    """The grades in use for x86; they stand beside the measured path and decide nothing."""
    if cycles is None:
        return None
    return '<100: vDSO works' if cycles < 100 else '100-500: partly or slow source' if cycles <= 500 \
        else '>500: full syscall'


def _counter(scale, raw):
    counter = raw.get('counter')
    if counter is None:
        return None
    read, work = (series and scale.cost(series)
                  for series in ((raw.get('counters') or {}).get(counter['name']), raw.get('work')))
    ratio = read['median'] / work['median'] if read and work and work['median'] else None
    figure = scale.shown(read)
    return {'name': counter['name'], 'hz': scale.tick and round(1e9 / scale.tick),
            'hz_error_ppm': scale.tick and round(counter['error_ns'] / counter['ns'] * 1e6, 1),
            'ns': {'median': figure['ns']}, 'cycles': {'median': figure['cycles']},
            'work': {'cycles': scale.shown(work)['cycles']}, 'ratio': ratio and round(ratio, 2),
            'emulated': None if ratio is None else _emulated(ratio, read, work)}


def _emulated(ratio, read, work):
    # A read that was disturbed is no emulated one: the best of it against the worst of the other.
    if read['low'] > EMULATED * work['high']:
        return True
    return False if ratio < NATIVE else None


def _median(ordered):
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _rank(distribution, mille):
    """The least value that ``mille`` of a thousand do not exceed, of ascending ``[[value, count], …]``."""
    left = -(-sum(count for value, count in distribution) * mille // 1000)
    for value, count in distribution:
        left -= count
        if left <= 0:
            return value
    return None
