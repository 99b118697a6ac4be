# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks


def test_the_machine_is_a_guest_of_google(host):
    assert host.check_output('systemd-detect-virt') == 'google'
    assert host.file('/sys/class/dmi/id/product_name').content_string.strip() == 'Google Compute Engine'


def test_there_is_no_clock_yet(host):
    assert not host.file('/dev/ptp0').exists
    assert 'ptp_kvm' not in host.check_output('lsmod')


def test_its_time_is_synchronised_and_not_by_chrony(host):
    assert host.check_output('timedatectl show -p NTPSynchronized --value') == 'yes'
    assert host.service('systemd-timesyncd').is_running
    assert not host.exists('chronyd')
    assert not host.file(checks.RECORD).exists
