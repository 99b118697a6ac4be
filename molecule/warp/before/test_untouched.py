# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After each of the plays: nothing was kept, and the machine is where the kernel put it."""
import checks


def test_the_tsc_is_offered_and_another_source_is_in_use(host):
    assert checks.current(host) == 'kvm-clock'
    assert 'tsc' in checks.offered(host)


def test_nothing_was_written(host):
    checks.same_as_first(host, 'files', checks.fingerprint(host, '/etc', *checks.BOOT_FILES))
    assert not host.file(checks.RECORD + '/state.json').exists
