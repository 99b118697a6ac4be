# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looking for time syscalls costs the one that makes them, and whether it counts right: with nobody looking, with the
probe, and with perf stat and bpftrace where they are installed, in turns. Root only.

One process calls clock_gettime by the kernel as often as it can, and one a million times a second. perf trace and strace
are not measured: they slow such a process a hundred times and more.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from probe import own_probe

HERE = Path(__file__).resolve().parent.parent
TRACEPOINT = '/sys/kernel/tracing/events/raw_syscalls/sys_enter/id'
PACED = 1000000
SECONDS = 3
# design goals: a traced call, a paced rate that is kept, milliseconds of the probe's own CPU a second
SLOWER, KEPT, OWN_MS = 1.9, 0.99, 5.0


def with_tracefs() -> None:
    """Goes on in a mount namespace of its own where tracefs is not mounted."""
    if not Path(TRACEPOINT).exists() and 'OWN_MOUNTS' not in os.environ:
        os.environ['OWN_MOUNTS'] = 'yes'
        os.execvp('unshare', ['unshare', '--mount', 'sh', '-c', 'mount -t tracefs nodev /sys/kernel/tracing && exec "$@"', 'sh',
                              sys.executable, *sys.argv])


class Payer:
    def __init__(self, folder: Path) -> None:
        self.binary = str(folder / 'payer')
        subprocess.run(['gcc', '-O2', '-o', self.binary, str(HERE / 'tests/probe/payer.c')], check=True, timeout=60)

    @contextlib.contextmanager
    def running(self, rate: int, seconds: float):
        process = subprocess.Popen([self.binary, 'raw', str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()

    def told(self, process: subprocess.Popen) -> tuple[float, float]:
        """Calls a second, and ns of CPU time a call, which other work on the machine does not make longer."""
        calls, seconds, cpu = map(float, process.communicate(timeout=60)[0].split())
        return calls / seconds, cpu / calls * 1e9


def lookers(probe: str) -> dict[str, list[str]]:
    """name → a command that looks for a little longer than the payer runs."""
    found = {'nobody': [], 'the probe': [probe, 'syscalls', '--seconds', str(SECONDS + 2)]}
    if shutil.which('perf'):
        found['perf stat, all processes'] = ['perf', 'stat', '-a', '-e', 'raw_syscalls:sys_enter', 'sleep', str(SECONDS + 2)]
    if shutil.which('bpftrace'):
        found['bpftrace, by process'] = ['timeout', str(SECONDS + 2), 'bpftrace', '-e',
                                         'tracepoint:syscalls:sys_enter_clock_gettime { @[pid] = count(); }']
    return found


def round_of(payer: Payer, command: list[str], rate: int, results: list[dict]) -> tuple[float, float]:
    """Calls a second of the payer while that looks, and ns of its CPU time a call."""
    looking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) if command else None
    time.sleep(1 if looking else 0)
    with payer.running(rate, SECONDS) as process:
        found = payer.told(process)
        pid = process.pid
    if looking:
        text = looking.communicate(timeout=60)[0]
        if 'syscalls' in command:
            results.append(dict(json.loads(text), payer=pid, made=found[0] * SECONDS))
    return found


def verdict(label: str, value: str, met: bool) -> None:
    print(f'{label:<76}{value:>12}  {"met" if met else "MISSED"}')


def report(names: list[str], full: dict, paced: dict, results: list[dict]) -> None:
    print(f'{"medians":<28}{"CPU ns a call":>14}{"×":>8}{"made of 1 M/s":>16}')
    alone = statistics.median(ns for _rate, ns in full['nobody'])
    for name in names:
        ns = statistics.median(ns for _rate, ns in full[name])
        print(f'{name:<28}{ns:>14.0f}{ns / alone:>8.2f}{statistics.median(rate for rate, _ns in paced[name]) / PACED:>16.1%}')
    slower = statistics.median(ns for _rate, ns in full['the probe']) / alone
    verdict(f'a traced call takes at most {SLOWER} × its time', f'{slower:.2f} ×', slower <= SLOWER)
    for_itself, kept = (statistics.median(rate for rate, _ns in paced[name]) / PACED for name in ('nobody', 'the probe'))
    if for_itself < KEPT:
        print(f'not judged: whether a paced million a second is kept, of which other work leaves {for_itself:.1%} anyway')
    else:
        verdict('a paced million a second is kept', f'{kept:.1%}', kept >= KEPT)
    own = statistics.median(result['cpu_ms'] / (result['looked_ms'] / 1000) for result in results)
    verdict(f'the probe\'s own CPU, at most {OWN_MS:.0f} ms a second', f'{own:.1f} ms', own < OWN_MS)
    told = statistics.median(result['cost_meanwhile']['counter'] / result['cost']['counter'] for result in results)
    print(f'what it said itself of a traced call: {told:.2f} ×')
    off = []
    for result in results:
        counted = sum(row[5] for row in result['rows'] if row[0] == result['payer'])
        scale = result['passed'] / max(1, result['sampled'] + result['unrelated'])
        off.append(abs(counted * scale / result['made'] - 1))
    print(f'calls counted beside calls made: off by {statistics.median(off):.1%} (median), {max(off):.1%} (most); '
          f'samples lost: {sum(result["lost"] for result in results)} of {sum(result["samples"] for result in results)}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--probe', metavar='PATH', help='a probe that is built already')
    options = parser.parse_args()
    if os.geteuid():
        sys.exit('not run: only root may look at other processes')
    with_tracefs()
    if not Path(TRACEPOINT).exists():
        sys.exit('not run: this kernel has no tracepoints')
    with tempfile.TemporaryDirectory(prefix='clock-') as name:
        folder = Path(name)
        payer, commands = Payer(folder), lookers(options.probe or own_probe(folder))
        full: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        paced: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        results: list[dict] = []
        print(f'{len(os.sched_getaffinity(0))} CPUs, {options.rounds} rounds, others\' load at the start {os.getloadavg()[0]:.2f}')
        for number in range(options.rounds):
            names = list(commands)[number % len(commands):] + list(commands)[:number % len(commands)]
            for name in names:
                full[name].append(round_of(payer, commands[name], 0, results))
                paced[name].append(round_of(payer, commands[name], PACED, results))
        report(list(commands), full, paced, results)


if __name__ == '__main__':
    main()
