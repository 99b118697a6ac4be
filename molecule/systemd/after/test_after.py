# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks


def test_the_unit_took_the_tsc_although_the_kernel_was_told_otherwise(host):
    checks.kept_by_the_unit(host, 'acpi_pm')


def test_the_boot_loaders_files_are_the_machines_own(host):
    checks.same_as_first(host, 'boot-files', checks.contents(host, *checks.BOOT_FILES))
