# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the fix that the gate let through."""
import checks


def test_the_kernel_reads_the_tsc(host):
    assert checks.current(host) == 'tsc'
    assert checks.read_ns(host) < 300
