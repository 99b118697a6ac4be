# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run on a machine in a directory that counts as the running one; update-grub is played by a function that
sources the files with a real dash and writes a menu of what that gives."""
import errno
import json
import os

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils import _change
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import _chroot
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader._transaction import Failed, Transaction
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish

from .conftest import sourced
from .test_backends import FEDORA, OSTREE

TSC = Wish(['clocksource=tsc'])
STATE = 'var/lib/cloudclock/state.json'
MENU = '''### BEGIN /etc/grub.d/00_header ###
set default="0"
  set lang=%(lang)s
set timeout=%(timeout)s
### END /etc/grub.d/00_header ###
### BEGIN /etc/grub.d/10_linux ###
menuentry 'Linux' $menuentry_id_option 'simple' {
@linux@/boot/vmlinuz root=UUID=1 ro %(linux)s %(default)s
}
submenu '%(more)s' $menuentry_id_option 'advanced' {
@menuentry 'Linux (recovery mode)' $menuentry_id_option 'l-recovery-1' {
@@linux@/boot/vmlinuz root=UUID=1 ro single %(linux)s
@}
}
### END /etc/grub.d/10_linux ###
'''.replace('@', '\t')


class Module:
    """What the transaction needs of AnsibleModule."""

    def __init__(self, root, tmpdir, check_mode=False):
        self.root, self.tmpdir, self.check_mode = root, str(tmpdir), check_mode
        self.calls, self.languages, self.broken = [], [], None

    def run_command(self, argv, handle_exceptions=True, environ_update=None):
        if argv[0] == 'sh':
            return 0, '', ''
        self.calls.append(argv)
        self.languages.append((environ_update or {}).get('LANG'))
        if self.broken:
            return self.broken()
        with open(self.root.path + argv[2], 'w') as out:
            out.write(menu_of(self.root, (environ_update or {}).get('LANG', 'C')))
        return 0, '', ''

    def atomic_move(self, source, target):
        os.rename(source, target)

    def backup_local(self, path):
        with open(path, 'rb') as old, open(path + '.bak', 'wb') as new:
            new.write(old.read())
        return path + '.bak'

    def fail_json(self, **kwargs):
        raise AssertionError(kwargs)


def menu_of(root, lang):
    folder = 'etc/default/grub.d'
    texts = [root.read('etc/default/grub')] + [root.read(folder + '/' + name) for name in root.listdir(folder)
                                               if name.endswith('.cfg')]
    status, variables = sourced(['dash'], *texts)
    assert status == 0
    timeout = '5' if 'TIMEOUT=5' in texts[0] else '0'
    return MENU % {'linux': variables[0], 'default': variables[1], 'timeout': timeout, 'lang': lang.split('.')[0],
                   'more': 'Erweitert' if lang.startswith('de') else 'Advanced'}


@pytest.fixture
def machine(lay, tmp_path):
    root = lay({'etc/default/grub': 'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
                'etc/default/grub.d/50-cloudimg-settings.cfg': 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0 clocksource=hpet"\n',
                'usr/sbin/update-grub': 'exec grub-mkconfig -o /boot/grub/grub.cfg "$@"\n', 'boot/grub/x': '',
                'proc/cmdline': 'BOOT_IMAGE=/boot/vmlinuz root=UUID=1 ro console=ttyS0 clocksource=hpet\n'})
    root.live = True
    (tmp_path / 'boot/grub/grub.cfg').write_text(menu_of(root, 'C'))
    return root


def tree(root):
    found = {}
    for top, _folders, names in os.walk(root.path):
        for name in names:
            path = os.path.join(top, name)
            with open(path, 'rb') as handle:
                found[os.path.relpath(path, root.path)] = handle.read()
    return found


def begin(root, check_mode=False, **options):
    os.makedirs(root.path + '/tmp', exist_ok=True)
    module = Module(root, '/tmp', check_mode)
    chosen = dict({'backup': False, 'regenerate': True, 'allow_menu_drift': False, 'remember': True}, **options)
    return Transaction(module, root, chosen), module


def put(root, wish=TSC, **options):
    return begin(root, **options)[0].set(wish)


def test_menu_and_files_are_right_afterwards_and_a_second_run_changes_nothing(machine):
    predicted = put(machine, check_mode=True)
    assert 'zz-cloudclock.cfg' not in str(machine.listdir('etc/default/grub.d'))
    result = put(machine)
    assert result['effective'] == ['root=UUID=1', 'ro', 'console=ttyS0', 'clocksource=tsc']
    assert result['running'] == ['BOOT_IMAGE=/boot/vmlinuz', 'root=UUID=1', 'ro', 'console=ttyS0', 'clocksource=hpet']
    assert (result['changed'], result['reboot_required'], result['command']) == (True, True, None)
    assert {key: value for key, value in predicted.items() if key != 'diff'} == {
        key: value for key, value in result.items() if key != 'diff'}
    assert predicted['diff'] == result['diff'][:1]
    assert [part['after_header'] for part in result['diff']] == ['/etc/default/grub.d/zz-cloudclock.cfg', '/boot/grub/grub.cfg']
    before = tree(machine)
    again = put(machine)
    assert (again['changed'], again['files'], again['diff']) == (False, [], [])
    assert tree(machine) == before


def test_check_mode_writes_nothing(machine):
    before = tree(machine)
    put(machine, check_mode=True)
    assert tree(machine) == before


def test_reboot_is_not_required_when_the_running_kernel_has_it(machine, lay):
    lay({'proc/cmdline': 'ro clocksource=tsc\n'})
    assert put(machine)['reboot_required'] is False


@pytest.mark.parametrize('broken, words', [
    (lambda: (1, '', 'grub-probe: error: cannot find a device\n'), 'update-grub failed (exit status 1): grub-probe: error'),
    (lambda: (0, '', ''), None),
])
def test_a_failing_update_grub_puts_all_back(machine, broken, words):
    before = tree(machine)
    work, module = begin(machine)
    module.broken = broken
    with pytest.raises(Failed) as raised:
        work.set(TSC)
    assert (words or 'does not take the arguments') in str(raised.value)
    assert 'as they were' in str(raised.value)
    assert tree(machine) == before


def test_an_update_grub_that_writes_the_menu_itself_and_then_fails(machine):
    before = tree(machine)
    work, module = begin(machine)

    def broken():
        with open(machine.path + '/boot/grub/grub.cfg', 'w') as out:
            out.write('half a menu')
        return 1, '', 'killed'
    module.broken = broken
    with pytest.raises(Failed, match='killed'):
        work.set(TSC)
    assert tree(machine) == before


def test_a_missing_update_grub(machine):
    os.unlink(machine.path + '/usr/sbin/update-grub')
    before = tree(machine)
    with pytest.raises(Failed, match='update-grub is not on this machine'):
        put(machine)
    assert tree(machine) == before


@pytest.mark.parametrize('check_mode', [True, False])
def test_unrelated_differences_are_shown_and_refused(machine, lay, check_mode):
    lay({'etc/default/grub': 'GRUB_TIMEOUT=5\n'})
    before = tree(machine)
    with pytest.raises(Failed) as raised:
        put(machine, check_mode=check_mode)
    assert '-set timeout=0' in raised.value.details['menu_drift'] and '+set timeout=5' in raised.value.details['menu_drift']
    assert tree(machine) == before
    result = put(machine, check_mode=check_mode, allow_menu_drift=True)
    assert result['changed'] and '+set timeout=5' in result['menu_drift']


def test_the_menu_is_made_in_the_language_that_it_was_made_in(machine, tmp_path):
    (tmp_path / 'boot/grub/grub.cfg').write_text(menu_of(machine, 'de_DE.UTF-8'))
    work, module = begin(machine)
    assert work.set(TSC)['menu_drift'] == []
    assert module.languages == ['de_DE.UTF-8']


def test_a_run_that_was_killed_before_the_menu_is_repaired(machine):
    work = begin(machine)[0]
    work.backend.plan(Wish(['clocksource=tsc', 'tsc=reliable']), work.change, work.run)
    work.change.apply(work.module)
    result = put(machine)
    assert (result['changed'], result['files']) == (True, [])
    assert result['effective'][-2:] == ['clocksource=tsc', 'tsc=reliable']


def test_a_full_disk(machine, monkeypatch):
    before = tree(machine)
    real = _change.put

    def full(module, path, data, mode=0o644):
        if path.endswith('zz-cloudclock.cfg') and data is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(module, path, data, mode)
    monkeypatch.setattr(_change, 'put', full)
    with pytest.raises(Failed, match='writing /etc/default/grub.d/zz-cloudclock.cfg: No space left on device'):
        put(machine)
    assert tree(machine) == before


def test_a_signal_puts_all_back(machine):
    before = tree(machine)
    work, module = begin(machine)

    def broken():
        os.kill(os.getpid(), 15)
        return 0, '', ''
    module.broken = broken
    with pytest.raises(Failed, match='ended by signal 15. The files and the menu are as they were'):
        work.set(TSC)
    assert tree(machine) == before


def test_the_record_is_written_first_and_kept(machine):
    put(machine)
    first = json.loads(machine.read(STATE))['kernel_cmdline']
    assert first['args'] == ['clocksource=tsc'] and 'clocksource=hpet' in first['effective_before']
    own = first['files']['/etc/default/grub.d/zz-cloudclock.cfg']
    assert own['before_b64'] is None and own['before_args'] == ['clocksource=hpet']
    put(machine, Wish(['tsc=reliable']))
    second = json.loads(machine.read(STATE))['kernel_cmdline']
    assert second['args'] == ['clocksource=tsc', 'tsc=reliable']
    assert second['effective_before'] == first['effective_before']
    assert second['files']['/etc/default/grub.d/zz-cloudclock.cfg']['sha256_written'] != own['sha256_written']


def test_without_remember_there_is_no_record(machine):
    put(machine, remember=False)
    assert machine.read(STATE) is None


def test_restored_brings_every_byte_back(machine):
    before = tree(machine)
    put(machine)
    put(machine, Wish(['tsc=reliable']))
    predicted = begin(machine, check_mode=True)[0].restore()
    result = begin(machine)[0].restore()
    assert result['effective'] == predicted['effective'] == ['root=UUID=1', 'ro', 'console=ttyS0', 'clocksource=hpet']
    assert (result['changed'], result['not_restored']) == (True, [])
    assert tree(machine) == before
    again = begin(machine)[0].restore()
    assert again['changed'] is False and 'no record' in again['not_restored'][0]


def test_restored_leaves_what_others_changed_since(machine, lay):
    put(machine)
    own = 'etc/default/grub.d/zz-cloudclock.cfg'
    lay({own: machine.read(own) + '# a note\n'})
    result = begin(machine)[0].restore()
    assert 'changed by others since' in result['not_restored'][0]
    assert result['effective'][-1] == 'clocksource=hpet'


def test_restored_keeps_a_value_that_the_operator_set_since(machine, lay, tmp_path):
    put(machine)
    lay({'etc/default/grub.d/50-cloudimg-settings.cfg': 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0 clocksource=acpi_pm"\n'})
    assert begin(machine)[0].restore()['effective'][-1] == 'clocksource=acpi_pm'


def test_backups(machine):
    own = machine.path + '/etc/default/grub.d/zz-cloudclock.cfg'
    put(machine)
    assert put(machine, Wish(['tsc=reliable']), backup=True)['backups'] == [own + '.bak', machine.path + '/boot/grub/grub.cfg.bak']


def test_without_a_menu_grub_is_not_what_boots(machine):
    os.unlink(machine.path + '/boot/grub/grub.cfg')
    with pytest.raises(Failed, match='/boot/grub/grub.cfg does not exist'):
        put(machine)


def test_nothing_recognised(lay):
    with pytest.raises(Failed, match='no boot loader was recognised'):
        begin(lay({'etc/hostname': 'x'}))


def test_loader_entries_are_written_and_restored_with_those_of_newer_kernels(lay):
    root = lay(FEDORA)
    root.live = True
    before = tree(root)
    result = put(root)
    assert result['effective'][-1] == 'clocksource=tsc' and result['entries_disagreeing'] == []
    assert result['future_kernels'] == 'not_covered'
    newer = 'boot/loader/entries/m-6.11.conf'
    lay({newer: root.read('boot/loader/entries/m-6.10.2.conf')})
    assert begin(root)[0].restore()['not_restored'] == []
    after = tree(root)
    assert after.pop(newer) == before['boot/loader/entries/m-6.10.2.conf'].replace(
        b' clocksource=hpet $tuned_params', b' $tuned_params clocksource=hpet')
    assert after == before


def test_grubbys_own_idea_of_an_entry_is_corrected(lay):
    root = lay(dict(FEDORA, **{'usr/sbin/grubby': ''}))
    root.live = True
    work, module = begin(root)
    path = root.path + '/boot/loader/entries/m-6.10.2.conf'

    def grubby():
        with open(path, 'a') as out:
            out.write('mangled')
        return 0, '', ''
    module.broken = grubby
    work.set(TSC)
    assert module.calls[0][0] == '/usr/sbin/grubby'
    assert 'mangled' not in root.read('boot/loader/entries/m-6.10.2.conf')


def test_secrets_stay_out_of_lists_and_diffs(machine, lay, tmp_path):
    lay({'etc/default/grub.d/50-cloudimg-settings.cfg': 'GRUB_CMDLINE_LINUX="db_password=hunter2"\n',
         'etc/default/grub.d/zz-cloudclock.cfg': '# password=hunter2\n'})
    (tmp_path / 'boot/grub/grub.cfg').write_text(menu_of(machine, 'C'))
    assert 'hunter2' not in json.dumps(put(machine))


@pytest.mark.parametrize('files, why', [
    ({}, 'there is no init'), ({'sbin/init': b'\x7fELF' + b'\1' * 16}, 'another architecture'),
])
def test_a_tree_that_cannot_run_its_own_tools(lay, files, why):
    with pytest.raises(ValueError, match=why):
        _chroot.check(lay(files))


def test_a_tree_without_dev(lay):
    with open('/proc/self/exe', 'rb') as handle:
        head = handle.read(64)
    with pytest.raises(ValueError, match='/dev is not mounted below'):
        _chroot.check(lay({'sbin/init': head}))


def test_ostree_changes_and_restores_by_transactions_of_its_own(lay):
    root = lay(OSTREE)
    root.live = True
    lay({'usr/bin/rpm-ostree': ''})
    path = root.path + '/boot/loader/entries/ostree-2.conf'

    def run(wish=None):
        work, module = begin(root)

        def rpm_ostree():
            with open(path) as old:
                options = old.read().rpartition('options ')[2].split()
            for arg in module.calls[0][2:]:
                if arg.startswith('--delete='):
                    options.remove(arg[9:])
                else:
                    options.append(arg[9:])
            with open(path, 'w') as new:
                new.write('title x\nversion 2\nlinux /a\noptions %s\n' % ' '.join(options))
            return 0, '', ''
        module.broken = rpm_ostree
        return work.set(wish) if wish else work.restore()
    assert run(TSC)['effective'] == ['root=UUID=1', 'ostree=/b', 'clocksource=tsc']
    assert run(TSC)['changed'] is False
    assert run()['effective'] == ['root=UUID=1', 'ostree=/b', 'clocksource=hpet']
