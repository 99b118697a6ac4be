# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers, through Root, what tells where a machine runs; ``_platform.judge`` says what it means."""
import json
import re

from . import _klog

DMI = (
    'sys_vendor', 'product_name', 'product_version', 'product_serial', 'product_uuid', 'product_family',
    'board_vendor', 'board_name', 'board_asset_tag', 'bios_vendor', 'bios_version',
    'chassis_vendor', 'chassis_version', 'chassis_asset_tag',
)
# What firmware writes where nothing was filled in.
_EMPTY = ('', 'Not Specified', 'None', 'Default string', 'To be filled by O.E.M.', 'To Be Filled By O.E.M.')
_CPU_KEYS = {
    'vendor_id': 'vendor', 'model name': 'model', 'flags': 'flags', 'Features': 'features',
    'CPU implementer': 'implementer', 'platform': 'platform', 'model': 'model_id', 'arch': 'arch',
}
_CLOCKS = 'sys/devices/system/clocksource/clocksource0/'
_TYPE_KEYS = ('instance-type', 'instance_type', 'shape', 'vmSize', 'instance/instance-type')


def collect(root, probe=None, log=None):
    """Everything below ``root`` that bears on cloud, hypervisor and container.

    ``probe`` is the probe's output or its readings (None: another root may hold it as probe.json) and ``log`` the
    kernel's messages, lines, where the caller read them. A key is None when its source is missing or cannot be read.
    Raises ValueError for a probe.json that is not JSON.
    """
    if probe is None and not root.live:
        probe = recorded_probe(root)
    if log is None and not root.live:
        log = _klog.read(root)[0]
    clocks = root.line(_CLOCKS + 'available_clocksource')
    return {
        'dmi': _dmi(root),
        'cpu': _cpu(root),
        'signature': _signature(probe),
        'xen': _xen(root),
        'device_tree': _device_tree(root),
        'sysinfo': root.read('proc/sysinfo'),
        'tsc_khz': _number(root.line('sys/devices/system/cpu/cpu0/tsc_freq_khz')),
        'clocksources': None if clocks is None else clocks.split(),
        'log': _log_marks(log),
        'buses': root.listdir('sys/bus'),
        'release': root.line('proc/sys/kernel/osrelease') or root.line('proc/version') or '',
        'cmdline': (root.line('proc/cmdline') or '').split(),
        'container': _container(root),
        'cloud_init': _cloud_init(root),
    }


def cpuinfo(text):
    """/proc/cpuinfo → the first processor's vendor, model, flags (list, None when not x86) … and common lines."""
    found = {}
    for line in text.splitlines():
        key, colon, value = line.partition(':')
        name = _CPU_KEYS.get(key.strip())
        if colon and name and name not in found:
            found[name] = value.strip()
        if not line and 'flags' in found:
            break
    if 'flags' in found:
        found['flags'] = found['flags'].split()
    return found


def _number(text):
    return int(text) if text and text.isdecimal() and len(text) < 20 else None


def _dmi(root):
    names = root.listdir('sys/class/dmi/id')
    found = {}
    for name in DMI:
        value = root.line('sys/class/dmi/id/' + name) if name in names else None
        if value is not None:
            found[name] = '' if value in _EMPTY else value
    return found or None


def _cpu(root):
    text = root.head('proc/cpuinfo', 16384)
    return cpuinfo(text) if text and text.strip() else None


def recorded_probe(root):
    """What probe.json below another root holds, None where there is none. ValueError when it is not JSON."""
    text = root.read('probe.json')
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ValueError('probe.json: %s' % exc)


def _signature(probe):
    cpuid = probe.get('cpuid') if isinstance(probe, dict) else None
    text = cpuid.get('hypervisor_signature') if isinstance(cpuid, dict) else None
    return text.replace('\0', '').rstrip() or None if isinstance(text, str) else None


def _xen(root):
    found = {
        'type': root.line('sys/hypervisor/type'),
        'capabilities': root.line('proc/xen/capabilities'),
    }
    if root.isdir('sys/hypervisor'):
        for key, path in (('uuid', 'uuid'), ('guest_type', 'guest_type'), ('features', 'properties/features')):
            found[key] = root.line('sys/hypervisor/' + path)
    return found if any(value is not None for value in found.values()) else None


def _device_tree(root):
    names = root.listdir('proc/device-tree')
    base = 'proc/device-tree/'
    if not names:
        base = 'sys/firmware/devicetree/base/'
        names = root.listdir(base)
    if not names:
        return None
    return {
        'hypervisor': root.line(base + 'hypervisor/compatible') if 'hypervisor' in names else None,
        'compatible': root.line(base + 'compatible'),
        'model': root.line(base + 'model'),
        'fw_cfg': any(name.startswith('fw-cfg') for name in names),
        'partition': 'ibm,partition-name' in names and 'hmc-managed?' in names,
    }


def _log_marks(log):
    """What hypervisor.c, paravirt.c and dmi_scan.c of the kernel say: the last of each, which is this boot's."""
    if not log:
        return {}
    found = {}
    for line in log:
        if 'Hypervisor detected: ' in line:
            found['hypervisor'] = line.split('Hypervisor detected: ', 1)[1].strip()
        elif 'Booting paravirtualized kernel' in line:
            found['paravirt'] = line.rsplit(' on ', 1)[-1].strip()
        elif 'DMI: ' in line and ', BIOS ' in line:
            found['dmi'] = line.split('DMI: ', 1)[1].strip()
    return found


def _container(root):
    environ = dict(
        item.partition('=')[::2] for item in (root.read('proc/1/environ') or '').split('\0') if '=' in item)
    status = re.search(r'^VxID:\s*(\d+)', root.read('proc/self/status') or '', re.M)
    marks = {
        'environ': environ.get('container'),
        'systemd': root.line('run/systemd/container') or root.line('run/host/container-manager'),
        'podman': root.exists('run/.containerenv'),
        'docker': root.exists('.dockerenv') or root.exists('.dockerinit'),
        'kubernetes': 'KUBERNETES_SERVICE_HOST' in environ or root.exists('run/secrets/kubernetes.io'),
        # the host has /proc/bc as well, and CloudLinux, which is no container, /proc/lve
        'openvz': root.isdir('proc/vz') and not (root.exists('proc/bc') or root.exists('proc/lve')),
        'vserver': status.group(1) if status else None,
        'cgroup': root.read('proc/self/cgroup') or '',
    }
    mounts = re.search(r'^\S+ \S+ \S+ / / .* - overlay (.*)$', root.read('proc/self/mountinfo') or '', re.M)
    marks['overlay'] = mounts.group(1) if mounts else ''
    return marks


def _cloud_init(root):
    """cloud-init's own record of where it runs: names and the instance type only, never user data or secrets."""
    try:
        data = json.loads(root.read('run/cloud-init/instance-data.json') or '{}')
    except (ValueError, RecursionError):
        data = None
    data = _dict(data)
    v1 = _dict(data.get('v1'))
    found = {'cloud_id': root.line('run/cloud-init/cloud-id') or v1.get('cloud_id'),
             'cloud_name': v1.get('cloud_name'), 'platform': v1.get('platform'),
             'instance_type': _instance_type(_dict(_dict(data.get('ds')).get('meta_data')))}
    if not found['cloud_id'] and not found['cloud_name']:
        # what ds-identify wrote: "datasource_list: [ GCE, None ]"; two candidates decide nothing
        listed = re.search(r'datasource_list:\s*\[\s*(\w+)\s*(?:,\s*None\s*)?\]',
                           root.read('run/cloud-init/cloud.cfg') or '')
        found['datasource'] = listed.group(1) if listed else None
    return found if any(found.values()) else None


def _dict(value):
    return value if isinstance(value, dict) else {}


def _instance_type(meta):
    for source in (meta, _dict(_dict(meta.get('imds')).get('compute'))):
        for key in _TYPE_KEYS:
            value = source.get(key)
            if isinstance(value, str) and 0 < len(value) < 100:
                return value
    return None
