# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated grub.cfg and GRUB's environment block: what they offer and what boots next. Pure.

Entry: ``{'id', 'title', 'args': [..] or None (not Linux), 'recovery', 'foreign', 'custom', 'next', 'children'}``.
``recovery`` entries are GRUB's and the distributions' rescue entries; ``foreign`` ones are os-prober's finds;
``custom`` ones are not made from /etc/default/grub.
"""
import re

from .._cmdline import split

# The size that grub-editenv writes (include/grub/lib/envblk.h, DEFAULT_ENVBLK_SIZE).
ENV_SIZE = 1024
_ENV_HEAD = '# GRUB Environment Block\n'
_TOKEN = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\{\w+\}|\$|[^\s'"\\;{}$])+|[{};]""", re.S)
_PIECE = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|\$(?:\{(\w+)\}|(\w+))|([^'"\\$]+|\$)""", re.S)
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+))')
_SET = re.compile(r'\s*(?:set\s+)?(\w+)=(.*?)\s*;?\s*$')
KERNEL = re.compile(r'(linux(?:16|efi)?|module2?|xen_module|multiboot2?|xen_hypervisor)\s')
_RESCUE = frozenset(['single', 'recovery', 'rescue', 'systemd.unit=rescue.target', 'systemd.unit=emergency.target'])
_SECTION = re.compile(r'### (BEGIN|END) (\S+) ###')


def environment(text):
    """The variables of a grubenv file: ``saved_entry``, ``next_entry``, ``kernelopts`` …; {} for None."""
    found = {}
    for line in (text or '').split('\n'):
        name, equals, value = line.partition('=')
        if equals and not line.startswith('#'):
            found[name] = value.replace('\\\\', '\\')
    return found


def set_environment(data, name, value):
    """A grubenv file's bytes with one variable changed, as long as before. ValueError where it does not fit."""
    size = max(len(data), ENV_SIZE)
    line = name.encode() + b'=' + value.replace('\\', '\\\\').encode('utf-8', 'surrogateescape')
    lines = [old for old in data.split(b'\n') if not (old.startswith(b'#') and not old.strip(b'#'))]
    while lines and not lines[-1]:
        lines.pop()
    places = [index for index, old in enumerate(lines) if old.startswith(name.encode() + b'=')]
    if places:
        lines[places[0]] = line
    else:
        lines.append(line)
    body = b'\n'.join(lines) + b'\n'
    if len(body) > size:
        raise ValueError('%s does not fit into the %d bytes of the GRUB environment block' % (name, size))
    return body + b'#' * (size - len(body))


def expand(text, variables):
    """``text`` with ``$name`` replaced; a name that ``variables`` does not hold stays as it is."""
    def value(match):
        return variables.get(match.group(1) or match.group(2), match.group())
    return _VARIABLE.sub(value, text)


class Menu:
    """``entries``: the tree; ``default``: what the file says boots next; ``blscfg``: loader entries are asked for."""

    def __init__(self, text, env, bls=None):
        self.variables = dict(env)
        self.entries = []
        self.blscfg = False
        self.static = False
        self._bls = bls
        self._default = None
        self._parse(text)

    def _parse(self, text):
        levels, section, functions = [self.entries], '', 0
        braces = []
        for raw in text.split('\n'):
            line = raw.strip()
            if line.startswith('#'):
                match = _SECTION.match(line)
                if match:
                    section = match.group(2) if match.group(1) == 'BEGIN' else ''
            elif line.startswith(('menuentry ', 'submenu ')):
                node = _node(line, self.variables, section)
                self.static = True
                levels[-1].append(node)
                levels.append(node['children'])
                braces.append(node)
            elif line.startswith('function ') and line.endswith('{'):
                braces.append(None)
            elif line == '}' and braces:
                if braces.pop() is not None:
                    levels.pop()
            elif line in ('blscfg', 'blscfg non-default') or line.startswith('blscfg '):
                if not self.blscfg:
                    self.blscfg = True
                    levels[-1].extend(self._bls(self.variables) if self._bls else [])
            elif braces and braces[-1] is not None:
                _kernel_line(line, braces[-1], self.variables)
            else:
                self._assignment(line)

    def _assignment(self, line):
        match = _SET.match(line)
        if not match or line.startswith('if '):
            return
        name, value = match.groups()
        if name == 'default':
            if 'next_entry' not in value:
                self._default = value
        elif name not in self.variables:
            self.variables[name] = _cook(value, self.variables)

    def next(self):
        """The entry that boots next and how it was chosen: ``(entry or None, 'next_entry' | 'default')``."""
        once = self.variables.get('next_entry')
        if once:
            return _find(self.entries, once), 'next_entry'
        return self.usual(), 'default'

    def usual(self):
        """The entry that boots when nothing was chosen for one boot."""
        wanted = _cook(self._default, self.variables) if self._default is not None else ''
        return _find(self.entries, wanted.strip('"') or '0')

    def linux(self):
        """Every entry that boots a kernel, in the menu's order."""
        return [node for node in _walk(self.entries) if node['args'] is not None]


def _node(line, variables, section):
    words = [word for word in _TOKEN.findall(line) if word not in '{};']
    title = _cook(words[1], variables) if len(words) > 1 else ''
    name = None
    for index, word in enumerate(words[:-1]):
        if word in ('--id', '$menuentry_id_option', '${menuentry_id_option}'):
            name = _cook(words[index + 1], variables)
    recovery = '(recovery mode)' in title or '-recovery-' in (name or '')
    return {'id': name or title, 'title': title, 'args': None, 'recovery': recovery, 'next': False,
            'foreign': section.endswith('os-prober'), 'custom': '_linux' not in section, 'children': []}


def _kernel_line(line, node, variables):
    match = KERNEL.match(line)
    if not match or (node['args'] is not None):
        return
    command = match.group(1)
    if command.startswith(('multiboot', 'xen_hyp')):
        node['xen'] = True
        return
    if 'module' in command and not node.get('xen'):
        return
    found = words(line[match.end():], variables)
    if not found or 'memtest' in found[0]:
        return
    node['args'] = found[1:]
    if node['args'][:1] == ['placeholder']:
        del node['args'][0]
    if _RESCUE & set(node['args']):
        node['recovery'] = True


def words(text, variables):
    """The words of a menu's command, unquoted as GRUB does it and quoted again as the kernel reads them."""
    found = []
    for token in _TOKEN.findall(text):
        if token == ';':
            break
        plain = _VARIABLE.fullmatch(token)
        if plain:
            found.extend(split(variables.get(plain.group(1) or plain.group(2), ''))[0])
            continue
        word = _cook(token, variables)
        name, equals, value = word.partition('=')
        if any(blank in word for blank in ' \t'):
            word = '%s="%s"' % (name, value) if equals else '"%s"' % word
        found.append(word)
    return found


def _cook(text, variables):
    """A GRUB word without its quotes and with its variables replaced; an unset one is empty."""
    pieces = []
    for single, double, escaped, braced, bare, plain in _PIECE.findall(text):
        if braced or bare:
            pieces.append(variables.get(braced or bare, ''))
        elif double:
            double = _VARIABLE.sub(lambda m: variables.get(m.group(1) or m.group(2), ''), double)
            pieces.append(re.sub(r'\\(["$\\])', r'\1', double))
        else:
            pieces.append(single or escaped or plain)
    return ''.join(pieces)


def _walk(nodes):
    for node in nodes:
        if not node['children']:
            yield node
        for child in _walk(node['children']):
            yield child


def _find(nodes, wanted):
    """The entry that ``default`` names: a number, a title or an id for each level, parted by ``>``.

    As GRUB does, an unknown name means the first entry (grub-core/normal/menu.c).
    """
    head, _more, rest = wanted.partition('>')
    if not nodes:
        return None
    chosen = nodes[0]
    if head.isdigit():
        chosen = nodes[int(head)] if int(head) < len(nodes) else chosen
    else:
        for node in nodes:
            if head in (node['id'], node['title']):
                chosen = node
                break
    return _find(chosen['children'], rest or '0') if chosen['children'] else chosen


def comparable(text, wish):
    """The menu's lines with our arguments left out, to see what else two menus differ in."""
    found = []
    for line in text.split('\n'):
        bare = line.strip()
        if KERNEL.match(bare):
            kernel, init = split(bare)
            line = ' '.join(wish.strip(kernel) + init)
        found.append(line)
    return found
