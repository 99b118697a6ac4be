# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``state: absent``: the machine as it was before chrony took the clock."""
from .._change import Change
from . import _apply, _guard, _plan, _record


def run(setup):
    """The module's result. ``setup`` is Setup; ValueError and OSError with everything as it was."""
    root, layout, module = setup.root, setup.layout, setup.module
    record = _record.load(root)
    change = Change(root)
    others = _plan.restore(layout, record or _record.EMPTY, change)
    services = dict((record or _record.EMPTY)['services'])
    states = setup.services.state(list(services)) if setup.services and services else {}
    stays = _stays(services, states, layout.service)
    if stays:
        services[layout.service] = {'active': True, 'enabled': True}
    moved = {name: wanted for name, wanted in services.items() if name in states and states[name] != wanted}
    result = dict(setup.result, files=[edit.path for edit in change.files], diff=change.diff())
    if not change.changed and not moved:
        if record is not None and root.live and not module.check_mode:
            _record.take_back(root, module, None)
        return dict(result, reason='nothing of ours is here', changed=record is not None)
    if not root.live:
        return dict(result, action='planned', reason='another root is never written')
    apply = _apply.Apply(module, root, setup.run, setup.services, change, layout.service)
    apply.check_writable()
    remarks = _remarks(setup, record, others, services, states)
    if stays:
        remarks.append('chronyd goes on with its former configuration: nothing else would keep the time')
    result.update(changed=True, action='removed', reason='; '.join(remarks))
    if not module.check_mode:
        _write(setup, apply, record, moved)
        result['after'] = setup.time_sync()
    return result


def _stays(services, states, own):
    """Whether chronyd, which did not run and would have at the next boot, is the only one left to keep the time.

    RHEL's package leaves it so: enabled by the presets, and not started.
    """
    former = services.get(own)
    return bool(former and former['enabled'] and not former['active']
                and not any(services[name]['active'] for name in states if name != own))


def _write(setup, apply, record, moved):
    layout, services = setup.layout, setup.services

    def steps():
        if services is None:
            return
        apply.reread(None)
        # chrony may have been uninstalled since; whoever kept the time before it comes back all the same.
        own = services.state([layout.service]).get(layout.service) if layout.service else None
        wanted = moved.get(layout.service)
        # A chronyd that did not run before stops again; else it reads its old files.
        # chronyd reads nothing of the driver's option.
        reads = [edit.path for edit in apply.change.files] != [_guard.MODPROBE]
        if own and own['active'] and reads and (wanted is None or wanted['active']):
            apply.restart(own)
            if not services.state([layout.service])[layout.service]['active']:
                raise OSError('chronyd does not stay up with its former files')
        apply.bring(moved)
    if layout.manager == 'openrc':
        apply.forget_guard()
    try:
        apply.go(None, steps)
    except _apply.Failed:
        if layout.manager == 'openrc':
            services.enable(_guard.GUARD)
        raise
    apply.drop_folders((record or {}).get('dirs') or
                       [layout.folder, _guard.dropin_of(layout.service or 'chronyd').rpartition('/')[0]])
    if record is not None:
        _record.take_back(setup.root, setup.module, None)


def _remarks(setup, record, others, services, states):
    remarks = ['chrony is as it was before']
    if record is None:
        remarks = ['there is no record of the former files: our lines were taken out, and services stay as they are']
    remarks.extend('%s was changed by others since: only our lines were taken out of it' % path for path in others)
    gone = sorted(name for name in services if name not in states)
    if gone:
        remarks.append('%s is not installed any more and cannot come back' % ', '.join(gone))
    if setup.root.exists('/sys/module/ptp_kvm'):
        remarks.append('the kernel module ptp_kvm stays loaded until the next boot')
    return remarks
