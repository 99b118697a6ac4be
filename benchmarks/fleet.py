# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a converged fix costs over many hosts, beside `ansible -m setup` over the same ones, in turns.

The hosts are this machine over and over, behind one sshd on a loopback port: each has a connection, a Python and a module
run of its own, and all share these processors.
"""
from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from transport import HERE, controller_seconds, own_sshd

FORKS = 20


def inventory(folder: Path, destination: str, count: int) -> Path:
    words = shlex.split(destination)
    user, port, key = words[0].partition('@')[0], words[words.index('-p') + 1], words[words.index('-i') + 1]
    shared = {'ansible_host': words[0].partition('@')[2], 'ansible_user': user, 'ansible_port': port, 'ansible_ssh_private_key_file': key,
              'ansible_python_interpreter': '/usr/bin/python3',
              'ansible_ssh_args': '-o ControlMaster=auto -o ControlPersist=120 -o StrictHostKeyChecking=no '
                                  '-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'}
    path = folder / 'hosts.json'
    path.write_text(json.dumps({'all': {'vars': shared, 'hosts': {
        f'host{number:03}': {'ansible_control_path': f'{folder}/{number}'} for number in range(count)}}}))
    return path


def run(command: list[str]) -> tuple[float, float]:
    """Wall and controller seconds. The first words of a run that failed end the benchmark."""
    environment = dict(os.environ, ANSIBLE_CONFIG=str(HERE / 'ansible.cfg'))
    start, used = time.monotonic(), controller_seconds()
    done = subprocess.run(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=900, check=False)
    if done.returncode:
        sys.exit(f'{shlex.join(command)} failed:\n{done.stdout.decode(errors="replace")[-3000:]}')
    return time.monotonic() - start, controller_seconds() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hosts', type=int, default=100)
    parser.add_argument('--rounds', type=int, default=2)
    options = parser.parse_args()
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix='clock-') as name:
        folder = Path(name)
        server, destination = own_sshd(folder)
        try:
            hosts = inventory(folder, destination, options.hosts)
            common = ['-i', str(hosts), '--forks', str(FORKS)]
            commands = {
                'setup': [str(tools / 'ansible'), *common, 'all', '-m', 'ansible.builtin.setup'],
                'fix-clocksource': [str(tools / 'ansible-playbook'), *common, 'playbooks/fix-clocksource.yml',
                                    '-e', 'clocksource_serial=100%'],
            }
            run([str(tools / 'ansible'), *common, 'all', '-m', 'ansible.builtin.ping'])
            seen: dict[str, list[tuple[float, float]]] = {label: [] for label in commands}
            for _round in range(options.rounds):
                for label, command in commands.items():
                    seen[label].append(run(command))
        finally:
            server.terminate()
            server.wait(10)
    medians = {label: statistics.median(wall for wall, used in rows) for label, rows in seen.items()}
    print(f'{options.hosts} hosts, {FORKS} forks, medians of {options.rounds}   wall s  controller CPU s')
    for label, rows in seen.items():
        print(f'{label:20} {medians[label]:24.1f} {statistics.median(used for wall, used in rows):17.1f}')
    share = medians['fix-clocksource'] / medians['setup']
    print(f'fix / setup: {share:.2f}, at most 1: {"met" if share <= 1 else "MISSED"}')


if __name__ == '__main__':
    main()
