# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ostree systems: rpm-ostree owns the arguments; the loader entries below /boot only show them."""
from .._words import split
from ._files import entries, version_key
from ._menu import disagreeing


class Ostree:
    name = 'rpm-ostree'

    def __init__(self, root, directory):
        self.root = root
        self.directory = directory

    def read(self):
        """The deployment that boots next has the highest version in its entry: ostree-2.conf goes before ostree-1."""
        found = entries(self.root, self.directory)
        found.sort(key=lambda entry: version_key(entry.fields.get('version', entry.id)), reverse=True)
        listed = [{'id': entry.id, 'title': entry.fields.get('title', entry.id), 'recovery': False,
                   'args': split(entry.options)[0], 'next': index == 0} for index, entry in enumerate(found)]
        effective = listed[0]['args'] if listed else None
        return {'effective': effective, 'judged': effective, 'entries': listed,
                'entries_disagreeing': disagreeing(listed, effective),
                'reason': None if listed else 'no loader entry was found'}

    def plan(self, wish, change, run):
        if not self.root.live:
            raise ValueError('an ostree system keeps its arguments in its deployments: rpm-ostree kargs changes them '
                             'on the running machine only')
        return {'covered': True, 'reason': None}

    def command(self):
        return None

    def pending(self, read, wish):
        return not wish.met(read['judged'] or [])

    def predict(self, read, wish, staged):
        entries_after = [dict(entry, args=wish.merge(entry['args'])) if entry['next'] else entry
                         for entry in read['entries']]
        after = wish.merge(read['effective'] or [])
        return dict(read, effective=after, judged=after, entries=entries_after)

    def activate(self, run, wish, gone):
        """Change the next deployment by one rpm-ostree transaction. OSError with its own words."""
        before = self.read()['effective'] or []
        path = next((path for path in ('/usr/bin/rpm-ostree', '/bin/rpm-ostree') if self.root.exists(path)), None)
        if path is None:
            raise OSError('rpm-ostree is not on this machine, so its arguments cannot be changed')
        after = wish.merge(before)
        argv = [path, 'kargs']
        left = list(after)
        for word in before:
            if word in left:
                left.remove(word)
            else:
                argv.append('--delete=%s' % word)
        argv.extend('--append=%s' % word for word in left)
        code, out, err = run(argv)
        if code:
            raise OSError('rpm-ostree kargs failed (exit status %d): %s' % (code, (err or out).strip()))
