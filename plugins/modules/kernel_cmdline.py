#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: kernel_cmdline
short_description: Kernel arguments present or absent at the next boot, whatever the boot loader
version_added: 0.1.0
description:
  - Makes the named kernel arguments stand exactly once on the command line of the entry that boots next, or not at all.
  - Compares I(effective) arguments, read back from the generated boot menu, so a file that says the right thing but
    was never made into a menu is repaired, and a value that another file overrides counts for nothing.
  - Chooses the way by what the machine has. GRUB with the drop-in folder C(/etc/default/grub.d) gets a drop-in that
    is sourced last; GRUB without it gets C(/etc/default/grub) edited; GRUB with loader entries gets the entries,
    C(grubenv), C(/etc/default/grub) and, where it exists and names the root, C(/etc/kernel/cmdline); systemd-boot gets
    its entries and that file; ostree systems get C(rpm-ostree kargs); extlinux gets its configuration. A unified kernel
    image is refused.
  - Everything else on the line stays as it is. The former value of a name gives way, except for names that the kernel
    reads at every occurrence, such as C(console) and C(tsc).
  - When a step fails, the files and the menu are put back.
author:
  - cloudclock.linux contributors (@cloudclock)
options:
  args:
    description:
      - The arguments, as C(key=value) or C(key).
      - With O(state=absent) a C(key) removes the argument with any value.
      - Needed unless O(state=restored).
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) makes each argument stand once.
      - V(absent) makes none of them stand.
      - V(restored) goes back to what was recorded before the first change. A file that nobody else wrote to since gets
        its former bytes; out of any other only these arguments are taken, and RV(not_restored) says so. Without a
        record only files that are marked as written by this module go. O(args) is not used.
    type: str
    choices: [present, absent, restored]
    default: present
  root:
    description:
      - A directory that holds the machine, for example a mounted image. Nothing outside of it is read or written.
    type: path
    default: /
  regenerate:
    description:
      - Whether to regenerate the boot menu where there is one that is generated.
      - By default yes on the running machine and no below another O(root), where RV(command) names what must run.
      - Below another O(root) the command runs by C(chroot), which takes the same architecture, an init in the tree and
        C(/dev) and C(/proc) mounted there.
    type: bool
  allow_menu_drift:
    description:
      - Accept a regenerated boot menu that differs from the present one by more than the arguments, for example because
        another file was edited since. By default that is refused and shown in RV(menu_drift).
    type: bool
    default: false
  remember:
    description:
      - Record the former state in C(/var/lib/cloudclock/state.json) before the first change, for O(state=restored).
        An existing record is never overwritten. Only on the running machine.
    type: bool
    default: true
  backup:
    description:
      - Keep a copy of each file beside it before it is changed.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Predicts by the same code. Where a menu would be regenerated, one is made in a temporary folder to see
      whether it would differ by more than the arguments.
  diff_mode:
    support: full
    description: Shows the files, and of a generated menu the lines that boot kernels. Secrets are hidden.
notes:
  - Must run as root on the running machine.
  - Arguments with characters that a boot menu interprets (C($), backslash, quotes, C(;) and the like) are refused.
seealso:
  - name: The kernel's command-line parameters
    description: The names and what they mean.
    link: https://docs.kernel.org/admin-guide/kernel-parameters.html
'''

EXAMPLES = r'''
- name: Boot with the TSC as clock source
  cloudclock.linux.kernel_cmdline:
    args:
      - clocksource=tsc

- name: See what would change in a mounted image, as a diff
  cloudclock.linux.kernel_cmdline:
    args: [clocksource=tsc]
    root: /mnt/image
  check_mode: true
  diff: true

- name: Remove an argument whatever its value
  cloudclock.linux.kernel_cmdline:
    args: [clocksource]
    state: absent

- name: Go back to what the machine had
  cloudclock.linux.kernel_cmdline:
    state: restored
'''

RETURN = r'''
backend:
  description: The way that was taken.
  type: str
  returned: success
  sample: grub
effective:
  description:
    - The kernel's arguments of the entry that boots next, after the change; predicted in check mode and where the menu
      was not regenerated. Values of names that look like secrets are hidden. Null where it cannot be known.
  type: list
  elements: str
  returned: success
effective_before:
  description: The same before the change.
  type: list
  elements: str
  returned: success
running:
  description: The arguments of the running kernel; null below another root.
  type: list
  elements: str
  returned: success
reboot_required:
  description: Whether the running kernel's arguments differ from what was asked for; null below another root.
  type: bool
  returned: success
entries_disagreeing:
  description: Identifiers of other normal entries that do not have what was asked for.
  type: list
  elements: str
  returned: success
reason:
  description: What is special about the entry that boots next, for example that it was chosen for one boot.
  type: str
  returned: success
files:
  description: The files that were changed, generated menus apart.
  type: list
  elements: str
  returned: success
  sample: [/etc/default/grub.d/zz-cloudclock.cfg]
backups:
  description: The copies that O(backup) made.
  type: list
  elements: str
  returned: success
command:
  description: What must run for the files to take effect, null when nothing must.
  type: str
  returned: success
  sample: chroot /mnt/image update-grub
future_kernels:
  description: V(covered) when kernels that are installed later get the arguments too, else V(not_covered).
  type: str
  returned: success
future_kernels_reason:
  description: Why, where there is something to say.
  type: str
  returned: success
menu_drift:
  description: What else a regenerated menu differs in, as a unified diff.
  type: list
  elements: str
  returned: always
not_restored:
  description: What could not be brought back.
  type: list
  elements: str
  returned: when O(state=restored)
'''

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _cmdline
from ..module_utils._lock import Lock
from ..module_utils._root import Root


def main():
    module = AnsibleModule(
        argument_spec=dict(
            args=dict(type='list', elements='str', default=[]),
            state=dict(type='str', choices=['present', 'absent', 'restored'], default='present'),
            root=dict(type='path', default='/'),
            regenerate=dict(type='bool'),
            allow_menu_drift=dict(type='bool', default=False),
            remember=dict(type='bool', default=True),
            backup=dict(type='bool', default=False),
        ),
        supports_check_mode=True,
    )
    from ..module_utils._bootloader import _transaction
    try:
        result = run(module, module.params, _transaction)
    except (ValueError, OSError) as exc:
        message, details = _transaction.failure(exc)
        module.fail_json(msg=_cmdline.mask_text(message), **details)
    module.exit_json(**result)


def run(module, params, transaction):
    """The module's result. ValueError and OSError, with everything as it was, where it cannot be done."""
    root = Root(params['root'])
    if params['state'] != 'restored' and not params['args']:
        raise ValueError('args: name at least one argument')
    wish = _cmdline.Wish(*((params['args'], []) if params['state'] == 'present' else ([], params['args'])))
    if root.live and os.geteuid() != 0:
        raise ValueError('this takes root: the boot loader\'s files are its own (use become)')
    options = dict(params, regenerate=root.live if params['regenerate'] is None else params['regenerate'])
    if options['regenerate'] and not root.live:
        from ..module_utils._bootloader import _chroot
        _chroot.check(root)
    with Lock(root):
        work = transaction.Transaction(module, root, options)
        return work.restore() if params['state'] == 'restored' else work.set(wish)


if __name__ == '__main__':
    main()
