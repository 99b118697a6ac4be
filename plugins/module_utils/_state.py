# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine was like before our first change: /var/lib/cloudclock/state.json, 0600.

A JSON object, one key for each kind of change. ``remember`` never overwrites a key,
so that a second run cannot take the first one's work for the machine's own state.
"""
import json
import os

from ._change import put

PATH = '/var/lib/cloudclock/state.json'


def load(root):
    """The record, {} when there is none. ValueError when it cannot be read or is not ours."""
    try:
        data = root.read_bytes(PATH)
    except OSError as exc:
        raise ValueError('%s cannot be read: %s' % (PATH, exc.strerror))
    if data is None:
        return {}
    try:
        state = json.loads(data.decode('utf-8'))
    except (ValueError, RecursionError) as exc:
        raise ValueError('%s is damaged (%s): move it away to go on without the record' % (PATH, exc))
    if not isinstance(state, dict):
        raise ValueError('%s does not hold an object: move it away to go on without the record' % PATH)
    return state


def remember(root, module, key, value):
    """Write ``state[key] = value`` unless the key is there. Returns whether it was written. OSError, ValueError."""
    state = load(root)
    if key in state:
        return False
    _save(root, module, dict(state, **{key: value}))
    return True


def ready(root, key):
    """For check mode: raises what ``remember`` would, as far as that shows before anything is written."""
    if key in load(root):
        return
    directory = os.path.dirname(root.real(PATH))
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
    if not os.access(directory, os.W_OK):
        raise OSError('%s cannot be written: %s is read-only, or another\'s' % (PATH, directory))


def update(root, module, key, value):
    """Write ``state[key] = value``, whatever was there."""
    state = load(root)
    if state.get(key) != value:
        _save(root, module, dict(state, **{key: value}))


def forget(root, module, key):
    """Drop a key; the file and its directory go with the last one."""
    state = load(root)
    if state.pop(key, None) is None:
        return
    _save(root, module, state)
    if not state:
        try:
            os.rmdir(os.path.dirname(root.real(PATH)))
        except OSError:
            pass  # something else is kept there


def _save(root, module, state):
    real = root.real(PATH)
    text = json.dumps(state, indent=1, sort_keys=True) + '\n' if state else None
    try:
        os.makedirs(os.path.dirname(real), mode=0o700, exist_ok=True)
        put(module, real, text and text.encode('utf-8'), mode=0o600)
    except OSError as exc:
        raise OSError('%s cannot be written: %s' % (PATH, exc.strerror or exc))
