# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building the probe on the controller, keeping it, and handing it out."""
from __future__ import annotations

import base64
import importlib.machinery
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import zlib

import pytest

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _build, _compilers

MACHINE = platform.machine()
OTHER = 'x86_64' if MACHINE == 'aarch64' else 'aarch64'
SOON = 120
MAIN = '''
#include <stdio.h>
#include "answer.h"
int main(void) { return printf("{\\"answer\\": %d, \\"source\\": \\"%s\\"}", ANSWER, CLOCKPROBE_SOURCE) < 0; }
'''


def opened(text):
    header, _newline, body = zlib.decompress(base64.b64decode(text)).partition(b'\n')
    return json.loads(header), body


@pytest.fixture(name='source', autouse=True)
def small_source(tmp_path, monkeypatch):
    """A probe that compiles in no time, and a home and a cache of our own."""
    folder = tmp_path / 'probe'
    folder.mkdir()
    (folder / 'main.c').write_text(MAIN)
    (folder / 'answer.h').write_text('#define ANSWER 42\n')
    monkeypatch.setattr(_compilers, 'SOURCE', folder)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return folder


@pytest.fixture(name='run_folder')
def folder_of_a_run(tmp_path):
    (tmp_path / 'run').mkdir()
    return tmp_path / 'run'


@pytest.fixture(name='tools')
def own_path(tmp_path, monkeypatch):
    """A PATH with nothing in it but what the test writes there by ``tools('cc', 'exit 1')``."""
    folder = tmp_path / 'tools'
    folder.mkdir()
    monkeypatch.setenv('PATH', str(folder))
    monkeypatch.setattr(_compilers.importlib.util, 'find_spec', lambda name: None)

    def write(name, script):
        (folder / name).write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n')
        (folder / name).chmod(0o700)
    return write


@pytest.fixture(name='compiler')
def native_compiler():
    if not _compilers.compilers(MACHINE):
        pytest.skip('no C compiler here')


VERSION = 'case "$*" in *--version) echo pretender 1; exit;; esac'


# A compiler that notes each of its builds, and writes what looks like a program of the machine.
def pretender(log, machine=MACHINE, also=''):
    number = _compilers.ELF_MACHINES[machine]
    return (f'{VERSION}\necho built >> {log}\n{also}\n'
            f'while [ "$1" != -o ]; do shift; done\nprintf "\\177ELF\\2\\1aaaaaaaaaaaa\\{number:o}\\0" > "$2"')


def builds(log):
    return log.read_text().splitlines() if log.exists() else []


def test_the_program_runs_and_names_its_source(run_folder, tmp_path, compiler):
    header, body = opened(_build.argument(MACHINE, str(run_folder), retry=True))
    assert header == {'kind': 'binary', 'machine': MACHINE, 'retry': True, 'reason': None}
    (tmp_path / 'program').write_bytes(body)
    (tmp_path / 'program').chmod(0o700)
    found = json.loads(subprocess.run([tmp_path / 'program'], check=True, stdout=subprocess.PIPE, timeout=10).stdout)
    assert found == {'answer': 42, 'source': _compilers.digest(_compilers.source_files())}


@pytest.mark.parametrize('command', [['musl-gcc'], ['gcc'], ['clang'], ['aarch64-linux-gnu-gcc']], ids=' '.join)
def test_two_builds_give_the_same_bytes(command, tmp_path, monkeypatch):
    if not shutil.which(command[0]):
        pytest.skip(f'no {command[0]} here')
    machine = 'aarch64' if 'aarch64' in command[0] else MACHINE
    deadline = _compilers.time.monotonic() + SOON
    command = command + _compilers.FLAGS + _compilers.GNU_FLAGS
    first = _compilers.build(command, machine, _compilers.source_files(), deadline)
    monkeypatch.setenv('CPATH', '/nowhere')
    monkeypatch.setenv('SOURCE_DATE_EPOCH', '1')
    monkeypatch.setattr(_compilers.tempfile, 'tempdir', str(tmp_path))
    assert _compilers.build(command, machine, _compilers.source_files(), deadline) == first
    assert str(tmp_path).encode() not in first


def test_the_collections_own_probe_builds_small_and_the_same_twice(monkeypatch, tmp_path):
    if not shutil.which('musl-gcc'):
        pytest.skip('no musl-gcc here')
    monkeypatch.undo()
    source = _compilers.source_files()
    programs = [_compilers.build(_compilers.compilers(MACHINE)[0], MACHINE, source, _compilers.time.monotonic() + SOON) for _time in range(2)]
    assert programs[0] == programs[1]
    header = {'kind': 'binary', 'machine': MACHINE, 'retry': True, 'reason': None}
    assert len(_build.encode(header, programs[0])) <= 60 * 1024


def test_a_program_is_built_once_for_many_hosts_and_runs(run_folder, tmp_path, tools):
    log = tmp_path / 'log'
    tools('cc', pretender(log))
    first = _build.argument(MACHINE, str(run_folder), retry=True)
    assert _build.argument(MACHINE, str(run_folder), retry=True) == first
    (tmp_path / 'next').mkdir()
    assert _build.argument(MACHINE, str(tmp_path / 'next'), retry=True) == first
    assert len(builds(log)) == 1


def test_after_the_first_host_it_takes_one_file_read(run_folder, tools, monkeypatch):
    _build.argument(MACHINE, str(run_folder), retry=True)
    monkeypatch.setattr(_build, '_found', None)
    monkeypatch.setattr(_build, '_lock', None)
    assert _build.argument(MACHINE, str(run_folder), retry=True)


def test_it_is_built_anew_when_the_source_or_the_compiler_changed(run_folder, tmp_path, tools, source):
    log = tmp_path / 'log'
    for number, change in enumerate([lambda: None, lambda: (source / 'answer.h').write_text('#define ANSWER 43\n'),
                                     lambda: tools('cc', pretender(log).replace('pretender 1', 'pretender 2'))]):
        tools('cc', pretender(log))
        change()
        (run_folder / str(number)).mkdir()
        _build.argument(MACHINE, str(run_folder / str(number)), retry=True)
        assert len(builds(log)) == number + 1


def _in_a_fork(folder, number, answers):
    answers.put(_build.argument(MACHINE, folder, retry=True))


def test_many_forks_at_once_build_it_once(run_folder, tmp_path, tools):
    log = tmp_path / 'log'
    tools('cc', pretender(log, also='sleep 0.5'))
    context = multiprocessing.get_context('fork')
    answers = context.Queue()
    forks = [context.Process(target=_in_a_fork, args=(str(run_folder), number, answers)) for number in range(12)]
    for fork in forks:
        fork.start()
    found = {answers.get(timeout=60) for _fork in forks}
    for fork in forks:
        fork.join(60)
    assert len(found) == 1
    assert len(builds(log)) == 1
    assert opened(found.pop())[0]['kind'] == 'binary'
    assert not [path for path in (tmp_path / 'cache' / 'cloudclock' / 'probe').iterdir() if path.name.startswith('.')]


def test_a_fork_that_died_while_it_built_holds_up_no_other(run_folder, tmp_path, tools):
    tools('cc', pretender(tmp_path / 'log', also=f'[ -e {tmp_path}/second ] || {{ touch {tmp_path}/second; sleep 60; }}'))
    context = multiprocessing.get_context('fork')
    fork = context.Process(target=_in_a_fork, args=(str(run_folder), 0, context.Queue()))
    fork.start()
    start = _compilers.time.monotonic()
    while not (tmp_path / 'second').exists():
        assert _compilers.time.monotonic() - start < 20
    fork.kill()
    fork.join(20)
    assert opened(_build.argument(MACHINE, str(run_folder), retry=True))[0]['kind'] == 'binary'
    assert _compilers.time.monotonic() - start < 30


def test_musl_comes_before_the_others_and_a_cross_compiler_before_nothing(tools):
    for name in ('cc', 'gcc', 'clang', 'musl-gcc', f'{OTHER}-linux-gnu-gcc'):
        tools(name, '')
    assert [os.path.basename(command[0]) for command in _compilers.compilers(MACHINE)] == ['musl-gcc', 'cc', 'gcc', 'clang']
    assert [os.path.basename(command[0]) for command in _compilers.compilers(OTHER)] == [f'{OTHER}-linux-gnu-gcc']


def test_another_systems_own_compiler_is_not_taken(tools, monkeypatch):
    tools('cc', '')
    monkeypatch.setattr(_compilers.sys, 'platform', 'darwin')
    assert not _compilers.compilers(MACHINE)


def test_zig_comes_last(tools, monkeypatch):
    tools('cc', '')
    package = importlib.machinery.ModuleSpec('ziglang', None, is_package=True)
    package.submodule_search_locations.append('/where/ziglang')
    monkeypatch.setattr(_compilers.importlib.util, 'find_spec', lambda name: package if name == 'ziglang' else None)
    assert _compilers.compilers(MACHINE)[-1][:4] == ['/where/ziglang/zig', 'cc', '-target', f'{MACHINE}-linux-musl']
    assert len(_compilers.compilers(OTHER)) == 1


def test_a_compiler_that_fails_is_followed_by_the_next(run_folder, tools, tmp_path):
    tools('musl-gcc', VERSION + '\necho "main.c:1: error: no headers"; exit 1')
    tools('cc', pretender(tmp_path / 'log'))
    assert opened(_build.argument(MACHINE, str(run_folder), retry=True))[0]['kind'] == 'binary'


@pytest.mark.parametrize('script, words', [
    ('echo "main.c:1: error: no headers"; echo later; exit 1', 'no headers'),
    ('exit 3', 'code 3'),
    ('exit 0', 'No such file'),
    (pretender('/dev/null', OTHER), f'does not build for {MACHINE}'),
    ('kill -SEGV $$', 'code -11'),
], ids=['says so', 'says nothing', 'writes nothing', 'builds for another', 'crashes'])
def test_where_all_fail_the_source_goes_with_the_reason(run_folder, tools, script, words, source):
    tools('cc', script)
    header, body = opened(_build.argument(MACHINE, str(run_folder), retry=True))
    assert header['kind'] == 'source' and header['retry'] is True
    assert words in header['reason'] and 'musl-tools' in header['reason']
    assert json.loads(body) == {'answer.h': '#define ANSWER 42\n', 'main.c': MAIN}


def test_without_any_compiler_the_reason_names_what_to_install(run_folder, tools):
    header, _body = opened(_build.argument(OTHER, str(run_folder), retry=True))
    assert header['kind'] == 'source'
    assert f'no C compiler for {OTHER}' in header['reason'] and 'ziglang' in header['reason']


def test_a_compiler_that_hangs_is_given_up_with_all_it_started(run_folder, tools, monkeypatch, tmp_path):
    tools('cc', f'{VERSION}\nsleep 60 & echo $! > {tmp_path}/child; wait')
    monkeypatch.setattr(_build, 'SECONDS', 1)
    start = _compilers.time.monotonic()
    header, _body = opened(_build.argument(MACHINE, str(run_folder), retry=True))
    assert 'not done in time' in header['reason']
    assert _compilers.time.monotonic() - start < 20
    child = int((tmp_path / 'child').read_text())
    while _compilers.time.monotonic() - start < 25 and os.path.exists(f'/proc/{child}/exe') and os.readlink(f'/proc/{child}/exe'):
        _compilers.time.sleep(0.05)
    with pytest.raises(OSError):
        os.readlink(f'/proc/{child}/exe')


def test_a_collection_without_its_probe_says_so(run_folder, source):
    shutil.rmtree(source)
    header, body = opened(_build.argument(MACHINE, str(run_folder), retry=True))
    assert (header['kind'], body) == ('none', b'')
    assert 'without its probe' in header['reason']


def test_the_last_one_sent_may_not_ask_again(run_folder, tools):
    first, again = (opened(_build.argument(MACHINE, str(run_folder), retry=retry)) for retry in (True, False))
    assert again == (dict(first[0], retry=False), first[1])


@pytest.mark.parametrize('spoil', ['unwritable', 'of others', 'no folder'])
def test_a_cache_that_cannot_be_trusted_or_written_is_not_used(run_folder, tools, tmp_path, monkeypatch, spoil):
    log, cache = tmp_path / 'log', tmp_path / 'cache' / 'cloudclock' / 'probe'
    tools('cc', pretender(log))
    if spoil == 'no folder':
        (tmp_path / 'cache').write_text('')
    else:
        cache.mkdir(parents=True)
        if spoil == 'of others':
            cache.chmod(0o777)
        else:
            access = os.access
            monkeypatch.setattr(_build.os, 'access', lambda path, mode: path != cache and access(path, mode))
    assert opened(_build.argument(MACHINE, str(run_folder), retry=True))[0]['kind'] == 'binary'
    _build.argument(MACHINE, str(run_folder), retry=True)
    assert len(builds(log)) == 1
    assert not cache.is_dir() or not list(cache.iterdir())


def test_a_home_that_is_read_only(run_folder, tools, tmp_path, monkeypatch):
    """A real mount: nothing is kept, and this run builds once all the same."""
    home = tmp_path / 'home'
    home.mkdir()
    if os.geteuid():
        pytest.skip('only root can mount')
    if subprocess.call(['/bin/mount', '-t', 'tmpfs', '-o', 'ro,size=1m', 'none', str(home)], stderr=subprocess.DEVNULL):
        pytest.skip('nothing can be mounted here')
    try:
        tools('cc', pretender(tmp_path / 'log'))
        monkeypatch.delenv('XDG_CACHE_HOME')
        monkeypatch.setenv('HOME', str(home))
        assert opened(_build.argument(MACHINE, str(run_folder), retry=True))[0]['kind'] == 'binary'
        _build.argument(MACHINE, str(run_folder), retry=True)
        assert len(builds(tmp_path / 'log')) == 1
    finally:
        subprocess.check_call(['/bin/umount', str(home)])


def test_a_run_folder_that_is_full_or_gone_is_a_reason(tmp_path, tools):
    header, _body = opened(_build.argument(MACHINE, str(tmp_path / 'nowhere'), retry=True))
    assert header['kind'] == 'none'
    assert 'could not make the probe ready' in header['reason']


@pytest.mark.parametrize('spoil', [
    lambda kept: kept.write_bytes(b''),
    lambda kept: kept.write_bytes(kept.read_bytes()[:-1]),
    lambda kept: kept.write_bytes(kept.read_bytes()[:-1] + b'?'),
    lambda kept: kept.chmod(0o666),
    lambda kept: (kept.rename(kept.with_name('elsewhere')), kept.symlink_to('elsewhere')),
], ids=['empty', 'cut short', 'altered', 'writable for all', 'a link'])
def test_a_kept_program_that_is_not_as_it_was_kept_is_built_anew(run_folder, tools, tmp_path, spoil):
    tools('cc', pretender(tmp_path / 'log'))
    first = opened(_build.argument(MACHINE, str(run_folder), retry=True))
    kept, = (tmp_path / 'cache' / 'cloudclock' / 'probe').iterdir()
    spoil(kept)
    for name in ('second', 'third'):
        (tmp_path / name).mkdir()
        assert opened(_build.argument(MACHINE, str(tmp_path / name), retry=True)) == first
    assert len(builds(tmp_path / 'log')) == 2, 'once at first, once where it was spoilt'


def test_the_kept_program_is_for_our_eyes_only(run_folder, tools, tmp_path):
    tools('cc', pretender(tmp_path / 'log'))
    _build.argument(MACHINE, str(run_folder), retry=True)
    cache = tmp_path / 'cache' / 'cloudclock' / 'probe'
    assert cache.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in cache.iterdir()] == [0o600]


def test_zig_for_both_machines(tmp_path):
    if not _compilers.importlib.util.find_spec('ziglang'):
        pytest.skip('ziglang is not installed: it is large, and builds for up to a minute')
    for machine in (MACHINE, OTHER):
        programs = {_compilers.build(_compilers.compilers(machine)[-1], machine, _compilers.source_files(),
                                     _compilers.time.monotonic() + 300) for _time in range(2)}
        assert len(programs) == 1
        assert len(programs.pop()) < 100000
