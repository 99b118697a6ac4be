# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A measurement that is broken off while tsc is in use ends on hpet: the connection gone, with and without a terminal, and
the module killed outright."""
import json
import os
import signal
import subprocess
import time

import checks
import pytest

# Quick with hpet, long with tsc, and known by its odd number of seconds.
COMMAND = 'grep -q tsc %scurrent_clocksource && sleep 9.5; echo tps = 1' % checks.SYSFS
ODD = 'pgrep -f "^sleep 9[.]5"'


@pytest.fixture
def measuring(host):
    """``start(**environment)``: clock_impact in a process group of its own, when the machine is on tsc for it."""
    started = []

    def start(**environment):
        assert checks.current(host) == 'hpet'
        arguments = {'command': COMMAND, 'regex': 'tps = (.*)', 'sources': ['hpet', 'tsc'], 'repeats': 3, 'confidence': 0.5,
                     'warmup': 0, 'settle_seconds': 0}
        process = subprocess.Popen(
            ['ansible', host.backend.get_hostname(), '-i', os.environ['MOLECULE_INVENTORY_FILE'],
             '-m', 'cloudclock.linux.clock_impact', '-a', json.dumps(arguments)],
            # a connection of its own, which ends with it
            env=dict(os.environ, ANSIBLE_SSH_ARGS='-o ControlMaster=no -o ControlPath=none -o UserKnownHostsFile=/dev/null '
                                                  '-o LogLevel=ERROR', **environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        started.append(process)
        deadline = time.monotonic() + 90
        while host.run(ODD).rc and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.5)
        assert checks.current(host) == 'tsc', process.poll()
        return process
    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize('terminal', [False, True])
def test_a_connection_that_breaks(host, measuring, terminal):
    """Without a terminal nothing is told to the module, which goes on to its end; with one it gets a signal."""
    process = measuring(ANSIBLE_PIPELINING=str(not terminal))
    end_with_sessions(process)
    checks.await_current(host, 'hpet', 20 if terminal else 60)
    if not terminal:
        # two more rounds' turns with tsc may be to come
        deadline = time.monotonic() + 60
        while held(host) and time.monotonic() < deadline:
            time.sleep(1)
    assert not held(host)
    checks.await_current(host, 'hpet', 5)
    assert host.run(ODD).rc == 1


def test_a_module_that_is_killed(host, measuring):
    process = measuring()
    host.check_output('kill -KILL %s', host.check_output('cat /run/cloudclock.lock'))
    checks.await_current(host, 'hpet', 20)
    assert host.run(ODD).rc == 1
    assert process.wait(60) != 0
    assert not held(host)


def held(host):
    """The lock is the module's for as long as it, or the child that keeps watch, runs."""
    return host.run('flock --nonblock /run/cloudclock.lock true').rc != 0


def end_with_sessions(process):
    """The command, its workers and the ssh of each, which begin sessions of their own."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid, encoding='utf-8', errors='replace') as stat:
                parents[int(pid)] = int(stat.read().rsplit(')', 1)[1].split()[1])
        except OSError:
            continue
    ours, before = {process.pid}, set()
    while ours != before:
        before = set(ours)
        ours |= {pid for pid, parent in parents.items() if parent in ours}
    for pid in ours:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
