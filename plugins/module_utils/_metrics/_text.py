# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found → Prometheus' text format. Pure.

A figure that is not known has no sample. Names and units follow Prometheus' own advice (base units, _total for counters,
https://prometheus.io/docs/practices/naming/); ``node_`` is the prefix of what node_exporter shows.
"""
VERDICTS = ('optimal', 'acceptable', 'slow', 'unsafe', 'unknown')
PATHS = ('vdso', 'libc', 'syscall')


def render(found, readings, phcs, memory, run):
    """The file's bytes.

    ``found`` is ``_facts.judged``'s, ``readings`` a measurement or None, ``phcs`` ``[{'device', 'clock_name', 'kind',
    'offset_seconds', 'uncertainty_seconds'}]``, ``memory`` ``_memory``'s after this run, ``run`` the run's own
    ``{'time', 'interval', 'measured', 'cpu_seconds'}``.
    """
    page = _Page()
    _sources(page, found, memory)
    _reads(page, (readings or {}).get('clocks') or {}, memory['reads'])
    _tsc(page, found['tsc'], readings, memory['warp'])
    _phc(page, phcs)
    page.add('vdso_in_use', 'Whether CLOCK_MONOTONIC is read without entering the kernel.',
             [({}, _flag(found['vdso']['fast']))])
    page.add('probe_success', 'Whether the probe was as installed and its measurement made sense.',
             [({}, _flag(run['measured']))])
    page.add('last_run_timestamp_seconds', 'When this file was made.', [({}, run['time'])])
    page.add('interval_seconds', 'How long the collector waits from one run to the next.', [({}, run['interval'])])
    page.add('run_cpu_seconds', 'The processor time that the run took, its probe included.', [({}, run['cpu_seconds'])])
    return page.text().encode('utf-8', 'replace')


def _sources(page, found, memory):
    clock = found['clocksource']
    page.add('source', 'The clocksource in use.', _named('source', clock['current']))
    page.add('source_available', 'The clocksources that the kernel offers.',
             [({'source': name}, 1) for name in clock['available']])
    page.add('source_recommended', 'The clocksource that the policy would have here.',
             _named('source', clock['recommended']))
    page.add('verdict', 'What the clocksource in use is worth: 1 for the verdict, 0 for the others.',
             [({'verdict': name}, int(name == clock['verdict'])) for name in VERDICTS])
    page.add('source_last_switch_timestamp_seconds', "When the kernel last switched, by this boot's messages.",
             [({}, (memory['switch'] or {}).get('time'))])
    page.add('source_switches_total', 'How often a run found another clocksource than the run before.',
             [({}, memory['switches'])], kind='counter')


def _reads(page, clocks, reads):
    figures = {'median': [], 'p50': [], 'p99': []}
    for clock in sorted(clocks):
        for path in PATHS:
            ns = (clocks[clock][path] or {}).get('ns') or {}
            for key, samples in figures.items():
                samples.append(({'clock': clock, 'path': path}, _seconds(ns.get(key))))
    page.add('read_seconds', 'What a read of the clock costs: the median of batches.', figures['median'])
    page.add('read_p50_seconds', 'The median of single reads.', figures['p50'])
    page.add('read_p99_seconds', 'What 99 of 100 single reads do not exceed; from 1,000 reads on.', figures['p99'])
    page.add('read_baseline_seconds', 'The least that node_clock_read_seconds was in three runs one after the other.',
             [({'clock': clock, 'path': path}, _seconds(_baseline(reads, clock, path)))
              for clock in sorted(clocks) for path in PATHS])


def _baseline(reads, clock, path):
    return (reads.get('%s %s' % (clock, path)) or {}).get('baseline')


def _tsc(page, tsc, readings, warp):
    marked, by_rule = tsc['unstable'], bool(tsc['policy']) and tsc['policy'] == tsc['unstable_reason']
    page.add('tsc_unstable', "Whether the kernel marked the TSC unstable in this boot: for a fault, or by the kernel's "
             'own rule for a platform (Hyper-V).',
             [({'why': 'fault'}, None if marked is None else int(marked and not by_rule)),
              ({'why': 'policy'}, None if marked is None else int(marked and by_rule))])
    hertz = ((readings or {}).get('counter') or {}).get('hz')
    cycles = tsc['warp_cycles']
    back = None if cycles is None else 0 if cycles == 0 else hertz and cycles / float(hertz)
    page.add('tsc_warp_seconds', "The largest step back of the counter from one processor to another, of this boot's "
             'last test; absent where not all pairs were tested and none stepped back.',
             [({}, (warp or {}).get('seconds') if back is None else back)])
    result = (warp or {}).get('result') or {}
    page.add('warp_tested_pairs', 'The pairs of processors that the last warp test came to.',
             [({}, result.get('pairs_tested'))])
    page.add('warp_pairs', 'The pairs of processors that there are to test.', [({}, result.get('pairs_total'))])
    page.add('warp_test_timestamp_seconds', 'When the last warp test was made.',
             [({}, warp['time'] if result else None)])


def _phc(page, phcs):
    for key, words in (('offset', 'The PTP hardware clock less the system clock.'),
                       ('uncertainty', 'By how much that offset may be wrong.')):
        page.add('phc_%s_seconds' % key, words, [
            ({'device': phc['device'], 'clock_name': phc['clock_name'] or '', 'kind': phc['kind']},
             phc[key + '_seconds']) for phc in phcs])


def _named(label, value):
    return [({label: value}, 1)] if value else []


def _flag(value):
    return None if value is None else int(value)


def _seconds(ns):
    return None if ns is None else ns / 1e9


class _Page:
    def __init__(self):
        self._lines = []

    def add(self, name, words, samples, kind='gauge'):
        """``samples`` are ``(labels, value)``; those whose value is None are left out, and the metric with the last."""
        samples = [(labels, value) for labels, value in samples if value is not None]
        if not samples:
            return
        name = 'node_clock_' + name
        self._lines += ['# HELP %s %s' % (name, words), '# TYPE %s %s' % (name, kind)]
        for labels, value in samples:
            inner = ','.join('%s="%s"' % (key, _escaped(labels[key])) for key in sorted(labels))
            self._lines.append('%s%s %s' % (name, '{%s}' % inner if inner else '', _number(value)))

    def text(self):
        return '\n'.join(self._lines) + '\n'


def _escaped(text):
    return text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')


def _number(value):
    return str(value) if isinstance(value, int) else repr(round(value, 12))
