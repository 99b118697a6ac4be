# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge is a real shell: what the edited file means, under ``set -e``, as grub-mkconfig sources it."""
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import _grubfilter, _grubvars, _shell
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish
from ansible_collections.cloudclock.linux.plugins.module_utils._words import split
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .conftest import sourced

LINUX, DEFAULT = 'GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT'
XEN, XEN_DEFAULT = 'GRUB_CMDLINE_LINUX_XEN_REPLACE', 'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT'
TSC = Wish(['clocksource=tsc', 'tsc=reliable'])
GONE = Wish([], ['clocksource', 'tsc=unstable'])


def line(variables):
    return split(variables[0] + ' ' + variables[1])


def xen_line(variables):
    return split((variables[2] or variables[0]) + ' ' + (variables[3] or variables[1]))


def judge(shell, before, after, wish):
    """Asserts that ``after`` has the wish met on every line and nothing else changed from ``before``."""
    status, old = sourced(shell, before)
    assert status == 0
    status, new = sourced(shell, after)
    assert status == 0
    for which in (line, xen_line):
        kernel, init = which(new)
        assert wish.met(kernel), kernel
        assert wish.strip(kernel) == wish.strip(which(old)[0])
        assert init == which(old)[1]


@pytest.mark.parametrize('before, after', [
    (DEFAULT + '="quiet"\n', DEFAULT + '="quiet clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + "='quiet'", DEFAULT + "='quiet clocksource=tsc tsc=reliable'"),
    (DEFAULT + '=quiet', DEFAULT + '="quiet clocksource=tsc tsc=reliable"'),
    (DEFAULT + '=', DEFAULT + '="clocksource=tsc tsc=reliable"'),
    (DEFAULT + '=""  # none\n', DEFAULT + '="clocksource=tsc tsc=reliable"  # none\n'),
    (DEFAULT + '="a clocksource=hpet b"\n', DEFAULT + '="a b clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="tsc=unstable"\n' + LINUX + '="clocksource=x"\n',
     DEFAULT + '="clocksource=tsc tsc=reliable"\n' + LINUX + '=""\n'),
    (LINUX + '="rhgb"\n', LINUX + '="rhgb clocksource=tsc tsc=reliable"\n'),
    ('GRUB_TIMEOUT=1', 'GRUB_TIMEOUT=1\n' + DEFAULT + '="clocksource=tsc tsc=reliable"\n'),
    ('', DEFAULT + '="clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="a"\n#' + DEFAULT + '="b"\n', DEFAULT + '="a clocksource=tsc tsc=reliable"\n#' + DEFAULT + '="b"\n'),
    (DEFAULT + '="clocksource=x"\n' + DEFAULT + '="a"\n',
     DEFAULT + '="clocksource=x"\n' + DEFAULT + '="a clocksource=tsc tsc=reliable"\n'),
    ('GRUB_MINE="clocksource=x y"\n' + DEFAULT + '="a $GRUB_MINE"\n',
     'GRUB_MINE="y"\n' + DEFAULT + '="a $GRUB_MINE clocksource=tsc tsc=reliable"\n'),
    (LINUX + '="a -- single"\n' + DEFAULT + '="b"\n',
     LINUX + '="a clocksource=tsc tsc=reliable -- single"\n' + DEFAULT + '="b"\n'),
    (DEFAULT + '="a"\\\n"b"\n', DEFAULT + '="a"\\\n"b clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="a\\\n clocksource=x"\n', DEFAULT + '="a\\\n clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="a \\"b c\\""\n', DEFAULT + '="a \\"b c\\" clocksource=tsc tsc=reliable"\n'),
    ('export ' + DEFAULT + '="a"\n', 'export ' + DEFAULT + '="a clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="a"\r\nGRUB_TIMEOUT=1\r\n', DEFAULT + '="clocksource=tsc tsc=reliable a"\r\nGRUB_TIMEOUT=1\r\n'),
    (DEFAULT + '=""\r\n', DEFAULT + '="clocksource=tsc tsc=reliable "\r\n'),
    (DEFAULT + '=a\r\n', DEFAULT + '="clocksource=tsc tsc=reliable "a\r\n'),
    ('GRUB_TIMEOUT=1\r\n', 'GRUB_TIMEOUT=1\r\n' + DEFAULT + '="clocksource=tsc tsc=reliable "\r\n'),
    (XEN_DEFAULT + '="x clocksource=xen"\n' + DEFAULT + '="a"\n',
     XEN_DEFAULT + '="x clocksource=tsc tsc=reliable"\n' + DEFAULT + '="a clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="clocksource=tsc a tsc=reliable"\n', DEFAULT + '="clocksource=tsc a tsc=reliable"\n'),
    (DEFAULT + '="clocksource=tsc a clocksource=tsc tsc=reliable"\n', DEFAULT + '="a tsc=reliable clocksource=tsc"\n'),
    (LINUX + '="$' + DEFAULT + ' x"\n' + DEFAULT + '="a"\n',
     LINUX + '="$' + DEFAULT + ' x"\n' + DEFAULT + '="a clocksource=tsc tsc=reliable"\n'),
    (DEFAULT + '="a"\n' + LINUX + '="$' + DEFAULT + ' x"\n',
     DEFAULT + '="a"\n' + LINUX + '="$' + DEFAULT + ' x clocksource=tsc tsc=reliable"\n'),
])
def test_edit_in_place(shell, before, after):
    assert _grubvars.edit(before, TSC) == after
    assert _grubvars.edit(after, TSC) == after
    judge(shell, before, after, TSC)


@pytest.mark.parametrize('text', [
    DEFAULT + '="a `echo clocksource=hpet`"\n',
    LINUX + '="${GRUB_X:-clocksource=hpet} b"\n',
    'if true; then ' + DEFAULT + '="clocksource=hpet c"; fi\n',
    DEFAULT + '="dyndbg=\\"file a*/b +p\\" $(echo tsc=unstable)"\n' + XEN_DEFAULT + '="x clocksource=y"',
])
def test_what_the_file_computes_is_filtered_at_its_end(shell, text):
    assert _grubvars.edit(text, TSC) is None
    edited = _grubfilter.put_in(text, TSC, 'grub-mkconfig')
    judge(shell, text, edited, TSC)
    assert _grubfilter.take_out(edited)[0].rstrip('\n') == text.rstrip('\n')
    kept = _grubfilter.read(_grubfilter.take_out(edited)[1])
    assert (kept.present, kept.absent) == (TSC.present, TSC.absent)


def test_bash_append(shell):
    text = DEFAULT + '="quiet"\n' + DEFAULT + '+=" clocksource=hpet b"\n'
    edited = _grubvars.edit(text, TSC)
    assert edited == DEFAULT + '="quiet"\n' + DEFAULT + '+=" b clocksource=tsc tsc=reliable"\n'
    if shell[0] == 'bash':
        judge(shell, text, edited, TSC)


def test_a_new_line_goes_to_the_preferred_variable():
    assert _grubvars.edit('A=1\n', TSC, prefer=LINUX) == 'A=1\n' + LINUX + '="clocksource=tsc tsc=reliable"\n'


WORD = st.sampled_from([
    'quiet', 'ro', 'clocksource=hpet', 'clocksource=tsc', 'tsc=unstable', 'tsc=noirqtime', 'tsc=reliable', '--', 'a=b*',
    'dyndbg=\\"file x +p\\"', '\\"clocksource=y\\"', 'a=\\$b', '$GRUB_MINE', '${GRUB_CMDLINE_LINUX}', 'x.clocksource=1',
    'b=\\\\c', 'clocksource'])
BLANK = st.sampled_from([' ', '  ', '\t', '\\\n ', ' \\\n'])


@st.composite
def assignment(draw, names):
    words = draw(st.lists(WORD, max_size=5))
    blanks = draw(st.lists(BLANK, min_size=6, max_size=6))
    inner = draw(st.sampled_from(['', ' '])) + ''.join(word + blank for word, blank in zip(words, blanks))
    inner = inner.rstrip(' \t') if inner.endswith((' ', '\t')) and draw(st.booleans()) else inner
    style = draw(st.sampled_from(['"', '"', "'", 'mixed']))
    if style == "'":
        inner = "'%s'" % inner.replace('\\"', '"').replace('\\\n', '')
    elif style == 'mixed':
        half = inner.find(' ') + 1
        inner = '"%s"\'%s\'' % (inner[:half], 'z')
    else:
        inner = '"%s"' % inner
    comment = draw(st.sampled_from(['', ' # clocksource=hpet', '  ']))
    return '%s%s=%s%s' % (draw(st.sampled_from(['', 'export ', '  '])), draw(st.sampled_from(names)), inner, comment)


@st.composite
def grub_file(draw):
    lines = draw(st.lists(st.one_of(
        assignment([LINUX, DEFAULT, XEN, XEN_DEFAULT, 'GRUB_MINE']),
        st.sampled_from(['GRUB_TIMEOUT=5', '# ' + DEFAULT + '="x"', '', 'GRUB_DISTRIBUTOR=`echo x`', DEFAULT + '=plain',
                         LINUX + '=', DEFAULT + '="`echo q`"', 'if false; then ' + LINUX + '=n; fi']),
    ), max_size=6))
    return '\n'.join(lines) + draw(st.sampled_from(['', '\n']))


def usable(text):
    """GRUB takes no menu of a file that sh stops at, or with a double quote that never closes."""
    status, variables = sourced(['dash'], text)
    return status == 0 and not any(value.count('"') % 2 for value in variables)


@settings(deadline=None, max_examples=250)
@given(grub_file(), st.sampled_from([TSC, GONE, Wish(['clocksource=tsc']), Wish([], ['quiet', 'tsc'])]))
def test_any_file_edited_in_place_or_filtered_means_what_was_asked(text, wish):
    assume(usable(text))
    edited = _grubvars.edit(text, wish)
    if edited is None:
        edited = _grubfilter.put_in(text, wish, 'update-grub')
    else:
        assert _grubvars.edit(edited, wish) == edited
    judge(['dash'], text, edited, wish)


@settings(deadline=None, max_examples=150)
@given(grub_file())
def test_the_filter_alone_means_what_was_asked(text):
    assume(usable(text))
    filtered = text + '\n' + _grubfilter.render(TSC, 'update-grub')
    judge(['dash'], text, filtered, TSC)
    assert sourced(['dash'], filtered, _grubfilter.render(TSC, 'update-grub'))[1] == sourced(['dash'], filtered)[1]


@settings(deadline=None, max_examples=150)
@given(grub_file())
def test_arguments_are_what_dash_says_or_unknown(text):
    status, variables = sourced(['dash'], text)
    args = _grubvars.arguments([_shell.parse(text)])
    if status == 0 and args is not None:
        assert args == line(variables)[0]
