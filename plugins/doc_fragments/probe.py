# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option by which a module gets the probe."""
from __future__ import annotations


class ModuleDocFragment:

    DOCUMENTATION = r'''
options:
  probe:
    description:
      - The probe for the target, handed over by the action plugin of the same name. Nobody sets it by hand.
    type: str
'''
