# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _probe
from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _collect, _timer
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root
from ansible_collections.cloudclock.linux.plugins.modules import clock_metrics

# Each of these is a seccomp filter (systemd.exec(5) and its source, core/exec-invoke.c): every system call is dearer then.
SECCOMP = ('SystemCallFilter', 'SystemCallArchitectures', 'SystemCallLog', 'Restrict', 'LockPersonality',
           'MemoryDenyWriteExecute', 'ProtectKernelTunables', 'ProtectKernelModules', 'ProtectKernelLogs', 'ProtectClock',
           'ProtectHostname', 'PrivateDevices', 'DynamicUser')


def files(name, interval=300):
    made = _timer.files(name, '/usr/bin/python3 -I /x', interval, '/var/lib/cloudclock/metrics', '/srv/text')
    return {path: data.decode('ascii') for path, (data, mode) in made.items()}


def settings(text):
    return [line for line in text.splitlines() if '=' in line and not line.startswith('#')]


def test_the_sandbox_has_no_seccomp_filter_which_would_spoil_what_is_measured():
    unit = settings(files('systemd')[_timer.SERVICE])
    assert [line for line in unit if line.startswith(SECCOMP)] == []
    for line in ('NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateNetwork=yes', 'ProtectHome=yes', 'DevicePolicy=closed',
                 'ReadWritePaths=-/var/lib/cloudclock/metrics -/srv/text', 'ExecStart=/usr/bin/python3 -I /x'):
        assert line in unit


def test_the_longest_run_that_can_be_asked_for_is_let_finish():
    longest = (1.1 * clock_metrics.BOUNDS['budget_ms'][1] + clock_metrics.BOUNDS['warp_budget_ms'][1]) / 1000
    limit = next(line for line in settings(files('systemd')[_timer.SERVICE]) if line.startswith('TimeoutStartSec='))
    assert int(limit.partition('=')[2]) > _collect.PATIENCE + longest + _probe.SPARE_SECONDS


def test_the_timer_spreads_by_a_tenth():
    assert {'OnUnitActiveSec=600', 'RandomizedDelaySec=60'} < set(settings(files('systemd', 600)[_timer.TIMER]))


@pytest.mark.parametrize('interval, when', [(60, '*/1 * * * *'), (300, '*/5 * * * *'), (1800, '*/30 * * * *'),
                                            (3600, '0 * * * *')])
def test_cron_gets_its_minutes(interval, when):
    assert files('cron', interval)[_timer.CRON].splitlines()[-1] == when + ' root /usr/bin/python3 -I /x'


@pytest.mark.parametrize('interval', [90, 420, 2400])
def test_cron_cannot_have_every_interval(interval):
    with pytest.raises(ValueError, match='must be 60, 120'):
        files('cron', interval)


def test_busyboxs_cron_has_quarters_of_an_hour():
    assert files('periodic', 900)[_timer.PERIODIC].splitlines()[-1] == 'exec /usr/bin/python3 -I /x'
    with pytest.raises(ValueError, match='set the interval to 900'):
        files('periodic')


@pytest.mark.parametrize('folders, programs, kind', [
    (['run/systemd/system', 'etc/cron.d'], ['cron'], 'systemd'), (['etc/cron.d', 'etc/periodic/15min'], ['crond'], 'cron'),
    (['etc/cron.d'], ['cron', 'busybox'], 'cron'), (['etc/periodic/15min'], ['busybox'], 'periodic'),
    (['etc/cron.d'], [], None), ([], ['crond'], None), (['etc/periodic/15min'], ['cron'], None),
    # busybox reads no cron.d, fcron neither
    (['etc/cron.d'], ['busybox'], None), (['etc/cron.d'], ['busybox', 'crond -> busybox'], None),
    (['etc/cron.d', 'etc/periodic/15min'], ['crond -> busybox'], 'periodic'), (['etc/cron.d'], ['fcron'], None)])
def test_what_is_there_starts_it(tmp_path, folders, programs, kind):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    if 'crond -> busybox' in programs:
        (tmp_path / 'crond').symlink_to('/bin/busybox')
        programs = programs + ['crond']

    def find(name):
        return name if name in programs else None
    if kind:
        assert _timer.kind(Root(str(tmp_path)), find) == kind
    else:
        with pytest.raises(ValueError, match='nothing here starts programs'):
            _timer.kind(Root(str(tmp_path)), find)


def test_the_units_own_words_say_why_it_failed():
    journal = {'now': 'it was not written: No space left on device\n'}

    def run(argv):
        if argv[0] == 'systemctl':
            return 1, '', 'Job failed'
        # what an earlier run said is not asked for
        assert abs(time.time() - int(next(word for word in argv if word.startswith('--since=@'))[9:])) < 60
        return 0, journal['now'], ''
    with pytest.raises(ValueError, match='No space left on device'):
        _timer.once(run)
    journal['now'] = ''
    with pytest.raises(ValueError, match='Job failed'):
        _timer.once(run)
