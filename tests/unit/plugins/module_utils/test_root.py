# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import stat

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root, RootError


@pytest.fixture
def machine(tmp_path):
    (tmp_path / 'outside').write_text('secret of the host')
    top = tmp_path / 'machine'
    (top / 'etc').mkdir(parents=True)
    (top / 'etc' / 'name').write_text('inside\n')
    return top


def test_absolute_link_is_resolved_inside(machine):
    (machine / 'link').symlink_to('/etc/name')
    assert Root(machine).read('/link') == 'inside\n'


def test_relative_link_is_resolved_inside(machine):
    (machine / 'etc' / 'link').symlink_to('../etc/name')
    assert Root(machine).line('etc/link') == 'inside'


@pytest.mark.parametrize('target', ['../outside', '../../../../etc/hostname', '/../outside'])
def test_link_that_leaves_is_an_error(machine, target):
    (machine / 'link').symlink_to(target)
    with pytest.raises(RootError, match='leaves the root'):
        Root(machine).read('link')


def test_link_of_a_directory_that_leaves_is_an_error(machine):
    (machine / 'var').symlink_to('..')
    with pytest.raises(RootError, match='leaves the root'):
        Root(machine).read('var/outside')


def test_absolute_link_to_the_host_stays_inside(machine, tmp_path):
    (machine / 'link').symlink_to(tmp_path / 'outside')
    assert Root(machine).read('link') is None


def test_dotdot_that_leaves_is_an_error(machine):
    with pytest.raises(RootError, match='leaves the root'):
        Root(machine).read('../outside')


def test_loop_of_links_is_an_error(machine):
    (machine / 'a').symlink_to('b')
    (machine / 'b').symlink_to('a')
    with pytest.raises(RootError, match='too many levels'):
        Root(machine).read('a')


def test_missing_and_strange_files_are_none(machine):
    os.mkfifo(str(machine / 'pipe'))
    root = Root(machine)
    assert [root.read(path) for path in ('nothing', 'etc', 'pipe', 'etc/name/below')] == [None] * 4
    assert root.denied == []


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read every file')
def test_unreadable_file_is_recorded(machine):
    (machine / 'etc' / 'name').chmod(0)
    root = Root(machine)
    assert root.read('etc/name') is None
    assert root.denied == ['/etc/name']


def test_limit_keeps_the_end(machine):
    (machine / 'log').write_text('old' * 100 + 'newest')
    assert Root(machine).read('log', limit=6) == 'newest'


def test_head_keeps_the_beginning(machine):
    (machine / 'cpuinfo').write_text('first' + 'x' * 100)
    assert Root(machine).head('cpuinfo', 5) == 'first'
    assert Root(machine).head('nothing', 5) is None


def test_root_must_be_a_directory(machine):
    with pytest.raises(RootError, match='is not a directory'):
        Root(machine / 'etc' / 'name')


def test_only_the_top_is_live(machine):
    assert Root('/').live
    assert not Root(machine).live


@pytest.mark.parametrize('path', ['', '.', 'machine', '../machine'])
def test_root_must_be_absolute(path):
    with pytest.raises(RootError, match='not an absolute path'):
        Root(path)


@pytest.mark.parametrize('path', ['/..', '/usr/..', '//'])
def test_other_names_of_the_top_are_live(path, tmp_path):
    assert Root(path).live
    (tmp_path / 'link').symlink_to(path)
    assert Root(tmp_path / 'link').live


def test_nothing_is_above_the_running_machine():
    assert Root('/').real('../../proc/./version') == '/proc/version'


@pytest.mark.skipif(os.geteuid() != 0, reason='only root may make devices')
def test_device_is_not_opened(machine, monkeypatch):
    try:
        os.mknod(str(machine / 'log'), 0o600 | stat.S_IFCHR, os.makedev(10, 130))
    except OSError:
        pytest.skip('devices cannot be made here')
    monkeypatch.setattr(os, 'open', None)
    assert Root(machine).read('log') is None


def test_what_a_link_says(tmp_path):
    (tmp_path / 'exe').symlink_to('/usr/bin/python3 (deleted)')
    (tmp_path / 'file').write_text('')
    root = Root(str(tmp_path))
    assert root.link('/exe') == '/usr/bin/python3 (deleted)'
    assert (root.link('file'), root.link('missing')) == (None, None)
    assert Root('/').link('/proc/self/exe')
