# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same before and after: a machine that must be left alone."""
import checks


def test_the_kernel_rejected_the_tsc(host):
    assert checks.current(host) == 'hpet'
    assert 'tsc' not in checks.offered(host)
    assert 'Marking TSC unstable due to TSCs unsynchronized' in host.check_output('dmesg')


def test_nothing_was_written(host):
    checks.same_as_first(host, 'files', checks.fingerprint(host, '/etc', *checks.BOOT_FILES))
    assert not host.file(checks.RECORD).exists
