# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the playbook takes, and what it writes then."""
from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from first_boot import BIN, COMMIT, PULL, SHELLS, UNIT


def test_a_second_run_writes_the_same(write, texts):
    again = write(user_data_kind='cloud-config', **UNIT)
    assert again.text == texts['cloud-config', 'unit'].text
    assert oct(again.path.stat().st_mode & 0o777) == '0o644'


@pytest.mark.parametrize('method', ['unit', 'pull'])
def test_both_kinds_hold_one_script(texts, method):
    """And YAML gives it back as it was put in."""
    config, shell = texts['cloud-config', method].text, texts['shell', method].text
    assert config.startswith('#cloud-config\n') and shell.startswith('#!/bin/sh\n')
    assert yaml.safe_load(config) == {'runcmd': [['sh', '-c', shell.partition('\n')[2]]]}
    assert max(len(config), len(shell)) <= 16384


@pytest.mark.parametrize('method', ['unit', 'pull'])
def test_the_shells_and_shellcheck_take_it(texts, method):
    path = texts['shell', method].path
    for shell in SHELLS:
        subprocess.run([*shell, '-n', path], check=True, timeout=20)
    said = subprocess.run([BIN / 'shellcheck', path], stdout=subprocess.PIPE, encoding='utf-8', timeout=60,
                          check=False)
    assert said.returncode == 0, said.stdout


NAME, REPOSITORY, VERSION, PINS = (
    'clocksource_name is the name of a clocksource', 'user_data_repository is an address',
    'user_data_version is a whole commit id', 'user_data_pins is a list of NAME==VERSION')


# A run says all that is wrong, so one run tries several values.
@pytest.mark.parametrize('name, repository, version, pins', [
    ('tsc;reboot', '', '', 'ansible-core==2.19.14'),
    ('tsc\n', 'http://git.example/clocks.git', 'main', ['ansible-core']),
    ("tsc'", 'https://me:secret@git.example/x', COMMIT[:12], ['a==1\nEND OF PINS\nreboot']),
    ('-n', 'https://git.example/$(reboot)', COMMIT + '\n', ['--index-url==x']),
    ('t' * 32, "https://git.example/x' y", COMMIT + ';reboot', ['a>=1']),
    ('', 'ssh://-oProxyCommand=reboot/x', COMMIT.upper(), ['a==$(reboot)']),
])
def test_values_that_a_shell_might_misread_are_refused(write, name, repository, version, pins):
    refused = write(user_data_method='pull', clocksource_name=name, user_data_repository=repository,
                    user_data_version=version, user_data_pins=pins)
    assert refused.text is None
    assert [words for words in (NAME, REPOSITORY, VERSION, PINS) if words not in refused.said] == []


@pytest.mark.parametrize('variables, words', [
    ({}, ['clocksource_name names it']),
    ({'user_data_kind': 'powershell', 'user_data_method': 'push', 'user_data_variables': 'clocksource_name=tsc'},
     ['user_data_kind is shell or cloud-config', 'user_data_method is unit or pull', 'user_data_variables is a dictionary']),
    (dict(PULL, user_data_variables={'clocksource_reboot': 'if_required'}), ['clocksource_reboot is never here']),
    (dict(PULL, user_data_variables={'a': 'b' * 16384}), ['bytes of user data, and EC2 takes 16384']),
])
def test_what_cannot_be_meant_is_refused(write, variables, words):
    refused = write(**variables)
    assert refused.text is None
    assert [word for word in words if word not in refused.said] == []


def test_hostile_variables_stay_one_word(write, tmp_path):
    """The script's own line is run by a shell that has nothing else to run."""
    hostile = {"clocksource_policy": "'; touch broken; '", 'a': '"$(touch broken)`touch broken`', 'b': 'x\nEND OF PINS\n',
               'c': '\u2028\x85\x7fé: #', "d'": '\\'}
    text = write(user_data_kind='cloud-config', user_data_variables=hostile, **PULL).text
    assert re.match(r'[\n -~]+\Z', text)
    script = yaml.safe_load(text)['runcmd'][0][2]
    line = next(line for line in script.splitlines() if line.startswith('variables='))
    said = subprocess.run(['sh', '-c', line + '\nprintf %s "$variables"'], cwd=str(tmp_path), stdout=subprocess.PIPE,
                          encoding='utf-8', timeout=20, check=True)
    assert json.loads(said.stdout) == dict(hostile, clocksource_name='auto', ansible_become=False)
    assert list(tmp_path.iterdir()) == []
