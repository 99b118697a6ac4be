# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interpreters at hand: in PATH, and those that pyenv keeps beside it."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent.parent
KNOWN = [(3, minor) for minor in range(6, 15)]


def dotted(version: tuple[int, int]) -> str:
    return '{}.{}'.format(*version)


def search_path() -> list[str]:
    """The folders of PATH, less those of pyenv's shims, which answer for versions that they then refuse to run."""
    return [folder for folder in os.environ.get('PATH', os.defpath).split(os.pathsep) if Path(folder).name != 'shims']


def at_hand() -> dict[tuple[int, int], str]:
    """(major, minor) → the real path of a Python that runs and can make virtual environments, oldest first."""
    pyenv = Path(os.environ.get('PYENV_ROOT', Path.home() / '.pyenv'))
    found = {}
    for version in KNOWN:
        name = 'python' + dotted(version)
        kept = sorted(pyenv.glob(f'versions/{dotted(version)}.*/bin/{name}'), reverse=True)
        for candidate in [Path(folder) / name for folder in search_path()] + kept:
            path = os.path.realpath(candidate)
            if os.access(path, os.X_OK) and runs(path):
                found[version] = path
                break
    return found


def runs(path: str) -> bool:
    try:
        return subprocess.run([path, '-c', 'import ensurepip, venv, ssl'], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def venv(path: str, folder: Path, packages: list[str]) -> str:
    """A virtual environment in `folder` with `packages`; returns its python. Made once, marked when complete."""
    python = folder / 'bin' / 'python'
    mark = folder / '.packages'
    install = [str(python), '-m', 'pip', 'install', '-qq', '--disable-pip-version-check']
    if not mark.exists() or mark.read_text() != '\n'.join(packages):
        subprocess.run([path, '-m', 'venv', '--clear', str(folder)], check=True, timeout=120)
        if (folder / 'lib' / 'python3.6').is_dir():
            # The pip that Python 3.6 brings takes releases that are not for it; this is the last one that runs there.
            subprocess.run([*install, 'pip==21.3.1'], check=True, timeout=600)
        subprocess.run([*install, *packages], check=True, timeout=600)
        mark.write_text('\n'.join(packages))
    return str(python)
