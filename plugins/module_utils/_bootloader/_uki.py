# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unified kernel image: recognised, and refused with the reason."""

from . import Unsupported

_WHY = ('this machine boots a unified kernel image (UKI): its command line is inside the signed image, so changing it '
        'means building a new one')


class Uki:
    name = 'uki'

    def __init__(self, root):
        self.root = root

    def read(self):
        return {'effective': None, 'judged': None, 'entries': [], 'entries_disagreeing': [], 'reason': _WHY}

    def command(self):
        return None

    def pending(self, read, wish):
        return False

    def plan(self, wish, change, run):
        raise Unsupported(_WHY)
