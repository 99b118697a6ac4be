# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same before and after: a machine with nothing to gain."""
import checks


def test_the_machine_is_a_guest_of_azure(host):
    assert host.check_output('systemd-detect-virt') == 'microsoft'
    tag = host.file('/sys/class/dmi/id/chassis_asset_tag').content_string.strip()
    assert tag == '7783-7084-3265-9085-8269-3286-77'


def test_it_is_offered_no_tsc_and_reads_its_clock_fast(host):
    assert checks.current(host) == 'hyperv_clocksource_tsc_page'
    assert 'tsc' not in checks.offered(host)
    assert checks.read_ns(host) < 500


def test_nothing_was_written(host):
    checks.same_as_first(host, 'files', checks.fingerprint(host, '/etc', *checks.BOOT_FILES))
    assert not host.file(checks.RECORD).exists
