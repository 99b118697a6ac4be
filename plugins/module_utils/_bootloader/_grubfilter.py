# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell that makes GRUB's variables right whatever was set before it: our drop-in, or the end of /etc/default/grub.

A drop-in that only appends would leave an older value in another file on the line, and editing that file (a cloud
image's, a package's) is undone by its owner. So ours filters the variables, in plain POSIX sh that is safe under
``set -e``: older values go, each argument is added once, every other word stays as it is. Pure.
"""
import re

from .._cmdline import CUMULATIVE, Wish
from .._words import parse, split

BEGIN = '# BEGIN cloudclock.linux.kernel_cmdline'
END = '# END cloudclock.linux.kernel_cmdline'
_KEPT = re.compile(r'^# (present|absent):(.*)$', re.M)
_BLOCK = re.compile(r'^%s\n.*?^%s(?:\n|\Z)' % (re.escape(BEGIN), re.escape(END)), re.M | re.S)

_TEXT = r'''# Managed by Ansible (cloudclock.linux.kernel_cmdline). Remove it and run %(tool)s to undo it.
# Sourced last: whatever was set before, these arguments stand once on the kernel's command line
# and other values of theirs do not.
# present:%(present)s
# absent:%(absent)s
cloudclock_edit() {
    # Words end as in the kernel: blanks inside double quotes do not count, what follows -- is init's.
    cloudclock_out= cloudclock_rest=$1
    while [ -n "$cloudclock_rest" ] && [ -z "$cloudclock_init" ]; do
        cloudclock_gap=${cloudclock_rest%%%%[![:space:]]*}
        cloudclock_rest=${cloudclock_rest#"$cloudclock_gap"}
        if [ -z "$cloudclock_rest" ]; then break; fi
        cloudclock_word= cloudclock_bare=
        while :; do
            cloudclock_part=${cloudclock_rest%%%%[[:space:]\"]*}
            cloudclock_rest=${cloudclock_rest#"$cloudclock_part"}
            cloudclock_word=$cloudclock_word$cloudclock_part
            cloudclock_bare=$cloudclock_bare$cloudclock_part
            case $cloudclock_rest in
                \"*) cloudclock_rest=${cloudclock_rest#\"} ;;
                *) break ;;
            esac
            cloudclock_part=${cloudclock_rest%%%%\"*}
            cloudclock_rest=${cloudclock_rest#"$cloudclock_part"}
            cloudclock_rest=${cloudclock_rest#\"}
            cloudclock_word=$cloudclock_word\"$cloudclock_part\"
            cloudclock_bare=$cloudclock_bare$cloudclock_part
        done
        case $cloudclock_bare in
            --)
                cloudclock_out=$cloudclock_out${cloudclock_add:+${cloudclock_out:+ }$cloudclock_add}
                cloudclock_out=$cloudclock_out${cloudclock_out:+ }--
                cloudclock_add= cloudclock_init=1 ;;
            %(patterns)s) ;;
            *) cloudclock_out=$cloudclock_out$cloudclock_gap$cloudclock_word ;;
        esac
    done
    cloudclock_out=$cloudclock_out$cloudclock_rest
    if [ -n "$2" ] && [ -n "$cloudclock_add" ]; then
        cloudclock_out=$cloudclock_out${cloudclock_out:+ }$cloudclock_add
    fi
}
cloudclock_linux=${GRUB_CMDLINE_LINUX-} cloudclock_default=${GRUB_CMDLINE_LINUX_DEFAULT-}
cloudclock_init= cloudclock_add=%(add)s
cloudclock_edit "$cloudclock_linux" ''
GRUB_CMDLINE_LINUX=$cloudclock_out
cloudclock_edit "$cloudclock_default" last
GRUB_CMDLINE_LINUX_DEFAULT=$cloudclock_out
if [ -n "${GRUB_CMDLINE_LINUX_XEN_REPLACE-}${GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT-}" ]; then
    # Under Xen these two count instead where they are not empty; a blank keeps them so.
    cloudclock_init= cloudclock_add=%(add)s
    cloudclock_edit "${GRUB_CMDLINE_LINUX_XEN_REPLACE:-$cloudclock_linux}" ''
    GRUB_CMDLINE_LINUX_XEN_REPLACE=${cloudclock_out:- }
    cloudclock_edit "${GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT:-$cloudclock_default}" last
    GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT=${cloudclock_out:- }
fi
unset -f cloudclock_edit
unset cloudclock_out cloudclock_rest cloudclock_gap cloudclock_word cloudclock_bare cloudclock_part
unset cloudclock_init cloudclock_add cloudclock_linux cloudclock_default
'''


def render(wish, tool):
    """The shell text for a wish (see ``Wish``). ``tool`` is the command that regenerates the menu."""
    return _TEXT % {
        'tool': tool,
        'present': ''.join(' ' + arg for arg in wish.present),
        'absent': ''.join(' ' + arg for arg in wish.absent),
        'patterns': '|'.join(_patterns(wish)),
        'add': _literal(' '.join(wish.present)),
    }


def read(text):
    """The wish that such a text holds, None when it is not one of ours."""
    found = dict((key, split(args)[0]) for key, args in _KEPT.findall(text or ''))
    return Wish.of(found['present'], found['absent']) if len(found) == 2 else None


def take_out(text):
    """``(text without our block, the block or None)``."""
    match = _BLOCK.search(text)
    return (text[:match.start()] + text[match.end():], match.group()) if match else (text, None)


def put_in(text, wish, tool):
    """``text`` (without a block) with our block at its end, or as it is when there is nothing to keep."""
    if not wish.present and not wish.absent:
        return text
    gap = '' if not text or text.endswith('\n') else '\n'
    return '%s%s%s\n%s%s\n' % (text, gap, BEGIN, render(wish, tool), END)


def _patterns(wish):
    """Shell patterns of the words (without their double quotes) that go, the wanted ones included."""
    for arg in wish.present:
        name, value = parse(arg)
        if name in CUMULATIVE:
            yield _pattern(name, value)
            for other in ('reliable', 'unstable'):
                if (name, value) != ('tsc', other) and name == 'tsc' and value in ('reliable', 'unstable'):
                    yield _pattern(name, other)
        else:
            yield _pattern(name, None)
            yield _pattern(name, '') + '*'
    for arg in wish.absent:
        name, value = parse(arg)
        yield _pattern(name, value)
        if value is None:
            yield _pattern(name, '') + '*'


def _pattern(name, value):
    text = '[-_]'.join(_literal(part) if part else '' for part in name.split('_'))
    return text if value is None else text + '=' + (_literal(value) if value else '')


def _literal(text):
    return text if re.match(r'[A-Za-z0-9._,:/@%+=-]+\Z', text) else "'%s'" % text
