#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: chrony_refclock
short_description: Let chrony follow the PTP hardware clock that the cloud gives its machines
version_added: 0.1.0
description:
  - Does the whole step in one call, and puts everything back when a part of it fails. It finds the clock by its name,
    never by its number; holds it against the time that NTP keeps; writes chrony's files; lets C(chronyd) check them;
    restarts it and waits until it has selected the clock.
  - The operator's C(chrony.conf) stays. What must not stand beside the clock (foreign NTP servers, C(initstepslew) by
    such, a C(sourcedir) outside of C(/etc) as DHCP's is, leap second tables beside a leap-smeared clock, and what the
    profile sets anew, as C(makestep)) is commented out with a mark and comes back with O(state=absent). Ours is a
    drop-in where chrony reads one, else a marked block at the end of the file. A C(refclock) line of the operator is
    never touched.
  - C(chronyd) does not start when the device of a C(refclock) line is missing. A small service looks for the clock
    before each start (by OpenRC only at boot) and, without it, gives C(chronyd) the sources that had to make way.
  - Where no profile covers the machine or the clock is not there, nothing is changed and RV(reason) says why. Where
    the clock is too far from NTP's time, or nothing is there to hold it against, that is a refusal and not a failure.
author:
  - cloudclock.linux contributors (@cloudclock)
options:
  state:
    description:
      - V(present) sets chrony up.
      - V(absent) undoes it. A file that nobody else wrote to since gets its former bytes; out of any other only our
        lines are taken, and RV(reason) says so. Services that were stopped come back.
    type: str
    choices: [present, absent]
    default: present
  profiles:
    description:
      - Profiles that come before the built-in ones. The keys are C(id), C(date), C(source), C(match) (C(provider),
        C(platform), C(hypervisor) that must be equal), C(clock_name) (needed; one C(*) may end it), C(module) (kernel
        module that makes the clock), C(driver_option) (C(ena phc_enable=1)), C(link) (its name below C(/dev)),
        C(refclock) (needed; C(refclock PHC {device} …)), C(directives) (further lines), C(ntp) (C(keep), servers that
        may stand beside it, unless their line says C(prefer), and C(add), lines for such), C(smeared) and C(variant).
    type: list
    elements: dict
    default: []
  variant:
    description:
      - Another recipe for the same clock. V(classic) is the older one for GCP. Where a cloud has none of that name
        the usual one is taken.
    type: str
    default: ''
  max_offset:
    description:
      - The seconds by which the clock, its reading's uncertainty added, may differ from NTP's time.
    type: float
    default: 0.1
  unverified:
    description:
      - What to do where no synchronised time is there to hold the clock against.
    type: str
    choices: [refuse, accept]
    default: refuse
  settle_seconds:
    description:
      - How long C(chronyd) may take to select the clock, at most 600.
    type: float
    default: 60
  metadata:
    description:
      - Whether the clouds' metadata services may be asked where the machine's files leave open which cloud it is, as
        in M(cloudclock.linux.clock_facts).
    type: str
    choices: [never, when_unsettled]
    default: never
  root:
    description:
      - A directory that holds the machine. Another one than V(/) is only planned for, never written.
    type: path
    default: /
  remember:
    description:
      - Record the former state in C(/var/lib/cloudclock/state.json) before the first change, for O(state=absent).
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Predicts by the same code. It loads no kernel module; where the clock takes one, RV(reason) says so.
  diff_mode:
    support: full
    description: Shows the files.
notes:
  - Must run as root.
  - Does not install chrony; RV(package_needed) says that it is missing.
  - The network's driver is never loaded anew. Where the clock takes an option of it, RV(reboot_required) is true.
seealso:
  - module: cloudclock.linux.ptp_clock_info
  - module: cloudclock.linux.clock_facts
'''

EXAMPLES = r'''
- name: Follow the cloud's PTP hardware clock
  cloudclock.linux.chrony_refclock:

- name: Take a network card's clock that a grandmaster disciplines
  cloudclock.linux.chrony_refclock:
    profiles:
      - id: trading-floor
        clock_name: ice-0000:18:00.0
        link: ptp_floor
        refclock: refclock PHC {device} poll 0
        ntp:
          keep: [ntp1.example.com]

- name: Undo it
  cloudclock.linux.chrony_refclock:
    state: absent
'''

RETURN = r'''
action:
  description:
    - What was done (in check mode, would be done). V(none) where all is as it should be; V(planned) below another root.
  type: str
  returned: always
  choices: [none, configured, refused, left_alone, removed, rolled_back, planned]
refused:
  description: Whether the clock is there and was not trusted.
  type: bool
  returned: always
reason:
  description: Why, with the next step where there is one.
  type: str
  returned: always
package_needed:
  description: Whether chrony must be installed first. Nothing was changed then.
  type: bool
  returned: always
package:
  description: Its name.
  type: str
  returned: always
  sample: chrony
reboot_required:
  description: Whether the driver shows its clock only after a reboot.
  type: bool
  returned: always
profile:
  description: The profile taken, null where none covers this machine.
  type: dict
  returned: always
device:
  description: The clock, C(device), C(link), C(clock_name) and C(kind).
  type: dict
  returned: always
  sample: {device: /dev/ptp0, link: /dev/ptp_kvm, clock_name: KVM virtual PTP, kind: kvm}
sanity:
  description:
    - The clock held against NTP's time. C(offset_seconds) is the clock less that time, or less the system clock where
      nothing vouches for it; C(reference) is what vouches; C(verdict) is V(ok), V(far) or V(unknown). Null where
      nothing had to be changed.
  type: dict
  returned: always
  sample: {offset_seconds: 0.000012, uncertainty_seconds: 1.0e-06, method: precise, verdict: ok,
           reference: 'chrony: 192.0.2.1, stratum 3'}
checked:
  description: Whether C(chronyd -p) accepted the configuration; null where it cannot (before 4.0) or need not.
  type: bool
  returned: always
files:
  description: The files that were changed.
  type: list
  elements: str
  returned: always
conflicts:
  description: Other time services, C(service) and C(did).
  type: list
  elements: dict
  returned: always
  sample: [{service: systemd-timesyncd, did: stopped and disabled}]
selected:
  description: The proof, what chrony says of the source it follows. Null where chrony was not set up.
  type: dict
  returned: always
  sample: {source: PHC0, stratum: 1, offset_seconds: 1.2e-08, root_dispersion: 1.0e-06, reference_id: '50484330'}
before:
  description: Who kept the time before, as C(time_sync) of M(cloudclock.linux.clock_facts).
  type: dict
  returned: always
after:
  description: The same afterwards.
  type: dict
  returned: always
'''

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _chrony
from ..module_utils._lock import PATIENCE, Lock
from ..module_utils._root import Root


def run(module, root):
    """The result. ValueError and OSError, with everything as it was, where it cannot be done."""
    if root.live and os.geteuid() != 0:
        raise ValueError('this takes root: chrony\'s files and the clock are its own (use become)')
    act = _chrony.present if module.params['state'] == 'present' else _chrony.absent
    if module.check_mode:
        return act(module, root, module.params)
    # Another run may be waiting for chronyd for as long as this one would.
    with Lock(root, PATIENCE + module.params['settle_seconds']):
        return act(module, root, module.params)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            profiles=dict(type='list', elements='dict', default=[]),
            variant=dict(type='str', default=''),
            max_offset=dict(type='float', default=0.1),
            unverified=dict(type='str', choices=['refuse', 'accept'], default='refuse'),
            settle_seconds=dict(type='float', default=60),
            metadata=dict(type='str', choices=['never', 'when_unsettled'], default='never'),
            root=dict(type='path', default='/'),
            remember=dict(type='bool', default=True),
        ),
        supports_check_mode=True,
    )
    try:
        result = run(module, Root(module.params['root']))
    except _chrony.Failed as exc:
        module.fail_json(msg=str(exc), action='rolled_back', changed=exc.changed, **exc.details)
    except (ValueError, OSError) as exc:
        module.fail_json(msg=str(exc))
    if result.pop('failed', False):
        module.fail_json(msg=result['reason'], **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
