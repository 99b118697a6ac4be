# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a kernel command line. Small, because the facts need no more. Pure.

The rules are the kernel's own (lib/cmdline.c, next_arg, and kernel/params.c, parse_args):
blanks separate arguments unless double quotes enclose them, quotes have no escape, ``-`` and
``_`` in a name are the same, and what follows a lone ``--`` belongs to init.
"""
import re

BLANK = ' \t\n\v\f\r'
# Compiled at its first use: most lines hold no quotes.
WORD = r'(?:[^ \t\n\v\f\r"]|"[^"]*(?:"|$))+'


def split(line):
    """The arguments of a line as written, quotes included: ``(the kernel's, init's)``; ``--`` is in neither."""
    words = re.findall(WORD, line) if '"' in line else line.split()
    for index, word in enumerate(words):
        if is_separator(word):
            return words[:index], words[index + 1:]
    return words, []


def spans(line):
    """The ``(start, end)`` of each argument, ``--`` and init's included."""
    return [match.span() for match in re.finditer(WORD, line)]


def is_separator(word):
    return word in ('--', '"--"')


def parse(word):
    """``(name, value)`` as the kernel sees them: unquoted, ``-`` as ``_`` in the name, value None for a flag."""
    if word.startswith('"'):
        word = word[1:-1] if word.endswith('"') and len(word) > 1 else word[1:]
    name, equals, value = word.partition('=')
    if value.startswith('"'):
        value = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return name.replace('-', '_'), value if equals else None


def cut(line, start, end):
    """``line`` without ``[start:end)`` and without one of the blanks beside it."""
    if start and line[start - 1] in BLANK:
        start -= 1
    elif end < len(line) and line[end] in BLANK:
        end += 1
    return line[:start] + line[end:]
