# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _people
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

STATUS = 'Name:\tserver\nState:\tS (sleeping)\nUid:\t33\t33\t33\t33\nSeccomp:\t2\n'
ID = 'a1' * 32


@pytest.fixture(name='proc')
def machine(tmp_path):
    folder = tmp_path / 'proc' / '7'
    folder.mkdir(parents=True)
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc/passwd').write_text('root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/bin/false\nodd:x:y:\n\nweb:x:33:33::/:\n')
    (folder / 'status').write_text(STATUS)
    (folder / 'comm').write_text('server\n')
    (folder / 'cmdline').write_text('/usr/bin/python3\0/srv/app.py\0--password=hunter2\0')
    (folder / 'cgroup').write_text('12:pids:/\n0::/system.slice/docker-%s.scope\n' % ID)
    (folder / 'maps').write_text('1000-2000 r-xp 00000000 08:01 7 /usr/bin/python3.11\nnonsense\n')
    os.symlink('/usr/bin/python3.11', str(folder / 'exe'))
    return folder


def described(folder, name='server'):
    root = Root(str(folder.parent.parent))
    return _people.describe(root, 7, name, _people.users(root))


def test_a_process(proc):
    found = described(proc)
    assert found.pop('program')() is None
    assert found == {
        'name': 'server', 'command': '/usr/bin/python3 /srv/app.py', 'exe': '/usr/bin/python3.11', 'uid': 33, 'user': 'www',
        'cgroup': '/system.slice/docker-%s.scope' % ID, 'container': ID[:12], 'seccomp': 'filter', 'ended': False,
        'maps': [(0x1000, 0x2000, '/usr/bin/python3.11')]}


@pytest.mark.parametrize('words', ['server --password=hunter2', 'server\0--password=hunter2', 'server\0hunter2\0'])
def test_arguments_are_not_told(proc, words):
    (proc / 'cmdline').write_text(words)
    assert described(proc)['command'] == 'server'


def test_a_process_that_is_gone_keeps_its_name(tmp_path):
    assert _people.describe(Root(str(tmp_path)), 7, 'server', {}) == dict(_people.NOBODY, name='server')


def test_a_number_that_another_process_has_by_now(proc):
    assert described(proc, 'other') == dict(_people.NOBODY, name='other')


@pytest.mark.parametrize('name', ['caf\u00e9', 'a\nb', ' a ', 'bad\udcff', 'q"\\'])
def test_a_name_of_any_bytes_is_the_same_name(proc, name):
    (proc / 'comm').write_bytes(name.encode('utf-8', 'surrogateescape') + b'\n')
    found = described(proc, name)
    assert (found['name'], found['ended']) == (name, False)


def test_a_container_sees_one_process_for_all_outside(tmp_path):
    assert _people.describe(Root(str(tmp_path)), 0, 'ssh', {}) == dict(_people.NOBODY, name=None, ended=None)


def test_a_zombie_has_ended(proc):
    (proc / 'status').write_text(STATUS.replace('S (sleeping)', 'Z (zombie)'))
    assert described(proc)['ended'] is True


def test_a_kernel_without_seccomp(proc):
    (proc / 'status').write_text('State:\tR\nUid:\t1\t1\t1\t1\n')
    found = described(proc, None)
    assert (found['seccomp'], found['user'], found['name']) == (None, None, 'server')


@pytest.mark.parametrize('text, cgroup, container', [
    ('', None, None),
    ('0::/\n', '/', None),
    ('0::/user.slice/user-0.slice/session-1.scope\n', '/user.slice/user-0.slice/session-1.scope', None),
    ('3:cpu:/docker/%s\n1:name=systemd:/docker/%s\n' % (ID, ID), '/docker/' + ID, ID[:12]),
    ('0::/kubepods.slice/pod1/cri-containerd-%s.scope\n' % ID, '/kubepods.slice/pod1/cri-containerd-%s.scope' % ID, ID[:12]),
    ('0::/lxc.payload.web/init.scope\n', '/lxc.payload.web/init.scope', 'web'),
    ('0::/lxc/db/system.slice\n', '/lxc/db/system.slice', 'db'),
    ('0::/machine.slice/machine-box.scope/payload\n', '/machine.slice/machine-box.scope/payload', 'box')])
def test_containers(proc, text, cgroup, container):
    (proc / 'cgroup').write_text(text)
    found = described(proc)
    assert (found['cgroup'], found['container']) == (cgroup, container)


@pytest.mark.parametrize('data, found', [
    (b'\x7fELF __vdso_clock_gettime\0', True), (b'\x7fELF __kernel_clock_gettime\0', True), (b'\x7fELF', False), (b'', None)])
def test_does_a_program_know_the_vdso(proc, data, found):
    os.unlink(str(proc / 'exe'))
    (proc / 'exe').write_bytes(data)
    assert described(proc)['program']() is found


def test_a_program_that_is_too_large_is_not_judged(proc, monkeypatch):
    monkeypatch.setattr(_people, 'MOST_OF_PROGRAM', 3)
    os.unlink(str(proc / 'exe'))
    (proc / 'exe').write_bytes(b'1234')
    assert described(proc)['program']() is None
