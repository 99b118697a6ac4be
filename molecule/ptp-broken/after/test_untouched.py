# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same before and after: whatever was broken and mended, every file is as it was and chrony keeps the time."""
import checks


def test_chrony_keeps_the_time(host):
    assert host.service('chrony').is_running and host.service('chrony').is_enabled
    assert '^,*,192.0.2.1,' in host.check_output('chronyc -nc sources')
    assert '#' not in host.check_output('chronyc -nc sources')


def test_every_file_is_as_it_was(host):
    checks.same_as_first(host, 'files', checks.contents(host, '/etc'))
    assert not host.file(checks.RECORD).exists
