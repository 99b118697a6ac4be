# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workload: the figure that it prints, and every way not to print one. And the guard behind it."""
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _bounded
from ansible_collections.cloudclock.linux.plugins.module_utils._guard import Guard
from ansible_collections.cloudclock.linux.plugins.module_utils._signals import Interrupted, Signals
from ansible_collections.cloudclock.linux.plugins.module_utils._workload import Workload

# sysbench 1.0.20 and redis-benchmark 7.0.15, whose progress is on the line of its result
SYSBENCH = '''    transactions:                        7610   (2531.56 per sec.)
    queries:                             121760 (40504.97 per sec.)

Latency (ms):
         min:                                    0.34
         avg:                                    1.58

Threads fairness:
    events (avg/stddev):           1902.5000/78.12
'''
REDIS = ('GET: rps=0.0 (overall: nan) avg_msec=nan (overall: nan)\rGET: rps=44577.7 (overall: 39170.8) avg_msec=0.285 (overall: '
         '0.321)\r        \rGET: 39246.46 requests per second, p50=0.287 msec\n\n')
PAGE = os.path.join(os.path.dirname(__file__), *['..'] * 4 + ['docs', 'impact.md'])
PGBENCH = '''transaction type: <builtin: select only>
latency average = 0.262 ms
initial connection time = 2.113 ms
tps = 3811.450123 (without initial connection time)
'''


def run(command, regex=r'tps = (\S+)', seconds=10):
    return Workload(command, regex, seconds).run()[0]


def test_the_figure():
    assert run("printf '%s' '" + PGBENCH + "'") == 3811.450123


@pytest.mark.skipif(not os.path.exists(PAGE), reason='the pages are not part of what was installed')
def test_the_pages_patterns_find_the_figure():
    with open(PAGE, encoding='utf-8') as page:
        patterns = re.findall(r"impact_regex: '(.*)'", page.read())
    found = {pattern: [Workload('true', pattern, 1).figure(text) for text in (PGBENCH, SYSBENCH, REDIS, 'took 219951493\n')
                       if re.search(pattern, text)] for pattern in patterns}
    assert sorted(found.values()) == [[1.58], [2531.56], [3811.450123], [39246.46], [219951493.0]]


@pytest.mark.parametrize('text, regex, figure', [
    ('tps 1\ntps 2\ntps 3', r'^tps (\d)$', 3.0), ('SET: 1e5 requests', r'SET: (\S+)', 1e5), ('took -0.5 s', r'took (\S+)', -0.5),
    ('a=1 b=2', r'a=(\d) b=(\d)', 1.0)])
def test_the_last_match_and_its_first_group(text, regex, figure):
    assert Workload('true', regex, 1).figure(text) == figure


@pytest.mark.parametrize('text, words', [
    ('', 'matches nothing that the workload wrote: it wrote nothing to its standard output'),
    ('ERROR: no such\n  database', "it ended with 'ERROR: no such database'"), ('tps = n/a', "found 'n/a', which is not a number"),
    ('tps = nan', "found 'nan'"), ('tps = inf', "found 'inf'")])
def test_what_is_no_figure(text, words):
    with pytest.raises(ValueError) as caught:
        Workload('true', r'tps = (\S+)', 1).figure(text)
    assert words in str(caught.value)


def test_a_group_that_took_no_part_is_no_figure():
    with pytest.raises(ValueError, match='found None'):
        Workload('true', '(x)?tps', 1).figure('tps')


@pytest.mark.parametrize('command, regex, words', [
    (' ', '(x)', 'no command'), ('true', '', 'no regex'), ('true', '(', 'is none'), ('true', 'tps', 'has no group'),
    ('true', '(?:tps)', 'has no group')])
def test_bad_options(command, regex, words):
    with pytest.raises(ValueError, match=words):
        Workload(command, regex, 1)


@pytest.mark.parametrize('command, words', [
    ('echo tps = 5; echo no route >&2; exit 3', 'the workload failed: it ended with code 3: no route'),
    ('kill -SEGV $$', 'it was killed by SIGSEGV'), ('sleep 30', 'it was not done in 1 s'), ('exec cat /dev/zero', 'it wrote more than 16 MiB'),
    ('no-such-tool', 'code 127')])
def test_a_workload_that_fails(command, words):
    with pytest.raises(ValueError, match=words):
        run(command, seconds=1 if command.startswith('sleep') else 20)


@pytest.mark.parametrize('left', ['sleep 60 &', 'setsid sleep 60 &', 'setsid sh -c "while sleep 0.05; do echo on; done" &'])
def test_what_it_left_running_is_not_waited_for(left):
    """A daemon that holds the output open, by a session of its own too, and writes to it."""
    began = time.monotonic()
    assert run('echo tps = 5; ' + left, seconds=20) == 5.0
    assert time.monotonic() - began < 10


def test_of_many_complaints_the_last_is_told():
    """Piece by piece, as a program that shows its progress writes them."""
    with pytest.raises(ValueError, match='code 2: .*the reason'):
        run('for n in 1 2 3; do head -c 3000 /dev/zero | tr "\\0" x >&2; echo >&2; sleep 0.05; done; echo the reason >&2; exit 2')


def test_it_has_the_tasks_environment_and_numbers_with_a_point(monkeypatch):
    monkeypatch.setenv('LC_NUMERIC', 'de_DE.UTF-8')
    monkeypatch.setenv('PGPORT', '5433')
    assert run('echo "tps = ${PGPORT}${LC_NUMERIC-}.5"; test "$LC_ALL" = C') == 5433.5


def test_it_is_announced_with_its_group_and_nothing_of_it_lives_on(tmp_path):
    told = []
    kept = tmp_path / 'pid'
    work = Workload('sleep 60 >/dev/null 2>&1 & echo $! >%s; echo tps = 1' % kept, r'tps = (\S+)', 10, told.append)
    work.run()
    assert told[1] is None and told[0] > 1
    assert ends(int(kept.read_text()))


def test_one_that_takes_too_long_may_tidy_up(tmp_path):
    """And say so at length: nothing of it is wanted, but the pipe must not be full."""
    kept = tmp_path / 'kept'
    with pytest.raises(ValueError, match='it was not done in 1 s'):
        run("trap 'sleep 0.3; head -c 300000 /dev/zero; echo tidied >%s; exit' TERM; sleep 60" % kept, seconds=1)
    assert kept.read_text() == 'tidied\n'


def test_what_it_left_running_may_tidy_up(tmp_path):
    assert run("""cd %s
        (trap 'sleep 0.3; echo tidied >kept; exit' TERM; echo >ready; for _ in $(seq 900); do sleep 0.02; done) >/dev/null 2>&1 &
        until test -e ready; do sleep 0.02; done; echo tps = 5""" % tmp_path) == 5.0
    assert (tmp_path / 'kept').read_text() == 'tidied\n'


def test_one_that_minds_nothing_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(_bounded, 'PATIENCE', 0.3)
    kept = tmp_path / 'pid'
    with pytest.raises(ValueError, match='it was not done in 1 s'):
        run("trap '' TERM; echo $$ >%s; for _ in $(seq 600); do sleep 0.1; done" % kept, seconds=1)
    assert ends(int(kept.read_text()))


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_ends_it_too(monkeypatch, number):
    start, started = _bounded.start, []

    def signalled(*args, **kwargs):
        started.append(start(*args, **kwargs))
        os.kill(os.getpid(), number)
        return started[0]
    monkeypatch.setattr(_bounded, 'start', signalled)
    with pytest.raises(Interrupted), Signals():
        run('sleep 60')
    assert ends(started[0].pid)
    assert not held()


def test_it_holds_back_no_signal_and_leaves_none_held_back(monkeypatch):
    assert run('cat /proc/self/status', r'SigBlk:\s*(\S+)') == 0 == len(held())
    monkeypatch.setattr(_bounded, 'start', lambda *args, **kwargs: os.open('/no/such', os.O_RDONLY))
    with pytest.raises(OSError):
        run('true')
    assert not held()


def held():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def ends(pid):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and alive(pid):
        time.sleep(0.02)
    return not alive(pid)


KILLED = '''
import os, subprocess, sys, time
from ansible_collections.cloudclock.linux.plugins.module_utils._guard import Guard
def back():
    with open(sys.argv[1], 'a') as file:
        file.write('back ')
with Guard(back) as guard:
    for number in range(40):
        guard.runs(999999999 - number)
        guard.runs(None)
    if sys.argv[2] == 'workload':
        tidy = 'trap "echo tidied >%s.tidied; exit" TERM; echo; for _ in $(seq 900); do sleep 0.02; done' % sys.argv[1]
        child = subprocess.Popen(['sh', '-c', tidy], start_new_session=True, stdout=subprocess.PIPE)
        child.stdout.readline()
        guard.runs(child.pid)
        print(child.pid, flush=True)
    else:
        print(0, flush=True)
    if sys.argv[2] != 'end':
        time.sleep(60)
'''


@pytest.mark.parametrize('what', ['plain', 'workload'])
def test_the_guard_acts_for_a_parent_that_was_killed(tmp_path, what):
    kept = tmp_path / 'kept'
    process = subprocess.Popen([sys.executable, '-c', KILLED, str(kept), what], stdout=subprocess.PIPE,
                               env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)), start_new_session=True)
    child = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGKILL)  # as async does at its limit
    process.wait()
    # the guard does not hold the output: ssh would wait for it
    assert process.stdout.read() == b''
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not (kept.exists() and kept.read_text()):
        time.sleep(0.02)
    assert kept.read_text() == 'back '
    assert not child or ends(child) and (tmp_path / 'kept.tidied').read_text() == 'tidied\n'


def test_the_guard_leaves_a_parent_alone_that_ends_well(tmp_path):
    kept = tmp_path / 'kept'
    subprocess.run([sys.executable, '-c', KILLED, str(kept), 'end'], stdout=subprocess.PIPE, timeout=30, check=True,
                   env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert not kept.exists()


def test_a_guard_that_was_killed_is_no_error():
    with Guard(lambda: None) as guard:
        os.kill(guard._pid, signal.SIGKILL)
        guard.runs(5)
