# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End the machine of a directory by its pid file, and remove the directory."""

import os
import shutil
import signal
import sys
import time


def main():
    directory = os.path.abspath(sys.argv[1])
    pid = machine_pid(directory)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if pid and alive(pid, directory):
            os.kill(pid, number)
            wait_for_end(pid, directory)
    shutil.rmtree(directory, ignore_errors=True)


def machine_pid(directory):
    try:
        with open(os.path.join(directory, 'pid'), encoding='ascii') as line:
            return int(line.read())
    except (OSError, ValueError):
        return None


def alive(pid, directory):
    """Is this still our QEMU? A pid file outlives its process, and the number may belong to another one now."""
    try:
        return os.readlink(f'/proc/{pid}/cwd') == directory
    except OSError:
        return False


def wait_for_end(pid, directory):
    deadline = time.monotonic() + 10
    while alive(pid, directory) and time.monotonic() < deadline:
        time.sleep(0.1)


if __name__ == '__main__':
    main()
