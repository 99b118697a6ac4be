# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _loop
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


@pytest.mark.parametrize('monotonic, coarse, thread, getppid, fast', [
    (65, 55, 510, 280, True),          # tsc by vDSO on a 2.6 GHz machine
    (1150, 60, 330, 180, False),       # hpet: kernel entry and device
    (900, 60, 300, 180, False),        # xen without a vDSO mode
    (1050, 280, 1900, 700, False),     # the same where a CPU-time clock is dearer still
    (350, 55, 330, 190, False),        # a kernel entry and a quick counter
    (300, 290, 310, 300, None),        # no vDSO at all: even COARSE enters the kernel
    (5200, 4900, 5000, 4950, None),    # an emulator whose noise hides the difference
])
def test_judgement(monotonic, coarse, thread, getppid, fast):
    assert _loop.judge_vdso(monotonic, coarse, thread, getppid)['fast'] is fast


def test_measurement_is_bounded_and_finds_the_slow_clock(monkeypatch):
    def read(clock):
        end = real() + {1: 200e-6, 6: 0, 3: 2e-3}[clock]
        while real() < end:
            pass
    real = time.perf_counter
    monkeypatch.setattr(_loop.time, 'clock_gettime', read)
    start = time.monotonic()
    costs = _loop.read_costs((1, 6, 3), 0.03)
    assert time.monotonic() - start < 0.5
    assert 200e3 <= costs[1] < costs[3]
    assert costs[6] < costs[1]
    assert costs[3] >= 2e6


def test_stopwatch_that_stands_still(monkeypatch):
    monkeypatch.setattr(_loop.time, 'perf_counter', lambda: 0.0)
    assert _loop.counter_cost(0.01) == 1.0


def test_another_root_is_not_measured(tmp_path):
    assert _loop.vdso(Root(tmp_path)) == {'mapped': None, 'fast': None, 'evidence': 'not a running machine'}


def test_this_machine_is_measured():
    answer = _loop.vdso(Root('/'))
    assert answer['mapped'] in (True, False)
    assert 'MONOTONIC_COARSE' in answer['evidence']
