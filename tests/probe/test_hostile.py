# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe where a kernel or a library says no, or lies."""
from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct

import pytest

from .conftest import compiled

pytestmark = pytest.mark.skipif(platform.machine() != 'x86_64', reason='the numbers of system calls are those of x86_64')
CLOCK_GETTIME, GETPPID = 228, 110
# include/uapi/linux/seccomp.h, bpf_common.h
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

# A clock_gettime whose MONOTONIC_RAW goes back by 700 ns at each eighth call.
LIAR = '''
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now)
{
    static long calls;
    static struct timespec last;
    if (id != CLOCK_MONOTONIC_RAW) return (int)syscall(SYS_clock_gettime, id, now);
    if (++calls % 8 == 0 && last.tv_nsec > 700) { *now = last; now->tv_nsec -= 700; return 0; }
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    last = *now;
    return failed;
}
'''


def deny(number: int, action: int):
    """A function for the child: from then on that system call ends in ``action``."""
    code = struct.pack('HBBI', 0x20, 0, 0, 0)  # load the number
    code += struct.pack('HBBI', 0x15, 0, 1, number)
    code += struct.pack('HBBI', 0x06, 0, 0, action)
    code += struct.pack('HBBI', 0x06, 0, 0, ALLOW)
    program = ctypes.create_string_buffer(code, len(code))
    libc = ctypes.CDLL(None, use_errno=True)

    class Filter(ctypes.Structure):
        _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]

    def apply() -> None:
        filtered = Filter(len(code) // 8, ctypes.addressof(program))
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filtered)):
            raise OSError(ctypes.get_errno(), 'seccomp')

    return apply


def test_seccomp_that_kills_shows_as_a_signal_and_prints_nothing(build):
    done = build('plain').run('--budget-ms', '50', preexec_fn=deny(CLOCK_GETTIME, KILL))
    assert done.returncode == -signal.SIGSYS
    assert done.stdout == ''


def test_a_system_call_that_is_refused_makes_its_path_null_and_no_number(build):
    result = build('plain').result('--budget-ms', '60', '--clocks', 'monotonic,process_cputime_id',
                                   preexec_fn=deny(CLOCK_GETTIME, ERRNO | errno.EPERM))
    assert result['clocks']['monotonic']['syscall'] is None
    assert result['clocks']['monotonic']['vdso'] is not None
    # The vDSO knows no CPU-time clock and falls back on the system call.
    assert result['clocks']['process_cputime_id']['vdso'] is None


def test_readings_that_go_back_are_counted(build, tmp_path):
    (tmp_path / 'liar.c').write_text(LIAR)
    liar = compiled(['gcc', '-O1', '-shared', '-fPIC'], tmp_path / 'liar.so', sources=[tmp_path / 'liar.c'])
    clock = build('plain').result('--budget-ms', '100', '--clocks', 'monotonic_raw',
                                  env={**os.environ, 'LD_PRELOAD': str(liar)})['clocks']['monotonic_raw']
    assert clock['libc']['back'] > 0
    assert clock['libc']['worst_back_ns'] == 700
    assert clock['syscall']['back'] == 0


def test_without_memory_it_says_so(build):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 20, 2 << 20))

    done = build('small').run('--budget-ms', '5000', preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr == 'clockprobe: out of memory\n'
