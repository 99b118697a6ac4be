# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.cloudclock.linux.plugins.plugin_utils._ship import ShipsProbe


class ActionModule(ShipsProbe):
    """clock_impact with the probe."""
