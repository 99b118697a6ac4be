# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User data that pulls: the real pip with its pins, git and ansible-pull; the playbook only reads and writes down what it got."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest
from first_boot import COMMIT, REPO, STAND_IN

PLAYBOOK = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - cloudclock.linux.clock_facts:
    - ansible.builtin.copy:
        content: "{{ {'name': clocksource_name, 'source': ansible_facts.clock.clocksource.current, 'given': given,
                      'ansible': ansible_version.full} | to_json }}"
        dest: /mnt/written
        mode: "0600"
"""


@pytest.fixture(name='repository')
def a_repository(machine):
    """A copy of this collection with that playbook, where the machine sees it, and its commit; a later one is broken."""
    del machine.places['run']  # it may hold the resolver's configuration, which pip needs
    folder = machine.mnt / 'repository'
    for name in ('meta', 'plugins', 'probe', 'roles'):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    (folder / 'playbooks').mkdir()
    (folder / 'playbooks' / 'fix-clocksource.yml').write_text(PLAYBOOK)

    def git(*words):
        return subprocess.run(['git', '-c', 'user.name=t', '-c', 'user.email=t@t', '-C', folder, *words], check=True, timeout=60,
                              stdout=subprocess.PIPE, encoding='utf-8').stdout.strip()
    git('init', '-q')
    git('add', '.')
    git('commit', '-q', '-m', 'one')
    commit = git('rev-parse', 'HEAD')
    (folder / 'playbooks' / 'fix-clocksource.yml').write_text('- hosts: all\n  tasks: [{fail: {msg: this is not the commit}}]\n')
    git('commit', '-q', '-a', '-m', 'two')
    return commit, git('rev-parse', 'HEAD')


def boot(machine, write, commit, **variables):
    made = write(user_data_method='pull', user_data_repository='file:///mnt/repository', user_data_version=commit, **variables)
    # how this machine's pip reaches its registry
    pip = {name: value for name, value in os.environ.items() if re.match(r'(PIP|SSL)_|(?i:https?|no)_proxy', name)}
    return machine.boot(made.text, seconds=400, **pip)


@pytest.mark.slow
def test_the_pinned_commit_runs_with_the_variables(machine, write, repository):
    given = "it's $HOME"
    said, printed = boot(machine, write, repository[0], clocksource_name='tsc', user_data_variables={'given': given})
    assert said == [f'the playbook of {repository[0]} ran; the clocksource is hpet'], printed
    written = json.loads((machine.mnt / 'written').read_text())
    assert written == {'name': 'tsc', 'source': 'hpet', 'given': given, 'ansible': '2.19.14'}


@pytest.mark.slow
def test_a_playbook_that_fails_is_a_warning_and_no_failed_boot(machine, write, repository):
    said, printed = boot(machine, write, repository[1])
    assert said == [f'ansible-pull of {repository[1]} from file:///mnt/repository ended with 2: see what it said above'], printed
    assert 'this is not the commit' in printed


def test_what_is_missing_is_installed_once_apt_lets_us(machine, write):
    """git is hidden here, and another program holds apt's lists for a while."""
    (machine.here / 'git').symlink_to('/dev/null')
    machine.places = dict(git=shutil.which('git'), **machine.places)
    for name in ('apt-get', 'dnf'):
        (machine.mnt / name).write_text(STAND_IN)
        (machine.mnt / name).chmod(0o755)
    machine.answer('apt-get', 'case $* in *update) echo >>/mnt/held; [ "$(wc -l </mnt/held)" -gt 3 ];; esac')
    assert boot(machine, write, COMMIT)[0] == ['there is no git, or no Python of 3.11 to 3.13: nothing was done']
    options = '-q -y --no-install-recommends -o DPkg::Lock::Timeout=300 '
    assert machine.calls('apt-get')[:5] == [options + 'update'] * 4 + [options + 'install ca-certificates git python3-venv']
    assert machine.calls('sleep') == ['10'] * 3 and machine.calls('dnf') == []


PYTHONS = ('python3', 'python3.13', 'python3.12', 'python3.11')


@pytest.mark.parametrize('program, options, old', [
    ('dnf', '-q -y install', 'python3.11'), ('zypper', '--quiet --non-interactive install', 'python311')])
@pytest.mark.parametrize('own', [True, False])
def test_a_python_is_installed_only_where_there_is_none(machine, write, program, options, old, own):
    """A distribution whose own Python will do need not have the older one: one name that is not known, and nothing is installed."""
    for name in ('git', 'apt-get', 'dnf', 'zypper'):
        if shutil.which(name):
            (machine.here / name).symlink_to('/dev/null')
            machine.places = {name: shutil.which(name), **machine.places}
    for name in (program, *PYTHONS):
        (machine.mnt / name).write_text(STAND_IN)
        (machine.mnt / name).chmod(0o755)
    for name in PYTHONS[own:]:
        machine.answer(name, 'exit 1')
    machine.answer(program, 'case "$*" in *" git-core") echo "#!/bin/sh" >/mnt/git; chmod +x /mnt/git;; '
                   f'*" {old}") echo : >/mnt/answers/python3.11;; *) exit 1;; esac')
    assert boot(machine, write, COMMIT)[0] == ['ansible-core was not installed: nothing was done']
    assert machine.calls(program) == [f'{options} git-core'] + [f'{options} {old}'] * (not own)


def test_pins_that_are_not_to_be_had_are_a_warning(machine, write, repository):
    said, printed = boot(machine, write, repository[0], user_data_pins=['cloudclock-has-no-such-package==1'])
    assert said == ['ansible-core was not installed: nothing was done'], printed
    assert not (machine.mnt / 'written').exists()
