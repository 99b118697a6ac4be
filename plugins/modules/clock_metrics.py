#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clock_metrics
short_description: Have a timer write what the clock costs where node_exporter reads it
version_added: 0.1.0
description:
  - Installs a collector, the probe with its checksum, and a sandboxed systemd timer (cron where there is no systemd), or
    removes them, all in one call. A run of the collector takes 0.1 to 0.2 s of a processor and writes metrics for
    node_exporter's textfile collector.
  - The collector runs by the machine's own Python, without Ansible. It judges by a copy of the same code as
    M(cloudclock.linux.clock_facts).
  - It is run once before the timer is started. Where that, or anything else, fails, everything is put back.
options:
  state:
    description:
      - V(present) installs, V(absent) removes everything, the metrics and the machine's baseline too.
    type: str
    choices: [present, absent]
    default: present
  directory:
    description:
      - The folder that node_exporter reads (C(--collector.textfile.directory)). It is made where it is missing, with a
        warning. The default is that of Debian's package.
    type: str
    default: /var/lib/prometheus/node-exporter
  interval:
    description:
      - Seconds from one run to the next, 60 to 3600. By the default a run may take 0.3 s of a processor to stay below
        0.1 % of one.
    type: int
    default: 300
  budget_ms:
    description: How long a run measures, 20 to 1000 ms. P99 needs 1,000 single reads.
    type: int
    default: 100
  warp_budget_ms:
    description:
      - How long the counters of all processors are tested against each other, two processors busy at a time, once a boot
        and then daily; 0 to 60000, V(0) leaves it out.
    type: int
    default: 200
  policy:
    description: Rows that come before the policy of the collection; see M(cloudclock.linux.clocksource).
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - cloudclock.linux.probe
attributes:
  check_mode:
    support: full
    description: Predicts by the same code. Whether the collector works here shows only when it is run.
  diff_mode:
    support: full
    description: Shows the files; programs by their checksums.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer, x86_64 and aarch64.
notes:
  - Must run as root.
  - Does not install node_exporter and does not set it up.
seealso:
  - module: cloudclock.linux.clock_facts
  - module: cloudclock.linux.clock_bench_info
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Measure what the clock costs, every five minutes
  cloudclock.linux.clock_metrics:

- name: For a node_exporter that reads another folder
  cloudclock.linux.clock_metrics:
    directory: /var/lib/node_exporter/textfile_collector

- name: Remove it
  cloudclock.linux.clock_metrics:
    state: absent
'''

RETURN = r'''
files:
  description: The files that were written or removed.
  type: list
  elements: str
  returned: always
scheduler:
  description: What starts the collector. V(periodic) is the C(/etc/periodic/15min) of busybox's cron.
  type: str
  choices: [systemd, cron, periodic]
  returned: when O(state=present)
python:
  description: The Python that runs the collector.
  type: str
  returned: when O(state=present)
  sample: /usr/bin/python3
metrics:
  description: The file that node_exporter reads; null where there is none any more.
  type: str
  returned: always
  sample: /var/lib/prometheus/node-exporter/cloudclock.prom
'''

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _policy, _probe
from ..module_utils._lock import Lock
from ..module_utils._metrics import _collect, _install
from ..module_utils._root import Root

# option → its bounds
BOUNDS = {'interval': (60, 3600), 'budget_ms': (20, 1000), 'warp_budget_ms': (0, 60000)}


def plan(module, root):
    """The Install with its files planned. ValueError, OSError."""
    def run(argv):
        return module.run_command(argv)

    def find(name):
        return module.get_bin_path(name)
    params = module.params
    install = _install.Install(module, root, run, find)
    if params['state'] == 'absent':
        install.absent(params['directory'])
        return install
    for name, (least, most) in BOUNDS.items():
        if not least <= params[name] <= most:
            raise ValueError('%s must be %d to %d' % (name, least, most))
    params['policy'] = _policy.check_rows(params['policy'])
    probe = _probe.load(module)
    if probe.body is None:
        raise ValueError('nothing could be measured here: %s' % probe.reason)
    install.present(params, probe.body)
    return install


def work(module, root):
    """The result. ValueError, OSError."""
    install = plan(module, root)
    present = module.params['state'] == 'present'
    result = {'changed': install.change.changed or install.owed,
              'files': [edit.path for edit in install.change.files] + install.gone,
              'metrics': os.path.join(install.directory, _collect.NAME) if present else None,
              'diff': _install.diff(install)}
    if present:
        result.update(scheduler=install.kind, python=install.python)
        if install.directory in install.folders:
            module.warn('%s was not there and is made: see that node_exporter reads it '
                        '(--collector.textfile.directory)' % install.directory)
    if result['changed'] and not module.check_mode:
        install.apply()
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            directory=dict(type='str', default='/var/lib/prometheus/node-exporter'),
            interval=dict(type='int', default=300),
            budget_ms=dict(type='int', default=100),
            warp_budget_ms=dict(type='int', default=200),
            policy=dict(type='list', elements='dict', default=[]),
            probe=dict(type='str', no_log=True),
        ),
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(msg='this takes root: a system service is installed (use become)')
    try:
        root = Root('/')
        if module.check_mode:
            result = work(module, root)
        else:
            with Lock(root):
                result = work(module, root)
    except (ValueError, OSError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == '__main__':
    main()
