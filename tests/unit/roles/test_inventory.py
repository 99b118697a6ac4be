# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups that playbooks/inventory/clocks.yml makes of cached facts."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

GROUPS = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'playbooks', 'inventory', 'clocks.yml')

FACTS = {
    'web1': {'cloud': {'provider': 'aws'}, 'hypervisor': {'type': 'xen', 'container': None}, 'tsc': {'unstable': False},
             'clocksource': {'current': 'xen', 'recommended': 'tsc', 'verdict': 'slow'},
             'boot': {'reboot_required': False}},
    'web2': {'cloud': {'provider': 'gcp'}, 'hypervisor': {'type': 'kvm', 'container': None}, 'tsc': {'unstable': True},
             'clocksource': {'current': 'kvm-clock', 'recommended': 'kvm-clock', 'verdict': 'acceptable'},
             'boot': {'reboot_required': True}},
    'lost1': {'cloud': {'provider': None}, 'hypervisor': {'type': 'openbsd-vmm', 'container': 'lxc'},
              'tsc': {'unstable': None}, 'clocksource': {'current': None, 'recommended': None, 'verdict': 'unknown'},
              'boot': {'reboot_required': None}},
}

CACHE = '''
- hosts: all:!new1
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        clock: "{{ recorded[inventory_hostname] }}"
        cacheable: true
'''


def test_groups_of_cached_facts(tmp_path):
    inventory = tmp_path / 'inventory'
    inventory.mkdir()
    (inventory / '10-hosts').write_text(''.join(host + '\n' for host in [*FACTS, 'new1']))
    shutil.copy(GROUPS, str(inventory / '20-clocks.yml'))
    (tmp_path / 'cache.yml').write_text(CACHE)
    (tmp_path / 'ansible.cfg').write_text(
        '[defaults]\nfact_caching = jsonfile\nfact_caching_connection = %s\n' % (tmp_path / 'facts'))
    settings = dict(os.environ, ANSIBLE_CONFIG=str(tmp_path / 'ansible.cfg'), ANSIBLE_LOCAL_TEMP=str(tmp_path / 'tmp'),
                    PYTHONUTF8='1')
    tools = os.path.dirname(sys.executable)
    filled = subprocess.run(
        [os.path.join(tools, 'ansible-playbook'), '-i', str(inventory), str(tmp_path / 'cache.yml'),
         '-e', json.dumps({'recorded': FACTS})], env=settings, cwd=str(tmp_path), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding='utf-8', timeout=60, check=False)
    assert filled.returncode == 0, filled.stdout
    listed = subprocess.run([os.path.join(tools, 'ansible-inventory'), '-i', str(inventory), '--list'], env=settings,
                            cwd=str(tmp_path), stdout=subprocess.PIPE, encoding='utf-8', timeout=60, check=False)
    found = json.loads(listed.stdout)
    groups = {name: found[name].get('hosts', []) for name in found['all']['children'] if name.startswith('clock_')}
    assert groups == {
        'clock_current_xen': ['web1'], 'clock_current_kvm_clock': ['web2'], 'clock_recommended_tsc': ['web1'],
        'clock_recommended_kvm_clock': ['web2'], 'clock_verdict_slow': ['web1'], 'clock_verdict_acceptable': ['web2'],
        'clock_verdict_unknown': ['lost1'], 'clock_cloud_aws': ['web1'], 'clock_cloud_gcp': ['web2'],
        'clock_hypervisor_xen': ['web1'], 'clock_hypervisor_kvm': ['web2'], 'clock_hypervisor_openbsd_vmm': ['lost1'],
        'clock_reboot_pending': ['web2'], 'clock_tsc_unstable': ['web2'], 'clock_container': ['lost1'],
        'clock_unknown': ['new1']}
    assert all(re.match(r'^\w+$', name) for name in groups)
