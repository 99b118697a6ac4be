# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a read of the clock costs before and after a switch: by the probe, or by the Python loop where there is none."""
from . import _measured, _policy

# Milliseconds.
BUDGET, LEAST_BUDGET = 100, 1
# Nanoseconds between two measurements of one and the same tsc: what is less than this is noise. By the loop it was seen
# at 7 and at 13 within a minute.
NOISE = {'probe': 2.0, 'loop': 10.0}


class Gauge:
    """Both measurements of one switch are made by the same method, ``by``; ``reason`` says why one is missing.

    ``tried`` gives what an earlier run tried in this boot and undid, as ``_switch.tried`` does.
    """

    def __init__(self, probe, params, tried=dict):
        self.probe, self.params, self.tried = probe, params, tried
        self.by = self.reason = self.counter = None

    def before(self, facts):
        """Nanoseconds a read of the present source, None where it counts ticks; ``facts`` take this longer run's."""
        current = facts['clocksource']['current']
        readings = _measured.take(self.probe, BUDGET)
        if readings:
            facts.update(cost=_measured.cost(readings), probe=_measured.ran(readings))
            facts['tsc']['emulated'] = _measured.tsc(readings, facts['cpus'])['emulated']
            if facts['cost']['ns']:
                self.by, self.counter = 'probe', facts['cost']['counter_ns']
                return round(facts['cost']['ns'], 1)
        self.by = 'loop'
        return self.cost(current)

    def warp(self, facts):
        """Adds the warp test to ``facts``, where there is more than one CPU and time for it was given."""
        if facts['cpus'] == 1 or not self.params['warp_budget_ms']:
            return
        readings = self.probe.run(LEAST_BUDGET, clocks=['monotonic'], warp_budget_ms=self.params['warp_budget_ms'])
        if readings:
            measured = _measured.tsc(readings, facts['cpus'])
            facts['tsc'].update(warp=measured['warp'], warp_cycles=measured['warp_cycles'])
        else:
            facts['probe']['reason'] = self.probe.reason

    def cost(self, name):
        """Nanoseconds a read of the present source, ``name``; None with ``reason`` set where it cannot be told."""
        if _counts_ticks(name):
            # A clock that stands still times nothing.
            self.reason = 'it counts ticks'
            return None
        if self.by == 'loop':
            from . import _loop
            return _loop.counter_cost(BUDGET / 1000.0)
        readings = _measured.take(self.probe, BUDGET)
        found = _measured.cost(readings)['ns']
        self.reason = self.probe.reason or 'the probe gave no figure'
        return round(found, 1) if found else None

    @property
    def noise(self):
        """Nanoseconds within which two figures are the same."""
        return NOISE[self.by]

    def least(self, result):
        """How many times faster the new source must be, None where it need not be: the operator named it, the present
        one is unsafe or has no figure."""
        wanted = self.params['name'] == 'auto' and result['verdict'] != 'unsafe' and result['before']['ns']
        return self.params['min_speedup'] if wanted else None

    def in_vain(self, result):
        """Why the new source cannot be fast enough, or None: each reads the counter at least, or this one was tried."""
        least, (old, now) = self.least(result), (result['before']['source'], result['before']['ns'])
        if not least:
            return None
        if self.counter and now < least * self.counter:
            return 'nothing to gain: a read costs %.1f ns, the bare counter %.1f ns of it (min_speedup %g)' % (
                now, self.counter, least)
        tried = self.tried()
        if [tried.get(key) for key in ('source', 'name', 'by')] != [old, result['name'], self.by]:
            return None
        if max(now, tried['before']) >= least * tried['after']:
            return None
        return ('nothing to gain: %s %.1f ns a read, and %s took %.1f ns when it was tried in this boot '
                '(min_speedup %g)' % (old, now, result['name'], tried['after'], least))


def _counts_ticks(name):
    return _policy.SOURCES.get(name, {}).get('grade') == 'coarse'
