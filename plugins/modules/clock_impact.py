#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_impact
short_description: Run a workload of your own with each clocksource in turn and compare its figures
version_added: 0.1.0
description:
  - Runs a command with one clocksource, then with the other, and again, for some rounds; takes a figure from what it
    prints; and says whether the source made a difference, with an interval. No difference is an answer.
  - A source is switched to only where the gates of M(cloudclock.linux.clocksource) allow it; a refusal comes before
    anything is run.
  - It ends on the source that it began with, with the override that it had or had not, also where the command fails,
    takes too long or prints no figure, where a signal ends the module, and where the module is killed outright, for which
    a child process of its own keeps watch. Where ssh breaks, the module goes on to its end, or is ended by a signal.
  - Nothing is made to last, and nothing is written to C(/var/lib/cloudclock).
  - A workload that runs for minutes may be too long for a connection; the module works with C(async).
options:
  command:
    description:
      - What to run, by C(/bin/sh -c), in C(/), as the task's user with the task's environment, with C(LC_ALL=C) and
        nothing to read. It must end by itself, with code 0. What it left running then is not waited for.
      - It is ended with all of its session where O(timeout) is over, and where a signal, O(time_limit) or the module's own
        end break it off, by SIGTERM, so that a C(trap) of the shell runs, and by SIGKILL where it is still there five
        seconds later. What it left running in its session gets the same. C(runuser -u postgres --) stays in that session,
        C(su -c) begins one of its own.
      - It is not logged, since it may hold a password. Any user of the machine can see it in the list of processes.
    type: str
    required: true
  regex:
    description:
      - A Python regular expression, in which C(^) and C($) match at each line. Its first group is the figure, and the last
        match in the command's standard output counts.
    type: str
    required: true
  higher_is_better:
    description: Whether a greater figure is the better one, as of transactions a second; false for times.
    type: bool
    default: true
  sources:
    description:
      - The clocksources to compare, two or more. The others are held against the first.
      - The one in use and the policy's choice by default; where these are the same there is nothing to compare.
    type: list
    elements: str
    default: []
  repeats:
    description:
      - How many rounds. Each runs the command once with each source. From 3 to 1000; it takes 6 for a O(confidence) of
        0.95.
    type: int
    default: 6
  confidence:
    description: How sure the intervals are to be at least, from 0.5 to 0.9999.
    type: float
    default: 0.95
  warmup:
    description: How many runs come before the first round, with the source in use, that do not count. At most 100.
    type: int
    default: 1
  timeout:
    description: Seconds that one run may take, from 1 to 86400.
    type: int
    default: 300
  time_limit:
    description: Seconds that all may take, from 1 to 604800.
    type: int
    default: 3600
  settle_seconds:
    description: How long a source is left alone after a switch before the command is run, from 0 to 600.
    type: float
    default: 1.0
  force:
    description: Gates that may fail or be unknown, as in M(cloudclock.linux.clocksource).
    type: list
    elements: str
    choices: [host, stable, emulation, warp, vouched]
    default: []
  warp_budget_ms:
    description: How long, in milliseconds, the warp test may take before a switch to tsc. At most 600000.
    type: int
    default: 2000
  policy:
    description: Rows that come before the collection's own policy, as in M(cloudclock.linux.clocksource).
    type: list
    elements: dict
    default: []
  metadata:
    description: Whether the cloud's metadata service may be asked, as in M(cloudclock.linux.clock_facts).
    type: str
    choices: [never, when_unsettled]
    default: never
extends_documentation_fragment:
  - cloudclock.linux.probe
attributes:
  async:
    support: full
    description: Its own O(time_limit) should come before that of the task, which ends it without a word.
  check_mode:
    support: full
    description: Checks the options and the gates, and runs and switches nothing.
  diff_mode:
    support: none
    description: Nothing stays changed.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer, x86_64 and aarch64.
notes:
  - RV(ignore:changed) is always false where it succeeds, since the machine ends as it began. Meanwhile every program on
    it reads the other source.
seealso:
  - module: cloudclock.linux.clocksource
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: What does the clocksource cost our database?
  cloudclock.linux.clock_impact:
    command: runuser -u postgres -- pgbench -n -S -T 30 -c 4 bench
    regex: 'tps = ([0-9.]+)'
  register: impact

- name: Compare latencies with three sources for an hour at most
  cloudclock.linux.clock_impact:
    command: /usr/local/bin/loadtest --seconds 60
    regex: 'p99: ([0-9.]+) ms'
    higher_is_better: false
    sources: [xen, tsc, hpet]
    time_limit: 3600
  async: 3700
  poll: 15
'''

RETURN = r'''
action:
  description: V(measured); V(none) where there is nothing to compare; V(planned) in check mode.
  returned: success
  type: str
sources:
  description:
    - For each source C(figures), in the order of the rounds, C(median), and C(low) to C(high), an interval of the median
      by order statistics that is true of any distribution; C(confidence) is what it is worth, at least that asked for;
      C(ns), what a read of MONOTONIC costs, null where not known.
  returned: success
  type: dict
comparisons:
  description:
    - Each other source against the first, each figure against the runs with the first one before and after it, with
      C(source), C(base), C(verdict) (V(better), V(worse) or V(no difference)), C(difference) (C(median), C(low), C(high),
      C(confidence)) and the same in percents of the first one's median, C(percent), C(low_percent), C(high_percent).
    - It is V(no difference) where the interval of the differences holds zero.
  returned: success
  type: list
  elements: dict
reason:
  description: The same in words, or why nothing was compared.
  returned: success
  type: str
  sample: 'tsc is better than hpet: 512.3 → 707.1, +38.0 % run by run (+31.1 to +44.0 %, 95.31 % sure)'
runs:
  description: Each run that counts, in order, with C(round), C(source), C(figure) and C(seconds).
  returned: when the workload was run, in a failure too
  type: list
  elements: dict
warmup:
  description: The runs before these.
  returned: when the workload was run, in a failure too
  type: list
  elements: dict
gates:
  description: For each source that was switched to, its gates, as in M(cloudclock.linux.clocksource).
  returned: success
  type: dict
began_on:
  description: The source that was in use.
  returned: always
  type: str
ended_on:
  description: The source in use at the end.
  returned: always
  type: str
'''

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _clocksource, _facts, _impact, _order, _probe
from ..module_utils._lock import Lock
from ..module_utils._policy import check_rows
from ..module_utils._root import Root
from ..module_utils._workload import Workload

RANGES = (('repeats', 3, 1000), ('confidence', 0.5, 0.9999), ('warmup', 0, 100), ('timeout', 1, 86400),
          ('time_limit', 1, 604800), ('settle_seconds', 0, 600), ('warp_budget_ms', 0, 600000))


def check(params):
    """Raises ValueError for options that make no sense, before anything is done."""
    for key, low, high in RANGES:
        if not low <= params[key] <= high:
            raise ValueError('%s must be %g to %g' % (key, low, high))
    if _order.surest(params['repeats']) < params['confidence']:
        raise ValueError('%d repeats cannot be sure of anything to %g %%: it takes %d, or a confidence of %g' % (
            params['repeats'], 100 * params['confidence'], _order.fewest(params['confidence']),
            _order.surest(params['repeats'])))
    Workload(params['command'], params['regex'], params['timeout'])


def run(module, root, told):
    params = module.params
    check(params)
    rows = check_rows(params['policy'])
    probe = _probe.load(module)
    facts = _facts.gather(root, rows, params['metadata'], probe)
    told['began_on'] = facts['clocksource']['current']
    names = _impact.sources(params['sources'], facts)
    if len(names) < 2:
        return dict(action='none', sources={}, comparisons=[], gates={}, reason='nothing to compare: %s. '
                    'Name the sources to compare (offered: %s)' % (
                        facts['clocksource']['reason'], ', '.join(facts['clocksource']['available'])))
    gates = _impact.allowed(names, params, facts, rows, probe)
    if module.check_mode:
        return dict(action='planned', sources={}, comparisons=[], gates=gates,
                    reason='%d rounds with %s, then back to %s' % (params['repeats'], ', '.join(names), told['began_on']))
    _impact.measure(root, names, params, facts, probe, told)
    costs = told.pop('cost')
    found, comparisons = _impact.judge(names, params, told['runs'])
    for name in names:
        found[name]['ns'] = costs[name]
    return dict(action='measured', sources=found, comparisons=comparisons, gates=gates,
                reason='; '.join(_impact.words(comparison, found) for comparison in comparisons))


def main():
    gates = ['host', 'stable', 'emulation', 'warp', 'vouched']
    module = AnsibleModule(
        argument_spec=dict(
            command=dict(type='str', required=True, no_log=True),
            regex=dict(type='str', required=True),
            higher_is_better=dict(type='bool', default=True),
            sources=dict(type='list', elements='str', default=[]),
            repeats=dict(type='int', default=6),
            confidence=dict(type='float', default=0.95),
            warmup=dict(type='int', default=1),
            timeout=dict(type='int', default=300),
            time_limit=dict(type='int', default=3600),
            settle_seconds=dict(type='float', default=1.0),
            force=dict(type='list', elements='str', default=[], choices=gates),
            warp_budget_ms=dict(type='int', default=2000),
            policy=dict(type='list', elements='dict', default=[]),
            metadata=dict(type='str', choices=['never', 'when_unsettled'], default='never'),
            probe=dict(type='str', no_log=True),
        ),
        supports_check_mode=True,
    )
    root, told = Root('/'), {'began_on': None}
    try:
        # Held to the end: nobody else is to switch meanwhile.
        with Lock(root):
            result = run(module, root, told)
    except (ValueError, OSError) as exc:
        told.pop('cost', None)
        now = root.line(_clocksource.CURRENT)
        module.fail_json(msg=str(exc), ended_on=now, changed=told['began_on'] not in (None, now), **told)
    module.exit_json(changed=False, ended_on=root.line(_clocksource.CURRENT), **dict(told, **result))


if __name__ == '__main__':
    main()
