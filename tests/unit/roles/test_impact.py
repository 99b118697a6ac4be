# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What measure-impact.yml asks of each host, and the table that it makes of the answers."""
import re

import pytest

from .conftest import ACTION

pytestmark = pytest.mark.slow

IMPACT = 'cloudclock.linux.measure_impact'
ASKED = ('-e', '{"impact_command": "bench --seconds 5", "impact_regex": "tps = (.*)"}')


@pytest.fixture
def machines(fleet, tmp_path):
    """The fleet with a clock_impact that answers from the script."""
    actions = tmp_path / 'ansible_collections' / 'cloudclock' / 'linux' / 'plugins' / 'action'
    (actions / 'clock_impact.py').write_text(ACTION)
    return fleet


def figures(median, ns, spread=2.0):
    return {'figures': [median] * 6, 'median': median, 'low': median - spread, 'high': median + spread,
            'confidence': 0.9688, 'ns': ns}


def measured(verdict, reason, **more):
    return {'clock_impact': [dict({
        'changed': False, 'action': 'measured', 'reason': reason, 'began_on': 'hpet', 'ended_on': 'hpet',
        'sources': {'tsc': figures(707.25, 23.4), 'hpet': figures(512.5, 1104.0)},
        'comparisons': [{'source': 'tsc', 'base': 'hpet', 'verdict': verdict}]}, **more)]}


BETTER = measured('better', 'tsc is better than hpet: 512.5 → 707.25, +38.0 % run by run (+37.1 to +38.9 %, 95.31 % sure)')
NONE = {'clock_impact': [{'changed': False, 'action': 'none', 'reason': 'nothing to compare: tsc is the first choice',
                          'sources': {}, 'comparisons': [], 'began_on': 'tsc', 'ended_on': 'tsc'}]}


def table(run):
    lines = run.output[run.output.index('TASK [Show all hosts]'):].splitlines()
    start = next(n for n, line in enumerate(lines) if 'low–high' in line)
    end = next(n for n, line in enumerate(lines) if re.search(r' of \d+ hosts?"?$', line))
    indent = lines[start].index('host, clocksource')
    return [line[indent:].rstrip('",') for line in lines[start:end + 1]]


def test_each_host_has_its_figures_and_its_verdict(machines):
    run = machines(IMPACT, {'db1': BETTER, 'db2': measured('no difference', 'no difference between hpet and tsc'), 'web1': NONE},
                   *ASKED)
    assert run.code == 0, run.output
    lines = table(run)
    assert lines[1:7] == [
        'db1: a difference, on hpet',
        '  hpet                          512.5                510.5–514.5    96.9%        1104',
        '      512.5 512.5 512.5 512.5 512.5 512.5',
        '  tsc                           707.2                705.2–709.2    96.9%        23.4',
        '      707.2 707.2 707.2 707.2 707.2 707.2',
        '    tsc is better than hpet: 512.5 → 707.25, +38.0 % run by run (+37.1 to +38.9 %, 95.31 % sure)']
    assert 'db2: no difference, on hpet' in lines and 'web1: nothing to compare, on tsc' in lines
    assert '    nothing to compare: tsc is the first choice' in lines
    assert lines[-1] == '1 a difference, 1 no difference, 1 nothing to compare of 3 hosts'
    assert max(map(len, lines)) <= 106
    # one after the other
    assert [call['host'] for call in run.calls] == ['db1', 'db2', 'web1']


def test_the_lost_and_the_failed_are_listed_and_do_not_stop_the_next(machines):
    why = 'round 2 with tsc: the workload failed: it ended with code 3: no such database; on hpet, as before'
    run = machines(IMPACT, {'lost': {'clock_impact': ['unreachable']}, 'db1': {'clock_impact': [
        {'failed': True, 'msg': why, 'runs': [], 'began_on': 'hpet', 'ended_on': 'hpet'}]}, 'db2': BETTER}, *ASKED)
    assert run.code != 0
    lines = table(run)
    assert lines[1:3] == ['lost: unreachable', '    no route to host']
    assert lines[3] == 'db1: failed, on hpet' and lines[4] == '    ' + why
    assert lines[-1] == '1 unreachable, 1 failed, 1 a difference of 3 hosts'
    assert [run.recap(name)['failed'] for name in ('lost', 'db1', 'db2')] == [1, 1, 0]


def test_the_variables_reach_the_module(machines):
    run = machines(IMPACT, {'db1': BETTER, 'db2': BETTER}, *ASKED, '-e', 'impact_hosts=db2', '-e', 'impact_sources=hpet,tsc',
                   '-e', 'impact_repeats=9', '-e', 'impact_higher_is_better=false', '-e', 'impact_timeout=60',
                   '-e', 'impact_time_limit=900', '-e', 'impact_confidence=0.9', '-e', 'impact_warmup=2',
                   '-e', 'impact_settle_seconds=0.5', '-e', '{"clocksource_force": ["vouched"]}')
    assert run.code == 0 and run.called('db1') == []
    asked, = run.args('db2', 'clock_impact')
    assert {key: str(value) for key, value in asked.items()} == {
        'command': 'bench --seconds 5', 'regex': 'tps = (.*)', 'higher_is_better': 'false', 'sources': 'hpet,tsc',
        'repeats': '9', 'confidence': '0.9', 'warmup': '2', 'timeout': '60', 'time_limit': '900', 'settle_seconds': '0.5',
        'force': "['vouched']", 'warp_budget_ms': '2000', 'policy': '[]', 'metadata': 'never'}


def test_a_plan(machines):
    plan = {'clock_impact': [{'changed': False, 'action': 'planned', 'reason': '6 rounds with hpet, tsc, then back to hpet',
                              'sources': {}, 'comparisons': [], 'began_on': 'hpet', 'ended_on': 'hpet'}]}
    # check mode and async exclude each other
    run = machines(IMPACT, {'db1': plan}, *ASKED, '--check', '-e', 'impact_async=true')
    assert run.code == 0, run.output
    assert table(run)[1:3] == ['db1: planned, on hpet', '    6 rounds with hpet, tsc, then back to hpet']


@pytest.mark.parametrize('serial', ['impact_serial=2', '{"impact_serial": 2}', '{"impact_serial": [1, 2]}', 'impact_serial=1,100%'])
def test_batches(machines, serial):
    run = machines(IMPACT, {'db1': BETTER, 'db2': BETTER, 'db3': BETTER}, *ASKED, '-e', serial)
    assert run.code == 0, run.output
    assert run.output.count('PLAY [Measure a workload') == 2
