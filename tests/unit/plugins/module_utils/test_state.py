# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import stat

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _state
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


class Module:
    fail_json = None

    @staticmethod
    def atomic_move(src, dest):
        os.rename(src, dest)


def test_first_record_stays(tmp_path):
    root = Root(tmp_path)
    assert _state.remember(root, Module(), 'clocksource', {'source': 'hpet'}) is True
    assert _state.remember(root, Module(), 'clocksource', {'source': 'tsc'}) is False
    assert _state.load(root) == {'clocksource': {'source': 'hpet'}}


def test_record_is_private(tmp_path):
    _state.remember(Root(tmp_path), Module(), 'unit', {})
    path = tmp_path / _state.PATH.lstrip('/')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_last_key_takes_the_file_with_it(tmp_path):
    root = Root(tmp_path)
    _state.remember(root, Module(), 'a', 1)
    _state.update(root, Module(), 'b', 2)
    _state.forget(root, Module(), 'a')
    assert _state.load(root) == {'b': 2}
    _state.forget(root, Module(), 'b')
    assert not (tmp_path / _state.PATH.lstrip('/')).parent.exists()


@pytest.mark.parametrize('text', ['{"clocksource"', '[]', '\x00', '[' * 200000, ''])
def test_damaged_record_is_an_error(tmp_path, text):
    path = tmp_path / _state.PATH.lstrip('/')
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match='move it away'):
        _state.load(Root(tmp_path))


def test_disk_that_is_full_is_named_with_the_file(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(_state, 'put', full)
    with pytest.raises(OSError, match=r'state\.json cannot be written: No space left on device'):
        _state.remember(Root(tmp_path), Module(), 'clocksource', {})


def test_check_mode_sees_what_would_stop_the_record(tmp_path, monkeypatch):
    root = Root(tmp_path)
    _state.ready(root, 'clocksource')
    assert os.listdir(str(tmp_path)) == []
    monkeypatch.setattr(_state.os, 'access', lambda path, mode: False)
    with pytest.raises(OSError, match='cannot be written: .* is read-only'):
        _state.ready(root, 'clocksource')
    _state.remember(root, Module(), 'clocksource', {})
    _state.ready(root, 'clocksource')
    with pytest.raises(OSError, match='cannot be written'):
        _state.ready(root, 'kernel_cmdline')
