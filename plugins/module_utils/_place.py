# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a program can be put for the moment of its start."""
import errno
import os
import shutil
import tempfile

# include/uapi/linux/memfd.h. Kernels before 6.3 do not know MFD_EXEC and refuse it by EINVAL.
MFD_CLOEXEC = 1
MFD_EXEC = 0x10
# arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl, include/uapi/asm-generic/unistd.h
MEMFD_CREATE = {'x86_64': 319, 'aarch64': 279, 'i686': 356, 'riscv64': 279}


def folders(module):
    """Ansible's own folder for this task, where the module was not piped in; the one that AnsiballZ itself unpacks in."""
    return [folder for folder in (getattr(module, '_tmpdir', None),) if folder] + [None]


class Folder:
    """A folder of our own below ``parent`` (None: the system's place for such), gone with all in it at the end."""

    def __init__(self, parent=None):
        self.path = tempfile.mkdtemp(prefix='ansible_cloudclock_', dir=parent)

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        shutil.rmtree(self.path, ignore_errors=True)

    def program(self, body):
        """The path of a new executable file. Raises OSError."""
        path = os.path.join(self.path, 'clockprobe')
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        with os.fdopen(fd, 'wb') as handle:
            handle.write(body)
        return path


class Memory:
    """A program in memory (memfd_create, Linux 3.17): enters as (path, descriptor that a child needs for it)."""

    def __init__(self, body):
        self._fd = _memfd()
        with os.fdopen(os.dup(self._fd), 'wb') as handle:
            handle.write(body)

    def __enter__(self):
        return '/proc/self/fd/%d' % self._fd, self._fd

    def __exit__(self, *_unused):
        os.close(self._fd)


def _memfd():
    try:
        return _memfd_create(MFD_CLOEXEC | MFD_EXEC)
    except OSError as exc:
        if exc.errno != errno.EINVAL:
            raise
    return _memfd_create(MFD_CLOEXEC)


def _memfd_create(flags):
    create = getattr(os, 'memfd_create', _by_number)  # from Python 3.8 on, where the C library has it
    return create('clockprobe', flags)


def _by_number(name, flags):
    import ctypes
    number = MEMFD_CREATE.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fd = ctypes.CDLL(None, use_errno=True).syscall(number, name.encode('ascii'), flags)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd
