# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a cloud, a hypervisor or a container: ordered tables, first match wins.

A firmware row is ``answer | DMI field, how, text | …`` and all its conditions must hold; how is ``=`` equal, ``^``
begins, ``$`` ends, ``~`` contains. Case counts: a Chromebook says GOOGLE, a cloud machine Google.
Sources: cloud-init tools/ds-identify and its tests, systemd src/basic/virt.c, virt-what 1.25 and its recorded
machines, chef/dmidecode_collection, QEMU hw/arm/virt.c and target/i386; vendors' pages where named.
"""


def _table(text):
    rows = []
    for line in text.strip().splitlines():
        answer, *conditions = line.split(' | ')
        rows.append((answer.strip(), [condition.split(' ', 2) for condition in conditions]))
    return rows


def match(dmi, table):
    """The first row of a firmware table that holds for ``{field: text}`` → (answer, why), else (None, None)."""
    for answer, conditions in table:
        if all(_holds(dmi.get(field, ''), how, text) for field, how, text in conditions):
            field = conditions[0][0]
            return answer, 'DMI %s "%s"' % (field, dmi[field])
    return None, None


def _holds(value, how, text):
    if how == '=':
        return value == text
    if how == '^':
        return value.startswith(text)
    return value.endswith(text) if how == '$' else text in value


def from_log(text):
    """The kernel's "Amazon EC2 r5d.xlarge/, BIOS 1.0 10/16/2017" (vendor product/board, BIOS version date) → fields.

    drivers/firmware/dmi_scan.c puts only a space between vendor and product, so a vendor is one that a row names;
    of others the two stay together.
    """
    name, dummy, bios = text.partition(', BIOS ')
    name = name.split('/')[0].strip()
    vendors = [row[1][0][2] for row in CLOUDS + XEN_FIRMWARE + VM_FIRMWARE + QEMU_FIRMWARE
               if row[1][0][:2] == ['sys_vendor', '=']]
    vendor = next((vendor for vendor in vendors if name.startswith(vendor + ' ')), name)
    return {'sys_vendor': vendor, 'product_name': name[len(vendor):].strip(), 'bios_version': bios.rpartition(' ')[0]}


# aws: docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
# gcp: cloud.google.com/compute/docs/instances/detect-compute-engine
# ibm: the chassis vendor's third part is the profile, "IBM:Cloud Compute Server 1.0:bx2-2x8"
# none: a cloud outside our list or a look-alike of EC2's service, which must not fall to a rule below.
CLOUDS = _table('''
aws | sys_vendor = Amazon EC2
aws | bios_vendor = Amazon EC2
aws | bios_version $ .amazon
aws | product_version $ .amazon
gcp | product_name = Google Compute Engine
gcp | product_serial ^ GoogleCloud-
gcp | sys_vendor = Google | product_name = Google
azure | chassis_asset_tag = 7783-7084-3265-9085-8269-3286-77
oracle | chassis_asset_tag = OracleCloud.com
alibaba | sys_vendor ^ Alibaba
alibaba | product_name ^ Alibaba Cloud
digitalocean | sys_vendor = DigitalOcean
hetzner | sys_vendor = Hetzner
ibm | sys_vendor ^ IBM:Cloud Compute Server
ibm | chassis_vendor ^ IBM:Cloud Compute Server
ibm | chassis_asset_tag = ibmcloud
ibm | chassis_asset_tag = IBM SoftLayer
ibm | board_asset_tag = IBM SoftLayer
vultr | sys_vendor = Vultr
scaleway | sys_vendor = Scaleway
scaleway | product_name ^ SCW-
akamai | sys_vendor = Akamai
akamai | sys_vendor = Linode
exoscale | product_name ^ Exoscale
exoscale | sys_vendor = Exoscale
upcloud | sys_vendor = UpCloud
none | product_serial $ .brightbox.com
none | chassis_asset_tag $ .zstack.io
none | sys_vendor = e24cloud
none | sys_vendor = Tilaa
none | sys_vendor = 3DS Outscale
none | product_name ^ CloudStack
none | sys_vendor = Tencent Cloud
openstack | product_name ^ OpenStack
openstack | sys_vendor ^ OpenStack
openstack | chassis_asset_tag ^ OpenStack
openstack | chassis_asset_tag = OpenTelekomCloud
openstack | chassis_asset_tag = HUAWEICLOUD
openstack | chassis_asset_tag = SAP CCloud VM
openstack | chassis_asset_tag = Samsung Cloud Platform
''')

# cloud-init's cloud id or data source → cloud (cloudinit/sources/DataSource*.py, dsname and cloud_name)
CLOUD_INIT = {
    'aws': 'aws', 'gce': 'gcp', 'azure': 'azure', 'aliyun': 'alibaba', 'oracle': 'oracle', 'ibmcloud': 'ibm',
    'digitalocean': 'digitalocean', 'hetzner': 'hetzner', 'openstack': 'openstack', 'vultr': 'vultr',
    'scaleway': 'scaleway', 'akamai': 'akamai', 'exoscale': 'exoscale', 'upcloud': 'upcloud',
}

# Clouds whose virtual machines run on one hypervisor only. (aws is Xen or KVM, openstack anything.)
KVM_CLOUDS = ('gcp', 'alibaba', 'oracle', 'digitalocean', 'hetzner', 'vultr', 'scaleway', 'akamai', 'exoscale',
              'upcloud')

# A whole machine: m5.metal, m7i.metal-24xl, c3-highcpu-192-metal, BM.Standard3.64, ecs.ebmg7.32xlarge, vbm-4c-32gb
METAL_TYPE = r'\.metal(?:-|$)|-metal(?:-|$)|^BM\.|^ecs\.ebm|^vbm-|^EM-'

XEN_FIRMWARE = _table('''
xen | product_name = HVM domU
xen | sys_vendor = Xen
xen | bios_vendor = Xen
''')

# The hypervisor's own word. It stands above CPUID, which VirtualBox and Parallels can answer as KVM does.
FIRMWARE = _table('''
virtualbox | sys_vendor ^ innotek
virtualbox | product_name ^ VirtualBox
virtualbox | bios_version ^ VirtualBox
parallels | sys_vendor ^ Parallels
parallels | bios_vendor ^ Parallels
vmware | sys_vendor ^ VMware
vmware | product_name ^ VMware
vmware | bios_version ^ VMW
bhyve | product_name = BHYVE
bhyve | bios_vendor = BHYVE
''')

# CPUID leaf 0x40000000 as text, without trailing blanks
SIGNATURES = {
    'KVMKVMKVM': 'kvm', 'Linux KVM Hv': 'kvm', 'LKVMLKVMLKVM': 'kvm', 'XenVMMXenVMM': 'xen',
    'Microsoft Hv': 'hyperv', 'VMwareVMware': 'vmware', 'TCGTCGTCGTCG': 'qemu-tcg', 'VBoxVBoxVBox': 'virtualbox',
    'bhyve bhyve': 'bhyve', 'OpenBSDVMM58': 'openbsd-vmm', 'prl hyperv': 'parallels', 'lrpepyh vr': 'parallels',
    'ACRNACRNACRN': 'unknown-vm', 'SRESRESRESRE': 'unknown-vm', 'QNXQVMBSQG': 'unknown-vm',
    'Apple VZ': 'unknown-vm', 'Jailhouse': 'unknown-vm', 'UnisysSpar64': 'unknown-vm',
}

# "Hypervisor detected: …": the names in the kernel's x86_hyper_* (arch/x86/kernel/cpu/, arch/x86/xen/)
LOG_NAMES = (
    ('KVM', 'kvm'), ('Xen', 'xen'), ('Microsoft', 'hyperv'), ('VMware', 'vmware'), ('Bhyve', 'bhyve'),
    ('Jailhouse', 'unknown-vm'), ('ACRN', 'unknown-vm'),
)

# A virtual machine of this family, no more: it stands below CPUID.
VM_FIRMWARE = _table('''
kvm | product_name ~ KVM
kvm | sys_vendor = KVM
kvm | product_name ^ RHEV
kvm | sys_vendor = oVirt
kvm | sys_vendor = KubeVirt
kvm | product_name = KubeVirt
kvm | sys_vendor = Nutanix | product_name = AHV
kvm | product_name = crosvm
hyperv | sys_vendor = Microsoft Corporation | product_name = Virtual Machine
hyperv | product_version ^ Hyper-V
openbsd-vmm | sys_vendor = OpenBSD
unknown-vm | sys_vendor = Apple Inc. | product_name ^ Apple Virtualization
unknown-vm | product_name ^ SmartDC
unknown-vm | product_name ^ CloudStack
kvm | product_name ^ OpenStack
''')

# Red Hat's and older Nova's machines keep QEMU's type only in the chassis ("RHEL 7.6.0 PC (i440FX + PIIX, 1996)").
QEMU_FIRMWARE = _table('''
qemu | sys_vendor = QEMU
qemu | chassis_vendor = QEMU
qemu | sys_vendor = Bochs
qemu | bios_vendor = Bochs
qemu | product_version ^ pc-
qemu | chassis_version ^ pc-
qemu | chassis_vendor = Red Hat
''')
# Boards with coreboot can carry it as well, so it counts only beside the CPU's hypervisor flag.
QEMU_BIOS = _table('qemu | bios_vendor = SeaBIOS')

# Marks in /proc/self/cgroup, most telling first; services' names (docker.service) are the host's and do not match.
CGROUPS = (
    ('podman', r'/libpod-'),
    ('docker', r'/docker/[0-9a-f]{12}|/docker-[0-9a-f]{12}|/ecs/[^/\n]+/[0-9a-f]{12}'),
    ('cri-o', r'/crio-[0-9a-f]{12}'),
    ('containerd', r'/cri-containerd[-:][0-9a-f]{12}|:cri-containerd:|/nerdctl-'),
    ('garden', r'/garden/'),
    ('lxc', r'/lxc/|/lxc\.payload'),
    ('kubernetes', r'/kubepods'),
)
