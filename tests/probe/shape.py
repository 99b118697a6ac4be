# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every result of the probe holds to, whatever the machine and its speed."""
from __future__ import annotations

CLOCKS = ['realtime', 'monotonic', 'monotonic_raw', 'realtime_coarse', 'monotonic_coarse', 'boottime', 'tai', 'process_cputime_id',
          'thread_cputime_id', 'gettimeofday']
WAYS = ('vdso', 'libc', 'syscall')
# After a switch of CPUs or an adjustment a wall clock may go back; these never do.
STEADY = ('monotonic', 'monotonic_raw', 'boottime')


def whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_series(series: dict) -> None:
    assert 0 <= series['calls'] <= 1024
    for batches in series['slices']:
        assert all(map(whole, batches))


def check_path(name: str, path: dict) -> None:
    check_series(path)
    ticks = [entry[0] for entry in path['singles']]
    assert ticks == sorted(set(ticks)) and all(map(whole, ticks))
    assert all(entry[1] > 0 for entry in path['singles'])
    assert sum(entry[1] for entry in path['singles']) <= 10007
    assert whole(path['back']) and whole(path['worst_back_ns'])
    assert path['step_ns'] is None or path['step_ns'] > 0
    if name in STEADY:
        assert path['back'] == 0, f'{name} went back by {path["worst_back_ns"]} ns'


def check(result: dict, clocks: list[str] | None = None) -> None:
    """The shape that docs/probe.md describes, complete."""
    assert set(result) == {'schema', 'build', 'cpuid', 'counter', 'clocksource', 'stopwatch', 'loop', 'work', 'entry', 'counters',
                           'clocks', 'budget_ms', 'elapsed_ms', 'warp'}
    assert result['schema'] == 1
    assert result['elapsed_ms'] > 0
    for name in ('loop', 'work', 'entry'):
        check_series(result[name])
    assert all(whole(result['counter'][key]) for key in ('ticks', 'ns', 'error_ns'))
    assert list(result['clocks']) == (clocks or CLOCKS)
    for name, clock in result['clocks'].items():
        assert set(clock) == {'resolution_ns', *WAYS}
        for way in WAYS:
            if clock[way] is not None:
                check_path(name, clock[way])
