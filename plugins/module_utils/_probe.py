# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures clock reads on the target in a bounded time.

Short batches in slices that alternate between the clocks compared; a clock's figure is the least of its
slices' medians, so that a burst of other work spoils a slice and not the figure.
"""
import time

MONOTONIC = time.CLOCK_MONOTONIC
# include/uapi/linux/time.h
THREAD_CPUTIME = 3
MONOTONIC_COARSE = 6
BATCH = 50e-6
ROUNDS = 4


def _batch(clock, count):
    read, now = time.clock_gettime, time.perf_counter
    todo = [None] * count
    start = now()
    for dummy in todo:
        read(clock)
    return (now() - start) / count


def _calibrate(clock):
    """How many reads fill a batch: from the least of several tries, since one preemption ruins a try."""
    least = min(_batch(clock, 1) for dummy in range(5))
    if least < BATCH / 4:
        least = min(_batch(clock, 20) for dummy in range(3))
    # On jiffies the stopwatch itself stands still for milliseconds; no read takes less than some nanoseconds.
    return max(1, int(BATCH / max(least, 10e-9)))


def _median(values):
    return sorted(values)[len(values) // 2]


def read_costs(clocks, budget):
    """``{clock: nanoseconds a call}`` with the loop's own cost in it, measured in about ``budget`` seconds."""
    counts = {clock: _calibrate(clock) for clock in clocks}
    medians = {clock: [] for clock in clocks}
    length = budget / ROUNDS / len(clocks)
    for dummy in range(ROUNDS):
        for clock in clocks:
            batches = []
            end = time.monotonic() + length
            while not batches or time.monotonic() < end:
                batches.append(_batch(clock, counts[clock]))
            medians[clock].append(_median(batches))
    return {clock: min(values) * 1e9 for clock, values in medians.items()}


def counter_cost(budget=0.1):
    """Nanoseconds that a read of MONOTONIC costs above one of MONOTONIC_COARSE, which reads no counter.

    What remains is the counter, and the way into the kernel where the vDSO cannot read it. Never below 1 ns:
    the loop resolves no less.
    """
    costs = read_costs((MONOTONIC, MONOTONIC_COARSE), budget)
    return round(max(1.0, costs[MONOTONIC] - costs[MONOTONIC_COARSE]), 1)


def vdso(root, budget=0.004):
    """``{'mapped', 'fast', 'evidence'}``: is MONOTONIC read in the vDSO on this machine?

    It is held against MONOTONIC_COARSE, which reads no counter, and THREAD_CPUTIME_ID, which always enters the
    kernel (lib/vdso/gettimeofday.c knows no CPU-time clock). ``fast`` is None where those two cannot be told apart.
    """
    if not root.live:
        return {'mapped': None, 'fast': None, 'evidence': 'not a running machine'}
    maps = root.read('/proc/self/maps')
    mapped = None if maps is None else '[vdso]' in maps
    costs = read_costs((MONOTONIC, MONOTONIC_COARSE, THREAD_CPUTIME), budget)
    return dict(judge_vdso(costs[MONOTONIC], costs[MONOTONIC_COARSE], costs[THREAD_CPUTIME]), mapped=mapped)


def judge_vdso(monotonic, coarse, thread):
    """``{'fast', 'evidence'}`` from nanoseconds a call. Pure."""
    evidence = ('MONOTONIC %.0f ns, MONOTONIC_COARSE %.0f ns, THREAD_CPUTIME_ID %.0f ns a call, loop included'
                % (monotonic, coarse, thread))
    if thread <= 1.3 * coarse:
        return {'fast': None, 'evidence': evidence + ': a kernel entry cannot be told from none'}
    return {'fast': monotonic - coarse < (thread - coarse) / 2, 'evidence': evidence}
