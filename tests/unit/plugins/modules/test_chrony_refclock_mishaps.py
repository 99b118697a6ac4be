# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around the transaction: nothing of it may leave a machine that keeps no time."""
import json
import os

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils import _change, _phc
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _layout, _machine

from .chrony_world import AMAZON, MACHINES, World, install

AZURE = {'sys/class/dmi/id/sys_vendor': 'Microsoft Corporation\n',
         'sys/class/dmi/id/product_name': 'Virtual Machine\n',
         'sys/class/dmi/id/chassis_asset_tag': '7783-7084-3265-9085-8269-3286-77\n',
         'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu hypervisor\n\n'}


@pytest.fixture(name='world')
def _world(monkeypatch, tmp_path):
    return lambda case='debian-12', **options: install(monkeypatch, World(tmp_path, case, **options))


@pytest.fixture(name='call')
def _call(run_module, tmp_path):
    return lambda check_mode=False, **args: run_module('chrony_refclock', check_mode=check_mode, root=str(tmp_path),
                                                       **dict({'settle_seconds': 0}, **args))


def fail(here, *words):
    """Let every systemctl whose words are these fail."""
    real = here.run_command

    def run_command(argv, data=None, **kwargs):
        if all(word in argv for word in words):
            here.calls.append(list(argv))
            return 1, '', 'Connection timed out\n'
        return real(argv, data, **kwargs)
    here.run_command = run_command


@pytest.mark.parametrize('words', [['daemon-reload'], ['restart', 'chrony.service']])
def test_a_rollback_goes_on_where_a_step_of_it_fails(world, call, words):
    here = world()
    here.services['systemd-timesyncd'] = {'active': True, 'enabled': True}
    here.selects = '?'
    before = here.tree()

    def break_it():
        here.on_restart = None
        fail(here, *words)
    here.on_restart = break_it
    done = call()
    assert done['failed'] and 'could not be put back' in done['msg'] and 'Connection timed out' in done['msg']
    assert (done['action'], done['changed']) == ('rolled_back', True)
    assert here.services['systemd-timesyncd'] == {'active': True, 'enabled': True}
    assert here.ran('restart', 'chrony.service')
    # what is not back is absent's: the record stays for it
    state = json.loads(here.text('var/lib/cloudclock/state.json'))
    assert 'systemd-timesyncd' in state['chrony_ptp']['services']
    now = here.tree()
    for name in ('var/', 'var/lib/', 'var/lib/cloudclock/', 'var/lib/cloudclock/state.json'):
        now.pop(name, None)
    assert now == before


def test_a_daemon_reload_that_fails_at_first(world, call):
    here = world()
    here.services['systemd-timesyncd'] = {'active': True, 'enabled': True}
    fail(here, 'daemon-reload')
    assert call()['failed'] and not here.ran('restart')
    assert here.services['systemd-timesyncd']['active'] and here.services['chrony']['active']


def test_a_chronyd_that_systemd_started_too_often_comes_back(world, call):
    here = world()
    here.starts = False
    real, left = here.run_command, [5]

    def run_command(argv, data=None, **kwargs):
        if argv[:2] == ['systemctl', 'reset-failed']:
            left[0] = 5
        if argv[:2] == ['systemctl', 'restart'] and not left[0]:
            return 1, '', 'Start request repeated too quickly.\n'
        done = real(argv, data, **kwargs)
        if argv[:2] == ['systemctl', 'restart'] and done[0]:
            left[0] = 0  # Restart=on-failure
        return done
    here.run_command = run_command
    done = call()
    assert done['failed'] and 'Everything is as it was, and chronyd runs again' in done['msg']
    assert here.services['chrony']['active']


@pytest.mark.parametrize('case', sorted(MACHINES))
def test_wherever_the_power_goes_chronyd_has_a_source(world, call, monkeypatch, case):
    here = world(case)
    here.write('etc/chrony/more.conf', 'server 192.0.2.9\n')
    here.write(here.expect['conf'].lstrip('/'), here.text(here.expect['conf']) + 'include /etc/chrony/more.conf\n')
    real, seen = _change.put, []

    def put(module, path, data, mode=0o644):
        real(module, path, data, mode)
        seen.append([entry.name for entry in _layout.expand(here.root, here.expect['conf'])
                     if entry.name in ('server', 'pool', 'refclock')])
    monkeypatch.setattr(_change, 'put', put)
    assert call()['action'] == 'configured' and seen[-1] == ['refclock']
    assert call(state='absent')['action'] == 'removed' and 'refclock' not in seen[-1]
    assert len(seen) > 10 and all(seen)


def test_folders_may_be_read_whatever_the_umask(world, call):
    here = world('rhel-9')
    kept = os.umask(0o077)
    try:
        assert call()['action'] == 'configured'
    finally:
        os.umask(kept)
    for name in 'etc/chrony-cloudclock-ptp.d', 'etc/systemd/system/chronyd.service.d':
        assert (here.path / name).stat().st_mode & 0o777 == 0o755
        assert {path.stat().st_mode & 0o777 for path in (here.path / name).iterdir()} == {0o644}


@pytest.mark.parametrize('purged', [False, True])
def test_who_kept_the_time_comes_back_where_chrony_was_uninstalled_since(world, call, purged):
    here = world()
    here.services['systemd-timesyncd'] = {'active': True, 'enabled': True}
    call()
    for name in ['usr/sbin/chronyd', 'usr/bin/chronyc', 'lib/systemd/system/chrony.service'] + (
            ['etc/chrony/chrony.conf'] if purged else []):
        (here.path / name).unlink()
    del here.services['chrony']
    here._running(False)
    done = call(state='absent')
    assert (done['failed'], done['action']) == (False, 'removed'), done
    assert here.services['systemd-timesyncd'] == {'active': True, 'enabled': True}
    left = [name for name in here.tree() if 'cloudclock' in name]
    assert not left and not (here.path / 'etc/chrony/chrony.conf').exists() == purged
    assert call(state='absent')['changed'] is False


def test_check_mode_sees_the_operators_line_before_the_module_is_loaded(world, call):
    here = world(clock=None)
    here.module_gives = 'KVM virtual PTP'
    here.write('etc/chrony/conf.d/mine.conf', 'refclock PHC /dev/ptp_kvm poll 2\n')
    predicted, done = call(check_mode=True), call()
    assert (predicted['action'], predicted['changed']) == (done['action'], done['changed']) == ('left_alone', False)


@pytest.mark.parametrize('line', ['refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2',
                                  'refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0'])
@pytest.mark.parametrize('case', ['ubuntu-24.04', 'rhel-9'])
def test_azures_images_come_with_the_line(world, call, case, line):
    here = world(case, cloud=AZURE, clock='hyperv')
    (here.path / 'dev/ptp_hyperv').symlink_to('ptp0')
    here.write(here.expect['conf'].lstrip('/'), here.text(here.expect['conf']) + line + '\n')
    before = here.tree()
    done = call()
    assert (done['action'], done['failed'], done['refused']) == ('left_alone', False, False) and line in done['reason']
    assert here.tree() == before and not here.ran('restart')


def test_a_masked_chronyd_is_left_alone(world, call):
    here = world()
    here.services = {'systemd-timesyncd': {'active': True, 'enabled': True}}
    before = here.tree()
    for check in True, False:
        done = call(check_mode=check)
        assert (done['failed'], done['changed'], done['action']) == (False, False, 'left_alone'), done
        assert 'masked' in done['reason'] and here.tree() == before
    assert here.services['systemd-timesyncd']['active']


def test_a_unit_by_another_name_is_called_by_its_own(world, call):
    here = world('rhel-9')
    (here.path / 'usr/lib/systemd/system/chrony.service').symlink_to('chronyd.service')
    assert call()['action'] == 'configured' and here.ran('restart', 'chronyd.service')
    assert (here.path / 'etc/systemd/system/chronyd.service.d/cloudclock-ptp.conf').exists()
    assert call()['changed'] is False


LINKING = ("[Service]\nExecStartPre=/bin/sh -c '[ -f /run/chrony.d/.configured ] || ln -s "
           "/usr/share/chrony/ntp-pool.sources /run/chrony.d/'\nExecStart=/usr/sbin/chronyd\n")


@pytest.mark.parametrize('kept', [None, 'run/chrony.d/.configured', 'another link'])
def test_a_unit_that_cannot_start_twice(world, call, kept):
    here = world('amazon-2023', cloud=AZURE, clock='hyperv')
    here.write('usr/lib/systemd/system/chronyd.service', LINKING)
    link = here.path / 'run/chrony.d/ntp-pool.sources'
    link.symlink_to('/usr/share/chrony/other' if kept == 'another link' else '/usr/share/chrony/ntp-pool.sources')
    if kept == 'run/chrony.d/.configured':
        here.write(kept, '')
    seen = []
    here.on_restart = lambda: seen.append(link.is_symlink())
    assert call()['action'] == 'configured'
    assert seen == [kept is not None]


@pytest.mark.parametrize('ahead, verdict', [(0.0, 'ok'), (5.0, 'far')])
def test_a_clock_is_judged_by_the_time_after_the_step_that_was_waited_for(world, call, monkeypatch, ahead, verdict):
    here = world()
    here.synchronised = False
    system = [5.0]  # ahead of the truth, until chronyd synchronises and steps it

    def step(_seconds):
        here.synchronised, system[0] = True, 0.0
    monkeypatch.setattr(_machine, '_PATIENCE', 20)
    monkeypatch.setattr(_machine.time, 'sleep', step)
    monkeypatch.setattr(_phc, 'read', lambda path, samples=10: {
        'offset_seconds': ahead - system[0], 'uncertainty_seconds': 1e-6, 'method': 'precise', 'window_ns': None,
        'capabilities': {}})
    assert call(settle_seconds=1)['sanity']['verdict'] == verdict


def test_a_chronyd_whose_servers_are_dead_vouches_for_nothing(world, call):
    """As chronyd 4.3 reports ten seconds after its only server went; tracking is what it was."""
    here = world()
    here.servers = '^,?,192.0.2.1,2,6,0,10,0.000000447,0.000000447,0.000003530\n'
    done = call()
    assert (done['action'], done['sanity']['verdict'], done['sanity']['reference']) == ('refused', 'unknown', None)
    assert 'chronyd follows no source any more (it last followed 192.0.2.1)' in done['reason']
    assert call(unverified='accept')['action'] == 'configured'


def sources(here):
    return [entry.line for entry in _layout.expand(here.root, here.expect['conf'])
            if entry.name in ('server', 'pool', 'refclock')]


@pytest.mark.parametrize('target', ['usr/share/x/corp.sources', 'run/x/corp.sources'])
def test_a_linked_sources_file_whose_line_stays_is_no_server_beside_the_clock(world, call, target):
    here = world()
    here.write(target, 'server 203.0.113.9 iburst\n')
    here.write('etc/chrony/sources.d/README', '')
    (here.path / 'etc/chrony/sources.d/corp.sources').symlink_to('/' + target)
    before = here.tree()
    done = call()
    assert done['failed'] and here.tree() == before and not here.ran('restart')
    assert "/etc/chrony/sources.d/corp.sources holds 'server 203.0.113.9 iburst'" in done['msg']
    here.write(target, 'server metadata.google.internal iburst\n')
    assert call()['action'] == 'configured'


def test_a_server_that_may_stay_goes_where_it_is_preferred(world, call):
    here = world()
    here.write('etc/chrony/sources.d/google.sources', 'server metadata.google.internal Prefer iburst\n')
    assert call()['action'] == 'configured'
    assert sources(here) == ['refclock PHC /dev/ptp_kvm poll -1']
    assert 'server metadata.google.internal Prefer iburst' in here.text('etc/chrony/cloudclock-ptp.d/ntp.off')


def test_an_operators_profile_does_not_hide_amazons_option(world, call):
    here = world('amazon-2023', cloud=AMAZON, clock=None)
    here.write('sys/module/ena/parameters/phc_enable', '0\n')
    done = call(profiles=[{'id': 'floor', 'clock_name': 'ice-0000:18:00.0', 'link': 'ptp_floor',
                           'refclock': 'refclock PHC {device} poll 0'}])
    assert (done['action'], done['reboot_required'], done['profile']['id']) == ('configured', True, 'aws')
    assert here.text('etc/modprobe.d/cloudclock-ptp.conf').endswith('\noptions ena phc_enable=1\n')


def test_timesyncd_that_heard_of_no_server_vouches_for_nothing(world, call):
    here = world()
    here._running(False)
    here.services['systemd-timesyncd'] = {'active': True, 'enabled': True}
    here.write('sys/fs/cgroup/system.slice/systemd-timesyncd.service/cgroup.procs', '301\n')
    here.write('proc/301/comm', 'systemd-timesyn\n')
    here._timedatectl = lambda argv, data: '       Server: (null) (ntp.ubuntu.com)\n Packet count: 0\n'
    done = call()
    assert (done['action'], done['sanity']['verdict']) == ('refused', 'unknown')
    assert 'systemd-timesyncd has heard of no server yet' in done['reason']


@pytest.mark.parametrize('lines, servers, fits', [
    ('minsources 2', '', False), ('MinSources 2\nminsources 1', '', True), ('minsources 2\nrefclock SHM 0', '', True),
    ('minsources 2', 'server metadata.google.internal', True), ('minsources 2', 'server 192.0.2.7', False),
    ('minsources 5', 'pool metadata.google.internal', True), ('minsources', '', True)])
def test_more_sources_than_there_will_be(world, call, lines, servers, fits):
    here = world()
    here.write('etc/chrony/sources.d/mine.sources', servers + '\n')
    here.write('run/chrony-dhcp/eth0.sources', 'server metadata.google.internal\n')  # its sourcedir goes
    here.write('etc/chrony/conf.d/mine.conf', lines + '\n')
    before = here.tree()
    done = call()
    if fits:
        assert done['action'] == 'configured'
    else:
        assert (done['action'], done['failed'], done['changed']) == ('left_alone', False, False)
        assert "/etc/chrony/conf.d/mine.conf says 'minsources 2'" in done['reason'] and 'earlier' not in done['reason']
        assert here.tree() == before and not here.ran('restart')


def test_the_operators_line_beside_ours(world, call):
    here = world()
    call()
    here.write('etc/chrony/conf.d/mine.conf', 'refclock PHC /dev/ptp0 poll 2\n')
    done = call()
    assert (done['action'], done['changed']) == ('left_alone', False) and done['reason'].endswith(
        'poll 2; what an earlier run set up stands beside it: state=absent takes that away')
    assert call(state='absent')['action'] == 'removed' and sources(here)[0] == 'refclock PHC /dev/ptp0 poll 2'
    assert call()['reason'].endswith('poll 2')


def test_the_drivers_option_alone_is_no_reason_to_restart_chronyd(world, call):
    here = world('amazon-2023', cloud=AMAZON, clock=None)
    here.write('sys/module/ena/parameters/phc_enable', '0\n')
    call()
    assert (call(state='absent')['action'], here.ran('restart')) == ('removed', [])
    assert not (here.path / 'etc/modprobe.d/cloudclock-ptp.conf').exists()


@pytest.mark.parametrize('value, words', [
    ('0', 'Not every machine type has such a clock'),
    ('1', 'ena was loaded with phc_enable=1 and shows none, so this machine type has none'),
    (None, "ena that is loaded has no option phc_enable, and where it is the kernel's own, devlink's enable_phc")])
def test_what_amazons_driver_says_of_its_clock(world, call, value, words):
    here = world('amazon-2023', cloud=AMAZON, clock=None)
    here.write('sys/module/ena/version', '2.13.0g\n')
    if value:
        here.write('sys/module/ena/parameters/phc_enable', value + '\n')
    assert words in call(check_mode=True)['reason']
    here.write('etc/modprobe.d/cloudclock-ptp.conf', 'options ena phc_enable=1\n')
    assert ('none: state=absent takes the option away' in call()['reason']) == (value == '1')


@pytest.mark.parametrize('level', ['boot', 'default'])
def test_a_rival_leaves_its_runlevel_and_comes_back_to_it(world, call, level):
    here = world('alpine')
    for name in 'ntpd', 'chronyd':
        here.write('etc/init.d/' + name, '')
        here._rc_update(['rc-update', 'add', name, level], None)
    here.services['ntpd'] = {'active': True, 'enabled': True}
    before = here.tree()
    assert call()['conflicts'] == [{'service': 'ntpd', 'did': 'stopped and disabled'}]
    assert not (here.path / 'etc/runlevels' / level / 'ntpd').is_symlink() and call()['changed'] is False
    call(state='absent')
    now = here.tree()
    for name in set(now) - set(before):
        assert name in ('var/', 'var/lib/', 'etc/runlevels/default/'), name
        del now[name]
    assert now == before and here.services['ntpd']['active']


def test_a_rival_with_a_start_script_counts_by_its_links(world, call):
    here = world()
    here.services['ntp'] = {'active': False, 'enabled': None}
    real = here._systemctl
    here._systemctl = lambda argv, data: real(argv, data) if argv[1] != 'show' else real(argv, data).replace(
        'Id=ntp.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled',
        'Id=ntp.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=generated')
    here.write('etc/rc3.d/K23ntp', '')
    here.write('etc/rc3.d/S23ntpsec', '')
    assert call(check_mode=True)['conflicts'] == []
    here.write('etc/rc3.d/S23ntp', '')
    assert call(check_mode=True)['conflicts'] == [{'service': 'ntp', 'did': 'stopped and disabled'}]


def test_a_module_that_two_profiles_name_is_asked_for_once(world, call):
    here = world(clock=None)
    assert call(variant='classic')['reason'].count('No such device') == 1 and len(here.ran('modprobe')) == 1
