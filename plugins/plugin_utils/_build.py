# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe as it travels in a module's argument: built once for each machine, kept, and read once for each host.

The argument is base64(zlib(header, newline, body)): plugins/module_utils/_probe.py says what they hold, and reads it.
"""
from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import tempfile
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

from . import _compilers

# zig builds its C library first, for up to a minute.
SECONDS = 240
ADVICE = 'install musl-tools, or another C compiler that can link statically, or the Python package ziglang on the controller'


def argument(machine: str, run_folder: str, retry: bool) -> str:
    """The value of a module's ``probe`` for a host that is a ``machine`` (as uname -m says).

    ``run_folder`` lives as long as this run of Ansible and is common to its forks: what the first of them finds or
    builds the others read there. ``retry``: whether the module may ask for another machine's.
    """
    kept = Path(run_folder) / f'cloudclock-probe-{machine}'
    try:
        text = _read(kept)
        if text is None:
            with _lock(kept.with_suffix('.lock')):
                text = _read(kept)
                if text is None:
                    text = encode(*_found(machine))
                    _write(kept, text)
    except OSError as exc:
        return nothing(f'the controller could not make the probe ready: {exc}')
    return text.decode() if retry else _final(text)


def nothing(reason: str) -> str:
    """The value where no probe is to be run."""
    return encode({'kind': 'none', 'machine': None, 'retry': False, 'reason': reason}, b'').decode()


def encode(header: dict, body: bytes) -> bytes:
    return base64.b64encode(zlib.compress(json.dumps(header).encode() + b'\n' + body, 9))


def _final(text: bytes) -> str:
    header, _newline, body = zlib.decompress(base64.b64decode(text)).partition(b'\n')
    return encode(dict(json.loads(header), retry=False), body).decode()


def _found(machine: str) -> tuple[dict, bytes]:
    """The header and the body: the program from the cache or newly built, else its source."""
    source = _compilers.source_files()
    header = {'kind': 'none', 'machine': machine, 'retry': True, 'reason': None}
    if not source:
        return dict(header, reason=f'the collection came without its probe ({_compilers.SOURCE} is not there)'), b''
    commands = _compilers.compilers(machine)
    deadline = time.monotonic() + SECONDS
    failures = []
    for command in commands:
        try:
            return dict(header, kind='binary'), _program(command, machine, source, deadline)
        except (_compilers.BuildError, OSError) as exc:
            failures.append(f'{Path(command[0]).name}: {exc}')
    why = '; '.join(failures) or f'no C compiler for {machine} on the controller'
    return dict(header, kind='source', reason=f'{why} ({ADVICE})'), json.dumps(source).encode()


def _program(command: list[str], machine: str, source: dict[str, str], deadline: float) -> bytes:
    cache = _cache()
    if cache is None:
        return _compilers.build(command, machine, source, deadline)
    key = _compilers.digest({'compiler': _compilers.version(command, deadline), 'command': ' '.join(command)})
    kept = cache / f'{machine}-{_compilers.digest(source)[:16]}-{key[:16]}'
    program = _unsealed(kept)
    if program is None:
        program = _compilers.build(command, machine, source, deadline)
        _write(kept, hashlib.sha256(program).digest() + program)
    return program


def _unsealed(kept: Path) -> bytes | None:
    """The program behind its checksum; None where that differs (a power cut leaves empty files), or it is not ours."""
    try:
        with os.fdopen(os.open(kept, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), 'rb') as handle:
            status, data = os.fstat(handle.fileno()), handle.read()
    except OSError:
        return None
    ours = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    size = hashlib.sha256().digest_size
    return data[size:] if ours and data[:size] == hashlib.sha256(data[size:]).digest() else None


def _cache() -> Path | None:
    """The folder of programs, None where there can be none.

    What lies there runs as root on the targets: it must be ours, and nobody else's to write to.
    """
    folder = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'cloudclock' / 'probe'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    if status.st_uid != os.geteuid() or status.st_mode & 0o022 or not os.access(folder, os.W_OK):
        return None
    return folder


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing: others read it meanwhile."""
    fd, beside = tempfile.mkstemp(dir=path.parent, prefix='.' + path.name)
    try:
        with os.fdopen(fd, 'wb') as handle:
            handle.write(data)
        os.replace(beside, path)
    except OSError:
        os.unlink(beside)
        raise


@contextmanager
def _lock(path: Path):
    """Held by one of the forks; the kernel lets go of it when that one ends, however it ends."""
    with path.open('wb') as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
