# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the fix, and again after it was undone."""
import checks


def test_the_machine_is_stuck_on_a_slow_clocksource(host):
    assert checks.current(host) == 'acpi_pm'
    assert 'tsc' in checks.offered(host)
    assert checks.booted_with(host) == ['clocksource=acpi_pm']
    assert checks.read_ns(host) > 300


def test_the_boot_loaders_files_are_the_machines_own(host):
    checks.same_as_first(host, 'boot-files', checks.contents(host, *checks.BOOT_FILES))


def test_nothing_of_ours_is_there(host):
    checks.nothing_of_ours_is_left(host)
