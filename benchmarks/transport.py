# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ssh transport for everything that is compared, and the accounts of what ran over it.

Without a host of the operator's, an sshd of our own listens on a loopback port, with keys of its own, for as long as the
benchmark runs. All commands share one connection (ControlPersist) and pipelining, as ansible.cfg has it.
"""
from __future__ import annotations

import contextlib
import getpass
import json
import os
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TICK = os.sysconf('SC_CLK_TCK')


def controller_seconds() -> float:
    """CPU seconds of this process and of its children that have ended. The shared connection's ssh is in neither."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def account(reader: list[str]) -> float:
    """CPU seconds of the target's end of the connection, with all that ran below it and has ended.

    reader: a command over that connection. Its shell is a child of the session's sshd, whose own line in /proc has them as
    utime, stime, cutime and cstime (fields 14–17, proc(5)), in ticks of 10 ms; the kernel adds up before it rounds.
    """
    stat = subprocess.run(reader, check=True, timeout=30, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
    fields = stat.rpartition(')')[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK


class Transport:
    """A host to run on: `destination` is what ssh takes, as in `root@127.0.0.1 -p 2222 -i key`."""

    def __init__(self, folder: Path, destination: str) -> None:
        self.folder = folder
        self.trips = folder / 'trips'
        self.trips.touch()
        options = ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                   '-o', 'LogLevel=ERROR', '-o', 'ControlMaster=auto', '-o', 'ControlPersist=120',
                   '-o', f'ControlPath={folder}/mux']
        words = shlex.split(destination)
        self.host, extra = words[0], words[1:]
        self.ssh = ['ssh', *options, *extra, self.host]
        self.reader = [*self.ssh, 'cat /proc/$PPID/stat']
        # Ansible's ssh goes through this, so that its round trips can be counted.
        counting = folder / 'ssh'
        counting.write_text(f'#!/bin/sh\necho >>{self.trips}\nexec ssh "$@"\n')
        counting.chmod(0o700)
        self.inventory = folder / 'hosts.json'
        self.inventory.write_text(json.dumps({'all': {'hosts': {'target': {
            'ansible_host': self.host.rpartition('@')[2],
            'ansible_user': self.host.rpartition('@')[0] or getpass.getuser(),
            'ansible_ssh_executable': str(counting),
            'ansible_ssh_args': shlex.join([*options, *extra]),
            'ansible_python_interpreter': '/usr/bin/python3',
        }}}}))
        subprocess.run([*self.ssh, 'true'], check=True, timeout=60, stdin=subprocess.DEVNULL)

    def close(self) -> None:
        subprocess.run([*self.ssh[:-1], '-O', 'exit', self.host], check=False, timeout=10, stderr=subprocess.DEVNULL)

    def play(self, playbook: Path, arguments: list[str] | None = None, by_task: bool = False, seconds: int = 900) -> dict:
        """Run a playbook; returns wall, controller, target (seconds), trips, tasks (the meter's rows), code, text."""
        log = self.folder / 'meter.jsonl'
        log.unlink(missing_ok=True)
        environment = dict(os.environ, ANSIBLE_CONFIG=str(HERE / 'ansible.cfg'), METER_LOG=str(log),
                           ANSIBLE_CALLBACK_PLUGINS=str(HERE / 'benchmarks/callback_plugins'),
                           ANSIBLE_CALLBACKS_ENABLED='meter', ANSIBLE_LIBRARY=str(HERE / 'benchmarks/library'),
                           PYTHONPATH=str(HERE / 'benchmarks'))
        if by_task:
            environment['METER_ACCOUNT'] = json.dumps(self.reader)
        command = [str(Path(sys.executable).parent / 'ansible-playbook'), '-i', str(self.inventory), str(playbook), *(arguments or [])]
        trips, target = self.trips.stat().st_size, account(self.reader)
        start, used = time.monotonic(), controller_seconds()
        done = subprocess.run(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, check=False)
        wall, used = time.monotonic() - start, controller_seconds() - used
        rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()] if log.exists() else []
        return {'wall': wall, 'controller': used, 'target': account(self.reader) - target,
                'trips': self.trips.stat().st_size - trips, 'tasks': rows, 'code': done.returncode,
                'text': done.stdout.decode(errors='replace')}


@contextlib.contextmanager
def transport(destination: str | None):
    """A Transport to `destination` or, without one, to an sshd of our own on a loopback port."""
    folder = Path(tempfile.mkdtemp(prefix='clock-'))
    server = None
    connection = None
    try:
        if destination is None:
            server, destination = own_sshd(folder)
        connection = Transport(folder, destination)
        yield connection
    finally:
        if connection:
            connection.close()
        if server:
            server.terminate()
            server.wait(10)
        shutil.rmtree(folder)


def own_sshd(folder: Path) -> tuple[subprocess.Popen, str]:
    binary = shutil.which('sshd', path='/usr/sbin:/usr/local/sbin:' + os.environ.get('PATH', ''))
    if not binary:
        sys.exit('not run: needs an sshd, for a private one on a loopback port (apt-get install openssh-server),'
                 ' or a host by --ssh')
    for name in ('host', 'user'):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', str(folder / name)], check=True, timeout=30)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    settings = folder / 'sshd_config'
    settings.write_text(f'Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nStrictModes no\n'
                        f'AuthorizedKeysFile {folder}/user.pub\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n'
                        f'UsePAM no\nMaxSessions 50\nMaxStartups 500\nSetEnv HOME={folder}\n')  # bash under sshd would run ~/.bashrc
    if os.geteuid() == 0:
        Path('/run/sshd').mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen([binary, '-D', '-e', '-f', str(settings)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _try in range(100):
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), timeout=1):
            break
        time.sleep(0.05)
    return server, f'{getpass.getuser()}@127.0.0.1 -p {port} -i {folder}/user'
