# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything known about a machine's clock, composed from what each room reads."""
import hashlib
import os
import re

from . import _clocksource, _evidence, _klog, _measured, _platform, _policy, _ptp, _timesync, _tsc
from ._root import printable

UNIT = '/etc/systemd/system/cloudclock-clocksource.service'
UNIT_ENABLED = '/etc/systemd/system/sysinit.target.wants/cloudclock-clocksource.service'
# Documentation/admin-guide/kernel-parameters.txt: what decides about clocksources. Nothing else of a command line
# becomes a fact: it may hold secrets. The kernel takes _ and - as the same (kernel/params.c, dash2underscore).
CLOCK_ARGS = frozenset((
    'clocksource', 'tsc', 'notsc', 'nohpet', 'hpet', 'acpi_pm', 'no_kvmclock', 'no_kvmclock_vsyscall', 'no_hvclock',
    'lpj', 'vdso', 'vdso32', 'tsc_early_khz', 'pmtmr', 'timer', 'clock'))
# Milliseconds: enough to tell the vDSO from a system call, also on a machine that is busy.
PROBE_BUDGET = 6
# Each CPU can have a policy of its own, and on a large machine two files of each take longer than all other facts.
MOST_POLICIES = 16


def gather(root, rows=(), metadata='never', probe=None, warp_budget_ms=0, budget_ms=PROBE_BUDGET):
    """The facts that docs/facts.md lists, printable: what clock_facts returns and what a switch is decided by.

    ``rows`` are the operator's policy rows. ``metadata`` (never, when_unsettled) says whether a live machine's
    metadata services may be asked where the files left the cloud open. ``probe`` is _probe.load's: what it measures on
    a live machine, in some milliseconds, and ``warp_budget_ms`` more for the warp test. Raises ValueError for another
    root's probe.json that is not as the probe prints it.
    """
    readings, ran = _readings(root, probe, budget_ms, warp_budget_ms)
    found = judged(root, readings, rows, metadata)
    from . import _audit
    found.update(cpufreq=_cpufreq(root), audit_rules=_audit.read(root))
    found.update(ptp=_ptp.read(root), time_sync=_timesync.read(root), boot=_boot(root, found['clocksource']), probe=ran,
                 cost=_measured.cost(readings))
    return printable(found)


def judged(root, readings, rows=(), metadata='never', log=None):
    """``cloud``, ``hypervisor``, ``clocksource``, ``tsc``, ``vdso`` and ``cpus`` of the facts, by these readings.

    ``log`` is what ``_klog.read`` returned, where the caller has read it.
    """
    lines, complete = log or _klog.read(root)
    evidence = _evidence.collect(root, readings or {}, lines)
    platform = _platform.judge(evidence)
    cloud, hypervisor = platform['cloud'], platform['hypervisor']
    if metadata == 'when_unsettled' and root.live and not cloud['settled']:
        from . import _metadata
        _metadata.settle(cloud, hypervisor['type'], _metadata.ask())
    cpus = _cpus(root)
    tsc = dict(_tsc.judge(evidence, lines, complete), **_measured.tsc(readings, cpus))
    vdso = _vdso(root, readings)
    clock = _clocksource.read(root) or {'current': None, 'available': [], 'writable': None}
    choice = _policy.decide(clock, tsc, vdso, cloud, hypervisor, rows)
    clock['switched_to'] = tsc.pop('switched_to')
    clock.update((key, choice[key]) for key in ('recommended', 'verdict', 'reason', 'source'))
    return {'cloud': cloud, 'hypervisor': hypervisor, 'clocksource': clock, 'tsc': tsc, 'vdso': vdso, 'cpus': cpus}


def _readings(root, probe, budget_ms, warp_budget_ms):
    """(the probe's readings or None, ``probe`` of the facts); another root's are those that it holds."""
    if not root.live:
        raw = _evidence.recorded_probe(root)
        if raw is None:
            return None, {'ran': False, 'reason': 'another root, without a probe.json', 'elapsed_ms': None}
        from . import _readings as room
        try:
            readings = room.judge(raw)
        except ValueError as exc:
            raise ValueError('probe.json: %s' % exc)
        return readings, {'ran': False, 'reason': 'another root: from its probe.json', 'elapsed_ms': None}
    readings = probe and _measured.take(probe, budget_ms, warp_budget_ms)
    if readings:
        return readings, _measured.ran(readings)
    return None, {'ran': False, 'reason': probe.reason if probe else 'no probe at hand', 'elapsed_ms': None}


def _vdso(root, readings):
    found = _measured.vdso(readings)
    if found is None:
        from . import _loop
        return _loop.vdso(root)
    maps = root.read('/proc/self/maps') if root.live else None
    return found if maps is None else dict(found, mapped='[vdso]' in maps)


def _boot(root, clock):
    """``boot`` of the facts: what the running kernel was told and what the next one will be told about clocks."""
    from . import _bootloader
    found = _bootloader.find(root)
    menu = found.read() if found else {'effective': None, 'reason': 'no boot loader was recognised'}
    running = _clock_args((root.line('/proc/cmdline') or '').split()) if root.exists('/proc/cmdline') else None
    configured = None if menu['effective'] is None else _clock_args(menu['effective'])
    return {
        'bootloader': found.name if found else None,
        'clocksource': _last('clocksource', configured),
        'tsc': None if configured is None else [arg[4:] for arg in configured if arg.startswith('tsc=')],
        'running': running,
        'configured': configured,
        'reboot_required': None if None in (running, configured) else sorted(running) != sorted(configured),
        'reason': menu['reason'],
        'kernel_choice': clock['available'][0] if clock['available'] else None,
        'unit': _unit(root),
    }


def _cpus(root):
    """The number of CPUs online, from a list like ``0-3,6``."""
    online = root.line('/sys/devices/system/cpu/online') or ''
    if not re.match(r'[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*\Z', online):
        return os.cpu_count() if root.live else None
    total = 0
    for part in online.split(','):
        first, separator, last = part.partition('-')
        total += int(last or first) - int(first) + 1
    return total


def _cpufreq(root):
    """``{'driver', 'governors'}``, of the first policies; None where the kernel steers no frequency."""
    base = '/sys/devices/system/cpu/cpufreq/'
    policies = [name for name in root.listdir(base) if name.startswith('policy')][:MOST_POLICIES]
    if not policies:
        return None
    governors = {root.line('%s%s/scaling_governor' % (base, name)) for name in policies}
    return {'driver': root.line('%s%s/scaling_driver' % (base, policies[0])), 'governors': sorted(governors - {None})}


def _clock_args(args):
    return [arg for arg in args if arg.split('=', 1)[0].replace('-', '_') in CLOCK_ARGS]


def _last(key, args):
    values = [arg.split('=', 1)[1] for arg in args or [] if arg.startswith(key + '=')]
    return values[-1] if values else None


def _unit(root):
    try:
        data = root.read_bytes(UNIT)
    except OSError:
        return {'present': True, 'enabled': root.exists(UNIT_ENABLED), 'sha256': None, 'source': None}
    # ExecStart=/bin/sh /usr/local/lib/cloudclock/clocksource.sh watch tsc
    taken = re.search(br'^ExecStart=.* watch (\S+)$', data or b'', re.MULTILINE)
    return {'present': data is not None, 'enabled': root.exists(UNIT_ENABLED),
            'sha256': data and hashlib.sha256(data).hexdigest(),
            'source': taken and taken.group(1).decode('ascii', 'replace')}
