# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the fix and its reboot, and after a second run, which must write nothing."""
import json

import checks


def test_the_kernel_reads_the_tsc(host):
    assert checks.current(host) == 'tsc'
    assert checks.read_ns(host) < 300


def test_it_was_told_so_exactly_once(host):
    assert checks.booted_with(host) == ['clocksource=tsc']
    words = host.file('/proc/cmdline').content_string.split()
    assert words.count('tsc=nowatchdog') == 1 and words.count('xen_emul_unplug=never') == 1


def test_the_kernel_did_not_mark_it_unstable(host):
    assert 'TSC unstable' not in host.check_output('dmesg')


def test_the_former_state_is_remembered(host):
    state = json.loads(host.file(checks.RECORD + '/state.json').content_string)
    assert state['clocksource']['source'] == 'xen'


def test_a_second_run_writes_nothing(host):
    checks.same_as_first(host, 'fixed-files', checks.fingerprint(host, checks.RECORD, *checks.BOOT_FILES))
