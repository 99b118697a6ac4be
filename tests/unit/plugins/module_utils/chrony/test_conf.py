# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _conf, _profiles

try:
    from hypothesis import given, strategies
except ImportError:
    given = None

GCP, AWS = _profiles.check_rows([
    {'clock_name': 'a', 'refclock': 'refclock PHC {device}', 'smeared': True,
     'directives': ['makestep 1 -1', 'log tracking'], 'ntp': {'keep': ['Kept.example.com']}},
    {'clock_name': 'a', 'refclock': 'refclock PHC {device}'}])


@pytest.mark.parametrize('line, name, args', [
    ('server a iburst', 'server', ['a', 'iburst']), ('  POOL\ta  b \r\n', 'pool', ['a', 'b']),
    ('RefClock PHC /dev/ptp0', 'refclock', ['PHC', '/dev/ptp0']),
    ('! server a', None, []), (' ; x', None, []), ('#x', None, []), ('%', None, []), ('', None, []),
    (' \t\r\n', None, []),
    # no comment behind a directive: chronyd takes all of it
    ('driftfile /x # y', 'driftfile', ['/x', '#', 'y']), ('\x0bserver\x0ca', 'server', ['a']),
    # these are blanks for Python and none for C
    ('server\xa0a', 'server\xa0a', []), ('server\x85a', 'server\x85a', [])])
def test_directive(line, name, args):
    assert _conf.directive(line) == (name, args)


@pytest.mark.parametrize('name, args, gcp, aws', [
    ('server', ['a'], True, True), ('peer', ['a'], True, True), ('pool', [], True, True),
    ('server', ['KEPT.example.com', 'iburst'], False, True), ('pool', ['kept.example.com', 'PREFER'], True, True),
    ('leapsectz', ['right/UTC'], True, False),
    ('leapseclist', ['/x'], True, False), ('makestep', ['1', '3'], True, False),
    ('log', ['measurements'], False, False),
    ('sourcedir', ['/run/chrony-dhcp'], True, True), ('sourcedir', ['/etc/chrony/sources.d'], False, False),
    ('sourcedir', ['/etc/x', '/run/y'], True, True), ('initstepslew', ['10', 'kept.example.com'], False, True),
    ('initstepslew', ['10', 'a'], True, True), ('refclock', ['PHC', '/dev/ptp0'], False, False),
    ('allow', [], False, False), ('rtcsync', [], False, False), ('keyfile', ['/k'], False, False)])
def test_what_has_to_give_way(name, args, gcp, aws):
    assert (_conf.wants_out(GCP)(name, args), _conf.wants_out(AWS)(name, args)) == (gcp, aws)


@pytest.mark.parametrize('text', [
    '', 'rtcsync', 'rtcsync\n', '\n\n', 'server a\r\nrtcsync\r\n', 'server a\r\nrtcsync', 'server a\nserver b',
    '  server a  \n\n\n', 'x\udcff y\nserver \udce9\n', '#cloudclock\nserver a\n'])
def test_there_and_back_is_the_same_bytes(text):
    once, taken = _conf.comment_out(text, lambda name, args: name == 'server')
    done = _conf.with_block(once, ['confdir /x', 'y'])
    assert _conf.normal(done) == text
    assert len(taken) == done.count(_conf.MARK) == len([line for line in text.split('\n') if 'server' in line])
    assert ('\r' in done) == ('\r' in text)
    assert all(('\r\n' in line) == ('\r' in text) for line in _conf.lines(done) if line.endswith('\n'))


def test_the_mark_is_the_line_as_it_was():
    text, taken = _conf.comment_out('\tServer a  iburst\n', lambda name, args: True)
    assert text == '#cloudclock.linux# \tServer a  iburst\n' and taken == ['\tServer a  iburst']


def test_what_others_wrote_behind_our_block_stays():
    text = _conf.with_block('rtcsync\n', ['a']) + 'allow\n'
    assert _conf.normal(text) == 'rtcsync\nallow\n'
    assert _conf.normal(_conf.with_block('rtcsync', ['a']) + '\nallow\n') == 'rtcsync\nallow\n'


def test_a_block_whose_end_is_gone_is_left_alone():
    text = 'rtcsync\n%s\nserver a\n' % _conf.BEGIN
    assert _conf.normal(text) == text


@pytest.mark.parametrize('args, device', [
    (['PHC', '/dev/ptp0', 'poll', '2'], '/dev/ptp0'), (['phc', '/dev/ptp_kvm:nocrossts'], '/dev/ptp_kvm'),
    (['SHM', '0'], None), (['PHC'], None), ([], None)])
def test_device(args, device):
    assert _conf.device(args) == device


if given:
    @given(strategies.text(strategies.sampled_from('server pool#!\t\r\n\udcffx/'), max_size=60))
    def test_any_text_comes_back(text):
        once, _taken = _conf.comment_out(text, lambda name, args: name.startswith('s'))
        assert _conf.normal(_conf.with_block(once, ['x'])) == text
        assert ''.join(_conf.lines(text)) == text
