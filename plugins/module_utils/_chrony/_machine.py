# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: the cloud, the clock, chrony's files, the services, and who keeps the time now."""
import time

from .. import _evidence, _platform, _ptp, _timesync
from . import _conf, _daemon, _layout, _plan, _sanity

# chronyd was started a moment ago, perhaps with its package: iburst takes some 8 s.
_PATIENCE = 20
# timemaster starts phc2sys, or a chronyd of its own. Both are the operator's choice, and not in a unit of a fixed name.
_LINUXPTP = ('phc2sys', 'timemaster')


class Machine:
    """``params``: the module's."""

    def __init__(self, module, root, params):
        self.module = module
        self.root = root
        self.params = params
        self.run = _daemon.Commands(module.run_command)
        self.layout = _layout.Layout(root)
        self.services = _daemon.manager(self.run, root, self.layout) if root.live else None
        self.states = {}
        self.loaded = None

    def time_sync(self):
        return _timesync.read(self.root, self.run.output)

    def where(self):
        found = _platform.judge(_evidence.collect(self.root))
        cloud, kind = found['cloud'], found['hypervisor']['type']
        if self.params['metadata'] == 'when_unsettled' and self.root.live and not cloud['settled']:
            from .. import _metadata
            _metadata.settle(cloud, kind, _metadata.ask())
        return found

    def find_clock(self, candidates):
        """``(profile, clock or None, why none)``. Check mode loads no module and hopes for the clock that it makes."""
        for profile in candidates:
            clock = self.clock(profile)
            if clock:
                return profile, clock, None
        missing = 'this machine has no PTP hardware clock named %s' % ', '.join(
            sorted({repr(profile['clock_name']) for profile in candidates}))
        tried = set()
        for profile in candidates:
            # A module that is loaded and gave no clock gives none by being asked again.
            if not profile['module'] or profile['module'] in tried or not self.root.live or self.root.exists(
                    '/sys/module/' + profile['module'].replace('-', '_')):
                continue
            tried.add(profile['module'])
            status, out, err = self.run(['modprobe'] + (['-n'] if self.module.check_mode else []) + [profile['module']])
            if status:
                missing += '; modprobe %s: %s' % (profile['module'], (err or out).strip() or 'exit %s' % status)
            elif self.module.check_mode:
                return profile, None, None
            else:
                self.loaded = profile['module']
                clock = self.clock(profile)
                if clock:
                    return profile, clock, None
        if self.standing():
            missing += '; chrony is set up for it and does without until it is back'
        return candidates[0], None, missing

    def clock(self, profile):
        """The clock of that name; of several the one that the link leads to, else the first."""
        found = [clock for clock in _ptp.read(self.root) if _ptp.named(clock['clock_name'], profile['clock_name'])]
        linked = [clock for clock in found if profile['link'] and not self.link_wrong(clock, '/dev/' + profile['link'])]
        return (linked or found or [None])[0]

    def standing(self):
        """Whether an earlier run set this machine up."""
        return self.root.exists(self.layout.folder + '/guard.sh')

    def unload(self):
        if self.loaded and not self.standing():
            self.run(['modprobe', '-r', self.loaded])
            self.loaded = None

    def link_wrong(self, clock, device):
        return bool(clock) and self.root.real(device) != self.root.real(clock['device'])

    def unwanted(self):
        """{service: the state it must get} of those that are not in it: chronyd up, its rivals down."""
        own = self.layout.service
        self.states = self.services.state(list(_daemon.RIVALS) + ([own] if own else [])) if self.services else {}
        wanted = {rival: {'active': False, 'enabled': False} for rival, state in self.states.items()
                  if rival != own and (state['active'] or state['enabled'])}
        if own and not all(self.states.get(own, {'active': False}).values()):
            wanted[own] = {'active': True, 'enabled': True}
        return wanted

    def other_steerer(self):
        """linuxptp's program that sets the system clock by a PTP hardware clock, None where none runs."""
        for pid in self.root.listdir('/proc') if self.root.live else ():
            comm = self.root.line('/proc/%s/comm' % pid) if pid.isdigit() else None
            if comm in _LINUXPTP:
                return comm
        return None

    def reference(self, clock):
        """What _sanity.reference says, once a chronyd with sources has had its time to synchronise."""
        end = time.monotonic() + min(_PATIENCE, self.params['settle_seconds'])
        names = self.names_of(clock)
        while True:
            sync = self.time_sync()
            found = _sanity.reference(sync, names.__contains__)
            # A chronyd whose servers are dead goes on to name the last of them, with its stratum and leap Normal.
            if found[0] and sync['daemon'] == 'chrony' and not any(
                    row['state'] == '*' for row in _daemon.sources(self.run)):
                return None, 'chronyd follows no source any more (it last followed %s)' % sync['source'], 0.0
            waits = sync['daemon'] == 'chrony' and found[0] is None and sync['source'] is None
            if not waits or time.monotonic() > end or not any(row['mode'] != '#' for row in _daemon.sources(self.run)):
                return found
            time.sleep(1)

    def names_of(self, clock):
        """What chronyd, as it is configured now, calls a source on this very clock."""
        names, count = set(), 0
        for entry in _layout.expand(self.root, self.layout.conf) if self.layout.conf else ():
            if entry.name == 'refclock':
                used = _conf.device(entry.args)
                if used and self.root.real(used) == self.root.real(clock['device']):
                    names.add(_plan.name_of(entry.args, count))
                count += 1
        return names
