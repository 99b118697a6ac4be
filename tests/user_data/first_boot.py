# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine at its first boot: this one in a mount namespace.

Folders of ours lie over its clocksource, its units and /usr/local/lib, and stand-ins are found before systemctl and its
kind. A folder of ordinary files takes any name and keeps it, so that says what the user data asks, writes and installs; what
a kernel and systemd make of it is the scenario `user-data`'s.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
COMMIT = '0123456789abcdef0123456789abcdef01234567'
PULL = {'user_data_method': 'pull', 'user_data_repository': 'https://git.example/clocks.git', 'user_data_version': COMMIT}
UNIT = {'clocksource_name': 'tsc'}
SHELLS = [shell for shell in (['dash'], ['bash'], ['busybox', 'sh']) if shutil.which(shell[0])]


# A stand-in says how it was called, and answers as the file of its name in the folder of answers does.
STAND_IN = '#!/bin/sh\necho "${0##*/} $*" >>/mnt/calls\n[ ! -e "/mnt/answers/${0##*/}" ] || . "/mnt/answers/${0##*/}"\n'
STAND_INS = ('systemctl', 'systemd-detect-virt', 'dmesg', 'journalctl', 'logger', 'sleep')
PATHS = '/mnt:/usr/sbin:/usr/bin:/sbin:/bin'
# Ours may be below /tmp, so that is the last.
PLACES = {'cmdline': '/proc/cmdline', 'sys': '/sys/devices/system/clocksource/clocksource0', 'units': '/etc/systemd/system',
          'lib': '/usr/local/lib', 'run': '/run', 'mnt': '/mnt', 'tmp': '/tmp'}
MOUNTS = """set -e
while [ "$1" != -- ]; do
    mount --bind "$1" "$2"
    shift 2
done
shift
exec "$@"
"""


def why_not():
    """Why there can be no such machine here, or None."""
    missing = [place for place in PLACES.values() if not os.path.exists(place)]
    if missing:
        return 'there is no ' + missing[0]
    if os.geteuid() or not shutil.which('unshare'):
        return 'mounts of our own take root and unshare'
    tried = subprocess.run(['unshare', '--mount', 'mount', '--bind', '/dev/null', '/proc/cmdline'], stderr=subprocess.PIPE,
                           encoding='utf-8', timeout=20, check=False)
    return tried.stderr.strip() if tried.returncode else None


class Machine:
    """``here`` is a folder; ``places`` says what of it lies where."""

    def __init__(self, here: Path) -> None:
        self.here, self.places, self.mnt = here, dict(PLACES), here / 'mnt'
        for name in ('sys', 'units', 'lib', 'run/systemd/system', 'mnt/answers', 'tmp'):
            (here / name).mkdir(parents=True)
        for name in STAND_INS:
            (self.mnt / name).write_text(STAND_IN)
            (self.mnt / name).chmod(0o755)
        self.offers('hpet tsc acpi_pm', 'hpet')
        (here / 'cmdline').write_text('quiet clocksource=hpet\n')
        self.answer('systemd-detect-virt', 'exit 1')
        self.answer('dmesg', 'echo "[    0.000000] Linux version 6.12.0"')

    def offers(self, available, current):
        (self.here / 'sys' / 'available_clocksource').write_text(available + ' \n')
        (self.here / 'sys' / 'current_clocksource').write_text(current + '\n')

    def answer(self, name, script):
        (self.mnt / 'answers' / name).write_text(script + '\n')

    def boot(self, text, shell=('sh',), seconds=60, **environment):
        """Run the user data: ``(what it said of itself, all that was printed)``."""
        (self.mnt / 'user-data').write_text(text)
        (self.mnt / 'calls').write_text('')
        mounts = [str(word) for name, place in self.places.items() for word in (self.here / name, place)]
        done = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MOUNTS, 'sh', *mounts, '--',
                               *shell, '/mnt/user-data'], env=dict(environment, PATH=PATHS), stdin=subprocess.DEVNULL, cwd='/',
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=seconds, check=False)
        assert done.returncode == 0, done.stdout
        assert list((self.here / 'tmp').iterdir()) == []
        said = [line[12:] for line in done.stdout.splitlines() if line.startswith('cloudclock: ')]
        assert [line.split(' -- ')[1] for line in self.calls('logger')] == said
        return said, done.stdout

    def calls(self, name):
        lines = (self.mnt / 'calls').read_text().splitlines()
        return [line.partition(' ')[2] for line in lines if line.partition(' ')[0] == name]

    def current(self):
        return (self.here / 'sys' / 'current_clocksource').read_text().strip()

    def files(self):
        return sorted(str(path.relative_to(self.here)) for name in ('units', 'lib') for path in (self.here / name).rglob('*'))
