# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workload with each clocksource in turn: A B A B …, and back to where it began, whatever happens."""
import signal

from . import _clocksource, _guard, _order, _plan, _signals, _switch
from ._gauge import Gauge
from ._workload import Workload


def sources(wanted, facts):
    """The sources to compare, what the others are held against first. ValueError for what cannot be compared."""
    clock = facts['clocksource']
    if not clock['current']:
        raise ValueError('this machine shows no clocksource')
    if wanted:
        for name in wanted:
            _clocksource.check_name(name)
        if len(wanted) < 2 or len(set(wanted)) != len(wanted):
            raise ValueError('sources must be two or more different names, not %s' % ', '.join(wanted))
        return list(wanted)
    return list(dict.fromkeys(name for name in (clock['current'], clock['recommended']) if name))


def allowed(names, params, facts, rows, probe):
    """Each source's gates but the present one's, as ``clocksource`` judges them: ``{name: gates}``. ValueError with the
    reason of the first that may not be switched to."""
    gates = {}
    for name in names:
        if name == facts['clocksource']['current']:
            continue
        wish = dict(params, name=name, min_speedup=0)
        found = _plan.decide(wish, facts, rows, Gauge(probe, wish))
        if found['refused']:
            raise ValueError('%s may not be switched to: %s' % (name, found['reason']))
        gates[name] = found['gates']
    return gates


class Interlude:
    """A context in which the source is changed, and after which it is what it was, with the override it had or had not."""

    def __init__(self, root, current, seconds):
        self.root, self.current, self.seconds = root, current, seconds
        self.asked_for = _switch.was_asked_for(root, current)
        self.ended_on = current
        self._guard = _guard.Guard(self._back)
        self._signals = _signals.Signals()

    def __enter__(self):
        self._guard.__enter__()
        self._signals.__enter__()
        self._alarm = signal.signal(signal.SIGALRM, self._late)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _signals.AGAIN_SECONDS)
        return self

    def __exit__(self, *exc_info):
        try:
            self._signals.ignore()
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            # A signal may have come in between, and the limit would come once more.
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.ended_on = self._back()
            signal.signal(signal.SIGALRM, self._alarm or signal.SIG_DFL)
            self._signals.__exit__(*exc_info)
            self._guard.__exit__(*exc_info)

    def announce(self, group):
        self._guard.runs(group)

    def _back(self):
        # also where it is in use: it may be so by our own override
        return _switch.go_back(self.root, self.current, self.asked_for)

    def _late(self, number, frame):
        raise _signals.Interrupted('time_limit, %g s, is over' % self.seconds)


def measure(root, names, params, facts, probe, told):
    """The rounds. ``told`` gets ``runs``, ``warmup`` and ``cost`` as they come, so that a failure can show them.

    Raises ValueError for a workload that fails and for a source that does not stay.
    """
    current = facts['clocksource']['current']
    interlude = Interlude(root, current, params['time_limit'])
    workload = Workload(params['command'], params['regex'], params['timeout'], interlude.announce)
    told.update(runs=[], warmup=[], cost={})
    problem = None
    try:
        with interlude:
            for _number in range(params['warmup']):
                figure, took = _run(workload, 'warm-up', current)
                told['warmup'].append({'source': current, 'figure': figure, 'seconds': took})
            for number in range(1, params['repeats'] + 1):
                for name in names:
                    _take(root, name, params['settle_seconds'])
                    if name not in told['cost']:
                        told['cost'][name] = _cost(probe, params, facts, name)
                    figure, took = _run(workload, 'round %d' % number, name)
                    told['runs'].append({'round': number, 'source': name, 'figure': figure, 'seconds': took})
                    _stays(root, name, number)
    except (ValueError, OSError, _signals.Interrupted) as exc:
        problem = str(exc)
    if interlude.ended_on != current:
        fate = 'the kernel did not take %s back and is on %s now' % (current, interlude.ended_on)
        raise ValueError('%s; %s' % (problem, fate) if problem else fate)
    if problem:
        raise ValueError('%s; on %s, as before' % (problem, current))


def judge(names, params, runs):
    """``(figures of each source, comparisons with the first)``."""
    figures = {name: [run['figure'] for run in runs if run['source'] == name] for name in names}
    base = figures[names[0]]
    return ({name: dict(_order.interval(figures[name], params['confidence']), figures=figures[name]) for name in names},
            [dict(_order.compare(base, figures[name], params['higher_is_better'], params['confidence']),
                  source=name, base=names[0]) for name in names[1:]])


def words(comparison, sources):
    """One sentence for a person."""
    name, base = comparison['source'], comparison['base']
    medians = '%g → %g' % (sources[base]['median'], sources[name]['median'])
    found = comparison['difference']
    if comparison['percent'] is None:
        change, span = '%+g' % found['median'], '%+g to %+g' % (found['low'], found['high'])
    else:
        change = '%+.1f %%' % comparison['percent']
        span = '%+.1f to %+.1f %%' % (comparison['low_percent'], comparison['high_percent'])
    fate = ('no difference between %s and %s' % (base, name) if comparison['verdict'] == 'no difference'
            else '%s is %s than %s' % (name, comparison['verdict'], base))
    return '%s: %s, %s run by run (%s, %.4g %% sure)' % (fate, medians, change, span, 100 * found['confidence'])


def _run(workload, when, name):
    try:
        return workload.run()
    except ValueError as exc:
        raise ValueError('%s with %s: %s' % (when, name, exc))


def _take(root, name, settle_seconds):
    seen = root.line(_clocksource.CURRENT)
    if seen != name:
        seen = _clocksource.switch(root, name)
    if seen == name:
        seen = _clocksource.watch(root, name, settle_seconds)
    if seen != name:
        raise ValueError('the kernel offers %s but is on %s (see its log)' % (name, seen))


def _stays(root, name, number):
    seen = root.line(_clocksource.CURRENT)
    if seen != name:
        raise ValueError('round %d: the source went from %s to %s during the run: something else switched, or the kernel '
                         'left it (see its log)' % (number, name, seen))


def _cost(probe, params, facts, name):
    """Nanoseconds a read of MONOTONIC, None where it is not known."""
    wish = dict(params, name=name, min_speedup=0)
    return Gauge(probe, wish).before(dict(facts, clocksource=dict(facts['clocksource'], current=name), tsc=dict(facts['tsc'])))
