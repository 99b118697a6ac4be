# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later


def test_nothing_of_ours_is_left(host):
    for path in ('/usr/local/lib/cloudclock', '/etc/systemd/system/cloudclock-clocksource.service',
                 '/etc/systemd/system/sysinit.target.wants/cloudclock-clocksource.service'):
        assert not host.file(path).exists, path
