#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_report
short_description: Write what an audit of clocks found as one HTML page, JSON and CSV
version_added: 0.1.0
description:
  - The last step of C(audit-clocks.yml). It reads what that playbook holds of each host in the variables C(audit_facts),
    the result of M(cloudclock.linux.clock_facts), C(audit_bench), that of M(cloudclock.linux.clock_bench_info), and
    C(audit_failure), why a host failed; hosts that were unreachable or failed are in the report with the reason.
  - Works on the controller; no host is asked for anything. It runs once for all hosts of a play.
  - The page opens no connection and needs no other file. It is made anew on each run, with a time stamp, and each
    file is replaced at once.
options:
  path:
    description:
      - The folder to write C(clocks.html), C(clocks.json) and C(clocks.csv) to. It is made where it is missing.
      - Empty writes none.
    type: path
    default: clock-audit
  hosts:
    description: The hosts, in this order; those of the play by default.
    type: list
    elements: str
  calls_per_second:
    description: The number of reads a second on each machine that costs are reckoned for.
    type: int
    default: 100000
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
    description: Writes nothing and says where the page would be.
  diff_mode:
    support: none
    description: A report is new in every line.
  platform:
    platforms: posix
    support: full
    description: It is the controller's platform that counts.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
notes:
  - RV(ignore:changed) is always false, since nothing on a host changes.
seealso:
  - module: cloudclock.linux.clock_facts
  - module: cloudclock.linux.clock_bench_info
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Read the facts
  cloudclock.linux.clock_facts:
  register: audit_facts

- name: Measure the clocks
  cloudclock.linux.clock_bench_info:
  register: audit_bench

- name: Write the page
  cloudclock.linux.clock_report:
    path: reports/clocks
'''

RETURN = r'''
files:
  description: The files, the page first.
  returned: when there is a report
  type: list
  elements: str
  sample: [/home/ops/clock-audit/clocks.html, /home/ops/clock-audit/clocks.json, /home/ops/clock-audit/clocks.csv]
table:
  description: The lines of the table for a terminal, a line a host and one for each of its clocks.
  returned: always
  type: list
  elements: str
summary:
  description: What stands at the head of the page, as in C(clocks.json).
  returned: always
  type: dict
msg:
  description: Where the page is, or why there is none.
  returned: always
  type: str
'''
