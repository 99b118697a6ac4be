# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded GRUB machines, one test each: the module edits them, a real shell says what they mean then."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._words import parse, split

MACHINES = pathlib.Path(__file__).parents[4] / 'tests' / 'machines'
CASES = [case for name in ('grub.json', 'grub_further.json') for case in json.loads((MACHINES / name).read_text())]
SOURCE = '''set -e
. "$1/etc/default/grub"
for x in "$1"/etc/default/grub.d/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
printf '%s %s' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
'''


def lay(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode('utf-8'))


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob('*') if path.is_file()}


def meaning(root, case):
    """Every line that the files can boot with, as lists of words; a real shell sources GRUB's."""
    if case['family'] == 'bls':
        env = dict(line.partition('=')[::2] for line in (root / 'boot/grub2/grubenv').read_text().split('\n')
                   if '=' in line) if (root / 'boot/grub2/grubenv').exists() else {}
        lines = []
        for path in (root / 'boot/loader/entries').glob('*.conf'):
            options = [line[8:] for line in path.read_bytes().decode().split('\n') if line.startswith('options ')][0]
            lines.append([word for piece in split(options)[0] for word in split(env.get(piece.lstrip('$'), piece))[0]])
        return lines
    lines = []
    shells = [['dash']] if case['family'] == 'debian' else [['dash'], ['bash', '--posix']]
    for shell in shells:
        if shutil.which(shell[0]):
            done = subprocess.run(shell + ['-c', SOURCE, 'sh', str(root)], stdout=subprocess.PIPE, check=True)
            lines.append([word for part in split(done.stdout.decode()) for word in part])
    return lines


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['id'])
def test_recorded_machine(run_module, tmp_path, case):
    lay(tmp_path, case['files'])
    before = tree(tmp_path)
    old = meaning(tmp_path, case)
    predicted = run_module('kernel_cmdline', check_mode=True, root=str(tmp_path), args=case['ask'])
    assert tree(tmp_path) == before

    result = run_module('kernel_cmdline', root=str(tmp_path), args=case['ask'])
    assert not result['failed']
    assert {key: result[key] for key in ('changed', 'effective', 'files', 'diff')} == {
        key: predicted[key] for key in ('changed', 'effective', 'files', 'diff')}
    after = tree(tmp_path)
    asked = [parse(arg) for arg in case['ask']]
    for words, former in zip(meaning(tmp_path, case), old):
        for arg in case['expect_once']:
            assert words.count(arg) == 1
        for arg in case['expect_args_absent']:
            assert arg not in words
        kept = [word for word in former if parse(word) not in asked and word not in case['expect_args_absent']]
        assert [word for word in words if word in kept] == kept
        if result['effective'] is not None and case['family'] != 'bls':
            assert result['effective'] == words[:len(result['effective'])]
            assert '-- single' in case['files']['etc/default/grub'] or result['effective'] == words
    if case['family'] == 'bls' and result['effective'] is not None:
        assert sorted(result['effective']) == sorted(case['expect_args_present'])
    for path in after:
        if path.endswith('grubenv'):
            assert len(after[path]) == 1024
    assert set(before) <= set(after) and 'etc/kernel/cmdline' not in set(after) - set(before)

    again = run_module('kernel_cmdline', root=str(tmp_path), args=case['ask'])
    assert (again['changed'], again['files'], again['diff']) == (False, [], [])
    assert tree(tmp_path) == after


def test_another_root_gets_its_files_and_the_command(run_module, tmp_path):
    lay(tmp_path, {'etc/default/grub': 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', 'etc/default/grub.d/a.cfg': ''})
    result = run_module('kernel_cmdline', root=str(tmp_path), args=['clocksource=tsc'])
    assert result['command'] == 'chroot %s update-grub' % tmp_path
    assert (result['running'], result['reboot_required'], result['future_kernels']) == (None, None, 'covered')
    assert not (tmp_path / 'var').exists()
    removed = run_module('kernel_cmdline', root=str(tmp_path), args=['clocksource'], state='absent')
    assert removed['changed'] and 'zz-cloudclock.cfg' not in os.listdir(str(tmp_path / 'etc/default/grub.d'))


@pytest.mark.parametrize('args, words', [
    ({'args': []}, 'name at least one argument'),
    ({'args': ['a=$b']}, 'the boot menu would interpret'),
    ({'args': ['clocksource=tsc', 'clocksource=hpet']}, 'contradicts'),
    ({'args': ['x'], 'regenerate': True}, 'there is no init'),
    ({'args': ['x']}, 'no boot loader was recognised'),
])
def test_bad_input(run_module, tmp_path, args, words):
    result = run_module('kernel_cmdline', root=str(tmp_path), **args)
    assert result['failed'] and words in result['msg']
    assert tree(tmp_path) == {}


def test_a_root_that_is_none(run_module, tmp_path):
    result = run_module('kernel_cmdline', root=str(tmp_path / 'missing'), args=['x'])
    assert result['failed'] and 'is not a directory' in result['msg']


def test_links_that_leave_the_root(run_module, tmp_path):
    root = tmp_path / 'root'
    (root / 'etc/default').mkdir(parents=True)
    (tmp_path / 'outside').write_text('GRUB_CMDLINE_LINUX=""\n')
    (root / 'etc/default/grub').symlink_to('../../../outside')
    result = run_module('kernel_cmdline', root=str(root), args=['x'])
    assert result['failed'] and 'leaves the root' in result['msg']
    assert (tmp_path / 'outside').read_text() == 'GRUB_CMDLINE_LINUX=""\n'


def test_absolute_links_stay_inside_the_root(run_module, tmp_path):
    lay(tmp_path, {'usr/share/grub/default': 'GRUB_CMDLINE_LINUX=""\n', 'etc/default/x': ''})
    (tmp_path / 'etc/default/grub').symlink_to('/usr/share/grub/default')
    result = run_module('kernel_cmdline', root=str(tmp_path), args=['x'])
    assert result['changed']
    assert (tmp_path / 'usr/share/grub/default').read_text() == 'GRUB_CMDLINE_LINUX="x"\n'
    assert (tmp_path / 'etc/default/grub').is_symlink()


def test_only_root_may_on_the_running_machine(run_module, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    result = run_module('kernel_cmdline', args=['clocksource=tsc'])
    assert result['failed'] and 'takes root' in result['msg']


@pytest.mark.parametrize('text', ['X="unclosed\n', 'if true; then\n', 'GRUB_CMDLINE_LINUX=a)\n'])
def test_a_file_that_is_not_shell(run_module, tmp_path, text):
    lay(tmp_path, {'etc/default/grub': text})
    result = run_module('kernel_cmdline', root=str(tmp_path), args=['x'])
    assert result['failed'] and 'is not valid shell' in result['msg']
    assert tree(tmp_path) == {'etc/default/grub': text.encode()}
