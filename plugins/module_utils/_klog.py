# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's messages of the present boot."""
import os
import stat

KMSG = '/dev/kmsg'
# Documentation/admin-guide/devices.txt: 1:11. Containers put a link to their console, or /dev/null, in its place.
DEVICE = os.makedev(1, 11)
# Documentation/ABI/testing/dev-kmsg: one read gives one record, of at most 8 KiB (kernel/printk/printk.c).
RECORD = 8192
# CONFIG_LOG_BUF_SHIFT is at most 25; no machine seen had more than some ten thousand records.
MOST_RECORDS = 200000


def read(root):
    """``(lines, complete)``: messages as ``[seconds] text``, and whether they reach back to the boot.

    ``(None, None)`` where they cannot be read. A record in /dev/kmsg begins ``6,0,0,-;Linux version 6.1.0``:
    priority, sequence number, microseconds, flags; number 0 is the boot's first message. Below another root the
    file that a boot left is read as it is, and its reader judges how far back it goes.
    """
    if not root.live:
        text = _kept(root)
        return (None, None) if text is None else (text.splitlines(), None)
    try:
        fd = os.open(KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return None, None
    try:
        seen = os.fstat(fd)
        if not stat.S_ISCHR(seen.st_mode) or seen.st_rdev != DEVICE:
            return None, None
        return _records(fd)
    finally:
        os.close(fd)


def _kept(root):
    """The messages that files keep: kern.log where it holds a boot's first message, else dmesg and what followed."""
    kern, dmesg = (root.read('/var/log/' + name, limit=16 << 20) for name in ('kern.log', 'dmesg'))
    if kern is None or dmesg is None:
        return dmesg if kern is None else kern
    return kern if 'Linux version' in kern else dmesg + '\n' + kern


def _records(fd):
    lines, complete = [], None
    for dummy in range(MOST_RECORDS):
        try:
            record = os.read(fd, RECORD)
        except BlockingIOError:
            return lines, complete
        except OSError:
            # EPIPE: records were overwritten while we read; the next read goes on behind them.
            complete = False
            continue
        head, separator, text = record.partition(b';')
        fields = head.split(b',')
        if complete is None:
            complete = fields[1] == b'0'
        # a user space process may write here as well: only facility 0 is the kernel's.
        if int(fields[0]) >> 3 == 0:
            line = text.split(b'\n', 1)[0].decode('utf-8', 'replace')
            lines.append('[%12.6f] %s' % (int(fields[2]) / 1e6, line))
    return lines, False
