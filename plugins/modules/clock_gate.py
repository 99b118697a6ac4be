#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_gate
short_description: Check what is known of each host's clock against what is asked of it
version_added: 0.1.0
description:
  - The last step of C(verify-clocksource.yml). It reads what that playbook holds of each host in the variables
    C(verify_facts), the result of M(cloudclock.linux.clock_facts), and C(verify_failure), why a host failed; a host that
    was unreachable has a failed check.
  - What is asked of a host is in its variables C(verify_source), C(verify_verdicts), C(verify_max_cycles),
    C(verify_max_ns), C(verify_checks) and C(verify_unknown_ok).
  - Variables of the play or the task go before those of the inventory, and those of the command line before both.
  - Works on the controller; no host is asked for anything. It runs once for all hosts of a play and does not fail for
    what it finds. It fails where no host of the play was looked at and where O(junit) could not be written, then with all
    that it returns otherwise.
  - In a play with C(serial) it would run for each batch, over all hosts of the play; give it a play of its own.
options:
  junit:
    description:
      - A file to write the checks to as JUnit XML; a test suite a host and a test case a check; a host that gave nothing
        to check is an error. Its folder is made where it is missing, and the file is replaced at once.
    type: path
attributes:
  action:
    support: full
    description: Runs on the controller.
  async:
    support: none
    description: Runs on the controller.
  bypass_host_loop:
    support: full
    description: Runs once for all hosts.
  check_mode:
    support: full
    description: Does the same; the file is what was seen, and no host is changed in any mode.
  diff_mode:
    support: none
    description: Nothing is changed.
  platform:
    platforms: posix
    support: full
    description: It is the controller's platform that counts.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
seealso:
  - module: cloudclock.linux.clock_facts
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Read the facts
  cloudclock.linux.clock_facts:
  register: verify_facts

- name: Hold them against what is asked
  cloudclock.linux.clock_gate:
    junit: reports/clocks.xml
  register: gate
  run_once: true

- name: Stop where a check failed
  ansible.builtin.fail:
    msg: "{{ gate.failing[inventory_hostname] }}"
  when: inventory_hostname in gate.failing
'''

RETURN = r'''
failing:
  description: For each host with a failed check a line for each of them; other hosts are not in it.
  returned: success
  type: dict
  sample: {web1: ['web1: ns: 1104.2 ns a read, expected 100 ns at most; next: run fix-clocksource.yml']}
lines:
  description: A line for each check that did not pass, and one for each host where all did.
  returned: success
  type: list
  elements: str
summary:
  description: How many hosts passed and failed.
  returned: success
  type: str
  sample: 2 passed, 1 failed of 3 hosts
junit:
  description: The file that was written.
  returned: with O(junit)
  type: str
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec=dict(junit=dict(type='path')), supports_check_mode=True)
    module.fail_json(msg='clock_gate works on the controller: call it as a task of the collection')


if __name__ == '__main__':
    main()
