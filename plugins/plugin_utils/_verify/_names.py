# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that verify-clocksource.yml's variables may hold."""
from __future__ import annotations

CHECKS = ('source', 'stable', 'vdso', 'cycles', 'ns', 'persistent')
VERDICTS = ('optimal', 'acceptable', 'slow', 'unsafe', 'unknown')
