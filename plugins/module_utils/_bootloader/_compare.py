# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two boot menus, two states of files: what differs, as a person sees it."""
import difflib

from .. import _cmdline
from .._words import split
from ._grubcfg import KERNEL

# As many lines of a menu's unrelated differences as a person reads.
DRIFT_LINES = 60


def languages(root, menu):
    """The languages to make the menu in, best first, as environments.

    Its titles are translated, and 00_header writes ``set lang=de_DE``: the language that the present menu was made in
    is tried before the system's own, or every menu of another operator's session would look like a drift.
    """
    names = [line.strip()[9:] + '.UTF-8' for line in menu.split('\n') if line.strip().startswith('set lang=')][:1]
    for path in ('/etc/default/locale', '/etc/locale.conf') if names else ():
        names.extend(line[5:].strip().strip('"\'') for line in (root.read(path) or '').split('\n')
                     if line.startswith('LANG='))
    names.append('C')
    return [{'LANG': name, 'LC_ALL': '', 'LC_MESSAGES': '', 'LANGUAGE': ''}
            for index, name in enumerate(names) if name not in names[:index]]


def is_kernel_line(line):
    return line.split(None, 1)[:1] != [] and line.split(None, 1)[0] in KERNEL


def comparable(text, wish):
    """The menu's lines with our arguments left out, to see what else two menus differ in."""
    found = []
    for line in text.split('\n'):
        if is_kernel_line(line):
            kernel, init = split(line)
            line = ' '.join(wish.strip(kernel) + init)
        found.append(line)
    return found


def drift(old, new, wish):
    lines = list(difflib.unified_diff(comparable(old, wish), comparable(new, wish), 'the menu as it is',
                                      'the menu as it would be', lineterm='', n=0))
    return [_cmdline.mask_text(line) for line in lines[:DRIFT_LINES]]


def diff(edits, backend):
    """Ansible's diff. Of a generated menu only the lines that boot kernels; secrets are hidden."""
    found = []
    for edit in edits:
        texts = [(data or b'').decode('utf-8', 'replace') for data in (edit.before, edit.after)]
        if edit.path == getattr(backend, 'menu', None):
            texts = ['\n'.join(line.strip() for line in text.split('\n') if is_kernel_line(line)) + '\n'
                     for text in texts]
        found.append({'before_header': edit.path, 'after_header': edit.path,
                      'before': _cmdline.mask_text(texts[0]), 'after': _cmdline.mask_text(texts[1])})
    return found
