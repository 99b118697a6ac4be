# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module on recorded machines, with programs that act on their files."""
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils import _lock
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _daemon
from ansible_collections.cloudclock.linux.plugins.modules import chrony_refclock

from .chrony_world import AMAZON, MACHINES, World, install


@pytest.fixture
def world(monkeypatch, tmp_path):
    def make(case='debian-12', **options):
        return install(monkeypatch, World(tmp_path, case, **options))
    return make


@pytest.fixture
def call(run_module, tmp_path):
    def run(check_mode=False, **args):
        args.setdefault('settle_seconds', 0)
        return run_module('chrony_refclock', check_mode=check_mode, root=str(tmp_path), **args)
    return run


@pytest.mark.parametrize('case', sorted(MACHINES))
def test_every_distribution_there_and_back(world, call, case):
    here = world(case)
    expect = here.expect
    before = here.tree()
    predicted = call(check_mode=True)
    assert here.tree() == before
    assert not here.ran('restart')
    done = call()
    assert (done['failed'], done.get('changed'), done.get('action')) == (False, True, 'configured'), done
    for key in ('changed', 'action', 'files', 'diff', 'sanity', 'checked', 'conflicts', 'reason', 'profile', 'device'):
        assert predicted[key] == done[key], key
    assert done['sanity']['verdict'] == 'ok' and done['sanity']['reference'] == 'chrony: 192.0.2.1, stratum 3'
    assert done['selected'] == {'source': 'PHC0', 'stratum': 1, 'offset_seconds': 1.2e-08, 'root_dispersion': 1e-06,
                                'reference_id': '50484330'}
    folder = expect['folder'].lstrip('/')
    assert 'refclock PHC /dev/ptp_kvm poll -1\n' in here.text(folder + '/ptp.conf')
    assert here.text(folder + '/ntp.off').splitlines()[2:] == expect['gcp_out']
    assert (expect['dropin'] is None) == ('# BEGIN cloudclock.linux' in here.text(expect['conf']))
    for path in expect['dropin'], expect['conf']:
        if path:
            assert folder in here.text(path) or path != (expect['dropin'] or expect['conf'])
    assert here.text('etc/modules-load.d/cloudclock-ptp.conf').endswith('\nptp_kvm\n')
    assert 'ATTR{clock_name}=="KVM virtual PTP"' in here.text('etc/udev/rules.d/99-cloudclock-ptp.rules')

    after, calls = here.tree(), len(here.calls)
    again = call()
    assert (again['failed'], again['changed'], again['action'], again['files']) == (False, False, 'none', []), again
    assert again['selected']['source'] == 'PHC0' and again['diff'] == []
    assert here.tree() == after and not any('restart' in argv for argv in here.calls[calls:])

    back = call(check_mode=True, state='absent')
    assert here.tree() == after and back['action'] == 'removed'
    gone = call(state='absent')
    assert (gone['failed'], gone['changed'], gone['files']) == (False, True, back['files']), gone
    now = here.tree()
    for name in ('etc/runlevels/', 'etc/runlevels/default/', 'var/', 'var/lib/'):
        if name not in before:
            now.pop(name, None)
    assert now == before
    assert here.services[expect['service']] == {'active': True, 'enabled': True}
    assert call(state='absent')['changed'] is False


@pytest.mark.parametrize('comm', ['phc2sys', 'timemaster'])
def test_what_linuxptp_steers_is_left_to_it(world, call, comm):
    here = world()
    here.write('proc/4711/comm', comm + '\n')
    before = here.tree()
    done = call()
    assert (done['failed'], done['changed'], done['action']) == (False, False, 'left_alone')
    assert comm in done['reason'] and here.tree() == before and not here.ran('restart')


@pytest.mark.parametrize('case, line', [('rhel-8-before-4.0', 'PEERNTP=no'), ('suse-15', 'NETCONFIG_NTP_POLICY=""')])
@pytest.mark.parametrize('remember', [True, False])
def test_servers_that_dhcp_hands_over_by_chronyc(world, call, case, line, remember):
    here = world(case)
    variables, servers = here.expect['dhcp']
    before = here.text(variables), here.text(servers)
    done = call(remember=remember)
    assert '/' + variables in done['files'] and here.text(servers) == ''
    assert line in here.text(variables).splitlines() and here.text(variables).startswith(before[0])
    assert call()['changed'] is False
    call(state='absent')
    assert here.text(variables) == before[0]
    assert here.text(servers) == (before[1] if remember else '')  # without a record DHCP brings them again


def test_an_operator_who_kept_dhcps_servers_out_already(world, call):
    here = world('rhel-8-before-4.0')
    here.write('etc/sysconfig/network', 'PEERNTP=yes\nPEERNTP="no"\n')
    assert '/etc/sysconfig/network' not in call()['files']


def test_what_chronyd_is_asked_to_check_is_the_whole(world, call):
    here = world()
    assert call()['checked'] is True
    lines = here.checked.splitlines()
    assert 'refclock PHC /dev/ptp_kvm poll -1' in lines and 'driftfile /var/lib/chrony/chrony.drift' in lines
    assert not any(line.startswith(('pool', 'leapsectz', 'sourcedir /run')) for line in lines)


def test_a_chronyd_that_cannot_check(world, call):
    here = world('rhel-8-before-4.0')
    here.version = '3.5'
    done = call()
    assert done['changed'] and done['checked'] is None and 'cannot check' in done['reason']
    assert 'include /etc/chrony-cloudclock-ptp.d/*.conf' in here.text('etc/chrony.conf')


def test_classic_replaces_the_owners_makestep(world, call):
    here = world()
    assert call(variant='classic')['profile']['id'] == 'gcp-classic'
    assert '#cloudclock.linux# makestep 1 3\n' in here.text('etc/chrony/chrony.conf')
    assert 'makestep 1.0 -1\n' in here.text('etc/chrony/cloudclock-ptp.d/ptp.conf')
    back = call()
    assert back['profile']['id'] == 'gcp' and back['changed']
    assert '\nmakestep 1 3\n' in here.text('etc/chrony/chrony.conf')


def test_google_s_own_server_may_stay(world, call):
    here = world()
    here.write('etc/chrony/sources.d/google.sources', 'SERVER Metadata.google.internal iburst\nserver 192.0.2.7\n')
    call()
    assert here.text('etc/chrony/sources.d/google.sources') == (
        'SERVER Metadata.google.internal iburst\n#cloudclock.linux# server 192.0.2.7\n')


def test_a_rejected_configuration_is_never_written(world, call):
    here = world()
    here.rejects = True
    before = here.tree()
    for check in (True, False):
        done = call(check_mode=check)
        assert done['failed'] and done['action'] == 'rolled_back' and done['changed'] is False
        assert 'Invalid directive at line 3' in done['msg'] and here.tree() == before
    assert not here.ran('restart')


@pytest.mark.parametrize('case', ['debian-12', 'rhel-9', 'alpine'])
@pytest.mark.parametrize('fault, word', [('starts', 'failed'), ('selects', 'did not select PHC0')])
def test_what_fails_after_the_write_is_undone(world, call, case, fault, word):
    here = world(case)
    setattr(here, fault, False if fault == 'starts' else '?')
    here.services['systemd-timesyncd' if here.expect['manager'] == 'systemd' else 'ntpd'] = {
        'active': True, 'enabled': True}
    if case == 'alpine':
        here.write('etc/init.d/ntpd', '')
        here._rc_update(['rc-update', 'add', 'ntpd'], None)
        here._rc_update(['rc-update', 'add', 'chronyd'], None)
    before = here.tree()
    services = json.loads(json.dumps(here.services))
    done = call()
    assert done['failed'] and done['action'] == 'rolled_back' and word in done['msg'] and not done['changed']
    assert 'Everything is as it was, and chronyd runs again' in done['msg']
    now = here.tree()
    for name in ('var/', 'var/lib/'):
        now.pop(name, None)
    assert now == before
    assert {name: here.services[name] for name in services} == services
    # systemd forgets the drop-in and the guard that are gone, before chronyd is restarted
    told = [index for index, argv in enumerate(here.calls) if 'daemon-reload' in argv]
    assert case == 'alpine' or len(told) == 2 and 'restart' in str(here.calls[told[1]:])
    assert here.ran('restart')[-1] and here.services[here.expect['service']]['active']


def test_why_chronyd_did_not_start_is_told(world, call):
    here = world()
    here.starts = False
    # of this start and not of an earlier one, and nothing twice
    words = 'Could not open /dev/ptp_kvm : No such file or directory; Fatal error : Could not open PHC'
    assert ' (%s). ' % words in call()['msg']


@pytest.mark.parametrize('link', ['ptp_kvm', None])
def test_a_run_that_was_killed_before_it_told_anybody_of_its_files(world, call, link):
    here = world()
    args = {'profiles': [{'clock_name': 'KVM virtual PTP', 'link': link, 'refclock': 'refclock PHC {device} poll 0'}]}
    assert call(**args)['action'] == 'configured'
    # all files stand; chronyd runs with the former ones, systemd and udev know nothing
    here.refclocks, here.calls = [], []
    assert call(check_mode=True, **args)['changed'] and not here.ran('restart')
    done = call(**args)
    assert (done['action'], done['files'], done['selected']['source']) == ('configured', [], 'PHC0')
    verbs = [argv[1] for argv in here.calls if argv[0] == 'systemctl']
    assert verbs.index('daemon-reload') < verbs.index('restart')
    assert bool(here.ran('udevadm', 'trigger')) == bool(link)
    assert call(**args)['action'] == 'none'


def test_a_signal_in_the_middle_undoes_all(world, call):
    here = world()
    before = here.tree()

    def end():
        here.on_restart = None
        os.kill(os.getpid(), signal.SIGTERM)
    here.on_restart = end
    done = call()
    assert done['failed'] and 'ended by signal 15' in done['msg']
    now = here.tree()
    for name in ('var/', 'var/lib/'):
        now.pop(name, None)
    assert now == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize('offset, verdict', [(3600.0, 'far'), (-0.2, 'far'), (0.0995, 'ok'), (-0.05, 'ok')])
def test_a_clock_that_is_off(world, call, offset, verdict):
    here = world()
    here.offset = offset
    before = here.tree()
    done = call()
    assert done['sanity']['verdict'] == verdict and done['failed'] is False
    assert (done['action'], done['refused']) == (('refused', True) if verdict == 'far' else ('configured', False))
    if verdict == 'far':
        assert here.tree() == before and done['changed'] is False and not here.ran('restart')
        # the system clock is 0.1 ms slow, as tracking says
        assert done['sanity']['offset_seconds'] == round(offset - 0.0001, 9)


def test_without_a_reference_the_operator_decides(world, call):
    here = world()
    here.synchronised = False
    before = here.tree()
    done = call()
    assert (done['action'], done['sanity']['verdict'], done['failed']) == ('refused', 'unknown', False)
    assert here.tree() == before
    assert call(unverified='accept')['action'] == 'configured'


def test_a_clock_that_cannot_be_read_is_refused_whatever_the_operator_accepts(world, call, monkeypatch):
    from ansible_collections.cloudclock.linux.plugins.module_utils import _phc
    here = world()

    def read(path, samples=10):
        assert path == str(here.path / 'dev/ptp0')
        raise _phc.PhcError('it is no PTP clock')
    monkeypatch.setattr(_phc, 'read', read)
    done = call(unverified='accept')
    assert done['action'] == 'refused' and 'it is no PTP clock' in done['reason']


@pytest.mark.parametrize('clock, word', [(None, 'no PTP hardware clock named'), ('igb-0000:01:00.0', 'named')])
def test_a_clock_that_is_not_there(world, call, clock, word):
    here = world(clock=clock)
    before = here.tree()
    done = call()
    assert (done['failed'], done['changed'], done['action'], done['refused']) == (False, False, 'left_alone', False)
    assert word in done['reason'] and 'No such device' in done['reason'] and here.tree() == before
    assert here.services['chrony']['active'] and not here.ran('restart')


def test_a_foreign_clock_is_taken_once_the_operator_names_it(world, call):
    here = world(clock='igb-0000:01:00.0')
    done = call(profiles=[{'clock_name': 'igb-*', 'link': 'ptp_kvm', 'refclock': 'refclock PHC {device} poll 0'}])
    assert done['action'] == 'configured' and done['profile']['id'] == 'operator-1'
    assert not (here.path / 'etc/modules-load.d/cloudclock-ptp.conf').exists()


def test_the_module_is_loaded_and_unloaded_again(world, call):
    here = world(clock=None)
    here.module_gives = 'KVM virtual PTP'
    predicted = call(check_mode=True)
    assert predicted['changed'] and 'does not load ptp_kvm' in predicted['reason'] and here.ran('modprobe', '-n')
    here.offset = 3600
    assert call()['action'] == 'refused' and here.ran('modprobe', '-r')
    here.offset = 0
    done = call()
    assert done['action'] == 'configured' and done['device']['device'] == '/dev/ptp0'
    assert done['files'] == predicted['files'] and done['diff'] == predicted['diff']


def test_no_cloud_no_profile(world, call):
    here = world(cloud={'sys/class/dmi/id/sys_vendor': 'QEMU\n', 'proc/cpuinfo': 'flags\t: fpu hypervisor\n\n'})
    done = call()
    assert done['action'] == 'left_alone' and 'no profile covers this machine' in done['reason']
    assert done['profile'] is None and here.services['chrony']['active']


def test_the_package_is_missing(world, call):
    here = world()
    (here.path / 'usr/sbin/chronyd').unlink()
    before = here.tree()
    done = call()
    assert (done['package_needed'], done['package'], done['changed'], done['action']) == (True, 'chrony', False, 'none')
    assert here.tree() == before


@pytest.mark.parametrize('line', ['refclock PHC /dev/ptp0 poll 2', 'RefClock phc /dev/ptp_kvm:nocrossts'])
def test_the_operators_own_line_for_this_clock(world, call, line):
    here = world()
    (here.path / 'dev/ptp_kvm').symlink_to('ptp0')
    here.write('etc/chrony/conf.d/mine.conf', line + '\n')
    before = here.tree()
    done = call()
    assert done['action'] == 'left_alone' and '/etc/chrony/conf.d/mine.conf' in done['reason']
    assert done['changed'] is False and here.tree() == before


def test_the_operators_other_refclock_stays_beside_it(world, call):
    here = world()
    here.write('etc/chrony/conf.d/gps.conf', 'refclock SHM 0 refid GPS\n')
    done = call()
    assert 'refclock SHM 0 refid GPS' in done['reason'] and done['action'] == 'configured'
    assert here.text('etc/chrony/conf.d/gps.conf') == 'refclock SHM 0 refid GPS\n'
    assert done['selected']['source'] == 'PHC0'  # conf.d/cloudclock… comes before conf.d/gps


def test_rivals_stop_and_come_back(world, call):
    here = world()
    here.services['systemd-timesyncd'] = {'active': True, 'enabled': True}
    here.services['ntpd'] = {'active': False, 'enabled': False}
    done = call()
    assert done['conflicts'] == [{'service': 'systemd-timesyncd', 'did': 'stopped and disabled'}]
    assert here.services['systemd-timesyncd'] == {'active': False, 'enabled': False}
    call(state='absent')
    assert here.services['systemd-timesyncd'] == {'active': True, 'enabled': True}
    assert here.services['ntpd'] == {'active': False, 'enabled': False}


def test_a_chronyd_that_did_not_run_stops_again(world, call):
    here = world()
    here.services['chrony'] = {'active': False, 'enabled': False}
    here._running(False)
    assert call(unverified='accept')['changed'] and here.services['chrony'] == {'active': True, 'enabled': True}
    call(state='absent')
    assert here.services['chrony'] == {'active': False, 'enabled': False}


@pytest.mark.parametrize('rival, goes_on', [(None, True), ('ntpd', False)])
def test_a_chronyd_that_its_package_left_to_the_next_boot_goes_on_where_nobody_else_would(world, call, rival, goes_on):
    here = world('rhel-9')
    here.services['chronyd'] = {'active': False, 'enabled': True}
    here._running(False)
    if rival:
        here.services[rival] = {'active': True, 'enabled': True}
    assert call(unverified='accept')['changed'] and here.services['chronyd'] == {'active': True, 'enabled': True}
    done = call(state='absent')
    assert here.services['chronyd'] == {'active': goes_on, 'enabled': True}
    assert ('nothing else would keep the time' in done['reason']) == goes_on
    assert here.services.get(rival, {'active': False})['active'] != goes_on
    assert call(state='absent')['changed'] is False


@pytest.mark.parametrize('case', ['ubuntu-24.04', 'alpine'])
def test_a_removal_that_fails_leaves_the_clock_in_use(world, call, case):
    here = world(case)
    call()
    before = here.tree()
    here.failing_restarts = 1
    done = call(state='absent')
    assert done['failed'] and done['action'] == 'rolled_back' and here.tree() == before
    assert here.refclocks == ['PHC0'] and call()['changed'] is False
    assert call(state='absent')['action'] == 'removed'


def test_what_others_wrote_since_survives(world, call):
    here = world('rhel-9')
    before = here.text('etc/chrony.conf')
    call()
    here.write('etc/chrony.conf', here.text('etc/chrony.conf') + 'allow 10.0.0.0/8\n')
    assert call()['changed'] is True  # our block is the last again, so that what it says counts
    assert call()['changed'] is False
    gone = call(state='absent')
    assert 'changed by others' in gone['reason']
    assert here.text('etc/chrony.conf') == before + 'allow 10.0.0.0/8\n'


def test_without_a_record_only_ours_goes(world, call):
    here = world('rhel-9')
    before = here.tree()
    call(remember=False)
    gone = call(state='absent')
    assert 'no record' in gone['reason'] and gone['changed']
    assert here.tree() == before


def test_a_read_only_etc(world, call, monkeypatch):
    here = world()
    before = here.tree()
    real = os.access
    monkeypatch.setattr(os, 'access', lambda path, mode: False if '/etc' in str(path) else real(path, mode))
    for check in (True, False):
        done = call(check_mode=check)
        assert done['failed'] and 'read-only' in done['msg'] and here.tree() == before
    assert not here.ran('restart')


def test_a_disk_that_fills_up_on_the_way(world, call, monkeypatch):
    from ansible_collections.cloudclock.linux.plugins.module_utils import _change
    here = world()
    before = here.tree()
    real, left = _change.put, [4]

    def put(module, path, data, mode=0o644):
        if 'state.json' not in path:
            left[0] -= 1
        if not left[0]:
            raise OSError(28, 'No space left on device')
        real(module, path, data, mode)
    monkeypatch.setattr(_change, 'put', put)
    done = call()
    assert done['failed'] and "chrony's files could not be written: No space left" in done['msg']
    now = here.tree()
    for name in ('var/', 'var/lib/'):
        now.pop(name, None)
    assert now == before and not here.ran('restart')


def test_two_runs_at_once(world, call, monkeypatch):
    here = world()
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        with _lock.Lock(here.root):
            inside.set()
            go_on.wait(10)
    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    # as long as the other one may have to wait for chronyd, on top of its own patience
    monkeypatch.setattr(chrony_refclock, 'PATIENCE', 0.2)
    before = here.tree()
    done = call(settle_seconds=1)
    assert done['failed'] and 'another run' in done['msg'] and 'for 1 s' in done['msg'] and here.tree() == before
    go_on.set()
    thread.join()
    assert call()['changed'] is True


def test_a_clock_that_vanished_after_the_set_up(world, call):
    here = world()
    call()
    folder = here.path / 'etc/chrony/cloudclock-ptp.d'
    here.unplug()
    (folder / 'ptp.conf').rename(folder / 'ptp.off')
    (folder / 'ntp.off').rename(folder / 'ntp.conf')
    done = call()
    assert done['action'] == 'left_alone' and 'does without until it is back' in done['reason'] and not done['failed']
    here.plug('KVM virtual PTP')
    done = call()
    assert done['action'] == 'configured' and sorted(os.listdir(str(folder))) == ['guard.sh', 'ntp.off', 'ptp.conf']
    (folder / 'ptp.conf').rename(folder / 'ptp.off')
    (folder / 'ntp.off').rename(folder / 'ntp.conf')
    call(state='absent')
    assert not folder.exists()


def test_amazons_driver_takes_an_option_and_a_reboot(world, call):
    here = world('amazon-2023', cloud=AMAZON, clock=None)
    here.write('sys/module/ena/parameters/phc_enable', '0\n')
    predicted = call(check_mode=True)
    done = call()
    assert predicted['diff'] == done['diff'] and done['changed'] and done['reboot_required']
    assert here.text('etc/modprobe.d/cloudclock-ptp.conf').endswith('\noptions ena phc_enable=1\n')
    again = call()
    assert (again['changed'], again['action'], again['reboot_required']) == (False, 'left_alone', True)
    here.write('sys/module/ena/parameters/phc_enable', '1\n')
    assert 'no PTP hardware clock' in call()['reason']
    here.plug('ena-ptp-05')
    done = call()
    assert done['action'] == 'configured' and done['sanity']['verdict'] == 'ok'
    assert 'refclock PHC /dev/ptp_ena poll 0 delay 0.000010 prefer' in here.text(
        'etc/chrony-cloudclock-ptp.d/ptp.conf')
    # not smeared, so its leap seconds stay; Amazon's NTP is, so it goes
    assert '\nleapsectz right/UTC\n' in here.text('etc/chrony.conf')
    assert '#cloudclock.linux# sourcedir /run/chrony.d\n' in here.text('etc/chrony.conf')
    call(state='absent')
    assert not (here.path / 'etc/modprobe.d/cloudclock-ptp.conf').exists()


def test_another_root_is_only_planned(run_module, tmp_path):
    here = World(tmp_path, 'debian-12')
    before = here.tree()
    done = run_module('chrony_refclock', root=str(tmp_path))
    assert (done['action'], done['changed'], done['failed']) == ('planned', False, False)
    assert '/etc/chrony/conf.d/cloudclock-ptp.conf' in done['files'] and done['diff'] and here.tree() == before


@pytest.mark.parametrize('options, word', [
    ({'max_offset': 0}, 'max_offset'), ({'settle_seconds': 601}, 'settle_seconds'), ({'variant': 'nope'}, 'variant'),
    ({'profiles': [{'clock_name': 'x'}]}, 'refclock is missing')])
def test_bad_options(world, call, options, word):
    world()
    done = call(**options)
    assert done['failed'] and word in done['msg']


def test_a_machine_without_a_service_manager(world, call):
    here = world()
    (here.path / 'run/systemd/system').rmdir()
    done = call()
    assert done['action'] == 'left_alone' and 'nothing to restart it by' in done['reason']


@pytest.mark.skipif(not shutil.which('chronyd') or os.geteuid() != 0, reason='a real chronyd and root are needed')
@pytest.mark.parametrize('line, accepted', [('refclock PHC /dev/ptp_kvm poll -1', True),
                                            ('refclock PHC /dev/ptp_kvm pole -1', False)])
def test_a_real_chronyd_checks(line, accepted):
    def run(argv, data=None, **_kwargs):
        done = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    text = 'driftfile /var/lib/chrony/drift\n%s\n' % line
    found, said = _daemon.accepts(_daemon.Commands(run), shutil.which('chronyd'), text.encode())
    assert found is accepted and (accepted or 'refclock' in said)
