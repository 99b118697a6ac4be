# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel arguments in the variables of /etc/default/grub. Pure.

10_linux makes a normal entry's line of ``$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT`` and a recovery entry's of
the first alone; 20_linux_xen takes the two ``GRUB_CMDLINE_LINUX_XEN_REPLACE*`` instead where they are not empty.
New arguments go to the DEFAULT variable: it comes last on the line, and recovery entries stay as they were.
"""
from .._words import is_separator, spans, split
from . import _shell

LINUX = 'GRUB_CMDLINE_LINUX'
DEFAULT = 'GRUB_CMDLINE_LINUX_DEFAULT'
XEN = 'GRUB_CMDLINE_LINUX_XEN_REPLACE'
XEN_DEFAULT = 'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT'


def lines(scripts, names=(LINUX, DEFAULT)):
    """The lines that the scripts, sourced in order, give: the normal one and, where it differs, the one for Xen.

    ``names`` are the two variables of the normal one. Each is ``(names, value)``, the value as ``_shell.evaluate``
    gives it.
    """
    variables = _shell.evaluate(scripts)
    pairs = [names]
    xen = (XEN if variables.get(XEN) else LINUX, XEN_DEFAULT if variables.get(XEN_DEFAULT) else DEFAULT)
    if names == (LINUX, DEFAULT) and xen != names:
        pairs.append(xen)
    return [(pair, variables.get(pair[0], []) + [(' ', None)] + variables.get(pair[1], [])) for pair in pairs]


def arguments(scripts):
    """The kernel's arguments of the normal line, or None where they cannot be known without running the scripts."""
    text = _shell.text_of(lines(scripts)[0][1])
    return None if _shell.UNKNOWN in text else split(text)[0]


def met(scripts, wish, names=(LINUX, DEFAULT)):
    """Whether every line that the scripts give has what was asked; False where that cannot be known."""
    texts = [_shell.text_of(value) for _names, value in lines(scripts, names)]
    return all(_shell.UNKNOWN not in text and wish.met(split(text)[0]) for text in texts)


def edit(text, wish, prefer=DEFAULT, names=(LINUX, DEFAULT)):
    """A file's text with ``wish`` met and everything else as it was; None where that takes knowing what it runs.

    ``prefer`` is the variable for a new line where the file assigns neither.
    """
    for index in range(2):
        found = lines([_shell.parse(text)], names)
        if index < len(found) and text is not None:
            text = _edit_line(text, wish, found[index], prefer, names)
        if text is None:
            return None
    # The Xen line may share a variable with the normal one.
    return text if met([_shell.parse(text)], wish, names) else None


def _edit_line(text, wish, line, prefer, normal):
    names, value = line
    plain = _shell.text_of(value)
    if _shell.UNKNOWN in plain:
        return None
    words = [(plain[start:end], start, end) for start, end in spans(plain)]
    stop = next((i for i, word in enumerate(words) if is_separator(word[0])), len(words))
    kernel = words[:stop]
    if wish.met([word[0] for word in kernel]):
        return text
    single = [arg for arg in wish.present if sum(word[0] == arg for word in kernel) == 1]
    gone = [word for word in kernel if wish.gives_way(word[0]) or (wish.wants(word[0]) and word[0] not in single)]
    cuts = _cuts(value, gone)
    if cuts is None:
        return None
    missing = ' '.join(arg for arg in wish.present if arg not in single)
    before = _others(text, wish, normal)
    for insertions in _places(text, names, value, words[stop:], cuts, missing, prefer):
        new = _splice(text, cuts, insertions)
        after = _others(new, wish, normal)
        changed = lines([_shell.parse(new)], normal)
        if after == before and any(pair == names and wish.met(split(_shell.text_of(chars))[0])
                                   for pair, chars in changed):
            return new
    return None


def _others(text, wish, normal):
    """What of each line is not ours, to prove that an edit left it alone."""
    found = []
    for names, value in lines([_shell.parse(text)], normal):
        kernel, init = split(_shell.text_of(value))
        found.append((names, wish.strip(kernel), init))
    return found


def _cuts(value, gone):
    """The byte ranges of the words to remove, each with one blank beside it; None where the file does not hold one."""
    cuts = set()
    for _word, start, end in gone:
        chars = value[start:end]
        if any(origin is None for _char, origin in chars):
            return None
        for beside, own in ((start - 1, chars[0]), (end, chars[-1])):
            if 0 <= beside < len(value) and value[beside][1] and value[beside][1][1] is own[1][1]:
                # A CR that ends a CRLF line is not a blank between words.
                if value[beside][0] != '\r':
                    chars = chars + [value[beside]]
                    break
        cuts.update(origin[2][2:4] for _char, origin in chars)
    return cuts


def _places(text, names, value, init, cuts, missing, prefer):
    """Where ``missing`` could go, best first: lists of ``(offset, text)``."""
    if not missing:
        yield []
        return
    script = _shell.parse(text)
    if init:
        origin = value[init[0][1]][1]
        if origin:
            atom = origin[2]
            yield [(atom[2], _shell.quoted(missing + ' ', atom[4]))]
        return
    for name in reversed(names):
        assigns = [assign for assign in script.assigns if assign.name == name and assign.sure]
        if assigns:
            yield _at_end(text, assigns[-1], cuts, missing)
    newline = '\r\n' if '\r\n' in text else '\n'
    name = names[1] if names[1] != DEFAULT or any(assign.name in names for assign in script.assigns) else prefer
    kept = '$%s ' % name if any(assign.name == name for assign in script.assigns) else ''
    begin = '' if not text or text.endswith('\n') else newline
    # The blank keeps the CR of a CRLF line away from the last argument.
    yield [(len(text), '%s%s="%s%s%s"%s' % (begin, name, kept, missing, ' ' if newline == '\r\n' else '', newline))]


def _at_end(text, assign, cuts, missing):
    kept = [atom for atom in assign.atoms if tuple(atom[2:4]) not in cuts]
    end = assign.end
    if text[assign.value:end].endswith('\r'):
        return _at_start(text, assign, missing)
    last = assign.atoms[-1] if assign.atoms else None
    blank = kept and kept[-1][0] == 'c' and kept[-1][1] in ' \t\n'
    gap = ' ' if (kept or assign.append) and not blank else ''
    raw = text[assign.value:end]
    if raw[-1:] in ('"', "'") and (last is None or last[3] < end):
        return [(end - 1, gap + _shell.quoted(missing, raw[-1]))]
    if raw and all(atom[0] == 'c' and atom[3] - atom[2] == 1 for atom in assign.atoms) and "'" not in raw:
        if '"' not in raw:
            return [(assign.value, '"'), (end, gap + _shell.quoted(missing, '"') + '"')]
    return [(end, _shell.quoted(gap + missing, ''))]


def _at_start(text, assign, missing):
    """For a CRLF file: its CR belongs to the last word, so ours go first and the CR stays where it was."""
    quote = text[assign.value]
    if quote in ('"', "'"):
        return [(assign.value + 1, _shell.quoted(missing + ' ', quote))]
    return [(assign.value, _shell.quoted(missing + ' ', ''))]


def _splice(text, cuts, insertions):
    pieces, at = [], 0
    edits = [(start, end, '') for start, end in cuts] + [(offset, offset, new) for offset, new in insertions]
    for start, end, new in sorted(edits):
        pieces.append(text[at:start] + new)
        at = max(at, end)
    return ''.join(pieces) + text[at:]
