# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files must hold so that chrony follows the clock, and what they held before; onto a Change."""
from .. import _root
from . import _conf, _dhcp, _guard, _layout, _record


def configure(layout, profile, device, confdir, change):
    """Plan every file. ``device`` is the path for the refclock line; ``confdir``: chronyd is 4.0 or newer.

    What chronyd is to read comes before that which makes way for it: wherever a power cut ends the writing, the next
    boot's chronyd has a source.
    ValueError where something that has to give way stands in a file that is not below /etc.
    """
    wanted = _conf.wants_out(profile)
    taken, theirs = [], []
    body = [_guard.reading(layout.folder, confdir)]
    for path, text in layout.files.items():
        below_etc = layout.root.real(path).startswith(layout.root.real('/etc') + '/')
        if _goes(path):
            continue
        after, out = _conf.comment_out(text, wanted)
        if out and not below_etc:
            raise ValueError('%s holds %r, which must not stand beside the clock, and no file outside of /etc is '
                             'edited' % (path, out[0]))
        taken.extend(out)
        if path == layout.conf and layout.dropin is None:
            after = _conf.with_block(after, body)
        theirs.append((path, after))
    _folder(layout, profile, device, taken, change)
    _system(layout, profile, device, change)
    if layout.dropin:
        change.edit(layout.dropin, ('\n'.join([_guard.HEADER] + body) + '\n').encode('ascii'))
    for path, after in theirs:
        change.edit(path, after.encode('utf-8', 'surrogateescape'))
    _dhcp.stop(layout.root, change)


def _goes(path):
    """Whether it is a file of servers whose sourcedir line goes."""
    return path.endswith('.sources') and not path.startswith('/etc/')


def _stay(layout, profile):
    """The owner's directives that stand beside the clock."""
    wanted = _conf.wants_out(profile)
    return [entry for entry in layout.entries if not _goes(entry.path) and not wanted(entry.name, entry.args)]


def minsources(layout, profile):
    """The owner's minsources line where it asks for more sources than the clock and what stays beside it, else None."""
    stay = _stay(layout, profile)
    # A pool is maxsources servers, 4 where it does not say (chrony.conf(5)).
    count = 1 + len(profile['ntp']['add']) + sum(
        4 if entry.name == 'pool' else 1 for entry in stay if entry.name in _conf.SOURCES + ('refclock',))
    lines = [entry for entry in stay if entry.name == 'minsources' and entry.args and entry.args[0].isdigit()]
    return lines[-1] if lines and int(lines[-1].args[0]) > count else None


def _folder(layout, profile, device, taken, change):
    beside = {entry.args[0].lower() for entry in _stay(layout, profile) if entry.name in _conf.SOURCES and entry.args}
    add = [line for line in profile['ntp']['add'] if line.split()[1].lower() not in beside]
    for name, text in (('ptp.conf', _guard.with_clock(profile, device, add)), ('ptp.off', None), ('ntp.conf', None),
                       ('ntp.off', _guard.without_clock(taken)),
                       ('guard.sh', _guard.script(layout.folder, profile, device))):
        _put(change, '%s/%s' % (layout.folder, name), text)


def _system(layout, profile, device, change):
    if layout.manager == 'systemd':
        _put(change, _guard.UNIT, _guard.unit(layout.folder, layout.service))
        _put(change, _guard.dropin_of(layout.service), _guard.dropin())
    else:
        _put(change, _guard.SCRIPT, _guard.openrc(layout.folder, layout.service), 0o755)
    _put(change, _guard.MODULES, _guard.modules(profile) if profile['module'] else None)
    _put(change, _guard.UDEV, _guard.udev(profile) if profile['link'] else None)


def _put(change, path, text, mode=0o644):
    change.edit(path, None if text is None else text.encode('utf-8', 'surrogateescape'), mode)


def ours(layout):
    """Every path that only we write."""
    own = ['%s/%s' % (layout.folder, name) for name in ('ptp.conf', 'ptp.off', 'ntp.conf', 'ntp.off', 'guard.sh')]
    own += [_guard.UNIT, _guard.SCRIPT, _guard.MODULES, _guard.UDEV, _guard.MODPROBE]
    own += [_guard.dropin_of(name) for name in ('chrony', 'chronyd')]
    folders = {entry.args[0].rpartition('/')[0] for entry in layout.entries if entry.name == 'include' and entry.args}
    folders.update(path for entry in layout.entries if entry.name == 'confdir' for path in entry.args)
    return own + sorted('%s/%s' % (folder.rstrip('/'), _layout.DROPIN) for folder in folders if folder)


def restore(layout, record, change):
    """Plan the way back. Returns the paths of files that others wrote to since: only our lines go from these.

    As in ``configure``, the sources come back before the clock's line goes.
    """
    own = ours(layout)
    others = _recorded({path: entry for path, entry in record['files'].items() if path not in own}, change)
    unrecorded = [path for path in list(layout.files) + list(_dhcp.FILES) if path not in record['files']]
    for path in unrecorded + others:
        text = change.root.read(path)
        if text is not None:
            change.edit(path, _conf.normal(text).encode('utf-8', 'surrogateescape'))
    _recorded({path: entry for path, entry in record['files'].items() if path in own}, change)
    for path in own:
        if path not in record['files'] and _is_ours(change.root, path):
            change.edit(path, None)
    return others


def _recorded(files, change):
    """Plan the recorded bytes where nobody else wrote since. Returns the paths where somebody did."""
    others = []
    for path, entry in sorted(files.items()):
        before = _record.before(entry)
        now = change.root.read_bytes(path)
        if now is None and before is not None:
            others.append(path)
        elif before is None or (_record.digest(now) == entry['sha256_written'] and not entry.get('mixed')):
            change.edit(path, before)
        elif now != before:
            others.append(path)
    return [path for path in others if change.root.read_bytes(path) is not None]


def _is_ours(root, path):
    try:
        return 'cloudclock.linux' in (root.read(path) or '')
    except _root.RootError:
        return False


def flat(root, conf):
    """All that chronyd would read, as one text without includes: what ``chronyd -p`` is to judge.

    ``root`` is a Staged one. Lines of .sources files are chronyd's to read later; they are servers all the same.
    """
    return ''.join(entry.line + '\n' for entry in _layout.expand(root, conf)
                   if entry.name not in ('include', 'confdir', 'sourcedir'))


def refclock_name(root, conf, line):
    """What chronyc calls the source of that refclock line, in the configuration as ``root`` has it.

    refclock.c: the refid given, else the driver's name cut to three characters and the number among all refclocks.
    """
    count = 0
    for entry in _layout.expand(root, conf):
        if entry.name != 'refclock':
            continue
        if entry.line.split() == line.split():
            return name_of(entry.args, count)
        count += 1
    return None


def name_of(args, index):
    words = [word.lower() for word in args]
    if 'refid' in words[:-1]:
        return args[words.index('refid') + 1]
    return args[0][:3] + str(index) if index < 10 else args[0][:2] + '%02d' % index
