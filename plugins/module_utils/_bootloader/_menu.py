# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB's generated menu and environment block on a machine: where they are, and what boots next."""
from .._words import parse
from ._grubcfg import Menu, environment

# The clock's own arguments: what the facts compare entries by.
CLOCK_NAMES = frozenset(['clocksource', 'tsc', 'notsc', 'no_kvmclock', 'no_kvmclock_vsyscall', 'hpet'])


def locate(root):
    """The path of the menu that GRUB reads, or None.

    On EFI machines of the RHEL family up to 8 it is on the EFI partition; later that file is a stub that only names
    the real one, and it must never be written.
    """
    paths = ['/boot/grub2/grub.cfg', '/boot/grub/grub.cfg']
    vendors = ['/boot/efi/EFI/%s/grub.cfg' % name for name in root.listdir('/boot/efi/EFI')]
    if root.exists('/sys/firmware/efi') or not any(root.exists(path) for path in paths):
        for path in vendors:
            if _is_menu(root.read(path)):
                return path
    for path in paths:
        if root.exists(path):
            return path
    return None


def _is_menu(text):
    return text is not None and ('\nmenuentry ' in text or '\nblscfg' in text or '### BEGIN /etc/grub.d/' in text)


def environment_path(root, menu):
    """The environment block beside the menu: ``/boot/grub2/grubenv`` may be a link to the EFI partition."""
    for path in ('/boot/grub2/grubenv', '/boot/grub/grubenv'):
        if root.exists(path):
            return path
    for name in root.listdir('/boot/efi/EFI') if menu is None else ():
        if root.exists('/boot/efi/EFI/%s/grubenv' % name):
            return '/boot/efi/EFI/%s/grubenv' % name
    return (menu.rpartition('/')[0] if menu else '/boot/grub2') + '/grubenv'


def load(root, menu, bls=None):
    """The Menu, or None when there is no file. ``bls(variables)`` makes the nodes of loader entries."""
    text = root.read(menu) if menu else None
    if text is None:
        return None
    return Menu(text, environment(root.read(environment_path(root, menu))), bls)


def report(menu):
    """What ``Backend.read`` returns, of a Menu. ``judged``: the arguments of the entry that ours are judged by."""
    node, how = menu.next()
    reason = None
    if node is None:
        reason = 'the boot menu has no entry'
    elif node['args'] is None:
        reason = 'the entry that boots next (%s) is not a Linux kernel' % node['title']
    elif how == 'next_entry':
        reason = 'the entry that boots next was chosen for one boot (next_entry): %s' % node['title']
    nodes = menu.linux()
    for other in nodes:
        other['next'] = other is node
    keys = ('id', 'title', 'args', 'recovery', 'foreign', 'custom', 'next')
    entries = [dict((key, other[key]) for key in keys) for other in nodes]
    effective = node['args'] if node else None
    normal = [other for other in [node, menu.usual()] + nodes
              if other and other['args'] is not None and not other['recovery'] and not other['foreign']]
    return {'effective': effective, 'entries': entries, 'reason': reason,
            'judged': normal[0]['args'] if normal else None,
            'entries_disagreeing': disagreeing(entries, effective)}


def disagreeing(entries, effective):
    """The ids of this system's other normal entries whose clock arguments are not those of the one that boots next."""
    if effective is None:
        return []
    return [entry['id'] for entry in entries
            if not entry['recovery'] and not entry.get('foreign') and clock(entry['args']) != clock(effective)]


def clock(args):
    return [parse(arg) for arg in args if parse(arg)[0] in CLOCK_NAMES]
