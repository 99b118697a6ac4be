#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_bench_info
short_description: Measure what each clock of a machine costs to read
version_added: 0.1.0
description:
  - Runs a small C program on the machine, the probe, that reads each clock through the vDSO, through the C library and
    by a raw system call, and says what a read costs, how much that varies and whether any reading went back.
  - Tests, in a budget of its own, whether the processors' counters agree (the warp test).
  - Changes nothing and leaves nothing behind. The controller compiles the probe and sends it along with the module.
  - Fails, with the reason, where the probe cannot be run.
options:
  clocks:
    description: The clocks to measure; all of them by default. The fewer there are, the closer are the figures.
    type: list
    elements: str
    choices: [realtime, monotonic, monotonic_raw, realtime_coarse, monotonic_coarse, boottime, tai, process_cputime_id,
              thread_cputime_id, gettimeofday]
  cpus:
    description:
      - The processors to measure on and to test against each other, as a list like V(0-3,6). Those that the module
        may run on by default.
    type: str
  budget_ms:
    description: How long to measure in all, without the warp test; 1 to 60000.
    type: int
    default: 500
  warp:
    description: Whether to test the processors' counters against each other. It keeps two processors busy at a time.
    type: bool
    default: true
  warp_budget_ms:
    description:
      - How long that test may take; 1 to 600000. Where it did not come to every pair of processors the result says
        so by C(warp.partial).
    type: int
    default: 2000
  calls_per_second:
    description: The number of reads a second that C(cpu_percent) is reckoned for.
    type: int
    default: 100000
extends_documentation_fragment:
  - cloudclock.linux.probe
attributes:
  check_mode:
    support: full
    description: Measures all the same, as it changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer, x86_64 and aarch64.
notes:
  - The figures are those of this moment. A busy machine widens C(low) to C(high); the median stands it well.
seealso:
  - module: cloudclock.linux.clock_facts
  - module: cloudclock.linux.clocksource
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Measure every clock
  cloudclock.linux.clock_bench_info:
  register: bench

- name: Say what a read of the monotonic clock costs
  ansible.builtin.debug:
    msg: "{{ bench.clocks.monotonic.libc.ns.median }} ns, by {{ bench.clocks.monotonic.path }}"

- name: Test the processors' counters against each other for a minute at most, and measure two clocks
  cloudclock.linux.clock_bench_info:
    clocks: [monotonic, realtime]
    warp_budget_ms: 60000
'''

RETURN = r'''
clocks:
  description:
    - For each clock C(vdso), C(libc) and C(syscall), null where there is no such way to it, with C(ns), C(cycles),
      C(histogram), C(reads), C(back) and C(worst_back_ns), how many readings were earlier than the one before and by
      how much at most.
    - C(ns) has C(median), C(low) and C(high), the interval of the median, and of single reads C(min), C(p50), C(p90),
      C(p99), C(p999) and C(max). C(p99) is null below 1,000 single reads, C(p999) below 10,000.
    - C(path), V(vdso) or V(syscall), told from what the ways cost here; C(grade) by fixed numbers of cycles;
      C(resolution_ns); C(step_ns), the least step seen; C(cpu_percent), what O(calls_per_second) take of a processor.
  returned: success
  type: dict
counter:
  description:
    - The processor's bare counter with C(name), C(hz), C(hz_error_ppm), C(ns), C(cycles), C(work), C(ratio) and
      C(emulated).
  returned: success
  type: dict
counters:
  description: What each way to read that counter costs.
  returned: success
  type: dict
loop:
  description: What an empty loop costs; it is taken off every other figure.
  returned: success
  type: dict
entry:
  description: What the cheapest way into the kernel and back costs.
  returned: success
  type: dict
warp:
  description:
    - Null when not asked for, else C(pairs_tested) of C(pairs_total), C(partial), C(worst_cycles), the largest step
      back seen, C(worst_pair), C(blur_cycles), below which a step stays hidden, C(exchanges), C(cpus), C(covered), how
      many of them were in a tested pair, C(budget_ms), C(elapsed_ms) and C(reason) when it ended early.
  returned: success
  type: dict
cpuid:
  description: What the processor says of itself and of the hypervisor, null where it is no x86.
  returned: success
  type: dict
clocksource:
  description: The kernel's clocksource meanwhile.
  returned: success
  type: str
  sample: tsc
build:
  description: The probe's own C(machine), C(libc), C(compiler) and C(source), a checksum.
  returned: success
  type: dict
budget_ms:
  description: The time that was given.
  returned: success
  type: float
elapsed_ms:
  description: The time that it took.
  returned: success
  type: float
'''

import re

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _probe

CLOCKS = ['realtime', 'monotonic', 'monotonic_raw', 'realtime_coarse', 'monotonic_coarse', 'boottime', 'tai',
          'process_cputime_id', 'thread_cputime_id', 'gettimeofday']
CPUS = re.compile(r'[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*\Z')
# option → its bounds, those of the probe
BOUNDS = {'budget_ms': (1, 60000), 'warp_budget_ms': (1, 600000), 'calls_per_second': (1, 10 ** 9)}


def check(params):
    """Raises ValueError."""
    for name, (least, most) in BOUNDS.items():
        if not least <= params[name] <= most:
            raise ValueError('%s must be %d to %d' % (name, least, most))
    if params['cpus'] is not None and not CPUS.match(params['cpus']):
        raise ValueError('cpus must be a list like 0-3,6, not %r' % params['cpus'])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            clocks=dict(type='list', elements='str', choices=CLOCKS),
            cpus=dict(type='str'),
            budget_ms=dict(type='int', default=500),
            warp=dict(type='bool', default=True),
            warp_budget_ms=dict(type='int', default=2000),
            calls_per_second=dict(type='int', default=100000),
            probe=dict(type='str', no_log=True),
        ),
        supports_check_mode=True,
    )
    params = module.params
    try:
        check(params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    probe = _probe.load(module)
    result = probe.run(params['budget_ms'], params['clocks'], params['warp_budget_ms'] if params['warp'] else 0,
                       params['cpus'], params['calls_per_second'])
    if result is None:
        module.fail_json(msg='The clocks were not measured: %s' % probe.reason)
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
