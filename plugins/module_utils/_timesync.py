# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which daemon keeps this machine's time, from files alone: no process is listed; and what that daemon says.

A process id comes from the daemon's pid file or from its unit's control group, and counts only while /proc says that
the process of that number has the daemon's name: pid files outlive their daemons, and numbers are used again.
"""
UNKNOWN = dict.fromkeys(('source', 'stratum', 'offset_seconds', 'root_dispersion', 'reference_id', 'leap', 'reason'))
# /proc/PID/comm -> where that daemon's process id stands. Pid files: chrony's, before 3.5 and since (its
# examples/chronyd.service); ntpd's by every distribution's start script.
_DAEMONS = (
    ('chronyd', ('/run/chrony/chronyd.pid', '/run/chronyd.pid', '/var/run/chronyd.pid'), ('chrony', 'chronyd')),
    ('ntpd', ('/run/ntpd.pid', '/var/run/ntpd.pid', '/run/openntpd.pid'),
     ('ntpsec', 'ntpd', 'ntp', 'openntpd')),
    # The kernel cuts comm to 15 characters (include/linux/sched.h, TASK_COMM_LEN).
    ('systemd-timesyn', (), ('systemd-timesyncd',)),
)
# cgroup v2; v1; both at once (systemd's "hybrid").
_GROUPS = ('/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified')


def read(root, run=None):
    """``{'daemon': chrony|ntpd|ntpsec|openntpd|systemd-timesyncd|None}`` and what ``_timesource.ask`` returns.

    A command is run on a live machine only, and only where a daemon runs; ``run`` is for tests.
    """
    daemon = _daemon(root)
    if daemon and root.live:
        from . import _timesource
        return dict(_timesource.ask(daemon, run), daemon=daemon)
    return dict(UNKNOWN, daemon=daemon, reason=daemon and 'another root')


def _daemon(root):
    for comm, files, units in _DAEMONS:
        for pid in _pids(root, files, units):
            if root.line('/proc/%d/comm' % pid) == comm:
                return _name(root, comm, pid)
    return None


def _pids(root, files, units):
    paths = list(files)
    for unit in units:
        paths.extend('%s/system.slice/%s.service/cgroup.procs' % (group, unit) for group in _GROUPS)
    for path in paths:
        for word in (root.read(path, 4096) or '').split():
            if word.isdecimal() and len(word) < 20:
                yield int(word)


def _name(root, comm, pid):
    if comm == 'chronyd':
        return 'chrony'
    if comm != 'ntpd':
        return 'systemd-timesyncd'
    # Three programs are called ntpd: /usr/sbin/ntpd -p /run/ntpd.pid -c /etc/ntpsec/ntp.conf -g -N -u ntpsec:ntpsec,
    # 0::/system.slice/openntpd.service; OpenNTPD's own socket is /run/ntpd.sock.
    words = '%s %s' % (root.read('/proc/%d/cmdline' % pid), root.read('/proc/%d/cgroup' % pid))
    if 'ntpsec' in words:
        return 'ntpsec'
    if 'openntpd' in words or root.exists('/run/ntpd.sock') or root.exists('/var/run/ntpd.sock'):
        return 'openntpd'
    return 'ntpd'
