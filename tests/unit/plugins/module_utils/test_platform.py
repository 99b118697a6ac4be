# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recorded machine, laid out as files below a root and judged; then the cases that a record cannot show."""
import io
import json
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _evidence, _hypervisor, _platform
from ansible_collections.cloudclock.linux.plugins.module_utils import _platform_rules as rules
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

MACHINES = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'machines')
PROVIDERS = {'aws', 'gcp', 'azure', 'alibaba', 'oracle', 'digitalocean', 'hetzner', 'openstack', 'ibm', 'vultr',
             'scaleway', 'akamai', 'exoscale', 'upcloud', 'none', None}
HYPERVISORS = {'kvm', 'xen', 'hyperv', 'vmware', 'qemu-tcg', 'virtualbox', 'parallels', 'bhyve', 'openbsd-vmm',
               'unknown-vm', 'none', None}


def recorded(*names):
    rows = []
    for name in names:
        with io.open(os.path.join(MACHINES, name), encoding='utf-8') as handle:
            rows.extend(json.load(handle))
    return [pytest.param(row, id=row['id']) for row in rows]


def lay_out(top, machine):
    for path, text in machine['files'].items():
        target = os.path.join(str(top), path)
        if not os.path.isdir(os.path.dirname(target)):
            os.makedirs(os.path.dirname(target))
        with io.open(target, 'w', encoding='utf-8', newline='') as handle:
            handle.write(text)
    if machine.get('cpuid_signature'):
        probe = {'cpuid': {'hypervisor_signature': machine['cpuid_signature']}}
        with io.open(os.path.join(str(top), 'probe.json'), 'w', encoding='utf-8') as handle:
            handle.write(json.dumps(probe))
    return Root(str(top))


def wrong(found, expect):
    """{fact: (found, expected)} of what a record's answer contradicts."""
    cloud, hypervisor = found['cloud'], found['hypervisor']
    differs = {}
    for key, value, accepted in (
            ('cloud', cloud['provider'], [expect['cloud']] + expect.get('accept_cloud', [])),
            ('hypervisor', hypervisor['type'], [expect['hypervisor']] + expect.get('accept_hypervisor', []))):
        if value not in accepted:
            differs[key] = (value, accepted)
    for key in ('virt_mode', 'xen_role'):
        if key in expect and hypervisor[key] != expect[key]:
            differs[key] = (hypervisor[key], expect[key])
    if hypervisor['container'] != expect.get('container'):
        differs['container'] = (hypervisor['container'], expect.get('container'))
    platform = expect.get('platform', cloud['platform'])
    if expect['cloud'] == 'none':
        platform = None
    elif expect.get('metal'):
        platform = 'metal'
    elif expect['cloud'] == 'aws' and 'nitro' in expect:
        platform = 'nitro' if expect['nitro'] else 'xen'
    if cloud['platform'] != platform:
        differs['platform'] = (cloud['platform'], platform)
    if 'instance_type' in expect and cloud['instance_type'] != expect['instance_type']:
        differs['instance_type'] = (cloud['instance_type'], expect['instance_type'])
    return differs


@pytest.mark.parametrize('machine', recorded('detection.json', 'further.json'))
def test_recorded_machine(machine, tmp_path):
    found = _platform.judge(_evidence.collect(lay_out(tmp_path, machine)))
    assert wrong(found, machine['expect']) == {}
    assert found['cloud']['provider'] in PROVIDERS
    assert found['hypervisor']['type'] in HYPERVISORS
    assert found['cloud']['evidence'], 'an answer names what decided it'


@pytest.mark.parametrize('machine', [
    row for row in recorded('detection.json') if row.values[0].get('unreadable')])
def test_denied_files_do_not_change_the_answer(machine, tmp_path, monkeypatch):
    """What only root may read is denied here, as to an ordinary user, whoever runs the test."""
    root = lay_out(tmp_path, machine.copy())
    denied = set(machine['unreadable'])
    for path in denied:
        target = os.path.join(str(tmp_path), path)
        with io.open(target, 'w', encoding='utf-8') as handle:
            handle.write('4C4C4544-0000-0000-0000-000000000000\n')
    read = Root.read
    monkeypatch.setattr(Root, 'read', lambda self, path, **kw: None if path in denied else read(self, path, **kw))
    assert wrong(_platform.judge(_evidence.collect(root)), machine['expect']) == {}


def test_nothing_readable_is_null_and_open(tmp_path):
    found = _platform.judge(_evidence.collect(Root(str(tmp_path))))
    assert found['cloud'] == {'provider': None, 'platform': None, 'instance_type': None, 'evidence': [],
                              'settled': False}
    assert found['hypervisor']['type'] is None
    assert found['hypervisor']['container'] is None


def test_cpuinfo_of_aarch64_alone_does_not_prove_bare_hardware():
    assert _platform.judge({'cpu': {'features': 'fp asimd'}})['hypervisor']['type'] is None


@pytest.mark.parametrize('evidence, settled', [
    ({'dmi': {'sys_vendor': 'Amazon EC2', 'product_name': 'm5.large'}}, True),
    ({'dmi': {'sys_vendor': 'Dell Inc.'}, 'cpu': {'flags': ['tsc']}}, True),
    ({'dmi': {'sys_vendor': 'QEMU'}, 'cpu': {'flags': ['hypervisor']}}, True),
    ({'cpu': {'flags': ['tsc']}}, True),
    ({'cpu': {'flags': ['hypervisor']}}, False),
    ({'cpu': {'flags': ['hypervisor']}, 'cloud_init': {'cloud_id': 'gce'}}, True),
])
def test_settled_says_whether_asking_has_a_point(evidence, settled):
    assert _platform.judge(evidence)['cloud']['settled'] is settled


def test_signature_comes_back_as_it_was_read():
    found = _platform.judge({'signature': 'Microsoft Hv', 'cpu': {'flags': ['hypervisor']}})
    assert (found['hypervisor']['type'], found['hypervisor']['signature']) == ('hyperv', 'Microsoft Hv')


def test_amazon_linux_at_home_is_no_cloud():
    found = _platform.judge({'dmi': {'sys_vendor': 'QEMU', 'product_name': 'Standard PC (Q35 + ICH9, 2009)'},
                             'signature': 'KVMKVMKVM', 'cpu': {'flags': ['hypervisor']}})
    assert (found['cloud']['provider'], found['hypervisor']['type']) == ('none', 'kvm')


@pytest.mark.parametrize('instance_type', [
    'i3.metal', 'm7i.metal-24xl', 'u-6tb1.metal', 'c3-highcpu-192-metal', 'BM.Standard3.64', 'ecs.ebmg7.32xlarge',
    'bx2-metal-96x384', 'vbm-4c-32gb'])
def test_metal_types(instance_type):
    assert _hypervisor.is_metal({}, instance_type)


@pytest.mark.parametrize('instance_type', ['m5.large', 'ecs.g7.large', 'metallica', 'VM.Standard.BM', 'x.metallic'])
def test_types_that_are_not_metal(instance_type):
    assert not _hypervisor.is_metal({'cpu': {'flags': ['hypervisor']}}, instance_type)


@pytest.mark.parametrize('table', [rules.CLOUDS, rules.FIRMWARE, rules.XEN_FIRMWARE, rules.VM_FIRMWARE,
                                   rules.QEMU_FIRMWARE, rules.QEMU_BIOS])
def test_tables_name_fields_that_are_read(table):
    for answer, conditions in table:
        for field, how, text in conditions:
            assert field in _evidence.DMI, answer
            assert how in '=^$~' and text, answer


def test_tables_answer_in_the_vocabulary():
    assert {row[0] for row in rules.CLOUDS} | set(rules.CLOUD_INIT.values()) <= PROVIDERS
    tables = rules.FIRMWARE + rules.VM_FIRMWARE + rules.XEN_FIRMWARE
    named = {row[0] for row in tables} | set(rules.SIGNATURES.values()) | {row[1] for row in rules.LOG_NAMES}
    assert named <= HYPERVISORS


def test_firmware_texts_are_compared_with_their_case():
    assert rules.match({'sys_vendor': 'GOOGLE', 'product_name': 'Google'}, rules.CLOUDS) == (None, None)


@pytest.mark.parametrize('text, vendor, product, bios', [
    ('Amazon EC2 r5d.xlarge/, BIOS 1.0 10/16/2017', 'Amazon EC2', 'r5d.xlarge', '1.0'),
    ('Xen HVM domU, BIOS 4.2.amazon 08/24/2006', 'Xen', 'HVM domU', '4.2.amazon'),
    ('Dell Inc. PowerEdge R720/0X3D66, BIOS 2.5.2 01/28/2015', 'Dell Inc. PowerEdge R720', '', '2.5.2'),
    ('VMware, Inc. VMware20,1/440BX Desktop Reference Platform, BIOS VMW201.00V 12/05/2022',
     'VMware, Inc. VMware20,1', '', 'VMW201.00V'),
])
def test_the_kernels_line_about_firmware(text, vendor, product, bios):
    assert rules.from_log(text) == {'sys_vendor': vendor, 'product_name': product, 'bios_version': bios}


def test_firmware_itself_stands_above_the_kernels_line():
    found = _platform.judge({'dmi': {'sys_vendor': 'Hetzner'}, 'log': {'dmi': 'Vultr VC2, BIOS 1 1/1/2020'}})
    assert found['cloud']['provider'] == 'hetzner'


def test_at_least_sixty_machines_beyond_the_sample_each_with_its_source():
    rows = [param.values[0] for param in recorded('further.json')]
    assert len(rows) >= 60
    assert len({row['id'] for row in rows}) == len(rows)
    assert all(row['source'] for row in rows)
