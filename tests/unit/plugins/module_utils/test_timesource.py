# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemons' own reports, as their clients print them, and a client of ours for what goes wrong."""
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _timesource

# chronyd by a server, by a PHC, by its own clock (chrony 4.3), and one just started (AlmaLinux 9), all as recorded.
BY_SERVER = ('D8EF2300,216.239.35.0,2,1724225367.720284720,-0.000036268,-0.000005936,0.000214715,-0.946,0.001,0.081,'
             '0.013953905,0.000123833,261.0,Normal\n')
BY_PHC = ('50484330,PHC0,1,1795224580.959354080,-0.000001227,0.000000061,0.000000203,-0.020,0.001,0.336,0.000005850,'
          '0.000003199,1.0,Normal\n')
LOCAL = ('7F7F0101,,10,1795225001.464102264,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,'
         '0.000000000,0.0,Normal\n')
STARTED = ('00000000,,0,0.000000000,3.603757620,0.113657385,0.155346483,-100049.070,0.000,0.000,1.000000000,'
           '1.000000000,4.4,Not synchronised\n')


def test_chrony_by_a_server():
    assert _timesource.of_chronyc(BY_SERVER) == {
        'source': '216.239.35.0', 'stratum': 2, 'offset_seconds': -0.000036268, 'root_dispersion': 0.000123833,
        'reference_id': 'D8EF2300', 'leap': 'normal', 'reason': None}


def test_chrony_by_a_phc():
    found = _timesource.of_chronyc(BY_PHC)
    assert (found['source'], found['stratum'], found['reference_id']) == ('PHC0', 1, '50484330')


@pytest.mark.parametrize('word, leap', [('Insert second', 'insert'), ('Delete second', 'delete')])
def test_chrony_before_a_leap_second(word, leap):
    found = _timesource.of_chronyc(BY_SERVER.replace('Normal', word))
    assert (found['leap'], found['stratum']) == (leap, 2)


def test_chrony_that_serves_its_own_clock():
    assert _timesource.of_chronyc(LOCAL) == {
        'source': None, 'stratum': 10, 'offset_seconds': None, 'root_dispersion': None, 'reference_id': '7F7F0101',
        'leap': 'normal', 'reason': 'chronyd serves its own clock, by no source'}


@pytest.mark.parametrize('age, interval, reason', [
    (500, '1.0', None), (520, '1.0', 'chronyd last heard of its source 520 s ago'), (8000, '1024.0', None),
    (8200, '1024.0', 'chronyd last heard of its source 8200 s ago'), (-5, '1.0', None)])
def test_chrony_whose_source_is_dead_goes_on_to_name_it(age, interval, reason):
    found = _timesource.of_chronyc(BY_PHC.replace(',1.0,', ',%s,' % interval), 1795224580.9 + age)
    assert (found['source'], found['stratum'], found['reason']) == ('PHC0', 1, reason)


def test_how_old_chronys_word_is_counts_from_now():
    assert 'chronyd last heard of its source' in _timesource.ask('chrony', lambda argv: BY_SERVER)['reason']
    assert _timesource.of_chronyc(LOCAL, 2e9)['reason'] == 'chronyd serves its own clock, by no source'


def test_chrony_that_is_not_synchronised_yet():
    """Its offset is 3.6 s, and against nothing."""
    assert _timesource.of_chronyc(STARTED) == dict(
        _timesource.UNKNOWN, leap='unsynchronised', reason='chronyd is not synchronised')


TIMESYNCD = '''\
       Server: 80.249.145.122 (0.debian.pool.ntp.org)
Poll interval: 8min 32s (min: 32s; max 34min 8s)
         Leap: normal
      Version: 4
      Stratum: 2
    Reference: 596DFB18
    Precision: 1us (-23)
Root distance: 38.803ms (max: 5s)
       Offset: -5.086ms
        Delay: 273.384ms
       Jitter: 10month 2w 1d 13h 28min 23.169258s
 Packet count: 17
    Frequency: -0.870ppm
'''


def test_timesyncd():
    assert _timesource.of_timedatectl(TIMESYNCD) == {
        'source': '80.249.145.122', 'stratum': 3, 'offset_seconds': -0.005086, 'root_dispersion': None,
        'reference_id': None, 'leap': 'normal', 'reason': None}


def test_timesyncd_before_any_answer():
    text = '       Server: (null) (ntp.ubuntu.com)\nPoll interval: 0 (min: 32s; max 34min 8s)\n Packet count: 0\n'
    assert _timesource.of_timedatectl(text) == dict(
        _timesource.UNKNOWN, leap='unsynchronised', reason='systemd-timesyncd has heard of no server yet')


@pytest.mark.parametrize('word, leap, stratum', [
    ('last minute of the day has 61 seconds', 'insert', 3), ('last minute of the day has 59 seconds', 'delete', 3),
    ('not synchronized', 'unsynchronised', None)])
def test_timesyncd_leaps(word, leap, stratum):
    found = _timesource.of_timedatectl(TIMESYNCD.replace('normal', word))
    assert (found['leap'], found['stratum']) == (leap, stratum)


@pytest.mark.parametrize('text, seconds', [
    ('+3.406ms', 0.003406), ('-53.991us', -0.000053991), ('+7.493693s', 7.493693), ('+0', 0.0), ('-0', 0.0),
    ('-1min 2.5s', -62.5), ('+1h 1min', 3660.0), ('-1d 2h', -93600.0), ('+2w', 1209600.0), ('+1y 1month', 34187400.0),
    ('+12\u03bcs', 0.000012)])
def test_timesyncd_offsets(text, seconds):
    assert _timesource.of_timedatectl(TIMESYNCD.replace('-5.086ms', text))['offset_seconds'] == seconds


@pytest.mark.parametrize('text', ['', 'Unknown command verb timesync-status.', TIMESYNCD.replace('-5.086ms', '-5 ells'),
                                  TIMESYNCD.replace('-5.086ms', 'soon'), TIMESYNCD.replace('Stratum: 2', 'Stratum: two')])
def test_what_is_not_timedatectl(text):
    with pytest.raises(ValueError):
        _timesource.of_timedatectl(text)


# ntpd 4.2.8 and 4.2.6.
NTPD = '''\
associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p4@1.3265-o Tue Aug  2 08:19:53 UTC 2016 (1)",
processor="x86_64", system="Linux/4.4.0-36-generic", leap=00, stratum=4,
precision=-24, rootdelay=64.685, rootdisp=76.350, refid=174.141.68.116,
reftime=dfb39d2d.8598591b  Sat, Sep 10 2016 21:23:07.750,
clock=dfb39fbe.dd542f86  Sat, Sep 10 2016 21:51:18.077, peer=60909, tc=10, mintc=3,
offset=-0.180, frequency=0.314, sys_jitter=0.246,
clk_jitter=0.140, clk_wander=0.009
'''
NTPD_STARTED = '''\
associd=0 status=c012 leap_alarm, sync_unspec, 1 event, freq_set,
version="ntpd 4.2.6p5@1.2349-o Wed Jul 12 12:22:58 UTC 2017 (1)",
processor="x86_64", system="Linux/3.13.0-116-generic", leap=11,
stratum=16, precision=-23, rootdelay=0.000, rootdisp=0.915, refid=INIT,
reftime=00000000.00000000  Mon, Jan  1 1900  0:00:00.000,
clock=dea787d9.c369cb98  Thu, May 17 2018  4:47:21.763, peer=0, tc=3,
mintc=3, offset=0.000, frequency=-371.340, sys_jitter=0.000,
clk_jitter=0.000, clk_wander=0.000
'''


def test_ntpd():
    assert _timesource.of_ntpq(NTPD) == {
        'source': None, 'stratum': 4, 'offset_seconds': -0.00018, 'root_dispersion': 0.07635, 'leap': 'normal',
        'reference_id': '174.141.68.116', 'reason': 'ntpd does not tell the address of its server'}


def test_ntpd_by_a_clock_of_its_own():
    found = _timesource.of_ntpq(NTPD.replace('stratum=4', 'stratum=1').replace('174.141.68.116', '.GPS.'))
    assert (found['source'], found['reference_id'], found['reason']) == ('GPS', 'GPS', None)


def test_ntpd_that_is_not_synchronised_yet():
    assert _timesource.of_ntpq(NTPD_STARTED) == dict(
        _timesource.UNKNOWN, leap='unsynchronised', reason='ntpd is not synchronised')


@pytest.mark.parametrize('text', ['', 'ntpq: read: Connection refused', NTPD.replace('offset=', 'upset='),
                                  NTPD.replace('stratum=4', 'stratum=four')])
def test_what_is_not_ntpq(text):
    with pytest.raises(ValueError, match='not what ntpq'):
        _timesource.of_ntpq(text)


def test_the_offset_has_one_sign():
    """All three are negative where the system clock is fast."""
    assert _timesource.of_chronyc(BY_SERVER)['offset_seconds'] < 0
    assert _timesource.of_timedatectl(TIMESYNCD)['offset_seconds'] < 0
    assert _timesource.of_ntpq(NTPD)['offset_seconds'] < 0


@pytest.mark.parametrize('daemon, client', [('chrony', 'chronyc'), ('systemd-timesyncd', 'timedatectl'), ('ntpd', 'ntpq')])
def test_each_daemon_has_its_client(daemon, client):
    asked = []
    found = _timesource.ask(daemon, lambda argv: asked.append(argv) or 'nonsense')
    assert [argv[0] for argv in asked] == [client]
    assert found['source'] is None and found['reason'].startswith(client + ' told nothing: this is not what')


def test_chronyc_is_sent_to_this_machine_only():
    assert _timesource.CHRONYC[_timesource.CHRONYC.index('-h') + 1] == '/run/chrony/chronyd.sock,127.0.0.1'
    assert '127.0.0.1' in _timesource.NTPQ


@pytest.mark.parametrize('daemon', ['ntpsec', 'openntpd'])
def test_who_is_not_asked(daemon):
    found = _timesource.ask(daemon, lambda argv: pytest.fail('it ran %s' % argv))
    assert found == dict(_timesource.UNKNOWN, reason=daemon + ' is not asked')


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A chronyc that is a script: it is run, by the same limits."""
    def write(script):
        (tmp_path / 'chronyc').write_text('#!/bin/sh\n' + script + '\n')
        (tmp_path / 'chronyc').chmod(0o755)
        monkeypatch.setattr(_timesource, 'CHRONYC', [str(tmp_path / 'chronyc')] + _timesource.CHRONYC[1:])
    return write


def test_a_client_that_answers(client):
    client("printf '%s'" % BY_PHC.replace('\n', '\\n'))
    assert _timesource.ask('chrony')['source'] == 'PHC0'


@pytest.mark.parametrize('script, reason', [
    ('echo "506 Cannot talk to daemon"; exit 1', 'it ended with code 1'),
    ('echo 506 Cannot talk to daemon', 'not what chronyc -c tracking prints'),
    ('exec cat /dev/zero', 'wrote more than'),
    ('kill -9 $$', 'SIGKILL'),
])
def test_a_client_that_does_not(client, script, reason):
    client(script)
    found = _timesource.ask('chrony')
    assert reason in found['reason']
    assert dict(found, reason=None) == dict(_timesource.UNKNOWN, reason=None)


def test_a_client_that_waits_for_ever(client, monkeypatch):
    monkeypatch.setattr(_timesource, 'SECONDS', 0.2)
    client('exec sleep 60')
    assert 'was not done' in _timesource.ask('chrony')['reason']


def test_no_client(tmp_path, monkeypatch):
    monkeypatch.setattr(_timesource, 'CHRONYC', [str(tmp_path / 'nothing')])
    assert _timesource.ask('chrony')['reason'].endswith('nothing is not installed')


def test_a_client_that_may_not_be_run(tmp_path, monkeypatch):
    (tmp_path / 'chronyc').write_text('')
    monkeypatch.setattr(_timesource, 'CHRONYC', [str(tmp_path / 'chronyc')])
    assert 'ermission' in _timesource.ask('chrony')['reason']
