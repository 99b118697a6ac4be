# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test from a checkout in any folder: `python tests/tools/ansible_test.py sanity | integration [ARGUMENT…]`.

ansible-test wants to stand in ansible_collections/NAMESPACE/NAME and follows no link there, so it gets a copy of the
files that git knows or would take. Its home is in .cache, so nothing of it is left outside of the checkout.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'matrix'))
from pythons import at_hand, dotted, search_path  # pylint: disable=wrong-import-position

HERE = Path(__file__).resolve().parent.parent.parent
CACHE = HERE / '.cache' / 'ansible-test'
TREE = CACHE / 'ansible_collections' / 'cloudclock' / 'linux'

# ansible-test downloads get-pip from a host of its own, which a closed network does not reach; it takes a file in its
# cache instead, as its own message says. Python brings a pip of its own, so this does the same.
GET_PIP = '''\
import subprocess
import sys
subprocess.check_call([sys.executable, '-m', 'ensurepip'], stdout=subprocess.DEVNULL)
packages = [word for word in sys.argv[1:] if not word.startswith('--no-')]
subprocess.check_call([sys.executable, '-m', 'pip', 'install', '-q'] + packages)
'''


def lay_out() -> None:
    """Copy what git lists, and what is new and not ignored, to TREE."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=HERE, check=True,
                            stdout=subprocess.PIPE).stdout.decode().split('\0')
    for name in filter(None, listed):
        source, copy = HERE / name, TREE / name
        if source.is_symlink() or source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    # Without a repository of its own, ansible-test would ask the one around it, which ignores this folder.
    for command in ('init', 'add --all'):
        subprocess.run(['git', *command.split()], cwd=TREE, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seed_pip(home: Path) -> None:
    """Put GET_PIP where ansible-test looks for each pip version that this release of it can ask for."""
    package = Path(sysconfig.get_path('purelib')) / 'ansible_test'
    versions = re.findall(r"pip='([\d.]+)'", (package / '_internal' / 'python_requirements.py').read_text())
    cache = home / '.ansible' / 'test' / 'cache'
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f'get_pip_{version.replace(".", "_")}.py').write_text(GET_PIP)
    settings = home / '.config' / 'pip'
    settings.parent.mkdir(exist_ok=True)
    if not settings.is_symlink():
        settings.symlink_to(Path.home() / '.config' / 'pip')


def interpreters() -> str:
    """A search path on which each Python at hand is found by its version: ansible-test looks for pythonX.Y only."""
    folder = CACHE / 'pythons'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version, path in at_hand().items():
        (folder / f'python{dotted(version)}').symlink_to(path)
    return os.pathsep.join([str(Path(sys.executable).parent), str(folder), *search_path()])


def main() -> int:
    command, *rest = sys.argv[1:]
    lay_out()
    home = CACHE / 'home'
    seed_pip(home)
    environment = {name: value for name, value in os.environ.items() if name not in ('ANSIBLE_CONFIG', 'PYTHONPATH')}
    environment.setdefault('PIP_CACHE_DIR', str(Path.home() / '.cache' / 'pip'))
    environment.update(HOME=str(home), LC_ALL='C.UTF-8', PATH=interpreters())
    arguments = [str(Path(sys.executable).parent / 'ansible-test'), command, '--color', 'no']
    if command == 'integration':
        arguments += ['--local', '--allow-root']
    done = subprocess.run(arguments + rest, cwd=TREE, env=environment, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        print(f'ansible-test {command}: clean')
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())
