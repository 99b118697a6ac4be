# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing GRUB's environment block, and expanding its variables. Pure."""
import re

# The size that grub-editenv writes (include/grub/lib/envblk.h, DEFAULT_ENVBLK_SIZE).
ENV_SIZE = 1024
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+))')


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
