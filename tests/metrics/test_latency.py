# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bpftrace script: parsed and, where this kernel lets us, run against a process that really pays."""
import os
import re
import subprocess
import sys
import time

import pytest

from .conftest import REPO

SCRIPT = REPO / 'roles' / 'clock_metrics' / 'files' / 'clock_gettime_latency.bt'
# tracefs may not be mounted, or not be ours to mount for all
SHELL = '[ -e /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing || exit 77; exec "$@"'
PAYER = '''
import ctypes, time
libc, room, end = ctypes.CDLL(None), (ctypes.c_long * 2)(), time.monotonic() + 30
number = {'x86_64': 228, 'aarch64': 113}[__import__('os').uname().machine]
while time.monotonic() < end:
    for _call in range(100):
        libc.syscall(number, 1, room)
    time.sleep(0.001)
'''


def bpftrace(*arguments, seconds=60):
    if os.geteuid():
        pytest.skip('bpftrace takes root')
    if subprocess.call(['which', 'bpftrace'], stdout=subprocess.DEVNULL) and subprocess.call(
            [REPO / 'tools' / 'apt.sh', 'bpftrace'], timeout=600):
        pytest.skip('bpftrace cannot be had here')
    done = subprocess.run(['unshare', '--mount', 'sh', '-c', SHELL, 'sh', 'bpftrace', *arguments], timeout=seconds,
                          stdin=SCRIPT.open(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', check=False)
    if done.returncode == 77 or 'tracepoint not found' in done.stdout:
        pytest.skip('this kernel has no tracepoints of system calls')
    return done


def test_it_is_understood():
    assert bpftrace('-d', '-', '5', '150').returncode == 0


def test_it_finds_a_payer_and_ends_by_itself():
    with subprocess.Popen([sys.executable, '-c', PAYER]) as payer:
        try:
            began = time.monotonic()
            done = bpftrace('-', '2', '150')
            took = time.monotonic() - began
        finally:
            payer.kill()
    if 'not permitted' in done.stdout:
        pytest.skip('this kernel does not let us trace: ' + done.stdout[-200:])
    assert done.returncode == 0, done.stdout
    assert 2 <= took < 30
    calls = int(re.search(r'^(\d+) calls, P99 ', done.stdout, re.M).group(1))
    assert calls > 1000
    assert re.search(r'@calls_by_clock_and_command\[1, python[^]]*\]: \d{4,}', done.stdout)
    assert '@ns:' in done.stdout and '@start' not in done.stdout
