# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables: what is specified, what has a default, what is documented; and that each playbook parses."""
import os
import subprocess
import sys

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import specs

PLAYBOOKS = ['audit-clocks.yml', 'audit_clocks.yml', 'fix-clocksource.yml', 'fix_clocksource.yml',
             'measure-impact.yml', 'measure_impact.yml', 'revert-clocksource.yml', 'revert_clocksource.yml',
             'setup-chrony-ptp.yml', 'setup_chrony_ptp.yml', 'user-data.yml', 'user_data.yml', 'verify-clocksource.yml',
             'verify_clocksource.yml']


def test_each_default_is_the_one_that_is_specified():
    defaults = specs.load('clocksource', 'defaults', 'main.yml')
    assert {name: option['default'] for name, option in specs.options('clocksource').items()} == defaults
    assert ArgumentSpecValidator(specs.options('clocksource')).validate(defaults).error_messages == []


@pytest.mark.parametrize('name, value', [
    ('clocksource_state', 'fixed'), ('clocksource_persist', 'grub'), ('clocksource_reboot', 'always'),
    ('clocksource_force', ['everything']), ('clocksource_policy', ['tsc']), ('clocksource_tolerance', 'much'),
    ('clocksource_min_speedup', 'some'), ('clocksource_warp_budget_ms', '2 s'),
    ('clocksource_metadata', 'always')])
def test_what_cannot_be_meant_is_refused(name, value):
    errors = ArgumentSpecValidator(specs.options('clocksource')).validate({name: value}).error_messages
    assert len(errors) == 1 and name in errors[0]


def test_each_variable_is_in_the_handbook():
    with open(os.path.join(specs.REPO, 'docs', 'fix.md'), encoding='utf-8') as text:
        handbook = text.read()
    missing = [name for name in specs.options('clocksource') if '| `%s` |' % name not in handbook and name != 'clocksource_state']
    assert missing == []


@pytest.mark.slow
def test_each_playbook_parses():
    checked = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), 'ansible-playbook'), '--syntax-check', '-i', 'localhost,']
        + [os.path.join(specs.REPO, 'playbooks', name) for name in PLAYBOOKS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding='utf-8', timeout=120, cwd=specs.REPO, check=False,
        env=dict(os.environ, PYTHONUTF8='1', ANSIBLE_COLLECTIONS_PATH=os.path.join(specs.REPO, '.collections')))
    assert checked.returncode == 0, checked.stdout
    assert [line for line in checked.stdout.splitlines() if line.startswith('playbook: ')] == [
        'playbook: ' + os.path.join(specs.REPO, 'playbooks', name) for name in PLAYBOOKS]
