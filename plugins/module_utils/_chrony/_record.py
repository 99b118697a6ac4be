# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a machine before our first change, below ``chrony_ptp`` in state.json.

``{files: {path: {before_b64 | null, sha256_written | null, mixed?: true}}, dirs: [made by us],
services: {name: {active, enabled}}}``; ``enabled`` may be the name of a runlevel (_daemon.OpenRC)
"""
import base64
import hashlib

from .. import _state
from . import _conf, _guard

KEY = 'chrony_ptp'
EMPTY = {'files': {}, 'dirs': [], 'services': {}}


def load(root):
    """The record, None where there is none. ValueError where it is damaged."""
    found = _state.load(root).get(KEY) if root.live else None
    if found is not None and (not isinstance(found, dict) or not isinstance(found.get('files'), dict)):
        raise ValueError('%s is damaged (%s): move it away to go on without the record' % (_state.PATH, KEY))
    return None if found is None else dict(EMPTY, **found)


def remember(root, module, old, change, services, dirs):
    """Record what is about to be overwritten; what is recorded already stays."""
    record = dict(EMPTY, **(old or {}))
    files = dict(record['files'])
    for edit in change.files:
        entry = dict(files.get(edit.path) or {'before_b64': _encoded(_owners(edit.before))})
        # Somebody else wrote here between our runs: the bytes of before are not the file without us any more.
        if 'sha256_written' in entry and entry['sha256_written'] != digest(edit.before):
            entry['mixed'] = True
        entry['sha256_written'] = digest(edit.after)
        files[edit.path] = entry
    record.update(files=files, services=dict(services, **record['services']),
                  dirs=record['dirs'] + [path for path in dirs if path not in record['dirs']])
    if old is None:
        _state.remember(root, module, KEY, record)
    else:
        _state.update(root, module, KEY, record)


def take_back(root, module, old):
    """After a failure: the record as it was before ``remember``."""
    if old is None:
        _state.forget(root, module, KEY)
    else:
        _state.update(root, module, KEY, old)


def _owners(data):
    """A file's bytes without ours: a run that kept no record, or whose record was lost, may have been here."""
    if data is None or _guard.HEADER.encode('ascii') in data[:200]:
        return None
    return _conf.normal(data.decode('utf-8', 'surrogateescape')).encode('utf-8', 'surrogateescape')


def _encoded(data):
    return None if data is None else base64.b64encode(data).decode('ascii')


def before(entry):
    return None if entry['before_b64'] is None else base64.b64decode(entry['before_b64'])


def digest(data):
    return None if data is None else hashlib.sha256(data).hexdigest()
