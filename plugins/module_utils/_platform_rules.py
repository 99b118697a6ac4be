# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a cloud or a hypervisor: ordered tables, first match wins.

A condition is ``(DMI field, how, text)``; how is ``=`` equal, ``^`` begins, ``$`` ends, ``~`` contains.
DMI texts are compared with their case: a Chromebook says GOOGLE, a cloud machine Google.
Sources: cloud-init tools/ds-identify and its tests, systemd src/basic/virt.c, virt-what 1.25 and its recorded
machines, chef/dmidecode_collection, QEMU hw/arm/virt.c and target/i386, the vendors' pages named at the row.
"""

# cloud, conditions that must all hold
CLOUDS = (
    # docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
    ('aws', (('sys_vendor', '=', 'Amazon EC2'),)),
    ('aws', (('bios_vendor', '=', 'Amazon EC2'),)),
    ('aws', (('bios_version', '$', '.amazon'),)),
    ('aws', (('product_version', '$', '.amazon'),)),
    # cloud.google.com/compute/docs/instances/detect-compute-engine
    ('gcp', (('product_name', '=', 'Google Compute Engine'),)),
    ('gcp', (('product_serial', '^', 'GoogleCloud-'),)),
    ('gcp', (('sys_vendor', '=', 'Google'), ('product_name', '=', 'Google'))),
    ('azure', (('chassis_asset_tag', '=', '7783-7084-3265-9085-8269-3286-77'),)),
    ('oracle', (('chassis_asset_tag', '=', 'OracleCloud.com'),)),
    ('alibaba', (('sys_vendor', '^', 'Alibaba'),)),
    ('alibaba', (('product_name', '^', 'Alibaba Cloud'),)),
    ('digitalocean', (('sys_vendor', '=', 'DigitalOcean'),)),
    ('hetzner', (('sys_vendor', '=', 'Hetzner'),)),
    ('ibm', (('sys_vendor', '^', 'IBM:Cloud Compute Server'),)),
    ('ibm', (('chassis_asset_tag', '=', 'ibmcloud'),)),
    ('ibm', (('chassis_asset_tag', '=', 'IBM SoftLayer'),)),
    ('ibm', (('board_asset_tag', '=', 'IBM SoftLayer'),)),
    ('vultr', (('sys_vendor', '=', 'Vultr'),)),
    ('scaleway', (('sys_vendor', '=', 'Scaleway'),)),
    ('scaleway', (('product_name', '^', 'SCW-'),)),
    ('akamai', (('sys_vendor', '=', 'Akamai'),)),
    ('akamai', (('sys_vendor', '=', 'Linode'),)),
    ('exoscale', (('product_name', '^', 'Exoscale'),)),
    ('exoscale', (('sys_vendor', '=', 'Exoscale'),)),
    ('upcloud', (('sys_vendor', '=', 'UpCloud'),)),
    # A cloud outside our list, or a look-alike of EC2's service: it must not fall to a rule below.
    ('none', (('product_serial', '$', '.brightbox.com'),)),
    ('none', (('chassis_asset_tag', '$', '.zstack.io'),)),
    ('none', (('sys_vendor', '=', 'e24cloud'),)),
    ('none', (('sys_vendor', '=', 'Tilaa'),)),
    ('none', (('sys_vendor', '=', '3DS Outscale'),)),
    ('none', (('product_name', '^', 'CloudStack'),)),
    ('none', (('sys_vendor', '=', 'Tencent Cloud'),)),
    ('openstack', (('product_name', '^', 'OpenStack'),)),
    ('openstack', (('sys_vendor', '^', 'OpenStack'),)),
    ('openstack', (('chassis_asset_tag', '^', 'OpenStack'),)),
    ('openstack', (('chassis_asset_tag', '=', 'OpenTelekomCloud'),)),
    ('openstack', (('chassis_asset_tag', '=', 'HUAWEICLOUD'),)),
    ('openstack', (('chassis_asset_tag', '=', 'SAP CCloud VM'),)),
    ('openstack', (('chassis_asset_tag', '=', 'Samsung Cloud Platform'),)),
)

# cloud-init's cloud id or data source → cloud (cloudinit/sources/DataSource*.py, dsname and cloud_name)
CLOUD_INIT = {
    'aws': 'aws', 'gce': 'gcp', 'azure': 'azure', 'aliyun': 'alibaba', 'oracle': 'oracle', 'ibmcloud': 'ibm',
    'digitalocean': 'digitalocean', 'hetzner': 'hetzner', 'openstack': 'openstack', 'vultr': 'vultr',
    'scaleway': 'scaleway', 'akamai': 'akamai', 'exoscale': 'exoscale', 'upcloud': 'upcloud',
}

# The hypervisor that a cloud's virtual machines run on, where there is just one.
CLOUD_HYPERVISOR = {
    'gcp': 'kvm', 'azure': 'hyperv', 'alibaba': 'kvm', 'oracle': 'kvm', 'digitalocean': 'kvm', 'hetzner': 'kvm',
    'vultr': 'kvm', 'scaleway': 'kvm', 'akamai': 'kvm', 'exoscale': 'kvm', 'upcloud': 'kvm',
}

# Firmware that is the hypervisor's own word: it stands above CPUID, which VirtualBox and Parallels answer as KVM.
FIRMWARE = (
    ('virtualbox', (('sys_vendor', '^', 'innotek'),)),
    ('virtualbox', (('product_name', '^', 'VirtualBox'),)),
    ('virtualbox', (('bios_version', '^', 'VirtualBox'),)),
    ('parallels', (('sys_vendor', '^', 'Parallels'),)),
    ('parallels', (('bios_vendor', '^', 'Parallels'),)),
    ('vmware', (('sys_vendor', '^', 'VMware'),)),
    ('vmware', (('product_name', '^', 'VMware'),)),
    ('vmware', (('bios_version', '^', 'VMW'),)),
    ('bhyve', (('product_name', '=', 'BHYVE'),)),
    ('bhyve', (('bios_vendor', '=', 'BHYVE'),)),
)

XEN_FIRMWARE = (
    ('xen', (('product_name', '=', 'HVM domU'),)),
    ('xen', (('sys_vendor', '=', 'Xen'),)),
    ('xen', (('bios_vendor', '=', 'Xen'),)),
)

# CPUID leaf 0x40000000, as text without trailing blanks
SIGNATURES = {
    'KVMKVMKVM': 'kvm', 'Linux KVM Hv': 'kvm', 'LKVMLKVMLKVM': 'kvm', 'XenVMMXenVMM': 'xen',
    'Microsoft Hv': 'hyperv', 'VMwareVMware': 'vmware', 'TCGTCGTCGTCG': 'qemu-tcg', 'VBoxVBoxVBox': 'virtualbox',
    'bhyve bhyve': 'bhyve', 'OpenBSDVMM58': 'openbsd-vmm', 'prl hyperv': 'parallels', 'lrpepyh vr': 'parallels',
    'ACRNACRNACRN': 'unknown-vm', 'SRESRESRESRE': 'unknown-vm', 'QNXQVMBSQG': 'unknown-vm',
    'Apple VZ': 'unknown-vm', 'Jailhouse': 'unknown-vm', 'UnisysSpar64': 'unknown-vm',
}

# "Hypervisor detected: …" (arch/x86/kernel/cpu/hypervisor.c and the names in each hypervisor's x86_hyper_*)
LOG_NAMES = (
    ('KVM', 'kvm'), ('Xen', 'xen'), ('Microsoft', 'hyperv'), ('VMware', 'vmware'), ('Jailhouse', 'unknown-vm'),
    ('ACRN', 'unknown-vm'), ('bhyve', 'bhyve'), ('KVM/Linux', 'kvm'),
)

# Firmware that says little more than "a virtual machine of this family": it stands below CPUID.
VM_FIRMWARE = (
    ('kvm', (('product_name', '~', 'KVM'),)),
    ('kvm', (('sys_vendor', '=', 'KVM'),)),
    ('kvm', (('product_name', '^', 'RHEV'),)),
    ('kvm', (('sys_vendor', '=', 'oVirt'),)),
    ('kvm', (('sys_vendor', '=', 'KubeVirt'),)),
    ('kvm', (('product_name', '=', 'KubeVirt'),)),
    ('kvm', (('product_name', '=', 'AHV'),)),
    ('kvm', (('product_name', '=', 'crosvm'),)),
    ('hyperv', (('sys_vendor', '=', 'Microsoft Corporation'), ('product_name', '=', 'Virtual Machine'))),
    ('hyperv', (('product_version', '^', 'Hyper-V'),)),
    ('openbsd-vmm', (('sys_vendor', '=', 'OpenBSD'),)),
    ('unknown-vm', (('product_name', '^', 'Apple Virtualization'),)),
    ('unknown-vm', (('product_name', '^', 'SmartDC'),)),
    ('unknown-vm', (('product_name', '^', 'CloudStack'),)),
    ('unknown-vm', (('product_name', '^', 'OpenStack'), ('bios_vendor', '=', 'Xen'))),
    ('kvm', (('product_name', '^', 'OpenStack'),)),
)

QEMU_FIRMWARE = (
    ('qemu', (('sys_vendor', '=', 'QEMU'),)),
    ('qemu', (('chassis_vendor', '=', 'QEMU'),)),
    ('qemu', (('sys_vendor', '=', 'Bochs'),)),
    ('qemu', (('bios_vendor', '=', 'Bochs'),)),
    ('qemu', (('product_version', '^', 'pc-'),)),
)

# An instance type that is a whole machine: x.metal, x.metal-24xl, c3-…-metal, BM.Standard…, ecs.ebm…, vbm-…, EM-…
METAL_TYPE = r'(?:\.metal(?:-|$)|-metal(?:-|$)|^BM\.|^ecs\.ebm|^vbm-|^EM-)'

# Marks in /proc/self/cgroup, most telling first; names of services (docker.service) are the host's and do not match.
CGROUPS = (
    ('podman', r'/libpod-'),
    ('docker', r'/docker/[0-9a-f]{12}|/docker-[0-9a-f]{12}|/actions_job/|/ecs/[^/\n]+/[0-9a-f]{12}'),
    ('cri-o', r'/crio-[0-9a-f]{12}'),
    ('containerd', r'/cri-containerd[-:][0-9a-f]{12}|:cri-containerd:|/nerdctl-'),
    ('garden', r'/garden/'),
    ('lxc', r'/lxc/|/lxc\.payload'),
    ('kubernetes', r'/kubepods'),
)
