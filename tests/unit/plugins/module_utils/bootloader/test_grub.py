# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import _grubconf, find
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish

from .conftest import sourced
from .test_grubcfg import MENU

TSC = Wish(['clocksource=tsc'])
GRUB = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n'
CLOUD = 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0 clocksource=hpet"\n'
OWN = '/etc/default/grub.d/zz-cloudclock.cfg'
DEBIAN_MKCONFIG = '#!/bin/sh\nfor x in ${sysconfdir}/default/grub.d/*.cfg ; do . "$x"; done\n'


def test_reads_the_generated_menu_not_the_files(lay):
    backend = find(lay({'etc/default/grub': GRUB, 'boot/grub/grub.cfg': MENU % {'default': '1>2'}}))
    report = backend.read()
    assert backend.name == 'grub'
    assert report['effective'] == ['root=UUID=1', 'ro']
    assert [entry['id'] for entry in report['entries'] if entry['next']] == ['gnulinux-1-advanced-1']
    assert report['entries_disagreeing'] == ['gnulinux-2-advanced-1', 'xen-gnulinux-simple-1']
    assert report['reason'] is None


@pytest.mark.parametrize('env, effective, judged, reason', [
    ('next_entry=fw\n', None, 'net.ifnames=0', 'Firmware) is not a Linux kernel'),
    ('next_entry=gnulinux-advanced-1>gnulinux-2-recovery-1\n', 'single', 'net.ifnames=0', 'chosen for one boot'),
    ('', 'net.ifnames=0', 'net.ifnames=0', None),
])
def test_one_shot_entries(lay, env, effective, judged, reason):
    root = lay({'boot/grub/grub.cfg': MENU % {'default': '0'},
                'boot/grub/grubenv': '# GRUB Environment Block\n' + env + '#' * 990})
    report = find(root).read()
    assert (report['effective'] is None) == (effective is None) and (effective is None or effective in report['effective'])
    assert judged in report['judged']
    assert (report['reason'] is None) == (reason is None) and (reason is None or reason in report['reason'])


def test_without_a_menu_the_files_are_evaluated(lay):
    root = lay({'etc/default/grub': GRUB, 'etc/default/grub.d/50-cloudimg-settings.cfg': CLOUD})
    assert find(root).read()['effective'] == ['console=ttyS0', 'clocksource=hpet']


def test_the_drop_in_wins_over_a_cloud_images(lay, plan):
    root = lay({'etc/default/grub': GRUB, 'etc/default/grub.d/50-cloudimg-settings.cfg': CLOUD})
    done = plan(find(root), TSC)
    assert done.paths == [OWN]
    status, variables = sourced(['dash'], GRUB, CLOUD, done.after(OWN))
    assert (status, variables[:2]) == (0, ['', 'console=ttyS0 clocksource=tsc'])


def test_the_drop_in_stays_right_when_the_operator_edits_other_files_later(lay, plan):
    done = plan(find(lay({'etc/default/grub': GRUB, 'etc/default/grub.d/a.cfg': ''})), TSC)
    later = 'GRUB_CMDLINE_LINUX="clocksource=acpi_pm debug"\nGRUB_CMDLINE_LINUX_DEFAULT="splash clocksource=hpet"\n'
    assert sourced(['dash'], later, done.after(OWN))[1][:2] == [' debug', 'splash clocksource=tsc']


@pytest.mark.parametrize('name, own', [
    ('zzz-site.cfg', 'zzzz-cloudclock.cfg'), ('zz-cloudclocks.cfg', 'zzz-cloudclock.cfg'), ('99-x.cfg', 'zz-cloudclock.cfg'),
    ('~last.cfg', '~zz-cloudclock.cfg'), ('zzé.cfg', '~zz-cloudclock.cfg'), ('zzz.conf', 'zz-cloudclock.cfg'),
])
def test_our_name_sorts_last(lay, plan, name, own):
    done = plan(find(lay({'etc/default/grub': GRUB, 'etc/default/grub.d/' + name: CLOUD})), TSC)
    assert done.paths == ['/etc/default/grub.d/' + own]


@pytest.mark.parametrize('name', ['é.cfg', '~é.cfg'])
def test_a_name_that_nothing_sorts_after_is_refused(lay, plan, name):
    with pytest.raises(ValueError, match='rename it'):
        plan(find(lay({'etc/default/grub': GRUB, 'etc/default/grub.d/' + name: CLOUD})), TSC)


def test_a_later_name_moves_our_drop_in(lay, plan):
    first = plan(find(lay({'etc/default/grub': GRUB, 'etc/default/grub.d/a.cfg': ''})), TSC)
    root = lay({OWN: first.after(OWN), 'etc/default/grub.d/zzz.cfg': CLOUD})
    done = plan(find(root), Wish(['tsc=reliable']))
    new = '/etc/default/grub.d/zzzz-cloudclock.cfg'
    assert done.paths == [OWN, new]
    assert sourced(['dash'], GRUB, CLOUD, done.after(new))[1][1] == 'console=ttyS0 clocksource=tsc tsc=reliable'


def test_a_folder_that_grub_mkconfig_does_not_source_is_not_used(lay, plan):
    files = {'etc/default/grub': GRUB, 'etc/default/grub.d/a.cfg': '', 'usr/bin/grub-mkconfig': '#!/bin/sh\n'}
    done = plan(find(lay(files)), TSC)
    assert done.paths == ['/etc/default/grub']
    done = plan(find(lay(dict(files, **{'usr/bin/grub-mkconfig': DEBIAN_MKCONFIG}))), TSC)
    assert done.paths == [OWN]


def test_absent_takes_it_out_of_our_drop_in_and_filters_what_others_set(lay, plan):
    files = {'etc/default/grub': GRUB, 'etc/default/grub.d/50-cloudimg-settings.cfg': CLOUD}
    root = lay(files)
    root = lay({OWN: plan(find(root), Wish(['clocksource=tsc', 'tsc=reliable'])).after(OWN)})
    done = plan(find(root), Wish([], ['clocksource', 'tsc=reliable']))
    assert sourced(['dash'], GRUB, CLOUD, done.after(OWN))[1][1] == 'console=ttyS0'
    root = lay({'etc/default/grub.d/50-cloudimg-settings.cfg': 'GRUB_TIMEOUT=0\n', OWN: done.after(OWN)})
    done = plan(find(root), Wish([], ['clocksource']))
    assert done.change.files[0].after is None


def test_what_stands_there_already_needs_no_drop_in(lay, plan):
    root = lay({'etc/default/grub': GRUB.replace('quiet', 'clocksource=tsc'), 'etc/default/grub.d/a.cfg': ''})
    assert plan(find(root), TSC).paths == []


def test_append_is_refused_in_a_tree_of_debians_family_without_a_shell(lay, plan):
    text = 'GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n' + GRUB + 'GRUB_CMDLINE_LINUX+=" x"\n'
    with pytest.raises(ValueError, match=r'line 5: GRUB_CMDLINE_LINUX\+= is not known to dash'):
        plan(find(lay({'etc/default/grub': text})), TSC)


@pytest.mark.parametrize('link', ['dash', 'bash'])
def test_append_is_refused_where_sh_is_dash(lay, plan, tmp_path, link):
    root = lay({'etc/default/grub': GRUB + 'GRUB_CMDLINE_LINUX+=" x"\n', 'bin/' + link: ''})
    (tmp_path / 'bin/sh').symlink_to(link)
    if link == 'bash':
        assert plan(find(root), TSC).paths == ['/etc/default/grub']
        return
    with pytest.raises(ValueError, match=r'grub, line 4: GRUB_CMDLINE_LINUX\+= is not known to dash'):
        plan(find(root), TSC)


def test_invalid_shell_is_refused_by_sh_itself_and_by_us(lay):
    root = lay({'etc/default/grub': GRUB + 'if true\n', 'etc/default/grub.d/a.cfg': ''})
    with pytest.raises(ValueError, match='is not valid shell, so it was not touched: sh: line 4: unexpected end'):
        _grubconf.checked(root, '/etc/default/grub', GRUB, lambda argv: (2, '', 'sh: line 4: unexpected end\n'), False)
    with pytest.raises(ValueError, match='never closed'):
        _grubconf.checked(root, '/etc/default/grub', 'A="x', None, False)


def test_upstream_edits_the_file_and_names_its_own_tool(lay, plan):
    root = lay({'etc/default/grub': GRUB, 'boot/grub2/grub.cfg': MENU % {'default': '0'}})
    backend = find(root)
    assert plan(backend, TSC).after('/etc/default/grub') == GRUB.replace('"quiet"', '"quiet clocksource=tsc"')
    assert backend.command() == ['grub2-mkconfig', '-o', '/boot/grub2/grub.cfg']


def test_debians_tool(lay):
    assert find(lay({'etc/default/grub': GRUB, 'etc/default/grub.d/a.cfg': ''})).command() == ['update-grub']


def test_the_menu_on_the_efi_partition_is_used_only_where_it_is_one(lay):
    stub = 'search --no-floppy --fs-uuid --set=dev 1\nset prefix=($dev)/grub2\nconfigfile $prefix/grub.cfg\n'
    files = {'sys/firmware/efi/x': '', 'boot/efi/EFI/redhat/grub.cfg': stub, 'boot/grub2/grub.cfg': MENU % {'default': '0'},
             'etc/default/grub': GRUB}
    assert find(lay(files)).menu == '/boot/grub2/grub.cfg'
    files['boot/efi/EFI/redhat/grub.cfg'] = MENU % {'default': '0'}
    assert find(lay(files)).menu == '/boot/efi/EFI/redhat/grub.cfg'


def test_prediction_is_what_the_menu_will_say(lay, plan, tmp_path):
    from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader._staged import Staged
    menu = MENU % {'default': '0'}
    menu = menu.replace('net.ifnames=0  quiet dyndbg="file a* +p" x=\\$y $vt_handoff', 'net.ifnames=0 clocksource=hpet quiet')
    root = lay({'etc/default/grub': 'GRUB_CMDLINE_LINUX="net.ifnames=0 clocksource=hpet"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
                'etc/default/grub.d/a.cfg': '', 'boot/grub/grub.cfg': menu})
    backend = find(root)
    before = backend.read()
    after = backend.predict(before, TSC, Staged(root, plan(backend, TSC).change))
    assert after['effective'] == ['root=UUID=1', 'ro', 'net.ifnames=0', 'quiet', 'clocksource=tsc']
    args = {entry['id']: entry['args'] for entry in after['entries']}
    assert 'Memory test' not in args and args['gnulinux-2-recovery-1'] == ['root=UUID=1', 'ro', 'single', 'nomodeset']
