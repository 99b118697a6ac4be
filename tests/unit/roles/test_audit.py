# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What audit-clocks.yml asks of each host, and the table that it makes of the answers."""
import json
import os
import re

import pytest

from tests.page import fleet as made

pytestmark = pytest.mark.slow

AUDIT = 'cloudclock.linux.audit_clocks'


def facts(current, verdict, platform='nitro', provider='aws', **more):
    return {'changed': False, 'ansible_facts': {'clock': dict({
        'cloud': {'provider': provider, 'platform': platform}, 'hypervisor': {'type': 'kvm'},
        'clocksource': {'current': current, 'verdict': verdict, 'reason': 'a reason for %s' % verdict}}, **more)}}


def path(ns, p999=None):
    return {'ns': {'median': ns, 'low': ns - 1, 'high': ns + 2, 'p999': p999}, 'cycles': {'median': ns * 2.6}}


def clock(ns, way='vdso', libc=True, p999=None, percent=None):
    return {'libc': path(ns, p999) if libc else None, 'vdso': path(ns + 1) if way == 'vdso' else None,
            'syscall': path(ns + 200), 'path': way, 'cpu_percent': percent, 'grade': '<100: vDSO works'}


def bench(clocks, warp=None, **more):
    return dict({'changed': False, 'clocks': clocks, 'warp': warp, 'clocksource': 'tsc',
                 'counter': {'emulated': False}}, **more)


NO_WARP = {'pairs_tested': 6, 'pairs_total': 6, 'worst_cycles': 0, 'worst_pair': None, 'reason': None}
GOOD = {'clock_facts': [facts('tsc', 'optimal')],
        'clock_bench_info': [bench({'monotonic': clock(19.234, p999=41, percent=0.192),
                                    'realtime': clock(19.5, percent=0.195)}, NO_WARP)]}
SLOW = {'clock_facts': [facts('xen', 'slow', platform='xen')],
        'clock_bench_info': [bench(
            {'monotonic': clock(1104.4, 'syscall', p999=3100.2, percent=11.044)},
            dict(NO_WARP, worst_cycles=165, worst_pair=[0, 3], pairs_tested=5))]}


def table(run):
    """The lines that a reader sees, without the callback's indent."""
    lines = run.output[run.output.index('TASK [Show all hosts]'):].splitlines()
    start = next(n for n, line in enumerate(lines) if 'low–high' in line)
    end = next(n for n, line in enumerate(lines) if re.search(r' of \d+ hosts?"?$', line))
    indent = lines[start].index('host, clock')
    return [line[indent:].rstrip('",') for line in lines[start:end + 1]]


def about(run, host):
    """A host's own lines."""
    lines = table(run)
    first = next(n for n, line in enumerate(lines) if line.startswith(host + ':'))
    last = next(n for n, line in enumerate(lines) if n > first and not line.startswith(' '))
    return lines[first:last]


def test_each_host_has_its_figures_its_warp_and_its_reason(fleet):
    run = fleet(AUDIT, {'web1': GOOD, 'web2': SLOW})
    assert run.code == 0, run.output
    assert run.called('web1') == ['clock_facts', 'clock_bench_info']
    assert about(run, 'web1') == [
        'web1: tsc is optimal, aws nitro, no warp in 6 of 6 pairs',
        '  monotonic                19.2     50.0  vdso         41.0          18.2–21.2      0.19',
        '  realtime                 19.5     50.7  vdso            -          18.5–21.5      0.20',
        '    a reason for optimal']
    assert about(run, 'web2') == [
        'web2: xen is slow, aws xen, 165 cycles of warp between CPUs 0 and 3 in 5 of 6 pairs',
        '  monotonic                1104     2871  syscall      3100          1103–1106     11.04',
        '    a reason for slow']
    assert table(run)[-2:] == ['The last column is what 100,000 reads a second cost.', '1 slow, 1 optimal of 2 hosts']
    assert [run.recap(host)['changed'] for host in ('web1', 'web2')] == [0, 0]


def test_what_is_not_known_is_a_dash_and_never_a_figure(fleet):
    odd = bench({'tai': dict(clock(80.5, 'syscall', libc=False), path=None, vdso=None),
                 'gettimeofday': {'libc': None, 'vdso': None, 'syscall': None, 'path': None, 'cpu_percent': None}},
                {'pairs_tested': 0, 'pairs_total': 0, 'worst_cycles': None, 'reason': 'one CPU'},
                counter={'emulated': True}, clocksource=None)
    run = fleet(AUDIT, {'web1': {'clock_facts': [facts(None, 'unknown', provider='none')], 'clock_bench_info': [odd]}})
    assert run.code == 0, run.output
    assert about(run, 'web1') == [
        'web1: its source is unknown, kvm, warp not tested: one CPU, counter reads are emulated',
        '  tai                       280      729  -               -            280–282      2.81',
        '  gettimeofday                -        -  -               -                  -         -',
        '    a reason for unknown']


def test_an_answer_unlike_the_others_spoils_no_ones_table(fleet, tmp_path):
    """Another version of the collection on the controller than the answer came from, or a host that means harm."""
    odd = {'changed': False, 'clocks': {'monotonic': None, 'x': {'libc': 5}}, 'warp': {'pairs_tested': 1}}
    run = fleet(AUDIT, {'odd': {'clock_facts': [{'changed': False, 'ansible_facts': {'clock': {'clocksource': None}}}],
                                'clock_bench_info': [odd]},
                        'web1': GOOD, 'lost': {'clock_facts': ['unreachable']}})
    assert about(run, 'web1')[0] == 'web1: tsc is optimal, aws nitro, no warp in 6 of 6 pairs'
    assert table(run)[-1] == '1 unreachable, 1 measured, 1 optimal of 3 hosts'
    assert set(written(tmp_path)) == {'odd', 'web1', 'lost'} and run.recap('lost')['failed'] == 1


def test_a_tsc_in_use_that_warps_is_unsafe(fleet):
    found = facts('tsc', 'optimal')
    found['ansible_facts']['clock']['clocksource']['available'] = ['tsc', 'kvm-clock', 'hpet']
    run = fleet(AUDIT, {'web1': {'clock_facts': [found], 'clock_bench_info': [
        bench({'monotonic': clock(19.2)}, dict(NO_WARP, worst_cycles=165, worst_pair=[0, 3]))]}})
    lines = about(run, 'web1')
    assert lines[0] == 'web1: tsc is unsafe, aws nitro, 165 cycles of warp between CPUs 0 and 3 in 6 of 6 pairs'
    assert lines[2] == '    time goes backwards between these CPUs'
    assert table(run)[-1] == '1 unsafe of 1 host'


def test_a_warp_test_that_came_to_no_pair_is_not_called_clean(fleet):
    none = dict(NO_WARP, pairs_tested=0)
    run = fleet(AUDIT, {host: {'clock_facts': [facts('tsc', 'optimal')],
                               'clock_bench_info': [bench({'monotonic': clock(19.2)}, warp)]}
                        for host, warp in (('web1', dict(none, pairs_total=0)), ('web2', none))})
    assert about(run, 'web1')[0] == 'web1: tsc is optimal, aws nitro, warp not tested: one CPU'
    assert about(run, 'web2')[0] == 'web2: tsc is optimal, aws nitro, warp not tested: no time for a pair'


def test_the_lost_and_the_failed_are_listed_and_fail_at_the_end(fleet):
    why = 'no compiler for x86_64 on the controller: install musl-tools'
    run = fleet(AUDIT, {
        'lost': {'clock_facts': ['unreachable']},
        'lost-later': {'clock_facts': [facts('tsc', 'optimal')], 'clock_bench_info': ['unreachable']},
        'mute': {'clock_facts': [{'failed': True, 'msg': 'MODULE FAILURE'}]},
        'bare': {'clock_facts': [facts('hpet', 'slow')], 'clock_bench_info': [{'failed': True, 'msg': why}]},
        'web1': GOOD})
    assert run.code != 0
    assert about(run, 'lost') == ['lost: unreachable', '    no route to host']
    assert about(run, 'lost-later') == ['lost-later: unreachable, tsc is optimal, aws nitro', '    no route to host']
    assert about(run, 'mute') == ['mute: failed', '    MODULE FAILURE']
    assert about(run, 'bare') == ['bare: failed, hpet is slow, aws nitro', '    ' + why]
    assert table(run)[-1] == '2 unreachable, 2 failed, 1 optimal of 5 hosts'
    assert run.called('lost') == ['clock_facts']
    assert [run.recap(host)['failed'] for host in ('lost', 'lost-later', 'web1')] == [1, 1, 0]


def test_the_variables_reach_the_module_and_the_policy_is_the_fixs(fleet):
    run = fleet(AUDIT, {'web1': GOOD, 'web2': GOOD}, '-e', 'audit_hosts=web2', '-e', 'audit_clocks=all',
                '-e', 'audit_budget_ms=2000', '-e', 'audit_warp=false', '-e', 'audit_warp_budget_ms=9000',
                '-e', 'audit_calls_per_second=1000000',
                '-e', '{"clocksource_policy": [{"prefer": ["tsc"]}]}')
    assert run.code == 0 and run.called('web1') == []
    assert run.args('web2', 'clock_facts') == [{'metadata': 'never', 'policy': [{'prefer': ['tsc']}]}]
    asked, = run.args('web2', 'clock_bench_info')
    assert {key: str(value) for key, value in asked.items()} == {
        'budget_ms': '2000', 'warp': 'false', 'warp_budget_ms': '9000', 'calls_per_second': '1000000'}
    assert 'what 1,000,000 reads a second cost' in run.output


def test_the_policy_of_an_import_counts_in_the_report(fleet, tmp_path):
    """lab-03 of the page's fleet: a TSC that warps, and hpet instead."""
    whole = made.small()['lab-03']
    (tmp_path / 'site.yml').write_text(
        '- ansible.builtin.import_playbook: %s\n  vars:\n    clocksource_policy: [{prefer: [acpi_pm], vouches: [acpi_pm]}]\n' % AUDIT)
    fleet(str(tmp_path / 'site.yml'), {'web1': {'clock_facts': [whole['facts']], 'clock_bench_info': [whole['bench']]}})
    assert written(tmp_path)['web1']['clocksource']['recommended'] == 'acpi_pm'


def test_the_clocks_may_be_a_list_or_words(fleet):
    for given in ('audit_clocks=boottime,tai', '{"audit_clocks": ["boottime", "tai"]}'):
        run = fleet(AUDIT, {'web1': GOOD}, '-e', given)
        assert run.args('web1', 'clock_bench_info')[0]['clocks'] == ['boottime', 'tai']
    run = fleet(AUDIT, {'web1': GOOD})
    assert run.args('web1', 'clock_bench_info')[0]['clocks'] == ['monotonic', 'realtime']


@pytest.mark.parametrize('tags, called, first', [
    ('facts', ['clock_facts'], 'web1: tsc is optimal, aws nitro'),
    ('bench', ['clock_bench_info'], 'web1: tsc, no warp in 6 of 6 pairs'),
    ('report', [], 'web1: not looked at'),
])
def test_tags_choose_the_stages(fleet, tags, called, first):
    run = fleet(AUDIT, {'web1': GOOD}, '--tags', tags)
    assert run.code == 0, run.output
    assert run.called('web1') == called and about(run, 'web1')[0].strip() == first.strip()


def test_check_mode_is_the_same_run(fleet):
    run = fleet(AUDIT, {'web1': GOOD}, '--check')
    assert run.code == 0 and run.called('web1') == ['clock_facts', 'clock_bench_info']
    assert all(call['check'] for call in run.calls)
    assert about(run, 'web1') == about(fleet(AUDIT, {'web1': GOOD}), 'web1')


def test_the_table_is_readable_in_either_format(fleet):
    long = 'a reason of many words that has to be wrapped: ' + '"quoted" words and more of them ' * 8
    name = 'a-host-with-a-rather-long-name.and-a-long-domain-as-well.of-some-department.example.org'
    slow = facts('hyperv_clocksource_tsc_page', 'acceptable')
    slow['ansible_facts']['clock']['clocksource']['reason'] = long
    for form in ('yaml', 'json'):
        run = fleet(AUDIT, {name: dict(SLOW, clock_facts=[slow]), 'web1': GOOD}, ANSIBLE_CALLBACK_RESULT_FORMAT=form)
        lines = table(run)
        assert max(len(line) for line in lines) <= 106 and len(lines) > 10
        assert not any('\\' in line for line in lines)
        assert len({line.index('syscall') for line in lines if 'syscall' in line} | {lines[0].index('path')}) == 1


def written(tmp_path, folder='clock-audit'):
    """The report's hosts by name, or None where there is none."""
    path = tmp_path / folder / 'clocks.json'
    return {it['host']: it for it in json.loads(path.read_text())['hosts']} if path.exists() else None


def test_the_report_is_beside_the_table_and_the_output_says_where(fleet, tmp_path):
    run = fleet(AUDIT, {'web1': GOOD, 'lost': {'clock_facts': ['unreachable']},
                        'mute': {'clock_facts': [{'failed': True, 'msg': 'MODULE FAILURE'}]}})
    assert 'the page is %s' % (tmp_path / 'clock-audit' / 'clocks.html') in run.output
    found = written(tmp_path)
    assert {name: it['fate'] for name, it in found.items()} == {'web1': 'optimal', 'lost': 'unreachable', 'mute': 'failed'}
    assert found['lost']['failure'] == 'no route to host' and 'MODULE FAILURE' in found['mute']['failure']
    assert found['web1']['next'][0]['command'] == 'ansible-playbook -i hosts cloudclock.linux.verify_clocksource --limit web1'
    assert sorted(os.listdir(tmp_path / 'clock-audit')) == ['clocks.csv', 'clocks.html', 'clocks.json']
    assert run.recap('web1')['changed'] == 0
    assert table(run)[-1].endswith('of 3 hosts')


@pytest.mark.parametrize('more, why', [(['--check'], 'check mode, nothing is written'), (['-e', 'audit_report='], None),
                                       (['--tags', 'report'], None)], ids=['check mode', 'none wanted', 'nothing looked at'])
def test_there_is_no_report_in_check_mode_or_unwanted_or_of_nothing(fleet, tmp_path, more, why):
    run = fleet(AUDIT, {'web1': GOOD}, *more)
    assert run.code == 0, run.output
    assert written(tmp_path) is None and not (tmp_path / 'clock-audit').exists()
    assert (why or 'Show all hosts') in run.output


def test_the_folder_and_the_rate_are_the_operators(fleet, tmp_path):
    run = fleet(AUDIT, {'web2': SLOW}, '-e', 'audit_report=a/b', '-e', 'audit_calls_per_second=1000000')
    assert run.code == 0, run.output
    assert written(tmp_path, 'a/b')['web2']['cpu_percent'] == pytest.approx(110.44)


def test_a_folder_that_cannot_be_written_is_said_and_the_table_is_shown(fleet, tmp_path):
    (tmp_path / 'taken').write_text('a file')
    run = fleet(AUDIT, {'web1': GOOD, 'lost': {'clock_facts': ['unreachable']}}, '-e', 'audit_report=taken/x')
    assert run.code != 0
    assert 'the report could not be written to %s: Not a directory' % (tmp_path / 'taken' / 'x') in re.sub(r'\s+', ' ', run.output)
    assert table(run)[-1] == '1 unreachable, 1 optimal of 2 hosts'
    assert run.recap('lost')['failed'] == 1 and run.recap('web1')['failed'] == 1


def test_a_variable_of_the_run_is_in_no_file(fleet, tmp_path):
    fleet(AUDIT, {'web1': GOOD}, '-e', 'ansible_become_password=s3cret')
    for name in os.listdir(tmp_path / 'clock-audit'):
        assert 's3cret' not in (tmp_path / 'clock-audit' / name).read_text()
