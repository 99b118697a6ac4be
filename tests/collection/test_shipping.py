# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe on its way, by Ansible itself: how many executions, what is left, what is written down, what fails and how."""
from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
BENCH = 'cloudclock.linux.clock_bench_info'
QUICK = 'budget_ms=20 clocks=monotonic warp=false'
OTHER = 'x86_64' if platform.machine() == 'aarch64' else 'aarch64'
# An own /dev, with a log of our own in it, for one command and what it starts.
WITH_LOG = '''
set -eu
mount -t tmpfs none "$1/dev"
for node in null zero full random urandom tty; do touch "$1/dev/$node"; mount --bind "/dev/$node" "$1/dev/$node"; done
mkdir "$1/dev/pts" "$1/dev/shm"
mount --rbind /dev/pts "$1/dev/pts"
ln -s /proc/self/fd "$1/dev/fd"
touch "$1/dev/log"
mount --bind "$1/log" "$1/dev/log"
mount --rbind "$1/dev" /dev
shift
exec "$@"
'''


class Line:
    """Ansible against this machine, with a home and temporary folders of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.places = [folder / name for name in ('home', 'remote', 'tmp')]
        for place in self.places:
            place.mkdir()
        self.environment = {
            'PATH': f'{BIN}:{os.environ["PATH"]}', 'HOME': str(folder / 'home'), 'TMPDIR': str(folder / 'tmp'), 'LC_ALL': 'C.UTF-8',
            'XDG_CACHE_HOME': str(folder / 'cache'), 'ANSIBLE_CONFIG': str(HERE / 'ansible.cfg'), 'ANSIBLE_COLLECTIONS_PATH': str(HERE / '.collections'),
            'ANSIBLE_HOME': str(folder / 'controller'), 'ANSIBLE_LOCAL_TEMP': str(folder / 'controller' / 'tmp'),
            'ANSIBLE_REMOTE_TEMP': str(folder / 'remote'), 'ANSIBLE_PIPELINING': '1', 'ANSIBLE_CALLBACK_RESULT_FORMAT': 'json',
            'ANSIBLE_NOCOLOR': '1', 'ANSIBLE_STDOUT_CALLBACK': 'default'}

    def run(self, module=BENCH, arguments=QUICK, more=(), around=(), **environment):
        """(whether it went well, its result, all that was written with -vvv)"""
        command = [*around, BIN / 'ansible', 'localhost', '-i', 'localhost,', '-c', 'local', '-vvv', '-m', module, '-a', arguments,
                   '-e', f'ansible_python_interpreter={sys.executable}', *more]
        done = subprocess.run([str(word) for word in command], cwd=HERE, env=dict(self.environment, **environment), timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text = done.stdout.decode()
        result = re.search(r'^localhost \| .*?(\{.*?^\})', text, re.MULTILINE | re.DOTALL)
        assert result, text
        return done.returncode == 0, json.loads(result.group(1)), text

    def left(self):
        """What lies in the folders that a target has."""
        return sorted(str(path.relative_to(self.folder)) for place in self.places for path in place.rglob('*'))

    def payload(self) -> str:
        """What was sent: made once more from the same program in the cache."""
        (self.folder / 'again').mkdir()
        script = ('import platform, sys\n'
                  'from ansible_collections.cloudclock.linux.plugins.plugin_utils import _build\n'
                  'print(_build.argument(platform.machine(), sys.argv[1], retry=True))')
        sent = subprocess.run([sys.executable, '-c', script, self.folder / 'again'], stdout=subprocess.PIPE, check=True, timeout=60,
                              env=dict(self.environment, PYTHONPATH=str(HERE / '.collections'))).stdout.decode().strip()
        assert len(sent) > 10000
        return sent


@pytest.fixture(name='line')
def ansible_line(tmp_path):
    return Line(tmp_path)


def executions(text):
    """How often a Python was started; ansible-core 2.21 no longer adds the sleep."""
    return len(re.findall(r"EXEC /bin/sh -c '?\S*python[^ ']*(?: \S*AnsiballZ[^ ']*)?(?: && sleep 0)?'?$", text, re.MULTILINE))


def pretender(folder, name, machine):
    """A compiler, first in the PATH that is returned, of what names ``machine`` in its header and can run nowhere."""
    number = {'x86_64': '\\076', 'aarch64': '\\267'}[machine]
    folder.mkdir()
    (folder / name).write_text('#!/bin/sh\ncase "$*" in *--version) exit;; esac\nwhile [ "$1" != -o ]; do shift; done\n'
                               f"printf '\\177ELF\\2\\1aaaaaaaaaaaa{number}\\0' > \"$2\"\n")
    (folder / name).chmod(0o700)
    return f'{folder}:{BIN}:{os.environ["PATH"]}'


def compiler_or_skip():
    if not any(shutil.which(name) for name in ('musl-gcc', 'cc', 'gcc', 'clang')):
        pytest.skip('no C compiler here')


@pytest.mark.parametrize('check', [[], ['--check']], ids=['run', 'check mode'])
def test_one_execution_is_enough_and_leaves_nothing(line, check):
    compiler_or_skip()
    before = line.left()
    good, result, text = line.run(more=check)
    assert good
    assert result['clocks']['monotonic']['libc']['ns']['median'] > 0
    assert result['build']['source']
    assert text.count(' EXEC ') == executions(text) == 1
    assert line.left() == before


def test_without_pipelining_nothing_is_left_either(line):
    compiler_or_skip()
    good, _result, text = line.run(ANSIBLE_PIPELINING='0')
    assert good
    assert executions(text) == 1
    assert line.left() == []


@pytest.mark.parametrize('module, arguments', [(BENCH, QUICK), ('cloudclock.linux.clock_facts', ''),
                                               ('cloudclock.linux.clocksource', 'name=auto')])
def test_the_payload_is_written_down_nowhere(line, tmp_path, module, arguments):
    """Neither in what -vvv shows, the invocation among it, nor in what the module sends to the target's log."""
    compiler_or_skip()
    if os.geteuid() or subprocess.call(['unshare', '--mount', 'true'], stderr=subprocess.DEVNULL):
        pytest.skip('a /dev of our own takes root and mount namespaces')
    (tmp_path / 'dev').mkdir()
    heard = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / 'log'))
        log.settimeout(0.2)
        over = threading.Event()
        listener = threading.Thread(target=listen, args=(log, heard, over))
        listener.start()
        try:
            good, result, text = line.run(module, arguments, ['--check'],
                                          ['unshare', '--mount', 'sh', '-c', WITH_LOG, 'sh', str(tmp_path)])
        finally:
            over.set()
            listener.join()
    assert good
    written = b''.join(heard).decode()
    assert f'{module.rpartition(".")[2]}' in written and 'Invoked with' in written
    assert re.search(r'probe=NOT_LOGGING_PARAMETER', written)
    if 'invocation' in result:  # ansible-core 2.21 returns it on demand only
        assert result['invocation']['module_args']['probe'] == 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER'
    payload = line.payload()
    # whatever a logger may cut or wrap: no stretch of it
    for start in range(0, len(payload) - 40, 997):
        assert payload[start:start + 40] not in text
        assert payload[start:start + 40] not in written


def listen(log, heard, over):
    while not over.is_set():
        try:
            heard.append(log.recv(1 << 20))
        except socket.timeout:
            continue


def test_another_machine_than_was_guessed_takes_one_execution_more(line, tmp_path):
    compiler_or_skip()
    path = pretender(tmp_path / 'tools', f'{OTHER}-linux-gnu-gcc', OTHER)
    good, result, text = line.run(more=['-e', f'ansible_architecture={OTHER}'], PATH=path)
    assert good
    assert 'probe_wanted' not in result
    assert result['build']['machine'] == platform.machine()
    assert text.count(' EXEC ') == executions(text) == 2
    assert line.left() == []


def test_a_program_that_never_can_run_is_a_reason(line, tmp_path):
    good, result, _text = line.run(PATH=pretender(tmp_path / 'tools', 'musl-gcc', platform.machine()))
    assert not good
    assert 'Exec format error' in result['msg']
    assert line.left() == []


def test_without_a_compiler_anywhere_the_next_step_is_named(line, tmp_path):
    (tmp_path / 'empty').mkdir()
    if any(shutil.which(name, path='/sbin:/usr/sbin:/usr/local/sbin') for name in ('cc', 'gcc', 'clang')):
        pytest.skip('a compiler among the system tools')
    good, result, text = line.run(PATH=str(tmp_path / 'empty'))
    assert not good
    assert 'no C compiler' in result['msg'] and 'install musl-tools' in result['msg']
    assert text.count(' EXEC ') == 1
    good, result, _text = line.run('cloudclock.linux.clock_facts', '', PATH=str(tmp_path / 'empty'))
    assert good
    probe = result['ansible_facts']['clock']['probe']
    assert probe['ran'] is False and 'no C compiler' in probe['reason']


def test_the_targets_own_compiler_takes_the_controllers_place(line, tmp_path):
    if not shutil.which('gcc'):
        pytest.skip('no gcc here')
    tools = tmp_path / 'tools'
    tools.mkdir()
    for name in ('musl-gcc', 'cc', 'gcc', 'clang', f'{platform.machine()}-linux-gnu-gcc'):
        (tools / name).write_text('#!/bin/sh\necho error: not on this side; exit 1\n')
        (tools / name).chmod(0o700)
    # the module is started with a PATH of its own, as on another machine
    (tmp_path / 'python').write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]} exec {sys.executable} "$@"\n')
    (tmp_path / 'python').chmod(0o700)
    good, result, text = line.run(more=['-e', f'ansible_python_interpreter={tmp_path}/python'],
                                  PATH=f'{tools}:{line.environment["PATH"]}')
    assert good, text
    assert result['build']['libc'] != 'musl'
    assert result['build']['source']
    assert line.left() == []


def test_a_temporary_folder_that_lets_nothing_run(line, tmp_path):
    """Every folder of the target's is mounted so: the probe runs from memory."""
    compiler_or_skip()
    if os.geteuid() or subprocess.call(['unshare', '--mount', 'true'], stderr=subprocess.DEVNULL):
        pytest.skip('mounts of our own take root and mount namespaces')
    script = 'for place in home remote tmp; do mount -t tmpfs -o noexec none "$1/$place" || exit; done; shift; exec "$@"'
    good, result, text = line.run(around=['unshare', '--mount', 'sh', '-c', script, 'sh', str(tmp_path)],
                                  XDG_CACHE_HOME=str(tmp_path / 'cache'))
    assert good, text
    assert result['clocks']['monotonic']['libc']['ns']['median'] > 0


def test_a_task_in_the_background_gets_its_probe_and_cannot_ask_for_another(line, tmp_path):
    compiler_or_skip()
    path = pretender(tmp_path / 'tools', f'{OTHER}-linux-gnu-gcc', OTHER)
    quick = {'budget_ms': 20, 'clocks': ['monotonic'], 'warp': False}
    playbook = tmp_path / 'play.yml'
    playbook.write_text(json.dumps([{'hosts': 'all', 'gather_facts': False, 'tasks': [
        {BENCH: quick, 'async': 30, 'poll': 1, 'register': 'right'},
        {BENCH: quick, 'async': 30, 'poll': 1, 'register': 'wrong', 'ignore_errors': True, 'vars': {'ansible_architecture': OTHER}},
        {'ansible.builtin.assert': {'that': [
            'right.clocks.monotonic.libc.ns.median > 0', 'wrong is failed', "'asynchronous' in wrong.msg"]}}]}]))
    done = subprocess.run([BIN / 'ansible-playbook', '-i', 'localhost,', '-c', 'local', '-e',
                           f'ansible_python_interpreter={sys.executable}', playbook], cwd=HERE, timeout=120, check=False,
                          env=dict(line.environment, PATH=path, ANSIBLE_ASYNC_DIR=str(tmp_path / 'jobs')),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()
    # async_wrapper looks after its child every five seconds, and then removes the folder of both
    patience = time.monotonic() + 20
    while line.left() and time.monotonic() < patience:
        time.sleep(0.2)
    assert line.left() == []
