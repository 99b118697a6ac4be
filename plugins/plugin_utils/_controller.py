# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action plugin says of itself that works on the controller alone, once for all hosts of a play."""
from __future__ import annotations

from ansible.plugins.action import ActionBase


class OnController(ActionBase):
    """No host is asked, no module runs."""

    TRANSFERS_FILES = False
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
