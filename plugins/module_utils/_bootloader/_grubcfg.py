# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated grub.cfg and GRUB's environment block: what they offer and what boots next. Pure.

Entry: ``{'id', 'title', 'args': [..] or None (not Linux), 'recovery', 'foreign', 'custom', 'next', 'children'}``.
``recovery`` entries are GRUB's and the distributions' rescue entries; ``foreign`` ones are os-prober's finds;
``custom`` ones are not made from /etc/default/grub.
"""
import re

from .._words import is_separator, split

KERNEL = frozenset(['linux', 'linux16', 'linuxefi', 'module', 'module2', 'xen_module', 'multiboot', 'multiboot2',
                    'xen_hypervisor'])
_RESCUE = frozenset(['single', 'recovery', 'rescue', 'systemd.unit=rescue.target', 'systemd.unit=emergency.target'])
# Compiled at their first use: most lines of most menus hold neither double quotes nor variables.
_TOKEN = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\{\w+\}|\$|[^\s'"\\;{}$])+|[{};]"""
_PIECE = r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|\$(?:\{(\w+)\}|(\w+))|([^'"\\$]+|\$)"""
_VARIABLE = r'\$(?:\{(\w+)\}|(\w+))'
_SPECIAL = frozenset('\'"\\$;{}')
_DOLLAR = frozenset('$')


def environment(text):
    """The variables of a grubenv file: ``saved_entry``, ``next_entry``, ``kernelopts`` …; {} for None."""
    found = {}
    for line in (text or '').split('\n'):
        name, equals, value = line.partition('=')
        if equals and not line.startswith('#'):
            found[name] = value.replace('\\\\', '\\')
    return found


class Menu:
    """``entries``: the tree; ``default``: what the file says boots next; ``blscfg``: loader entries are asked for."""

    def __init__(self, text, env, bls=None):
        self.variables = dict(env)
        self.entries = []
        self.blscfg = False
        self._bls = bls
        self._default = None
        self._parse(text)

    def _parse(self, text):
        levels, section, braces = [self.entries], '', []
        for raw in text.split('\n'):
            line = raw.strip()
            if line.startswith('#'):
                if line.startswith('### BEGIN '):
                    section = line[10:-4]
                elif line.startswith('### END '):
                    section = ''
            elif line.startswith(('menuentry ', 'submenu ')):
                node = _node(line, self.variables, section)
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
        name, equals, value = (line[4:] if line.startswith('set ') else line).partition('=')
        if not equals or not name.isidentifier():
            return
        value = value.rstrip(' ;')
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
    words = _quoted_words(line) or [word for word in re.findall(_TOKEN, line, re.S) if word not in '{};']
    title = _cook(words[1], variables) if len(words) > 1 else ''
    name = None
    for index, word in enumerate(words[:-1]):
        if word in ('--id', '$menuentry_id_option', '${menuentry_id_option}'):
            name = _cook(words[index + 1], variables)
    recovery = '(recovery mode)' in title or '-recovery-' in (name or '')
    return {'id': name or title, 'title': title, 'args': None, 'recovery': recovery, 'next': False,
            'foreign': section.endswith('os-prober'), 'custom': '_linux' not in section, 'children': []}


def _quoted_words(line):
    """``menuentry 'Title' --class a $menuentry_id_option 'id' {`` without the tokenizer; None for anything unusual."""
    if '"' in line or '\\' in line:
        return None
    words = []
    for index, part in enumerate(line.split("'")):
        words.extend(["'%s'" % part] if index % 2 else part.rstrip('{ ').split())
    return words


def _kernel_line(line, node, variables):
    command = line.split(None, 1)[0] if line else ''
    if command not in KERNEL or node['args'] is not None:
        return
    if command.startswith(('multiboot', 'xen_hyp')):
        node['xen'] = True
        return
    if 'module' in command and not node.get('xen'):
        return
    found = words(line[len(command):], variables)
    if not found or 'memtest' in found[0]:
        return
    node['args'] = kernels(found[1:])
    if node['args'][:1] == ['placeholder']:
        del node['args'][0]
    if _RESCUE & set(found):
        node['recovery'] = True


def kernels(found):
    """The words up to ``--``: what follows goes to init."""
    return found[:next((index for index, word in enumerate(found) if is_separator(word)), len(found))]


def words(text, variables):
    """The words of a menu's command, unquoted as GRUB does it and quoted again as the kernel reads them."""
    special = _SPECIAL.intersection(text)
    if not special or special == _DOLLAR and not any('$' in word[1:] for word in text.split()):
        return [word for part in text.split()
                for word in (split(variables.get(part[1:], ''))[0] if part[0] == '$' else [part])]
    found = []
    for token in re.findall(_TOKEN, text, re.S):
        if token == ';':
            break
        plain = re.match(_VARIABLE + r'\Z', token)
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
    if not _SPECIAL.intersection(text):
        return text
    inner = text[1:-1]
    if text[0] in '\'"' and text[0] == text[-1] and not _SPECIAL.intersection(inner):
        return inner
    if text[0] == '"' and inner.startswith('${') and inner.endswith('}') and inner[2:-1].isidentifier():
        return variables.get(inner[2:-1], '')
    pieces = []
    for single, double, escaped, braced, bare, plain in re.findall(_PIECE, text, re.S):
        if braced or bare:
            pieces.append(variables.get(braced or bare, ''))
        elif double:
            double = re.sub(_VARIABLE, lambda m: variables.get(m.group(1) or m.group(2), ''), double)
            pieces.append(re.sub(r'\\(["$\\])', r'\1', double))
        else:
            pieces.append(single or escaped or plain)
    return ''.join(pieces)


def _walk(nodes):
    for node in nodes:
        if not node['children']:
            yield node
        yield from _walk(node['children'])


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
