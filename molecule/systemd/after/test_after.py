# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks

UNIT = 'cloudclock-clocksource.service'


def test_the_kernel_reads_the_tsc_although_it_was_told_otherwise(host):
    assert checks.booted_with(host) == ['clocksource=acpi_pm']
    checks.await_current(host, 'tsc')
    assert checks.read_ns(host) < 300


def test_the_unit_is_enabled_and_did_not_fail(host):
    assert host.service(UNIT).is_enabled
    assert host.check_output('systemctl show -P Result %s', UNIT) == 'success'
    assert 'tsc is the clocksource' in host.check_output('journalctl -b -u %s -o cat', UNIT)


def test_the_boot_loaders_files_are_the_machines_own(host):
    checks.same_as_first(host, 'boot-files', checks.contents(host, *checks.BOOT_FILES))
