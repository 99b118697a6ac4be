#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_facts
short_description: Gather everything known about a machine's clock
version_added: 0.1.0
description:
  - Reads the clocksource, the TSC's flags and the kernel's messages about it, the cloud and the hypervisor, the PTP
    clocks, the time daemon and the boot loader's clock arguments; measures for about 6 ms what a read of the clock
    costs and whether user space reads it without entering the kernel; grades the result by a dated policy.
  - Changes nothing and, unless O(metadata) says so, opens no connection beyond the machine. Where a time daemon runs its
    own client is asked once, for a second at most.
  - What is not known is null, never a guess.
  - Of a kernel command line only the arguments about clocks become facts.
options:
  root:
    description:
      - The directory, as an absolute path, that holds the machine to look at; a mounted image, a sosreport, a recorded
        machine.
      - Links are resolved inside it. What only a running machine can say comes from C(probe.json) there or is null.
    type: path
    default: /
  metadata:
    description:
      - Whether the cloud's metadata service at 169.254.169.254 may be asked.
      - V(when_unsettled) asks the services of AWS, GCP and Azure, all at once and for one second in all, and only
        where DMI, the hypervisor's files and cloud-init's record did not show a cloud.
    type: str
    choices: [never, when_unsettled]
    default: never
  policy:
    description: Rows that come before the collection's own policy, as in M(cloudclock.linux.clocksource).
    type: list
    elements: dict
    default: []
  warp_budget_ms:
    description:
      - How long, in milliseconds, two CPUs at a time may look whether the TSC goes back from one to another, for
        C(tsc.warp_cycles) and C(tsc.warp). V(0) leaves the test out. At most 600000.
    type: int
    default: 0
  budget_ms:
    description:
      - How long, in milliseconds, the clock is measured. From 1 to 10000. Where that told nothing it is done once more,
        for five times as long.
      - 6 tell the vDSO from a system call; a figure that is to be held against a limit on a busy machine takes 100.
    type: int
    default: 6
extends_documentation_fragment:
  - cloudclock.linux.probe
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.facts
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  facts:
    support: full
  platform:
    platforms: posix
notes:
  - It can be a facts module, by C(facts_modules = ansible.builtin.setup, cloudclock.linux.clock_facts) in
    C(ansible.cfg), so that C(gather_facts) fills C(ansible_facts.clock). With more than one facts module ansible-core
    runs them asynchronously, at the price of some further round trips; C(gather_facts) with C(parallel=false) runs
    them one after the other. Action plugins are bypassed then and no probe comes along; C(cost) and what else only
    the probe measures is null, and C(probe.reason) says so.
  - Without root's rights the kernel's messages may be unreadable; C(tsc.unstable) is null then.
seealso:
  - module: cloudclock.linux.time_syscalls_info
  - module: cloudclock.linux.ptp_clock_info
  - module: cloudclock.linux.clocksource
  - module: cloudclock.linux.kernel_cmdline
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Gather the clock's facts
  cloudclock.linux.clock_facts:

- name: Name the machines that pay for every read of the clock
  ansible.builtin.debug:
    msg: "{{ ansible_facts.clock.clocksource.current }}: {{ ansible_facts.clock.clocksource.reason }}"
  when: ansible_facts.clock.clocksource.verdict == 'slow'

- name: Look at an image that is being built
  cloudclock.linux.clock_facts:
    root: /mnt/image
'''

RETURN = r'''
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    clock:
      description:
        - C(cloud) with C(provider), C(platform), C(instance_type), C(evidence), what decided, in order, and C(settled),
          whether files answered.
        - C(hypervisor) with C(type), C(signature), C(container), C(evidence), and of Xen C(virt_mode) (V(hvm), V(pvh),
          V(pv)) and C(xen_role) (V(dom0), V(domU)).
        - C(clocksource) with C(current), C(available), C(writable) (by who gathers the facts), C(switched_to),
          C(recommended), C(verdict), C(reason) and C(source).
        - C(tsc) with C(constant), C(nonstop), C(known_freq), C(khz), C(unstable), C(unstable_reason), C(policy) (a mark that
          is the kernel's rule and no fault), C(emulated)
          (Xen's own word or as measured), C(xen_mode) (Xen's tsc_mode), C(warp) (C(pairs_tested), C(pairs_total),
          C(worst_cycles), C(worst_pair), C(partial), C(cpus), C(covered), C(budget_ms), C(elapsed_ms) and C(reason)
          when it ended early; null when not run) and C(warp_cycles), which only a whole test or a step back sets.
        - C(vdso) with C(mapped), C(fast) and C(evidence).
        - C(ptp), a list of PTP hardware clocks with C(device), C(clock_name) and C(kind).
        - C(time_sync) with C(daemon) and, by that daemon's own client, C(source), C(stratum), C(offset_seconds) (the
          source less the system clock), C(root_dispersion), C(reference_id), C(leap) and C(reason), why one is missing
          although a daemon runs, or how old the source is.
        - C(boot) with C(bootloader), the C(clocksource) and C(tsc) arguments of the next boot (both null where C(configured)
          is), C(running) and C(configured) clock arguments, C(reason) where the next boot's are not known,
          C(reboot_required), C(kernel_choice) and C(unit).
        - C(cpus), the number of CPUs online.
        - C(cpufreq) with C(driver) and C(governors), null where nothing steers the frequency.
        - C(audit_rules) with C(enabled), C(total), C(reading_time), those in force for calls that read the time, C(calls) by
          ABI, and C(reason) where the kernel did not list them.
        - C(cost) of a read of MONOTONIC with C(path) (V(vdso) or V(syscall)), C(ns), C(cycles), C(syscall_ns) by a raw
          system call and C(counter_ns), the bare counter; null when not measured.
        - C(probe) with C(ran), C(reason) when it did not run, and C(elapsed_ms).
      type: dict
      returned: always
'''

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _facts, _probe
from ..module_utils._policy import check_rows
from ..module_utils._root import Root

LONGEST_WARP = 600000
LONGEST_BUDGET = 10000


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type='path', default='/'),
            metadata=dict(type='str', choices=['never', 'when_unsettled'], default='never'),
            policy=dict(type='list', elements='dict', default=[]),
            warp_budget_ms=dict(type='int', default=0),
            budget_ms=dict(type='int', default=_facts.PROBE_BUDGET),
            probe=dict(type='str', no_log=True),
        ),
        supports_check_mode=True,
    )
    try:
        root = Root(module.params['root'])
        if not 0 <= module.params['warp_budget_ms'] <= LONGEST_WARP:
            raise ValueError('warp_budget_ms must be 0 to %d' % LONGEST_WARP)
        if not 1 <= module.params['budget_ms'] <= LONGEST_BUDGET:
            raise ValueError('budget_ms must be 1 to %d' % LONGEST_BUDGET)
        clock = _facts.gather(root, check_rows(module.params['policy']), module.params['metadata'],
                              _probe.load(module) if root.live else None, module.params['warp_budget_ms'],
                              module.params['budget_ms'])
    except (ValueError, OSError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(ansible_facts={'clock': clock})


if __name__ == '__main__':
    main()
