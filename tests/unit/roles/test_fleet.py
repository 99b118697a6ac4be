# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role decides, host by host, and what the playbooks make of it for a fleet."""
import hashlib
import os
import re

import pytest

pytestmark = pytest.mark.slow

FIX = 'cloudclock.linux.fix_clocksource'
REVERT = 'cloudclock.linux.revert_clocksource'
ROLE = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'roles', 'clocksource')
AT_ONCE = ('-e', 'clocksource_serial=100%')


def facts(current, available, running=(), configured=(), verdict='optimal', recommended='tsc', **more):
    tsc = {'unstable': more.pop('unstable', None), 'unstable_reason': 'watchdog'}
    clock = {
        'cloud': {'provider': 'aws', 'platform': 'xen'}, 'hypervisor': {'type': 'xen'}, 'tsc': tsc,
        'clocksource': {'current': current, 'available': list(available), 'verdict': verdict,
                        'recommended': recommended, 'reason': 'a reason'},
        'boot': dict({'bootloader': 'grub', 'running': ['ro'] + list(running),
                      'kernel_choice': available[0] if available else None,
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
        assert run.called(host) == ['clocksource'], host

    assert vars(run.row('fresh')) == {
        'cloud': 'aws xen', 'clock': 'xen 1104 ns → tsc 21.5 ns', 'change': 'switched, arguments set',
        'reboot': 'pending', 'reason': 'tsc is offered'}
    assert vars(run.row('done')) == {
        'cloud': 'aws xen', 'clock': 'tsc', 'change': 'none', 'reboot': 'no', 'reason': 'tsc is the first choice'}
    assert run.row('own-choice').reason == 'tsc is offered; the kernel takes it by itself'
    assert [run.row(host).reboot for host in ('own-choice', 'not-yet-booted')] == ['no', 'pending']
    assert (run.row('refused').change, run.row('refused').reason) == ('refused', WHY_NOT)
    assert (run.row('left-alone').change, run.row('left-alone').clock) == ('left alone', 'kvm-clock')
    assert run.table()[-1].strip() == '4 changed, 4 unchanged, 1 refused of 9 hosts'


def test_a_converged_host_costs_ten_tasks_at_most_and_changes_nothing(fleet):
    run = fleet(FIX, {'web1': DONE})
    recap = run.recap('web1')
    assert run.code == 0 and run.called('web1') == ['clocksource']
    assert recap['changed'] == 0 and recap['ok'] + recap['skipped'] <= 10


def test_tsc_reliable_takes_the_operators_word_and_the_tsc(fleet):
    run = fleet(FIX, {
        'web1': dict(DONE, kernel_cmdline=[SET]),
        'hyperv': {'clock_facts': [facts('hyperv_clocksource_tsc_page', ['hyperv_clocksource_tsc_page'])],
                   'clocksource': [switch('hyperv_clocksource_tsc_page')]},
    }, *AT_ONCE, '-e', 'clocksource_tsc_reliable=true')
    assert run.args('web1', 'kernel_cmdline')[0]['args'] == ['clocksource=tsc', 'tsc=reliable']
    assert run.called('hyperv') == ['clocksource']


def test_a_canary_that_fails_stops_the_fleet_and_everyone_is_in_the_table(fleet):
    run = fleet(FIX, {'canary': BROKEN, 'web1': FRESH, 'web2': DONE})
    assert run.code != 0
    assert run.called('canary') == ['clocksource', 'kernel_cmdline']
    assert run.called('web1') == run.called('web2') == []
    canary = run.row('canary')
    assert (canary.clock, canary.change) == ('xen 1104 ns → tsc 21.5 ns', 'failed, switched')
    assert canary.reason == 'update-grub failed: no space left on device'
    assert vars(run.row('web1')) == {'cloud': '-', 'clock': '-', 'change': 'not tried', 'reboot': '-',
                                     'reason': 'the fleet was stopped before its turn'}
    assert run.table()[-1].strip() == '1 failed, 2 not tried of 3 hosts'
    assert run.recap('canary')['failed'] == 1


def test_a_share_of_failures_can_be_borne_and_lost_hosts_count(fleet):
    hosts = {'lost': LOST, 'web1': DONE, 'web2': FRESH, 'web3': BROKEN, 'web4': DONE}
    run = fleet(FIX, hosts, '-e', 'clocksource_serial=4', '-e', 'clocksource_max_fail_percentage=50')
    assert run.code != 0 and run.called('web4') == ['clocksource']
    assert (run.row('lost').change, run.row('lost').reason) == ('unreachable', 'no route to host')
    assert run.table()[-1].strip() == '1 changed, 2 unchanged, 2 failed of 5 hosts'
    assert [run.recap(host)['failed'] for host in hosts] == [1, 0, 0, 1, 0]
    run = fleet(FIX, hosts, '-e', '{"clocksource_serial": [4, "100%"], "clocksource_max_fail_percentage": 49}')
    assert run.code != 0 and run.called('web4') == []


def test_a_refusal_fails_only_a_host_that_was_given_a_name(fleet):
    refused = {'clock_facts': [SLOW], 'clocksource': [REFUSED]}
    assert fleet(FIX, {'web1': refused, 'web2': DONE}).code == 0
    run = fleet(FIX, {'web1': NAMED_AND_REFUSED, 'web2': DONE}, '-e', 'clocksource_name=tsc')
    assert run.code != 0 and run.called('web1') == ['clocksource'] and run.called('web2') == []
    assert (run.row('web1').change, run.row('web1').reason) == ('failed, refused', WHY_NOT)


def test_a_switch_that_did_not_hold_is_not_made_to_last(fleet):
    why = 'tsc is slower: 1900.0 ns a read, before 1104.2 ns (tolerance 25 %); back on xen'
    undone = switch('xen', action='rolled_back', refused=True, failed=True, name='tsc', msg=why, verdict='slow')
    named = facts('xen', OFFERED, ARGUMENT, ARGUMENT, verdict='slow')
    crashed = {'failed': True, 'msg': 'MODULE FAILURE'}
    run = fleet(FIX, {
        'web1': {'clock_facts': [SLOW], 'clocksource': [undone]},
        'named': {'clock_facts': [named], 'clocksource': [undone], 'kernel_cmdline': [BACK]},
        'crashed': {'clock_facts': [facts('tsc', OFFERED, ['clocksource=xen'], ARGUMENT)], 'clocksource': [crashed]},
        'mute': {'clock_facts': [crashed]},
    }, *AT_ONCE)
    assert run.code != 0 and run.called('web1') == ['clocksource']
    assert (run.row('web1').change, run.row('web1').reason) == ('failed, rolled back', why)
    assert run.args('named', 'kernel_cmdline') == [{'state': 'restored', 'allow_menu_drift': False}]
    assert 'the argument was taken back, and a second reboot is pending' in run.row('named').reason
    assert run.called('crashed') == ['clocksource'] and run.row('crashed').reason == 'MODULE FAILURE'
    assert run.row('mute').change == 'failed' and run.row('mute').clock == '?'
    assert run.table()[-1].strip() == '4 failed of 4 hosts'


def test_too_small_a_gain_is_no_failure_and_nothing_is_kept(fleet):
    acceptable = facts('kvm-clock', ['kvm-clock', 'tsc'], verdict='slow')
    nothing = 'nothing to gain: a read costs 21.0 ns, the bare counter 19.2 ns of it (min_speedup 1.2)'
    little = 'nothing to gain: xen 33.0 ns a read, tsc 30.0 ns (min_speedup 1.2); back on xen'
    run = fleet(FIX, {
        'nothing': {'clock_facts': [acceptable], 'clocksource': [switch('kvm-clock', verdict='slow', reason=nothing)]},
        'little': {'clock_facts': [SLOW],
                   'clocksource': [switch('xen', action='rolled_back', name='tsc', verdict='slow', reason=little)]},
    }, *AT_ONCE, '-e', 'clocksource_min_speedup=1.5', '-e', 'clocksource_warp_budget_ms=0')
    assert run.code == 0, run.output
    assert run.called('little') == ['clocksource']
    asked = run.args('little', 'clocksource')[0]
    assert (float(asked['min_speedup']), int(asked['warp_budget_ms'])) == (1.5, 0)
    assert (run.row('nothing').change, run.row('nothing').reason) == ('left alone', nothing)
    assert (run.row('little').change, run.row('little').clock) == ('rolled back', 'xen')
    assert run.row('little').reason == little
    assert run.table()[-1].strip() == '2 unchanged of 2 hosts'


def test_bad_variables_fail_before_anything_is_read(fleet):
    run = fleet(FIX, {'web1': FRESH}, '-e', 'clocksource_persist=grub')
    assert run.code != 0 and run.called('web1') == []
    assert 'clocksource_persist' in run.row('web1').reason


REBOOT = AT_ONCE + ('-e', 'clocksource_reboot=if_required')


def test_a_reboot_is_proved(fleet):
    run = fleet(FIX, {'web1': dict(FRESH, clock_facts=[SLOW, BOOTED], reboot=[REBOOTED])}, *REBOOT)
    assert run.code == 0, run.output
    assert run.called('web1') == ['clocksource', 'kernel_cmdline', 'reboot', 'clock_facts']
    assert (run.row('web1').change, run.row('web1').reboot) == ('switched, arguments set, rebooted', 'no')


@pytest.mark.parametrize('seen, why', [
    (facts('hpet', ['hpet', 'acpi_pm'], ARGUMENT, ARGUMENT, unstable=True),
     'the machine runs on hpet and not on tsc; the kernel marked the TSC unstable: watchdog'),
    (facts('tsc', OFFERED, ['clocksource=hpet'] + ARGUMENT, ARGUMENT),
     'it booted with clocksource=hpet clocksource=tsc and not with clocksource=tsc'),
    (facts('tsc', OFFERED, (), ARGUMENT), 'it booted with no clocksource= and not with clocksource=tsc'),
    (facts('tsc', OFFERED, ARGUMENT, ARGUMENT, unstable=True), 'the kernel marked the TSC unstable: watchdog'),
])
def test_a_failed_proof_is_undone_and_stops_the_fleet(fleet, seen, why):
    hosts = {'web1': dict(FRESH, clock_facts=[SLOW, seen], kernel_cmdline=[SET, BACK], reboot=[REBOOTED]),
             'web2': FRESH}
    run = fleet(FIX, hosts, '-e', 'clocksource_serial=1', '-e', 'clocksource_reboot=if_required',
                '-e', 'clocksource_max_fail_percentage=100')
    assert run.code != 0 and run.called('web2') == []
    assert run.called('web1') == ['clocksource', 'kernel_cmdline', 'reboot', 'clock_facts',
                                  'kernel_cmdline', 'reboot']
    assert run.args('web1', 'kernel_cmdline')[1]['state'] == 'restored'
    row = run.row('web1')
    assert row.change == 'failed, switched, arguments set, arguments taken back, rebooted twice' and row.reboot == 'no'
    assert row.reason == ('after the reboot %s; what was made to last was taken back, and the machine was rebooted '
                          'once more' % why)
    assert run.table()[-1].strip() == '1 failed, 1 not tried of 2 hosts'


FALLEN = facts('hpet', ['hpet', 'acpi_pm'], ARGUMENT, ARGUMENT, verdict='slow', recommended=None)
NOT_TAKEN = switch('hpet', action='refused', refused=True, verdict='slow', name=None, reason=WHY_NOT)


def test_a_boot_that_nobody_watched_is_proved_by_the_next_run(fleet):
    """With clocksource_reboot: never the operator reboots, and the proof is what the next run finds."""
    run = fleet(FIX, {
        'ours': {'clock_facts': [FALLEN], 'clocksource': [NOT_TAKEN], 'kernel_cmdline': [BACK]},
        'named': {'clock_facts': [FALLEN], 'kernel_cmdline': [BACK],
                  'clocksource': [dict(NOT_TAKEN, failed=True, name='tsc', msg=WHY_NOT)]},
        'not-ours': {'clock_facts': [FALLEN], 'clocksource': [NOT_TAKEN], 'kernel_cmdline': [NOTHING]},
    }, *AT_ONCE)
    assert run.code != 0
    for host in ('ours', 'named', 'not-ours'):
        assert run.called(host) == ['clocksource', 'kernel_cmdline']
        assert run.args(host, 'kernel_cmdline')[0]['state'] == 'restored'
    for host in ('ours', 'named'):
        row = run.row(host)
        assert (row.change, row.reboot) == ('failed, refused, arguments taken back', 'pending')
        assert row.reason == ('the machine booted with clocksource=tsc but runs on hpet (%s); the argument was taken back, '
                              'and a second reboot is pending' % WHY_NOT)
    row = run.row('not-ours')
    assert row.change == 'refused'
    assert row.reason == WHY_NOT + '; this collection did not write clocksource=tsc, so it stays'
    assert run.recap('not-ours')['failed'] == 0


def unit_of(text):
    return {'present': True, 'enabled': True, 'sha256': hashlib.sha256(text.encode()).hexdigest()}


def test_the_unit_is_installed_once(fleet):
    files = {'stat': [{'stat': {'exists': True}}], 'file': [{'changed': True}], 'copy': [{'changed': True}],
             'systemd_service': [{'changed': True}]}
    run = fleet(FIX, {'web1': dict(FRESH, **files)}, '-e', 'clocksource_persist=systemd')
    assert run.code == 0, run.output
    assert run.called('web1') == ['clocksource', 'stat', 'file', 'copy', 'copy', 'systemd_service']
    assert (run.row('web1').change, run.row('web1').reboot) == ('switched, unit installed', 'no')
    script, unit = run.args('web1', 'copy')
    assert script['dest'] == '/usr/local/lib/cloudclock/clocksource.sh'
    assert script['content'] == open(os.path.join(ROLE, 'files', 'clocksource.sh')).read()
    assert unit['dest'] == '/etc/systemd/system/cloudclock-clocksource.service'
    assert re.search(r'^ExecStart=/bin/sh %s watch tsc$' % script['dest'], unit['content'], re.M)
    assert hashlib.sha256(script['content'].encode()).hexdigest() in unit['content']

    again = {'clock_facts': [facts('tsc', OFFERED, unit=unit_of(unit['content']))], 'clocksource': [switch('tsc')]}
    older = {'clock_facts': [facts('tsc', OFFERED, unit=unit_of('older'))], 'clocksource': [switch('tsc')]}
    run = fleet(FIX, {'again': again, 'older': dict(older, **files)}, *AT_ONCE, '-e', 'clocksource_persist=systemd')
    assert run.called('again') == ['clocksource'] and 'systemd_service' in run.called('older')
    recap = run.recap('again')
    assert recap['changed'] == 0 and recap['ok'] + recap['skipped'] <= 10


def test_an_older_unit_that_would_take_another_source_is_brought_up_to_date(fleet):
    files = {'stat': [{'stat': {'exists': True}}], 'file': [{'changed': True}], 'copy': [{'changed': True}],
             'systemd_service': [{'changed': True}]}
    other, same = ({'present': True, 'enabled': True, 'sha256': '0', 'source': name} for name in ('hpet', 'tsc'))
    answers = {
        'own-choice': dict(files, clock_facts=[facts('tsc', ['tsc', 'hpet'], unit=other)], clocksource=[switch('tsc')]),
        'arguments': dict(files, clock_facts=[facts('tsc', OFFERED, unit=other)], clocksource=[switch('tsc')], kernel_cmdline=[SET]),
        'same': {'clock_facts': [facts('tsc', ['tsc', 'hpet'], unit=same)], 'clocksource': [switch('tsc')]}}
    run = fleet(FIX, answers, *AT_ONCE)
    assert run.code == 0, run.output
    for name in ('own-choice', 'arguments'):
        assert 'watch tsc' in run.args(name, 'copy')[1]['content'] and 'unit installed' in run.row(name).change
    assert run.called('same') == ['clocksource']
    run = fleet(FIX, answers, *AT_ONCE, '-e', 'clocksource_persist=none')
    assert all(run.called(name) == ['clocksource'] for name in answers)


def test_persistence_can_be_declined(fleet):
    run = fleet(FIX, {'web1': FRESH}, '-e', 'clocksource_persist=none')
    assert run.code == 0 and run.called('web1') == ['clocksource']
    assert run.row('web1').reason == 'tsc is offered; it lasts until the next boot: clocksource_persist is none'


RESTORED = switch('tsc', 'xen', 'restored', reason='xen was the source on 2026-01-01')
UNIT = {'present': True, 'enabled': True, 'sha256': '0'}


def test_revert_takes_everything_back_and_then_nothing(fleet):
    run = fleet(REVERT, {
        'arguments': dict(DONE, clocksource=[RESTORED], kernel_cmdline=[BACK]),
        'unit': {'clock_facts': [facts('tsc', OFFERED, unit=UNIT)], 'clocksource': [RESTORED],
                 'kernel_cmdline': [NOTHING], 'systemd_service': [{'changed': True}], 'file': [{'changed': True}],
                 'stat': [{'stat': {'exists': False}}]},
        'metrics-too': {'clock_facts': [facts('tsc', OFFERED, unit=UNIT)], 'clocksource': [RESTORED],
                        'kernel_cmdline': [NOTHING], 'systemd_service': [{'changed': True}], 'file': [{'changed': True}],
                        'stat': [{'stat': {'exists': True}}]},
        'no-boot-loader': {'clock_facts': [facts('tsc', OFFERED, configured=None, bootloader=None)],
                           'clocksource': [RESTORED]},
        'nothing': {'clock_facts': [SLOW], 'kernel_cmdline': [dict(NOTHING, not_restored=['no record of arguments'])],
                    'clocksource': [switch('xen', name=None, reason='no record of a switch by this collection')]},
    }, *AT_ONCE)
    assert run.code == 0, run.output
    assert run.args('arguments', 'clocksource')[0]['state'] == 'restored'
    assert vars(run.row('arguments')) == {
        'cloud': 'aws xen', 'clock': 'tsc 1104 ns → xen 21.5 ns', 'change': 'restored, arguments taken back',
        'reboot': 'pending', 'reason': 'xen was the source on 2026-01-01'}
    assert run.row('unit').change == 'restored, unit removed'
    assert [args['path'] for args in run.args('unit', 'file')] == [
        '/etc/systemd/system/cloudclock-clocksource.service', '/usr/local/lib/cloudclock']
    assert run.args('metrics-too', 'file')[1]['path'] == '/usr/local/lib/cloudclock/clocksource.sh'
    assert (run.row('nothing').change, run.row('nothing').reboot) == ('none', 'no')
    assert run.row('nothing').reason == 'no record of a switch by this collection; no record of arguments'
    assert run.row('no-boot-loader').change == 'restored'
    assert run.recap('nothing')['changed'] == 0


def test_revert_takes_the_arguments_back_although_the_source_is_gone(fleet):
    gone = switch('tsc', refused=True, failed=True, action='refused', name='xen', msg='the kernel does not offer xen')
    run = fleet(REVERT, {'web1': {'clock_facts': [BOOTED], 'clocksource': [gone], 'kernel_cmdline': [BACK]}})
    assert run.code != 0 and run.called('web1') == ['clocksource', 'kernel_cmdline']
    assert run.row('web1').change == 'failed, refused, arguments taken back'
    assert run.row('web1').reason == 'the kernel does not offer xen'


def test_revert_is_proved_by_a_reboot(fleet):
    same = dict(DONE, clocksource=[RESTORED], kernel_cmdline=[BACK], reboot=[REBOOTED])
    run = fleet(REVERT, {'as-before': dict(same, clock_facts=[BOOTED, SLOW]),
                         'not-as-before': dict(same, clock_facts=[BOOTED, facts('hpet', ['hpet'])])}, *REBOOT)
    assert run.row('as-before').change == 'restored, arguments taken back, rebooted'
    assert run.row('not-as-before').reason == 'after the reboot the machine runs on hpet and not on xen'
    assert [run.recap(host)['failed'] for host in ('as-before', 'not-as-before')] == [0, 1]


def test_check_mode_predicts_and_reboots_nothing(fleet):
    run = fleet(FIX, {'web1': dict(FRESH, reboot=[REBOOTED])}, '--check', '--diff', *REBOOT)
    assert run.code == 0, run.output
    assert all(call['check'] for call in run.calls) and run.called('web1')[-1] in ('reboot', 'kernel_cmdline')
    assert (run.row('web1').change, run.row('web1').reboot) == ('would be switched, arguments set', 'pending')


@pytest.mark.parametrize('tags, called', [
    (['--tags', 'facts'], ['clock_facts']),
    (['--tags', 'report'], ['clock_facts']),
    (['--tags', 'switch'], ['clocksource']),
    (['--tags', 'persist'], ['clock_facts', 'kernel_cmdline']),
    (['--tags', 'switch,persist'], ['clocksource', 'kernel_cmdline']),
    (['--skip-tags', 'reboot'], ['clocksource', 'kernel_cmdline']),
    (['--skip-tags', 'persist,reboot'], ['clocksource']),
    (['--tags', 'reboot'], ['clock_facts', 'reboot', 'clock_facts']),
])
def test_tags_choose_the_stages(fleet, tags, called):
    """Each stage works by itself: what is made to last is then what runs, where that is the source to have."""
    running = facts('tsc', OFFERED, (), ARGUMENT if tags == ['--tags', 'reboot'] else ())
    run = fleet(FIX, {'web1': dict(FRESH, clock_facts=[running, BOOTED], reboot=[REBOOTED])}, *(REBOOT + tuple(tags)))
    assert run.code == 0, run.output
    assert run.called('web1') == called, run.output
    assert run.row('web1')


def test_a_machine_that_nothing_looked_at_is_not_told_as_unchanged(fleet):
    run = fleet(FIX, {'web1': FRESH}, '--skip-tags', 'switch')
    assert run.code == 0 and run.called('web1') == []
    assert vars(run.row('web1')) == {'cloud': '-', 'clock': '-', 'change': 'not tried', 'reboot': '-',
                                     'reason': 'nothing was looked at: the tags leave the switch out'}
    assert run.table()[-1].strip() == '1 not tried of 1 host'


def test_a_machine_without_a_clocksource_was_looked_at(fleet):
    none = switch(None, name=None, verdict='unknown', reason='this machine shows no clocksource')
    run = fleet(FIX, {'web1': {'clock_facts': [facts(None, [], verdict='unknown', recommended=None)], 'clocksource': [none]}})
    assert (run.row('web1').change, run.row('web1').reason) == ('left alone', 'this machine shows no clocksource')


def test_persist_by_itself_keeps_nothing_that_does_not_run(fleet):
    run = fleet(FIX, {'web1': FRESH}, '--tags', 'persist')
    assert run.code == 0 and run.called('web1') == ['clock_facts']


def test_the_table_is_readable_in_either_format(fleet):
    long = 'a reason of many words that has to be wrapped: ' + '"quoted" words and more of them ' * 8
    hosts = {'a-host-with-a-rather-long-name.example.org': dict(DONE, clocksource=[switch('tsc', reason=long)]),
             'web1': FRESH,
             'web2': dict(BROKEN, clocksource=[switch('hyperv_clocksource_msr', 'hyperv_clocksource_tsc_page',
                                                      'switched', verdict='slow')])}
    for form in ('yaml', 'json'):
        run = fleet(FIX, hosts, *AT_ONCE, ANSIBLE_CALLBACK_RESULT_FORMAT=form)
        table = run.table()
        assert max(len(line) for line in table) <= 120 and len(table) > 8
        assert not any('\\' in line for line in table)
        starts = {line.index('aws xen') for line in table if 'aws xen' in line}
        assert len(starts) == 1 and table[0].index('cloud') in starts


def test_limit_leaves_the_others_out_of_the_table(fleet):
    run = fleet(FIX, {'web1': DONE, 'web2': DONE}, '--limit', 'web2')
    assert run.code == 0 and run.called('web1') == []
    assert run.table()[-1].strip() == '1 unchanged of 1 host'
