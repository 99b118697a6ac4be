# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only opener of files: everything below one directory that holds a machine.

On a live machine that directory is ``/``; elsewhere it is a mounted image, a
sosreport or a recorded machine. Links are resolved inside it, as in a chroot,
with one difference: a path that climbs out of it is an error, not its top.
"""
import errno
import os
import stat

# Linux follows at most 40 links in one path (include/linux/namei.h, MAXSYMLINKS).
MAX_LINKS = 40


class RootError(ValueError):
    """A link or ``..`` that leaves the root, or a loop of links."""


class Root:
    """A machine's files. Every path given is relative to the root; a leading ``/`` is allowed."""

    def __init__(self, path='/'):
        # Where a module's working directory is, is nobody's business; an empty path would be it.
        if not os.path.isabs(path):
            raise RootError('root: %r is not an absolute path' % str(path))
        self.path = os.path.realpath(path)
        if not os.path.isdir(self.path):
            raise RootError('root: %s is not a directory' % path)
        self.live = self.path == '/'
        self.denied = []

    def real(self, path):
        """The host's path of ``path``, with every link resolved inside the root.

        Missing parts are kept as they are. Raises RootError for a path that leaves the root.
        """
        todo = _parts(path)
        done = []
        links = 0
        while todo:
            part = todo.pop(0)
            if part == '..':
                if not done and self.live:
                    continue
                if not done:
                    raise RootError('%s leaves the root %s' % (path, self.path))
                done.pop()
                continue
            here = os.path.join(self.path, *(done + [part]))
            try:
                target = os.readlink(here)
            except OSError:
                done.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise RootError('%s: too many levels of symbolic links' % path)
            if target.startswith('/'):
                done = []
            todo = _parts(target) + todo
        return os.path.join(self.path, *done)

    def _open(self, path):
        """A descriptor of a regular file, or None when it is missing or something else."""
        real = os.path.join('/', path) if self.path == '/' else self.real(path)
        try:
            # To open a device can act on it (a watchdog starts, a tape winds back), and a root can hold any.
            if not self.live and not stat.S_ISREG(os.stat(real).st_mode):
                return None
            fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            if exc.errno in (errno.EACCES, errno.EPERM):
                self.denied.append('/' + '/'.join(_parts(path)))
            if exc.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            return None
        return fd

    def read_bytes(self, path, limit=None):
        """The file's bytes (the last ``limit`` of them), None when it is missing; OSError when it cannot be read."""
        fd = self._open(path)
        if fd is None:
            return None
        with os.fdopen(fd, 'rb') as handle:
            size = os.fstat(fd).st_size
            if limit is not None and size > limit:
                handle.seek(size - limit)
            return handle.read()

    def head(self, path, size):
        """The text of the first ``size`` bytes at most: /proc/cpuinfo is made as it is read, CPU by CPU."""
        try:
            fd = self._open(path)
        except OSError:
            return None
        if fd is None:
            return None
        with os.fdopen(fd, 'rb', 0) as handle:
            return handle.read(size).decode('utf-8', 'surrogateescape')

    def read(self, path, limit=1 << 20):
        """The file's text, at most its last ``limit`` bytes; None when it is missing or cannot be read."""
        try:
            data = self.read_bytes(path, limit)
        except OSError:
            return None
        return None if data is None else data.decode('utf-8', 'surrogateescape')

    def line(self, path):
        """The file's text without surrounding white space and NULs (device tree strings end in one), or None."""
        text = self.read(path)
        return None if text is None else text.replace('\0', ' ').strip()

    def link(self, path):
        """What a symbolic link says, as it says it; None where it is none or cannot be read."""
        try:
            return os.readlink(os.path.join('/', path) if self.live else os.path.join(
                self.real(os.path.dirname(path)), os.path.basename(path)))
        except OSError:
            return None

    def exists(self, path):
        return os.path.lexists(self.real(path))

    def isdir(self, path):
        return os.path.isdir(self.real(path))

    def missing_folders(self, paths):
        """The folders that files at ``paths`` need and that are not there, outermost first."""
        missing = []
        for path in paths:
            chain, folder = [], os.path.dirname(path)
            while folder not in ('', '/') and not self.isdir(folder):
                chain.append(folder)
                folder = os.path.dirname(folder)
            missing += [folder for folder in reversed(chain) if folder not in missing]
        return missing

    def listdir(self, path):
        """The sorted names in a directory, [] when it is missing or cannot be read."""
        try:
            return sorted(os.listdir(self.real(path)))
        except OSError:
            return []


def _parts(path):
    return [part for part in path.split('/') if part not in ('', '.')]


def printable(value):
    """``value`` with ``?`` for each byte that is no UTF-8: firmware and programs have such, the controller takes none."""
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value.encode('utf-8', 'replace').decode('utf-8') if isinstance(value, str) else value
