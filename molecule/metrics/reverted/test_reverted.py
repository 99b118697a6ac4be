# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the role succeeded once, and after it was removed."""
PATHS = ('/usr/local/lib/cloudclock', '/var/lib/cloudclock', '/etc/systemd/system/cloudclock-metrics.service',
         '/etc/systemd/system/cloudclock-metrics.timer', '/var/lib/prometheus/node-exporter/cloudclock.prom',
         '/etc/systemd/system/timers.target.wants/cloudclock-metrics.timer', '/srv/full/cloudclock.prom',
         '/srv/full/cloudclock.prom.new')


def test_nothing_of_ours_is_there(host):
    assert [path for path in PATHS if host.file(path).exists] == []
    assert 'cloudclock' not in host.check_output('systemctl list-units --all --plain --no-legend')


def test_what_is_anothers_is(host):
    assert host.file('/srv/full/other.prom').content_string == 'full\n'
