# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking leaves nothing behind: no event on the tracepoint, no file, no process."""
import checks


def test_the_clocksource_is_the_one_it_began_with(host):
    assert checks.current(host) == 'tsc'


def test_no_event_is_left_on_the_tracepoint(host):
    assert host.file('/sys/kernel/tracing/events/raw_syscalls/sys_enter/enable').content_string.strip() == '0'
    assert not host.run('grep -lx clockprobe /proc/[0-9]*/comm').stdout


def test_no_file_is_left(host):
    assert not host.check_output('find /tmp /var/tmp /root/.ansible/tmp -name "clockprobe*" -o -name "cloudclock*"')
    assert not host.file(checks.RECORD).exists
