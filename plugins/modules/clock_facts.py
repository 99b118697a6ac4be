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
    clocks, the time daemon and the boot loader's clock arguments; measures for about 6 ms whether user space reads
    the clock without entering the kernel; grades the result by a dated policy.
  - Changes nothing and, unless O(metadata) says so, opens no connection.
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
extends_documentation_fragment:
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
    them one after the other.
  - Without root's rights the kernel's messages may be unreadable; C(tsc.unstable) is null then.
seealso:
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
        - C(cloud) with C(provider), C(platform), C(instance_type) and C(evidence), what decided, in order.
        - C(hypervisor) with C(type), C(signature) and C(container).
        - C(clocksource) with C(current), C(available), C(switched_to), C(recommended), C(verdict), C(reason) and
          C(source).
        - C(tsc) with C(constant), C(nonstop), C(known_freq), C(khz), C(unstable), C(unstable_reason) and, once they
          are measured, C(warp_cycles), C(emulated) and C(xen_mode).
        - C(vdso) with C(mapped), C(fast) and C(evidence).
        - C(ptp), a list of PTP hardware clocks with C(device), C(clock_name) and C(kind).
        - C(time_sync) with C(daemon), C(source), C(stratum) and C(offset_seconds).
        - C(boot) with C(bootloader), the C(clocksource) and C(tsc) arguments of the next boot, C(running) and
          C(configured) clock arguments, C(reboot_required), C(kernel_choice) and C(unit).
        - C(cpus), the number of CPUs online.
      type: dict
      returned: always
'''

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _facts
from ..module_utils._policy import check_rows
from ..module_utils._root import Root


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type='path', default='/'),
            metadata=dict(type='str', choices=['never', 'when_unsettled'], default='never'),
            policy=dict(type='list', elements='dict', default=[]),
        ),
        supports_check_mode=True,
    )
    try:
        root = Root(module.params['root'])
        clock = _facts.gather(root, check_rows(module.params['policy']), module.params['metadata'])
    except (ValueError, OSError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(ansible_facts={'clock': clock})


if __name__ == '__main__':
    main()
