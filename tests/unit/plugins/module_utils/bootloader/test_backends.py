# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backend a machine gets, and what each plans, on roots shaped as the distributions lay them out."""
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import Unsupported, find
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish

from .test_grubcfg import MENU, block

TSC = Wish(['clocksource=tsc', 'tsc=reliable'])
DEFAULT_GRUB = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="rhgb quiet"\nGRUB_ENABLE_BLSCFG=true\n'
ENTRIES = 'boot/loader/entries/'
BLS_MENU = 'set default="${saved_entry}"\nload_env\nblscfg\n'


def entry(options, title='Linux', more=''):
    return 'title %s\nlinux /vmlinuz\ninitrd /initrd $tuned_initrd\n%soptions %s\n' % (title, more, options)


FEDORA = {'etc/default/grub': DEFAULT_GRUB, 'boot/grub2/grub.cfg': BLS_MENU, 'boot/grub2/grubenv': block(''),
          ENTRIES + 'm-6.9.1.conf': entry('root=UUID=1 ro rhgb'),
          ENTRIES + 'm-6.10.2.conf': entry('root=UUID=1 ro rhgb clocksource=hpet $tuned_params')}
ARCH = {'boot/loader/loader.conf': 'default arch*\ntimeout 3\n', 'boot/EFI/systemd/systemd-bootx64.efi': 'MZ',
        ENTRIES + 'arch.conf': entry('root=UUID=1 rw clocksource=hpet'), ENTRIES + 'rescue.conf': entry('root=UUID=1 rescue')}
UBOOT = {'boot/extlinux/extlinux.conf': 'DEFAULT l0\nLABEL l0\n\tMENU LABEL Debian 6.1\n\tlinux /vmlinuz\n'
         '\tappend root=UUID=1 ro quiet clocksource=hpet\n\nLABEL l0r\n\tlinux /vmlinuz\n\tappend root=UUID=1 ro single\n',
         'etc/default/u-boot': '# U_BOOT_PARAMETERS=""\nU_BOOT_PARAMETERS="ro quiet clocksource=hpet"\n'}
OSTREE = {'ostree/repo/config': '', ENTRIES + 'ostree-1.conf': entry('root=UUID=1 ostree=/a', more='version 1\n'),
          ENTRIES + 'ostree-2.conf': entry('root=UUID=1 ostree=/b clocksource=hpet', more='version 2\n')}


@pytest.mark.parametrize('files, name', [
    ({'etc/default/grub': ''}, 'grub'),
    ({'boot/grub/grub.cfg': MENU % {'default': '0'}}, 'grub'),
    (FEDORA, 'grub-bls'),
    ({key: text for key, text in FEDORA.items() if key != 'boot/grub2/grub.cfg'}, 'grub-bls'),
    (dict(FEDORA, **{'boot/grub2/grub.cfg': MENU % {'default': '0'}}), 'grub'),
    ({'etc/default/grub': 'GRUB_ENABLE_BLSCFG=false\n', ENTRIES + 'm-1.conf': entry('ro')}, 'grub'),
    (ARCH, 'systemd-boot'),
    ({'boot/efi/loader/entries/d-6.1.conf': entry('root=UUID=1'), 'boot/efi/loader/loader.conf': '',
      'etc/default/grub': ''}, 'systemd-boot'),
    (UBOOT, 'extlinux'), (OSTREE, 'rpm-ostree'),
    ({'boot/efi/EFI/Linux/linux-6.1.efi': 'MZ'}, 'uki'),
])
def test_chosen_by_what_the_machine_has(lay, files, name):
    assert find(lay(files)).name == name


@pytest.mark.parametrize('files', [{}, {'etc/default/grub.d/a.cfg': ''}, {'boot/grub/grubenv.old': ''}])
def test_nothing_is_recognised(lay, files):
    assert find(lay(files)) is None


def test_a_running_systemd_boot_outdoes_a_menu_left_behind(lay):
    info = '/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
    left = dict(ARCH, **{'boot/grub/grub.cfg': MENU % {'default': '0'}})
    assert find(lay(left)).name == 'grub'
    assert find(lay({info: b'\x06\0\0\0' + 'systemd-boot 252'.encode('utf-16-le') + b'\0\0'})).name == 'systemd-boot'


def test_systemd_boot_whose_entries_cannot_be_seen(lay, plan):
    info = '/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
    backend = find(lay({info: b'\x06\0\0\0' + 'systemd-boot 252'.encode('utf-16-le'), 'boot/grub/grub.cfg': MENU}))
    assert backend.name == 'systemd-boot' and 'not mounted' in backend.read()['reason']
    with pytest.raises(Unsupported, match='proxmox-boot-tool'):
        plan(backend, TSC)


def test_a_running_unified_image_outdoes_everything_else(lay):
    stub = '/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
    root = lay(dict(ARCH, **{stub: b'x', 'boot/grub/grub.cfg': MENU}))
    assert find(root).name == 'grub'
    root.live = True
    assert find(root).name == 'uki'


def test_a_unified_image_is_refused_with_the_reason(lay, plan):
    backend = find(lay({'boot/efi/EFI/Linux/linux-6.1.efi': 'MZ'}))
    assert backend.read()['effective'] is None and 'UKI' in backend.read()['reason']
    with pytest.raises(Unsupported, match='inside the signed image'):
        plan(backend, TSC)


class TestBls:
    def test_the_newest_entry_boots_next_and_others_may_disagree(self, lay):
        report = find(lay(FEDORA)).read()
        assert report['effective'] == ['root=UUID=1', 'ro', 'rhgb', 'clocksource=hpet']
        assert report['entries_disagreeing'] == ['m-6.9.1']

    def test_the_saved_entry_boots_next(self, lay):
        root = lay(dict(FEDORA, **{'boot/grub2/grubenv': block('saved_entry=m-6.9.1\n')}))
        assert find(root).read()['effective'] == ['root=UUID=1', 'ro', 'rhgb']

    def test_all_entries_and_the_files_of_kernels_to_come(self, lay, plan):
        root = lay(dict(FEDORA, **{'etc/kernel/cmdline': '# ours\nroot=UUID=1 ro\nrhgb clocksource=hpet\n'}))
        done = plan(find(root), TSC)
        assert done.after('/' + ENTRIES + 'm-6.10.2.conf') == entry('root=UUID=1 ro rhgb $tuned_params clocksource=tsc tsc=reliable')
        assert done.after('/' + ENTRIES + 'm-6.9.1.conf') == entry('root=UUID=1 ro rhgb clocksource=tsc tsc=reliable')
        assert done.after('/etc/kernel/cmdline') == '# ours\nroot=UUID=1 ro\nrhgb clocksource=tsc tsc=reliable\n'
        assert 'GRUB_CMDLINE_LINUX="rhgb quiet clocksource=tsc tsc=reliable"' in done.after('/etc/default/grub')
        assert done.future == {'covered': True, 'reason': None}

    @pytest.mark.parametrize('more, why', [
        ({}, 'does not exist'), ({'etc/kernel/cmdline': 'ro quiet\n'}, 'names no root='),
    ])
    def test_kernel_cmdline_is_never_created_nor_touched_without_a_root(self, lay, plan, more, why):
        done = plan(find(lay(dict(FEDORA, **more))), TSC)
        assert '/etc/kernel/cmdline' not in done.paths
        assert done.future['covered'] is False and why in done.future['reason']

    def test_kernelopts_in_the_environment_block(self, lay, plan):
        root = lay({'etc/default/grub': DEFAULT_GRUB, 'boot/grub2/grub.cfg': BLS_MENU,
                    'boot/grub2/grubenv': block('kernelopts=root=/dev/a ro clocksource=hpet \n'),
                    ENTRIES + 'm-4.18.conf': entry('$kernelopts tsc=unstable $tuned_params')})
        backend = find(root)
        assert backend.read()['effective'] == ['root=/dev/a', 'ro', 'clocksource=hpet', 'tsc=unstable']
        done = plan(backend, TSC)
        assert len(done.after('/boot/grub2/grubenv')) == 1024
        assert '\nkernelopts=root=/dev/a ro clocksource=tsc tsc=reliable \n' in done.after('/boot/grub2/grubenv')
        assert done.after('/' + ENTRIES + 'm-4.18.conf') == entry('$kernelopts $tuned_params')
        assert done.future['covered'] is True

    @pytest.mark.parametrize('old', ['', ' clocksource=hpet'])
    def test_a_full_environment_block_leaves_it_to_the_entries(self, lay, plan, old):
        long = 'x' * 950
        root = lay({'etc/default/grub': DEFAULT_GRUB, 'boot/grub2/grub.cfg': BLS_MENU, ENTRIES + 'm.conf': entry('$kernelopts'),
                    'boot/grub2/grubenv': block('kernelopts=root=/dev/a%s %s\n' % (old, long))})
        done = plan(find(root), TSC)
        assert done.after('/' + ENTRIES + 'm.conf') == entry('$kernelopts clocksource=tsc tsc=reliable')
        if old:
            assert '\nkernelopts=root=/dev/a %s\n' % long in done.after('/boot/grub2/grubenv')
            assert len(done.after('/boot/grub2/grubenv')) == 1024
        assert ('/boot/grub2/grubenv' in done.paths) == bool(old)
        assert done.future['covered'] is False and 'is full' in done.future['reason']
        again = plan(find(lay({path: done.after(path) for path in done.paths})), TSC)
        assert again.paths == [] and again.future == done.future

    def test_an_environment_block_on_the_efi_partition_alone(self, lay, plan):
        root = lay({'etc/default/grub': DEFAULT_GRUB, ENTRIES + 'm.conf': entry('$kernelopts'),
                    'boot/efi/EFI/redhat/grubenv': block('kernelopts=root=/dev/a ro clocksource=hpet\n')})
        done = plan(find(root), TSC)
        assert 'kernelopts=root=/dev/a ro clocksource=tsc tsc=reliable\n' in done.after('/boot/efi/EFI/redhat/grubenv')
        assert '/' + ENTRIES + 'm.conf' not in done.paths

    def test_what_is_for_init_is_left_to_it(self, lay, plan):
        root = lay({'etc/default/grub': DEFAULT_GRUB, ENTRIES + 'm.conf': entry('root=/dev/a -- clocksource=hpet')})
        assert find(root).read()['effective'] == ['root=/dev/a']
        done = plan(find(root), TSC)
        assert done.after('/' + ENTRIES + 'm.conf') == entry('root=/dev/a clocksource=tsc tsc=reliable -- clocksource=hpet')

    def test_what_the_menu_itself_sets_is_named(self, lay, plan):
        root = lay(dict(FEDORA, **{'boot/grub2/grub.cfg': 'set tuned_params="clocksource=acpi_pm"\n' + BLS_MENU}))
        with pytest.raises(ValueError, match='TuneD'):
            plan(find(root), TSC)

    def test_an_entry_without_options_keeps_what_grub_takes_instead(self, lay, plan):
        root = lay(dict(FEDORA, **{ENTRIES + 'm-7.conf': 'title x\nlinux /vmlinuz\n',
                                   'boot/grub2/grub.cfg': 'set default_kernelopts="root=UUID=1 ro"\n' + BLS_MENU}))
        assert find(root).read()['effective'] == ['root=UUID=1', 'ro']
        path = '/' + ENTRIES + 'm-7.conf'
        done = plan(find(root), TSC)
        assert done.after(path) == 'title x\nlinux /vmlinuz\noptions $default_kernelopts clocksource=tsc tsc=reliable\n'
        again = find(lay({path: done.after(path)}))
        assert again.read()['effective'] == ['root=UUID=1', 'ro', 'clocksource=tsc', 'tsc=reliable']
        assert path not in plan(again, TSC).paths

    def test_grubby_is_told_and_its_failure_keeps_its_words(self, lay):
        backend = find(lay(dict(FEDORA, **{'usr/sbin/grubby': ''})))
        calls = []

        def run(argv):
            calls.append(argv)
            return (0, '', '') if len(calls) == 1 else (1, '', 'grubby: no such kernel\n')
        backend.activate(run, TSC, ['clocksource=hpet'])
        assert calls == [['/usr/sbin/grubby', '--update-kernel=ALL', '--remove-args=clocksource=hpet',
                          '--args=clocksource=tsc tsc=reliable']]
        with pytest.raises(OSError, match='no such kernel'):
            backend.activate(run, TSC, [])


class TestSystemdBoot:
    def test_entries_by_pattern_and_version(self, lay):
        report = find(lay(ARCH)).read()
        assert report['effective'] == ['root=UUID=1', 'rw', 'clocksource=hpet']
        assert [item['id'] for item in report['entries'] if item['recovery']] == ['rescue']

    def test_a_one_shot_entry(self, lay):
        name = '/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
        root = lay(dict(ARCH, **{name: b'\x07\0\0\0' + 'rescue.conf'.encode('utf-16-le') + b'\0\0'}))
        report = find(root).read()
        assert report['effective'] == ['root=UUID=1', 'rescue'] and 'one boot' in report['reason']

    def test_plan(self, lay, plan):
        done = plan(find(lay(dict(ARCH, **{'etc/kernel/cmdline': 'root=UUID=1 rw'}))), TSC)
        assert done.after('/' + ENTRIES + 'arch.conf') == entry('root=UUID=1 rw clocksource=tsc tsc=reliable')
        assert done.after('/etc/kernel/cmdline') == 'root=UUID=1 rw clocksource=tsc tsc=reliable'

    def test_several_options_lines_and_none(self, lay, plan):
        root = lay(dict(ARCH, **{ENTRIES + 'two.conf': 'linux /a\noptions root=UUID=1 \noptions clocksource=hpet q\n',
                                 ENTRIES + 'none.conf': 'linux /a'}))
        done = plan(find(root), TSC)
        assert done.after('/' + ENTRIES + 'two.conf') == (
            'linux /a\noptions root=UUID=1 clocksource=tsc tsc=reliable \noptions q\n').replace('reliable \n', 'reliable \n')
        assert done.after('/' + ENTRIES + 'none.conf') == 'linux /a\noptions clocksource=tsc tsc=reliable\n'


class TestExtlinux:
    def test_plan(self, lay, plan):
        backend = find(lay(UBOOT))
        assert backend.read()['effective'] == ['root=UUID=1', 'ro', 'quiet', 'clocksource=hpet']
        done = plan(backend, TSC)
        text = done.after('/boot/extlinux/extlinux.conf')
        assert text == UBOOT['boot/extlinux/extlinux.conf'].replace('clocksource=hpet', 'clocksource=tsc tsc=reliable')
        assert done.after('/etc/default/u-boot').endswith('U_BOOT_PARAMETERS="ro quiet clocksource=tsc tsc=reliable"\n')
        assert done.future['covered'] is True

    def test_a_generator_that_is_not_set_is_said(self, lay, plan):
        done = plan(find(lay(dict(UBOOT, **{'etc/default/u-boot': '#U_BOOT_PARAMETERS=""\n'}))), TSC)
        assert done.future['covered'] is False and 'does not set U_BOOT_PARAMETERS' in done.future['reason']


class TestOstree:
    def test_the_highest_version_boots_next(self, lay):
        assert find(lay(OSTREE)).read()['effective'] == ['root=UUID=1', 'ostree=/b', 'clocksource=hpet']

    def test_only_on_the_running_machine(self, lay, plan):
        with pytest.raises(ValueError, match='running machine only'):
            plan(find(lay(OSTREE)), TSC)

    def test_one_transaction_with_the_exact_difference(self, lay):
        backend = find(lay(dict(OSTREE, **{'usr/bin/rpm-ostree': ''})))
        calls = []
        backend.activate(lambda argv: calls.append(argv) or (0, '', ''), TSC, [])
        assert calls == [['/usr/bin/rpm-ostree', 'kargs', '--delete=clocksource=hpet', '--append=clocksource=tsc',
                          '--append=tsc=reliable']]
        with pytest.raises(OSError, match='error: busy'):
            backend.activate(lambda argv: (1, '', 'error: busy'), TSC, [])
