# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence → hypervisor and container. Pure; each rule answers (name, why) or (None, None)."""
import re

from . import _platform_rules as rules


def is_metal(evidence, instance_type):
    """Whether a cloud's machine is a whole one: its type says so, or nothing of a hypervisor shows on x86."""
    dmi = evidence.get('dmi') or {}
    if any(re.search(rules.METAL_TYPE, text) for text in (instance_type or '', dmi.get('product_name', ''))):
        return True
    if evidence.get('signature') in rules.SIGNATURES:
        return False
    if rules.match(dmi, rules.FIRMWARE + rules.VM_FIRMWARE + rules.XEN_FIRMWARE)[0]:
        return False
    flags = _cpu(evidence).get('flags')
    if flags is not None:
        return 'hypervisor' not in flags
    # aarch64 has no such flag; Oracle's virtual machines have QEMU's firmware and its bare metal the maker's.
    maker = dmi.get('chassis_asset_tag') == 'OracleCloud.com' and dmi.get('sys_vendor')
    return bool(maker) and not rules.match(dmi, rules.QEMU_FIRMWARE)[0]


def judge(evidence, provider, metal):
    """(type, why). First answer wins: see the order below and docs/detection.md."""
    for rule in (_xen, _metal, _firmware, _signature, _log, _tree, _cpuinfo, _vm_firmware, _clocksource, _qemu,
                 _cloud, _flag):
        kind, why = rule(evidence, provider, metal)
        if kind:
            return kind, why
    return None, None


def bare(evidence, container):
    """Whether the absence of every mark means bare hardware: a mark would have been seen.

    x86 has its CPU flag, s390 and POWER say it in cpuinfo; on others firmware must be readable. In a container that
    shows none of these, the absence of every mark is all there is.
    """
    cpu = _cpu(evidence)
    return bool(cpu and 'features' not in cpu or evidence.get('dmi') or evidence.get('device_tree') or container)


def _cpu(evidence):
    return evidence.get('cpu') or {}


def _xen(evidence, provider, metal):
    xen = evidence.get('xen') or {}
    if xen.get('type') == 'xen' or xen.get('uuid') is not None:
        return 'xen', '/sys/hypervisor'
    if xen.get('capabilities') is not None:
        return 'xen', '/proc/xen'
    kind, why = rules.match(evidence.get('dmi') or {}, rules.XEN_FIRMWARE)
    if not kind and 'xen' in (evidence.get('clocksources') or ()):
        return 'xen', 'the kernel offers the xen clocksource'
    if not kind and _cpu(evidence).get('arch') == 'IA-64' and 'xen' in (evidence.get('buses') or ()):
        return 'xen', '/sys/bus/xen'
    return kind, why


def _metal(evidence, provider, metal):
    return ('none', 'bare metal of %s' % provider) if metal else (None, None)


def _firmware(evidence, provider, metal):
    return rules.match(evidence.get('dmi') or {}, rules.FIRMWARE)


def _vm_firmware(evidence, provider, metal):
    return rules.match(evidence.get('dmi') or {}, rules.VM_FIRMWARE)


def _hyperv_or_kvm(evidence, provider):
    """QEMU's hv_* options make KVM show Hyper-V's leaf first: then firmware is QEMU's, or the cloud has only KVM."""
    dmi = evidence.get('dmi') or {}
    qemu = dmi.get('sys_vendor') != 'Microsoft Corporation' and rules.match(
        dmi, rules.QEMU_FIRMWARE + rules.VM_FIRMWARE)[0]
    return 'kvm' if qemu or provider in rules.KVM_CLOUDS else 'hyperv'


def _signature(evidence, provider, metal):
    signature = evidence.get('signature')
    kind = rules.SIGNATURES.get(signature)
    return _hyperv_or_kvm(evidence, provider) if kind == 'hyperv' else kind, 'CPUID "%s"' % signature


def _log(evidence, provider, metal):
    marks = evidence.get('log') or {}
    for text in (marks.get('hypervisor') or '', marks.get('paravirt') or ''):
        for name, kind in rules.LOG_NAMES:
            if text.startswith(name):
                kind = _hyperv_or_kvm(evidence, provider) if kind == 'hyperv' else kind
                return kind, 'kernel message "%s"' % text
    return None, None


def _tree(evidence, provider, metal):
    tree = evidence.get('device_tree') or {}
    hypervisor = tree.get('hypervisor')
    if hypervisor is not None:
        words = (('linux,kvm', 'kvm'), ('xen', 'xen'), ('vmware', 'vmware'), ('', 'unknown-vm'))
        kind = next(kind for word, kind in words if word in hypervisor)
        return kind, 'device tree hypervisor "%s"' % hypervisor
    if tree.get('partition'):
        return 'unknown-vm', 'device tree of a PowerVM partition'
    if 'linux,dummy-virt' in (tree.get('compatible') or '') and not tree.get('fw_cfg'):
        # kvmtool, Firecracker and Cloud Hypervisor run on KVM only and lack fw-cfg, which is QEMU's
        return 'kvm', 'device tree linux,dummy-virt'
    if tree.get('fw_cfg') and not evidence.get('dmi'):
        return 'unknown-vm', 'device tree fw-cfg'
    return None, None


def _cpuinfo(evidence, provider, metal):
    cpu = _cpu(evidence)
    # "VM00 Control Program: z/VM    6.4.0" in /proc/sysinfo of s390 (arch/s390/kernel/sysinfo.c)
    sysinfo = evidence.get('sysinfo') or ''
    if 'VM00 Control Program:' in sysinfo:
        program = sysinfo.split('VM00 Control Program:', 1)[1].splitlines()[0].strip()
        return 'kvm' if 'KVM' in program else 'unknown-vm', 'sysinfo "%s"' % program
    if 'pSeries' in cpu.get('platform', ''):
        return 'kvm' if 'qemu' in cpu.get('model_id', '') else 'unknown-vm', 'cpuinfo platform pSeries'
    if cpu.get('vendor') in ('User Mode Linux', 'PowerVM Lx86'):
        return 'unknown-vm', 'cpuinfo vendor "%s"' % cpu['vendor']
    return None, None


def _clocksource(evidence, provider, metal):
    for name in evidence.get('clocksources') or ():
        if name == 'kvm-clock':
            return 'kvm', 'the kernel offers kvm-clock'
        if name.startswith('hyperv_clocksource'):
            return _hyperv_or_kvm(evidence, provider), 'the kernel offers %s' % name
    if 'microsoft-standard' in evidence.get('release', ''):
        return 'hyperv', 'kernel release "%s"' % evidence['release']
    if 'vmbus' in (evidence.get('buses') or ()):
        return 'hyperv', '/sys/bus/vmbus'
    return None, None


def _qemu(evidence, provider, metal):
    """QEMU's firmware does not say who runs the processor; what the processor shows often does."""
    cpu, dmi = _cpu(evidence), evidence.get('dmi') or {}
    flags, model = cpu.get('flags') or (), cpu.get('model', '')
    kind, why = rules.match(dmi, rules.QEMU_FIRMWARE + (rules.QEMU_BIOS if 'hypervisor' in flags else []))
    if not kind:
        return None, None
    # TCG refuses an invariant TSC; KVM alone adds x2apic to the models that lack it (target/i386/kvm/kvm-cpu.c)
    if 'nonstop_tsc' in flags or 'tsc_known_freq' in flags:
        return 'kvm', why + ' and an invariant TSC'
    if 'x2apic' in flags and ('QEMU Virtual CPU' in model or 'KVM processor' in model):
        return 'kvm', why + ' and x2apic'
    if 'QEMU TCG' in model or 'QEMU Virtual CPU' in model:
        return 'qemu-tcg', why + ' and CPU "%s"' % model
    # hw/arm/virt.c writes "KVM Virtual Machine" under KVM; Apple's cores (0x61) are Hypervisor.framework's
    if dmi.get('product_name') == 'QEMU Virtual Machine' and cpu.get('implementer') != '0x61':
        return 'qemu-tcg', 'DMI product_name "QEMU Virtual Machine"'
    return 'unknown-vm', why


def _cloud(evidence, provider, metal):
    dmi = evidence.get('dmi') or {}
    nitro = provider == 'aws' and dmi.get('sys_vendor') == 'Amazon EC2'
    vpc = provider == 'ibm' and 'IBM SoftLayer' not in dmi.values()
    if nitro or vpc or provider in rules.KVM_CLOUDS:
        return 'kvm', 'virtual machines of %s' % provider
    return 'hyperv' if provider == 'azure' else None, 'virtual machines of %s' % provider


def _flag(evidence, provider, metal):
    return 'unknown-vm' if 'hypervisor' in (_cpu(evidence).get('flags') or ()) else None, 'CPU flag hypervisor'


def virt_mode(evidence):
    """hvm, pv, pvh or None, of a Xen domain."""
    guest = (evidence.get('xen') or {}).get('guest_type')
    if guest:
        return guest.lower()
    booted = (evidence.get('log') or {}).get('paravirt') or ''
    if booted.startswith('Xen PVH'):
        return 'pvh'
    if booted.startswith('Xen HVM') or rules.match(evidence.get('dmi') or {}, rules.XEN_FIRMWARE)[0]:
        return 'hvm'
    # Xen masks page size extensions from paravirtual domains, dom0 included (arch/x86/xen/enlighten_pv.c)
    flags = _cpu(evidence).get('flags')
    return 'pv' if flags and 'pse' not in flags else None


def xen_role(evidence):
    """dom0, domU or None. Bit 11 of the features is XENFEAT_dom0 (xen/include/public/features.h)."""
    xen = evidence.get('xen') or {}
    capabilities, features = xen.get('capabilities'), xen.get('features') or ''
    try:
        hardware_domain = bool(int(features, 16) & 1 << 11)
    except ValueError:
        hardware_domain = None
    if hardware_domain or 'control_d' in (capabilities or ''):
        return 'dom0'
    guest = hardware_domain is False or capabilities is not None or (xen.get('uuid') or '').strip('0-')
    return 'domU' if guest or rules.match(evidence.get('dmi') or {}, rules.XEN_FIRMWARE)[0] else None


def container(evidence):
    """(name, why) of the container, (None, None) outside one."""
    marks = evidence.get('container') or {}
    name = marks.get('systemd') or marks.get('environ')
    if name:
        return 'illumos-lx' if name == 'zone' else name, 'container=%s' % name
    for name in ('podman', 'docker'):
        if marks.get(name):
            return name, 'the mark file of %s' % name
    for name, pattern in rules.CGROUPS:
        if re.search(pattern, marks.get('cgroup') or ''):
            return name, '/proc/self/cgroup'
    for name, word in (('docker', '/docker/'), ('containerd', 'containerd'), ('podman', '/containers/storage/')):
        if word in (marks.get('overlay') or ''):
            return name, 'the root is an overlay of %s' % name
    for name in ('kubernetes', 'openvz'):
        if marks.get(name):
            return name, 'the mark of %s' % name
    if (marks.get('vserver') or '0') != '0':
        return 'linux-vserver', '/proc/self/status VxID'
    # "4.4.0-19041-Microsoft" is WSL 1, which has no Linux kernel; "5.15.133.1-microsoft-standard-WSL2" is a machine
    if 'Microsoft' in evidence.get('release', ''):
        return 'wsl', 'kernel release "%s"' % evidence['release']
    return None, None
