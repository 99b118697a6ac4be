# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clock_facts costs beside ansible.builtin.setup and a module that does nothing: same transport, same run.

One playbook calls the three in turn, round after round, each round beginning with another of them. Shown per task:
the median wall time, and the mean CPU time (the target's is counted in ticks of 10 ms, which a mean evens out).
"""
from __future__ import annotations

import argparse
import json
import statistics

from transport import transport

CALLS = {
    'empty': {'empty': {}},
    'clock_facts': {'cloudclock.linux.clock_facts': {}},
    'setup': {'ansible.builtin.setup': {}},
}
# clock_facts against each: at most this many times its wall and CPU
TARGETS = {'empty': 1.3, 'setup': 0.5}
COLUMNS = ('wall', 'controller', 'target', 'cpu')
JUDGED = ('wall', 'cpu')


def tasks(rounds: int) -> list[dict]:
    """The first round, named otherwise, warms up the connection and the caches and is not counted."""
    names = list(CALLS)
    listed = [dict(CALLS[name], name='warm-up') for name in names]
    for number in range(rounds):
        shift = number % len(names)
        listed += [dict(CALLS[name], name=name) for name in names[shift:] + names[:shift]]
    return listed


def costs(rows: list[dict]) -> dict[str, dict[str, float]]:
    """name → column → milliseconds."""
    found = {}
    for name in CALLS:
        mine = [dict(row, cpu=row['controller'] + row['target']) for row in rows if row['name'] == name]
        found[name] = {column: 1000 * (statistics.median if column == 'wall' else statistics.fmean)(row[column] for row in mine)
                       for column in COLUMNS}
        found[name]['least'] = 1000 * min(row['wall'] for row in mine)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--ssh', metavar='DESTINATION', help='another host, as ssh takes it: "root@host -p 22 -i key"')
    options = parser.parse_args()
    with transport(options.ssh) as line:
        playbook = line.folder / 'facts.json'
        playbook.write_text(json.dumps([{'hosts': 'all', 'gather_facts': False, 'tasks': tasks(options.rounds)}]))
        done = line.play(playbook, by_task=True)
    if done['code']:
        raise SystemExit(done['text'])

    found = costs(done['tasks'])
    print(f'{"ms a task, " + str(options.rounds) + " rounds":<24}{"wall":>7}{"(least)":>9}{"controller CPU":>16}{"target CPU":>12}{"CPU":>7}')
    for name, cost in found.items():
        print(f'{name:<24}{cost["wall"]:>7.0f}{cost["least"]:>9.0f}{cost["controller"]:>16.0f}{cost["target"]:>12.0f}{cost["cpu"]:>7.0f}')
    for other, most in TARGETS.items():
        ratios = {column: found['clock_facts'][column] / found[other][column] for column in found[other]}
        words = [f'{column} {"met" if ratios[column] <= most else "MISSED"}' for column in JUDGED]
        print(f'{"clock_facts / " + other:<24}{ratios["wall"]:>7.2f}{ratios["least"]:>9.2f}{ratios["controller"]:>16.2f}'
              f'{ratios["target"]:>12.2f}{ratios["cpu"]:>7.2f}  at most {most}: {", ".join(words)}')


if __name__ == '__main__':
    main()
