# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network namespace of our own, in which 169.254.169.254 is whatever a test makes of it."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
REPO = HERE.parent.parent
LINK_LOCAL = '169.254.169.254'
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000


def why_not():
    if not sys.platform.startswith('linux') or os.geteuid() != 0:
        return 'network namespaces need root'
    if not shutil.which('ip'):
        return 'ip (package iproute2) is not installed'
    made = subprocess.run(['unshare', '--net', 'true'], check=False, stderr=subprocess.PIPE, timeout=10)
    return made.stderr.decode().strip() if made.returncode else None


class Namespace:
    """A namespace with 169.254.169.254 on lo and a server of ours there, or with a hole in its place."""

    def __init__(self, name, folder):
        self.name = name
        self.log = folder / 'log'
        self.log.touch()
        self.server = None
        self.hole = None
        self.run('ip', 'link', 'set', 'lo', 'up')

    def run(self, *command, timeout=60, **options):
        done = subprocess.run(['ip', 'netns', 'exec', self.name] + list(command), check=False, timeout=timeout,
                              stdout=subprocess.PIPE, **options)
        assert done.returncode == 0, done.stdout.decode()
        return done.stdout.decode()

    def serve(self, protocol):
        """Starts the server (or, for 'absent' and 'blackhole', only the watch over packets)."""
        if protocol == 'blackhole':
            self._dig()
        elif protocol != 'absent':
            self.run('ip', 'address', 'add', LINK_LOCAL + '/32', 'dev', 'lo')
        self.server = subprocess.Popen(
            ['ip', 'netns', 'exec', self.name, 'timeout', '60', sys.executable, str(HERE / 'metadata_server.py'),
             protocol, str(self.log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.server.stdout.readline() == b'ready\n'
        return self

    def _dig(self):
        """A default route into a tunnel whose other end is ours and never answers: a SYN leaves, nothing returns."""
        if not os.path.exists('/dev/net/tun'):
            pytest.skip('/dev/net/tun is missing: no black hole can be made')
        outside = os.open('/proc/self/ns/net', os.O_RDONLY)
        inside = os.open('/run/netns/' + self.name, os.O_RDONLY)
        try:
            _setns(inside)
            self.hole = os.open('/dev/net/tun', os.O_RDWR)
            fcntl.ioctl(self.hole, TUNSETIFF, struct.pack('16sH22x', b'hole0', IFF_TUN | IFF_NO_PI))
        finally:
            _setns(outside)
            os.close(outside)
            os.close(inside)
        self.run('ip', 'link', 'set', 'hole0', 'addrgenmode', 'none', 'up')
        self.run('ip', 'address', 'add', '192.0.2.2/24', 'dev', 'hole0')
        self.run('ip', 'route', 'add', 'default', 'dev', 'hole0')

    def events(self, *kinds):
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [row for row in rows if row['kind'] in kinds] if kinds else rows

    def remove(self):
        if self.server:
            self.server.stdin.close()
            try:
                self.server.wait(5)
            except subprocess.TimeoutExpired:
                self.server.send_signal(signal.SIGKILL)
                self.server.wait(5)
            self.server.stdout.close()
        if self.hole is not None:
            os.close(self.hole)
        subprocess.run(['ip', 'netns', 'delete', self.name], check=True, timeout=10)


def _setns(descriptor):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000):                  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), 'setns')
