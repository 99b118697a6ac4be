# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-boot: loader entries, and /etc/kernel/cmdline for kernels to come."""
from .._words import split
from ._files import edit_options, entries, matches, plan_kernel_cmdline, remove, version_key
from ._menu import disagreeing

# The vendor of the Boot Loader Interface's variables (systemd.io/BOOT_LOADER_INTERFACE).
_VENDOR = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
_VARIABLES = '/sys/firmware/efi/efivars/%s-' + _VENDOR


class SystemdBoot:
    name = 'systemd-boot'

    def __init__(self, root, directory):
        self.root = root
        self.directory = directory

    def _variable(self, name):
        """An EFI variable's text: four bytes of attributes, then UTF-16 with a NUL at its end."""
        try:
            data = self.root.read_bytes(_VARIABLES % name)
        except OSError:
            return None
        return data[4:].decode('utf-16-le', 'replace').rstrip('\0') if data else None

    def _next(self, found):
        """``(entry, chosen for one boot)``: one-shot, the user's default, loader.conf's, then the newest."""
        once = self._variable('LoaderEntryOneShot')
        wanted = [once, self._variable('LoaderEntryDefault')]
        conf = self.root.read(self.directory.rpartition('/')[0] + '/loader.conf') or ''
        for line in conf.split('\n'):
            key, _blank, value = line.strip().replace('\t', ' ').partition(' ')
            if key == 'default':
                wanted.append(value.strip())
        for pattern in wanted:
            if pattern == '@saved':
                pattern = self._variable('LoaderEntryLastBooted')
            for entry in found:
                if pattern and matches(entry, pattern):
                    return entry, pattern == once
        return (found[0] if found else None), False

    def _sorted(self):
        """Entries as systemd-boot orders them: by sort-key, machine-id, then the newest version."""
        found = entries(self.root, self.directory)
        found.sort(key=lambda entry: version_key(entry.id), reverse=True)
        found.sort(key=lambda entry: version_key(entry.fields.get('version', '')), reverse=True)
        found.sort(key=lambda entry: ('sort-key' not in entry.fields, entry.fields.get('sort-key', ''),
                                      entry.fields.get('machine-id', '') if 'sort-key' in entry.fields else ''))
        return found

    def read(self):
        found = self._sorted()
        chosen, once = self._next(found)
        listed = [{'id': entry.id, 'title': entry.fields.get('title', entry.id), 'args': split(entry.options)[0],
                   'recovery': entry.recovery, 'next': entry is chosen} for entry in found]
        effective = next((entry['args'] for entry in listed if entry['next']), None)
        reason = 'the entry that boots next was chosen for one boot: %s' % chosen.id if once else None
        return {'effective': effective, 'judged': effective, 'entries': listed, 'reason': reason,
                'entries_disagreeing': disagreeing(listed, effective)}

    def plan(self, wish, change, run):
        for entry in entries(self.root, self.directory):
            if not wish.met(split(entry.options)[0]):
                after = edit_options(entry.text, lambda line, first: (
                    wish.edit(line) if first else remove(line, wish)))
                change.edit(entry.path, after.encode('utf-8', 'surrogateescape'))
        covered, reason = plan_kernel_cmdline(self.root, wish, change)
        return {'covered': covered, 'reason': reason}

    def command(self):
        return None

    def pending(self, read, wish):
        return False
