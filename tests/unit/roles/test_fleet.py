# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role decides, host by host, and what the playbooks make of it for a fleet."""
import pytest

pytestmark = pytest.mark.slow

FIX = 'cloudclock.linux.fix_clocksource'
REVERT = 'cloudclock.linux.revert_clocksource'


def facts(current, available, running=(), configured=(), verdict='optimal', recommended='tsc', **boot):
    clock = {
        'cloud': {'provider': 'aws', 'platform': 'xen'}, 'hypervisor': {'type': 'xen'},
        'clocksource': {'current': current, 'available': list(available), 'verdict': verdict,
                        'recommended': recommended, 'reason': 'a reason'},
        'tsc': {'unstable': False, 'unstable_reason': None},
        'boot': dict({'running': ['ro'] + list(running), 'kernel_choice': available[0] if available else None,
                      'configured': None if configured is None else ['ro'] + list(configured),
                      'reboot_required': configured is not None and list(running) != list(configured),
                      'unit': {'present': False, 'enabled': False, 'sha256': None}}, **boot)}
    return {'ansible_facts': {'clock': clock}, 'changed': False}


def switch(before, after=None, action='none', **more):
    same = after is None or after == before
    result = {'changed': not same, 'action': action, 'name': after or before, 'refused': False, 'verdict': 'optimal',
              'reason': 'tsc is offered', 'recommended': 'tsc',
              'before': {'source': before, 'ns': None if same else 1104.2},
              'after': {'source': after or before, 'ns': None if same else 21.5}}
    result.update(more)
    return result


SLOW = facts('xen', ['xen', 'tsc', 'hpet'], verdict='slow')
SWITCHED = switch('xen', 'tsc', 'switched', verdict='slow')
SET = {'changed': True, 'backend': 'grub', 'effective': ['ro', 'clocksource=tsc'], 'reboot_required': True}
BACK = {'changed': True, 'backend': 'grub', 'effective': ['ro'], 'reboot_required': True}
NO_RECORD = {'changed': False, 'backend': 'grub', 'effective': ['ro', 'clocksource=tsc'], 'reboot_required': False,
             'msg': 'no record'}
DONE = {
    'clock_facts': [facts('tsc', ['xen', 'tsc', 'hpet'], ['clocksource=tsc'], ['clocksource=tsc'])],
    'clocksource': [switch('tsc', reason='tsc is the first choice of what is offered here')]}
FRESH = {'clock_facts': [SLOW], 'clocksource': [SWITCHED], 'kernel_cmdline': [SET]}


def test_a_slow_machine_is_switched_and_its_arguments_are_set(fleet):
    run = fleet(FIX, {'web1': FRESH})
    assert run.code == 0, run.output
    assert run.called('web1') == ['clock_facts', 'clocksource', 'kernel_cmdline']
    assert run.args('web1', 'kernel_cmdline')[0]['args'] == ['clocksource=tsc']
    line, reason = run.row('web1')
    assert 'aws xen' in line and 'xen 1104 ns → tsc 21.5 ns' in line
    assert 'switched, arguments set' in line and line.endswith('pending')
    assert reason == 'tsc is offered'


def test_a_converged_host_costs_two_module_executions_and_ten_tasks_at_most(fleet):
    run = fleet(FIX, {'web1': DONE})
    assert run.code == 0, run.output
    assert run.called('web1') == ['clock_facts', 'clocksource']
    recap = run.recap('web1')
    assert recap['changed'] == 0 and recap['ok'] + recap['skipped'] <= 10
    line, reason = run.row('web1')
    assert line.split('  ')[-1] == 'no' and 'none' in line and reason
