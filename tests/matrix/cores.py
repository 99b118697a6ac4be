# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try the collection under each supported ansible-core, on each Python at hand that this core can run on.

A pair reads every playbook and every module's documentation, then runs smoke.yml and a planned fix against this machine,
with the oldest and the newest Python at hand that this core serves as a target. Nothing is changed.
"""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pythons import HERE, at_hand, dotted, venv

CACHE = HERE / '.cache' / 'cores'
# core → (its oldest and its newest controller Python, the oldest Python of its targets): ansible-core's support matrix.
CORES = {
    '2.16': ((3, 10), (3, 12), (3, 6)),
    '2.19': ((3, 11), (3, 13), (3, 8)),
    '2.20': ((3, 12), (3, 14), (3, 9)),
    '2.21': ((3, 12), (3, 14), (3, 9)),
}


def commands(folder: Path, targets: list[str]) -> list[list[str]]:
    playbooks = sorted(str(path) for path in HERE.glob('playbooks/*.yml'))
    modules = sorted('cloudclock.linux.' + path.stem for path in HERE.glob('plugins/modules/*.py'))
    tool = {name: str(folder / 'bin' / name) for name in ('ansible-playbook', 'ansible-doc')}
    local = ['-i', 'localhost,', '-c', 'local', '-e', 'ansible_become=false']
    found = [[tool['ansible-playbook'], '--syntax-check', *local, *playbooks],
             [tool['ansible-doc'], '--json', *modules]]
    for target in targets:
        for playbook, check in ((HERE / 'tests/matrix/smoke.yml', []), (HERE / 'playbooks/fix-clocksource.yml', ['--check'])):
            found.append([tool['ansible-playbook'], str(playbook), *local, *check, '-e', f'ansible_python_interpreter={target}'])
    return found


def run(core: str, path: str, targets: list[str], folder: Path) -> str:
    """Returns what failed, or nothing."""
    venv(path, folder, [f'ansible-core=={core}.*'])
    environment = dict(os.environ, ANSIBLE_CONFIG=str(HERE / 'ansible.cfg'), ANSIBLE_HOME=str(folder / 'home'))
    for command in commands(folder, targets):
        done = subprocess.run(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=180, check=False)
        text = done.stdout.decode(errors='replace')
        if done.returncode or 'DEPRECATION WARNING' in text:
            print('---', ' '.join(command), text, sep='\n')
            return f'FAILED: {Path(command[0]).name} {command[1]}'
    return ''


def main() -> int:
    found = at_hand()
    passed, failed = 0, 0
    for core, (oldest, newest, oldest_target) in CORES.items():
        served = [version for version in found if oldest_target <= version <= newest]
        targets = list(dict.fromkeys(found[version] for version in (served[:1] + served[-1:])))
        for version in [(3, minor) for minor in range(oldest[1], newest[1] + 1)]:
            pair = f'ansible-core {core} on Python {dotted(version)}'
            if version not in found:
                print(f'not run: {pair}, which is not here')
                continue
            word = run(core, found[version], targets, CACHE / f'{core}-{dotted(version)}')
            failed, passed = (failed + 1, passed) if word else (failed, passed + 1)
            print(f'{pair}, targets {dotted(served[0])} and {dotted(served[-1])}: {word or "good"}', flush=True)
    print(f'{passed} pairs good, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
