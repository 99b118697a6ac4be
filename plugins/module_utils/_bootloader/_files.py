# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot Loader Specification entries and /etc/kernel/cmdline: the formats that several boot loaders share."""
import fnmatch
import re

from .._words import cut, parse, spans, split

KERNEL_CMDLINE = '/etc/kernel/cmdline'
_OPTIONS = re.compile(r'^([ \t]*options[ \t]+)(.*?)([ \t]*\r?)$', re.M)
_EMPTY_OPTIONS = re.compile(r'^[ \t]*options[ \t]*\r?$', re.M)


class Entry:
    """One ``*.conf`` below loader/entries. ``fields``: the last value of each key; ``options``: all of them joined."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.id = path.rsplit('/', 1)[-1][:-len('.conf')]
        self.fields = {}
        options = []
        for line in text.split('\n'):
            key, _blank, value = line.strip().replace('\t', ' ').partition(' ')
            if key and not key.startswith('#'):
                self.fields[key] = value.strip()
                if key == 'options':
                    options.append(value.strip())
        self.options = ' '.join(options)
        self.has_options = bool(options)
        self.recovery = '-rescue' in self.id or self.id.startswith('rescue') or 'rescue' in self.options.split()


def entries(root, directory):
    """The loader entries of a directory that boot a Linux kernel, by file name."""
    found = []
    for name in root.listdir(directory):
        if name.endswith('.conf'):
            path = '%s/%s' % (directory, name)
            text = root.read(path)
            if text is not None:
                entry = Entry(path, text)
                if 'linux' in entry.fields:
                    found.append(entry)
    return found


def edit_options(text, edit):
    """An entry's text with ``edit(line)`` done to its options; further options lines lose only what gives way.

    ``edit(line, first)`` is called for each ``options`` line.
    """
    seen = []

    def replace(match):
        new = edit(match.group(2), not seen)
        seen.append(1)
        return match.group(1) + new + match.group(3)
    new = _OPTIONS.sub(replace, text)
    if seen:
        return new
    line = edit('', True)
    if not line:
        return text
    if _EMPTY_OPTIONS.search(text):
        return _EMPTY_OPTIONS.sub('options ' + line, text, 1)
    newline = '\r\n' if '\r\n' in text else '\n'
    return text + ('' if not text or text.endswith('\n') else newline) + 'options ' + line + newline


def remove(line, wish):
    """A plain line without the arguments that the wish is about, wanted or not."""
    for start, end in reversed(spans(line)):
        if wish.gives_way(line[start:end]) or wish.wants(line[start:end]):
            line = cut(line, start, end)
    return line


def edit_lines(text, wish):
    """A file whose lines make one command line (comments apart), with the wish met and nothing else changed."""
    lines = text.split('\n')
    plain = [index for index, line in enumerate(lines) if line.strip() and not line.lstrip().startswith('#')]
    if wish.met(split(' '.join(lines[index] for index in plain))[0]):
        return text
    last = plain[-1] if plain else 0
    for index in plain:
        lines[index] = wish.edit(lines[index]) if index == last else remove(lines[index], wish)
    return '\n'.join(lines)


def plan_kernel_cmdline(root, wish, change):
    """Edit /etc/kernel/cmdline where it exists and names the root. Returns ``(covered, why not)``.

    It is never created: kernel-install takes it as the whole line, and a kernel without root= does not boot.
    """
    data = root.read_bytes(KERNEL_CMDLINE)
    if data is None:
        return False, ('%s does not exist: the next kernel takes the arguments of the line that runs when it is '
                       'installed, so ours only after a reboot' % KERNEL_CMDLINE)
    text = data.decode('utf-8', 'surrogateescape')
    if not any(parse(word)[0] == 'root' for word in split(text.replace('\n', ' '))[0]):
        return False, '%s names no root=, so it was left alone' % KERNEL_CMDLINE
    change.edit(KERNEL_CMDLINE, edit_lines(text, wish).encode('utf-8', 'surrogateescape'))
    return True, None


def version_key(text):
    """A key that orders versions as rpm does: runs of digits as numbers, above letters, ``~`` below the end."""
    key = []
    for digits, letters, tilde in re.findall(r'(\d+)|([A-Za-z]+)|(~)', text):
        if tilde:
            key.append((-1, 0, ''))
        elif digits:
            key.append((2, int(digits), ''))
        else:
            key.append((1, 0, letters))
    return key + [(0, 0, '')]


def matches(entry, pattern):
    """Whether systemd-boot's ``default`` pattern or an id names the entry."""
    return fnmatch.fnmatchcase(entry.id + '.conf', pattern) or fnmatch.fnmatchcase(entry.id, pattern)
