# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._bootloader import _shell
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import sourced

A = 'GRUB_CMDLINE_LINUX'


def value(text, name=A):
    return _shell.text_of(_shell.evaluate([_shell.parse(text)]).get(name, []))


@pytest.mark.parametrize('text', [
    A + '="a b"', A + "='a \"b\" $c'", A + '=a\\ b', A + '="a"\'b\'c', A + '="a \\"b\\" \\$c \\\\ \\x"', A + '=',
    A + '=""', A + '="a\\\n b"', A + '=a\\\nb', 'export ' + A + '="a b"', '# ' + A + '=x\n' + A + '=y # z',
    A + '=x#y', A + '="x"\n' + A + '="$' + A + ' y"', A + '=x; ' + A + '="${' + A + '}z"', '  ' + A + '=q  ',
    A + '=1 true\n', A + '=1 GRUB_OTHER=2', 'GRUB_X="a b"\n' + A + '="$GRUB_X"\'$GRUB_X\'', A + '=$GRUB_UNSET',
    A + '="a"\r\nGRUB_X=1\r', A + '=a\nunset ' + A, A + '="a$"', A + '="$ b"', 'GRUB_X=1\n' + A + '="$GRUB_X$GRUB_X"',
    A + '="\té\'"', ': > /dev/null\n' + A + '=x',
])
def test_means_what_the_shell_says(shell, text):
    status, variables = sourced(shell, text)
    assert status == 0
    assert value(text) == variables[0]


@pytest.mark.parametrize('text', [
    A + '=`echo x`', A + '="a $(echo "x)") b"', A + '="${GRUB_X:-d}"', 'if true; then ' + A + '=x; fi', 'true && ' + A + '=x',
    'f() { ' + A + '=x; }\nf', 'f() { ' + A + '="$1"; }\n' + A + '=y\nf x',
    '. /dev/null\n' + A + '=x', 'eval "' + A + '=x"', 'case a in a) ' + A + '=x;; esac', A + '=$HOME',
    A + '=$((1+1))', 'for i in a; do ' + A + '=$i; done', ': "${' + A + ':=x}"', 'cat <<X >/dev/null\nit\'s\nX\n' + A + '=x',
    A + '=$GRUB_DEVICE', 'false ||\n' + A + '=x', '{ ' + A + '=x; }',
])
def test_what_cannot_be_known_is_unknown(text):
    assert _shell.UNKNOWN in value(text)


@pytest.mark.parametrize('text', [A + '="x', A + "='x", A + '=`x', A + '="$(x"', A + '="${x"'])
def test_what_is_not_shell(text):
    with pytest.raises(_shell.ShellError, match='line 1: .* never closed'):
        _shell.parse(text)


def test_append_is_bash():
    text = A + '="a"\n' + A + '+=" b"\n'
    assert value(text) == 'a b'
    assert [assign.append for assign in _shell.parse(text).assigns] == [False, True]
    assert sourced(['bash', '--posix'], text)[1][0] == 'a b'


def test_spans_cover_what_each_character_is_written_as():
    text = A + "='a'\\ \"b\\\"\"c"
    atoms = _shell.parse(text).assigns[0].atoms
    assert [(text[start:end], char) for _kind, char, start, end, _quote in atoms] == [
        ('a', 'a'), ('\\ ', ' '), ('b', 'b'), ('\\"', '"'), ('c', 'c')]


PIECES = st.lists(st.sampled_from([
    'a', ' ', '"a b"', "'c d'", '\\ ', '"\\""', '\\\n', '$GRUB_X', '"$GRUB_X"', '${GRUB_X}', "'$'", '=', '#', '"#"', '\n', '"é"',
    '\\\\', '"\\\\"', '"\\a"', A + '=', '; ', ' # x\n', '""',
]), max_size=10).map(''.join)


@settings(deadline=None, max_examples=200)
@given(PIECES)
def test_a_value_is_what_dash_says_or_unknown(pieces):
    text = 'GRUB_X="1 2"\n%s=x%s\n' % (A, pieces)
    status, variables = sourced(['dash'], text)
    if status == 0:
        mine = value(text)
        assert _shell.UNKNOWN in mine or mine == variables[0]


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet='ab "\'\\$`#;', max_size=8), st.sampled_from(['"', "'", '']))
def test_quoted_means_itself(text, quote):
    status, variables = sourced(['dash'], '%s=%s%s%s' % (A, quote, _shell.quoted(text, quote), quote))
    assert (status, variables[0]) == (0, text)
