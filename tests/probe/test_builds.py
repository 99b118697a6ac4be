# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe, built by each compiler for each machine at hand, run for real. Warnings are errors in all of them."""
from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Built
from .shape import WAYS, check

NATIVE = ['plain', 'small', 'musl', 'sanitized', 'debug', '32-bit']
on_x86 = pytest.mark.skipif(platform.machine() != 'x86_64', reason='not x86_64')


def flags() -> list[str]:
    for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('flags'):
            return line.split()
    return []


def measured(built: Built, complete, budget: int, *args: str) -> dict:
    """A result that is complete, where one of these budgets suffices: other work of this machine may take most of the first."""
    for times in (1, 10, 50):
        result = built.result('--budget-ms', str(budget * times), *args)
        if complete(result):
            break
    return result


def has_batches(result: dict) -> bool:
    return all(any(clock[way]['slices']) for clock in result['clocks'].values() for way in WAYS if clock[way])


@pytest.mark.parametrize('kind', NATIVE + ['aarch64'])
def test_every_build_measures_all_clocks(build, kind):
    result = measured(build(kind), has_batches, 200, '--warp-budget-ms', '40')
    check(result)
    for name, clock in result['clocks'].items():
        assert clock['libc'] and clock['syscall'], name
        for way in filter(None, (clock[way] for way in WAYS)):
            assert any(way['slices']), f'{name} has no batch'


@on_x86
@pytest.mark.parametrize('kind', NATIVE)
def test_it_agrees_with_the_kernel_about_the_cpu(build, kind):
    cpuid = build(kind).result('--budget-ms', '1')['cpuid']
    assert cpuid['invariant_tsc'] == ('nonstop_tsc' in flags())
    assert cpuid['hypervisor_present'] == ('hypervisor' in flags())
    assert bool(cpuid['signatures']) == bool(cpuid['hypervisor_signature'])


def test_on_aarch64_there_is_no_cpuid_and_the_counter_is_its_own(build):
    result = build('aarch64').result('--budget-ms', '50', '--clocks', 'monotonic')
    assert result['cpuid'] is None
    assert result['counter']['name'] == 'cntvct_el0'
    assert set(result['counters']) == {'cntvct_el0', 'isb_cntvct_el0'}
    assert result['build']['machine'] == 'aarch64'


@pytest.mark.parametrize('kind', ['plain', 'small', 'musl', '32-bit'])
def test_its_vdso_function_is_the_loaders(build, kind, tmp_path):
    """musl and static programs have no loader to ask: there the function must at least tell the same time."""
    result = measured(build(kind), lambda result: all(clock['vdso'] is None or clock['vdso']['step_ns'] for clock in
                                                      result['clocks'].values()), 60, '--clocks', 'monotonic,gettimeofday')
    mapped = '[vdso]' in Path('/proc/self/maps').read_text(encoding='utf-8')
    for clock in result['clocks'].values():
        assert (clock['vdso'] is not None) == mapped
        assert clock['vdso']['back'] == 0 and clock['vdso']['step_ns'] > 0


@pytest.mark.skipif(not shutil.which('valgrind'), reason='no valgrind')
@pytest.mark.parametrize('args', [['--budget-ms', '60', '--warp-budget-ms', '30'], ['--cpus', '0', '--clocks', 'tai']])
def test_valgrind_finds_nothing(build, args):
    """Under it there is no vDSO: those paths are null, and the rest goes on."""
    plain = build('debug').command
    done = Built(['valgrind', '-q', '--error-exitcode=9', '--leak-check=full', '--errors-for-leak-kinds=definite', *plain]).run(*args)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''


@pytest.mark.parametrize('args, words', [
    (['--budget-ms', '0'], 'a number from 1 to 60000, not 0'),
    (['--budget-ms', '-1'], 'a number from 1 to 60000, not -1'),
    (['--budget-ms', '99999999999999999999999'], 'a number from 1 to 60000'),
    (['--budget-ms', '5x'], 'not 5x'),
    (['--budget-ms', ''], 'a number from 1'),
    (['--warp-budget-ms', '600001'], 'a number from 0 to 600000'),
    (['--clocks', 'monotonic,wall'], 'no such clock: wall'),
    (['--clocks', ''], 'no such clock'),
    (['--clocks', 'monotonic,'], 'no such clock'),
    (['--cpus', '0-'], 'a list like 0-3,6'),
    (['--cpus', '3-1'], 'a list like 0-3,6'),
    (['--cpus', '0,,1'], 'a list like 0-3,6'),
    (['--cpus', '99999'], 'a list like 0-3,6'),
    (['--cpus', '8191'], 'CPUs that this process may use'),
    (['extra'], 'unknown argument: extra'),
    (['--nonsense'], 'usage'),
    (['--budget-ms'], 'usage'),
])
def test_bad_arguments_are_named(build, args, words):
    done = build('sanitized').run(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ''


def test_a_result_that_cannot_be_written_is_an_error(build):
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = subprocess.run([*build('plain').command, '--budget-ms', '5'], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1
    assert 'cannot be written' in done.stderr


def test_chosen_clocks_only(build):
    check(build('sanitized').result('--budget-ms', '20', '--clocks', 'tai,monotonic'), ['monotonic', 'tai'])


def test_the_least_budget_is_enough_for_a_result(build):
    result = build('sanitized').result('--budget-ms', '1')
    check(result)
    assert result['budget_ms'] == 1


def test_a_long_run_of_one_clock_does_not_drown_its_reader(build):
    loop = build('plain').result('--budget-ms', '3000', '--clocks', 'tai')['loop']
    assert 0 < max(map(len, loop['slices'])) <= 4096


def test_affinity_is_respected(build):
    one = min(os.sched_getaffinity(0))
    warp = build('sanitized').result('--budget-ms', '5', '--cpus', str(one), '--warp-budget-ms', '50')['warp']
    assert (warp['cpus'], warp['pairs_total'], warp['pairs_tested'], warp['worst_cycles']) == ([one], 0, 0, 0)
