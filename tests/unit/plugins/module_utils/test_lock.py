# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._lock import Lock, LockError
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / 'run').mkdir()
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    root = Root(tmp_path)
    root.live = True
    return root


def test_second_run_is_told_who_holds_the_lock(root):
    with Lock(root):
        with pytest.raises(LockError, match='another run .pid %d.' % os.getpid()):
            with Lock(root, patience=0.1):
                pass
    with Lock(root, patience=0):
        pass


def test_link_in_place_of_the_lock_is_not_followed(root, tmp_path):
    (tmp_path / 'run' / 'target').write_text('kept')
    lock = Lock(root)
    (tmp_path / 'run' / 'cloudclock.lock').symlink_to('target')
    with pytest.raises(OSError):
        with lock:
            pass
    assert (tmp_path / 'run' / 'target').read_text() == 'kept'


def test_another_root_is_not_locked(tmp_path):
    with Lock(Root(tmp_path)):
        assert list(tmp_path.iterdir()) == []
