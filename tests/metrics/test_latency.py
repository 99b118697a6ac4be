# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bpftrace script: parsed and, where this kernel lets us, run against a process that really pays."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PLAY, REPO

SCRIPT = REPO / 'roles' / 'clock_metrics' / 'files' / 'clock_gettime_latency.bt'
# tracefs may not be mounted, or not be ours to mount for all
SHELL = '[ -e /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing || exit 77; exec "$@"'
PAYER = '''
import ctypes, time
libc, room, end = ctypes.CDLL(None), (ctypes.c_long * 2)(), time.monotonic() + 120
number = {'x86_64': 228, 'aarch64': 113}[__import__('os').uname().machine]
while time.monotonic() < end:
    for _call in range(100):
        libc.syscall(number, 1, room)
    time.sleep(0.001)
'''


@pytest.fixture(scope='module', name='have')
def have_bpftrace():
    if os.geteuid():
        pytest.skip('bpftrace takes root')
    if subprocess.call(['which', 'bpftrace'], stdout=subprocess.DEVNULL) and subprocess.call(
            [REPO / 'tools' / 'apt.sh', 'bpftrace'], timeout=600):
        pytest.skip('bpftrace cannot be had here')


def traced(*command, **how):
    return subprocess.run(['unshare', '--mount', 'sh', '-c', SHELL, 'sh', *command], timeout=90, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding='utf-8', check=False, **how)


def bpftrace(*arguments):
    with SCRIPT.open() as script:
        done = traced('bpftrace', *arguments, stdin=script)
    return allowed(done.returncode, done.stdout) and done


def allowed(code, said):
    if code == 77 or 'tracepoint not found' in said:
        pytest.skip('this kernel has no tracepoints of system calls')
    if code and 'not permitted' in said:
        pytest.skip('this kernel does not let us trace: ' + said[-200:])
    return True


@contextlib.contextmanager
def payer():
    with subprocess.Popen([sys.executable, '-c', PAYER]) as process:
        try:
            yield
        finally:
            process.kill()


def test_it_is_understood(have):
    assert bpftrace('-d', '-', '5', '150').returncode == 0


def test_it_finds_a_payer_and_ends_by_itself(have):
    with payer():
        began = time.monotonic()
        done = bpftrace('-', '2', '150')
        took = time.monotonic() - began
    assert done.returncode == 0, done.stdout
    assert 2 <= took < 60
    calls = int(re.search(r'^(\d+) calls, P99 ', done.stdout, re.M).group(1))
    assert calls > 1000
    assert re.search(r'@calls_by_clock_and_command\[1, python[^]]*\]: \d{4,}', done.stdout)
    assert '@ns:' in done.stdout and '@start' not in done.stdout


def role(folder, seconds):
    """The command that runs the role's tag, and its environment."""
    (folder / 'play.yml').write_text(PLAY)
    return (['ansible-playbook', '-i', 'localhost,', '--tags', 'latency', '-e', json.dumps({
        'ansible_python_interpreter': sys.executable, 'clock_metrics_latency_seconds': seconds}), str(folder / 'play.yml')],
        dict(os.environ, ANSIBLE_CONFIG=str(REPO / 'ansible.cfg'), ANSIBLE_NOCOLOR='1', LC_ALL='C.UTF-8',
             PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}'))


def tracers(seconds):
    """The pids of the bpftrace that looks for just so long."""
    found = []
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b'\0')
            if words[0].endswith(b'bpftrace') and words[1:3] == [b'-', b'%d' % seconds]:
                found.append(int(entry.parent.name))
    return found


def test_the_roles_tag_shows_it_and_does_nothing_else(have, tmp_path):
    command, environment = role(tmp_path, 2)
    with payer():
        done = traced(*command, cwd=REPO, env=environment, stdin=subprocess.DEVNULL)
    allowed(done.returncode, done.stdout)
    assert done.returncode == 0, done.stdout
    assert re.search(r'\d+ calls, P99 (above|below|from) ', done.stdout) and '@ns:' in done.stdout
    assert re.search(r' changed=0 ', done.stdout) and 'Have a timer write' not in done.stdout
    assert not tracers(2)


def test_it_ends_though_nobody_waits_for_it_any_more(have, tmp_path):
    """The controller is killed, as by a cut connection."""
    command, environment = role(tmp_path, 8)
    with (tmp_path / 'said').open('w+') as said, subprocess.Popen(
            ['unshare', '--mount', 'sh', '-c', SHELL, 'sh', *command], cwd=REPO, env=environment, stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True) as controller:
        while not tracers(8) and controller.poll() is None:
            time.sleep(0.1)
        os.kill(controller.pid, signal.SIGKILL)
        controller.wait()
        said.seek(0)
        allowed(controller.returncode, said.read())
    assert controller.returncode == -signal.SIGKILL
    still = bool(tracers(8))
    deadline = time.monotonic() + 30
    while tracers(8) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert still and not tracers(8)
