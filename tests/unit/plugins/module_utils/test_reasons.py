# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _people, _reasons

VDSO, LIBC, OTHER, PROGRAM, MEMORY, VSYSCALL = 0x7000, 0x5000, 0x4000, 0x1000, 0x3000, 0xffffffffff600000
DYNAMIC = '''1000-2000 r-xp 00000000 08:01 7 /srv/program
3000-4000 rwxp 00000000 00:00 0
4000-5000 r-xp 00000000 08:01 8 /srv/plugin.so
5000-6000 r-xp 00000000 08:01 9 /usr/lib/libc.so.6
6000-7000 r-xp 00000000 08:01 9 /usr/lib/ld-linux-x86-64.so.2
7000-8000 r-xp 00000000 00:00 0 [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
'''
STATIC = ''.join(line for line in DYNAMIC.splitlines(True) if '/usr/lib' not in line and 'plugin' not in line)
FAST = {'monotonic': 'vdso', 'monotonic_raw': 'vdso', 'boottime': 'vdso', 'tai': 'vdso'}
SLOW = dict.fromkeys(FAST, 'syscall')


def process(maps=DYNAMIC, program=True, ended=False):
    return dict(_people.NOBODY, maps=_people.maps(maps), exe='/srv/program', ended=ended, program=lambda: program)


@pytest.mark.parametrize('clock, address, maps, paths, expected', [
    ('monotonic', LIBC, DYNAMIC, FAST, ('raw_syscall', False)),
    ('monotonic', PROGRAM, DYNAMIC, FAST, ('raw_syscall', True)),
    ('monotonic', OTHER, DYNAMIC, FAST, ('raw_syscall', True)),
    ('monotonic', MEMORY, DYNAMIC, FAST, ('raw_syscall', True)),
    ('realtime', VSYSCALL, DYNAMIC, FAST, ('static_or_old_libc', True)),
    ('monotonic', VDSO, DYNAMIC, SLOW, ('source_without_vdso', True)),
    ('monotonic', LIBC, DYNAMIC, SLOW, ('raw_syscall', False)),
    ('realtime', LIBC, DYNAMIC.replace('[vdso]', '[heap]'), FAST, ('static_or_old_libc', False)),
    ('process_cputime_id', VDSO, DYNAMIC, FAST, ('cpu_time_clock', True)),
    ('thread_cputime_id', LIBC, '', FAST, ('cpu_time_clock', True)),
    ('cpu_time', LIBC, DYNAMIC, FAST, ('cpu_time_clock', True)),
    ('device', LIBC, DYNAMIC, FAST, ('clock_without_vdso', True)),
    ('boottime_alarm', VDSO, DYNAMIC, FAST, ('clock_without_vdso', True)),
    ('boottime', VDSO, DYNAMIC, dict(FAST, boottime='syscall'), ('clock_without_vdso', True)),
    ('boottime', VDSO, DYNAMIC, SLOW, ('source_without_vdso', True)),
    ('tai', LIBC, DYNAMIC, FAST, ('raw_syscall', False)),
    # the probe did not measure, or not that
    *((clock, PROGRAM, DYNAMIC, paths, ('unknown', False)) for clock in ('tai', 'boottime', 'monotonic_raw') for paths in (
        {}, {'monotonic': 'vdso'}, dict.fromkeys(FAST), dict(SLOW, monotonic=None))),
    ('boottime_alarm', VDSO, DYNAMIC, {}, ('clock_without_vdso', True)),
    ('monotonic', 0x9000, DYNAMIC, FAST, ('unknown', False)),
    ('monotonic', LIBC, '', FAST, ('unknown', False)),
    ('monotonic', LIBC, DYNAMIC, {}, ('raw_syscall', False)),
])
def test_why_a_64_bit_call_enters(clock, address, maps, paths, expected):
    found = _reasons.why(clock, '64-bit', address, process(maps), paths)
    assert (found['why_it_enters'], found['certain']) == expected
    assert found['evidence']


@pytest.mark.parametrize('program, why', [(True, 'raw_syscall'), (False, 'static_or_old_libc'), (None, 'unknown')])
def test_a_static_program_is_told_by_whether_it_knows_the_vdso(program, why):
    found = _reasons.why('monotonic', '64-bit', PROGRAM, process(STATIC, program), FAST)
    assert (found['why_it_enters'], found['certain']) == (why, False)


@pytest.mark.parametrize('maps, paths, why', [
    (DYNAMIC, FAST, 'raw_syscall'), (DYNAMIC, SLOW, 'source_without_vdso'),
    (DYNAMIC.replace('libc.so.6', 'libc-2.30.so'), FAST, 'static_or_old_libc'),
    (DYNAMIC.replace('libc.so.6', 'libc-2.31.so'), FAST, 'raw_syscall')])
def test_32_bit_calls_come_by_the_vdsos_entry_whoever_makes_them(maps, paths, why):
    found = _reasons.why('monotonic', '32-bit', VDSO, process(maps), paths)
    assert (found['why_it_enters'], found['certain']) == (why, False)


def test_of_a_process_that_ended_nothing_is_guessed():
    found = _reasons.why('monotonic', '64-bit', LIBC, _people.NOBODY, FAST)
    assert found == {'why_it_enters': 'unknown', 'certain': False, 'evidence': 'the process had ended'}


def test_processes_outside_a_container_have_no_reason():
    found = _reasons.why('monotonic', '64-bit', LIBC, dict(_people.NOBODY, ended=None), FAST)
    assert (found['why_it_enters'], 'look on the host' in found['evidence']) == ('unknown', True)


@pytest.mark.parametrize('call, clock, name', [
    ('clock_gettime', 0, 'realtime'), ('clock_gettime', 11, 'tai'), ('clock_gettime', 16, 'clock 16'), ('time', None, 'realtime_coarse'),
    ('gettimeofday', None, 'realtime'), ('clock_gettime', -6, 'cpu_time'), ('clock_gettime', -2, 'cpu_time'),
    ('clock_gettime', -5, 'device')])
def test_names_of_clocks(call, clock, name):
    assert _reasons.clock_name(call, clock) == name


@pytest.mark.parametrize('abi, seccomp, calls, found', [
    ('64-bit', 'filter', {}, ['seccomp_filter']), ('64-bit', 'none', {'64-bit': ['clock_gettime']}, ['audit_rules']),
    ('x32', None, {'64-bit': ['clock_gettime']}, ['audit_rules']), ('32-bit', 'none', {'64-bit': ['clock_gettime']}, []),
    ('64-bit', 'none', {'64-bit': ['time']}, []), ('64-bit', 'none', None, [])])
def test_what_makes_it_dearer(abi, seccomp, calls, found):
    assert _reasons.dearer('clock_gettime', abi, {'seccomp': seccomp}, {'calls': calls}) == found
