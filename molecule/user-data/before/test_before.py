# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import checks


def test_the_machine_is_stuck_on_a_slow_clocksource(host):
    assert checks.current(host) == 'hpet'
    assert 'tsc' in checks.offered(host)
    assert checks.booted_with(host) == ['clocksource=hpet']
    assert checks.read_ns(host) > 300
