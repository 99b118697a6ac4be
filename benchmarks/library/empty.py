# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r'''
module: empty
short_description: Do nothing
description:
  - The least that a module can cost, to compare others with.
author:
  - the cloudclock.linux contributors (@cloudclock)
'''

EXAMPLES = r'''
- name: Pay for a module and get none
  empty:
'''

RETURN = r'''# '''

from ansible.module_utils.basic import AnsibleModule


def main():
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json()


if __name__ == '__main__':
    main()
