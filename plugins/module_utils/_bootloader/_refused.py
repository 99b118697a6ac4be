# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A boot loader that is recognised and whose arguments cannot be changed, with the reason."""
from . import Unsupported

UKI = ('this machine boots a unified kernel image (UKI): its command line is inside the signed image, so changing it '
       'means building a new one')
UNSEEN = ('systemd-boot boots this machine, but its entries are not mounted at /boot, /efi or /boot/efi: mount them '
          'there, or use the tool that writes them (proxmox-boot-tool)')


class Refused:
    def __init__(self, root, name, why):
        self.root = root
        self.name = name
        self.why = why

    def read(self):
        return {'effective': None, 'judged': None, 'entries': [], 'entries_disagreeing': [], 'reason': self.why}

    def command(self):
        return None

    def pending(self, read, wish):
        return False

    def plan(self, wish, change, run):
        raise Unsupported(self.why)
