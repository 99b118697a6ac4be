#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: ptp_clock_info
short_description: Read the PTP hardware clocks of a machine against its system clock
version_added: 0.1.0
description:
  - Reads each PTP hardware clock (PHC) against the system clock by the kernel's own calls, in the best way that the
    device offers, and says how far they are apart, how sure that is, and what the device can do.
  - Says of a VMClock what the hypervisor writes into its page.
  - Changes nothing, sets no clock and needs no daemon. Runs no command.
options:
  device:
    description:
      - The clock to read, by its path or by a link to it as V(/dev/ptp_kvm) is; all that the kernel lists by default.
      - Where it cannot be read the module does not fail; its row says why.
    type: path
  clock_name:
    description:
      - The clocks to read, by the name in C(/sys/class/ptp/ptp*/clock_name), exactly, or by its beginning with an
        asterisk at the end as in V(ena-ptp-*). The result is empty where there is no such clock.
    type: str
  samples:
    description:
      - How often to read each clock, 1 to 25, the kernel's limit. The reading with the shortest window is kept.
    type: int
    default: 10
attributes:
  check_mode:
    support: full
    description: Reads all the same, as it changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    platforms: Linux
    support: full
    description: Python 3.6 and newer.
notes:
  - Devices are read as root by default; C(become) then, or rights to the device.
  - The clock of a network card shows the time that somebody has set it to. One that runs on TAI is 37 seconds ahead,
    one that nobody set shows the time since the driver was loaded. Both are told as they are.
  - The offset is against this machine's system clock. That one's own error is C(time_sync) in
    M(cloudclock.linux.clock_facts).
seealso:
  - module: cloudclock.linux.clock_facts
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Read every PTP hardware clock
  cloudclock.linux.ptp_clock_info:
  become: true
  register: ptp

- name: Read the clock that KVM gives its guests
  cloudclock.linux.ptp_clock_info:
    clock_name: KVM virtual PTP
  become: true
  register: kvm

- name: Stop where it is surely more than a tenth of a second off
  ansible.builtin.assert:
    that: (item.offset_seconds | abs) - item.uncertainty_seconds < 0.1
    fail_msg: "{{ item.device }} is {{ item.offset_seconds }} s off"
  loop: "{{ kvm.clocks | rejectattr('offset_seconds', 'none') }}"
'''

RETURN = r'''
clocks:
  description: The clocks, in the order of their numbers.
  returned: success
  type: list
  elements: dict
  contains:
    device:
      description: The device.
      type: str
      sample: /dev/ptp0
    clock_name:
      description: The driver's name of it, null for a VMClock's page and for what the kernel does not list.
      type: str
      sample: KVM virtual PTP
    kind:
      description: V(kvm), V(hyperv), V(ena), V(vmclock), V(nic) (a network card's) or V(other); null when not listed.
      type: str
      sample: kvm
    offset_seconds:
      description: The clock less the system clock, null when not read.
      type: float
      sample: 0.000012345
    uncertainty_seconds:
      description:
        - How far that may be from the truth; half of the window. With V(precise), where both clocks are read at once,
          the distance of the reading farthest from the median of them all, at least a nanosecond.
      type: float
      sample: 0.000000412
    window_ns:
      description: Between the two readings of the system clock, one on either side. Null with V(precise).
      type: int
      sample: 824
    method:
      description: V(precise), V(extended) or V(plain).
      type: str
      sample: extended
    capabilities:
      description:
        - What the device says of itself. C(max_adj_ppb), C(n_alarm), C(n_ext_ts), C(n_per_out), C(pps), C(n_pins),
          C(cross_timestamping) and C(adjust_phase).
      type: dict
    error_bound_ns:
      description: The device's own word for its error, that of AWS's ENA only.
      type: int
    vmclock:
      description:
        - The page of a VMClock, else null. C(status), C(time_type), C(disruption_marker), which changes when the
          machine was migrated, C(disruption_expected) (V(hour), V(day) or null), C(tai_offset_seconds) and
          C(max_error_ns).
      type: dict
    reason:
      description: Why it was not read, else null.
      type: str
'''

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _phc, _ptp, _vmclock
from ..module_utils._root import Root

UNREAD = {'offset_seconds': None, 'uncertainty_seconds': None, 'window_ns': None, 'method': None, 'capabilities': None,
          'error_bound_ns': None, 'vmclock': None, 'reason': None}


def chosen(clocks, device, clock_name):
    """The rows of _ptp.read that are asked for; a device that the kernel does not list gets a row of its own."""
    if device is not None:
        real = os.path.realpath(device)
        return [clock for clock in clocks if clock['device'] == real] or [
            {'device': device, 'clock_name': None, 'kind': None}]
    if clock_name is not None:
        return [clock for clock in clocks if _ptp.named(clock['clock_name'], clock_name)]
    return clocks


def row(root, clock, samples):
    """The clock with what was read of it."""
    found = dict(UNREAD, **clock)
    device = clock['device']
    try:
        if clock['kind'] == 'vmclock' and clock['clock_name'] is None:
            found.update(vmclock=_vmclock.read(device),
                         reason='its page has no clock to read; the PTP clock of the same name has, where there is one')
        else:
            found.update(_phc.read(device, samples), error_bound_ns=_ptp.error_bound(root, device))
    except OSError as exc:
        found['reason'] = _phc.explain(exc.errno)
    except ValueError as exc:
        found['reason'] = str(exc)
    return found


def main():
    module = AnsibleModule(
        argument_spec=dict(
            device=dict(type='path'),
            clock_name=dict(type='str'),
            samples=dict(type='int', default=10),
        ),
        mutually_exclusive=[('device', 'clock_name')],
        supports_check_mode=True,
    )
    samples = module.params['samples']
    if not 1 <= samples <= _phc.MOST_SAMPLES:
        module.fail_json(msg='samples must be 1 to %d' % _phc.MOST_SAMPLES)
    root = Root('/')
    clocks = chosen(_ptp.read(root), module.params['device'], module.params['clock_name'])
    module.exit_json(changed=False, clocks=[row(root, clock, samples) for clock in clocks])


if __name__ == '__main__':
    main()
