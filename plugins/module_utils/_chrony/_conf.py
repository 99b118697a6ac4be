# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""chrony's configuration language, read and edited line by line, everything else to the byte. Pure.

The rules are chrony's own (cmdparse.c, CPS_NormalizeLine; conf.c, CNF_ParseLine): white space is C's, a line whose
first character is one of ``!;#%`` is a comment and no comment stands behind a directive, names are case-insensitive,
a carriage return is white space.
"""
import re

BEGIN = '# BEGIN cloudclock.linux chrony_ptp'
END = '# END cloudclock.linux chrony_ptp'
MARK = '#cloudclock.linux# '
SOURCES = ('server', 'pool', 'peer')
# conf.c keeps all of these; of any other directive the last one counts.
_ADDING = SOURCES + ('allow', 'deny', 'cmdallow', 'cmddeny', 'broadcast', 'confdir', 'fallbackdrift', 'hwtimestamp',
                     'include', 'log', 'mailonchange', 'ntstrustedcerts', 'refclock', 'sourcedir')
_BLANK = re.compile('[ \t\n\v\f\r]+')
_LINE = re.compile('[^\n]*\n|[^\n]+')
_BLOCK = re.compile(r'^%s(\r?\n)(?:[^\n]*\n)*?%s(\r?\n|\Z)' % (re.escape(BEGIN), re.escape(END)), re.M)


def directive(line):
    """``(name in lower case, arguments)`` of a line; ``(None, [])`` of a comment or a blank one."""
    words = [word for word in _BLANK.split(line) if word]
    if not words or words[0][0] in '!;#%':
        return None, []
    return words[0].lower(), words[1:]


def lines(text):
    """The lines with their ends."""
    return _LINE.findall(text)


def normal(text):
    """The file as its owner wrote it: without our block, and with the lines back that we commented out."""
    found = _BLOCK.search(text)
    if found:
        before, after = text[:found.start()], text[found.end():]
        if not found.group(2) and not after:
            # The file had no newline at its end (with_block): the one before our block is ours.
            before = before[:-len(found.group(1))]
        text = before + after
    return ''.join(line[len(MARK):] if line.startswith(MARK) else line for line in lines(text))


def comment_out(text, wanted):
    """``(text with our mark before each line that is wanted(name, args), those lines without their ends)``."""
    kept, taken = [], []
    for line in lines(text):
        name, args = directive(line)
        if name and wanted(name, args):
            taken.append(line.rstrip('\r\n'))
            line = MARK + line
        kept.append(line)
    return ''.join(kept), taken


def with_block(text, body):
    """The text with our block at its end. A last line without newline is one again once ``normal`` takes it away."""
    end = '\r\n' if '\r\n' in text else '\n'
    whole = not text or text.endswith('\n')
    block = end.join([BEGIN] + list(body) + [END])
    return text + ('' if whole else end) + block + (end if whole else '')


def device(args):
    """The device of a refclock line's arguments (``PHC /dev/ptp0:nocrossts poll 2``), None where it is not a PHC."""
    return args[1].split(':')[0] if len(args) > 1 and args[0].upper() == 'PHC' else None


def wants_out(profile):
    """The test ``comment_out`` takes: what must not stand beside the profile's clock. refclock lines never go."""
    kept = {host.lower() for host in profile['ntp']['keep']}
    replaced = {directive(line)[0] for line in profile['directives']} - set(_ADDING)

    def wanted(name, args):
        if name in SOURCES:
            # chronyd selects one that is preferred, the clock only where that is gone (sources.c, SRC_SelectSource).
            return not args or args[0].lower() not in kept or 'prefer' in [word.lower() for word in args[1:]]
        if name == 'initstepslew':
            return any(host.lower() not in kept for host in args[1:])
        if name == 'sourcedir':
            # What writes there is DHCP: nobody can say which servers that will be.
            return any(not path.startswith('/etc/') for path in args)
        return name in replaced or (profile['smeared'] and name in ('leapsectz', 'leapseclist'))
    return wanted
