# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot loaders: one file a backend, chosen by what the machine has, not by its distribution's name.

A backend has ``name`` and

- ``read()``: ``{'effective': [args] | None, 'entries': [{'id', 'title', 'args', 'recovery', 'next'}],
  'entries_disagreeing': [ids], 'reason': str | None}``; effective are the arguments of the entry that boots next,
  an entry that is not Linux has ``args: None``;
- ``plan(wish, change, run)``: adds file edits to a Change; returns ``{'covered': bool | None, 'reason': str | None}``
  for kernels to come. ValueError says why it cannot;
- ``command()``: what must run for the files to take effect, as a list, or None;
- ``activate(run, …)``: runs it (see each backend).
"""


class Unsupported(ValueError):
    """The boot loader is known, and why its arguments cannot be changed here."""


# grub-mkconfig's settings, and our own file among them: its name sorts after those of cloud images.
FILE = '/etc/default/grub'
FOLDER = '/etc/default/grub.d'
OWN = 'zz-cloudclock.cfg'
# Where the running system's boot loader says its name (systemd.io/BOOT_LOADER_INTERFACE), in UTF-16.
_LOADER_INFO = '/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'


def find(root):
    """The backend of the machine below ``root``, or None when none is recognised."""
    loader = _loader_entries(root)
    if _unified(root, loader):
        from ._refused import UKI, Refused
        return Refused(root, 'uki', UKI)
    if 'systemd-boot' in (root.read(_LOADER_INFO) or '').replace('\0', ''):
        if not loader:
            from ._refused import UNSEEN, Refused
            return Refused(root, 'systemd-boot', UNSEEN)
        from ._sdboot import SystemdBoot
        return SystemdBoot(root, loader)
    if root.exists('/run/ostree-booted') or (root.isdir('/ostree/repo') and loader):
        from ._ostree import Ostree
        return Ostree(root, loader or '/boot/loader/entries')
    grub = _grub_directory(root)
    if loader and not grub:
        from ._sdboot import SystemdBoot
        return SystemdBoot(root, loader)
    if grub:
        from ._grub import Grub
        from ._menu import locate
        menu = locate(root)
        if loader and _uses_entries(root, menu):
            from ._bls import Bls
            return Bls(root, loader, menu)
        return Grub(root, menu)
    for path in ('/boot/extlinux/extlinux.conf', '/boot/syslinux/syslinux.cfg', '/extlinux/extlinux.conf'):
        if root.exists(path):
            from ._extlinux import Extlinux
            return Extlinux(root, path)
    return None


def _loader_entries(root):
    """The directory of the loader entries, where there are any."""
    for top in ('/boot', '/efi', '/boot/efi'):
        path = top + '/loader/entries'
        if any(name.endswith('.conf') for name in root.listdir(path)):
            return path
    return None


def _grub_directory(root):
    """Where GRUB lives, None when GRUB is not what boots here although other loaders' entries may be."""
    for path in ('/boot/grub2', '/boot/grub'):
        if root.exists(path + '/grub.cfg'):
            return path
    marks = ('/etc/default/grub', '/boot/grub2/grubenv', '/boot/grub/grubenv')
    if any(root.exists(path) for path in marks) and not _is_systemd_boot(root):
        return '/boot/grub2' if root.isdir('/boot/grub2') else '/boot/grub'
    return None


def _is_systemd_boot(root):
    return any(root.isdir(top + '/EFI/systemd') or root.exists(top + '/loader/loader.conf')
               for top in ('/boot', '/efi', '/boot/efi'))


def _unified(root, loader):
    """Whether a unified kernel image boots: systemd-stub left its variable, or there is nothing else to boot."""
    if root.live:
        return any(name.startswith('StubInfo-') for name in root.listdir('/sys/firmware/efi/efivars'))
    return not loader and not _grub_directory(root) and any(
        name.lower().endswith('.efi') for top in ('/boot', '/efi', '/boot/efi')
        for name in root.listdir(top + '/EFI/Linux'))


def _uses_entries(root, menu):
    """Whether GRUB takes its entries from the loader entries (blscfg)."""
    text = root.read(menu) if menu else None
    if text is not None:
        return any(line.strip().startswith('blscfg') for line in text.split('\n'))
    text = root.read('/etc/default/grub') or ''
    values = [line.partition('=')[2].strip().strip('"\'') for line in text.split('\n')
              if line.strip().startswith('GRUB_ENABLE_BLSCFG=')]
    return values[-1:] != ['false']
