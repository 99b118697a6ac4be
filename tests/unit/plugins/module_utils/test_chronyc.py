# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""chronyc's reports, recorded from chrony 4.3 with two daemons on loopback."""
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _chronyc

TRACKING = ('7F000001,127.0.0.1,3,1795224580.959354080,-0.000001227,0.000000061,0.000000203,-0.020,0.001,0.336,'
            '0.000005850,0.000003199,1.0,Normal\n')
NEVER = '00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,' \
        '0.0,Not synchronised\n'
SOURCES = ('^,*,127.0.0.1,2,0,377,1,0.000000191,0.000000252,0.000003464\n'
           '^,?,127.0.0.9,0,6,0,4294967295,0.000000000,0.000000000,0.000000000\n'
           '#,x,PHC0,0,-1,377,0,-3600.000000000,-3600.000000000,0.000000100\n')


def test_tracking():
    assert _chronyc.tracking(TRACKING) == {
        'reference_id': '7F000001', 'source': '127.0.0.1', 'stratum': 3, 'ref_time': 1795224580.95935408,
        'offset_seconds': -0.000001227, 'root_dispersion': 0.000003199, 'update_interval': 1.0, 'leap': 'Normal'}


def test_a_daemon_that_never_was_synchronised():
    report = _chronyc.tracking(NEVER)
    assert (report['source'], report['stratum'], report['leap']) == (None, 0, _chronyc.UNSYNCHRONISED)


def test_sources():
    first, second, third = _chronyc.sources(SOURCES)
    assert (first['mode'], first['state'], first['name'], first['reach']) == ('^', '*', '127.0.0.1', 255)
    assert second['last_rx'] is None and second['reach'] == 0
    assert third['poll'] == -1 and third['offset_seconds'] == 3600.0 and third['error_seconds'] == 1e-7


def test_the_sign_is_that_of_tracking():
    """A clock that is slow: tracking prints a positive number, sources a negative one."""
    slow = _chronyc.tracking(TRACKING.replace('-0.000001227', '0.5'))
    assert slow['offset_seconds'] > 0 and _chronyc.sources(SOURCES)[2]['offset_seconds'] > 0


def test_no_sources_at_all():
    assert _chronyc.sources('') == []


@pytest.mark.parametrize('text', [
    '', '506 Cannot talk to daemon\n', TRACKING * 2, SOURCES, TRACKING.replace('7F000001', 'xyzxyzxy'),
    TRACKING.replace(',3,', ',three,'), TRACKING.rstrip('\n').rsplit(',', 1)[0]])
def test_what_is_not_tracking(text):
    with pytest.raises(ValueError, match='chronyc -c tracking'):
        _chronyc.tracking(text)


@pytest.mark.parametrize('text', [
    '506 Cannot talk to daemon\n', TRACKING, SOURCES.replace('377', '399'), SOURCES.replace('#', '%'),
    SOURCES + '^,*,cut off'])
def test_what_is_not_sources(text):
    with pytest.raises(ValueError, match='chronyc -c sources'):
        _chronyc.sources(text)
