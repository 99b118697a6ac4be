# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks


def test_nothing_of_ours_is_left(host):
    checks.nothing_of_ours_is_left(host)
