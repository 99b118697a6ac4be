# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""extlinux.conf, as syslinux and U-Boot read it, and the file that generates it."""
import re

from .._words import split
from . import _shell
from ._menu import disagreeing

_APPEND = re.compile(r'^([ \t]*append[ \t]+)(.*?)([ \t]*\r?)$', re.I | re.M)
# The generator's file and the variable it takes arguments from: Debian's u-boot-menu, Alpine's update-extlinux.
_GENERATORS = (('/etc/default/u-boot', 'U_BOOT_PARAMETERS'), ('/etc/update-extlinux.conf', 'default_kernel_opts'))


class Extlinux:
    name = 'extlinux'

    def __init__(self, root, path):
        self.root = root
        self.path = path

    def read(self):
        listed, default = [], None
        for line in (self.root.read(self.path) or '').split('\n'):
            key, _blank, value = line.strip().replace('\t', ' ').partition(' ')
            key, value = key.lower(), value.strip()
            if key in ('default', 'ontimeout') and not listed:
                default = value
            elif key == 'label':
                listed.append({'id': value, 'title': value, 'args': [], 'recovery': False, 'next': False})
            elif key == 'menu' and value.lower() == 'default' and listed:
                default = listed[-1]['id']
            elif key == 'menu' and value.lower().startswith('label ') and listed:
                listed[-1]['title'] = value[6:].strip()
            elif key == 'append' and listed:
                listed[-1]['args'] = split(value)[0]
                listed[-1]['recovery'] = bool({'single', 'rescue', 'recovery'} & set(listed[-1]['args']))
        chosen = next((entry for entry in listed if entry['id'] == default), listed[0] if listed else None)
        if chosen:
            chosen['next'] = True
        effective = chosen['args'] if chosen else None
        return {'effective': effective, 'judged': effective, 'entries': listed,
                'entries_disagreeing': disagreeing(listed, effective),
                'reason': None if chosen else '%s has no entry' % self.path}

    def plan(self, wish, change, run):
        text = self.root.read_bytes(self.path).decode('utf-8', 'surrogateescape')
        labels = len(re.findall(r'^[ \t]*label[ \t]', text, re.I | re.M))
        appends = _APPEND.findall(text)
        if not appends or len(appends) < labels:
            raise ValueError('%s has an entry without an append line; add one first' % self.path)

        def edit(match):
            rescue = {'single', 'rescue', 'recovery'} & set(split(match.group(2))[0])
            return match.group() if rescue else match.group(1) + wish.edit(match.group(2)) + match.group(3)
        change.edit(self.path, _APPEND.sub(edit, text).encode('utf-8', 'surrogateescape'))
        return self._plan_generator(wish, change)

    def _plan_generator(self, wish, change):
        for path, name in _GENERATORS:
            data = self.root.read_bytes(path)
            if data is None:
                continue
            text = data.decode('utf-8', 'surrogateescape')
            if not any(assign.name == name for assign in _shell.parse(text).assigns):
                return {'covered': False, 'reason': '%s does not set %s, so kernels to come get its package\'s default'
                        % (path, name)}
            from ._grubvars import edit
            new = edit(text, wish, prefer=name, names=('', name))
            if new is None:
                return {'covered': False, 'reason': '%s computes %s when it runs' % (path, name)}
            change.edit(path, new.encode('utf-8', 'surrogateescape'))
            return {'covered': True, 'reason': None}
        return {'covered': False, 'reason': 'nothing is known that writes %s again' % self.path}

    def command(self):
        return None

    def pending(self, read, wish):
        return False
