#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: clocksource
short_description: Switch the kernel's clocksource as one transaction
version_added: 0.1.0
description:
  - Reads the clocksource, decides by a dated policy, checks the gates, switches, reads back, measures again and keeps
    the new source or goes back to the old one.
  - The switch lasts until the next boot. M(cloudclock.linux.kernel_cmdline) makes it persistent.
  - Before the first change on a machine its source is written to C(/var/lib/cloudclock/state.json).
  - What a read costs is measured by the collection's probe, a small C program that comes with the module; where it
    cannot run, a loop in Python takes its place, and the gate C(warp) is not run. RV(measured_by) says which it was.
options:
  name:
    description:
      - The clocksource to have, as one of the words in
        C(/sys/devices/system/clocksource/clocksource0/available_clocksource).
      - V(auto) takes the policy's choice and leaves a source alone that is read in the vDSO. Where nothing better can
        be had it changes nothing and says why in RV(reason), with RV(refused) set.
      - A name given here is switched to whatever the present source is worth; a gate that fails is then an error.
    type: str
    default: auto
  state:
    description:
      - V(present) has O(name) as the clocksource.
      - V(restored) goes back to the source that was there before the first change by this module.
    type: str
    choices: [present, restored]
    default: present
  force:
    description:
      - Names of gates that may fail or be unknown, one by one, on the operator's word.
    type: list
    elements: str
    choices: [host, stable, emulation, warp, vouched]
    default: []
  tolerance:
    description:
      - How much slower than before the new source may be read, as a fraction. A source that is slower than that, and
        by more than the measurement's own noise (2 ns by the probe, 10 ns by the loop), is undone and the module fails
        with both measurements.
    type: float
    default: 0.25
  min_speedup:
    description:
      - How many times faster the policy's choice must be read to be worth a change. Only with O(name=auto), and not
        when an unsafe source is left.
      - Where even the bare counter could not be read that much faster than the present source, nothing is tried; where
        the measured speed-up is less, the switch is undone. Neither is a failure, and RV(reason) has the figures.
      - What was tried and undone is not tried again before the next boot, unless a lower value would have taken it;
        O(remember) writes it down.
      - V(1) asks only that it be no slower, V(0) asks nothing.
    type: float
    default: 1.2
  warp_budget_ms:
    description:
      - How long, in milliseconds, the warp test may take; two CPUs at a time look whether a later read of the TSC
        on one of them is earlier than one before it on the other. At most 600000.
      - It runs only when a switch to C(tsc) is considered, in check mode too; V(0) leaves it out.
      - A test that did not come to all pairs of CPUs in this time refuses the switch, unless the policy's row has
        C(partial_warp). The reason says how long all pairs would take.
    type: int
    default: 2000
  settle_seconds:
    description:
      - How long the new source is watched before it is measured. The kernel's watchdog looks every half second
        (kernel/time/clocksource.c, WATCHDOG_INTERVAL). At most 600.
    type: float
    default: 2.0
  policy:
    description:
      - Rows that come before the collection's own policy. A row has C(prefer) (a list of sources, best first) and may
        have C(match) (C(provider), C(platform), C(hypervisor)), C(acceptable), C(vouches), C(partial_warp) (true where
        the row's word is good for CPUs that the warp test did not come to), C(id), C(date) and C(source).
    type: list
    elements: dict
    default: []
  metadata:
    description:
      - Whether the cloud's metadata service may be asked, as in M(cloudclock.linux.clock_facts); the policy goes by
        the cloud.
    type: str
    choices: [never, when_unsettled]
    default: never
  root:
    description:
      - A directory that holds another machine, as an absolute path. With one the module only plans.
    type: path
    default: /
  remember:
    description:
      - Whether to write the former source down before the first change, for O(state=restored), and what was tried in
        vain, for O(min_speedup).
    type: bool
    default: true
extends_documentation_fragment:
  - cloudclock.linux.probe
attributes:
  check_mode:
    support: full
    description:
      - Predicts the decision, the gates and the switch, and measures the present source for that. What only the switch
        can show is not predicted.
  diff_mode:
    support: full
    description: Shows the source before and after.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer, x86_64 and aarch64.
seealso:
  - module: cloudclock.linux.clock_facts
  - module: cloudclock.linux.kernel_cmdline
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Have the best clocksource that is safe here
  cloudclock.linux.clocksource:

- name: Have the TSC, on the operator's word that it may be trusted
  cloudclock.linux.clocksource:
    name: tsc
    force: [vouched]

- name: Go back to what the machine had
  cloudclock.linux.clocksource:
    state: restored
'''

RETURN = r'''
name:
  description: The source wanted, null when there is none to want.
  returned: always
  type: str
action:
  description:
    - What was done (in check mode, would be done). V(rolled_back) without a failure is a switch that gained less than
      O(min_speedup).
  returned: always
  type: str
  sample: switched
  choices: [none, switched, refused, restored, planned, rolled_back]
refused:
  description: Whether something better was wanted and could not be had.
  returned: always
  type: bool
reason:
  description: Why, in one sentence.
  returned: always
  type: str
  sample: hpet is not read in the vDSO, and tsc is offered
source:
  description: Who says so, with the date of the policy row.
  returned: always
  type: str
verdict:
  description: The grade of the source that was found.
  returned: always
  type: str
recommended:
  description: The policy's choice here.
  returned: always
  type: str
before:
  description:
    - The source found, and the nanoseconds a read of MONOTONIC costs with it (by the loop what it costs above one of
      MONOTONIC_COARSE); null when not measured.
  returned: always
  type: dict
  sample: {source: hpet, ns: 1104.2}
after:
  description: The same after the switch.
  returned: always
  type: dict
  sample: {source: tsc, ns: 21.5}
ansible_facts:
  description:
    - What M(cloudclock.linux.clock_facts) returns, as found before the switch, so that one call is enough.
  returned: always
  type: dict
tried:
  description: The source that was undone and what a read of it cost.
  returned: when the switch was rolled back
  type: dict
speedup:
  description: How many times faster the clock is read than before, null when not measured.
  returned: always
  type: float
measured_by:
  description: Both measurements' method, V(probe) or V(loop); null when none was made.
  returned: always
  type: str
gates:
  description:
    - For each gate C(passed) (true, false, or null when it was not run) and C(reason).
  returned: when a switch was considered
  type: dict
vouched_by:
  description: Who vouches for the source; V(cpuid), V(policy) or V(operator).
  returned: when a switch was considered
  type: str
'''

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _facts, _plan, _probe, _state, _switch
from ..module_utils._clocksource import check_name
from ..module_utils._gauge import Gauge
from ..module_utils._lock import Lock
from ..module_utils._policy import check_rows
from ..module_utils._root import Root

LONGEST_SETTLE = 600
LONGEST_WARP = 600000


def run(module, root, known):
    """The result. What was found is in ``known`` from the moment it is, so that a failure can show it too."""
    params = module.params
    rows = check_rows(params['policy'])
    if not 0 <= params['tolerance'] < float('inf') or not 0 <= params['settle_seconds'] <= LONGEST_SETTLE:
        raise ValueError('tolerance must be 0 or more, settle_seconds 0 to %d' % LONGEST_SETTLE)
    if not 0 <= params['min_speedup'] < float('inf') or not 0 <= params['warp_budget_ms'] <= LONGEST_WARP:
        raise ValueError('min_speedup must be 0 or more, warp_budget_ms 0 to %d' % LONGEST_WARP)
    if params['name'] != 'auto':
        check_name(params['name'])
    probe = _probe.load(module) if root.live else None
    facts = _facts.gather(root, rows, params['metadata'], probe)
    known['ansible_facts'] = {'clock': facts}
    if params['state'] == 'restored':
        return _switch.restore(module, root)
    gauge = Gauge(probe, params, (lambda: _switch.tried(root)) if params['remember'] else dict) if root.live else None
    result = _plan.decide(params, facts, rows, gauge)
    if result['action'] != 'switched':
        return dict(result, changed=False, failed=result['refused'] and params['name'] != 'auto')
    if not root.live:
        return dict(result, action='planned', changed=False)
    if module.check_mode:
        if params['remember']:
            _state.ready(root, 'clocksource')
        return dict(result, changed=True, after={'source': result['name'], 'ns': None})
    return _switch.switch(module, root, result, gauge)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type='str', default='auto'),
            state=dict(type='str', choices=['present', 'restored'], default='present'),
            force=dict(type='list', elements='str', default=[],
                       choices=['host', 'stable', 'emulation', 'warp', 'vouched']),
            tolerance=dict(type='float', default=0.25),
            settle_seconds=dict(type='float', default=2.0),
            min_speedup=dict(type='float', default=1.2),
            warp_budget_ms=dict(type='int', default=2000),
            probe=dict(type='str', no_log=True),
            policy=dict(type='list', elements='dict', default=[]),
            metadata=dict(type='str', choices=['never', 'when_unsettled'], default='never'),
            root=dict(type='path', default='/'),
            remember=dict(type='bool', default=True),
        ),
        supports_check_mode=True,
    )
    known = {}
    try:
        root = Root(module.params['root'])
        if module.check_mode:
            result = run(module, root, known)
        else:
            with Lock(root):
                result = run(module, root, known)
    except (ValueError, OSError) as exc:
        module.fail_json(msg=str(exc), **known)
    result.update(known)
    if result['changed']:
        result['diff'] = {key: 'clocksource: %s\n' % result[key]['source'] for key in ('before', 'after')}
    if result.pop('failed', False):
        module.fail_json(msg=result['reason'], **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
