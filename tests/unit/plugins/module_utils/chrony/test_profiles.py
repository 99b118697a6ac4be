# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _profiles

GOOD = {'clock_name': 'igb-*', 'link': 'ptp_igb', 'refclock': 'refclock PHC {device} poll 0'}


def cloud(provider, platform=None):
    return {'provider': provider, 'platform': platform}


@pytest.mark.parametrize('provider, variant, ids', [
    ('gcp', '', ['gcp']), ('gcp', 'classic', ['gcp-classic', 'gcp']), ('aws', '', ['aws']), ('aws', 'classic', ['aws']),
    ('azure', '', ['azure']), ('none', '', []), (None, '', []), ('oracle', '', [])])
def test_ours(provider, variant, ids):
    assert [row['id'] for row in _profiles.choose([], cloud(provider), 'kvm', variant)] == ids


def test_the_operators_come_first_whatever_the_variant():
    rows = _profiles.check_rows([dict(GOOD, match={'provider': 'gcp'}), dict(GOOD, match={'hypervisor': 'xen'}),
                                 dict(GOOD, id='any')])
    assert [row['id'] for row in _profiles.choose(rows, cloud('gcp'), 'kvm', 'classic')] == [
        'operator-1', 'any', 'gcp-classic', 'gcp']


def test_our_own_rows_pass_the_check():
    for row in _profiles.check_rows(_profiles.ROWS):
        assert re.match(r'20[0-9]{2}-[0-9]{2}-[0-9]{2}\Z|undated\Z', row['date'])
        assert row['source'] and row['refclock'].count('{device}') == 1
    assert [row['smeared'] for row in _profiles.check_rows(_profiles.ROWS)] == [True, True, False, False]


def test_defaults_and_nulls():
    row, = _profiles.check_rows([dict(GOOD, module=None, date=None, ntp={'add': ['server a iburst']})])
    assert row['ntp'] == {'add': ['server a iburst'], 'keep': []} and row['date'] == 'undated' and row['module'] is None
    assert _profiles.check_rows(None) == []


@pytest.mark.parametrize('row, word', [
    ('x', 'is not a mapping'), ({}, 'clock_name is missing'), ({'clock_name': 'a'}, 'refclock is missing'),
    (dict(GOOD, clockname='a'), "unknown key 'clockname'"), (dict(GOOD, link=3), 'link must be a string'),
    (dict(GOOD, match=[]), 'match must be a mapping'), (dict(GOOD, match={'cloud': 'x'}), "not 'cloud'"),
    (dict(GOOD, smeared='no'), 'smeared must be'), (dict(GOOD, ntp={'drop': []}), 'ntp must be'),
    (dict(GOOD, ntp={'add': 'server a'}), 'ntp.add must be a list'), (dict(GOOD, directives='x'), 'directives must be'),
    (dict(GOOD, directives=['a\nb']), 'one line'), (dict(GOOD, directives=['']), 'one line'),
    (dict(GOOD, directives=['Include /x']), 'directives cannot hold'),
    (dict(GOOD, ntp={'add': ['allow']}), 'ntp.add takes'),
    (dict(GOOD, refclock='refclock PHC /dev/ptp0'), 'refclock must read'),
    (dict(GOOD, refclock='refclock SHM {device}'), 'refclock must read'),
    (dict(GOOD, refclock='refclock PHC {device} poll {poll}'), 'refclock must read'),
    (dict(GOOD, clock_name='a*b'), 'characters'), (dict(GOOD, clock_name="a'b"), 'characters'),
    (dict(GOOD, clock_name='$(x)'), 'characters'), (dict(GOOD, link='../x'), 'not a plain name'),
    (dict(GOOD, module='-r'), 'not a plain name'), (dict(GOOD, link='ptp0'), 'a name that the kernel gives'),
    (dict(GOOD, driver_option='ena'), 'driver_option must read'), (dict(GOOD, link=None), 'a link is needed'),
    (dict(GOOD, clock_name='x', link=None, module='m'), 'a link is needed')])
def test_bad_rows(row, word):
    with pytest.raises(ValueError) as caught:
        _profiles.check_rows([row])
    assert word in str(caught.value) and 'row 1' in str(caught.value)
