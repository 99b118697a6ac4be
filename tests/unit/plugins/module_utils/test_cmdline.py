# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils import _cmdline, _words
from ansible_collections.cloudclock.linux.plugins.module_utils._cmdline import Wish
from hypothesis import given, settings
from hypothesis import strategies as st

TSC = Wish(['clocksource=tsc', 'tsc=reliable'])


@pytest.mark.parametrize('line, kernel, init', [
    ('', [], []),
    (' quiet  splash\t', ['quiet', 'splash'], []),
    ('acpi_osi="Windows 2015" quiet', ['acpi_osi="Windows 2015"', 'quiet'], []),
    ('"dyndbg=file a +p" x', ['"dyndbg=file a +p"', 'x'], []),
    ('a=b"c d"e f', ['a=b"c d"e', 'f'], []),
    ('x="never closed y', ['x="never closed y'], []),
    ('quiet -- single clocksource=x', ['quiet'], ['single', 'clocksource=x']),
    ('quiet\r', ['quiet'], []),
    ('--', [], []),
])
def test_split(line, kernel, init):
    assert _words.split(line) == (kernel, init)


@pytest.mark.parametrize('word, pair', [
    ('quiet', ('quiet', None)), ('a=', ('a', '')), ('a-b=c-d', ('a_b', 'c-d')), ('a="b c"', ('a', 'b c')),
    ('"a=b c"', ('a', 'b c')), ('a=b=c', ('a', 'b=c')),
])
def test_parse(word, pair):
    assert _words.parse(word) == pair


@pytest.mark.parametrize('arg', ['', ' ', '=x', '--', 'a b', 'a="b', 'a=$b', 'a=`b`', "a='b'", 'a;b', 'a\nb', 'a=\\x', 'a|b'])
def test_an_argument_that_cannot_be_written_is_refused(arg):
    with pytest.raises(ValueError, match='args: '):
        Wish([arg])


def test_a_value_with_blanks_is_quoted_as_the_kernel_reads_it():
    assert Wish(['acpi_osi=Windows 2015', 'dyndbg="file x +p"']).present == [
        'acpi_osi="Windows 2015"', 'dyndbg="file x +p"']


@pytest.mark.parametrize('args', [['clocksource=tsc', 'clocksource=hpet'], ['tsc=unstable', 'tsc=reliable']])
def test_a_list_that_contradicts_itself(args):
    with pytest.raises(ValueError, match='contradicts'):
        Wish(args)


def test_the_secret_in_a_bad_argument_is_not_repeated():
    with pytest.raises(ValueError) as raised:
        Wish(['my_password=a$b'])
    assert 'a$b' not in str(raised.value)


@pytest.mark.parametrize('word, gone', [
    ('clocksource=hpet', True), ('clocksource', True), ('"clocksource=hpet"', True), ('clocksource="x y"', True),
    ('clocksource=tsc', False), ('tsc=unstable', True), ('tsc=noirqtime', False), ('tsc=nowatchdog', False),
    ('tsc=recalibrate', False), ('tsc=watchdog', False), ('xen.clocksource=foo', False), ('notsc', False),
    ('clocksource_x=1', False), ('console=ttyS0', False),
])
def test_what_gives_way(word, gone):
    assert TSC.gives_way(word) is gone


def test_cumulative_names_stand_beside_each_other():
    wish = Wish(['console=ttyS1', 'intel-iommu=on'])
    assert wish.merge(['console=ttyS0', 'intel_iommu=sm_on']) == [
        'console=ttyS0', 'intel_iommu=sm_on', 'console=ttyS1', 'intel-iommu=on']


def test_absent_by_name_and_by_value():
    wish = Wish([], ['clocksource', 'tsc=reliable', 'quiet'])
    assert wish.merge(['clocksource=x', 'quiet', 'tsc=reliable', 'tsc=noirqtime', 'quiet=1']) == ['tsc=noirqtime']
    assert wish.met(['tsc=noirqtime']) and not wish.met(['quiet'])


@pytest.mark.parametrize('line, edited', [
    ('', 'clocksource=tsc tsc=reliable'),
    ('quiet\n', 'quiet clocksource=tsc tsc=reliable\n'),
    ('a  b clocksource=hpet  c \n', 'a  b  c clocksource=tsc tsc=reliable \n'),
    ('clocksource=hpet', 'clocksource=tsc tsc=reliable'),
    ('tsc=reliable clocksource=tsc x', 'tsc=reliable clocksource=tsc x'),
    ('clocksource=tsc a clocksource=tsc', 'a clocksource=tsc tsc=reliable'),
    ('x -- clocksource=hpet', 'x clocksource=tsc tsc=reliable -- clocksource=hpet'),
    ('-- single', 'clocksource=tsc tsc=reliable -- single'),
    ('options="a clocksource=hpet b" tsc=unstable', 'options="a clocksource=hpet b" clocksource=tsc tsc=reliable'),
])
def test_edit(line, edited):
    assert TSC.edit(line) == edited
    assert TSC.edit(edited) == edited


WORDS = st.sampled_from(['quiet', 'ro', 'clocksource=hpet', 'clocksource=tsc', 'tsc=unstable', 'tsc=noirqtime', 'a="b c"',
                         'tsc=reliable', '"clocksource=x y"', 'notsc', '--', 'x=--', '$tuned_params', 'clocksource'])


@settings(deadline=None, max_examples=300)
@given(st.lists(WORDS, max_size=8), st.lists(st.sampled_from([' ', '  ', '\t', '\n']), min_size=9, max_size=9))
def test_edit_keeps_every_other_word_in_its_order(words, blanks):
    line = ''.join(blank + word for blank, word in zip(blanks, words)) + blanks[-1]
    kernel, init = _words.split(line)
    edited, after = _words.split(TSC.edit(line))
    assert TSC.met(edited)
    assert TSC.strip(edited) == TSC.strip(kernel)
    assert after == init
    assert TSC.edit(TSC.edit(line)) == TSC.edit(line)


def test_secrets_are_masked():
    assert _cmdline.mask(['quiet', 'my.password=x', 'api_token="a b"', 'rd.luks.key=/k']) == [
        'quiet', 'my.password=********', 'api_token=********', 'rd.luks.key=/k']
    text = _cmdline.mask_text('GRUB_CMDLINE_LINUX="quiet db_pass=x1 a=b"\npassword_pbkdf2 root grub.pbkdf2.sha512.1.2\n')
    assert text == 'GRUB_CMDLINE_LINUX="quiet db_pass=******** a=b"\npassword_pbkdf2 root ********\n'
