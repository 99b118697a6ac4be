# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the probe in the ways that its tests want, each once a session."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / 'probe'
STRICT = ['-std=c11', '-Wall', '-Wextra', '-Werror']
# Debian's headers of its own architecture: gcc-multilib, which links to them, excludes the cross compilers.
MULTIARCH = '/usr/include/x86_64-linux-gnu'
KINDS = {
    'plain': ['gcc', '-O2'],
    'small': ['gcc', '-Os', '-static'],
    'musl': ['musl-gcc', '-Os', '-static'],
    'sanitized': ['gcc', '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    'debug': ['gcc', '-O1', '-g'],
    '32-bit': ['gcc', '-m32', '-O2', '-isystem', MULTIARCH],
    'aarch64': ['aarch64-linux-gnu-gcc', '-O2', '-static'],
}
RUNNERS = {'aarch64': ['qemu-aarch64']}
SECONDS = 180


class Built:
    """A program and how it is started."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def run(self, *args: str, **kwargs) -> subprocess.CompletedProcess:
        return subprocess.run([*self.command, *args], capture_output=True, text=True, timeout=SECONDS, check=False, **kwargs)

    def result(self, *args: str, **kwargs) -> dict:
        done = self.run(*args, **kwargs)
        assert (done.returncode, done.stderr) == (0, ''), done.stderr
        return json.loads(done.stdout)


def compiled(compiler: list[str], program: Path, *more: str, sources: list[Path] | None = None) -> Path:
    names = sorted(SOURCE.glob('*.c')) if sources is None else sources
    done = subprocess.run([*compiler, *STRICT, *more, '-I', str(SOURCE), '-o', str(program), *map(str, names)],
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return program


def works(compiler: list[str], folder: Path) -> bool:
    """Can it build for that machine at all? The sanitizers' and the other machines' libraries are packages of their own."""
    (folder / 'empty.c').write_text('int main(void) { return 0; }\n')
    return bool(shutil.which(compiler[0])) and subprocess.run(
        [*compiler, '-o', folder / 'empty', folder / 'empty.c'], capture_output=True, timeout=SECONDS, check=False).returncode == 0


@pytest.fixture(scope='session')
def build(tmp_path_factory):
    """build(kind) → Built; skips where this machine lacks what that needs."""
    made: dict[str, Built] = {}

    def one(kind: str) -> Built:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            for tool in [KINDS[kind][0], *RUNNERS.get(kind, [])[:1]]:
                if not shutil.which(tool):
                    pytest.skip(f'no {tool}')
            if not works(KINDS[kind], folder):
                pytest.skip(f'{" ".join(KINDS[kind])} does not link here')
            made[kind] = Built([*RUNNERS.get(kind, []), str(compiled(KINDS[kind], folder / 'clockprobe'))])
        return made[kind]

    return one
