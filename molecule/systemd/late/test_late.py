# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A boot in which the TSC was registered after the unit had looked for it."""
import json
import re

import checks


def said(host):
    return [json.loads(line) for line in host.check_output('journalctl -b -u %s -t %s -o json', checks.UNIT,
                                                           checks.UNIT.partition('.')[0]).splitlines()]


def test_the_unit_looked_again_and_said_so(host):
    checks.await_current(host, 'tsc')
    assert checks.read_ns(host) < 300
    words = said(host)[-1]['MESSAGE']
    print(words)
    waited = re.search(r'tsc is the clocksource now, it was acpi_pm; waited (\d+) s', words)
    assert waited and int(waited.group(1)) > 0
    assert host.check_output('systemctl show -P Result %s', checks.UNIT) == 'success'


def test_the_boot_did_not_wait_for_it(host):
    reached = int(host.check_output('systemctl show -P ActiveEnterTimestampMonotonic sysinit.target'))
    assert reached < int(said(host)[-1]['__MONOTONIC_TIMESTAMP'])
