# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel command lines: split, compare, merge, render. Pure: no files, no AnsibleModule."""
import re

from ._words import cut, is_separator, parse, spans

_BLANK = re.compile(r'[ \t\n\v\f\r]')
# The menu languages of GRUB (script) and of its loader entries give these a meaning of their own.
_MENU_SPECIAL = re.compile(r"[$\\'`;&|<>\x00-\x1f\x7f]")
_SECRET = re.compile(r'pass|secret|token|credential', re.I)
_SECRET_TEXT = re.compile(
    r'''([\w.\-]*(?:pass|secret|token|credential)[\w.\-]*=)((?:\\?"[^"\n]*"|[^\s"'\\])+)'''
    r'|(password_pbkdf2[ \t]+\S+[ \t]+)(\S+)', re.I)
MASK = '********'

# What tsc= takes together (arch/x86/kernel/tsc.c, tsc_setup): each word sets a switch of its own,
# but "reliable" and "unstable" say the opposite of each other.
_EXCLUSIVE = frozenset([('tsc', 'reliable'), ('tsc', 'unstable')])

# Names that are read at every occurrence, from Documentation/admin-guide/kernel-parameters.txt, kmod's
# modprobe.d(5), systemd's kernel-command-line(7) and dracut.cmdline(7): a further value does not replace a former one.
CUMULATIVE = frozenset("""
    tsc console earlycon acpi_osi memmap crashkernel hugepages hugepagesz pci iommu intel_iommu amd_iommu mce efi video
    initcall_blacklist cgroup_disable cgroup_enable cgroup_no_v1 netdev md initrd modprobe.blacklist
    ip vlan bond bridge team nameserver ifname
    systemd.mask systemd.wants systemd.setenv systemd.mount_extra systemd.swap_extra systemd.set_credential
    systemd.set_credential_binary luks.uuid luks.name luks.options luks.key
    rd.driver.blacklist rd.driver.pre rd.driver.post rd.lvm.lv rd.lvm.vg rd.luks.uuid rd.luks.name rd.luks.options
    rd.luks.key rd.luks.partuuid rd.luks.serial rd.md.uuid rd.dm.uuid rd.znet rd.zfcp rd.dasd rd.route
    rd.systemd.mask rd.systemd.wants
""".split())


def check(arg):
    """An argument that was asked for, quoted where it holds blanks. ValueError says what is wrong with it."""
    text = arg.strip(' ')
    name, value = parse(text)
    shown = mask([text])[0]
    if not name or _BLANK.search(name) or '"' in name:
        raise ValueError('args: %r has no name; key or key=value is needed' % shown)
    if is_separator(text):
        raise ValueError('args: "--" is not an argument; what follows it goes to init')
    if _MENU_SPECIAL.search(text):
        raise ValueError('args: %r holds a character that the boot menu would interpret '
                         '(one of $ \\ \' ` ; & | < > or a control character)' % shown)
    if text.count('"') % 2 or '"' in (value or ''):
        raise ValueError('args: %r has stray double quotes; the kernel has no way to escape them' % shown)
    if value and _BLANK.search(value):
        return '%s="%s"' % (text.strip('"').partition('=')[0], value)
    return text.replace('"', '')


class Wish:
    """What was asked: arguments that must stand once, and arguments (``key`` or ``key=value``) that must not stand."""

    def __init__(self, present=(), absent=()):
        self.present = _unique([check(arg) for arg in present])
        self.absent = _unique([check(arg) for arg in absent])
        for index, word in enumerate(self.present):
            rest = Wish.of(self.present[:index])
            if rest.gives_way(word):
                raise ValueError('args: %s contradicts another argument of the list' % mask([word])[0])

    @classmethod
    def of(cls, present, absent=()):
        """A wish of arguments that were checked before."""
        wish = cls()
        wish.present, wish.absent = list(present), list(absent)
        return wish

    def wants(self, word):
        """Whether ``word`` is one of those that must stand."""
        return parse(word) in [parse(arg) for arg in self.present]

    def gives_way(self, word):
        """Whether ``word`` must go: it is asked to be absent, or it is another value of a name that is asked for."""
        name, value = pair = parse(word)
        for arg in self.absent:
            if pair == parse(arg) or (name, None) == parse(arg):
                return True
        for wanted in [parse(arg) for arg in self.present]:
            if wanted[0] != name or wanted == pair:
                continue
            if name not in CUMULATIVE or (pair in _EXCLUSIVE and wanted in _EXCLUSIVE):
                return True
        return False

    def met(self, words):
        """Whether each asked argument stands exactly once among ``words`` and no other value of it does."""
        found = [parse(word) for word in words]
        return (all(found.count(parse(arg)) == 1 for arg in self.present)
                and not any(self.gives_way(word) for word in words))

    def strip(self, words):
        """``words`` without those that give way and without the asked ones."""
        return [word for word in words if not self.gives_way(word) and not self.wants(word)]

    def merge(self, words):
        """``words`` as they must be. An asked argument that stands already stays where it is last."""
        words = [word for word in words if not self.gives_way(word)]
        for arg in self.present:
            places = [index for index, word in enumerate(words) if parse(word) == parse(arg)]
            for index in reversed(places[:-1]):
                del words[index]
            if not places:
                words.append(arg)
        return words

    def edit(self, line):
        """A plain line (no shell quoting) as it must be; every byte that need not change stays."""
        found = [(start, end, line[start:end]) for start, end in spans(line)]
        stop = next((i for i, item in enumerate(found) if is_separator(item[2])), len(found))
        kernel = found[:stop]
        keep = {}
        for index, item in enumerate(kernel):
            if self.wants(item[2]):
                keep[parse(item[2])] = index
        missing = [arg for arg in self.present if parse(arg) not in keep]
        at = found[stop][0] if stop < len(found) else (found[-1][1] if found else len(line.rstrip()))
        if missing:
            text = ' '.join(missing)
            text = text + ' ' if stop < len(found) else (' ' if line[:at].strip() else '') + text
            line = line[:at] + text + line[at:]
        for index, (start, end, word) in reversed(list(enumerate(kernel))):
            if self.gives_way(word) or (self.wants(word) and keep[parse(word)] != index):
                line = cut(line, start, end)
        return line


def mask(words):
    """``words`` with the value hidden where the name looks like a secret's."""
    return [word.partition('=')[0] + '=' + MASK if '=' in word and _SECRET.search(word.partition('=')[0]) else word
            for word in words]


def mask_text(text):
    """A file's text with such values, and GRUB's password hashes, hidden."""
    return _SECRET_TEXT.sub(lambda m: (m.group(1) or m.group(3)) + MASK, text)


def _unique(words):
    seen, kept = [], []
    for word in words:
        if parse(word) not in seen:
            seen.append(parse(word))
            kept.append(word)
    return kept
