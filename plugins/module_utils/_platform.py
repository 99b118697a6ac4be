# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence → cloud and hypervisor. Pure: tables are in ``_platform_rules``, hypervisors in ``_hypervisor``."""
import re

from . import _hypervisor
from . import _platform_rules as rules

_READABLE = ('dmi', 'cpu', 'signature', 'xen', 'device_tree', 'sysinfo', 'cloud_init')


def judge(evidence):
    """``_evidence.collect``'s dict → {'cloud': {provider, platform, instance_type, evidence, settled},
    'hypervisor': {type, signature, container, virt_mode, xen_role, evidence}}.

    A machine that shows itself and no cloud is ``provider: none``; None is a machine of which nothing could be read.
    ``settled`` is False where neither firmware, the hypervisor's files nor cloud-init said which cloud this is or
    that it is none: only then has asking a metadata service a point.
    """
    logged = (evidence.get('log') or {}).get('dmi')
    if logged and not evidence.get('dmi'):
        evidence = dict(evidence, dmi=rules.from_log(logged))
    container, container_why = _hypervisor.container(evidence)
    seen = container is not None or any(evidence.get(key) for key in _READABLE)
    provider, why = _provider(evidence)
    instance_type = _instance_type(evidence, provider)
    named = provider not in (None, 'none')
    metal = named and _hypervisor.is_metal(evidence, instance_type)
    kind, kind_why = _hypervisor.judge(evidence, provider, metal)
    if kind is None:
        bare = seen and _hypervisor.bare(evidence, container)
        kind, kind_why = ('none', 'no sign of a hypervisor') if bare else (None, None)
    xen = kind == 'xen'
    cloud = {
        'provider': provider or ('none' if seen else None),
        'platform': _platform(evidence, provider, kind) if named else None,
        'instance_type': instance_type,
        'evidence': [why or 'no mark of a cloud'] if seen else [],
        'settled': named or kind == 'none' or bool(_dmi(evidence, 'sys_vendor')),
    }
    return {'cloud': cloud, 'hypervisor': {
        'type': kind,
        'signature': evidence.get('signature'),
        'container': container,
        'virt_mode': _hypervisor.virt_mode(evidence) if xen else None,
        'xen_role': _hypervisor.xen_role(evidence) if xen else None,
        'evidence': [text for text in (kind_why, container_why) if text],
    }}


def _dmi(evidence, field):
    return (evidence.get('dmi') or {}).get(field, '')


def _provider(evidence):
    """(provider or None, why)."""
    if ((evidence.get('xen') or {}).get('uuid') or '').lower().startswith('ec2'):
        return 'aws', '/sys/hypervisor/uuid begins ec2'
    provider, why = rules.match(evidence.get('dmi') or {}, rules.CLOUDS)
    if provider:
        return provider, why
    # EC2's uuid begins with ec2, or has those bytes swapped (45E12AEC-…). One machine in 4,096 has it by chance, so
    # the firmware of another maker than Xen overrules it.
    uuid = _dmi(evidence, 'product_uuid').lower()
    if re.match(r'ec2|[0-9a-f]{4}2[0-9a-f]ec-', uuid) and _dmi(evidence, 'sys_vendor') in ('', 'Xen'):
        return 'aws', 'DMI product_uuid has the form of EC2'
    record = evidence.get('cloud_init') or {}
    for key in ('cloud_id', 'cloud_name', 'platform', 'datasource'):
        name = record.get(key)
        provider = rules.CLOUD_INIT.get(name.lower()) if isinstance(name, str) else None
        if provider:
            return provider, 'cloud-init %s "%s"' % (key, name)
    for word in ('vultr', 'scaleway'):
        # cloudinit/sources/helpers/vultr.py and DataSourceScaleway.py know their bare metal by this
        if word in evidence.get('cmdline', ()):
            return word, 'kernel argument %s' % word
    return None, None


def _instance_type(evidence, provider):
    vendor, product = _dmi(evidence, 'sys_vendor'), _dmi(evidence, 'product_name')
    if provider == 'aws' and vendor == 'Amazon EC2' and product:
        return product
    if provider == 'ibm':
        for text in (vendor, _dmi(evidence, 'chassis_vendor')):
            if text.count(':') == 2:
                return text.rsplit(':', 1)[1]
    if provider == 'scaleway' and product.startswith('SCW-'):
        return product[4:]
    return (evidence.get('cloud_init') or {}).get('instance_type')


def _platform(evidence, provider, kind):
    if kind == 'none':
        return 'metal'
    if provider == 'aws':
        return 'xen' if kind == 'xen' else 'nitro' if _dmi(evidence, 'sys_vendor') == 'Amazon EC2' else None
    bios = _dmi(evidence, 'bios_vendor')
    if provider == 'azure' and bios:
        return 'gen1' if bios.startswith('American Megatrends') else 'gen2'
    return None
