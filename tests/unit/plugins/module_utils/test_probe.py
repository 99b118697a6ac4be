# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner, with shell scripts in the probe's place: it ends well, and badly in every way that can be thought of."""
import base64
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _bounded, _compile, _place, _probe

GOOD = {'schema': 1, 'answer': 42}
SPARE = 2


class Wanted(BaseException):
    """What exit_json does: nothing after it runs."""


class Module:
    """As much of AnsibleModule as the runner uses."""
    _tmpdir = None

    def __init__(self, probe=None, cc=None):
        self.params = {'probe': probe}
        self.cc = cc

    def get_bin_path(self, name):
        return self.cc if name == 'cc' else None

    def exit_json(self, **kwargs):
        raise Wanted(kwargs)


def argument(body=b'', **header):
    header = dict({'kind': 'binary', 'machine': os.uname().machine, 'retry': True, 'reason': None}, **header)
    return base64.b64encode(zlib.compress(json.dumps(header).encode('utf-8') + b'\n' + body)).decode('ascii')


def shell(text):
    return ('#!/bin/sh\n' + text).encode('utf-8')


def good():
    return shell("echo '%s'\n" % json.dumps(GOOD))


@pytest.fixture(autouse=True)
def patience(monkeypatch, tmp_path):
    """Little of it, and a judge that takes all JSON.

    There is no temporary folder, so that the probe runs from memory: a script in a file would be gone before its shell
    opens it.
    """
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'nowhere'))
    monkeypatch.setattr(_probe, 'SPARE_SECONDS', SPARE)
    monkeypatch.setattr(_probe._readings, 'judge', lambda raw, calls_per_second, require: raw)


@pytest.fixture(name='room')
def temporary_folder(monkeypatch, tmp_path):
    """One of our own, which the test must leave empty."""
    folder = tmp_path / 'tmp'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    yield folder
    assert os.listdir(str(folder)) == []


@pytest.fixture(name='echo')
def program_that_says_its_arguments(monkeypatch):
    """A real program; what it writes is taken as it is."""
    path = os.path.realpath(shutil.which('echo') or '/')
    if os.path.basename(path) != 'echo':
        pytest.skip('echo is no program of its own here')
    monkeypatch.setattr(_probe, '_parse', bytes.decode)
    with open(path, 'rb') as handle:
        return handle.read()


@pytest.fixture(name='started')
def what_was_started(monkeypatch):
    """The paths that were run, or tried."""
    paths = []
    real = _bounded.start

    def start(argv, executable=None, fds=(), env=None):
        paths.append(executable)
        return real(argv, executable, fds, env)
    monkeypatch.setattr(_bounded, 'start', start)
    return paths


def run(body, **options):
    probe = _probe.load(Module(argument(body)))
    return probe.run(options.pop('budget_ms', 5), **options), probe.reason


def test_a_measurement():
    assert run(good()) == (GOOD, None)


def test_what_is_asked_for_is_on_the_command_line_and_nothing_else_in_the_environment():
    body = shell('printf \'{"argv": "%s", "env": "%s"}\' "$*" "$(env | sed s/=.*// | sort | tr "\\n" " ")"')
    found, reason = run(body, budget_ms=7, clocks=['tai', 'boottime'], warp_budget_ms=9, cpus='0-3,6')
    assert reason is None
    assert found['argv'] == '--budget-ms 7 --warp-budget-ms 9 --clocks tai,boottime --cpus 0-3,6'
    assert set(found['env'].split()) <= {'PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL', '_'}


def test_a_file_of_its_own(room, echo, started):
    assert run(echo) == ('--budget-ms 5 --warp-budget-ms 0\n', None)
    assert len(started) == 1 and started[0].startswith(str(room))


def test_its_file_is_gone_while_it_runs(room, started):
    with open(shutil.which('sleep'), 'rb') as handle:
        process = _probe.load(Module(argument(handle.read())))._start(['sleep', '30'])
    try:
        assert started[0].startswith(str(room))
        assert os.listdir(str(room)) == []
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_it_can_run_again_after_a_failure():
    probe = _probe.load(Module(argument(shell('exit 1'))))
    assert probe.run(5) is None and probe.reason
    probe.body = good()
    assert probe.run(5) == GOOD
    assert probe.reason is None


@pytest.mark.parametrize('body, words', [
    ('exit 1', 'ended with code 1'),
    ('echo no counter here >&2; exit 1', 'code 1: no counter here'),
    ('exit 2', 'ended with code 2'),
    ('kill -SEGV $$', 'killed by SIGSEGV'),
    ('kill -SYS $$', 'killed by SIGSYS'),
    ('kill -KILL $$', 'killed by SIGKILL'),
    ('echo', 'Expecting value'),
    ('echo hello', 'Expecting value'),
    ("printf '\\377\\376'", "can't decode"),
    ("echo '{} {}'", 'Extra data'),
    ("head -c 100000 /dev/zero | tr '\\0' '['", 'gave no measurement'),
    ("head -c 4000000 /dev/zero | tr '\\0' 9", 'more than 40 digits'),
    ('echo "{}" ; head -c 3000000 /dev/zero >&2; exit 3', 'ended with code 3'),
], ids=range(13))
def test_what_goes_wrong_is_a_reason(body, words):
    result, reason = run(shell(body))
    assert result is None
    assert words in reason
    assert len(reason) < 500


def test_what_the_judge_refuses_is_a_reason(monkeypatch):
    def judge(raw, calls_per_second, require):
        assert require is True
        raise ValueError('clocks: not a dict')
    monkeypatch.setattr(_probe._readings, 'judge', judge)
    assert run(good()) == (None, 'the probe gave no measurement: clocks: not a dict')


@pytest.mark.parametrize('body', [
    'sleep 100',
    'trap "" TERM INT HUP; while :; do sleep 100; done',
    'exec >&- 2>&-; sleep 100',
], ids=['sleeps', 'is deaf', 'closed its output'])
def test_one_that_hangs_is_killed_with_all_it_started(body):
    mark = '%d.%d' % (os.getpid(), time.time() * 1000 % 100000)
    start = time.monotonic()
    result, reason = run(shell(body.replace('sleep 100', 'sleep 100%s' % mark)))
    assert result is None
    assert 'not done in' in reason
    assert time.monotonic() - start < SPARE + 3
    gone(mark)


def test_one_that_leaves_another_behind_is_not_waited_for():
    mark = '%d.%d' % (os.getpid(), time.time() * 1000 % 100000)
    assert run(shell('sleep 100%s & echo "{}"' % mark)) == ({}, None)
    gone(mark)


def gone(mark):
    """A killed process takes a moment to go."""
    deadline = time.monotonic() + 5
    while mark in commands():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def commands():
    """The command lines of all that runs."""
    found = []
    for number in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % number, 'rb') as handle:
                found.append(handle.read().decode('utf-8', 'replace').replace('\0', ' '))
        except OSError:
            pass
    return '\n'.join(found)


def test_one_that_writes_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(_probe, 'OUTPUT_LIMIT', 4 << 20)
    assert run(shell('cat /dev/zero')) == (None, 'the probe gave no measurement: it wrote more than 4 MiB')


def test_no_core_file_is_left():
    assert run(shell('printf \'{"core": %s}\' "$(ulimit -c)"')) == ({'core': 0}, None)


def test_what_is_no_program_is_a_reason(room):
    assert run(b'\x7fELF but not really') == (None, 'the probe could not be run: Exec format error')


def test_where_no_file_may_be_run_it_runs_from_memory(monkeypatch, room, started):
    real = _bounded.start

    def start(argv, executable=None, fds=(), env=None):
        if executable.startswith(str(room)):
            started.append('refused')
            raise OSError(errno.EACCES, 'Permission denied')
        return real(argv, executable, fds, env)
    monkeypatch.setattr(_bounded, 'start', start)
    assert run(good()) == (GOOD, None)
    assert started[0] == 'refused' and started[1].startswith('/proc/self/fd/')


def test_a_mount_that_lets_nothing_run(room, echo, started):
    """A real one: the kernel refuses the file, and the program runs from memory."""
    if os.geteuid():
        pytest.skip('only root can mount')
    if subprocess.call(['mount', '-t', 'tmpfs', '-o', 'noexec,size=8m', 'none', str(room)], stderr=subprocess.DEVNULL):
        pytest.skip('nothing can be mounted here')
    try:
        assert run(echo) == ('--budget-ms 5 --warp-budget-ms 0\n', None)
        assert [path.startswith(str(room)) for path in started] == [True, False]
        assert started[1].startswith('/proc/self/fd/')
        assert os.listdir(str(room)) == []
    finally:
        subprocess.check_call(['umount', str(room)])


def test_memory_without_what_python_brings_for_it(monkeypatch):
    if os.uname().machine not in _place.MEMFD_CREATE:
        pytest.skip('the number of that call is not known here')
    monkeypatch.delattr(os, 'memfd_create', raising=False)
    assert run(good()) == (GOOD, None)


def test_a_kernel_that_does_not_know_the_flag(monkeypatch):
    asked = []
    real = _place._memfd_create

    def create(flags):
        asked.append(flags)
        if flags & _place.MFD_EXEC:
            raise OSError(errno.EINVAL, 'Invalid argument')
        return real(flags)
    monkeypatch.setattr(_place, '_memfd_create', create)
    assert run(good()) == (GOOD, None)
    assert len(asked) == 2


def test_where_nothing_may_be_run_at_all(monkeypatch):
    def start(*_args, **_kwargs):
        raise OSError(errno.EPERM, 'Operation not permitted')
    monkeypatch.setattr(_bounded, 'start', start)
    assert run(good()) == (None, 'the probe could not be run: Operation not permitted')


def test_ansibles_own_folder_comes_first(tmp_path, room, echo, started):
    module = Module(argument(echo))
    module._tmpdir = str(tmp_path / 'own')
    os.mkdir(module._tmpdir)
    assert _probe.load(module).run(5)
    assert len(started) == 1 and started[0].startswith(module._tmpdir)
    assert os.listdir(module._tmpdir) == []


def test_without_the_argument_the_reason_says_who_brings_it():
    probe = _probe.load(Module())
    assert probe.run(5) is None
    assert 'gather_facts' in probe.reason


@pytest.mark.parametrize('text', ['x', '####', 'QUJD', base64.b64encode(zlib.compress(b'{}\n')).decode('ascii'),
                                  base64.b64encode(zlib.compress(b'[1]\n')).decode('ascii'), '\u20ac'])
def test_an_argument_of_another_making(text):
    probe = _probe.load(Module(text))
    assert probe.run(5) is None
    assert 'action plugin' in probe.reason


def test_one_for_another_machine_is_asked_for_again():
    with pytest.raises(Wanted) as wanted:
        _probe.load(Module(argument(good(), machine='vax')))
    assert wanted.value.args == ({'changed': False, 'probe_wanted': os.uname().machine},)


def test_where_it_cannot_be_asked_for_again_both_machines_are_named():
    probe = _probe.load(Module(argument(good(), machine='vax', retry=False)))
    assert probe.run(5) is None
    assert 'for vax' in probe.reason and os.uname().machine in probe.reason


def test_the_controllers_reason_is_told():
    probe = _probe.load(Module(argument(kind='none', machine=None, reason='only a running machine can be measured')))
    assert probe.run(5) is None
    assert probe.reason == 'only a running machine can be measured'


SOURCE = {'b.h': '#define ANSWER 42\n', 'a.c': '#include "b.h"\n', 'main.c': '''
#include <stdio.h>
#include "b.h"
int main(void) { return printf("{\\"answer\\": %d, \\"source\\": \\"%s\\"}", ANSWER, CLOCKPROBE_SOURCE) < 0; }
'''}


def source(**header):
    return argument(json.dumps(SOURCE).encode('utf-8'), kind='source', **dict({'reason': 'none on the controller'}, **header))


@pytest.mark.parametrize('machine', ['vax', os.uname().machine])
def test_the_targets_own_compiler(machine, room):
    cc = shutil.which('cc')
    if not cc:
        pytest.skip('no C compiler here')
    found = _probe.load(Module(source(machine=machine), cc)).run(5)
    assert found == {'answer': 42, 'source': _compile.digest(SOURCE)}


def test_without_a_compiler_anywhere_both_places_are_named():
    probe = _probe.load(Module(source()))
    assert probe.run(5) is None
    assert probe.reason == 'none on the controller, and no cc, gcc or clang on this machine'


def test_source_for_another_machine_and_no_compiler_asks_again():
    with pytest.raises(Wanted):
        _probe.load(Module(source(machine='vax')))


@pytest.mark.parametrize('body, words', [('echo "a.c:1: error: no" >&2; exit 1', 'a.c:1: error: no'), ('exit 0', 'No such file'),
                                         ('kill -SEGV $$', 'SIGSEGV')])
def test_a_compiler_that_fails(tmp_path, room, body, words):
    cc = tmp_path / 'cc'
    cc.write_bytes(shell(body))
    cc.chmod(0o700)
    probe = _probe.load(Module(source(), str(cc)))
    assert probe.run(5) is None
    assert words in probe.reason


def test_a_source_of_another_making(tmp_path):
    probe = _probe.load(Module(argument(b'[', kind='source'), sys.executable))
    assert probe.run(5) is None
    assert 'did not make' in probe.reason
