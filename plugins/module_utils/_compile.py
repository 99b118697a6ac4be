# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target's own compiler, for a controller that has none for this machine."""
import hashlib
import os

from . import _bounded, _place

COMPILERS = ('cc', 'gcc', 'clang')
SECONDS = 60
# Not static: a target seldom has its C library in that form, and the program is only for here.
FLAGS = ('-std=c11', '-Os', '-s')


def compiler(module):
    """The path of a compiler here, or None."""
    for name in COMPILERS:
        path = module.get_bin_path(name)
        if path:
            return path
    return None


def program(module, source):
    """The program as bytes, from ``{file name: text}``. Raises ValueError with the compiler's last words, OSError."""
    error = None
    for parent in _place.folders(module):
        try:
            with _place.Folder(parent) as folder:
                return _program(compiler(module), source, folder.path)
        except OSError as exc:
            error = exc
    raise error


def _program(command, source, folder):
    for name, text in source.items():
        with open(os.path.join(folder, os.path.basename(name)), 'w', encoding='utf-8') as handle:
            handle.write(text)
    output = os.path.join(folder, 'clockprobe')
    files = [os.path.join(folder, name) for name in sorted(source) if name.endswith('.c')]
    argv = [command] + list(FLAGS) + ['-DCLOCKPROBE_SOURCE="%s"' % digest(source), '-o', output] + files
    _bounded.finish(_bounded.start(argv, env={'TMPDIR': folder}), SECONDS, 1 << 20)
    with open(output, 'rb') as handle:
        return handle.read()


def digest(source):
    """The SHA-256 of ``{file name: text}``, as hexadecimal: each name, a NUL, the text, a NUL. The controller's too."""
    return hashlib.sha256(''.join('%s\0%s\0' % (name, source[name]) for name in sorted(source)).encode('utf-8')).hexdigest()
