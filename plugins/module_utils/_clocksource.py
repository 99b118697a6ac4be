# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's clocksource in sysfs: read, switch, read back."""
import os
import time

DIRECTORY = '/sys/devices/system/clocksource/clocksource0'
CURRENT = DIRECTORY + '/current_clocksource'
AVAILABLE = DIRECTORY + '/available_clocksource'
# kernel/time/clocksource.c: CS_NAME_LEN is 32, a longer name gives EINVAL.
NAME_LENGTH = 32


def read(root):
    """``{'current': name, 'available': [names], 'writable': bool}``, or None where the kernel has no such directory.

    The kernel keeps ``available`` in the order of its ratings and, left to itself, takes the first one
    (kernel/time/clocksource.c: clocksource_enqueue, clocksource_find_best).
    """
    current = root.line(CURRENT)
    available = root.line(AVAILABLE)
    if current is None and available is None:
        return None
    return {'current': current or None,
            'available': (available or '').split(),
            'writable': os.access(root.real(CURRENT), os.W_OK)}


def check_name(name):
    """Raises ValueError for what the kernel would not take as one word."""
    if not name or len(name) >= NAME_LENGTH or name.split() != [name]:
        raise ValueError('%r is not a clocksource name: one word of 1 to %d characters'
                         % (name, NAME_LENGTH - 1))


def switch(root, name):
    """Ask the kernel for ``name``; '' drops the override and gives the choice back to the kernel.

    Returns the source that the kernel then reads. The kernel answers a name that it does not know, or that it
    refuses, with success: only what is read back tells. OSError where sysfs is read-only.
    """
    fd = os.open(root.real(CURRENT), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, (name + '\n').encode('ascii'))
    finally:
        os.close(fd)
    return root.line(CURRENT)


def watch(root, name, seconds):
    """Look for ``seconds`` whether the source stays ``name``; returns the source last seen."""
    end = time.monotonic() + seconds
    while True:
        current = root.line(CURRENT)
        left = end - time.monotonic()
        if current != name or left <= 0:
            return current
        time.sleep(min(0.1, left))
