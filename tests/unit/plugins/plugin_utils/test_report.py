# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's report: what becomes of each kind of answer in the page, the JSON and the CSV."""
from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _report
from ansible_collections.cloudclock.linux.plugins.plugin_utils import _verify
from ansible_collections.cloudclock.linux.plugins.plugin_utils import _write
from ansible_collections.cloudclock.linux.plugins.plugin_utils._report import _chart, _clean, _csv, _host, _page, _words
from tests.page import fleet as made

DOCS = Path(__file__).resolve().parents[4] / 'docs' / 'audit.md'


def report(fleet, options=('-i', 'hosts.ini'), rate=100000):
    return _report.report(made.rows(fleet), '2026-11-21T04:30:00Z', rate, list(options))


@pytest.fixture(name='small', scope='module')
def small_fleet():
    return report(made.small())


def by_name(found):
    return {it['host']: it for it in found['hosts']}


def commands(it):
    return [step['command'] for step in it['next']]


class Page(HTMLParser):
    """Elements and attributes as an HTML parser sees them, and the text of each script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.words, self.inside = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in ('script', 'style') else None
        if tag == 'script':
            self.scripts.append('')

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == 'script':
            self.scripts[-1] += data
        elif self.inside is None:
            self.words.append(data)


def test_each_kind_of_machine_is_counted_where_it_belongs(small):
    found = small['summary']
    assert found['machines'] == 40 and found['seen'] == 37
    assert found['by_fate'] == {'slow': 10, 'unsafe': 1, 'unreachable': 2, 'failed': 1, 'acceptable': 4, 'optimal': 22}
    assert found['by_source']['xen'] == 7 and sum(found['by_source'].values()) == 40
    assert found['reboots_pending'] == 2 and found['not_measured'] == 2
    # six on xen and one on acpi_pm that are slow, one that warps; not those that a gate, a container or the policy holds back
    assert found['fixable'] == 8


def test_what_is_lost_is_the_kernel_entry_at_that_rate():
    one = report({'a': made.small()['web-01']}, rate=1000000)['hosts'][0]
    assert one['figure']['path'] == 'syscall'
    assert one['lost_percent'] == pytest.approx((one['figure']['ns'] - one['counter']['ns']) * 0.1)
    assert one['cpu_percent'] == pytest.approx(one['figure']['ns'] * 0.1)
    few = made.small()['web-01']
    few['facts']['ansible_facts']['clock']['cpus'] = 1
    assert report({'a': few}, rate=10 ** 7)['summary']['lost_cpus'] == 1.0, 'no machine loses more than it has'
    fast = report({'a': made.small()['db-01']})
    assert fast['hosts'][0]['lost_percent'] == 0.0 and fast['summary']['lost_cpus'] == 0


def test_the_next_command_names_the_host_and_how_the_audit_found_it(small):
    hosts = by_name(small)
    start = 'ansible-playbook -i hosts.ini cloudclock.linux.'
    assert commands(hosts['web-01'])[:2] == [start + 'fix_clocksource --limit web-01 --check --diff',
                                             start + 'fix_clocksource --limit web-01']
    assert commands(hosts['web-12']) == [start + 'fix_clocksource --limit web-12 -e clocksource_reboot=if_required']
    assert commands(hosts['lab-03'])[1] == start + 'fix_clocksource --limit lab-03 -e clocksource_name=hpet'
    assert 'clocksource_warp_budget_ms=60000' in commands(hosts['lab-04'])[0]
    assert commands(hosts['old-01']) == [start + 'audit_clocks --limit old-01 -e audit_report= -vvv']
    assert commands(hosts['arm-01']) == [start + 'verify_clocksource --limit arm-01']
    for name in ('lab-01', 'build-01'):
        assert not any('fix_clocksource' in command for command in commands(hosts[name])), name
    odd = report({'a b;$(reboot)': made.small()['web-01']}, ['-i', 'my hosts.ini'])['hosts'][0]
    assert commands(odd)[1] == "ansible-playbook -i 'my hosts.ini' cloudclock.linux.fix_clocksource --limit 'a b;$(reboot)'"


def test_the_terminals_table_says_what_the_page_says_and_stays_a_table(small):
    lines = _report.table(small['hosts'], small['summary'], 100000)
    at = lines.index('lab-03: tsc is unsafe, bare metal, 165 cycles of warp between CPUs 0 and 3 in 6 of 6 pairs')
    assert lines[at + 1].split() == ['monotonic', '15.2', '39.5', 'vdso', '31.9', '15.2–15.2', '0.15']
    assert lines[at + 3:at + 6] == ['    tsc is in use, but TSC reads went back 165 cycles from one CPU to another: leave it, with',
                                    '    clocksource_name=hpet', 'lab-04: hpet is slow, kvm, no warp in 900 of 18336 pairs']
    assert lines[-1] == '10 slow, 1 unsafe, 2 unreachable, 1 failed, 4 acceptable, 22 optimal of 40 hosts'
    odd = report({made.HOSTILE: made.hostile(), 'nulls': made.nulls(), 'lost': made.lost('a\x1b[2J\r"b"\u2028c\n\nd'), 'x' * 300: made.answers()})
    lines = _report.table(odd['hosts'], odd['summary'], 100000)
    assert max(map(len, lines)) <= 106 and all(line.isprintable() and '"' not in line and line == line.rstrip() for line in lines)
    at = lines.index('lost: unreachable')
    assert lines[at + 1:at + 4] == ["    a\ufffd[2J\ufffd'b'", '    c', '    d']


def test_a_warp_in_use_makes_the_verdict_and_names_another_source(small):
    it = by_name(small)['lab-03']
    assert it['fate'] == it['clocksource']['verdict'] == 'unsafe'
    assert it['clocksource']['recommended'] == 'hpet' and '165 cycles' in it['clocksource']['reason']


def test_the_gates_are_the_fixs_own(small):
    hosts = by_name(small)
    assert not [gate for gate in hosts['web-01']['gates'].values() if gate['passed'] is False]
    assert hosts['web-01']['gates']['emulation']['passed'] is None and hosts['web-01']['vouched_by'] == 'cpuid'
    assert hosts['lab-04']['gates']['warp']['passed'] is False
    assert '900 of 18336 pairs' in hosts['lab-04']['gates']['warp']['reason']
    assert hosts['build-01']['gates']['host']['passed'] is False
    assert hosts['old-01']['gates'] is None


def test_the_lost_and_the_failed_keep_their_reason(small):
    hosts = by_name(small)
    assert hosts['old-01']['state'] == hosts['old-01']['fate'] == 'unreachable'
    assert 'Connection timed out' in hosts['old-01']['failure']
    failed = hosts['old-03']
    assert failed['state'] == 'failed' and 'musl-tools' in failed['failure']
    # its facts are there all the same
    assert failed['clocksource']['verdict'] == 'slow' and failed['figure'] == {
        'clock': 'monotonic', 'ns': 900.4, 'p99': None, 'p999': None, 'path': 'syscall'}
    rows = _chart.not_seen(small['hosts'])
    assert rows.count('<tr>') == 2, 'two for the same reason are one row'
    assert '<bdi>old-01</bdi>, <bdi>old-02</bdi>' in rows


def test_what_keeps_a_source_is_told(small):
    hosts = by_name(small)
    assert hosts['web-07']['kept_by'] == 'kernel argument'
    assert hosts['db-01']['kept_by'] == 'kernel'
    assert hosts['lab-02']['kept_by'] is None


def test_what_a_fix_comes_to_is_told_in_a_few_words(small):
    hosts = by_name(small)
    assert {name: hosts[name]['fix'] for name in ('web-01', 'web-07', 'web-12', 'db-01', 'lab-01', 'lab-03', 'lab-04', 'build-01', 'old-01')} == {
        'web-01': 'can be fixed', 'web-07': 'fixed', 'web-12': 'fixed, reboot pending', 'db-01': None, 'lab-01': 'nothing better offered',
        'lab-03': 'can be fixed', 'lab-04': 'refused: warp', 'build-01': 'on its host', 'old-01': None}
    loose = made.small()['web-07']
    loose['facts']['ansible_facts']['clock']['boot'].update(clocksource=None, running=[], configured=[])
    assert report({'a': loose})['hosts'][0]['fix'] == 'fixed until the next boot'
    own = made.small()['db-01']
    own['facts']['ansible_facts']['clock']['boot'].update(clocksource='hpet', running=[], configured=['clocksource=hpet'])
    assert report({'a': own})['hosts'][0]['fix'] == 'until the next boot'
    tiles = _page._tiles(small['hosts'], small['summary'], 100000)
    assert '<dt>Slow</dt><dd>10<span>7 can be fixed' in tiles and '<dt>Unsafe</dt><dd>1<span>1 can be fixed' in tiles


UNIT = {'present': True, 'enabled': True}
LOADER = {'configured': None, 'reboot_required': None, 'reason': 'no boot loader was recognised'}


@pytest.mark.parametrize('current, choice, boot, source, keeper, fix, why', [
    ('tsc', 'xen', {'unit': dict(UNIT, source='tsc')}, 'tsc', 'systemd unit', 'fixed', 'Nothing to do'),
    ('kvm-clock', 'tsc', {'unit': dict(UNIT, source='tsc')}, 'tsc', None, 'fixed until the next boot', 'The next boot brings tsc'),
    ('tsc', 'xen', {'unit': dict(UNIT, source='hpet')}, 'hpet', None, 'fixed until the next boot', 'The next boot brings hpet'),
    # the link is there and the unit's file is not
    ('tsc', 'xen', {'unit': dict(UNIT, present=False, source=None)}, 'xen', None, 'fixed until the next boot', 'The next boot brings xen'),
    ('tsc', 'tsc', {'configured': ['notsc'], 'reboot_required': True}, None, None, 'reboot pending', 'Reboot into'),
    ('tsc', 'tsc', LOADER, None, None, None, 'What the next boot brings is not known'),
    ('tsc', 'xen', LOADER, None, None, 'fixed, next boot not known', 'What the next boot brings is not known'),
    ('tsc', None, {}, None, None, None, 'What the next boot brings is not known'),
    ('tsc', 'tsc', {'unit': dict(UNIT, source=['tsc'])}, None, None, None, 'What the next boot brings is not known')])
def test_what_the_next_boot_brings_is_what_the_gate_says(current, choice, boot, source, keeper, fix, why):
    facts = made.facts(current, ['tsc', 'kvm-clock', 'xen', 'hpet'], boot=dict({'kernel_choice': choice}, **boot))
    it, = report({'a': made.answers(facts, made.bench(20))})['hosts']
    assert (it['next_boot'], it['kept_by'], it['fix']) == (source, keeper, fix)
    assert it['next'][0]['why'].startswith(why)
    gate, = _verify.checks_of(facts, None, _verify.wishes({'checks': 'persistent'}))
    assert (gate.passed is True) == (keeper is not None)
    assert source is None or gate.seen.startswith(f'{source} at the next boot')


def test_nulls_everywhere_are_unknown_and_no_error():
    found = report({'a': made.nulls()})
    it, = found['hosts']
    assert it['clocksource']['current'] is None and it['figure']['ns'] is None and it['lost_percent'] is None
    texts = _report.render(found)
    row = list(csv.DictReader(io.StringIO(texts['clocks.csv'])))[0]
    assert row['ns'] == '' and row['reboot_required'] == ''
    assert not re.search(r'None|NaN|undefined', ''.join(Page(texts['clocks.html']).words))


def test_nothing_at_all_is_a_page_as_well():
    for fleet, words in (({}, 'No machine was in this audit.'), ({'x': made.lost('gone')}, 'No machine could be looked at.'),
                         ({'x': made.answers()}, 'It is not known whether the machine reads the time from a slow or an unsafe clock.')):
        assert words in _report.render(report(fleet))['clocks.html']


def tiles(found):
    return dict(re.findall('<dt>(.*?)</dt><dd>(.*?)</span>', _page._tiles(found['hosts'], found['summary'], 100000).replace('<span>', ' | ')))


def unjudged(number):
    it = made.answers(made.facts('hpet', ['hpet'], 'none', None, fast=False), made.bench(900 + number, 'syscall', number))
    it['facts']['ansible_facts']['clock']['clocksource'].update(verdict='unknown', recommended=None)
    return it


@pytest.mark.parametrize('machine', [unjudged(0), made.nulls(), made.answers(), made.answers(None, made.bench(900, 'syscall'))],
                         ids=['unknown', 'nulls', 'nothing', 'bench only'])
def test_what_was_not_judged_is_not_counted_as_fine(machine):
    found = report({name: machine for name in 'abc'})
    assert _words.headline(found['summary'], 100000).startswith('It is not known whether any of 3 machines reads')
    assert tiles(found)['Machines'] == '3 | 0 optimal or acceptable, 3 not known'
    assert tiles(found)['Slow'] == tiles(found)['Unsafe'] == '– | not known'
    assert _chart.by_source(found['hosts']).count('<td class="n">–</td><td class="n second">') == 1
    found = report({'a': machine, 'b': made.small()['db-01']})
    assert _words.headline(found['summary'], 100000).startswith(
        '1 machine does not read the time from a slow or an unsafe clock; of 1 more it is not known.')
    assert tiles(found)['Slow'] == '0 | 0 can be fixed'


def test_what_was_not_measured_is_not_nought():
    mute = made.answers(made.facts('hpet', ['tsc', 'hpet'], 'none', None, fast=False))
    mute['facts']['ansible_facts']['clock']['cost'] = None
    found = report({name: mute for name in 'abc'})
    assert (found['summary']['slow'], found['summary']['lost_cpus'], found['summary']['not_measured']) == (3, None, 3)
    assert tiles(found)['CPUs lost'] == '– | at 100,000 reads a second each; of 3 not known'
    assert _chart.by_source(found['hosts']).endswith('<td class="n">–</td></tr>')
    assert _words.headline(found['summary'], 100000) == 'Of 3 machines, 3 read the time from a slow clock.'
    found = report({'a': mute, 'b': made.small()['db-01']})
    assert tiles(found)['CPUs lost'] == '0 | at 100,000 reads a second each; of 1 not known'
    found = report({'a': made.small()['web-01'], 'b': made.lost('gone')})
    assert tiles(found)['Reboots pending'] == '0 | kernel arguments wait; of 1 not known'
    assert tiles(report({'b': made.lost('gone')}))['Reboots pending'].startswith('– | ')


def test_a_fix_brings_back_what_was_lost_and_no_more():
    found = report({name: made.small()[name] for name in ('lab-03', 'web-01', 'lab-01')})['summary']
    assert (found['unsafe'], found['fixable'], found['recoverable_on']) == (1, 2, 1)
    assert '; fixing 1 machine brings 0.11 back.' in _words.headline(found, 100000)
    found = report({name: made.small()[name] for name in ('lab-03', 'lab-01')})['summary']
    assert (found['fixable'], found['recoverable_on']) == (1, 0)
    assert _words.headline(found, 100000).endswith('; no fix is known.')


@pytest.mark.parametrize('ns', [1e305, -1e305, 5e-324, 1e18, float('inf'), float('nan')])
def test_an_absurd_figure_costs_no_other_host_its_own(ns):
    odd, healthy = made.small()['web-01'], {name: made.small()[name] for name in ('web-02', 'db-01')}
    for way in ('libc', 'syscall'):
        odd['bench']['clocks']['monotonic'][way]['ns'] = dict.fromkeys(odd['bench']['clocks']['monotonic'][way]['ns'], ns)
    odd['bench']['counter']['ns'] = {'median': ns}
    found, plain = report(dict(odd=odd, **healthy)), report(healthy)
    assert found['hosts'][1:] == plain['hosts']
    assert found['hosts'][0]['clocks']['monotonic']['median'] is None
    texts = _report.render(found)
    assert [it['host'] for it in json.loads(texts['clocks.json'])['hosts']] == ['odd', 'web-02', 'db-01']
    assert _report.table(found['hosts'], found['summary'], 100000)[-1] == '2 slow, 1 optimal of 3 hosts'


WRONG = [None, True, 'text', 5, -1.5, float('nan'), float('inf'), 1e305, 5e-324, 10 ** 400, [], [[]], {}, {'x': []}]


@pytest.mark.parametrize('value', WRONG, ids=repr)
def test_a_wrong_type_anywhere_is_unknown_and_no_error(value):
    """Each key of both answers in turn has this value: what a machine sends is not ours to trust."""
    def spoiled(tree, path=()):
        for key, item in tree.items():
            yield path + (key,)
            if isinstance(item, dict):
                yield from spoiled(item, path + (key,))

    whole = made.small()['lab-03']
    for part in ('facts', 'bench'):
        for path in spoiled(whole[part]):
            answer = json.loads(json.dumps(whole))
            place = answer[part]
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            found = report({'a': answer})
            texts = _report.render(found)
            assert _report.table(found['hosts'], found['summary'], 100000)[-1].endswith(' of 1 host')
            assert json.loads(texts['clocks.json'])['hosts'][0]['host'] == 'a', path


def test_no_text_of_a_machine_becomes_markup_or_script():
    texts = _report.render(report({made.HOSTILE: made.hostile(), 'ok': made.small()['web-01'],
                                   made.HOSTILE + '2': made.lost(made.HOSTILE)}))
    plain = _report.render(report({'a': made.small()['lab-04'], 'ok': made.small()['web-01'], 'c': made.lost('gone')}))
    page, peer = Page(texts['clocks.html']), Page(plain['clocks.html'])
    assert len(page.scripts) == len(peer.scripts) == 3
    assert {tag for tag, _more in page.tags} == {tag for tag, _more in peer.tags}
    assert not [more for _tag, more in page.tags if any(key.startswith('on') or key == 'style' for key in more)]
    rows = json.loads(page.scripts[0])
    assert rows['rows'][0][0].startswith('</script><script>')
    assert '\u202e' not in texts['clocks.html'] and '\\u202e' not in texts['clocks.html']
    for data in page.scripts[:2]:
        assert '<' not in data and '&' not in data


def test_the_page_allows_its_own_script_and_style_and_nothing_else(small):
    text = _report.render(small)['clocks.html']
    page = Page(text)
    policy = next(more['content'] for _tag, more in page.tags if more.get('http-equiv') == 'Content-Security-Policy')
    assert policy.startswith("default-src 'none'; ")
    style = re.search(r'<style>(.*?)</style>', text, re.DOTALL).group(1)
    for kind, inline in (('style', style), ('script', page.scripts[2])):
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not [more for _tag, more in page.tags if 'src' in more]
    assert {more['href'] for _tag, more in page.tags if 'href' in more} == {'#machines', 'clocks.json', 'clocks.csv'}
    assert not re.search(r'https?://(?!www\.w3\.org/2000/svg)', style + page.scripts[2])


@pytest.mark.parametrize('text, safe', [
    ('=1+1', "'=1+1"), ('+1', "'+1"), ('-1', "'-1"), ('@SUM(A1)', "'@SUM(A1)"), ('\t=1', "'\t=1"), ('\r=1', "'\r=1"), (' =1', "' =1"),
    ('\n@x', "'\n@x"), ('＝1', "'＝1"), ('tsc', 'tsc'), ('a=b', 'a=b'), ('', '')])
def test_a_spreadsheet_takes_no_text_for_a_formula(text, safe):
    assert _csv.cell(text) == safe


def test_the_csv_has_a_row_a_machine_and_numbers_that_are_numbers():
    found = report(dict(made.small(), **{made.FORMULA: made.hostile(), 'a,"b"\nc': made.small()['db-01']}))
    text = _report.render(found)['clocks.csv']
    rows = list(csv.DictReader(io.StringIO(text, newline='')))
    assert [row['host'] for row in rows][-2:] == ["'" + made.FORMULA, 'a,"b"\nc'] and len(rows) == 42
    assert text.count('\r\n') == 43
    assert float(rows[0]['ns']) > 1000 and rows[0]['offset_seconds'] == '-1.2e-05'
    for row in csv.reader(io.StringIO(text, newline='')):
        for value in row:
            assert not value.startswith(('=', '+', '@')) and (value[:1] != '-' or float(value) < 0)


def test_the_json_is_as_the_page_documents_it(small):
    texts = _report.render(small)
    found = json.loads(texts['clocks.json'])
    assert (found['schema'], found['version']) == ('cloudclock.linux/clock-report', 1)
    assert found == json.loads(json.dumps(small))
    assert len(texts['clocks.json'].splitlines()) == len(found['hosts']) + 2, 'a line a machine'
    documented = DOCS.read_text()
    for where in (found, found['summary'], found['hosts'][0]):
        for key in where:
            assert f'`{key}`' in documented, key
    for column in _csv.COLUMNS:
        assert f'`{column}`' in documented, column


def test_five_thousand_machines_are_one_page_of_bearable_size():
    found = report(made.large(5000))
    texts = _report.render(found)
    assert len(texts['clocks.html']) < 10_000_000
    assert Page(texts['clocks.html'][:400_000]).scripts, 'what needs no script comes first, and is small'
    assert found['summary']['machines'] == 5000


def test_the_chart_stays_a_picture_where_there_are_many_kinds_of_machine():
    fleet = {}
    for number in range(60):
        fleet[f'h{number}'] = made.answers(made.facts('tsc', ['tsc'], instance_type=f'c{number}.large'), made.bench(15 + number))
    rows = _chart.by_type(report(fleet)['hosts'])
    assert rows.count('<tr') == _chart.MOST_GROUPS + 2 and '36 quicker kinds with 36 machines' in rows


def test_the_axis_is_logarithmic_and_whole():
    axis = _chart.Axis(15.2, 2870)
    assert [axis.at(value) for value in (10, 100, 1000, 10000)] == [0, 33.33, 66.67, 100]
    assert '1 µs' in axis.labels() and '10 ns' in axis.labels()
    assert (_chart.Axis(10, 10).low, _chart.Axis(10, 10).high) == (1, 2)


@pytest.mark.parametrize('figures, words', [
    ({'slow': 1, 'recoverable_on': 1, 'lost_cpus': 0.1, 'recoverable_cpus': 0.1},
     'Of 9 machines, 1 reads the time from a slow clock. At 1,000 reads a second each, 0.10 CPUs are lost to entering the kernel '
     'for it; fixing 1 machine brings 0.10 back.'),
    ({'unsafe': 2}, 'Of 9 machines, 2 read the time from an unsafe clock.'),
    ({'slow': 2, 'unsafe': 1, 'lost_cpus': 12.0},
     'Of 9 machines, 2 read the time from a slow clock and 1 from an unsafe one. At 1,000 reads a second each, 12 CPUs are lost '
     'to entering the kernel for it; no fix is known.'),
    ({}, 'None of 9 machines reads the time from a slow or an unsafe clock.'),
    ({'unknown': 3, 'measured': 1, 'not looked at': 2}, 'None of 3 machines reads the time from a slow or an unsafe clock; of 6 more it is not known.'),
    ({'slow': 1, 'unsafe': 2, 'unknown': 4},
     'Of 9 machines, 1 reads the time from a slow clock and 2 from an unsafe one; of 4 it is not known.'),
    ({'unknown': 9, 'lost_cpus': None}, 'It is not known whether any of 9 machines reads the time from a slow or an unsafe clock.'),
    ({'unknown': 9, 'lost_cpus': 0.3}, 'It is not known whether any of 9 machines reads the time from a slow or an unsafe clock. At 1,000 reads '
     'a second each, 0.30 CPUs are lost to entering the kernel for it; no fix is known.')])
def test_the_headline_says_it_in_two_sentences(figures, words):
    whole = dict({'machines': 9, 'seen': 9, 'slow': 0, 'unsafe': 0, 'recoverable_on': 0, 'lost_cpus': 0.0, 'recoverable_cpus': 0.0}, **figures)
    fates = {fate: whole.get(fate, 0) for fate in ('slow', 'unsafe', 'unknown', 'measured', 'not looked at')}
    whole['by_fate'] = dict(fates, optimal=9 - sum(fates.values()))
    assert _words.headline(whole, 1000) == words


def test_texts_are_cleaned_of_what_cannot_be_seen():
    assert _clean.text('a\x00b\u202ec\nd\te') == 'a\ufffdb\ufffdc\nd\te'
    assert _clean.text('x' * 3000) == 'x' * 2000 + '…'
    assert _clean.text('\udcff') == '?' and _clean.text('') is None and _clean.text(3) is None
    assert _clean.number(True) is None and _clean.number(2 ** 60) is None and _clean.number(1.5) == 1.5


def test_files_appear_whole_with_the_umasks_mode(tmp_path):
    old = os.umask(0o027)
    try:
        files = _write.write(tmp_path / 'a' / 'b', {'x': 'eins', 'y': 'zwei'})
    finally:
        os.umask(old)
    assert [Path(path).read_text() for path in files] == ['eins', 'zwei']
    assert stat.S_IMODE(os.stat(files[0]).st_mode) == 0o640
    assert sorted(os.listdir(tmp_path / 'a' / 'b')) == ['x', 'y']


def test_what_cannot_be_written_whole_leaves_the_old_files(tmp_path, monkeypatch):
    _write.write(tmp_path, {'x': 'old', 'y': 'old'})

    def full(*_arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space left'):
        _write.write(tmp_path, {'x': 'new', 'y': 'new'})
    assert sorted(os.listdir(tmp_path)) == ['x', 'y'] and (tmp_path / 'x').read_text() == 'old'


def test_a_directory_in_a_files_place_leaves_the_others_as_they_were(tmp_path):
    _write.write(tmp_path, {'x': 'old'})
    (tmp_path / 'y').mkdir()
    with pytest.raises(OSError, match='y there is a directory'):
        _write.write(tmp_path, {'x': 'new', 'y': 'new'})
    assert sorted(os.listdir(tmp_path)) == ['x', 'y'] and (tmp_path / 'x').read_text() == 'old'


def test_a_link_in_the_folders_place_is_replaced_and_not_followed(tmp_path):
    (tmp_path / 'target').write_text('mine')
    (tmp_path / 'report').mkdir()
    (tmp_path / 'report' / 'x').symlink_to(tmp_path / 'target')
    _write.write(tmp_path / 'report', {'x': 'new'})
    assert (tmp_path / 'target').read_text() == 'mine' and (tmp_path / 'report' / 'x').read_text() == 'new'


def test_the_operators_policy_counts():
    rows = [{'prefer': ['hpet'], 'vouches': ['hpet'], 'match': {'provider': 'none'}}]
    it = made.small()['lab-03']
    found = _host.record('a', it['facts'], it['bench'], None, rows, 100000)
    assert found['clocksource']['recommended'] == 'hpet' and 'operator' in found['clocksource']['source']
