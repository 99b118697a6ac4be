# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probe says a read of the clock costs, beside what a naive loop, stress-ng and vdsotest say: in turns, in one run.

Three conditions: no load of ours, all processors but one busy, all busy. Shown are the median of the rounds and the largest
distance of a round from it. stress-ng is Debian's package; vdsotest is measured where its path is given.
"""
from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / '.collections'))

NAIVE = r'''
#include <stdio.h>
#include <time.h>
int main(void)
{
    struct timespec begin, end, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < 10000000; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.3f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + end.tv_nsec - begin.tv_nsec) / 1e7);
}
'''
# A busy processor: ends with the benchmark, however that ends.
BUSY = 'import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))'
BUDGET_MS = 500
# of the probe's figures from run to run with the other processors busy, and beside a peer's on the vDSO path
AGREE = 0.03
BOUND = [(clock, path) for clock in ('monotonic', 'realtime') for path in ('vdso', 'syscall')]
LOOPED = 'monotonic libc, with its loop'
PROBE = [(clock, path) for clock in ('monotonic', 'realtime') for path in ('vdso', 'libc', 'syscall')]


def output(command: list[str], seconds: float = 60) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          encoding='utf-8', check=False)
    if done.returncode:
        sys.exit(f'{" ".join(command)} failed:\n{done.stdout}')
    return done.stdout


class Probe:
    rows = {('probe', f'{clock} {path}'): (clock, path) for clock, path in PROBE}

    def __init__(self, binary: str, budget_ms: int) -> None:
        self.command = [binary, '--budget-ms', str(budget_ms), '--clocks', 'monotonic,realtime']

    def __call__(self) -> dict[tuple[str, str], float]:
        from ansible_collections.cloudclock.linux.plugins.module_utils._readings import judge
        readings = judge(json.loads(output(self.command)), require=True)
        clocks = readings['clocks']
        figures = {row: clocks[clock][path]['ns']['median'] for row, (clock, path) in self.rows.items() if clocks[clock][path]}
        # A naive loop's figure has the loop in it.
        figures['probe', LOOPED] = clocks['monotonic']['libc']['ns']['median'] + readings['loop']['ns']
        return figures


class Naive:
    def __init__(self, folder: Path) -> None:
        source, self.binary = folder / 'naive.c', folder / 'naive'
        source.write_text(NAIVE)
        # As the probe is built, where it can be: its libc is then the same one.
        compiler = next(filter(None, map(shutil.which, ('musl-gcc', 'cc', 'gcc', 'clang'))), None)
        if not compiler:
            raise FileNotFoundError('needs a C compiler')
        output([compiler, '-O2', '-static', '-o', str(self.binary), str(source)])

    def __call__(self) -> dict[tuple[str, str], float]:
        return {('naive loop', LOOPED): float(output([str(self.binary)]))}


class StressNg:
    """Its vdso stressor prints the mean of a second. Its clock stressor counts rounds of many different calls: no figure."""

    def __init__(self) -> None:
        if not shutil.which('stress-ng'):
            raise FileNotFoundError('needs stress-ng (apt-get install stress-ng)')

    def __call__(self) -> dict[tuple[str, str], float]:
        text = output(['stress-ng', '--vdso', '1', '--vdso-func', 'clock_gettime', '--timeout', '1', '--metrics'])
        found = re.search(r'([\d.]+) nanosec\w* per call', text)
        if not found:
            raise ValueError(f'stress-ng printed no nanoseconds:\n{text}')
        return {('stress-ng', 'monotonic vdso'): float(found.group(1))}


class Vdsotest:
    def __init__(self, path: str) -> None:
        self.command = [path, 'clock-gettime-monotonic', 'bench']

    def __call__(self) -> dict[tuple[str, str], float]:
        found = re.findall(r'(vdso|libc|syscall): (\d+) nsec/call', output(self.command))
        return {('vdsotest', f'monotonic {path}'): float(ns) for path, ns in found}


def own_probe(folder: Path) -> str:
    """The program as the modules get it."""
    from ansible_collections.cloudclock.linux.plugins.plugin_utils import _build
    start = time.monotonic()
    argument = _build.argument(os.uname().machine, str(folder), retry=False)
    seconds = time.monotonic() - start
    header, _newline, body = zlib.decompress(base64.b64decode(argument)).partition(b'\n')
    if json.loads(header)['kind'] != 'binary':
        sys.exit(f'not run: {json.loads(header)["reason"]}')
    path = folder / 'clockprobe'
    path.write_bytes(body)
    path.chmod(0o700)
    print(f'the probe: {len(body)} bytes, {len(argument)} in a module\'s argument, ready after {seconds:.2f} s')
    return str(path)


def peers(options: argparse.Namespace, folder: Path) -> dict:
    """name → what measures it. One that is not to be had is said and left out."""
    found = {'probe': Probe(options.probe or own_probe(folder), options.budget_ms)}
    makers = {'naive loop': lambda: Naive(folder), 'stress-ng': StressNg}
    if options.vdsotest:
        makers['vdsotest'] = lambda: Vdsotest(options.vdsotest)
    else:
        print('not run: vdsotest, whose path --vdsotest gives')
    for name, make in makers.items():
        try:
            found[name] = make()
        except FileNotFoundError as why:
            print(f'not run: {name}: {why}')
    return found


@contextlib.contextmanager
def busy(count: int):
    """That many processes that only compute."""
    children = [subprocess.Popen([sys.executable, '-c', BUSY]) for _number in range(count)]
    try:
        time.sleep(0.3)
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(10)


def measure(tools: dict, rounds: int) -> tuple[dict, dict]:
    """row → its figure in each round; name → its seconds in each round."""
    figures: dict[tuple[str, str], list[float]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for number in range(rounds):
        names = list(tools)[number % len(tools):] + list(tools)[:number % len(tools)]
        for name in names:
            start = time.monotonic()
            for row, ns in tools[name]().items():
                figures.setdefault(row, []).append(ns)
            seconds[name].append(time.monotonic() - start)
    return figures, seconds


def distance(values: list[float]) -> float:
    """The largest distance from the median, as a fraction of it."""
    middle = statistics.median(values)
    return max(abs(value - middle) for value in values) / middle


def verdict(label: str, value: str, met: bool) -> None:
    print(f'{label:<84}{value:>8}  {"met" if met else "MISSED"}')


def show(seen: dict[str, dict], seconds: dict[str, list[float]]) -> None:
    conditions = list(seen)
    print(f'{"ns a call: median (largest distance from it)":<46}' + ''.join(f'{name:>22}' for name in conditions)
          + f'{"s a result":>12}')
    rows = sorted(seen[conditions[0]], key=lambda row: list(seconds).index(row[0]))
    for row in rows:
        cells = []
        for name in conditions:
            values = seen[name].get(row, [])
            cells.append(f'{statistics.median(values):.1f} ({100 * distance(values):.1f} %)' if values else '-')
        print(f'{" ".join(row):<46}' + ''.join(f'{cell:>22}' for cell in cells) + f'{statistics.median(seconds[row[0]]):>12.2f}')


def judged(seen: dict[str, dict], ours: str) -> None:
    """The targets, each with its figure."""
    idle, other, both = list(seen)
    for clock, path in BOUND:
        row = ('probe', f'{clock} {path}')
        if row not in seen[idle]:
            print(f'not judged: {clock} by {path}, which this machine has not')
            continue
        far = distance(seen[other][row])
        verdict(f'{clock} by {path}, {other}: a round within {AGREE:.0%} of the rounds\' median', f'{far:.1%}', far <= AGREE)
        grown = max(seen[both][row]) / statistics.median(seen[idle][row])
        verdict(f'{clock} by {path}, {both}: at most 2 × {idle}', f'{grown:.2f} ×', grown <= 2)
    for row, values in seen[idle].items():
        reference = seen[idle].get(('probe', row[1]))
        if row[0] == 'probe' or row[1] == 'monotonic syscall' or not reference:
            continue
        # vdsotest cuts its figure to whole nanoseconds: what it saw is up to one more
        slack = 1 if row[0] == 'vdsotest' else 0
        # other work adds to a mean and never takes from it, so the least rounds agree on a busy machine too
        for word, pick in (('medians', statistics.median), ('least rounds', min)):
            ratio = pick(reference) / pick(values)
            off = max(1 / ratio - 1, pick(reference) / (pick(values) + slack) - 1, 0)
            verdict(f'{row[1]}, {idle}, {word}: probe / {row[0]} within {AGREE:.0%}{", its cut fraction apart" if slack else ""}',
                    f'{ratio:.3f}', off <= AGREE)
    walls = []
    for _run in range(5):
        start = time.monotonic()
        output([ours])
        walls.append(1000 * (time.monotonic() - start))
    verdict(f'a default run, {idle}: at most {BUDGET_MS} ms, largest of 5', f'{max(walls):.0f} ms', max(walls) <= BUDGET_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--budget-ms', type=int, default=BUDGET_MS)
    parser.add_argument('--probe', metavar='PATH', help='a probe that is built already')
    parser.add_argument('--vdsotest', metavar='PATH')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='clock-') as name:
        tools = peers(options, Path(name))
        cores = len(os.sched_getaffinity(0))
        source = Path('/sys/devices/system/clocksource/clocksource0/current_clocksource').read_text(encoding='utf-8').strip()
        print(f'{cores} CPUs, {source}, {options.rounds} rounds, others\' load at the start {os.getloadavg()[0]:.2f}')
        seen, seconds = {}, {}
        for label, count in (('no load', 0), (f'{cores - 1} of {cores} busy', cores - 1), (f'all {cores} busy', cores)):
            with busy(count):
                seen[label], took = measure(tools, options.rounds)
            seconds = seconds or took
        show(seen, seconds)
        judged(seen, tools['probe'].command[0])


if __name__ == '__main__':
    main()
