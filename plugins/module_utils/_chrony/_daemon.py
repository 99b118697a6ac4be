# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""chronyd as a program and as a service, and the other services that set the clock."""
import re
import time

from .. import _chronyc, _timesource
from . import _leftover

# chronyd and these would steer the same clock. ntp and ntpd are ntpd's units, by distribution; chronyd-restricted is
# chronyd in a sandbox that keeps devices from it (PrivateDevices=yes, as Debian 13 ships it; gardenlinux#2575).
RIVALS = ('systemd-timesyncd', 'ntp', 'ntpd', 'ntpsec', 'openntpd', 'chronyd-restricted')
# Not an address of its own: chronyd's pipe. A file would have to lie where AppArmor lets chronyd read.
_STDIN = '/dev/stdin'


class Commands:
    """Runs commands as lists. ``run`` is AnsibleModule.run_command."""

    def __init__(self, run):
        self._run = run

    def __call__(self, argv, data=None):
        """``(exit status, output, errors)``; 127 where the program is not there."""
        try:
            return self._run(argv, data=data, binary_data=True, handle_exceptions=False)
        except OSError as exc:
            return 127, '', '%s: %s' % (argv[0], exc.strerror or exc)

    def output(self, argv):
        """The output; ValueError where the command failed."""
        status, out, err = self(argv)
        if status:
            raise ValueError((err or out).strip() or '%s ended with %s' % (argv[0], status))
        return out

    def must(self, argv):
        """As ``output``, for steps whose failure ends the run."""
        try:
            return self.output(argv)
        except ValueError as exc:
            raise OSError('%s: %s' % (' '.join(argv), exc))


def version(run, chronyd):
    """``(4, 3)``, None where it does not say. Sample: chronyd (chrony) version 4.3 (+CMDMON +NTP …)."""
    found = re.search(r'version (\d+)\.(\d+)', run([chronyd, '-v'])[1])
    return (int(found.group(1)), int(found.group(2))) if found else None


def accepts(run, chronyd, text):
    """``(True, None)``, ``(False, chronyd's word)`` or ``(None, why it was not checked)`` of a configuration.

    ``-p`` is there since chrony 4.0. It reads all and opens no device.
    """
    found = version(run, chronyd)
    if found is None or found < (4, 0):
        return None, 'chronyd %s cannot check a configuration (-p came with 4.0)' % (
            '.'.join(str(part) for part in found) if found else 'does not tell its version and')
    status, out, err = run([chronyd, '-p', '-f', _STDIN], data=text)
    if not status:
        return True, None
    word = (err or out).strip().splitlines()
    said = word[-1] if word else 'exit status %s' % status
    if 'Could not open ' + _STDIN in said:
        return None, 'chronyd may not read the configuration that was to be checked: %s' % said
    return False, said


def sources(run):
    """chronyd's sources, [] where it does not answer."""
    try:
        return _chronyc.sources(run.output(_timesource.CHRONYC[:-1] + ['sources']))
    except ValueError:
        return []


def wait_selected(run, name, seconds, step=0.5):
    """The source of that name once chronyd has selected it; else what it was at the end, None where it is not there."""
    end = time.monotonic() + seconds
    while True:
        found = [row for row in sources(run) if row['mode'] == '#' and row['name'] == name]
        if found and found[0]['state'] == '*' or time.monotonic() >= end:
            return found[0] if found else None
        time.sleep(step)


def _last_words(log):
    """Why the last chronyd of a log ended, in its own words, as ``' (…)'``; '' where it does not say.

    Sample: chronyd version 4.6.1 starting (…)\nCould not open /dev/ptp_ena : No such file or directory\n
    Fatal error : Could not open PHC\nCould not open PHC (the second is the log's, the third what it wrote to stderr).
    """
    words = []
    for line in log.rpartition('chronyd version')[2].splitlines():
        line = line.strip()
        if ('Fatal error' in line or 'ould not' in line) and not any(line in known for known in words):
            words.append(line)
    return ' (%s)' % '; '.join(words) if words else ''


class Systemd:
    """``state(names)`` → {name: {'active', 'enabled'}} of those that exist, and what changes them."""

    def __init__(self, run, root):
        self.run = run
        self.root = root

    def state(self, names):
        # Id=chrony.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=… ; aliases share an Id.
        out = self.run(['systemctl', 'show', '--property=Id,LoadState,ActiveState,UnitFileState']
                       + [name + '.service' for name in names])[1]
        found = {}
        for block in out.strip().split('\n\n'):
            values = dict(line.partition('=')[::2] for line in block.splitlines())
            if values.get('LoadState') == 'loaded' and values.get('Id', '').endswith('.service'):
                found[values['Id'][:-8]] = {
                    'active': values.get('ActiveState') in ('active', 'activating', 'reloading'),
                    'enabled': values.get('UnitFileState') in ('enabled', 'enabled-runtime')
                    or values.get('UnitFileState') == 'generated' and self._linked(values['Id'][:-8])}
        return found

    def _linked(self, name):
        """Of a unit that was made from a start script: whether it starts at boot (/etc/rc3.d/S23ntp)."""
        return any(re.match(r'S[0-9][0-9]%s\Z' % re.escape(name), link)
                   for level in '2345' for link in self.root.listdir('/etc/rc%s.d' % level))

    def reload(self):
        self.run.must(['systemctl', 'daemon-reload'])

    def restart(self, name):
        # A unit with Restart= that failed has used up its starts (systemd.unit(5), StartLimitBurst=), and the restart
        # that brings its former files back would be refused.
        self.run(['systemctl', 'reset-failed', name + '.service'])
        _leftover.remove(self.root, name)
        try:
            self.run.must(['systemctl', 'restart', name + '.service'])
        except OSError as exc:
            said = self.run(['journalctl', '--no-pager', '-o', 'cat', '-n', '20', '-u', name])[1]
            raise OSError('%s%s' % (exc, _last_words(said)))

    def stop(self, name):
        self.run.must(['systemctl', 'stop', name + '.service'])

    def start(self, name):
        _leftover.remove(self.root, name)
        self.run.must(['systemctl', 'start', name + '.service'])

    def enable(self, name, _level=True):
        self.run.must(['systemctl', 'enable', name + '.service'])

    def disable(self, name):
        self.run.must(['systemctl', 'disable', name + '.service'])


class OpenRC:
    """The same by OpenRC; services that start at boot are links in its runlevels.

    ``enabled`` is True of one in ``default``, else the name of the runlevel that it is in and can come back to.
    """

    def __init__(self, run, root):
        self.run = run
        self.root = root

    def state(self, names):
        return {name: {'active': not self.run(['rc-service', name, 'status'])[0],
                       'enabled': self._level(name)}
                for name in names if self.root.exists('/etc/init.d/' + name)}

    def _level(self, name):
        levels = [level for level in self.root.listdir('/etc/runlevels')
                  if self.root.exists('/etc/runlevels/%s/%s' % (level, name))]
        return 'default' in levels or (levels or [False])[0]

    def reload(self):
        pass

    def restart(self, name):
        self.run.must(['rc-service', name, 'restart'])

    def stop(self, name):
        self.run.must(['rc-service', name, 'stop'])

    def start(self, name):
        self.run.must(['rc-service', name, 'start'])

    def enable(self, name, level=True):
        self.run.must(['rc-update', 'add', name, 'default' if level is True else level])

    def disable(self, name):
        self.run.must(['rc-update', '--all', 'del', name])


def manager(run, root, layout):
    """The service manager that runs this machine, None where there is none (a container)."""
    kind = {'systemd': Systemd, 'openrc': OpenRC}.get(layout.manager)
    return kind(run, root) if kind else None


def bring(services, name, now, wanted):
    """Bring one service from one state of ``state`` to another."""
    if wanted['enabled'] and not now['enabled']:
        services.enable(name, wanted['enabled'])
    elif now['enabled'] and not wanted['enabled']:
        services.disable(name)
    if now['active'] != wanted['active']:
        (services.start if wanted['active'] else services.stop)(name)
