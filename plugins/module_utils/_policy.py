# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clocksource a machine should have, and what its present one is worth. Pure.

``SOURCES`` grades every clocksource of Linux on these machines; ``ROWS`` says, dated and with the vendor's or the
kernel's word, what each platform prefers. A machine takes the first row that covers it; rows of the operator
come before ours.
"""

# vdso: does user space read it without entering the kernel? None: only a measurement on the machine tells.
# grade: fast; slow (a device, an MSR or a hypercall behind a kernel entry); coarse (counts ticks: no clock for
# measuring); boot (replaced by the kernel before user space matters).
SOURCES = {
    'tsc': {'vdso': True, 'grade': 'fast', 'source': 'kernel arch/x86/kernel/tsc.c (VDSO_CLOCKMODE_TSC)'},
    'tsc-early': {'vdso': True, 'grade': 'boot', 'source': 'kernel arch/x86/kernel/tsc.c (clocksource_tsc_early)'},
    'kvm-clock': {'vdso': True, 'grade': 'fast', 'source': 'kernel arch/x86/kernel/kvmclock.c (VDSO_CLOCKMODE_PVCLOCK)'},
    'xen': {'vdso': None, 'grade': 'slow', 'source': 'kernel arch/x86/xen/time.c: a vDSO mode only where the host '
            'gives PVCLOCK_TSC_STABLE_BIT'},
    'hyperv_clocksource_tsc_page': {'vdso': True, 'grade': 'fast',
                                    'source': 'kernel drivers/clocksource/hyperv_timer.c (VDSO_CLOCKMODE_HVCLOCK)'},
    'hyperv_clocksource_msr': {'vdso': False, 'grade': 'slow', 'source': 'kernel commit 3e2d94535adb: 5,664 cycles a '
                               'read from user space, 131 by the TSC page'},
    'hyperv_clocksource': {'vdso': False, 'grade': 'slow', 'source': 'kernel before 4.14, '
                           'arch/x86/kernel/cpu/mshyperv.c: the MSR'},
    'hpet': {'vdso': False, 'grade': 'slow', 'source': 'kernel arch/x86/kernel/hpet.c: memory-mapped device'},
    'acpi_pm': {'vdso': False, 'grade': 'slow', 'source': 'kernel drivers/clocksource/acpi_pm.c: port I/O'},
    'pit': {'vdso': False, 'grade': 'slow', 'source': 'kernel drivers/clocksource/i8253.c: port I/O'},
    'jiffies': {'vdso': False, 'grade': 'coarse', 'source': 'kernel kernel/time/jiffies.c'},
    'refined-jiffies': {'vdso': False, 'grade': 'coarse', 'source': 'kernel kernel/time/jiffies.c'},
    'arch_sys_counter': {'vdso': True, 'grade': 'fast', 'source': 'kernel drivers/clocksource/arm_arch_timer.c '
                         '(VDSO_CLOCKMODE_ARCHTIMER)'},
}

# match: facts that must be equal (provider, platform, hypervisor). prefer: best first. acceptable: good enough to
# be left alone, and taken where nothing preferred is offered. vouches: sources that the row's word makes safe
# although the guest's CPU flags do not say so. partial_warp: whether that word is good for CPUs that the warp test did
# not reach in its time; only AWS, whose word covers every instance type, has it.
ROWS = [
    {'id': 'aws-xen', 'match': {'provider': 'aws', 'hypervisor': 'xen'}, 'date': '2025-02-07',
     'prefer': ['tsc'], 'acceptable': [], 'vouches': ['tsc'], 'partial_warp': True,
     'source': 'AWS re:Post, manage-ec2-linux-clock-source; awslabs/amazon-eks-ami#2144'},
    {'id': 'aws-metal', 'match': {'provider': 'aws', 'hypervisor': 'none'}, 'date': '2025-02-07',
     'prefer': ['tsc'], 'acceptable': [], 'vouches': ['tsc'], 'partial_warp': True,
     'source': 'AWS re:Post, manage-ec2-linux-clock-source'},
    {'id': 'aws', 'match': {'provider': 'aws'}, 'date': '2025-02-07',
     'prefer': ['tsc', 'kvm-clock'], 'acceptable': ['kvm-clock'], 'vouches': ['tsc', 'kvm-clock'], 'partial_warp': True,
     'source': 'AWS re:Post, manage-ec2-linux-clock-source; awslabs/amazon-eks-ami#2144 (it reversed #1328 of 2023)'},
    {'id': 'gcp', 'match': {'provider': 'gcp'}, 'date': '2023-01-01',
     'prefer': ['tsc', 'kvm-clock'], 'acceptable': ['kvm-clock'], 'vouches': ['kvm-clock'],
     'source': "Google's images keep the kernel's default; SAP note quoted in SUSE's arp142-hana#122: "
               'tsc and kvm-clock perform alike'},
    {'id': 'azure', 'match': {'provider': 'azure'}, 'date': '2023-01-01',
     'prefer': ['tsc'], 'acceptable': ['hyperv_clocksource_tsc_page'],
     'vouches': ['tsc', 'hyperv_clocksource_tsc_page'],
     'source': 'arp142-hana#573; kernel Documentation/virt/hyperv/clocks.rst: tsc is offered only where the host '
               'scales it'},
    {'id': 'hyperv', 'match': {'hypervisor': 'hyperv'}, 'date': '2023-01-01',
     'prefer': ['tsc'], 'acceptable': ['hyperv_clocksource_tsc_page'],
     'vouches': ['tsc', 'hyperv_clocksource_tsc_page'],
     'source': 'kernel Documentation/virt/hyperv/clocks.rst'},
    {'id': 'xen', 'match': {'hypervisor': 'xen'}, 'date': '2022-12-01',
     'prefer': ['tsc'], 'acceptable': ['xen'], 'vouches': ['xen'],
     'source': 'kernel arch/x86/xen/time.c and xen-tscmode(7): a guest may be moved to a host whose TSC differs, '
               'so tsc needs the invariant-TSC flags'},
    {'id': 'kvm', 'match': {'hypervisor': 'kvm'}, 'date': '2019-01-01',
     'prefer': ['tsc', 'kvm-clock'], 'acceptable': ['kvm-clock'], 'vouches': ['kvm-clock'],
     'source': 'kernel commit 7539b174aef4: tsc where the host gives an invariant TSC, kvm-clock elsewhere'},
    {'id': 'vmware', 'match': {'hypervisor': 'vmware'}, 'date': '2011-09-01',
     'prefer': ['tsc'], 'acceptable': [], 'vouches': ['tsc'],
     'source': 'VMware KB 1006427; kernel arch/x86/kernel/cpu/vmware.c: VMware keeps the guest TSC constant'},
    {'id': 'qemu-tcg', 'match': {'hypervisor': 'qemu-tcg'}, 'date': '2022-12-01',
     'prefer': ['tsc'], 'acceptable': [], 'vouches': ['tsc'],
     'source': 'QEMU softmmu/cpus.c (cpus_get_elapsed_ticks): all emulated CPUs read one tick count; the emulation '
               'cannot show the invariant-TSC flag'},
    {'id': 'any', 'match': {}, 'date': '2022-12-01',
     'prefer': ['tsc', 'kvm-clock', 'hyperv_clocksource_tsc_page', 'arch_sys_counter'],
     'acceptable': ['kvm-clock', 'hyperv_clocksource_tsc_page'],
     'vouches': ['arch_sys_counter', 'kvm-clock', 'hyperv_clocksource_tsc_page'],
     'source': 'kernel arch/x86/kernel/tsc.c: tsc needs constant_tsc and nonstop_tsc'},
]

# One row for every platform of this architecture: there is nothing to choose.
ARM_ROW = {'id': 'aarch64', 'match': {}, 'date': '2024-01-01', 'prefer': ['arch_sys_counter'], 'acceptable': [],
           'vouches': ['arch_sys_counter'],
           'source': 'kernel drivers/clocksource/arm_arch_timer.c; AWS re:Post, manage-ec2-linux-clock-source'}

ROW_KEYS = {'id': str, 'match': dict, 'date': str, 'prefer': list, 'acceptable': list, 'vouches': list, 'source': str,
            'partial_warp': bool}


def check_rows(rows):
    """The operator's rows with their defaults filled in. ValueError names the row and what is wrong with it."""
    checked = []
    for number, row in enumerate(rows or [], 1):
        if not isinstance(row, dict):
            raise ValueError('policy: row %d is not a mapping' % number)
        for key, value in row.items():
            if key not in ROW_KEYS:
                raise ValueError('policy: row %d has an unknown key %r; known are %s'
                                 % (number, key, ', '.join(sorted(ROW_KEYS))))
            if not isinstance(value, ROW_KEYS[key]):
                raise ValueError('policy: row %d: %s must be a %s' % (number, key, ROW_KEYS[key].__name__))
        for key in row.get('match', {}):
            if key not in ('provider', 'platform', 'hypervisor'):
                raise ValueError('policy: row %d: match knows provider, platform and hypervisor, not %r' % (number, key))
        if not row.get('prefer'):
            raise ValueError('policy: row %d has no prefer list' % number)
        checked.append(dict({'id': 'operator-%d' % number, 'match': {}, 'date': 'undated', 'acceptable': [],
                             'vouches': [], 'source': "the operator's policy", 'partial_warp': False}, **row))
    return checked


def row_for(cloud, hypervisor, available, extra=()):
    """The first row that covers the machine; there is always one."""
    facts = {'provider': cloud.get('provider'), 'platform': cloud.get('platform'), 'hypervisor': hypervisor.get('type')}
    ours = [ARM_ROW] if 'arch_sys_counter' in available else ROWS
    for row in list(extra) + ours:
        if all(facts[key] == value for key, value in row['match'].items()):
            return row
    raise ValueError('policy: no row covers %r' % facts)


def voucher(name, row, tsc):
    """Who says that ``name`` may be trusted here: 'cpuid', 'policy' or None."""
    if name == 'tsc' and tsc.get('constant') and tsc.get('nonstop'):
        return 'cpuid'
    return 'policy' if name in row['vouches'] else None


def fault(name, tsc):
    """What was found against ``name``, or None."""
    if name == 'tsc' and tsc.get('unstable'):
        rule = ' (its rule there, not a fault)' if tsc.get('policy') else ''
        return 'the kernel marked the TSC unstable in this boot: %s%s' % (
            tsc.get('unstable_reason') or 'no reason given', rule)
    if name == 'tsc' and tsc.get('warp_cycles'):
        return 'TSC reads went back %d cycles from one CPU to another' % tsc['warp_cycles']
    if name == 'tsc' and tsc.get('emulated'):
        return 'TSC reads are emulated: switching gains nothing'
    return None


def distrust(name, row, tsc):
    """Why ``name`` must not be switched to, or None."""
    found = fault(name, tsc)
    if found is None and name == 'tsc' and voucher(name, row, tsc) is None:
        return 'nobody vouches for the TSC here: no constant_tsc and nonstop_tsc flags, and no policy row covers it'
    return found


def decide(clocksource, tsc, vdso, cloud, hypervisor, extra=()):
    """``{'recommended', 'verdict', 'reason', 'source', 'row', 'prefer'}`` from the facts of the same names.

    ``recommended`` is the first choice of what is offered and trusted, None where the present source is not good
    and nothing better is to be had. A source that is *acceptable* is left alone although another is recommended.
    """
    if not clocksource or not clocksource.get('current'):
        return _answer(None, None, 'unknown', 'this machine shows no clocksource', 'sysfs')
    current, available = clocksource['current'], clocksource['available']
    row = row_for(cloud, hypervisor, available, extra)
    source = '%s (policy %s, %s)' % (row['source'], row['id'], row['date'])
    wanted = [name for name in row['prefer'] + row['acceptable'] if name in available]
    best = next((name for name in wanted if distrust(name, row, tsc) is None), None)

    def answer(recommended, verdict, reason, word=source):
        return _answer(row, recommended, verdict, reason, word)

    found = fault(current, tsc)
    if found:
        # Other sources read the emulated TSC too, or a slower device: to leave it gains as little.
        leave = tsc.get('unstable') or tsc.get('warp_cycles')
        return answer((best or _instead(available)) if leave else None, 'unsafe', 'tsc is in use, but ' + found)
    known = SOURCES.get(current, {})
    fast = known.get('vdso') if vdso.get('fast') is None else vdso['fast']
    if current == best and current in row['prefer'] and (fast or current == 'tsc'):
        # Where even the TSC enters the kernel, no other source would do better.
        return answer(current, 'optimal', '%s is the first choice of what is offered here%s' % (
            current, '' if fast else ', though a read of it was seen to enter the kernel'))
    if known.get('grade') == 'boot':
        return answer(None, 'unknown', '%s is the kernel\'s source until it has measured the TSC: look again in some '
                      'seconds' % current, known['source'])
    if fast:
        doubt = distrust(current, row, tsc)
        return answer(current if doubt else best or current, 'acceptable', '%s is read in the vDSO%s' % (
            current, ', though ' + doubt if doubt else ': nothing to gain worth a change'))
    if known.get('grade') is None and fast is None:
        return answer(None, 'unknown', '%s is not a clocksource that this collection knows' % current, 'no row')
    slow = '%s is not read in the vDSO' % current if fast is False else '%s is slow' % current
    if best and best != current:
        return answer(best, 'slow', '%s, and %s is offered' % (slow, best))
    if 'tsc' not in available and tsc.get('unstable'):
        return answer(None, 'slow', '%s, and tsc is not offered: %s' % (slow, fault('tsc', tsc)))
    why = '; '.join(filter(None, (distrust(name, row, tsc) for name in wanted))) or 'nothing faster is offered'
    return answer(None, 'slow', '%s, but %s' % (slow, why))


def _instead(available):
    """Where the TSC is unsafe and no row names another: what the kernel itself would take, slow or not."""
    grades = {name: SOURCES.get(name, {}).get('grade') for name in available if name != 'tsc'}
    return next((name for name in available if grades.get(name) in ('fast', 'slow')), None)


def _answer(row, recommended, verdict, reason, source):
    return {'row': row, 'recommended': recommended, 'verdict': verdict, 'reason': reason, 'source': source}
