# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the commands of another root can run by chroot."""
import os


def check(root):
    """ValueError unless commands of the tree can run by chroot: our architecture, an init, /dev and /proc mounted."""
    inits = [path for path in ('/sbin/init', '/lib/systemd/systemd', '/usr/lib/systemd/systemd', '/bin/sh')
             if os.path.isfile(root.real(path))]
    if not inits or inits == ['/bin/sh']:
        raise ValueError('regenerate: there is no init below %s, so it is not a whole system' % root.path)
    if _machine(root.real(inits[-1])) != _machine('/proc/self/exe'):
        raise ValueError('regenerate: %s holds a system of another architecture' % root.path)
    for path in ('/dev', '/proc'):
        if not os.path.ismount(root.real(path)):
            raise ValueError('regenerate: %s is not mounted below %s' % (path, root.path))


def _machine(path):
    """The word size, byte order and machine of an ELF file's header."""
    with open(path, 'rb') as handle:
        head = handle.read(20)
    return head[:6] + head[18:20] if head[:4] == b'\x7fELF' else None
