# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alert rules, by the real promtool."""
import re
import subprocess

import yaml

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _text

from .conftest import REPO, RULES

TESTS = REPO / 'tests' / 'metrics' / 'rules_test.yml'


def promtool(programs, *arguments):
    done = subprocess.run([programs / 'promtool', *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding='utf-8', timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_they_are_rules(programs):
    promtool(programs, 'check', 'rules', '--lint=all', '--lint-fatal', RULES)


def test_each_fires_when_it_should_and_not_before(programs):
    promtool(programs, 'test', 'rules', TESTS)


def test_each_alert_is_seen_firing():
    rules = [rule for group in yaml.safe_load(RULES.read_text())['groups'] for rule in group['rules']]
    tests = TESTS.read_text()
    assert [rule['alert'] for rule in rules if rule['alert'] not in tests] == []
    assert all(set(rule['annotations']) == {'summary', 'description'} for rule in rules)


def test_they_ask_for_metrics_that_there_are():
    with open(_text.__file__, encoding='utf-8') as source:
        text = source.read()
    made = {'node_clock_' + name for name in re.findall(r"page\.add\('([a-z0-9_]+)'", text)}
    made |= {'node_clock_phc_offset_seconds', 'node_clock_phc_uncertainty_seconds'}
    asked = set(re.findall(r'\bnode_clock_[a-z0-9_]+', RULES.read_text())) - {'node_clock_'}
    assert asked - made == set()
