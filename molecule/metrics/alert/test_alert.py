# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the switch to hpet, which the timer has brought to node_exporter."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import scraped

FIRST = os.path.join(os.environ['MOLECULE_EPHEMERAL_DIRECTORY'], 'scraped-on-tsc.json')
SLOW = {'ClockSourceSlow', 'ClockSourceChanged', 'ClockReadsSlow'}
# the lab's machine keeps no time
ALWAYS = {'ClockNotSynchronised'}


def test_the_alerts_are_silent_on_tsc_and_fire_on_hpet(host, tmp_path):
    with open(FIRST, encoding='utf-8') as kept:
        before = json.load(kept)
    after = scraped.scrape(host)
    for shown in (before, after):
        print({name: value for name, value in shown.items() if name.startswith('node_clock_read_seconds')})
    on_tsc, on_hpet = scraped.firing(before, after, tmp_path)
    print('firing on tsc: %s; on hpet: %s' % (on_tsc, on_hpet))
    assert set(on_tsc) <= ALWAYS
    assert SLOW <= set(on_hpet) <= SLOW | ALWAYS


def test_the_switch_is_dated_and_counted(host):
    shown = scraped.scrape(host)
    assert shown['node_clock_source_switches_total'] == '1'
    switched = float(shown['node_clock_source_last_switch_timestamp_seconds'])
    booted = float(host.check_output('date +%s')) - float(host.check_output('cut -d " " -f 1 /proc/uptime'))
    with open(FIRST, encoding='utf-8') as kept:
        on_tsc = float(json.load(kept)['node_clock_last_run_timestamp_seconds'])
    # Not the boot's own switch: nearer to the last run on tsc, which came before it, than to that.
    assert (booted + on_tsc) / 2 < switched <= float(shown['node_clock_last_run_timestamp_seconds'])
    assert shown['node_clock_vdso_in_use'] == '0'
