# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import _compare, _grubcfg, _grubenv
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish

# Shaped as Debian's grub-mkconfig 2.06 writes it.
MENU = r'''
### BEGIN /etc/grub.d/00_header ###
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="%(default)s"
fi
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
  fi
}
### END /etc/grub.d/00_header ###
### BEGIN /etc/grub.d/10_linux ###
function gfxmode {
@set gfxpayload="${1}"
@if [ "${1}" = "keep" ]; then
@@set vt_handoff=vt.handoff=7
@fi
}
menuentry 'It'\''s GNU/Linux' --class gnu-linux $menuentry_id_option 'gnulinux-simple-1' {
@load_video
@if [ x$grub_platform = xxen ]; then insmod xzio; fi
@linux@/boot/vmlinuz-2 root=UUID=1 ro net.ifnames=0  quiet dyndbg="file a* +p" x=\$y $vt_handoff
@initrd@/boot/initrd.img-2
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {
@menuentry 'GNU/Linux, with Linux 2' --class gnu-linux $menuentry_id_option 'gnulinux-2-advanced-1' {
@@linux@/boot/vmlinuz-2 root=UUID=1 ro clocksource=tsc
@}
@menuentry 'GNU/Linux, with Linux 2 (recovery mode)' --class gnu-linux $menuentry_id_option 'gnulinux-2-recovery-1' {
@@linux@/boot/vmlinuz-2 root=UUID=1 ro single nomodeset
@}
@menuentry 'GNU/Linux, with Linux 1' --class gnu-linux $menuentry_id_option 'gnulinux-1-advanced-1' {
@@linux@/boot/vmlinuz-1 root=UUID=1 ro
@}
}
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/20_linux_xen ###
menuentry 'GNU/Linux, with Xen hypervisor' --class xen $menuentry_id_option 'xen-gnulinux-simple-1' {
@multiboot2@/boot/xen-4.17.gz placeholder dom0_mem=1G
@module2@/boot/vmlinuz-2 placeholder root=UUID=1 ro clocksource=xen
@module2@--nounzip@/boot/initrd.img-2
}
### END /etc/grub.d/20_linux_xen ###
### BEGIN /etc/grub.d/30_os-prober ###
menuentry 'Other Linux (on /dev/sdb1)' --class gnu-linux --class os $menuentry_id_option 'osprober-gnulinux-1' {
@linux /boot/vmlinuz root=/dev/sdb1
}
### END /etc/grub.d/30_os-prober ###
### BEGIN /etc/grub.d/40_custom ###
menuentry "Memory test" {
@linux16 /boot/memtest86+.bin
}
menuentry "Firmware" --id fw {
@fwsetup
}
### END /etc/grub.d/40_custom ###
'''.replace('@', '\t')


def menu(default='0', **env):
    return _grubcfg.Menu(MENU % {'default': default}, env)


@pytest.mark.parametrize('default, title', [
    ('0', "It's GNU/Linux"), ('', "It's GNU/Linux"), ("It's GNU/Linux", "It's GNU/Linux"),
    ('gnulinux-simple-1', "It's GNU/Linux"), ('1>2', 'GNU/Linux, with Linux 1'), ('1', 'GNU/Linux, with Linux 2'),
    ('gnulinux-advanced-1>gnulinux-1-advanced-1', 'GNU/Linux, with Linux 1'),
    ('Advanced options>GNU/Linux, with Linux 1', 'GNU/Linux, with Linux 1'),
    ('no such entry', "It's GNU/Linux"), ('99', "It's GNU/Linux"), ('2', 'GNU/Linux, with Xen hypervisor'), ('fw', 'Firmware'),
])
def test_the_default_by_number_title_id_and_path(default, title):
    node, how = menu(default).next()
    assert (node['title'], how) == (title, 'default')
    assert menu('${saved_entry}', saved_entry=default).next()[0]['title'] == title


def test_the_entry_chosen_for_one_boot_comes_first():
    node, how = menu('0', next_entry='1>1').next()
    assert (node['title'], how) == ('GNU/Linux, with Linux 2 (recovery mode)', 'next_entry')
    assert menu('0', next_entry='1>1').usual()['title'] == "It's GNU/Linux"


def test_arguments_are_unquoted_by_grub_and_quoted_for_the_kernel():
    assert menu().next()[0]['args'] == ['root=UUID=1', 'ro', 'net.ifnames=0', 'quiet', 'dyndbg="file a* +p"', 'x=$y',
                                        'vt.handoff=7']


def test_what_kind_an_entry_is():
    kinds = {node['id']: (node['recovery'], node['foreign'], node['custom']) for node in menu().linux()}
    assert kinds == {
        'gnulinux-simple-1': (False, False, False), 'gnulinux-2-advanced-1': (False, False, False),
        'gnulinux-2-recovery-1': (True, False, False), 'gnulinux-1-advanced-1': (False, False, False),
        'xen-gnulinux-simple-1': (False, False, False), 'osprober-gnulinux-1': (False, True, True)}


def test_the_kernel_of_a_xen_entry_is_its_first_module():
    assert menu('2').next()[0]['args'] == ['root=UUID=1', 'ro', 'clocksource=xen']


def test_variables_of_the_menu_and_of_its_environment():
    text = 'set kernelopts="root=/dev/a ro"\nblscfg\nmenuentry "x" {\n linux /k $kernelopts ${tuned_params} a\n}\n'
    assert _grubcfg.Menu(text, {}).linux()[0]['args'] == ['root=/dev/a', 'ro', 'a']
    env = {'kernelopts': 'root=/dev/b quiet', 'tuned_params': 'nohz=on'}
    assert _grubcfg.Menu(text, env).linux()[0]['args'] == ['root=/dev/b', 'quiet', 'nohz=on', 'a']


def test_what_follows_the_separator_is_not_the_kernels():
    menu = _grubcfg.Menu("menuentry 'Linux' {\n\tlinux /vmlinuz root=/dev/a -- single clocksource=hpet\n}\n", {})
    assert (menu.next()[0]['args'], menu.next()[0]['recovery']) == (['root=/dev/a'], True)


def test_an_empty_menu_boots_nothing():
    assert _grubcfg.Menu('', {}).next() == (None, 'default')


def block(text):
    return ('# GRUB Environment Block\n' + text).encode().ljust(1024, b'#')


def test_the_environment_block_keeps_its_size():
    data = block('saved_entry=x\nkernelopts=root=/dev/a ro \n')
    new = _grubenv.set_environment(data, 'kernelopts', 'root=/dev/a ro clocksource=tsc ')
    assert len(new) == 1024
    assert new.startswith(b'# GRUB Environment Block\nsaved_entry=x\nkernelopts=root=/dev/a ro clocksource=tsc \n####')
    assert _grubcfg.environment(new.decode()) == {'saved_entry': 'x', 'kernelopts': 'root=/dev/a ro clocksource=tsc '}
    assert _grubenv.set_environment(new, 'kernelopts', 'root=/dev/a ro ') == data


def test_what_does_not_fit_into_the_environment_block():
    with pytest.raises(ValueError, match='kernelopts does not fit into the 1024 bytes'):
        _grubenv.set_environment(block(''), 'kernelopts', 'x' * 1000)
    assert _grubenv.set_environment(block(''), 'a', 'b\\c')[:32] == b'# GRUB Environment Block\na=b\\\\c\n'
    assert _grubcfg.environment('# GRUB Environment Block\na=b\\\\c\n') == {'a': 'b\\c'}


def test_menus_are_compared_without_our_arguments():
    wish = Wish(['clocksource=tsc'])
    old = _compare.comparable(MENU, wish)
    assert _compare.comparable(MENU.replace('  quiet', ' quiet clocksource=tsc').replace(' clocksource=xen', ''), wish) == old
    assert _compare.comparable(MENU.replace('quiet', 'splash'), wish) != old
    assert _compare.comparable(MENU.replace('Memory', 'Other'), wish) != old
