# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NTP servers of DHCP that come by another way than a ``sourcedir``: a helper hands them to chronyd by chronyc.

RHEL's chrony before 4.0: /usr/libexec/chrony-helper, run after each start of chronyd, adds what the hook of dhclient
(/etc/dhcp/dhclient.d/chrony.sh) has listed, unless PEERNTP=no. SUSE: the same from netconfig's list, unless
NETCONFIG_NTP_POLICY is empty. Google's script for accurate time sets both variables and empties netconfig's list.
Both files are shell assignments, of which the last counts, so ours is a marked block at the end.
"""
import fnmatch
import re

from . import _conf

# (what shows that the way is used, the file, our line, the folder and the names of the lists)
_WAYS = [
    ('/usr/libexec/chrony-helper', '/etc/sysconfig/network', 'PEERNTP=no', '/var/lib/dhclient', 'chrony.servers.*'),
    ('/etc/sysconfig/network/config', '/etc/sysconfig/network/config', 'NETCONFIG_NTP_POLICY=""', '/run/netconfig',
     'chrony.servers'),
]
FILES = tuple(way[1] for way in _WAYS)


def stop(root, change):
    """Plan that DHCP's servers stay away, and that those which are there already do not come back with chronyd."""
    for sign, path, line, folder, names in _WAYS:
        if not root.exists(sign) or root.isdir(path):
            continue
        text = _conf.normal(root.read(path) or '')
        if _value(text, line.partition('=')[0]) != line.partition('=')[2].strip('"'):
            text = _conf.with_block(text, [line])
        change.edit(path, text.encode('utf-8', 'surrogateescape'))
        for name in fnmatch.filter(root.listdir(folder), names):
            change.edit('%s/%s' % (folder, name), b'')


def _value(text, name):
    """What the shell takes for the variable; None where it is not set."""
    found = re.findall(r'^\s*%s=(.*)$' % name, text, re.M)
    return found[-1].strip().strip('\'"') if found else None
