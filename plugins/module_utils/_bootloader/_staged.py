# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine's files as they will be once a Change is applied: what check mode and a plan in two steps look at."""


class Staged:
    """A Root in which the edits of a Change are already there. Everything else is the Root's."""

    def __init__(self, root, change):
        self._root = root
        self._after = dict((root.real(edit.path), edit.after) for edit in change.files)
        self.path = root.path
        self.live = root.live
        self.denied = root.denied

    def real(self, path):
        return self._root.real(path)

    def isdir(self, path):
        return self._root.isdir(path)

    def read_bytes(self, path, limit=None):
        real = self._root.real(path)
        return self._after[real] if real in self._after else self._root.read_bytes(path, limit)

    def read(self, path, limit=1 << 20):
        real = self._root.real(path)
        if real not in self._after:
            return self._root.read(path, limit)
        data = self._after[real]
        return None if data is None else data.decode('utf-8', 'surrogateescape')

    def exists(self, path):
        real = self._root.real(path)
        return self._after[real] is not None if real in self._after else self._root.exists(path)

    def listdir(self, path):
        names = set(self._root.listdir(path))
        folder = self._root.real(path)
        for real, data in self._after.items():
            top, _slash, name = real.rpartition('/')
            if top == folder:
                (names.discard if data is None else names.add)(name)
        return sorted(names)
