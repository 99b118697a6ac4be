# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""chrony on the cloud's PTP hardware clock, as one transaction: read, choose, doubt, plan, check, write, prove."""
from .._bootloader._staged import Staged
from .._change import Change
from . import _apply, _daemon, _guard, _machine, _plan, _profiles, _record, _sanity

Failed = _apply.Failed


class Setup(_machine.Machine):
    """One run of ``state: present``."""

    def __init__(self, module, root, params):
        _machine.Machine.__init__(self, module, root, params)
        sync = self.time_sync()
        self.result = {
            'changed': False, 'action': 'none', 'refused': False, 'reason': None, 'package_needed': False,
            'package': None, 'profile': None, 'device': None, 'sanity': None, 'checked': None, 'files': [],
            'conflicts': [], 'selected': None, 'reboot_required': False, 'before': sync, 'after': sync}

    def present(self):
        rows = _profiles.check_rows(self.params['profiles'])
        self._check_params(rows)
        try:
            result = self._present(rows)
        except Failed as exc:
            self.unload()
            exc.details = dict(self.result, reason=str(exc), selected=None, conflicts=[], files=[])
            for key in ('changed', 'action', 'diff'):
                exc.details.pop(key, None)
            raise
        except BaseException:
            self.unload()
            raise
        if result['action'] != 'configured' and not self.standing():
            self.unload()
        return result

    def _present(self, rows):
        where = self.where()
        candidates = _profiles.choose(rows, where['cloud'], where['hypervisor']['type'], self.params['variant'])
        if not candidates:
            return self._leave('no profile covers this machine (cloud %s, hypervisor %s)' % (
                where['cloud']['provider'] or 'unknown', where['hypervisor']['type'] or 'unknown'))
        profile, clock, why = self.find_clock(candidates)
        self.result['profile'] = {key: profile[key] for key in sorted(profile)}
        if clock is None and why:
            row, said = self._by_option(candidates)
            if row is None:
                return self._leave(why + said)
            self.result['profile'] = {key: row[key] for key in sorted(row)}
            return self._driver_option(row)
        device = '/dev/' + profile['link'] if profile['link'] else clock['device']
        self.result['device'] = dict(clock or {'device': None, 'clock_name': profile['clock_name'], 'kind': None},
                                     link='/dev/' + profile['link'] if profile['link'] else None)
        # In check mode the clock may not be there yet; a line that has its stable name is the operator's all the same.
        own = self.layout.same_device([device] + ([clock['device']] if clock else []))
        if own:
            return self._leave_to("%s takes this clock already, by the operator's own line: %s" % (
                own.path, own.line.strip()))
        many = _plan.minsources(self.layout, profile)
        if many:
            return self._leave_to('%s says %r, which the clock and what may stand beside it are too few for: take that '
                                  'line out first' % (many.path, many.line.strip()))
        steerer = self.other_steerer()
        if steerer:
            return self._leave_to('%s steers the system clock here, and chronyd would do the same: stop it first, or '
                                  'leave it to it' % steerer)
        if self.layout.chronyd and not self.layout.conf:
            return self._leave('chronyd is installed, and no chrony.conf was found')
        if self.layout.chronyd and self.layout.service is None:
            return self._leave('no systemd and no OpenRC that run chronyd were found: there is nothing to restart '
                               'it by')
        return self._configure(profile, clock, device)

    def _configure(self, profile, clock, device):
        layout, result = self.layout, self.result
        change = Change(self.root)
        if layout.chronyd:
            found = _daemon.version(self.run, layout.chronyd) if self.root.live else None
            _plan.configure(layout, profile, device, found >= (4, 0) if found else layout.has_confdir, change)
            result.update(files=[edit.path for edit in change.files], diff=change.diff())
        if not self.root.live:
            return dict(result, action='planned', package_needed=not layout.chronyd,
                        package=None if layout.chronyd else 'chrony', reason='another root is never written')
        staged = Staged(self.root, change)
        line = profile['refclock'].replace('{device}', device)
        name = _plan.refclock_name(staged, layout.conf, line) if layout.chronyd else None
        wanted = self.unwanted()
        if layout.chronyd and layout.service not in self.states:
            return self._leave('%s does not let %s run (is it masked?): unmask it first, if chrony is to keep the '
                               'time here' % (layout.manager, layout.service))
        result['conflicts'] = [{'service': rival, 'did': 'stopped and disabled'}
                               for rival in sorted(wanted) if rival != layout.service]
        if layout.chronyd and not change.changed and not wanted and not self.link_wrong(clock, device) \
                and name in [row['name'] for row in _daemon.sources(self.run)]:
            return self._converged(name)
        refusal = self._doubt(clock)
        if refusal:
            return refusal
        if not layout.chronyd:
            return dict(result, package_needed=True, package='chrony', conflicts=[], diff=[],
                        reason='chrony is not installed: install it and call again; nothing was changed')
        result['checked'], said = _daemon.accepts(self.run, layout.chronyd, _plan.flat(staged, layout.conf).encode(
            'utf-8', 'surrogateescape'))
        if result['checked'] is False:
            return dict(result, failed=True, action='rolled_back', files=[], diff=[], reason='chronyd rejects the '
                        'configuration (%s). Nothing was written: correct the profile or chrony.conf' % said)
        apply = _apply.Apply(self.module, self.root, self.run, self.services, change, layout.service)
        apply.check_writable()
        if self.params['remember']:
            _apply.ready(self.root)
        result['reason'] = '; '.join(self._remarks(profile, clock, said))
        if not self.module.check_mode:
            self._write(apply, clock, name, wanted)
        return dict(result, changed=True, action='configured')

    def _write(self, apply, clock, name, wanted):
        layout = self.layout
        own = self.states.get(layout.service, {'active': False, 'enabled': False})

        def remember(old, folders):
            _record.remember(self.root, self.module, old, apply.change, dict(
                (key, self.states[key]) for key in list(wanted) + [layout.service] if key in self.states), folders)

        def steps():
            apply.reread(clock and clock['device'])
            if layout.manager == 'openrc':
                apply.bring({_guard.GUARD: {'active': True, 'enabled': True}})
            rivals = {key: state for key, state in wanted.items() if key != layout.service}
            apply.bring(rivals)
            apply.bring({layout.service: dict(own, enabled=True)})
            apply.restart(own)
            self._prove(name)
        apply.go(remember if self.params['remember'] else None, steps)

    def _prove(self, name):
        found = _daemon.wait_selected(self.run, name, self.params['settle_seconds'])
        if found is None:
            raise OSError('chronyd started and does not know %s within %g s: see its log' % (
                name, self.params['settle_seconds']))
        if found['state'] != '*':
            raise OSError('chronyd did not select %s within settle_seconds (%g s): its state there is %r, reach %o'
                          % (name, self.params['settle_seconds'], found['state'], found['reach']))
        sync = self.time_sync()
        self.result['selected'] = dict(
            {key: sync[key] for key in ('stratum', 'root_dispersion', 'reference_id')}, source=found['name'],
            offset_seconds=sync['offset_seconds'] if sync['source'] == name else found['offset_seconds'])
        self.result['after'] = sync

    def _converged(self, name):
        """Nothing to write. A chronyd that was started a moment ago may yet have to select."""
        result = dict(self.result, diff=[], files=[], reason='chronyd follows this clock already')
        try:
            self._prove(name)
        except OSError as exc:
            return dict(result, failed=True, reason='the files are as they should be, but %s' % exc)
        return dict(result, selected=self.result['selected'], after=self.result['after'])

    def _check_params(self, rows):
        params = self.params
        if not 0 < params['max_offset'] < float('inf') or not 0 <= params['settle_seconds'] <= 600:
            raise ValueError('max_offset must be more than 0, settle_seconds 0 to 600')
        known = _profiles.variants(rows)
        if params['variant'] not in known:
            raise ValueError('variant: %r is none of %s' % (params['variant'], ', '.join(repr(name) for name in known)))

    def _doubt(self, clock):
        """The refusal where the clock is not to be trusted, else None."""
        if clock is None:
            return None
        from .. import _phc
        # Before the clock is read: a chronyd that synchronises while this waits for it may step the system clock.
        against = self.reference(clock)
        try:
            reading = _phc.read(self.root.real(clock['device']))
        except (ValueError, OSError) as exc:
            return self._refuse('%s cannot be read: %s' % (clock['device'], exc))
        sanity = _sanity.judge(reading, against, self.params['max_offset'])
        reason = sanity.pop('reason')
        self.result['sanity'] = sanity
        if sanity['verdict'] == 'far':
            return self._refuse('%s is %s s from the time that NTP keeps here (%s), and max_offset is %g s: the host '
                                "gives a wrong time, or this machine's is wrong" % (
                                    clock['device'], sanity['offset_seconds'], sanity['reference'],
                                    self.params['max_offset']))
        if sanity['verdict'] == 'unknown' and self.params['unverified'] == 'refuse' and not self.standing():
            return self._refuse('%s cannot be held against NTP: %s. Let NTP synchronise this machine first, or accept '
                                'it unverified' % (clock['device'], reason))
        return None

    def _by_option(self, candidates):
        """``(the row whose driver was loaded without the option for a clock, '')``; else ``(None, what to say of it)``."""
        said = ''
        for row in candidates:
            if not row['driver_option']:
                continue
            driver, setting = row['driver_option'].split()
            option, wanted = setting.split('=')
            value = self.root.line('/sys/module/%s/parameters/%s' % (driver, option))
            if value not in (None, wanted):
                return row, ''
            if value is not None:
                said += '; %s was loaded with %s and shows none, so this machine type has none' % (driver, setting)
                if self.root.exists(_guard.MODPROBE):
                    said += ': state=absent takes the option away'
            elif self.root.exists('/sys/module/' + driver):
                # Documentation/networking/device_drivers/ethernet/amazon/ena.rst
                said += '; the driver %s that is loaded has no option %s' % (driver, option)
                if driver == 'ena':
                    said += ", and where it is the kernel's own, devlink's enable_phc in its stead"
        return None, said

    def _driver_option(self, profile):
        change = Change(self.root)
        change.edit(_guard.MODPROBE, _guard.modprobe(profile).encode('ascii'))
        reason = ('the driver shows no clock before it is loaded with %s: reboot (and where the initramfs holds the '
                  'driver, rebuild that first), then run again. Not every machine type has such a clock'
                  % profile['driver_option'])
        result = dict(self.result, reboot_required=True, reason=reason, diff=change.diff(),
                      files=[edit.path for edit in change.files])
        if not self.root.live:
            return dict(result, action='planned')
        if not change.changed:
            return dict(result, action='left_alone')
        apply = _apply.Apply(self.module, self.root, self.run, self.services, change, self.layout.service)
        apply.check_writable()
        if not self.module.check_mode:
            apply.go(self.params['remember'] and (lambda old, folders: _record.remember(
                self.root, self.module, old, change, {}, folders)), lambda: None)
        return dict(result, changed=True, action='configured')

    def _remarks(self, profile, clock, said):
        remarks = ['profile %s of %s: %s' % (profile['id'], profile['date'], profile['source'])]
        if said:
            remarks.append(said)
        if clock is None:
            remarks.append('check mode does not load %s: whether it gives a clock shows in a real run'
                           % profile['module'])
        others = self.layout.refclocks()
        if others:
            remarks.append("the operator's own refclock stays beside it: %s" % others[0].line.strip())
        return remarks

    def _leave(self, reason):
        return dict(self.result, action='left_alone', reason=reason, diff=[])

    def _leave_to(self, reason):
        if self.standing():
            reason += '; what an earlier run set up stands beside it: state=absent takes that away'
        return self._leave(reason)

    def _refuse(self, reason):
        return dict(self.result, action='refused', refused=True, reason=reason, files=[], conflicts=[], diff=[])


def present(module, root, params):
    return Setup(module, root, params).present()


def absent(module, root, params):
    from . import _absent
    return _absent.run(Setup(module, root, params))
