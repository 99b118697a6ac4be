# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear whole or not at all."""
from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def write(folder: Path, texts: dict[str, str]) -> list[str]:
    """Write these files into the folder, which is made where it is missing. Raises OSError; the files are then as before.

    Each is written beside its place and renamed into it, and none is before all are written: a full disk leaves the
    last report as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = []
    try:
        for name, text in texts.items():
            place = folder / name
            # the one thing that a rename would stumble over, when others are renamed already
            if place.is_dir() and not place.is_symlink():
                raise OSError(errno.EISDIR, f'{name} there is a directory')
            number, path = tempfile.mkstemp(dir=folder, prefix=f'.{name}.')
            beside.append((path, place))
            with open(number, 'w', encoding='utf-8', newline='') as file:
                # what a plain open would have given; mkstemp's is for secrets
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                file.write(text)
        for path, place in beside:
            os.replace(path, place)
    finally:
        for path, _place in beside:
            Path(path).unlink(missing_ok=True)
    return [str(place) for _path, place in beside]


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
