# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _clocksource
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / _clocksource.DIRECTORY.lstrip('/')
    directory.mkdir(parents=True)
    (directory / 'current_clocksource').write_text('hpet\n')
    (directory / 'available_clocksource').write_text('tsc hpet acpi_pm \n')
    return Root(tmp_path)


def test_read(root):
    assert _clocksource.read(root) == {'current': 'hpet', 'available': ['tsc', 'hpet', 'acpi_pm'], 'writable': True}


def test_no_sysfs(tmp_path):
    assert _clocksource.read(Root(tmp_path)) is None


def test_switch_writes_one_line_and_reads_back(root):
    assert _clocksource.switch(root, 'tsc') == 'tsc'
    assert root.read(_clocksource.CURRENT).startswith('tsc\n')


@pytest.mark.parametrize('name', ['', ' ', 'tsc hpet', 'tsc\n', 'x' * 32])
def test_names_that_are_no_word(name):
    with pytest.raises(ValueError, match='not a clocksource name'):
        _clocksource.check_name(name)


def test_longest_name_that_the_kernel_takes():
    _clocksource.check_name('x' * 31)


def test_watch_ends_when_the_source_moves(root):
    assert _clocksource.watch(root, 'tsc', 60) == 'hpet'
    assert _clocksource.watch(root, 'hpet', 0) == 'hpet'
