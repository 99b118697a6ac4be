# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before, and again after the built-in profiles were asked for."""
import checks


def test_the_only_clock_is_the_cards(host):
    assert host.check_output('cat /sys/class/ptp/*/clock_name').split() == ['525400706863']
    assert not host.file('/sys/module/ptp_kvm').exists


def test_the_machine_keeps_its_time_as_it_did(host):
    assert host.service('systemd-timesyncd').is_running
    assert not host.package('chrony').is_installed


def test_nothing_was_written(host):
    checks.same_as_first(host, 'etc', checks.fingerprint(host, '/etc'))
    assert not host.file(checks.RECORD).exists
