# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a machine's kernel register its TSC late, by reading slowly what QEMU tells of the HPET.

Before a kernel offers the TSC it compares it with the HPET for a second, and begins anew when a read of the HPET took
more than 31 us (arch/x86/kernel/tsc.c: tsc_read_refs, tsc_refine_calibration_work). QEMU traces each read in two lines
into a pipe that can be made to hold one only: then a read takes as long as this program lets the first line lie. It
does so in boots for which the file named by its argument says so, from a second after the kernel turned the HPET on
(its first look at the TSC must succeed, else it marks it unstable) for as many seconds as stand in the file. Words
that are no trace go to standard output.
"""
import contextlib
import fcntl
import os
import select
import sys
import time

EVENTS = ('hpet_ram_read', 'hpet_ram_read_reading_counter', 'hpet_ram_write')
TURNED_ON = b'hpet_ram_write enter hpet_ram_writel at 0x10 = 0x1\n'
F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ is there since Python 3.10
ONE_LINE, MANY_LINES = 4096, 1 << 20
GRACE = 1.0
PAUSE = 0.0002


def pipe():
    """In packet mode each write takes a page: the size says how many lines lie there before a writer has to wait."""
    reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    fcntl.fcntl(reader, F_SETPIPE_SZ, MANY_LINES)
    return reader, writer


def wished(path):
    try:
        with open(path, encoding='ascii') as seconds:
            return float(seconds.read())
    except OSError:
        return 0


def main():
    begin = end = 0
    slow = False
    while True:
        select.select([0], [], [])
        if slow != (begin < time.monotonic() < end):
            # A pipe that holds more lines at the moment refuses: the next turn tries again.
            with contextlib.suppress(OSError):
                fcntl.fcntl(0, F_SETPIPE_SZ, MANY_LINES if slow else ONE_LINE)
                slow = not slow
        if slow:
            time.sleep(PAUSE)
        line = os.read(0, 4096)
        if not line:
            return
        if line == TURNED_ON:
            begin = time.monotonic() + GRACE
            end = begin + wished(sys.argv[1])
        elif not line.startswith(b'hpet_'):
            os.write(1, line)


if __name__ == '__main__':
    main()
