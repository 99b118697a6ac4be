# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests of what goes there on every Python that a target may have, 3.6 to the newest, as far as it is at hand.

What runs on targets imports ansible's own module_utils, which arrive with each module, so each Python gets those of the
newest ansible-core that still serves it as a target; that core itself need not be able to run there.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys

from pythons import HERE, KNOWN, at_hand, dotted, venv

CACHE = HERE / '.cache' / 'targets'
ROOMS = ['tests/unit/plugins/modules', 'tests/unit/plugins/module_utils']
# The oldest target that each line of ansible-core serves, from its own support matrix.
OLDEST_TARGET = {'2.16': (3, 6), '2.19': (3, 8), '2.21': (3, 9)}


def core_for(version: tuple[int, int]) -> str:
    return [core for core, oldest in OLDEST_TARGET.items() if oldest <= version][-1]


def module_utils(core: str, python: str) -> str:
    """Unpack ansible-core without what it needs as a controller; returns the folder to import it from."""
    folder = CACHE / f'core-{core}'
    if not (folder / 'ansible').is_dir():
        subprocess.run([python, '-m', 'pip', 'install', '-qq', '--disable-pip-version-check', '--no-deps', '--no-compile',
                        '--ignore-requires-python', '--target', str(folder), f'ansible-core=={core}.*'], check=True,
                       timeout=300)
    return str(folder)


def run(version: tuple[int, int], path: str) -> tuple[bool, str]:
    """Returns whether all passed, and pytest's closing line."""
    python = venv(path, CACHE / f'python-{dotted(version)}', ['pytest>=7', 'hypothesis'])
    environment = dict(os.environ, PYTHONPATH=module_utils(core_for(version), sys.executable), PYTHONDONTWRITEBYTECODE='1')
    done = subprocess.run([python, '-m', 'pytest', *ROOMS, *sys.argv[1:]], cwd=HERE, env=environment, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors='replace')
    if done.returncode:
        print(f'--- Python {dotted(version)}', text, sep='\n')
    closing = re.findall(r'^(?:=+ )?(\d+ (?:passed|failed|error).*?)(?: =+)?$', text, re.MULTILINE)
    return done.returncode == 0, closing[-1] if closing else f'pytest ended with {done.returncode}'


def main() -> int:
    found = at_hand()
    failed = []
    for version in KNOWN:
        if version not in found:
            print(f'not run: unit tests on Python {dotted(version)}, which is not here')
            continue
        good, closing = run(version, found[version])
        print(f'Python {dotted(version)} with module_utils of ansible-core {core_for(version)}: {closing}', flush=True)
        if not good:
            failed.append(dotted(version))
    ran = len([version for version in KNOWN if version in found])
    print(f'{ran} Pythons ran the unit tests' + (f', FAILED on {", ".join(failed)}' if failed else ''))
    return 1 if failed or not ran else 0


if __name__ == '__main__':
    sys.exit(main())
