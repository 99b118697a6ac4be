# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything was measured, and after it: on hpet, which is slow, and nothing of ours left."""
import checks


def test_the_machine_is_on_its_slow_clocksource(host):
    assert checks.current(host) == 'hpet'
    assert 'tsc' in checks.offered(host)
    assert checks.read_ns(host) > 300


def test_nothing_of_ours_is_there(host):
    assert not host.file(checks.RECORD).exists
    checks.same_as_first(host, 'boot-files', checks.contents(host, *checks.BOOT_FILES))
