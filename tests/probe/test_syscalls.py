# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe counts real processes that enter the kernel to read the time, each built to do so in one way."""
from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _payers, _people

from .conftest import KINDS, SECONDS, Built, works
from .test_hostile import ERRNO, deny

pytestmark = pytest.mark.skipif(platform.machine() != 'x86_64', reason='the processes are built for x86_64')
TRACEFS = 'mount -t tracefs nodev /sys/kernel/tracing && '
NONE = 'mount -t tmpfs nodev /sys/kernel/tracing && mount -t tmpfs nodev /sys/kernel/debug && '
PERF_EVENT_OPEN = 298
KEYS = {'schema', 'build', 'refused', 'looked_ms', 'cpus', 'samples', 'lost', 'throttled', 'passed', 'sampled', 'unrelated',
        'longest_period', 'unplaced', 'all', 'cpu_ms', 'cost', 'cost_meanwhile', 'cost_sampled', 'pid', 'names', 'rows'}


def inside(mounts: str, command: list[str]) -> list[str]:
    """The command where these are mounted, for it alone."""
    return ['unshare', '--mount', 'sh', '-c', mounts + 'exec "$@"', 'sh', *command]


@pytest.fixture(scope='session')
def counting() -> None:
    """Skips where this machine's kernel does not let a test count."""
    if os.geteuid():
        pytest.skip('only root may count system calls')
    found = subprocess.run(inside(TRACEFS, ['cat', '/sys/kernel/tracing/events/raw_syscalls/sys_enter/id']), capture_output=True,
                           text=True, timeout=SECONDS, check=False)
    if found.returncode:
        pytest.skip(f'no tracepoints here: {found.stderr.strip()}')


@pytest.fixture(scope='session')
def payer(tmp_path_factory):
    """payer(kind) → the path of tests/probe/payer.c, built in that way."""
    made: dict[str, str] = {}

    def one(kind: str = 'plain') -> str:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f'payer-{kind}')
            command = [*KINDS[kind], *(['-static'] if kind == '32-bit' else [])]
            if not works(command, folder):
                pytest.skip(f'{" ".join(command)} does not link here')
            made[kind] = str(folder / f'payer-{kind}')
            subprocess.run([*command, '-o', made[kind], str(Path(__file__).with_name('payer.c'))], check=True, timeout=SECONDS)
        return made[kind]

    return one


class Paying:
    """Processes that run while the probe looks."""

    def __init__(self, *commands: list[str]) -> None:
        self.commands = commands

    def __enter__(self) -> list[subprocess.Popen]:
        self.running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in self.commands]
        time.sleep(0.2)
        return self.running

    def __exit__(self, *_exc) -> None:
        for process in self.running:
            process.kill()
            process.wait(10)
            process.stdout.close()


def look(built: Built, *args: str, **kwargs) -> dict:
    result = Built(inside(TRACEFS, built.command)).result('syscalls', *args, **kwargs)
    assert set(result) == KEYS
    assert result['refused'] is None
    return result


def rows(result: dict, pid: int) -> list[list]:
    return [row for row in result['rows'] if row[0] == pid]


class Truth:
    """How often these payers called around a look, by their own count: whatever else the machine does, not more than
    ``most`` of it fell into the look, and about ``mean``, so much as is the look's share of that time."""

    def __init__(self, *payers: subprocess.Popen) -> None:
        self.payers, self.began, self.before = payers, time.monotonic(), self._asked(payers)

    @staticmethod
    def _asked(payers) -> list[int]:
        for payer in payers:
            payer.send_signal(signal.SIGUSR1)
        return [int(payer.stdout.readline()) for payer in payers]

    def end(self, result: dict) -> None:
        self.most = [after - before for before, after in zip(self.before, self._asked(self.payers))]
        share = result['looked_ms'] / 1000 / (time.monotonic() - self.began)
        self.mean = [most * share for most in self.most]


def wait_for_events(looking: subprocess.Popen) -> None:
    """Until the probe has opened its events, just before it looks."""
    deadline = time.monotonic() + SECONDS
    while looking.poll() is None and time.monotonic() < deadline:
        for descriptor in Path(f'/proc/{looking.pid}/fd').glob('*'):
            with contextlib.suppress(OSError):
                if 'perf_event' in os.readlink(descriptor):
                    return
        time.sleep(0.02)


@pytest.mark.parametrize('kind', ['musl', 'sanitized', '32-bit'])
@pytest.mark.usefixtures('counting')
def test_rare_calls_are_counted_one_by_one(build, payer, kind):
    probe = build(kind)
    with Paying([payer(), 'day', '1500', '30'], [payer(), 'cpu', '300', '30']) as (day, cpu):
        truth = Truth(day, cpu)
        result = look(probe, '--seconds', '2')
        truth.end(result)
    (of_day,), (of_cpu,) = rows(result, day.pid), rows(result, cpu.pid)
    assert of_day[1:4] == ['64-bit', 'gettimeofday', None]
    assert of_cpu[1:4] == ['64-bit', 'clock_gettime', 2]
    # Each was a sample, unless other work of this machine made the rate higher than that, or came in bursts.
    if result['longest_period'] == 1 and not result['throttled'] and not result['lost']:
        assert of_day[4] == of_day[5]
        for row, most, mean in zip((of_day, of_cpu), truth.most, truth.mean):
            assert mean * 0.7 < row[5] <= most
        # What was called while the looking began was counted, and perhaps not sampled yet.
        assert 0.99 * result['passed'] <= result['sampled'] + result['unrelated'] <= result['passed']
    assert result['names'][str(day.pid)].startswith('payer')


@pytest.mark.usefixtures('counting')
def test_many_a_second_are_estimated_and_no_pattern_is_hidden(build, payer):
    """Two clocks in turn: samples at an even distance would see one of them alone."""
    with Paying([payer(), 'turns', '400000', '30']) as (turns,):
        truth = Truth(turns)
        result = look(build('musl'), '--seconds', '3')
        truth.end(result)
    found = {row[3]: row[5] for row in rows(result, turns.pid)}
    assert set(found) == {0, 1}
    assert 0.85 < found[0] / found[1] < 1.18
    scale = result['passed'] / (result['sampled'] + result['unrelated'])
    assert truth.mean[0] * 0.7 < sum(found.values()) * scale < truth.most[0] * 1.2
    assert result['longest_period'] > 1
    assert result['samples'] < 60000


@pytest.mark.usefixtures('counting')
def test_who_reads_by_the_vdso_is_not_named(build, payer):
    with Paying([payer(), 'vdso', '100000', '9']) as (vdso,):
        assert not rows(look(build('musl'), '--seconds', '1'), vdso.pid)


@pytest.mark.usefixtures('counting')
def test_a_32_bit_caller_and_the_same_numbers_of_another_abi(build, payer):
    narrow = payer('32-bit')
    # x86_64's rt_sigaction has the number of 32-bit time.
    with Paying([narrow, 'raw', '1000', '9'], [narrow, 'time', '1000', '9'], [payer(), 'signals', '1000', '9']) as (raw, day, signals):
        result = look(build('musl'), '--seconds', '2')
    assert [row[1:4] for row in rows(result, raw.pid)] == [['32-bit', 'clock_gettime', 1]]
    assert ['32-bit', 'time', None] in [row[1:4] for row in rows(result, day.pid)]
    assert not rows(result, signals.pid)
    assert result['unrelated'] > 500


@pytest.mark.usefixtures('counting')
def test_a_process_that_ends_meanwhile_keeps_its_name(build, payer):
    with Paying([payer(), 'raw', '2000', '3']) as (short,):
        result = look(build('musl'), '--seconds', '5')
        assert short.wait(10) == 0
    assert rows(result, short.pid)[0][5] > 500
    assert result['names'][str(short.pid)].startswith('payer')


NAMED = '''
import ctypes, sys, time
libc, room = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.prctl(15, sys.argv[1].encode('utf-8', 'surrogateescape'), 0, 0, 0)
while True:
    libc.syscall(228, 1, room)
    time.sleep(0.01)
'''


@pytest.mark.usefixtures('counting')
def test_a_name_may_have_any_bytes(build):
    names = ['a\nb"c', ' a ', 'caf\u00e9', '\udcff\\']
    written = [name.encode('utf-8', 'surrogateescape') for name in names]
    with Paying(*[[sys.executable, '-c', NAMED, name] for name in names]) as running:
        deadline = time.monotonic() + SECONDS
        while [Path(f'/proc/{process.pid}/comm').read_bytes()[:-1] for process in running] != written:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        result = look(build('sanitized'), '--seconds', '1')
        assert [result['names'][str(process.pid)] for process in running] == [name.decode('latin-1') for name in written]


@pytest.mark.usefixtures('counting')
def test_all_processes_outside_a_container_are_one_without_a_name(build, payer):
    contained = ['unshare', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', TRACEFS + 'exec "$@"', 'sh']
    with Paying([payer(), 'raw', '1000', '9']):
        looking = subprocess.Popen([*contained, *build('musl').command, 'syscalls', '--seconds', '2'],
                                   stdout=subprocess.PIPE, text=True)
        for _time in range(50):
            subprocess.run(['true'], check=True)
        result = json.loads(looking.communicate(timeout=SECONDS)[0])
    assert rows(result, 0)[0][5] > 500
    assert '0' not in result['names']


@pytest.mark.usefixtures('counting')
def test_thousands_of_processes(build, payer):
    probe = build('sanitized')
    looking = subprocess.Popen(inside(TRACEFS, [*probe.command, 'syscalls', '--seconds', '6']), stdout=subprocess.PIPE, text=True)
    time.sleep(0.7)
    with Paying([payer(), 'many', '3000', '5']):
        text = looking.communicate(timeout=SECONDS)[0]
    result = json.loads(text)
    once = [row for row in result['rows'] if row[2] == 'clock_gettime' and row[3] == 1 and row[4] == 1]
    assert len(once) + result['lost'] > 2500 or result['longest_period'] > 1 or result['throttled']
    assert result['unplaced'] == 0


@pytest.mark.parametrize('seconds', ['4', '2'])
@pytest.mark.usefixtures('counting')
def test_a_buffer_that_overflows_is_told_and_the_count_stays(build, payer, seconds):
    """In the midst of it, and at its end."""
    command = inside(TRACEFS, [*build('musl').command, 'syscalls', '--seconds', seconds, '--pages', '1'])
    with Paying([payer(), 'raw', '2000', '30']) as (raw,):
        truth = Truth(raw)
        looking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        wait_for_events(looking)
        time.sleep(1)
        looking.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        looking.send_signal(signal.SIGCONT)
        result = json.loads(looking.communicate(timeout=SECONDS)[0])
        truth.end(result)
    missing = result['passed'] - result['sampled'] - result['unrelated']
    # What is lost are samples, and where the calls come unevenly each stands for several.
    assert 1000 < missing
    assert missing * 0.8 < result['lost'] * result['longest_period']
    assert result['lost'] < missing * 1.1
    assert rows(result, raw.pid)
    # It is the whole machine's, so that there is no upper bound.
    assert result['passed'] > truth.mean[0] * 0.7


@pytest.mark.usefixtures('counting')
def test_a_burst_that_the_kernel_passed_over_has_no_margin(build, payer):
    """The kernel passes over what comes too thick, and newer ones do not count it either: not in each run, so three."""
    for _look in range(3):
        looking = subprocess.Popen(inside(TRACEFS, [*build('musl').command, 'syscalls', '--seconds', '4']),
                                   stdout=subprocess.PIPE, text=True)
        wait_for_events(looking)
        time.sleep(0.8)
        burst = subprocess.Popen([payer(), 'raw', '0', '0.001'], stdout=subprocess.PIPE, text=True)
        called = int(burst.communicate(timeout=SECONDS)[0].split()[0])
        result = json.loads(looking.communicate(timeout=SECONDS)[0])
        judged = _payers.judge(_payers.check(result), lambda _pid, name: dict(_people.NOBODY, name=name), {}, {'calls': None}, 9999)
        told = [process['syscalls'][0] for process in judged['processes'] if process['pid'] == burst.pid]
        assert judged['throttled'] == result['throttled']
        # Where other work called so often that calls were sampled, none of the burst may have been.
        assert told or result['longest_period'] > 1 or result['lost'] or result['throttled']
        for calls in told:
            assert (calls['margin_percent'] is None) == (result['throttled'] > 0)
            # Of a sampled burst the margin tells no more than the chance of drawing: docs/paying.md.
            if result['longest_period'] == 1 and not result['throttled'] and not result['lost']:
                assert 0.8 < calls['calls_per_second'] * judged['seconds'] / called < 1.2


@pytest.mark.skipif(os.cpu_count() < 2, reason='one CPU')
@pytest.mark.usefixtures('counting')
def test_a_long_list_of_cpus(build, tmp_path):
    (tmp_path / 'online').write_text('0,' * 2000 + '1\n')
    mounts = TRACEFS + f'mount --bind {tmp_path}/online /sys/devices/system/cpu/online && '
    assert Built(inside(mounts, build('sanitized').command)).result('syscalls', '--seconds', '1')['cpus'] == 2


@pytest.mark.usefixtures('counting')
def test_what_the_looking_costs_is_measured(build):
    result = look(build('musl'), '--seconds', '2')
    assert result['cost_meanwhile']['other'] > result['cost']['other'] > 0
    assert result['cost_sampled'] > result['cost']['counter']
    assert result['all']['calls'] > 0 and 50 < result['all']['ms'] < result['looked_ms'] / 2
    assert 0 < result['cpu_ms'] < 200
    assert not rows(result, result['pid'])


@pytest.mark.usefixtures('counting')
def test_without_tracefs_it_says_so_and_mounts_nothing(build):
    before = Path('/proc/self/mounts').read_text(encoding='utf-8')
    result = Built(inside(NONE, build('sanitized').command)).result('syscalls', '--seconds', '1')
    assert result['refused'] == {'what': 'tracefs', 'path': '/sys/kernel/tracing/events/raw_syscalls/sys_enter/format',
                                 'errno': errno.ENOENT, 'words': 'No such file or directory'}
    assert 'rows' not in result
    assert Path('/proc/self/mounts').read_text(encoding='utf-8') == before


@pytest.mark.usefixtures('counting')
def test_without_rights_it_says_so(build):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = shutil.copy(build('musl').command[0], folder)
        nobody = ['setpriv', '--reuid=65534', '--clear-groups', program]
        result = Built(inside(TRACEFS, nobody)).result('syscalls', '--seconds', '1')
    assert (result['refused']['what'], result['refused']['errno']) == ('tracefs', errno.EACCES)


@pytest.mark.usefixtures('counting')
def test_a_container_that_refuses_perf_events(build):
    result = Built(inside(TRACEFS, build('musl').command)).result(
        'syscalls', '--seconds', '1', preexec_fn=deny(PERF_EVENT_OPEN, ERRNO | errno.EPERM))
    assert (result['refused']['what'], result['refused']['errno']) == ('perf_event_open', errno.EPERM)


@pytest.mark.parametrize('args, words', [
    (['--seconds', '0'], 'a number from 1 to 60, not 0'), (['--seconds', '61'], 'a number from 1 to 60'),
    (['--hertz', '0'], 'a number from 1 to 100000'), (['--pages', '3'], 'a power of two, not: 3'), (['--pages', '512'], '1 to 256'),
    (['extra'], 'unknown argument: extra'), (['--budget-ms', '5'], 'usage: clockprobe syscalls')])
def test_bad_arguments_are_named(build, args, words):
    done = build('sanitized').run('syscalls', *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ''
