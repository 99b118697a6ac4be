# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On tsc: installed, run, shown by node_exporter."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import scraped

FIRST = os.path.join(os.environ['MOLECULE_EPHEMERAL_DIRECTORY'], 'scraped-on-tsc.json')


def test_the_timer_waits_and_the_last_run_was_good(host):
    assert host.check_output('systemctl show -P ActiveState cloudclock-metrics.timer') == 'active'
    assert host.check_output('systemctl show -P UnitFileState cloudclock-metrics.timer') == 'enabled'
    assert host.check_output('systemctl show -P Result cloudclock-metrics.service') == 'success'


def test_three_runs_make_a_baseline_and_node_exporter_shows_what_was_written(host):
    for _run in range(3):
        host.check_output('systemctl start cloudclock-metrics.service')
    shown = scraped.scrape(host)
    written = scraped.samples(host.file(scraped.METRICS).content_string)
    assert {name: float(shown[name]) for name in written} == {name: float(value) for name, value in written.items()}
    assert shown['node_textfile_scrape_error'] == '0'
    assert shown['node_clock_source{source="tsc"}'] == '1'
    assert shown['node_clock_verdict{verdict="optimal"}'] == '1'
    assert 'node_clock_read_baseline_seconds{clock="monotonic",path="vdso"}' in shown
    print({name: value for name, value in shown.items() if '_seconds' in name and 'monotonic' in name})
    with open(FIRST, 'w', encoding='utf-8') as kept:
        json.dump(shown, kept)


def test_the_sandbox_holds_and_has_no_filter_that_makes_system_calls_dearer(host):
    """A run of the same unit that shows what it is allowed to do, in the collector's place."""
    look = ('grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status; ls -a /root; touch /usr/local/x 2>&1; '
            'head -c 1 /dev/nvme0n1 2>&1')
    host.check_output('mkdir -p /run/systemd/system/cloudclock-metrics.service.d && printf %s '
                      '>/run/systemd/system/cloudclock-metrics.service.d/look.conf && systemctl daemon-reload',
                      "[Service]\nExecStart=\nExecStart=-/bin/sh -c '%s'\n" % look)
    host.check_output('systemctl start cloudclock-metrics.service; rm -r /run/systemd/system/cloudclock-metrics.service.d; '
                      'systemctl daemon-reload')
    said = host.check_output('journalctl -q -o cat -t cloudclock-metrics -n 9')
    assert 'Seccomp:\t0' in said and 'NoNewPrivs:\t1' in said
    assert 'CapEff:\t0000000400000002' in said
    assert 'Read-only file system' in said and 'Operation not permitted' in said and '.ssh' not in said
    assert host.file('/root/.ssh').exists
