# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs that has nothing left to do: fix-clocksource.yml beside roles of linux-system-roles.

Those roles are named by their paths and are really applied, so give a host by --ssh that may have them: they install
and configure chrony, or edit the boot loader. Each playbook runs once uncounted, which converges it; then they take
turns. Task counts are the meter's; round trips are calls of ssh; the target's CPU is what its sshd session has used.
"""
from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from transport import HERE, Transport, transport

# actions that the controller does alone
AT_CONTROLLER = {'add_host', 'assert', 'debug', 'fail', 'group_by', 'import_role', 'import_tasks', 'include_role', 'include_tasks',
                 'include_vars', 'meta', 'set_fact', 'set_stats', 'validate_argument_spec'}
PEERS = {
    'timesync': {'timesync_ntp_servers': [{'hostname': '127.0.0.1'}]},
    'bootloader': {'bootloader_settings': [{'kernel': 'ALL', 'options': [{'name': 'quiet', 'state': 'present'}]}]},
}
CPU_SHARE = 1 / 8


def counts(rows: list[dict]) -> dict[str, int]:
    """tasks that were started; of them, those whose every host skipped; module executions on the target."""
    skipped = [row for row in rows if row['results'] and set(row['results']) == {'skipped'}]
    modules = [row for row in rows if row not in skipped and row['results']
               and row['action'].rpartition('.')[2] not in AT_CONTROLLER]
    return {'tasks': len(rows), 'skipped': len(skipped), 'modules': len(modules)}


def role_playbook(folder: Path, name: str, path: str) -> Path:
    playbook = folder / f'{name}.json'
    playbook.write_text(json.dumps([{'hosts': 'all', 'become': True, 'vars': PEERS[name],
                                     'roles': [{'role': str(Path(path).resolve())}]}]))
    return playbook


def converge(line: Transport, name: str, playbook: Path) -> bool:
    """The uncounted run; returns whether a second one has nothing left to change."""
    done = line.play(playbook)
    if done['code'] == 0:
        done = line.play(playbook)
    if done['code']:
        why = [text for text in done['text'].splitlines() if 'fatal:' in text or 'msg:' in text or 'ERROR' in text]
        print(f'{name}: stopped, so not compared: {" ".join(why)[:300]}')
        return False
    changing = [row['name'] for row in done['tasks'] if 'changed' in row['results']]
    if changing:
        print(f'{name}: a second run still changes: {", ".join(changing)}')
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--ssh', metavar='DESTINATION', help='a host that may be changed, as ssh takes it: "root@host -p 22 -i key"')
    for name in PEERS:
        parser.add_argument(f'--{name}', metavar='PATH', help=f"linux-system-roles' {name} role")
    options = parser.parse_args()
    with transport(options.ssh) as line:
        ours = HERE / 'playbooks' / 'fix-clocksource.yml'
        playbooks = {'fix-clocksource': ours}
        planned = line.play(ours, ['--check'])
        if planned['code']:
            raise SystemExit(planned['text'])
        if options.ssh is None and any('changed' in row['results'] for row in planned['tasks']):
            raise SystemExit('not run: this machine is not converged, and a benchmark should not be what changes it;'
                             ' run make fix first, or name another host by --ssh')
        for name in PEERS:
            path = getattr(options, name)
            if path is None:
                print(f'{name}: not run: --{name} PATH names no copy of the role')
            elif options.ssh is None:
                print(f'{name}: not run: it would change this machine; name another host by --ssh')
            else:
                playbooks[name] = role_playbook(line.folder, name, path)
        ready = {name: playbook for name, playbook in playbooks.items() if converge(line, name, playbook)}
        runs = {name: [] for name in ready}
        for _round in range(options.rounds):
            for name, playbook in ready.items():
                runs[name].append(line.play(playbook))

    print(f'{"medians of " + str(options.rounds):<18}{"tasks":>7}{"skipped":>9}{"modules":>9}{"ssh calls":>11}'
          f'{"wall s":>8}{"controller CPU s":>18}{"target CPU s":>14}')
    cpu = {}
    for name, results in runs.items():
        middle = {key: statistics.median(result[key] for result in results) for key in ('wall', 'controller', 'target', 'trips')}
        count = counts(results[-1]['tasks'])
        cpu[name] = middle['controller'] + middle['target']
        print(f'{name:<18}{count["tasks"]:>7}{count["skipped"]:>9}{count["modules"]:>9}{middle["trips"]:>11.0f}'
              f'{middle["wall"]:>8.2f}{middle["controller"]:>18.2f}{middle["target"]:>14.2f}')
    mine = counts(runs['fix-clocksource'][-1]['tasks'])
    print(f'at most 3 module executions and 10 tasks: {"met" if mine["modules"] <= 3 and mine["tasks"] <= 10 else "MISSED"}')
    if 'timesync' in cpu:
        share = cpu['fix-clocksource'] / cpu['timesync']
        print(f"total CPU {share:.3f} of timesync's, target {CPU_SHARE}: {'met' if share <= CPU_SHARE else 'MISSED'}")


if __name__ == '__main__':
    main()
