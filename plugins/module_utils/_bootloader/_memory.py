# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a machine's kernel arguments before our first change, below ``kernel_cmdline`` in state.json.

``{backend, args: [asked to be present so far], absent: [asked to be absent so far], effective_before: [..] | null,
files: {path: {before_b64 | null, before_args: [our names' former values], sha256_written}}}``
"""
import base64
import hashlib

from .. import _state
from .._cmdline import Wish

PATH = _state.PATH
KEY = 'kernel_cmdline'


def load(root):
    """The record, None when there is none (a root that is not the running machine never has one)."""
    return _state.load(root).get(KEY) if root.live else None


def remember(root, module, name, wish, before, change):
    """Record what the change is about to overwrite; what is recorded already stays. Returns the record before that."""
    if not root.live:
        return None
    old = load(root)
    record = {'backend': name, 'args': [], 'absent': [], 'effective_before': before['judged'], 'files': {}}
    record.update(old or {})
    files = dict(record['files'])
    for edit in change.files:
        entry = dict(files.get(edit.path) or {
            'before_b64': None if edit.before is None else base64.b64encode(edit.before).decode('ascii'),
            'before_args': [word for word in before['judged'] or [] if wish.wants(word) or wish.gives_way(word)]})
        entry['sha256_written'] = _digest(edit.after)
        files[edit.path] = entry
    record.update(files=files, args=_union(record['args'], wish.present), absent=_union(record['absent'], wish.absent))
    if old is None:
        _state.remember(root, module, KEY, record)
    else:
        _state.update(root, module, KEY, record)
    return old


def take_back(root, module, old):
    """After a failure: the record as it was before ``remember``."""
    if root.live and old is None:
        _state.forget(root, module, KEY)
    elif root.live:
        _state.update(root, module, KEY, old)


def forget(root, module):
    if root.live:
        _state.forget(root, module, KEY)


def plan_files(record, change):
    """Plan each recorded file's former bytes where nobody else wrote to it since. Returns the paths of the others."""
    others = []
    for path, entry in sorted(record['files'].items()):
        before = None if entry['before_b64'] is None else base64.b64decode(entry['before_b64'])
        now = change.root.read_bytes(path)
        if now == before:
            continue
        if _digest(now) == entry['sha256_written']:
            change.edit(path, before)
        elif now is not None:
            others.append(path)
    return others


def wish_back(record, left):
    """What the line must look like again: our arguments gone and, where they are ``left`` in a place that cannot get
    its former bytes, the values that gave way to them back."""
    ours = Wish.of(record['args'], record['absent'])
    wish = Wish.of([], [])
    for word in record['effective_before'] or []:
        if ours.wants(word) or ours.gives_way(word):
            # Of several values of one name the kernel took the last.
            kept = [other for other in wish.present
                    if not Wish.of([word]).gives_way(other) and not Wish.of([word]).wants(other)]
            wish.present = kept + [word]
    wish.absent = [arg for arg in record['args'] if not wish.wants(arg)]
    if not left:
        wish.present = []
    return wish


def _union(old, new):
    return old + [arg for arg in new if arg not in old]


def _digest(data):
    return None if data is None else hashlib.sha256(data).hexdigest()
