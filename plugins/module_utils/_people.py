# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process is, from /proc: read once, when the counting is over.

Of a command line only the program's own name is told, and a script that it runs: the rest may hold secrets.
"""
import re

SECCOMP = {'0': 'none', '1': 'strict', '2': 'filter'}
_ID = re.compile(r'[0-9a-f]{64}')
_NAMED = re.compile(r'/(?:lxc(?:\.payload)?[./]|machine\.slice/(?:machine-|systemd-nspawn@))'
                    r'([^/]+?)(?:\.scope|\.service)?(?:/|$)')
_ADDRESSES = re.compile(r'([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)')
# A static program that finds the vDSO has the name of the function in it (vdso(7)). A larger one is not searched.
_VDSO_NAMES = (b'__vdso_clock_gettime', b'__kernel_clock_gettime')
MOST_OF_PROGRAM = 16 << 20
NOBODY = {'command': None, 'exe': None, 'uid': None, 'user': None, 'cgroup': None, 'container': None, 'seccomp': None,
          'ended': True, 'maps': None, 'program': None}


def describe(root, pid, name, users):
    """A process, ``ended`` where it is gone or its number is another's by now. 0 is every process outside this container.

    ``name``: what it was called while it was counted, None where that is not known. ``maps``: [(first, end, path)].
    ``program()`` says whether its file names the vDSO's function: True, False, None for unknown.
    """
    if not pid:
        return dict(NOBODY, name=None, ended=None)
    base = '/proc/%d/' % pid
    status = dict(line.partition(':')[::2] for line in (root.read(base + 'status') or '').split('\n'))
    comm = (root.read(base + 'comm') or '')[:-1]
    if 'Uid' not in status or name not in (None, comm) or 'zombie' in status.get('State', ''):
        return dict(NOBODY, name=name)
    words = (root.read(base + 'cmdline') or '').split('\0')
    uid, cgroup = int(status['Uid'].split()[0]), _cgroup(root.read(base + 'cgroup') or '')
    return {
        'name': comm,
        'command': _command(words),
        'exe': root.link(base + 'exe'), 'uid': uid, 'user': users.get(uid),
        'cgroup': cgroup, 'container': _container(cgroup or ''),
        'seccomp': SECCOMP.get(status.get('Seccomp', '').strip()), 'ended': False,
        'maps': maps(root.read(base + 'maps', 16 << 20) or ''),
        'program': lambda: _names_vdso(root, base + 'exe'),
    }


def _command(words):
    """The program, without options where it wrote them into its title, and the script that it runs."""
    words = [words[0].split(' -')[0]] + [word for word in words[1:2] if word.startswith('/')]
    return ' '.join(words)[:300] or None


def users(root):
    """uid → name, of /etc/passwd alone: no directory service is asked."""
    found = {}
    for line in (root.read('/etc/passwd') or '').splitlines():
        words = line.split(':')
        if len(words) > 2 and words[2].isdecimal() and len(words[2]) < 11:
            found.setdefault(int(words[2]), words[0])
    return found


def maps(text):
    """``7f1c000-7f1d000 r-xp 00000000 08:01 42 /lib/libc.so.6`` → [(first, end, path)]; None where there are none."""
    found = []
    for line in text.split('\n'):
        match = _ADDRESSES.match(line)
        if match:
            found.append((int(match.group(1), 16), int(match.group(2), 16), match.group(3)))
    return found or None


def _cgroup(text):
    """The longest path: ``0::/system.slice/a.service``, and one line for each hierarchy of version 1."""
    paths = [line.split(':', 2)[2] for line in text.split('\n') if line.count(':') > 1]
    return max(paths, key=len) if paths else None


def _container(cgroup):
    ids = _ID.findall(cgroup)
    if ids:
        return ids[-1][:12]
    named = _NAMED.search(cgroup)
    return named.group(1) if named else None


def _names_vdso(root, path):
    try:
        data = root.read_bytes(path, MOST_OF_PROGRAM) or b''
    except OSError:
        return None
    if any(name in data for name in _VDSO_NAMES):
        return True
    return False if 0 < len(data) < MOST_OF_PROGRAM else None
