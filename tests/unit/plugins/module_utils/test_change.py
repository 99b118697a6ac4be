# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import stat

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._change import Change
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


class Module:
    """The part of AnsibleModule that edits use; ``full`` names files whose move fails as on a full disk."""

    def __init__(self, full=()):
        self.full = full

    def fail_json(self, msg='', **kwargs):
        raise SystemExit(msg)

    def atomic_move(self, src, dest):
        if os.path.basename(dest) in self.full:
            self.fail_json(msg='Could not replace file: No space left on device')
        if os.path.exists(dest):
            os.chmod(src, stat.S_IMODE(os.stat(dest).st_mode))
        os.rename(src, dest)

    def backup_local(self, path):
        with open(path, 'rb') as src, open(path + '.bak', 'wb') as dst:
            dst.write(src.read())
        return path + '.bak'


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'one').write_bytes(b'first\r\n')
    (tmp_path / 'one').chmod(0o640)
    return Root(tmp_path)


def test_apply_and_undo(root, tmp_path):
    change = Change(root)
    change.edit('one', b'second')
    change.edit('new', b'made', mode=0o600)
    backups = change.apply(Module(), backup=True)
    assert (tmp_path / 'one').read_bytes() == b'second'
    assert stat.S_IMODE((tmp_path / 'one').stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / 'new').stat().st_mode) == 0o600
    assert backups == [str(tmp_path / 'one.bak')]
    change.undo(Module())
    assert (tmp_path / 'one').read_bytes() == b'first\r\n'
    assert not (tmp_path / 'new').exists()


def test_failed_apply_puts_back_what_was_written(root, tmp_path):
    (tmp_path / 'two').write_bytes(b'kept')
    change = Change(root)
    change.edit('one', b'second')
    change.edit('new', b'made')
    change.edit('two', b'more')
    with pytest.raises(OSError, match='No space left'):
        change.apply(Module(full=['two']))
    assert (tmp_path / 'one').read_bytes() == b'first\r\n'
    assert (tmp_path / 'two').read_bytes() == b'kept'
    assert sorted(os.listdir(str(tmp_path))) == ['one', 'two']


def test_backup_that_fails_puts_back_what_was_written(root, tmp_path, monkeypatch):
    (tmp_path / 'two').write_bytes(b'kept')
    change = Change(root)
    change.edit('one', b'second')
    change.edit('two', b'more')
    module = Module()
    backup = module.backup_local
    monkeypatch.setattr(module, 'backup_local', lambda path: backup(path) if path.endswith('one') else module.fail_json(
        'Could not make backup'), raising=False)
    with pytest.raises(SystemExit, match='Could not make backup'):
        change.apply(module, backup=True)
    assert (tmp_path / 'one').read_bytes() == b'first\r\n'
    assert (tmp_path / 'two').read_bytes() == b'kept'


def test_undo_goes_on_behind_a_file_that_cannot_be_put_back(root, tmp_path):
    (tmp_path / 'two').write_bytes(b'kept')
    change = Change(root)
    change.edit('one', b'second')
    change.edit('two', b'more')
    change.apply(Module())
    with pytest.raises(OSError, match=r'not put back: two \(.*No space left'):
        change.undo(Module(full=['two']))
    assert (tmp_path / 'one').read_bytes() == b'first\r\n'


def test_equal_edit_is_no_change(root):
    change = Change(root)
    change.edit('one', b'second')
    change.edit('one', b'first\r\n')
    assert not change.changed
    assert change.diff() == []


def test_what_is_no_file_is_not_written_over(root, tmp_path):
    """systemctl mask makes a link to /dev/null; that is a device of everybody's."""
    (tmp_path / 'dev').mkdir()
    os.mkfifo(str(tmp_path / 'dev' / 'null'))
    (tmp_path / 'masked.timer').symlink_to('/dev/null')
    with pytest.raises(OSError, match='/masked.timer is no regular file'):
        Change(root).edit('/masked.timer', b'ours')
    change = Change(root)
    change.edit('/masked.timer', None)
    assert not change.changed


def test_diff_of_a_removed_file(root, tmp_path):
    change = Change(root)
    change.edit('one', None)
    assert change.diff() == [{'before_header': 'one', 'after_header': 'one', 'before': 'first\r\n', 'after': ''}]
    change.apply(Module())
    assert not (tmp_path / 'one').exists()
