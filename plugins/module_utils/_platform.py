# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence → cloud, hypervisor and container. Pure: tables are in ``_platform_rules``, order is here.

Hypervisor, first answer wins: Xen's own marks; firmware that is a hypervisor's own word; CPUID's signature; the
kernel's messages; device tree and architecture; firmware that names a family; the kernel's paravirtual clocks;
QEMU's processor; the cloud's word; the hypervisor flag (unknown-vm). Else none, and null when nothing could be read.
"""
import re

from . import _platform_rules as rules


def judge(evidence):
    """``collect``'s dict → {'cloud': {provider, platform, instance_type, evidence, settled},
    'hypervisor': {type, signature, container, virt_mode, xen_role, evidence}}.

    ``settled`` is False where neither firmware, hypervisor files nor cloud-init said which cloud this is or that it
    is none: only then has asking a metadata service a point.
    """
    container, container_mark = _container(evidence.get('container') or {})
    seen = _anything(evidence) or container is not None
    provider, because = _provider(evidence)
    instance_type = _instance_type(evidence, provider)
    xen = _xen_mark(evidence)
    metal = provider not in (None, 'none') and xen is None and _is_metal(evidence, instance_type)
    kind, why = (xen[0], xen[1]) if xen else _hypervisor(evidence, provider, metal)
    if kind is None and seen and _can_tell(evidence, container):
        kind, why = 'none', 'no sign of a hypervisor'
    if provider is None and seen:
        provider = 'none'
        because = because or ['no mark of a cloud']
    return {
        'cloud': {
            'provider': provider,
            'platform': _platform(evidence, provider, metal, kind),
            'instance_type': instance_type,
            'evidence': because,
            'settled': provider not in (None, 'none') or kind == 'none' or bool(_dmi(evidence, 'sys_vendor')),
        },
        'hypervisor': {
            'type': kind,
            'signature': evidence.get('signature'),
            'container': container,
            'virt_mode': _virt_mode(evidence) if kind == 'xen' else None,
            'xen_role': _xen_role(evidence) if kind == 'xen' else None,
            'evidence': [text for text in (why, container_mark) if text],
        },
    }


def _dmi(evidence, field):
    return (evidence.get('dmi') or {}).get(field, '')


def _flags(evidence):
    return (evidence.get('cpu') or {}).get('flags')


def _match(evidence, table):
    """The first row of a table whose conditions hold → (answer, the condition in words), else (None, None)."""
    for answer, conditions in table:
        if all(_holds(_dmi(evidence, field), how, text) for field, how, text in conditions):
            field = conditions[0][0]
            return answer, 'DMI %s "%s"' % (field, _dmi(evidence, field))
    return None, None


def _holds(value, how, text):
    if how == '=':
        return value == text
    if how == '^':
        return value.startswith(text)
    return value.endswith(text) if how == '$' else text in value


def _anything(evidence):
    return any(evidence.get(key) for key in ('dmi', 'cpu', 'signature', 'xen', 'device_tree', 'sysinfo'))


def _can_tell(evidence, container):
    """Absence of marks means bare hardware only where a mark would have been seen.

    x86 has its CPU flag, s390 and POWER say it in cpuinfo; on others firmware must be readable. In a container that
    shows neither, the absence of every mark is all there is.
    """
    cpu = evidence.get('cpu') or {}
    other = cpu and 'features' not in cpu
    return bool(other or evidence.get('dmi') or evidence.get('device_tree')) or container is not None


def _provider(evidence):
    xen_uuid = (evidence.get('xen') or {}).get('uuid') or ''
    if xen_uuid.lower().startswith('ec2'):
        return 'aws', ['/sys/hypervisor/uuid begins ec2']
    provider, why = _match(evidence, rules.CLOUDS)
    if provider:
        return provider, [why]
    # An EC2 uuid starts with ec2, or with those bytes swapped (45E12AEC-…); one machine in 4,096 has it by chance,
    # so firmware of another maker than Xen overrules it.
    uuid = _dmi(evidence, 'product_uuid').lower()
    if re.match(r'ec2|[0-9a-f]{4}2[0-9a-f]ec-', uuid) and _dmi(evidence, 'sys_vendor') in ('', 'Xen'):
        return 'aws', ['DMI product_uuid is of EC2\'s form']
    record = evidence.get('cloud_init') or {}
    for key in ('cloud_id', 'cloud_name', 'platform', 'datasource'):
        name = record.get(key)
        provider = rules.CLOUD_INIT.get(name.lower()) if isinstance(name, str) else None
        if provider:
            return provider, ['cloud-init %s "%s"' % (key, name)]
    for word in ('vultr', 'scaleway'):
        if word in evidence.get('cmdline', ()):
            return word, ['kernel argument %s' % word]
    return None, []


def _instance_type(evidence, provider):
    product = _dmi(evidence, 'product_name')
    if provider == 'aws' and _dmi(evidence, 'sys_vendor') == 'Amazon EC2' and product:
        return product
    if provider == 'ibm' and _dmi(evidence, 'sys_vendor').count(':') == 2:
        return _dmi(evidence, 'sys_vendor').rsplit(':', 1)[1]
    if provider == 'scaleway' and product.startswith('SCW-'):
        return product[4:]
    return (evidence.get('cloud_init') or {}).get('instance_type')


def _is_metal(evidence, instance_type):
    for text in (instance_type or '', _dmi(evidence, 'product_name')):
        if re.search(rules.METAL_TYPE, text):
            return True
    if evidence.get('signature') in rules.SIGNATURES or _match(evidence, rules.FIRMWARE)[0]:
        return False
    flags = _flags(evidence)
    if flags is not None:
        return 'hypervisor' not in flags and _match(evidence, rules.VM_FIRMWARE)[0] is None
    # aarch64 has no such flag; Oracle's virtual machines have QEMU's firmware, its bare metal has not.
    if _dmi(evidence, 'chassis_asset_tag') != 'OracleCloud.com' or not _dmi(evidence, 'sys_vendor'):
        return False
    return _match(evidence, rules.QEMU_FIRMWARE + rules.VM_FIRMWARE)[0] is None


def _platform(evidence, provider, metal, kind):
    if metal:
        return 'metal'
    if provider == 'aws':
        return 'xen' if kind == 'xen' else 'nitro' if _dmi(evidence, 'sys_vendor') == 'Amazon EC2' else None
    if provider == 'azure' and _dmi(evidence, 'bios_vendor'):
        return 'gen1' if _dmi(evidence, 'bios_vendor').startswith('American Megatrends') else 'gen2'
    return None


def _xen_mark(evidence):
    xen = evidence.get('xen') or {}
    if xen.get('type') == 'xen':
        return 'xen', '/sys/hypervisor/type "xen"'
    if xen.get('capabilities') is not None:
        return 'xen', '/proc/xen'
    kind, why = _match(evidence, rules.XEN_FIRMWARE)
    if kind:
        return kind, why
    if 'xen' in (evidence.get('clocksources') or ()):
        return 'xen', 'the kernel offers the xen clocksource'
    return None


def _hypervisor(evidence, provider, metal):
    if metal:
        return 'none', 'the cloud\'s bare metal'
    kind, why = _match(evidence, rules.FIRMWARE)
    if kind:
        return kind, why
    for rule in (_by_signature, _by_log, _by_architecture):
        kind, why = rule(evidence, provider)
        if kind:
            return kind, why
    kind, why = _match(evidence, rules.VM_FIRMWARE)
    if kind:
        return kind, why
    for rule in (_by_clocksource, _by_qemu, _by_provider):
        kind, why = rule(evidence, provider)
        if kind:
            return kind, why
    if 'hypervisor' in (_flags(evidence) or ()):
        return 'unknown-vm', 'CPU flag hypervisor'
    return None, None


def _enlightened_kvm(evidence, provider):
    """KVM that shows Hyper-V's leaf first (QEMU hv_* options): the firmware is QEMU's, or the cloud has only KVM."""
    return rules.CLOUD_HYPERVISOR.get(provider) == 'kvm' or (
        _dmi(evidence, 'sys_vendor') != 'Microsoft Corporation' and bool(
            _match(evidence, rules.QEMU_FIRMWARE + rules.VM_FIRMWARE)[0]))


def _by_signature(evidence, provider):
    signature = evidence.get('signature')
    kind = rules.SIGNATURES.get(signature)
    if kind == 'hyperv' and _enlightened_kvm(evidence, provider):
        return 'kvm', 'CPUID "%s" on QEMU\'s firmware' % signature
    return kind, 'CPUID "%s"' % signature


def _by_log(evidence, provider):
    marks = evidence.get('log') or {}
    for key in ('hypervisor', 'paravirt'):
        text = marks.get(key) or ''
        for name, kind in rules.LOG_NAMES:
            if text.startswith(name) and not (kind == 'hyperv' and _enlightened_kvm(evidence, provider)):
                return kind, 'kernel message "%s"' % text
    return None, None


def _by_architecture(evidence, provider):
    tree = evidence.get('device_tree') or {}
    hypervisor = tree.get('hypervisor')
    if hypervisor is not None:
        for word, kind in (('linux,kvm', 'kvm'), ('xen', 'xen'), ('vmware', 'vmware')):
            if word in hypervisor:
                return kind, 'device tree hypervisor "%s"' % hypervisor
        return 'unknown-vm', 'device tree hypervisor "%s"' % hypervisor
    if tree.get('partition'):
        return 'unknown-vm', 'device tree of a PowerVM partition'
    if 'linux,dummy-virt' in (tree.get('compatible') or '') and not tree.get('fw_cfg'):
        # kvmtool, Firecracker and Cloud Hypervisor run on KVM only and have no fw-cfg, which is QEMU's
        return 'kvm', 'device tree linux,dummy-virt'
    if tree.get('fw_cfg') and not evidence.get('dmi'):
        return 'unknown-vm', 'device tree fw-cfg'
    return _by_cpuinfo(evidence)


def _by_cpuinfo(evidence):
    cpu = evidence.get('cpu') or {}
    sysinfo = re.search(r'^VM00 Control Program:\s*(.*?)\s*$', evidence.get('sysinfo') or '', re.M)
    if sysinfo:
        return 'kvm' if 'KVM' in sysinfo.group(1) else 'unknown-vm', 'sysinfo "%s"' % sysinfo.group(1)
    if 'pSeries' in cpu.get('platform', ''):
        emulated = 'qemu' in cpu.get('model_id', '')
        return 'kvm' if emulated else 'unknown-vm', 'cpuinfo platform pSeries'
    if cpu.get('vendor') in ('User Mode Linux', 'PowerVM Lx86'):
        return 'unknown-vm', 'cpuinfo vendor "%s"' % cpu['vendor']
    buses = evidence.get('buses') or ()
    if cpu and not cpu.get('flags') and 'features' not in cpu and 'xen' in buses and 'xen-backend' not in buses:
        return 'xen', '/sys/bus/xen'
    return None, None


def _by_clocksource(evidence, provider):
    for name in evidence.get('clocksources') or ():
        if name == 'kvm-clock':
            return 'kvm', 'the kernel offers kvm-clock'
        if name.startswith('hyperv_clocksource'):
            kind = 'kvm' if _enlightened_kvm(evidence, provider) else 'hyperv'
            return kind, 'the kernel offers %s' % name
    if 'vmbus' in (evidence.get('buses') or ()):
        return 'hyperv', '/sys/bus/vmbus'
    return None, None


def _by_qemu(evidence, provider):
    """QEMU's firmware does not say who runs the processor; what the processor shows often does."""
    kind, why = _match(evidence, rules.QEMU_FIRMWARE)
    if not kind:
        return None, None
    cpu = evidence.get('cpu') or {}
    flags, model = cpu.get('flags') or (), cpu.get('model', '')
    # TCG refuses an invariant TSC and `-cpu host`; KVM switches x2apic on for the models that lack it
    if 'nonstop_tsc' in flags or 'tsc_known_freq' in flags:
        return 'kvm', why + ' and an invariant TSC'
    if 'x2apic' in flags and ('QEMU Virtual CPU' in model or 'KVM processor' in model):
        return 'kvm', why + ' and x2apic'
    if 'QEMU TCG' in model or 'QEMU Virtual CPU' in model:
        return 'qemu-tcg', why + ' and CPU "%s"' % model
    if _dmi(evidence, 'product_name') == 'QEMU Virtual Machine' and cpu.get('implementer') != '0x61':
        return 'qemu-tcg', 'DMI product_name "QEMU Virtual Machine"'
    return 'unknown-vm', why


def _by_provider(evidence, provider):
    kind = rules.CLOUD_HYPERVISOR.get(provider)
    if provider == 'aws' and _dmi(evidence, 'sys_vendor') == 'Amazon EC2':
        kind = 'kvm'
    if provider == 'ibm' and (_dmi(evidence, 'sys_vendor').startswith('IBM:Cloud')):
        kind = 'kvm'
    return kind, 'virtual machines of %s' % provider


def _virt_mode(evidence):
    """hvm, pv, pvh or None."""
    guest = (evidence.get('xen') or {}).get('guest_type')
    if guest:
        return guest.lower()
    booted = (evidence.get('log') or {}).get('paravirt') or ''
    if booted.startswith('Xen PVH'):
        return 'pvh'
    if booted.startswith('Xen HVM') or _match(evidence, rules.XEN_FIRMWARE)[0]:
        return 'hvm'
    # Xen masks page size extensions from paravirtual domains, dom0 included (arch/x86/xen/enlighten_pv.c)
    flags = _flags(evidence)
    return 'pv' if flags and 'pse' not in flags else None


def _xen_role(evidence):
    """dom0, domU or None. Bit 11 of the features is XENFEAT_dom0 (xen/include/public/features.h)."""
    xen = evidence.get('xen') or {}
    capabilities, features = xen.get('capabilities'), xen.get('features')
    if 'control_d' in (capabilities or ''):
        return 'dom0'
    try:
        if features and int(features, 16) & 1 << 11:
            return 'dom0'
    except ValueError:
        features = None
    if capabilities is not None or features or _match(evidence, rules.XEN_FIRMWARE)[0]:
        return 'domU'
    return 'domU' if (xen.get('uuid') or '').strip('0-') else None


def _container(marks):
    """(name, mark in words) of the container, (None, None) outside one."""
    for key in ('systemd', 'environ'):
        name = marks.get(key)
        if name:
            return 'illumos-lx' if name == 'zone' else name, 'container=%s' % name
    for name in ('podman', 'docker'):
        if marks.get(name):
            return name, 'the mark file of %s' % name
    for name, pattern in rules.CGROUPS:
        if re.search(pattern, marks.get('cgroup') or ''):
            return name, '/proc/self/cgroup'
    overlay = marks.get('overlay') or ''
    for name, word in (('docker', '/docker/'), ('containerd', 'containerd'), ('podman', '/containers/storage/')):
        if word in overlay:
            return name, 'the root is an overlay of %s' % name
    for name in ('kubernetes', 'openvz', 'lxd', 'incus'):
        if marks.get(name):
            return name, 'the mark of %s' % name
    if (marks.get('vserver') or '0') != '0':
        return 'linux-vserver', '/proc/self/status VxID'
    return None, None
