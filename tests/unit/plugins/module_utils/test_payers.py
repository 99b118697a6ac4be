# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import json

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _payers, _people

COST = {'counter': 160, 'coarse': 140, 'cpu_time': 400, 'other': 120}
RAW = {
    'schema': 1, 'refused': None, 'looked_ms': 2000.0, 'cpus': 2, 'samples': 60, 'lost': 0, 'throttled': 0, 'passed': 60,
    'sampled': 50, 'unrelated': 10, 'longest_period': 1, 'unplaced': 0, 'all': {'calls': 5000, 'ms': 200.0}, 'cpu_ms': 6.0,
    'cost': COST, 'cost_meanwhile': {'counter': 304, 'coarse': 280, 'cpu_time': 540, 'other': 245}, 'cost_sampled': 904, 'pid': 9,
    'names': {'7': 'loop'},
    'rows': [[7, '64-bit', 'clock_gettime', 1, 30, 30, 4096, 30], [7, '64-bit', 'gettimeofday', None, 10, 10, 4096, 10],
             [8, '32-bit', 'clock_gettime64', 2, 10, 10, 4096, 10]],
}
NO_RULES = {'enabled': True, 'total': 0, 'reading_time': [], 'calls': {}, 'reason': None}


def judged(limit=50, **changes):
    def describe(pid, name):
        return dict(_people.NOBODY, name=name)
    return _payers.judge(_payers.check(dict(RAW, **changes)), describe, {'monotonic': 'vdso'}, NO_RULES, limit)


def test_each_call_where_they_are_rare():
    found = judged()
    first, second = found['processes']
    assert (first['pid'], first['calls_per_second'], first['name']) == (7, 20.0, 'loop')
    assert [(call['syscall'], call['clock'], call['calls_per_second']) for call in first['syscalls']] == [
        ('clock_gettime', 'monotonic', 15.0), ('gettimeofday', 'realtime', 5.0)]
    assert first['cpu_percent'] == round(20 * 160 / 1e7, 3)
    assert (second['abi'], second['why_it_enters'], second['syscalls'][0]['cpu_percent']) == ('32-bit', 'cpu_time_clock', 0.0)
    assert (found['exact'], found['payers'], found['shown'], found['calls_per_second']) == (True, 2, 2, 25.0)
    assert first['syscalls'][0]['margin_percent'] == 0
    assert json.dumps(found)


def test_samples_of_many_are_made_to_agree_with_the_kernels_count():
    rows = [[7, '64-bit', 'clock_gettime', 1, 100, 900000, 4096, 100]]
    found = judged(rows=rows, sampled=900000, unrelated=100000, passed=1100000, longest_period=901)
    assert found['processes'][0]['calls_per_second'] == 495000
    assert found['processes'][0]['cpu_percent'] == 7.92
    assert found['processes'][0]['syscalls'][0]['margin_percent'] == 10.0
    assert found['exact'] is False


def test_lost_samples_are_told():
    assert judged(lost=3)['lost_samples'] == 3
    assert judged(lost=3)['exact'] is False


def test_a_throttled_count_is_not_exact_and_has_no_margin():
    for period in (1, 9):
        found = judged(throttled=2, longest_period=period)
        assert (found['throttled'], found['exact']) == (2, False)
        assert [call['margin_percent'] for process in found['processes'] for call in process['syscalls']] == [None] * 3
    assert judged()['throttled'] == 0


def test_calls_that_no_sample_stands_for_are_not_exact():
    assert judged(passed=61)['exact'] is False


def test_names_are_bytes():
    named = judged(names={'7': 'caf\u00c3\u00a9 \u00ff\n'})['processes'][0]['name']
    assert named == 'caf\u00e9 \udcff\n'


def test_a_limit_hides_the_small_ones_and_says_how_many():
    found = judged(limit=1)
    assert [process['pid'] for process in found['processes']] == [7]
    assert (found['payers'], found['shown'], found['calls_per_second']) == (2, 1, 25.0)


def test_only_those_that_are_shown_are_looked_up():
    asked = []

    def describe(pid, name):
        asked.append((pid, name))
        return dict(_people.NOBODY, name=name)
    rows = [[pid, '64-bit', 'time', None, 1, 1, 0, 1] for pid in range(1, 20001)]
    found = _payers.judge(dict(RAW, rows=rows), describe, {}, NO_RULES, 3)
    assert asked == [(1, None), (2, None), (3, None)]
    assert found['payers'] == 20000


def test_what_the_looking_cost():
    assert judged()['looking'] == {
        'cpu_ms': 6.0, 'cpu_ms_per_second': 3.0, 'system_calls_per_second': 25000, 'ns_added_to_each': 125,
        'ns_added_to_a_sampled_one': 600, 'time_call_slower': 1.9, 'slowed_cpu_percent': 0.314}


def test_nothing_seen():
    found = judged(rows=[], sampled=0, unrelated=0, passed=0, names={}, all={'calls': 0, 'ms': 0})
    assert (found['processes'], found['calls_per_second'], found['exact']) == ([], 0, True)
    assert found['looking']['slowed_cpu_percent'] is None


def damage(*path):
    raw = copy.deepcopy(RAW)
    place = raw
    for key in path[:-2]:
        place = place[key]
    place[path[-2]] = path[-1]
    return raw


@pytest.mark.parametrize('raw', [
    None, [], {}, {'schema': 1}, damage('schema', 2), damage('refused', 'no'), damage('looked_ms', '5'), damage('lost', -1),
    damage('passed', True), damage('passed', float('nan')), damage('cost', 'counter', None), damage('cost', None),
    damage('all', {}), damage('names', {'x': 'y'}), damage('names', {'1': 2}), damage('names', {'1': '\u1234'}),
    damage('rows', None), damage('rows', 0, None),
    damage('rows', 0, 1, '16-bit'), damage('rows', 0, 2, 'stime'), damage('rows', 0, 3, 1.5), damage('rows', 0, 4, '1'),
    damage('rows', [[1, '64-bit']])])
def test_what_no_probe_prints(raw):
    with pytest.raises(ValueError):
        _payers.check(raw)


@pytest.mark.parametrize('what, code, words', [
    ('tracefs', 2, 'mount -t tracefs'), ('tracefs', 20, 'mount -t tracefs'), ('tracefs', 1, 'locked down'),
    ('tracefs', 13, 'become: true'), ('perf_event_open', 1, 'CAP_PERFMON'), ('perf_event_open', 13, 'become: true'),
    ('perf_event_open', 38, 'without perf events'), ('filter', 22, 'filter'), ('memory', 12, 'memory')])
def test_a_refusal_says_what_to_do(what, code, words):
    text = _payers.refusal(_payers.check({'schema': 1, 'refused': {'what': what, 'path': '/x', 'errno': code, 'words': 'No'}})['refused'])
    assert words in text
    assert '%s (/x): No' % what in text


@pytest.mark.parametrize('votes, certain', [(100, True), (50, True), (49, False)])
def test_calls_from_several_places(votes, certain):
    process = dict(_people.NOBODY, name='loop', ended=False, exe='/x', program=lambda: None,
                   maps=[(4096, 8192, '/x'), (9000, 9999, '/lib/libc.so.6')])
    raw = dict(RAW, rows=[[7, '64-bit', 'clock_gettime', 1, 100, 100, 4096, votes]])
    call = _payers.judge(raw, lambda pid, name: process, {'monotonic': 'vdso'}, NO_RULES, 5)['processes'][0]
    assert (call['why_it_enters'], call['certain']) == ('raw_syscall', certain)
    assert call['evidence'].startswith('of most of its calls: ') is not certain
