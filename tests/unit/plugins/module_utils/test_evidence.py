# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _evidence
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root, RootError


def write(top, path, text):
    target = os.path.join(str(top), path)
    if not os.path.isdir(os.path.dirname(target)):
        os.makedirs(os.path.dirname(target))
    with open(target, 'w') as handle:
        handle.write(text)


def test_cpuinfo_takes_the_first_processor_only():
    text = ('processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nflags\t\t: tsc hypervisor\n\n'
            'processor\t: 1\nvendor_id\t: Other\nflags\t\t: tsc nonstop_tsc\n\n')
    assert _evidence.cpuinfo(text) == {'vendor': 'GenuineIntel', 'model': 'Xeon', 'flags': ['tsc', 'hypervisor']}


def test_cpuinfo_of_power_has_its_platform_behind_the_processors():
    text = 'processor\t: 0\ncpu\t\t: POWER8\n\nprocessor\t: 1\ncpu\t\t: POWER8\n\nplatform\t: pSeries\n'
    assert _evidence.cpuinfo(text)['platform'] == 'pSeries'


def test_placeholders_of_firmware_are_empty(tmp_path):
    write(tmp_path, 'sys/class/dmi/id/sys_vendor', 'To be filled by O.E.M.\n')
    write(tmp_path, 'sys/class/dmi/id/product_name', ' HVM domU \n')
    dmi = _evidence.collect(Root(str(tmp_path)))['dmi']
    assert (dmi['sys_vendor'], dmi['product_name']) == ('', 'HVM domU')


def test_firmware_behind_the_kernels_own_link(tmp_path):
    write(tmp_path, 'sys/devices/virtual/dmi/id/sys_vendor', 'Hetzner\n')
    os.makedirs(str(tmp_path / 'sys' / 'class' / 'dmi'))
    os.symlink('../../devices/virtual/dmi/id', str(tmp_path / 'sys' / 'class' / 'dmi' / 'id'))
    assert _evidence.collect(Root(str(tmp_path)))['dmi'] == {'sys_vendor': 'Hetzner'}


def test_link_out_of_the_root_is_an_error(tmp_path):
    inside = tmp_path / 'inside'
    write(inside, 'sys/class/x', '')
    os.makedirs(str(inside / 'proc'))
    os.symlink('../../outside', str(inside / 'proc' / 'cpuinfo'))
    with pytest.raises(RootError, match='leaves the root'):
        _evidence.collect(Root(str(inside)))


@pytest.mark.parametrize('probe, signature', [
    ({'cpuid': {'hypervisor_signature': 'KVMKVMKVM\0\0\0'}}, 'KVMKVMKVM'),
    ({'cpuid': {'hypervisor_signature': 'bhyve bhyve '}}, 'bhyve bhyve'),
    ({'cpuid': {'hypervisor_signature': ''}}, None),
    ({'cpuid': {'hypervisor_signature': None}}, None),
    ({'cpuid': None}, None),
    ([], None),
])
def test_signature_of_a_recorded_probe(tmp_path, probe, signature):
    write(tmp_path, 'probe.json', json.dumps(probe))
    assert _evidence.collect(Root(str(tmp_path)))['signature'] == signature


def test_a_probe_that_ran_stands_above_the_recorded_one(tmp_path):
    write(tmp_path, 'probe.json', '{"cpuid": {"hypervisor_signature": "KVMKVMKVM"}}')
    ran = {'cpuid': {'hypervisor_signature': 'XenVMMXenVMM'}}
    assert _evidence.collect(Root(str(tmp_path)), probe=ran)['signature'] == 'XenVMMXenVMM'


def test_broken_probe_says_so(tmp_path):
    write(tmp_path, 'probe.json', '{"cpuid": ')
    with pytest.raises(ValueError, match='probe.json'):
        _evidence.collect(Root(str(tmp_path)))


def test_cloud_inits_record_gives_names_and_type_and_nothing_else(tmp_path):
    write(tmp_path, 'run/cloud-init/instance-data.json', json.dumps({
        'v1': {'cloud_name': 'aws', 'platform': 'ec2', 'instance_id': 'i-0', 'public_ssh_keys': ['ssh-rsa AAA']},
        'ds': {'meta_data': {'instance-type': 't2.micro', 'iam': {'secret': 'hush'}}, 'user_data': 'hush'},
        'userdata': 'hush'}))
    record = _evidence.collect(Root(str(tmp_path)))['cloud_init']
    assert record == {'cloud_id': None, 'cloud_name': 'aws', 'platform': 'ec2', 'instance_type': 't2.micro'}


def test_cloud_inits_record_of_azure(tmp_path):
    write(tmp_path, 'run/cloud-init/cloud-id', 'azure\n')
    write(tmp_path, 'run/cloud-init/instance-data.json', json.dumps(
        {'ds': {'meta_data': {'imds': {'compute': {'vmSize': 'Standard_D2s_v5'}}}}}))
    record = _evidence.collect(Root(str(tmp_path)))['cloud_init']
    assert (record['cloud_id'], record['instance_type']) == ('azure', 'Standard_D2s_v5')


@pytest.mark.parametrize('text', ['', '{', '[]', '"x"', '{"v1": 3, "ds": {"meta_data": "x"}}',
                                  '{"v1": {"cloud_name": null}, "ds": null}'])
def test_cloud_inits_record_in_an_unknown_shape_is_no_record(tmp_path, text):
    write(tmp_path, 'run/cloud-init/instance-data.json', text)
    assert _evidence.collect(Root(str(tmp_path)))['cloud_init'] is None


def test_two_candidates_of_ds_identify_decide_nothing(tmp_path):
    write(tmp_path, 'run/cloud-init/cloud.cfg', 'datasource_list: [ GCE, Azure, None ]\n')
    assert _evidence.collect(Root(str(tmp_path)))['cloud_init'] is None


def test_log_marks_are_the_last_boots():
    class Live:
        live = True
        path = '/'

        def line(self, path):
            return None

        read = line

        def head(self, path, size):
            return None

        def exists(self, path):
            return False

        isdir = exists

        def listdir(self, path):
            return []

    lines = ['[    0.000000] Hypervisor detected: VMware', '[    0.100000] Hypervisor detected: KVM',
             '[    0.200000] Booting paravirtualized kernel on KVM']
    assert _evidence.collect(Live(), log=lines)['log'] == {'hypervisor': 'KVM', 'paravirt': 'KVM'}
    assert _evidence.collect(Live())['log'] == {}


def test_device_tree_in_sysfs_where_proc_has_none(tmp_path):
    write(tmp_path, 'sys/firmware/devicetree/base/hypervisor/compatible', 'linux,kvm\0')
    assert _evidence.collect(Root(str(tmp_path)))['device_tree']['hypervisor'] == 'linux,kvm'


def test_this_machine_gives_every_key():
    assert set(_evidence.collect(Root('/'))) == {
        'dmi', 'cpu', 'signature', 'xen', 'device_tree', 'sysinfo', 'tsc_khz', 'clocksources', 'log', 'buses',
        'release', 'cmdline', 'container', 'cloud_init'}
