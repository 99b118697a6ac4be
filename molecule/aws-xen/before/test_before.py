# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks


def test_the_machine_is_a_xen_guest_of_ec2(host):
    assert host.file('/sys/hypervisor/type').content_string.strip() == 'xen'
    assert host.check_output('systemd-detect-virt') == 'xen'
    assert host.file('/sys/class/dmi/id/bios_version').content_string.strip() == '4.11.amazon'


def test_it_is_on_a_slow_clock_of_its_kernels_choice(host):
    assert checks.current(host) == 'xen'
    assert 'tsc' in checks.offered(host)
    assert checks.booted_with(host) == []
    assert checks.read_ns(host) > 500


def test_nothing_of_ours_is_there(host):
    assert not host.file(checks.RECORD).exists
