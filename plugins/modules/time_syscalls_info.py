#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: time_syscalls_info
short_description: Find the processes that still enter the kernel to read the time
version_added: 0.1.0
description:
  - Counts for some seconds the system calls clock_gettime, gettimeofday and time of every process, 64-bit and 32-bit, and
    says who makes them, how many a second, what share of a processor that is, why the process does not read the clock
    in user space, and what makes its calls dearer.
  - A program that reads the clock through the vDSO makes no such call and is not named.
  - Counts by perf events on the tracepoint C(raw_syscalls:sys_enter), in the probe that the controller compiles and sends
    along. No tool is needed on the machine, nothing is mounted, nothing is left behind.
  - While it looks every system call of the machine takes longer, about as long again as an empty one; C(looking) says how much
    that was.
  - Fails, with the reason and what to do, where the kernel does not let it count.
options:
  seconds:
    description: How long to look; 1 to 60.
    type: int
    default: 5
  limit:
    description: How many processes to return, those with the most calls first; 1 to 10000.
    type: int
    default: 50
extends_documentation_fragment:
  - cloudclock.linux.probe
attributes:
  check_mode:
    support: full
    description: Counts all the same, as it changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer, x86_64 and aarch64.
notes:
  - Takes root or CAP_PERFMON with a readable tracefs, on the host, not in a container.
  - Where only debugfs is mounted, as on RHEL 8, the kernel itself mounts tracefs below it when it is looked into.
seealso:
  - module: cloudclock.linux.clock_bench_info
  - module: cloudclock.linux.clock_facts
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Look for five seconds who still pays
  cloudclock.linux.time_syscalls_info:
  register: paying
  become: true

- name: Name those that take more than a hundredth of a processor
  ansible.builtin.debug:
    msg: "{{ item.name }} ({{ item.user }}): {{ item.calls_per_second }} a second, {{ item.why_it_enters }}"
  loop: "{{ paying.processes | selectattr('cpu_percent', '>', 1) }}"
  loop_control:
    label: "{{ item.pid }}"
'''

RETURN = r'''
processes:
  description:
    - Those that made such calls, the most calls first, each with C(pid), C(name), C(command), C(exe), C(uid), C(user),
      C(cgroup), C(container), C(abi), C(seccomp) (V(none), V(strict) or V(filter)), C(ended), C(calls_per_second),
      C(cpu_percent) of one processor, reckoned with C(syscall_ns), and C(syscalls).
    - C(why_it_enters) is V(raw_syscall), V(static_or_old_libc), V(cpu_time_clock), V(clock_without_vdso),
      V(source_without_vdso) or V(unknown), of its most frequent call; C(certain) whether that was seen or inferred,
      and C(evidence) from what.
    - C(what_makes_it_dearer) is a list of V(seccomp_filter) and V(audit_rules).
    - C(syscalls) has for each call and clock C(syscall), C(clock), C(abi), C(calls_per_second), C(margin_percent),
      C(cpu_percent), C(samples) and reasons of its own.
    - What is not known of a process that ended meanwhile is null. In a container C(pid) 0 stands for all processes outside.
  returned: success
  type: list
  elements: dict
payers:
  description: How many processes made such calls.
  returned: success
  type: int
shown:
  description: How many of them are in C(processes).
  returned: success
  type: int
calls_per_second:
  description: Of all of them, also of those that are not shown.
  returned: success
  type: float
cpu_percent:
  description: The same as a share of one processor.
  returned: success
  type: float
exact:
  description: Whether every call was looked at; else they were sampled, or some were lost or passed over.
  returned: success
  type: bool
samples:
  description: How many calls were looked at one by one, all of them where C(exact).
  returned: success
  type: int
lost_samples:
  description: Samples that found no room in their buffer, beside the C(samples).
  returned: success
  type: int
throttled:
  description:
    - How often the kernel stopped taking samples of a processor for up to a tick, because of a burst of more than
      C(kernel.perf_event_max_sample_rate) allows in one.
    - Where it is not 0 the rates may be too small, as some kernels do not count such calls either, and C(margin_percent) is null.
  returned: success
  type: int
calls_without_room:
  description: Calls of processes beyond the 32768 different rows that are kept.
  returned: success
  type: int
syscall_ns:
  description: What such a call costs the probe when nobody looks, for clocks that a C(counter) is read for, C(coarse) ones and
    C(cpu_time); and any C(other) system call.
  returned: success
  type: dict
looking:
  description:
    - What the looking cost. C(cpu_ms) of the probe itself and C(cpu_ms_per_second);
      C(system_calls_per_second) of the machine, all that passed the tracepoint; C(ns_added_to_each) of them and
      C(ns_added_to_a_sampled_one); C(slowed_cpu_percent), what both come to; C(time_call_slower), a time call meanwhile
      over one before.
  returned: success
  type: dict
audit_rules:
  description: As in the facts; C(enabled), C(total), C(reading_time), C(calls) and C(reason).
  returned: success
  type: dict
clocks:
  description: By which path some clocks are read on this machine by a program that does it right, V(vdso) or V(syscall).
  returned: success
  type: dict
clocks_reason:
  description: Why that was not measured; null where it was.
  returned: success
  type: str
seconds:
  description: How long it looked.
  returned: success
  type: float
'''

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _audit, _payers, _people, _probe
from ..module_utils._root import Root, printable

BOUNDS = {'seconds': (1, 60), 'limit': (1, 10000)}
# Milliseconds: enough to tell the paths of these on a busy machine too.
BUDGET = 120
CLOCKS = ['monotonic', 'monotonic_raw', 'boottime', 'tai']


def main():
    module = AnsibleModule(
        argument_spec=dict(
            seconds=dict(type='int', default=5),
            limit=dict(type='int', default=50),
            probe=dict(type='str', no_log=True),
        ),
        supports_check_mode=True,
    )
    for name, (least, most) in BOUNDS.items():
        if not least <= module.params[name] <= most:
            module.fail_json(msg='%s must be %d to %d' % (name, least, most))
    probe = _probe.load(module)
    readings = probe.run(BUDGET, CLOCKS)
    unmeasured = None if readings else probe.reason
    counted = probe.look(module.params['seconds'])
    if counted is None:
        module.fail_json(msg='The system calls were not counted: %s' % probe.reason)
    if counted['refused']:
        module.fail_json(msg='The system calls were not counted: %s' % _payers.refusal(counted['refused']))
    root = Root()
    paths = {name: clock['path'] for name, clock in ((readings or {}).get('clocks') or {}).items()}
    audit, users = _audit.read(root), _people.users(root)
    found = _payers.judge(counted, lambda pid, name: _people.describe(root, pid, name, users), paths, audit,
                          module.params['limit'])
    module.exit_json(changed=False, audit_rules=audit, clocks=paths, clocks_reason=unmeasured, **printable(found))


if __name__ == '__main__':
    main()
