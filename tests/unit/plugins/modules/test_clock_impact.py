# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workload with each source in turn, in a sysfs of files with the kernel's rules; a real kernel is in molecule/impact."""
import os
import signal
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import (
    _clocksource, _facts, _impact, _klog, _loop, _signals)
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root
from ansible_collections.cloudclock.linux.plugins.modules import clock_impact

COSTS = {'hpet': 1100.0, 'tsc': 22.0, 'acpi_pm': 900.0}
SHORT = {'settle_seconds': 0, 'warmup': 1, 'repeats': 6}


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.file = folder / _clocksource.CURRENT.strip('/')
        self.offered, self.recommended, self.writes = ['tsc', 'hpet', 'acpi_pm'], 'tsc', []
        self.tsc = {'unstable': False, 'unstable_reason': None, 'emulated': None, 'xen_mode': None, 'warp': None,
                    'warp_cycles': None, 'constant': True, 'nonstop': True}

    @property
    def current(self):
        return self.file.read_text().strip()

    def is_on(self, name):
        self.file.write_text(name + '\n')

    def switch(self, root, name):
        """kernel/time/clocksource.c: what is not offered, an empty line too, gives the best-rated source."""
        self.writes.append(name)
        self.is_on(name if name in self.offered else self.offered[0])
        return self.current

    def facts(self, root, rows=(), metadata='never', probe=None):
        return {'clocksource': {'current': self.current, 'available': self.offered, 'recommended': self.recommended,
                                'verdict': 'slow', 'reason': 'a reason', 'source': 'here', 'writable': True},
                'tsc': dict(self.tsc), 'hypervisor': {'type': 'kvm', 'container': None, 'signature': None}, 'cpus': 1,
                'cloud': {'provider': 'none', 'platform': None}, 'vdso': {'fast': False}, 'probe': {'reason': 'none'},
                'cost': {'ns': None, 'counter_ns': None}}

    def tool(self, **figures):
        """A command whose figure hangs on the source, and which notes what it ran with."""
        cases = ''.join('%s) n=%s;; ' % item for item in figures.items())
        return 'read s <%s; echo $s >>%s/ran; case $s in %s esac; echo "tps = $n"' % (self.file, self.folder, cases)

    def ran(self):
        path = self.folder / 'ran'
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def machine(tmp_path, monkeypatch):
    world = Machine(tmp_path)
    world.file.parent.mkdir(parents=True)
    world.is_on('hpet')
    root = Root(tmp_path)
    root.live = True
    (tmp_path / 'run').mkdir()
    (tmp_path / 'proc').mkdir()
    (tmp_path / 'proc' / 'cmdline').write_text('quiet clocksource=hpet\n')
    monkeypatch.setattr(clock_impact, 'Root', lambda path: root)
    monkeypatch.setattr(_facts, 'gather', world.facts)
    monkeypatch.setattr(_clocksource, 'switch', world.switch)
    monkeypatch.setattr(_clocksource, 'read', lambda root: {'current': world.current, 'available': world.offered,
                                                            'writable': True})
    monkeypatch.setattr(_loop, 'counter_cost', lambda budget: COSTS[world.current])
    monkeypatch.setattr(_klog, 'read', lambda root: (['[    0.000000] Linux version 6.12.0'], True))
    return world


def impact(run_module, command, **options):
    return run_module('clock_impact', **dict(SHORT, command=command, regex=r'tps = (\S+)', **options))


def test_the_sources_take_turns_and_the_first_one_is_back(run_module, machine):
    result = impact(run_module, machine.tool(hpet=100, tsc=140))
    assert result['failed'] is False and result['changed'] is False
    assert machine.current == 'hpet' == result['began_on'] == result['ended_on']
    assert machine.ran() == ['hpet'] + ['hpet', 'tsc'] * 6
    assert [run['source'] for run in result['runs']] == ['hpet', 'tsc'] * 6
    assert [run['round'] for run in result['runs']] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert result['warmup'][0]['figure'] == 100
    assert result['sources']['tsc'] == {'median': 140.0, 'low': 140.0, 'high': 140.0, 'confidence': 0.9688,
                                        'figures': [140.0] * 6, 'ns': 22.0}
    assert result['sources']['hpet']['ns'] == 1100.0
    comparison, = result['comparisons']
    assert (comparison['source'], comparison['base'], comparison['verdict']) == ('tsc', 'hpet', 'better')
    assert result['reason'] == ('tsc is better than hpet: 100 → 140, +40.0 % run by run (+40.0 to +40.0 %, 95.31 % sure)')
    assert result['gates']['tsc']['vouched']['passed'] is True


def test_no_difference_is_an_answer_and_less_may_be_better(run_module, machine):
    same = impact(run_module, machine.tool(hpet=100, tsc=100))
    assert same['comparisons'][0]['verdict'] == 'no difference'
    assert same['reason'].startswith('no difference between hpet and tsc: 100 → 100, +0.0 %')
    less = impact(run_module, machine.tool(hpet=100, tsc=140), higher_is_better=False)
    assert less['comparisons'][0]['verdict'] == 'worse'


def test_three_sources_and_another_first(run_module, machine):
    result = impact(run_module, machine.tool(hpet=100, tsc=140, acpi_pm=90), sources=['tsc', 'hpet', 'acpi_pm'])
    assert [(each['source'], each['base'], each['verdict']) for each in result['comparisons']] == [
        ('hpet', 'tsc', 'worse'), ('acpi_pm', 'tsc', 'worse')]
    assert machine.ran() == ['hpet'] + ['tsc', 'hpet', 'acpi_pm'] * 6
    assert machine.current == 'hpet'


@pytest.mark.parametrize('sources', [['tsc', 'hpet'], ['hpet', 'tsc']])
def test_a_source_that_nobody_asked_for_is_given_back_to_the_kernel(run_module, machine, sources):
    """Where it is in use at the end as well: by then our own override keeps it there."""
    machine.is_on('tsc')
    (machine.folder / 'proc' / 'cmdline').write_text('quiet\n')
    impact(run_module, machine.tool(hpet=100, tsc=140), sources=sources)
    assert machine.current == 'tsc' and machine.writes[-1] == ''


def test_what_was_asked_for_is_asked_for_again(run_module, machine):
    impact(run_module, machine.tool(hpet=100, tsc=140))
    assert machine.writes[-1] == 'hpet' and '' not in machine.writes


def test_check_mode_runs_and_switches_nothing(run_module, machine):
    result = impact(run_module, machine.tool(hpet=1, tsc=1), check_mode=True)
    assert (result['action'], result['changed']) == ('planned', False)
    assert result['reason'] == '6 rounds with hpet, tsc, then back to hpet'
    assert machine.ran() == machine.writes == []


def test_the_command_is_not_logged(run_module, machine, monkeypatch):
    logged = []
    monkeypatch.setattr(clock_impact.AnsibleModule, 'log', lambda self, text, log_args=None: logged.append((text, log_args)))
    impact(run_module, machine.tool(hpet=100, tsc=140) + '; : --password=hunter2')
    assert 'repeats' in str(logged) and 'hunter2' not in str(logged)


def test_nothing_to_compare(run_module, machine):
    machine.recommended = None
    result = impact(run_module, machine.tool(hpet=1))
    assert (result['failed'], result['action']) == (False, 'none')
    assert result['reason'] == 'nothing to compare: a reason. Name the sources to compare (offered: tsc, hpet, acpi_pm)'
    assert machine.ran() == []


@pytest.mark.parametrize('tsc, cpu, words', [
    ({'unstable': True, 'unstable_reason': 'clocksource watchdog'}, 1, 'the kernel marked the TSC unstable in this boot'),
    ({'xen_mode': 1}, 1, 'TSC reads are emulated'), ({'constant': False}, 1, 'nobody vouches for tsc')])
def test_the_gates_refuse_before_anything_runs(run_module, machine, tsc, cpu, words):
    machine.tsc.update(tsc)
    result = impact(run_module, machine.tool(hpet=1, tsc=1))
    assert result['failed'] is True and result['msg'].startswith('tsc may not be switched to: ') and words in result['msg']
    assert machine.ran() == machine.writes == []


def test_the_operators_word_opens_a_gate(run_module, machine):
    machine.tsc['constant'] = False
    assert impact(run_module, machine.tool(hpet=1, tsc=1), force=['vouched'])['failed'] is False


@pytest.mark.parametrize('options, words', [
    ({'command': ' '}, 'there is no command to run'), ({'regex': 'tps'}, 'has no group'), ({'regex': ''}, 'no regex'),
    ({'repeats': 5}, '5 repeats cannot be sure of anything to 95 %: it takes 6, or a confidence of 0.90625'),
    ({'repeats': 1}, 'repeats must be 3 to 1000'), ({'confidence': 1}, 'confidence must be 0.5'),
    ({'confidence': 'nan'}, 'confidence must be'), ({'warmup': -1}, 'warmup must be'), ({'timeout': 0}, 'timeout must be'),
    ({'sources': ['tsc']}, 'two or more different names, not tsc'), ({'sources': ['tsc', 'tsc']}, 'not tsc, tsc'),
    ({'sources': ['tsc', 'a b']}, 'not a clocksource name'), ({'sources': ['hpet', 'sundial']}, 'sundial is not offered'),
    ({'policy': [{'prefers': ['tsc']}]}, "unknown key 'prefers'")])
def test_bad_options_run_nothing(run_module, machine, options, words):
    result = run_module('clock_impact', **dict(dict(SHORT, command=machine.tool(hpet=1, tsc=1), regex='(x)'), **options))
    assert result['failed'] is True and words in result['msg']
    assert machine.ran() == machine.writes == []


@pytest.mark.parametrize('case, words', [
    ('*) echo broken >&2; exit 4', 'warm-up with hpet: the workload failed: it ended with code 4: broken; on hpet, as before'),
    ('*) n=', "warm-up with hpet: the regex 'tps = (\\\\S+)' matches nothing"),
    ('hpet) n=1;; *) echo broken >&2; exit 4', 'round 1 with tsc: the workload failed: it ended with code 4: broken'),
    ('hpet) n=1;; *) n=fast', "round 1 with tsc: the regex 'tps = (\\\\S+)' found 'fast'"),
    ('hpet) n=1;; *) sleep 30', 'round 1 with tsc: the workload failed: it was not done in 1 s')])
def test_a_workload_that_fails_ends_on_the_first_source(run_module, machine, case, words):
    command = 'read s <%s; case $s in %s;; esac; echo "tps = $n"' % (machine.file, case)
    result = impact(run_module, command, timeout=1 if 'sleep' in case else 30)
    assert result['failed'] is True and words in result['msg'], result['msg']
    assert result['msg'].endswith('; on hpet, as before')
    assert machine.current == 'hpet' == result['ended_on'] and result['changed'] is False
    assert len(result['runs']) == (0 if 'warm-up' in words else 1)


def test_the_limit_of_all(run_module, machine):
    began = time.monotonic()
    result = impact(run_module, machine.tool(hpet=1, tsc=1) + '; sleep 0.3', time_limit=1)
    assert result['msg'] == 'time_limit, 1 s, is over; on hpet, as before'
    assert time.monotonic() - began < 10 and machine.current == 'hpet'


@pytest.mark.parametrize('how', ['limit', 'signal'])
def test_the_workload_may_tidy_up_first(run_module, machine, how):
    """For longer than a second, and with a second signal on the heels of the first."""
    tell = '' if how == 'limit' else 'kill -HUP {0}; kill -TERM {0};'.format(os.getpid())
    command = "trap 'sleep 2; echo tidied >%s/kept; exit' TERM; %s for _ in $(seq 900); do sleep 0.02; done" % (machine.folder, tell)
    result = run_module('clock_impact', **dict(SHORT, command=command, regex='(x)', time_limit=1 if how == 'limit' else 60))
    assert result['msg'].endswith(' over; on hpet, as before' if how == 'limit' else ' by signal 1; on hpet, as before')
    assert (machine.folder / 'kept').read_text() == 'tidied\n'


@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_a_limit_that_python_drops_is_told_again(machine, monkeypatch):
    class Slow:
        def __del__(self):
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                pass

    monkeypatch.setattr(_signals, 'AGAIN_SECONDS', 1)
    with pytest.raises(_signals.Interrupted, match='time_limit, 0.2 s, is over'):
        with _impact.Interlude(Root(machine.folder), 'hpet', 0.2):
            dropped = Slow()
            del dropped
            time.sleep(10)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_regex_that_takes_for_ever_ends_at_the_limit_too(run_module, machine):
    result = run_module('clock_impact', **dict(SHORT, command='echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!',
                                               regex='(a+)+$', time_limit=1))
    assert 'time_limit, 1 s, is over' in result['msg']


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_on_the_first_source(run_module, machine, number):
    """With tsc in use, from the workload's own grandchild, as a broken connection's would come."""
    command = machine.tool(hpet=1, tsc=1) + '; test $s = hpet || { kill -%d %d; sleep 30; }' % (number, os.getpid())
    before = signal.getsignal(number)
    result = impact(run_module, command)
    assert result['msg'] == 'the run was ended by signal %d; on hpet, as before' % number
    assert machine.current == 'hpet' and signal.getsignal(number) == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_somebody_else_who_switches_meanwhile_ends_it(run_module, machine):
    command = machine.tool(hpet=1, tsc=1) + '; test $s = hpet || echo acpi_pm >%s' % machine.file
    result = impact(run_module, command)
    assert 'round 1: the source went from tsc to acpi_pm during the run' in result['msg']
    assert machine.current == 'hpet'


def test_a_source_that_the_kernel_does_not_take(run_module, machine, monkeypatch):
    monkeypatch.setattr(_clocksource, 'switch', lambda root, name: machine.current)
    result = impact(run_module, machine.tool(hpet=1, tsc=1))
    assert 'the kernel offers tsc but is on hpet (see its log); on hpet, as before' in result['msg']


def test_it_says_so_where_the_kernel_does_not_go_back(run_module, machine, monkeypatch):
    monkeypatch.setattr(_clocksource, 'switch', lambda root, name: machine.switch(root, 'tsc'))
    result = impact(run_module, machine.tool(hpet=1, tsc=1))
    assert result['failed'] is True and result['changed'] is True
    assert 'the kernel did not take hpet back and is on tsc now' in result['msg']


def test_a_module_that_is_killed_leaves_the_first_source(run_module, machine):
    """SIGKILL while tsc is in use: the guard goes back. In a child, which plays the module's process."""
    command = machine.tool(hpet=1, tsc=1) + '; test $s = hpet || { echo $PPID >%s/parent; sleep 60; }' % machine.folder
    child = os.fork()
    if child == 0:
        try:
            impact(run_module, command)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (machine.folder / 'parent').exists():
        time.sleep(0.02)
    assert machine.current == 'tsc'
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while time.monotonic() < deadline and machine.current != 'hpet':
        time.sleep(0.02)
    assert machine.current == 'hpet'
