# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compilers at hand on the controller, and one compilation of the probe."""
from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..module_utils._compile import digest

SOURCE = Path(__file__).resolve().parents[2] / 'probe'
# One program for any Linux of that machine, as small as it goes: it travels to each host. Without a build id, paths or
# times in it, two builds give the same bytes.
FLAGS = ['-std=c11', '-Os', '-static', '-s', '-ffunction-sections', '-fdata-sections',
         '-fno-asynchronous-unwind-tables', '-Wl,--gc-sections', '-Wl,--build-id=none']
# Saves up to 8 KiB of padding; zig's linker does so anyway, and does not know the flag.
GNU_FLAGS = ['-Wl,-z,noseparate-code']
# e_machine of an ELF header (elf.h): what a compiler really built for.
ELF_MACHINES = {'x86_64': 62, 'aarch64': 183, 'i686': 3, 'riscv64': 243, 's390x': 22, 'ppc64le': 21}
VERSION_SECONDS = 20


class BuildError(Exception):
    """No probe could be built, and why."""


def source_files() -> dict[str, str]:
    """file name → text, in the order of the names."""
    return {path.name: path.read_text(encoding='utf-8') for path in sorted(SOURCE.glob('*.[ch]'))}


def compilers(machine: str) -> list[list[str]]:
    """Command lines, up to the source's names, that may build a static program for ``machine``, the most wanted first."""
    found = []
    if sys.platform == 'linux' and platform.machine() == machine:
        # musl's static programs are a tenth of the GNU C library's.
        found += ['musl-gcc', 'cc', 'gcc', 'clang']
    found += [f'{machine}-linux-musl-gcc', f'{machine}-linux-gnu-gcc']
    commands = [[path, *FLAGS, *GNU_FLAGS] for path in map(shutil.which, found) if path]
    zig = importlib.util.find_spec('ziglang')
    if zig and zig.submodule_search_locations:
        # what python -m ziglang runs: without a Python in between that would look for it in another home
        commands.append([str(Path(zig.submodule_search_locations[0]) / 'zig'), 'cc', '-target', f'{machine}-linux-musl', *FLAGS])
    return commands


def version(command: list[str], deadline: float) -> str:
    """A compiler's first line about itself. Raises BuildError where it does not run."""
    with tempfile.TemporaryDirectory(prefix='cloudclock-') as folder:
        text = _run([*command, '--version'], Path(folder), min(deadline, time.monotonic() + VERSION_SECONDS))
    return text.partition('\n')[0]


def build(command: list[str], machine: str, source: dict[str, str], deadline: float) -> bytes:
    """The program, built by ``command`` for ``machine`` from ``{file name: text}``. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix='cloudclock-') as name:
        folder = Path(name)
        for file_name, text in source.items():
            (folder / file_name).write_text(text, encoding='utf-8')
        _run([*command, f'-DCLOCKPROBE_SOURCE="{digest(source)}"', '-o', 'clockprobe',
              *sorted(file_name for file_name in source if file_name.endswith('.c'))], folder, deadline)
        program = (folder / 'clockprobe').read_bytes()
    built_for = int.from_bytes(program[18:20], 'big' if program[5:6] == b'\2' else 'little')
    if program[:4] != b'\x7fELF' or built_for != ELF_MACHINES.get(machine, built_for):
        raise BuildError(f'does not build for {machine}')
    return program


def _run(command: list[str], folder: Path, deadline: float) -> str:
    """What it printed. Nothing of the caller's environment but PATH gets a say in what is built."""
    environment = {'PATH': os.environ.get('PATH', os.defpath), 'HOME': str(folder), 'TMPDIR': str(folder), 'LC_ALL': 'C',
                   'ZIG_GLOBAL_CACHE_DIR': str(folder / 'zig'), 'ZIG_LOCAL_CACHE_DIR': str(folder / 'zig')}
    try:
        with subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                text = process.communicate(timeout=max(0.1, deadline - time.monotonic()))[0].decode(errors='replace')
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise BuildError('was not done in time') from None
    except OSError as exc:
        raise BuildError(exc.strerror or str(exc)) from None
    if process.returncode:
        raise BuildError(_complaint(text) or f'ended with code {process.returncode}')
    return text


def _complaint(text: str) -> str:
    """The first line that says error, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if 'error' in line), lines[-1] if lines else '')[:300]
