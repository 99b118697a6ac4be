# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell files of assignments, as grub-mkconfig sources them: what a variable means, and where each character stands.

``parse`` knows the grammar of POSIX sh as far as such files use it. What it cannot know without running the
file (command substitutions, conditions, other files) becomes ``UNKNOWN``, never a guess. Pure.

Atom: ``(kind, text, start, end, quote)``: kind ``c`` is the character ``text`` that the bytes [start:end) of the file
stand for, ``v`` a reference to the variable ``text``, ``?`` something unknown; quote is ``''``, ``'`` or ``"``.
"""
import re

UNKNOWN = '\ufffc'
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')
_META = ' \t\n;&|()<>'
_OPEN = frozenset(['if', 'while', 'until', 'for', 'case', '{'])
_CLOSE = frozenset(['fi', 'done', 'esac', '}'])
_KEEPS_POSITION = frozenset(['then', 'else', 'elif', 'do', '!', 'if', 'while', 'until', '{'])
_DECLARES = frozenset(['export', 'readonly', 'declare', 'typeset'])
_READS_OTHERS = frozenset(['.', 'source', 'eval'])


class ShellError(ValueError):
    """The text is not valid shell."""


class Assign:
    """One assignment. ``start``: of the name; ``value``: where the value's bytes begin; ``end``: where they end."""

    def __init__(self, name, append, start, value, end, atoms):
        self.name = name
        self.append = append
        self.start = start
        self.value = value
        self.end = end
        self.atoms = atoms
        self.sure = True


class Script:
    """A parsed file: ``assigns`` in order; ``opaque``: it sources, evaluates or calls what is not in that order."""

    def __init__(self, text):
        self.text = text
        self.assigns = []
        self.opaque = False

    def line(self, offset):
        return self.text.count('\n', 0, offset) + 1


def parse(text):
    """The Script of a shell file. ShellError where quotes do not close."""
    return _Parser(text).run()


class _Parser:
    def __init__(self, text):
        self.text = text
        self.script = Script(text)
        self.depth = []
        self.chained = False
        self._begin()

    def _begin(self):
        self.pending = []
        self.command = None

    def _end(self):
        # "A=1 command" gives A to that command only.
        if self.command is None or self.command in _DECLARES:
            for assign in self.pending:
                assign.sure = assign.sure and not self.depth and not self.chained
            self.script.assigns.extend(self.pending)
        self._begin()

    def run(self):
        text, at = self.text, 0
        while at < len(text):
            char = text[at]
            if char in ' \t':
                at += 1
            elif text.startswith('\\\n', at):
                at += 2
            elif char == '#':
                stop = text.find('\n', at)
                at = len(text) if stop < 0 else stop
            elif char in _META:
                at = self._operator(at)
            else:
                at = self._word(at)
        self._end()
        return self.script

    def _operator(self, at):
        char = self.text[at]
        double = self.text[at:at + 2]
        if char in '<>':
            if double == '<<':
                # What follows a here-document's mark is not shell.
                self.script.opaque = True
                return len(self.text)
            return at + 1
        pipe = char in '&|' and double not in ('&&', '||')
        if pipe:
            for assign in self.pending:
                assign.sure = False
        named = self.command is not None
        goes_on = char == '\n' and self.chained and self.command is None and not self.pending
        self._end()
        self.chained = goes_on or char in '&|'
        if char == '(':
            if named:
                # Where a function is called, and with what, is known only to who runs it.
                self.script.opaque = True
            self.depth.append('(')
        elif char == ')' and self.depth[-1:] == ['(']:
            self.depth.pop()
        return at + (2 if double in ('&&', '||', ';;') else 1)

    def _word(self, at):
        match = _NAME.match(self.text, at)
        if match and (self.command is None or self.command in _DECLARES):
            after = match.end()
            append = self.text.startswith('+=', after)
            if append or self.text.startswith('=', after):
                value = after + (2 if append else 1)
                atoms, end = self._atoms(value, self.command)
                self.pending.append(Assign(match.group(), append, at, value, end, atoms))
                return end
        atoms, end = self._atoms(at)
        if self.command is None:
            self._command(self.text[at:end], atoms)
        elif self.command == 'unset':
            self._unset(self.text[at:end], at, end)
        return end

    def _unset(self, name, at, end):
        assign = Assign(name, False, at, at, end, [])
        assign.sure = not self.depth and not self.chained
        self.script.assigns.append(assign)

    def _command(self, word, atoms):
        if word in _OPEN:
            self.depth.append(word)
        elif word in _CLOSE and self.depth:
            self.depth.pop()
        if word in _KEEPS_POSITION and not self.pending:
            return
        self.command = word
        if word in _READS_OTHERS or any(part in word for part in ('$', '`', '\\\n')):
            self.script.opaque = True

    def _atoms(self, at, declared=None):
        """The atoms of the word at ``at`` and its end."""
        text, atoms = self.text, []
        while at < len(text) and text[at] not in _META:
            char = text[at]
            if char == "'":
                stop = self._find("'", at + 1, at)
                atoms.extend(('c', text[i], i, i + 1, "'") for i in range(at + 1, stop))
                at = stop + 1
            elif char == '"':
                at = self._double(at + 1, atoms)
            elif char == '\\':
                if text.startswith('\\\n', at):
                    at += 2
                    continue
                atoms.append(('c', text[at + 1:at + 2] or '\\', at, min(at + 2, len(text)), ''))
                at += 2
            elif char in '$`':
                at = self._dollar(at, atoms, '', unsure=declared is not None)
            else:
                atoms.append(('c', char, at, at + 1, ''))
                at += 1
        return atoms, at

    def _double(self, at, atoms):
        text, begin = self.text, at
        while at < len(text):
            char = text[at]
            if char == '"':
                return at + 1
            if char == '\\' and text[at + 1:at + 2] and text[at + 1] in '$`"\\\n':
                if text[at + 1] != '\n':
                    atoms.append(('c', text[at + 1], at, at + 2, '"'))
                at += 2
            elif char in '$`':
                at = self._dollar(at, atoms, '"')
            else:
                atoms.append(('c', char, at, at + 1, '"'))
                at += 1
        raise ShellError('line %d: a double quote is never closed' % self.script.line(begin))

    def _dollar(self, at, atoms, quote, unsure=False):
        """A reference at ``at``: its atom is appended. Returns its end."""
        text = self.text
        if text[at] == '`':
            end = at + 1
            while end < len(text) and text[end] != '`':
                end += 2 if text[end] == '\\' else 1
            if end >= len(text):
                raise ShellError('line %d: a backquote is never closed' % self.script.line(at))
            atoms.append(('?', '', at, end + 1, quote))
            return end + 1
        match = re.compile(r'\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))').match(text, at)
        if match:
            # A name may go on behind a continued line.
            goes_on = match.group(2) and text.startswith('\\\n', match.end())
            kind = '?' if goes_on or (unsure and not quote) else 'v'
            atoms.append((kind, match.group(1) or match.group(2), at, match.end(), quote))
            return match.end()
        following = text[at + 1:at + 2]
        if following in ('{', '('):
            end = self._nested(at + 1)
            default = re.compile(r'\$\{([A-Za-z_]\w*):?=').match(text, at)
            if default:
                assign = Assign(default.group(1), False, at, at, at, [('?', '', at, end, '')])
                assign.sure = False
                self.script.assigns.append(assign)
        elif (following in tuple('?$!#*@-0123456789') or (following in ('"', "'") and not quote)
              or text.startswith('\\\n', at + 1)):
            end = at + (2 if following in '?$!#*@-0123456789' else 1)
        else:
            atoms.append(('c', '$', at, at + 1, quote))
            return at + 1
        atoms.append(('?', '', at, end, quote))
        return end

    def _nested(self, at):
        """The end of the brackets that open at ``at``."""
        text, pairs, stack, begin = self.text, {'{': '}', '(': ')'}, [], at
        while at < len(text):
            char = text[at]
            if char == '\\':
                at += 1
            elif char == "'" and '"' not in stack:
                at = self._find("'", at + 1, at)
            elif char == '"':
                if stack[-1:] == ['"']:
                    stack.pop()
                else:
                    stack.append('"')
            elif char in pairs and (not stack or stack[-1] != '"' or text[at - 1] == '$'):
                stack.append(pairs[char])
            elif stack and char == stack[-1]:
                stack.pop()
                if not stack:
                    return at + 1
            at += 1
        raise ShellError('line %d: a bracket is never closed' % self.script.line(begin))

    def _find(self, char, at, begin):
        stop = self.text.find(char, at)
        if stop < 0:
            raise ShellError('line %d: a quote is never closed' % self.script.line(begin))
        return stop


def evaluate(scripts):
    """The variables after the scripts were sourced in order: name → ``[(char, origin)]``.

    ``origin`` is ``(script's index, assignment, atom)``, or None for what no script holds (``UNKNOWN``).
    """
    variables, opaque = {}, False
    for number, script in enumerate(scripts):
        opaque = opaque or script.opaque
        for assign in script.assigns:
            value = list(variables.get(assign.name, ())) if assign.append else []
            for atom in assign.atoms:
                if atom[0] == 'c':
                    value.append((atom[1], (number, assign, atom)))
                elif atom[0] == 'v' and (atom[1] in variables or _empty_at_first(atom[1])):
                    value.extend(variables.get(atom[1], ()))
                else:
                    value.append((UNKNOWN, None))
            variables[assign.name] = value if assign.sure else [(UNKNOWN, None)]
    if opaque:
        for name in set(variables) | set(['GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT']):
            variables[name] = [(UNKNOWN, None)]
    return variables


def _empty_at_first(name):
    """Whether grub-mkconfig starts with the variable empty: it sets GRUB_DEVICE* and GRUB_FS by itself."""
    return name.startswith('GRUB_') and not name.startswith(('GRUB_DEVICE', 'GRUB_FS'))


def text_of(value):
    return ''.join(char for char, _origin in value)


def quoted(text, quote):
    """``text`` written so that it means itself inside the given quotes; outside of any it gets double ones."""
    if quote == "'":
        return text.replace("'", "'\\''")
    escaped = re.sub(r'([\\"$`])', r'\\\1', text)
    return escaped if quote else '"%s"' % escaped
