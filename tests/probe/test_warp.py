# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warp test: the order of its pairs, and that it finds a counter that is behind on one CPU."""
from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from .conftest import SOURCE, Built, compiled

# In place of counter.h: on every CPU but the first, the counter is BEHIND ticks behind.
SKEWED = '''
#define _GNU_SOURCE
#include <sched.h>
#include <x86intrin.h>
#define CLOCKPROBE_COUNTER_H
#define COUNTER_NAME "rdtsc"
#include <stdint.h>
static inline uint64_t read_ordered(void)
{
    _mm_lfence();
    return __rdtsc() - (sched_getcpu() == FIRST ? 0 : BEHIND);
}
static inline void fence(void) { _mm_lfence(); }
static inline void relax(void) { _mm_pause(); }
static inline uint64_t stopwatch(void) { return read_ordered(); }
'''
# Prints "a b" for each pair, in the order in which they are tested.
LISTER = '''
#include <stdio.h>
#include <stdlib.h>
#include "pairs.h"
static bool show(size_t a, size_t b, void *left) { printf("%zu %zu\\n", a, b); return --*(long *)left != 0; }
int main(int argc, char **argv)
{
    int package[512];
    long left = atol(argv[1]);
    for (int i = 2; i < argc; i++) package[i - 2] = atoi(argv[i]);
    pairs_in_order(package, argc - 2, show, &left);
    return 0;
}
'''


@pytest.fixture(scope='module')
def pairs(tmp_path_factory):
    """pairs([socket of each CPU], most) → the pairs in order."""
    folder = tmp_path_factory.mktemp('pairs')
    (folder / 'lister.c').write_text(LISTER)
    program = compiled(['gcc', '-fsanitize=address,undefined'], folder / 'lister', sources=[folder / 'lister.c', SOURCE / 'pairs.c'])

    def run(package: list[int], most: int = -1) -> list[tuple[int, int]]:
        done = subprocess.run([program, str(most), *map(str, package)], capture_output=True, text=True, check=True, timeout=60)
        return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]

    return run


def test_a_machine_of_192_cpus_has_18336_pairs_each_once(pairs):
    """Two sockets of 48 cores with two threads each, numbered as the kernel does: 0-47 and 96-143 on the first."""
    package = ([0] * 48 + [1] * 48) * 2
    found = pairs(package)
    assert len(found) == len(set(found)) == 18336
    assert all(a < b for a, b in found)


def test_sockets_come_first_then_every_cpu(pairs):
    package = ([0] * 48 + [1] * 48) * 2
    found = pairs(package)
    assert found[0] == (0, 48)
    assert {cpu for pair in found[:191] for cpu in pair} == set(range(192))


@pytest.mark.parametrize('package, first', [
    ([0, 1, 2, 3], [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
    ([0, 0, 1, 1, 2, 2], [(0, 2), (0, 4), (2, 4), (0, 1), (0, 3), (0, 5)]),
    ([7, 7, 7], [(0, 1), (0, 2), (1, 2)]),
])
def test_the_order_of_small_machines(pairs, package, first):
    assert pairs(package)[:len(first)] == first


def test_a_visitor_can_end_it(pairs):
    assert pairs([0] * 10, 3) == [(0, 1), (0, 2), (0, 3)]


def test_one_cpu_or_none_has_no_pair(pairs):
    assert pairs([0]) == pairs([]) == []


@pytest.fixture(scope='module')
def skewed(tmp_path_factory):
    """skewed(ticks) → the probe on a counter that is that much behind on all CPUs but the first."""
    if os.uname().machine != 'x86_64':
        pytest.skip('not x86_64')
    folder = tmp_path_factory.mktemp('skewed')
    (folder / 'skewed.h').write_text(SKEWED)
    first = min(os.sched_getaffinity(0))

    def build(behind: int) -> Built:
        return Built([str(compiled(['gcc', '-O2'], folder / f'probe-{behind}', '-include', str(folder / 'skewed.h'),
                                   f'-DBEHIND={behind}u', f'-DFIRST={first}'))])

    return build


needs_two = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason='one CPU only')


@needs_two
@pytest.mark.parametrize('behind', [20000, 4000000000])
def test_a_counter_that_is_behind_is_found(skewed, behind):
    """What is seen is what it is behind, less what it takes to hand the turn over."""
    warp = skewed(behind).result('--budget-ms', '5', '--clocks', 'monotonic', '--warp-budget-ms', '2000')['warp']
    assert warp['pairs_tested'] == warp['pairs_total'] > 0
    assert 0 < warp['worst_cycles'] < behind
    assert warp['worst_cycles'] > behind * 0.5
    assert min(os.sched_getaffinity(0)) in warp['worst_pair']


@needs_two
def test_a_counter_that_is_level_is_clean(skewed):
    warp = skewed(0).result('--budget-ms', '5', '--clocks', 'monotonic', '--warp-budget-ms', '2000')['warp']
    assert (warp['worst_cycles'], warp['worst_pair'], warp['reason']) == (0, None, None)
    assert warp['exchanges'] >= 1000 * warp['pairs_tested'] > 0


@needs_two
def test_the_second_process_does_not_outlive_the_first(build):
    """It spins: one that stayed would cost the machine a CPU."""
    with subprocess.Popen([*build('plain').command, '--budget-ms', '1', '--warp-budget-ms', '60000', '--clocks', 'tai'],
                          stdout=subprocess.DEVNULL) as probe:
        children = f'/proc/{probe.pid}/task/{probe.pid}/children'
        deadline = time.monotonic() + 20
        second = ''
        while not second and probe.poll() is None and time.monotonic() < deadline:
            try:
                with open(children, encoding='ascii') as file:
                    second = file.read().strip()
            except FileNotFoundError:
                break
        probe.kill()
    if not second:
        pytest.skip('the test was over too soon to be ended')
    while os.path.exists(f'/proc/{second}') and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f'/proc/{second}')


@needs_two
def test_the_second_process_ends_by_itself_while_the_first_is_stopped(tmp_path):
    """An operator, or a freezer, stops one process and not the other."""
    source = [path if path.name != 'warp.c' else tmp_path / 'warp.c' for path in sorted(SOURCE.glob('*.c'))]
    text = (SOURCE / 'warp.c').read_text(encoding='utf-8')
    # one pair takes all of the budget
    (tmp_path / 'warp.c').write_text(text.replace('#define LONGEST_NS 20000000u', '#define LONGEST_NS 2000000000u'))
    program = compiled(['gcc', '-O2'], tmp_path / 'probe', sources=source)
    with subprocess.Popen([program, '--budget-ms', '1', '--warp-budget-ms', '1000', '--clocks', 'tai'],
                          stdout=subprocess.DEVNULL) as probe:
        try:
            deadline = time.monotonic() + 20
            second = ''
            while not second and time.monotonic() < deadline:
                with open(f'/proc/{probe.pid}/task/{probe.pid}/children', encoding='ascii') as file:
                    second = file.read().strip()
            assert second
            time.sleep(0.2)
            probe.send_signal(signal.SIGSTOP)
            deadline = time.monotonic() + 20
            while state(second) != 'Z' and time.monotonic() < deadline:
                time.sleep(0.05)
            assert state(second) == 'Z'
            probe.send_signal(signal.SIGCONT)
            assert probe.wait(20) == 0
        finally:
            probe.kill()


def state(process: str) -> str:
    with open(f'/proc/{process}/stat', encoding='ascii') as file:
        return file.read().rpartition(')')[2].split()[0]
