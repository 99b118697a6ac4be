# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures clock reads on the target in a bounded time.

Short batches in slices that alternate between the clocks compared; a clock's figure is the least of its
slices' medians, so that a burst of other work spoils a slice and not the figure.
"""
import os
import time

MONOTONIC = time.CLOCK_MONOTONIC
# include/uapi/linux/time.h
THREAD_CPUTIME = 3
MONOTONIC_COARSE = 6
# In place of a clock: a call that enters the kernel and does next to nothing there (getppid).
KERNEL_ENTRY = 'kernel entry'
BATCH = 50e-6
ROUNDS = 4


def _batch(what, count):
    call, args = (os.getppid, ()) if what == KERNEL_ENTRY else (time.clock_gettime, (what,))
    now = time.perf_counter
    todo = [None] * count
    start = now()
    for dummy in todo:
        call(*args)
    return (now() - start) / count


def _calibrate(what):
    """How many calls fill a batch: from the least of several tries, since one preemption ruins a try."""
    least = min(_batch(what, 1) for dummy in range(5))
    if least < BATCH / 4:
        least = min(_batch(what, 20) for dummy in range(3))
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


def vdso(root, budget=0.005):
    """``{'mapped', 'fast', 'evidence'}``: is MONOTONIC read in the vDSO on this machine?

    It is held against MONOTONIC_COARSE, which reads no counter, and the lesser of two calls that always enter the
    kernel: THREAD_CPUTIME_ID (lib/vdso/gettimeofday.c knows no CPU-time clock), which costs as much as a slow clock's
    read on some machines, and getppid. ``fast`` is None where they cannot be told apart.
    """
    if not root.live:
        return {'mapped': None, 'fast': None, 'evidence': 'not a running machine'}
    maps = root.read('/proc/self/maps')
    mapped = None if maps is None else '[vdso]' in maps
    costs = read_costs((MONOTONIC, MONOTONIC_COARSE, THREAD_CPUTIME, KERNEL_ENTRY), budget)
    return dict(judge_vdso(*(costs[what] for what in (MONOTONIC, MONOTONIC_COARSE, THREAD_CPUTIME, KERNEL_ENTRY))),
                mapped=mapped)


def judge_vdso(monotonic, coarse, thread, getppid):
    """``{'fast', 'evidence'}`` from nanoseconds a call. Pure."""
    evidence = ('MONOTONIC %.0f ns, MONOTONIC_COARSE %.0f ns, THREAD_CPUTIME_ID %.0f ns, getppid %.0f ns a call, loop '
                'included' % (monotonic, coarse, thread, getppid))
    entry = min(thread, getppid)
    if entry < 1.3 * coarse:
        return {'fast': None, 'evidence': evidence + ': a kernel entry cannot be told from none'}
    # A read that enters the kernel costs an entry at least; one in the vDSO a small part of it.
    return {'fast': monotonic - coarse < (entry - coarse) / 2, 'evidence': evidence}
