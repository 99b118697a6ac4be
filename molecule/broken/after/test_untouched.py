# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same before and after: whatever was broken and mended, every file is as it was."""
import checks


def test_the_machine_runs_as_it_did(host):
    assert checks.current(host) == 'hpet'
    assert checks.booted_with(host) == ['clocksource=hpet']


def test_every_file_is_as_it_was(host):
    checks.same_as_first(host, 'files', checks.contents(host, '/etc', *checks.BOOT_FILES))
    assert not host.file(checks.RECORD).exists
