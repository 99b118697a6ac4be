# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read by pytest on every target's Python too, 3.6 among them: nothing newer than that here."""
try:
    from hypothesis import settings
except ImportError:  # tests that need it say so themselves
    pass
else:
    # The machines that run this are shared and slow at times: an example's time says nothing about the code.
    settings.register_profile('shared', deadline=None)
    settings.load_profile('shared')
