# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario's machines wrote to their serial consoles last: where something failed, this may say why."""
import glob
import os


def ends(lines=80):
    """Pairs of a console's path and its end. In a nested machine's console both machines speak."""
    for path in sorted(glob.glob(os.path.join(os.environ['MOLECULE_EPHEMERAL_DIRECTORY'], '*', 'console'))):
        with open(path, encoding='utf-8', errors='replace') as text:
            yield path, ''.join(text.readlines()[-lines:])
