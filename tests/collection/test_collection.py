# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as others get it: a checkout in a folder of any name, the built package, the installed collection."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
PACKAGED = {'CHANGELOG.rst', 'CONTRIBUTING.md', 'FILES.json', 'LICENSE', 'MANIFEST.json', 'README.md', 'changelogs', 'docs',
            'meta', 'playbooks', 'plugins', 'probe', 'roles'}
LOCAL = ['-i', 'localhost,', '-c', 'local', '-e', 'ansible_become=false', '-e', f'ansible_python_interpreter={sys.executable}']


def run(command, cwd, **environment):
    """Run with nothing of ours in the environment but what is given; returns stdout."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(('ANSIBLE_', 'PYTHONPATH', 'MAKE', 'MFLAGS'))}
    plain.update(PATH=f'{BIN}:{plain["PATH"]}', LC_ALL='C.UTF-8', **environment)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=plain, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=240, check=False)
    text = done.stdout.decode(errors='replace')
    assert done.returncode == 0, text
    return text


@pytest.fixture(scope='module', name='checkout')
def copied_checkout(tmp_path_factory):
    """A copy of what git has or would take, in a folder that is named unlike the collection."""
    folder = tmp_path_factory.mktemp('checkout') / 'x'
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=HERE, check=True,
                            stdout=subprocess.PIPE).stdout.decode().split('\0')
    for name in filter(None, listed):
        if (HERE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, folder / name)
    return folder


@pytest.fixture(scope='module', name='package')
def built_package(checkout, tmp_path_factory):
    folder = tmp_path_factory.mktemp('package')
    # what a used checkout holds besides
    for litter in ('.venv/bin/python', '.cache/a', '.collections/b', 'build/c', 'old.tar.gz', 'plugins/__pycache__/d.pyc',
                   'molecule/image/e.qcow2'):
        (checkout / litter).parent.mkdir(parents=True, exist_ok=True)
        (checkout / litter).touch()
    run([BIN / 'ansible-galaxy', 'collection', 'build', '--output-path', folder], checkout)
    return next(folder.glob('cloudclock-linux-*.tar.gz'))


@pytest.fixture(scope='module', name='installed')
def installed_collection(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp('installed')
    run([BIN / 'ansible-galaxy', 'collection', 'install', '--offline', '-p', folder, package], folder)
    return folder


def test_the_package_holds_what_runs_and_nothing_else(package):
    with tarfile.open(package) as archive:
        names = archive.getnames()
    assert {name.partition('/')[0] for name in names} <= PACKAGED
    assert not [name for name in names if '__pycache__' in name or name.endswith(('.pyc', '.tar.gz'))]
    assert {'LICENSE', 'README.md', 'meta/runtime.yml', 'plugins/modules/clock_facts.py', 'probe/clockprobe.c',
            'playbooks/fix-clocksource.yml'} <= set(names)


def test_an_installed_module_runs_by_its_full_name(installed):
    text = run([BIN / 'ansible', 'localhost', *LOCAL, '-m', 'cloudclock.linux.clock_facts'], installed,
               ANSIBLE_COLLECTIONS_PATH=str(installed), ANSIBLE_CALLBACK_RESULT_FORMAT='json')
    facts = json.loads(text[text.index('{'):])
    assert set(facts['ansible_facts']['clock']) >= {'cloud', 'hypervisor', 'clocksource', 'tsc', 'vdso', 'ptp', 'time_sync', 'boot'}


@pytest.mark.parametrize('playbook', ['audit_clocks', 'fix_clocksource', 'revert_clocksource', 'setup_chrony_ptp'])
def test_an_installed_playbook_runs_by_its_full_name(installed, playbook):
    text = run([BIN / 'ansible-playbook', f'cloudclock.linux.{playbook}', *LOCAL, '--check'], installed,
               ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert 'failed=0' in text


def test_a_checkout_of_any_name_runs_after_make_tree(checkout):
    run(['make', 'tree'], checkout)
    run(['make', 'tree'], checkout)
    text = run([BIN / 'ansible-playbook', 'playbooks/fix-clocksource.yml', *LOCAL, '--check'], checkout)
    assert 'failed=0' in text


def test_make_fix_plans_for_this_machine(checkout):
    text = run(['make', 'fix', 'YES=1', 'ARGS=--check', f'VENV={BIN.parent}'], checkout)
    assert 'localhost' in text and 'failed=0' in text


def test_each_make_target_has_its_line_of_help(checkout):
    text = run(['make', 'help'], checkout)
    listed = re.findall(r'^  make ([a-z-]+) +\S', text, re.MULTILINE)
    makefiles = (HERE / 'Makefile').read_text() + (HERE / 'molecule/lab.mk').read_text()
    targets = re.findall(r'^\.PHONY: (.*)', makefiles, re.MULTILINE)
    # These three are steps of others.
    assert sorted(listed) == sorted(set(' '.join(targets).split()) - {'venv-run', 'compiler', 'system'})
