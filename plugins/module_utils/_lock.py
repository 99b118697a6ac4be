# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time on a machine."""
import errno
import fcntl
import os
import time

PATH = '/run/cloudclock.lock'
PATIENCE = 30.0


class LockError(ValueError):
    """Another run held the lock for all of our patience."""


class Lock:
    """A context manager. The kernel drops the lock with the process, so a killed run leaves none behind.

    Without root's rights nothing can be written and nothing is locked; with another root neither.
    """

    def __init__(self, root, patience=PATIENCE):
        self.path = root.real(PATH) if root.live and os.geteuid() == 0 else None
        self.patience = patience
        self.fd = None

    def __enter__(self):
        if self.path is None:
            return self
        try:
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as exc:
            if exc.errno != errno.EROFS:
                raise
            return self  # a machine or container that is read-only down to /run has its refusals ahead
        end = time.monotonic() + self.patience
        while True:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as exc:
                if exc.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() > end:
                holder = os.read(self.fd, 20).decode('ascii', 'replace').strip() or 'unknown'
                os.close(self.fd)
                raise LockError('another run (pid %s) has held %s for %d s: wait for it to end and run again'
                                % (holder, PATH, self.patience))
            time.sleep(0.1)
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, str(os.getpid()).encode('ascii'), 0)
        return self

    def __exit__(self, *exc_info):
        if self.fd is not None:
            os.close(self.fd)
