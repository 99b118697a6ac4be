# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PTP hardware clock chrony takes on which cloud, and how: a dated table and the choice from it. Pure.

A row: ``match`` facts that must be equal (provider, platform, hypervisor); ``clock_name`` what the kernel calls the
clock (a trailing ``*`` stands for anything): its number says nothing; ``module`` the kernel module that makes it, None
where it is there by itself; ``driver_option`` what makes a driver that is already loaded show it at the next boot;
``link`` its stable name below /dev, by a udev rule; ``refclock`` chrony's line; ``directives`` further lines;
``ntp.keep`` the servers that may stand beside it, ``ntp.add`` lines for such; ``smeared`` whether it is leap-smeared,
so that chrony must not know of leap seconds; ``variant`` another recipe for the same clock. ``date`` is
the day of the source's word; where no source tells it, it says so.
"""
import re

ROWS = [
    {'id': 'gcp', 'match': {'provider': 'gcp'}, 'date': 'undated', 'clock_name': 'KVM virtual PTP',
     'module': 'ptp_kvm', 'link': 'ptp_kvm', 'refclock': 'refclock PHC {device} poll -1',
     'directives': ['log tracking'], 'ntp': {'keep': ['metadata.google.internal', '169.254.169.254'], 'add': []},
     'smeared': True,
     'source': 'Google Cloud, "Configure accurate time for Compute Engine VMs" (a copy that lists Ubuntu 24.04, so of '
               'April 2024 or later), and the script it goes with: no NTP servers, no leapsectz, as the clock is '
               "leap-smeared. That Google's own server may stay, being smeared alike, is ours"},
    {'id': 'gcp-classic', 'variant': 'classic', 'match': {'provider': 'gcp'}, 'date': 'undated',
     'clock_name': 'KVM virtual PTP', 'module': 'ptp_kvm', 'link': 'ptp_kvm',
     'refclock': 'refclock PHC {device} poll 2 dpoll -2 offset 0',
     'directives': ['makestep 1.0 -1', 'log tracking measurements statistics'],
     'ntp': {'keep': ['metadata.google.internal', '169.254.169.254'], 'add': []}, 'smeared': True,
     'source': 'an older recipe for ptp_kvm that is widely copied, with /dev/ptp0; its author and date are not known'},
    {'id': 'aws', 'match': {'provider': 'aws'}, 'date': '2023-11-16', 'clock_name': 'ena-ptp-*',
     'driver_option': 'ena phc_enable=1', 'link': 'ptp_ena',
     'refclock': 'refclock PHC {device} poll 0 delay 0.000010 prefer',
     'source': 'Amazon EC2 User Guide, "Set the time reference on your EC2 instance to use the local Amazon Time Sync '
               'Service": its NTP may be leap-smeared and the PHC is not (announced on that day). That the two are '
               'never mixed is ours'},
    {'id': 'azure', 'match': {'provider': 'azure'}, 'date': '2025-03-05', 'clock_name': 'hyperv',
     'link': 'ptp_hyperv', 'refclock': 'refclock PHC {device} poll 3 dpoll -2 offset 0 stratum 2',
     'directives': ['makestep 1.0 -1'],
     'source': 'Microsoft, "Time sync for Linux VMs in Azure", as Azure/AgentBaker#5991 quotes it on that day'},
]
_DEFAULTS = {'match': {}, 'date': 'undated', 'source': "the operator's profile", 'module': None, 'driver_option': None,
             'link': None, 'directives': [], 'ntp': {}, 'smeared': False, 'variant': ''}
_TEXTS = ('id', 'date', 'source', 'clock_name', 'module', 'driver_option', 'link', 'refclock', 'variant')
_LISTS = ('directives',)
_KEYS = frozenset(_TEXTS + _LISTS + ('match', 'ntp', 'smeared'))
# These go into shell patterns, udev rules and file names, where other characters would act.
_CLOCK = re.compile(r'[A-Za-z0-9_.:+/ -]+\*?\Z')
_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_-]{0,63}\Z')
_OPTION = re.compile(r'[A-Za-z0-9_-]+ [A-Za-z0-9_]+=[A-Za-z0-9_]+\Z')


def check_rows(rows):
    """The operator's rows with their defaults filled in. ValueError names the row and what is wrong with it."""
    return [_checked(number, row) for number, row in enumerate(rows or [], 1)]


def choose(rows, cloud, hypervisor, variant):
    """The rows that cover a machine, the best first. ``rows`` are the operator's, checked; ours come after them.

    Of each the rows of the ``variant`` asked for come first; where there is none, the plain ones are meant.
    """
    facts = {'provider': cloud['provider'], 'platform': cloud['platform'], 'hypervisor': hypervisor}
    found = []
    for group in (rows, [dict(_filled(row)) for row in ROWS]):
        fits = [row for row in group if all(facts[key] == value for key, value in row['match'].items())]
        for wanted in (variant, '') if variant else ('',):
            found.extend(row for row in fits if row['variant'] == wanted)
    return found


def variants(rows):
    """The variants that can be asked for."""
    return sorted({row.get('variant', '') for row in list(rows) + ROWS})


def _filled(row):
    ntp = dict({'keep': [], 'add': []}, **row.get('ntp') or {})
    return dict(_DEFAULTS, **dict(row, ntp=ntp))


def _checked(number, row):
    def wrong(text):
        return ValueError('profiles: row %d: %s' % (number, text))
    if not isinstance(row, dict):
        raise ValueError('profiles: row %d is not a mapping' % number)
    for key in sorted(set(row) - _KEYS):
        raise wrong('unknown key %r; known are %s' % (key, ', '.join(sorted(_KEYS))))
    for key in ('clock_name', 'refclock'):
        if not row.get(key):
            raise wrong('%s is missing' % key)
    for key in _TEXTS:
        if row.get(key) is not None and not isinstance(row[key], str):
            raise wrong('%s must be a string' % key)
    if not isinstance(row.get('match', {}), dict):
        raise wrong('match must be a mapping')
    for key in row.get('match', {}):
        if key not in ('provider', 'platform', 'hypervisor'):
            raise wrong('match knows provider, platform and hypervisor, not %r' % key)
    if not isinstance(row.get('smeared', False), bool):
        raise wrong('smeared must be true or false')
    ntp = row.get('ntp') or {}
    if not isinstance(ntp, dict) or set(ntp) - {'keep', 'add'}:
        raise wrong('ntp must be a mapping of keep and add')
    for name, value in [('directives', row.get('directives', []))] + [('ntp.' + key, ntp[key]) for key in sorted(ntp)]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise wrong('%s must be a list of strings' % name)
    row = {key: value for key, value in row.items() if value is not None}
    row = dict(_filled(row), id=row.get('id') or 'operator-%d' % number)
    return _sane(row, wrong)


def _sane(row, wrong):
    """The row, once nothing in it can mean more than it says where it is written."""
    for line in [row['refclock']] + row['directives'] + row['ntp']['add']:
        if _unprintable(line):
            raise wrong('%r must be one line of printable ASCII' % line)
    words = row['refclock'].split()
    if len(words) < 3 or words[0].lower() != 'refclock' or words[1].upper() != 'PHC' or words[2] != '{device}' \
            or '{' in row['refclock'].replace('{device}', '', 1):
        raise wrong('refclock must read "refclock PHC {device} …", not %r' % row['refclock'])
    for line in row['directives']:
        if line.split()[:1] and line.split()[0].lower() in ('include', 'confdir', 'sourcedir', 'refclock', 'server',
                                                            'pool', 'peer'):
            raise wrong('directives cannot hold %r' % line)
    for line in row['ntp']['add']:
        if len(line.split()) < 2 or line.split()[0].lower() not in ('server', 'pool', 'peer'):
            raise wrong('ntp.add takes server, pool and peer lines, not %r' % line)
    if not _CLOCK.match(row['clock_name']):
        raise wrong('clock_name %r has characters that no clock has; one * may end it' % row['clock_name'])
    for key in ('module', 'link'):
        if row[key] and not _NAME.match(row[key]):
            raise wrong('%s %r is not a plain name' % (key, row[key]))
    if row['link'] and re.match(r'ptp[0-9]+\Z', row['link']):
        raise wrong('link %r is a name that the kernel gives to any clock' % row['link'])
    if row['driver_option'] and not _OPTION.match(row['driver_option']):
        raise wrong('driver_option must read "module option=value"')
    if (row['module'] or row['clock_name'].endswith('*')) and not row['link']:
        raise wrong('a link is needed: the number of a clock that a module makes is not known beforehand')
    return row


def _unprintable(line):
    return not line.strip() or any(not ' ' <= char <= '~' for char in line)
