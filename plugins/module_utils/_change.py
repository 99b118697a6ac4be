# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of files as one unit: before, after, diff, apply, undo."""
import os
import tempfile


class FileChange:
    """One file's edit. ``before`` and ``after`` are bytes; None means that the file is absent."""

    def __init__(self, path, before, after, mode):
        self.path = path
        self.before = before
        self.after = after
        self.mode = mode


class Change:
    """An ordered set of file edits below a Root. Nothing is written before ``apply``."""

    def __init__(self, root):
        self.root = root
        self._files = {}

    def edit(self, path, after, mode=0o644):
        """Plan that ``path`` holds ``after`` (bytes, None to remove it). ``mode`` is for a new file only. OSError."""
        known = self._files.get(path)
        before = known.before if known else self.root.read_bytes(path)
        if before is None and after is not None and not known and os.path.lexists(self.root.real(path)):
            raise OSError('%s is no regular file, so that it is not written over (a unit that is masked is a link to '
                          '/dev/null)' % path)
        self._files[path] = FileChange(path, before, after, known.mode if known else mode)

    @property
    def files(self):
        return [change for change in self._files.values() if change.before != change.after]

    @property
    def changed(self):
        return bool(self.files)

    def diff(self):
        """The list that Ansible's diff mode prints."""
        return [{'before_header': change.path, 'after_header': change.path,
                 'before': _text(change.before), 'after': _text(change.after)} for change in self.files]

    def apply(self, module, backup=False):
        """Write every edit. Returns the backups' paths.

        On an error what was already written is put back and the error, an OSError, is raised.
        """
        done, backups = [], []
        try:
            for change in self.files:
                real = self.root.real(change.path)
                if backup and change.before is not None:
                    backups.append(module.backup_local(real))
                put(module, real, change.after, change.mode)
                done.append(change)
        except BaseException:  # the module's own fail_json, in backup_local, ends by SystemExit
            self._put_back(module, done)
            raise
        return backups

    def undo(self, module):
        """Put every file back to its bytes before ``apply``."""
        self._put_back(module, self.files)

    def _put_back(self, module, changes):
        failed = []
        for change in reversed(changes):
            try:
                # What was never written is not touched: it may be on a read-only disk.
                if self.root.read_bytes(change.path) != change.before:
                    put(module, self.root.real(change.path), change.before, change.mode)
            except OSError as exc:
                failed.append('%s (%s)' % (change.path, exc.strerror or exc))
        if failed:
            raise OSError('not put back: ' + ', '.join(failed))


def put(module, real, data, mode=0o644):
    """Make the file ``real`` hold ``data`` (None: be absent), atomically and durably.

    An existing file keeps owner, mode and SELinux context (AnsibleModule.atomic_move); a new one gets ``mode``.
    Raises OSError: what stood there before still stands.
    """
    if data is None:
        if os.path.lexists(real):
            os.unlink(real)
            _sync_dir(real)
        return
    exists = os.path.exists(real)
    fd, beside = tempfile.mkstemp(prefix='.cloudclock-', suffix='.tmp', dir=os.path.dirname(real))
    try:
        with os.fdopen(fd, 'wb') as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        if exists:
            _move(module, beside, real)
        else:
            os.chmod(beside, mode)
            os.rename(beside, real)
        _sync_dir(real)
    finally:
        if os.path.lexists(beside):
            os.unlink(beside)


def _move(module, beside, real):
    """``atomic_move`` ends the module on an error; here an error must be raised, so that edits can be put back."""
    def fail_json(msg='', **kwargs):
        raise OSError(msg)
    kept = module.fail_json
    module.fail_json = fail_json
    try:
        module.atomic_move(beside, real)
    finally:
        module.fail_json = kept


def _sync_dir(real):
    fd = os.open(os.path.dirname(real), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _text(data):
    return '' if data is None else data.decode('utf-8', 'replace')
