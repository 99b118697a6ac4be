# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this machine keeps chrony, by what is there and not by its distribution's name."""
import fnmatch
import os
import re

from . import _conf

DROPIN = 'cloudclock-ptp.conf'
_CONFS = ('/etc/chrony/chrony.conf', '/etc/chrony.conf')
_BINARIES = ('/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin')
_UNITS = ('/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system')
# conf.c, MAX_INCLUDE_LEVEL
_DEPTH = 10


class Entry:
    """One directive: the file it stands in, its name in lower case, its arguments and the line."""

    def __init__(self, path, name, args, line):
        self.path = path
        self.name = name
        self.args = args
        self.line = line


class Layout:
    """``chronyd`` (None: not installed), ``conf``, ``manager`` (systemd, openrc, None), ``service``,
    ``files`` {path: text as its owner wrote it} in chronyd's order, ``entries``, ``dropin`` (None: none is read)."""

    def __init__(self, root):
        self.root = root
        self.chronyd = _binary(root, 'chronyd')
        self.conf = _find_conf(root)
        self.manager, self.service = _service(root)
        self.files = {}
        self.entries = list(expand(root, self.conf, self.files)) if self.conf else []
        self.dropin = _dropin(self.entries)
        # confdir and sourcedir came with chrony 4.0.
        self.has_confdir = any(entry.name in ('confdir', 'sourcedir') for entry in self.entries)
        self.folder = ('/etc/chrony/cloudclock-ptp.d' if (self.conf or '').startswith('/etc/chrony/')
                       else '/etc/chrony-cloudclock-ptp.d')

    def same_device(self, paths):
        """The owner's refclock line on one of these device paths, None where there is none."""
        wanted = {self.root.real(path) for path in paths}
        for entry in self.entries:
            used = _conf.device(entry.args) if entry.name == 'refclock' else None
            if used and (used in paths or self.root.real(used) in wanted):
                return entry
        return None

    def refclocks(self):
        return [entry for entry in self.entries if entry.name == 'refclock']


def expand(root, conf, files=None):
    """Every directive that chronyd reads, in its order.

    With ``files``, a dict that is filled, as the owner wrote them: without ours. Without it, as they stand.
    """
    return _walk(root, conf, files, 0)


def _walk(root, path, files, depth):
    text = root.read(path)
    if text is None or depth > _DEPTH or (files is not None and os.path.basename(path) == DROPIN):
        return
    if files is not None:
        text = files[path] = _conf.normal(text)
    for line in _conf.lines(text):
        name, args = _conf.directive(line)
        if not name:
            continue
        yield Entry(path, name, args, line.strip('\r\n'))
        for other in _included(root, name, args):
            yield from _walk(root, other, files, depth + 1)


def _included(root, name, args):
    if name == 'include' and args:
        return _glob(root, args[0])
    if name in ('confdir', 'sourcedir'):
        return _merged(root, args, '*.conf' if name == 'confdir' else '*.sources')
    return []


def _merged(root, folders, pattern):
    """search_dirs of conf.c: sorted by name; of files of one name the first folder's."""
    found = {}
    for folder in reversed(folders):
        for name in fnmatch.filter(root.listdir(folder), pattern):
            if not name.startswith('.'):
                found[name] = '%s/%s' % (folder.rstrip('/'), name)
    return [found[name] for name in sorted(found)]


def _glob(root, pattern):
    paths = ['']
    for part in pattern.strip('/').split('/'):
        if re.search(r'[*?[]', part):
            paths = [path + '/' + name for path in paths for name in root.listdir(path or '/')
                     if fnmatch.fnmatchcase(name, part) and (not name.startswith('.') or part.startswith('.'))]
        else:
            paths = [path + '/' + part for path in paths]
    return paths


def _binary(root, name):
    for folder in _BINARIES:
        if root.exists('%s/%s' % (folder, name)):
            return '%s/%s' % (folder, name)
    return None


def _find_conf(root):
    # DAEMON_OPTS="-F 1" (Debian), OPTIONS="-F 2" (RHEL, SUSE), CFGFILE="/etc/chrony/chrony.conf" (Gentoo)
    for path in ('/etc/default/chrony', '/etc/sysconfig/chronyd', '/etc/conf.d/chronyd'):
        for line in (root.read(path) or '').splitlines():
            named = re.match(r'\s*(?:\w+=.*[\s"\'=]-f\s*|CFGFILE=["\']?)(/[^\s"\']+)', line)
            if named and root.exists(named.group(1)):
                return named.group(1)
    for path in _CONFS:
        if root.exists(path):
            return path
    return None


def _service(root):
    """The service manager and what it calls chronyd: Debian's chrony.service has chronyd.service as an alias."""
    names = ['%s/%s' % (folder, name) for name in ('chrony', 'chronyd') for folder in _UNITS[1:] + _UNITS[:1]]
    units = [name for name in names if root.exists(name + '.service')]
    systemd = root.isdir('/run/systemd/system') if root.live else bool(units)
    if systemd:
        return 'systemd', _unit_name(root, units[0]) if units else None
    if root.exists('/sbin/openrc-run') or root.exists('/usr/sbin/openrc-run'):
        scripts = [name for name in ('chronyd', 'chrony') if root.exists('/etc/init.d/' + name)]
        return 'openrc', scripts[0] if scripts else None
    return None, None


def _unit_name(root, path):
    """The unit's own name, by which systemctl answers, where ``path`` is another of its names; a masked one's as is."""
    name = os.path.basename(root.real(path + '.service'))
    return name[:-len('.service')] if name.endswith('.service') else os.path.basename(path)


def _dropin(entries):
    """Our file in a folder below /etc from which chrony.conf takes configuration, None where there is none."""
    for entry in entries:
        folders = []
        if entry.name == 'confdir':
            folders = entry.args
        elif entry.name == 'include' and entry.args and fnmatch.fnmatchcase(DROPIN, os.path.basename(entry.args[0])):
            folders = [os.path.dirname(entry.args[0])]
        for folder in folders:
            if folder.startswith('/etc/') and not re.search(r'[*?[]', folder):
                return '%s/%s' % (folder.rstrip('/'), DROPIN)
    return None
