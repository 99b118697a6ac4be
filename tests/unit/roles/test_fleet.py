# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role decides, host by host, and what the playbooks make of it for a fleet."""
import hashlib
import json
import os
import re

import pytest

pytestmark = pytest.mark.slow

FIX = 'cloudclock.linux.fix_clocksource'
REVERT = 'cloudclock.linux.revert_clocksource'
AT_ONCE = ('-e', 'clocksource_serial=100%')


def facts(current, available, running=(), configured=(), verdict='optimal', recommended='tsc', **more):
    tsc = {'unstable': more.pop('unstable', None), 'unstable_reason': 'watchdog'}
    clock = {
        'cloud': {'provider': 'aws', 'platform': 'xen'}, 'hypervisor': {'type': 'xen'}, 'tsc': tsc,
        'clocksource': {'current': current, 'available': list(available), 'verdict': verdict,
                        'recommended': recommended, 'reason': 'a reason'},
        'boot': dict({'running': ['ro'] + list(running), 'kernel_choice': available[0] if available else None,
                      'configured': None if configured is None else ['ro'] + list(configured),
                      'reboot_required': configured is not None and list(running) != list(configured),
                      'unit': {'present': False, 'enabled': False, 'sha256': None}}, **more)}
    return {'ansible_facts': {'clock': clock}, 'changed': False}


def switch(before, after=None, action='none', **more):
    moved = after not in (None, before)
    result = {'changed': moved, 'action': action, 'name': after or before, 'refused': False, 'verdict': 'optimal',
              'reason': 'tsc is offered', 'recommended': 'tsc',
              'before': {'source': before, 'ns': 1104.2 if moved else None},
              'after': {'source': after or before, 'ns': 21.5 if moved else None}}
    result.update(more)
    return result


OFFERED = ['xen', 'tsc', 'hpet']
ARGUMENT = ['clocksource=tsc']
SLOW = facts('xen', OFFERED, verdict='slow')
SWITCHED = switch('xen', 'tsc', 'switched', verdict='slow')
SET = {'changed': True, 'backend': 'grub', 'effective': ['ro', 'clocksource=tsc'], 'reboot_required': True}
BACK = {'changed': True, 'backend': 'grub', 'effective': ['ro'], 'reboot_required': True}
NOTHING = {'changed': False, 'backend': 'grub', 'effective': ['ro', 'clocksource=tsc'], 'reboot_required': False}
REBOOTED = {'changed': True, 'rebooted': True}
WHY_NOT = 'the kernel marked the TSC unstable in this boot: watchdog'
REFUSED = switch('xen', action='refused', refused=True, verdict='slow', name=None, reason=WHY_NOT)
BOOTED = facts('tsc', OFFERED, ARGUMENT, ARGUMENT)

DONE = {'clock_facts': [BOOTED], 'clocksource': [switch('tsc', reason='tsc is the first choice')]}
FRESH = {'clock_facts': [SLOW], 'clocksource': [SWITCHED], 'kernel_cmdline': [SET]}
LOST = {'clock_facts': ['unreachable']}
BROKEN = dict(FRESH, kernel_cmdline=[{'failed': True, 'msg': 'update-grub failed: no space left on device'}])
NAMED_AND_REFUSED = {'clock_facts': [SLOW],
                     'clocksource': [dict(REFUSED, failed=True, name='tsc', msg=WHY_NOT)]}


def test_what_is_decided_host_by_host(fleet):
    """One run: what each host needs is written, and nothing else."""
    run = fleet(FIX, {
        'fresh': FRESH,
        'done': DONE,
        'own-choice': {'clock_facts': [facts('hpet', ['tsc', 'hpet'], verdict='slow')],
                       'clocksource': [switch('hpet', 'tsc', 'switched', verdict='slow')]},
        'own-choice-but-named': {
            'clock_facts': [facts('hpet', ['tsc', 'hpet'], ['clocksource=hpet'], ['clocksource=hpet'], verdict='slow')],
            'clocksource': [switch('hpet', 'tsc', 'switched', verdict='slow')], 'kernel_cmdline': [SET]},
        'not-yet-booted': {'clock_facts': [facts('tsc', OFFERED, (), ARGUMENT)], 'clocksource': [switch('tsc')]},
        'named-twice': {'clock_facts': [facts('tsc', OFFERED, (), ['clocksource=hpet'] + ARGUMENT)],
                        'clocksource': [switch('tsc')], 'kernel_cmdline': [SET]},
        'no-boot-loader': {'clock_facts': [facts('tsc', OFFERED, ARGUMENT, None)], 'clocksource': [switch('tsc')]},
        'refused': {'clock_facts': [SLOW], 'clocksource': [REFUSED]},
        'left-alone': {'clock_facts': [facts('kvm-clock', ['tsc', 'kvm-clock'], verdict='acceptable')],
                       'clocksource': [switch('kvm-clock', verdict='acceptable', reason='nothing to gain')]},
    }, *AT_ONCE)
    assert run.code == 0, run.output
    arguments = {host: run.args(host, 'kernel_cmdline')[0]['args']
                 for host in ('fresh', 'own-choice-but-named', 'named-twice')}
    assert all(value == ARGUMENT for value in arguments.values()), arguments
    for host in ('done', 'own-choice', 'not-yet-booted', 'no-boot-loader', 'refused', 'left-alone'):
        assert run.called(host) == ['clock_facts', 'clocksource'], host

    line, reason = run.row('fresh')
    assert re.match(r'fresh +aws xen +xen 1104 ns → tsc 21.5 ns +switched, arguments set +pending$', line)
    assert reason == 'tsc is offered'
    assert re.match(r'done +aws xen +tsc +none +no$', run.row('done')[0])
    assert run.row('own-choice')[1] == 'tsc is offered; the kernel takes it by itself'
    assert run.row('own-choice')[0].endswith('no')
    assert run.row('not-yet-booted')[0].endswith('pending')
    assert re.search(r' xen +refused +no$', run.row('refused')[0]) and run.row('refused')[1] == WHY_NOT
    assert re.search(r' kvm-clock +left alone +no$', run.row('left-alone')[0])
    assert run.table()[-1].strip() == '4 changed, 4 unchanged, 1 refused of 9 hosts'


def test_a_converged_host_costs_ten_tasks_at_most_and_changes_nothing(fleet):
    run = fleet(FIX, {'web1': DONE})
    recap = run.recap('web1')
    assert run.code == 0 and run.called('web1') == ['clock_facts', 'clocksource']
    assert recap['changed'] == 0 and recap['ok'] + recap['skipped'] <= 10


def test_tsc_reliable_takes_the_operators_word_and_the_tsc(fleet):
    run = fleet(FIX, {
        'web1': dict(DONE, kernel_cmdline=[SET]),
        'hyperv': {'clock_facts': [facts('hyperv_clocksource_tsc_page', ['hyperv_clocksource_tsc_page'])],
                   'clocksource': [switch('hyperv_clocksource_tsc_page')]},
    }, *AT_ONCE, '-e', 'clocksource_tsc_reliable=true')
    assert run.args('web1', 'kernel_cmdline')[0]['args'] == ['clocksource=tsc', 'tsc=reliable']
    assert run.called('hyperv') == ['clock_facts', 'clocksource']
