# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starts the collector: a systemd timer, or cron. Pure, but for the commands that it is handed ``run`` for."""
import os
import time

NAME = 'cloudclock-metrics'
SERVICE = '/etc/systemd/system/%s.service' % NAME
TIMER = '/etc/systemd/system/%s.timer' % NAME
WANTED = '/etc/systemd/system/timers.target.wants/%s.timer' % NAME
CRON = '/etc/cron.d/%s' % NAME
# busybox's cron (Alpine) has no cron.d, but folders whose programs it starts every so often.
PERIODIC = '/etc/periodic/15min/%s' % NAME
PERIODIC_SECONDS = 900
EVERY = (SERVICE, TIMER, CRON, PERIODIC)

_UNIT = '''\
# Installed by the role cloudclock.linux.clock_metrics; clock_metrics_state: absent removes it.
[Unit]
Description=Measure what reading the clock costs, for node_exporter
Documentation=https://github.com/prometheus/node_exporter#textfile-collector

[Service]
Type=oneshot
ExecStart=%(command)s
# the longest warp test is a minute
TimeoutStartSec=120
SyslogIdentifier=cloudclock-metrics

# Namespaces, devices and capabilities only. Whatever systemd does by a seccomp filter (SystemCallFilter=, Restrict...=,
# ProtectClock=, ProtectKernelTunables=, PrivateDevices= and others) would make each system call dearer, and that is what
# is measured here.
NoNewPrivileges=yes
# the kernel's messages, where only root may read them; a textfile folder that is node_exporter's own
CapabilityBoundingSet=CAP_SYSLOG CAP_DAC_OVERRIDE
ProtectSystem=strict
ReadWritePaths=-%(state)s -%(directory)s
ReadOnlyPaths=/sys /proc/sys
ProtectControlGroups=yes
ProtectHome=yes
PrivateNetwork=yes
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
DeviceAllow=char-ptp r
KeyringMode=private
UMask=0022
'''

_TIMER = '''\
# Installed by the role cloudclock.linux.clock_metrics; clock_metrics_state: absent removes it.
[Unit]
Description=Measure what reading the clock costs, every %(interval)d s

[Timer]
OnBootSec=120
OnUnitActiveSec=%(interval)d
# Machines that were started together, perhaps on one host, should not measure together.
RandomizedDelaySec=%(spread)d
AccuracySec=1

[Install]
WantedBy=timers.target
'''

_CRON = '''\
# Installed by the role cloudclock.linux.clock_metrics; clock_metrics_state: absent removes it.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
%(when)s root %(command)s
'''

_SCRIPT = '''\
#!/bin/sh
# Installed by the role cloudclock.linux.clock_metrics; clock_metrics_state: absent removes it.
exec %(command)s
'''


def kind(root, find):
    """systemd, cron or periodic. ``find(name)`` is a program's path or None. ValueError where there is none of them."""
    if root.isdir('/run/systemd/system'):
        return 'systemd'
    cron, crond = (path and os.path.basename(root.real(path)) for path in (find('cron'), find('crond')))
    if any(name and not name.startswith('busybox') for name in (cron, crond)) and root.isdir(os.path.dirname(CRON)):
        return 'cron'
    if (crond or find('busybox')) and root.isdir(os.path.dirname(PERIODIC)):
        return 'periodic'
    raise ValueError('nothing here starts programs by the clock: neither systemd runs, nor is there a cron that reads '
                     '/etc/cron.d or /etc/periodic/15min')


def files(name, command, interval, state, directory):
    """``{path: (bytes, mode)}`` for that kind; every other kind's file is to be absent."""
    values = {'command': command, 'interval': interval, 'spread': interval // 10, 'state': state, 'directory': directory}
    if name == 'systemd':
        return {SERVICE: (_bytes(_UNIT, values), 0o644), TIMER: (_bytes(_TIMER, values), 0o644)}
    if name == 'cron':
        return {CRON: (_bytes(_CRON, dict(values, when=_cron_time(interval))), 0o644)}
    if interval != PERIODIC_SECONDS:
        raise ValueError("this machine's cron has no /etc/cron.d, only /etc/periodic/15min: set the interval to %d"
                         % PERIODIC_SECONDS)
    return {PERIODIC: (_bytes(_SCRIPT, values), 0o755)}


def _cron_time(interval):
    minutes, rest = divmod(interval, 60)
    if rest or 60 % minutes:
        raise ValueError('cron starts it, so that the interval must be 60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, '
                         '1800 or 3600 s, not %d' % interval)
    return '0 * * * *' if minutes == 60 else '*/%d * * * *' % minutes


def _bytes(text, values):
    return (text % values).encode('ascii')


def running(run):
    """Whether the timer waits for its time."""
    return run(['systemctl', 'is-active', '--quiet', NAME + '.timer'])[0] == 0


def once(run):
    """Runs the service to its end. ValueError with its own last words."""
    # not `start`, which would join a run that is under way, of what was installed before
    began = time.time()
    code, _out, error = run(['systemctl', 'restart', NAME + '.service'])
    if code:
        since = '--since=@%d' % began
        words = run(['journalctl', '-q', '-o', 'cat', '-n', '3', since, '-t', NAME])[1].strip() or error.strip()
        raise ValueError('the unit did not do its work here: %s' % ' / '.join(words.splitlines()[-3:]))


def start(run):
    """Enables and (re)starts the timer. ValueError."""
    for argv in (['systemctl', 'enable', '--quiet', '--no-reload', NAME + '.timer'], ['systemctl', 'restart', NAME + '.timer']):
        code, _out, error = run(argv)
        if code:
            raise ValueError('%s: %s' % (' '.join(argv), error.strip()))


def stop(run):
    """Stops and disables it; a run that is under way ends first."""
    run(['systemctl', 'disable', '--quiet', '--no-reload', '--now', NAME + '.timer'])
    run(['systemctl', 'stop', NAME + '.service'])
    # a failed one would be listed for ever, without its file
    run(['systemctl', 'reset-failed', '--quiet', NAME + '.service'])


def reload(run):
    run(['systemctl', 'daemon-reload'])
