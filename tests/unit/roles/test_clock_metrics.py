# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables: specified, with a default, in the handbook, and handed to the module under its own names."""
import os
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _text
from ansible_collections.cloudclock.linux.plugins.modules import clock_metrics

from . import specs


def read(*path):
    with open(os.path.join(specs.REPO, *path), encoding='utf-8') as text:
        return text.read()


def test_each_default_is_the_one_that_is_specified():
    defaults = specs.load('clock_metrics', 'defaults', 'main.yml')
    assert {name: option['default'] for name, option in specs.options('clock_metrics').items()} == defaults
    assert ArgumentSpecValidator(specs.options('clock_metrics')).validate(defaults).error_messages == []


@pytest.mark.parametrize('name, value', [('clock_metrics_state', 'there'), ('clock_metrics_interval', '5 min'),
                                         ('clock_metrics_policy', ['tsc'])])
def test_what_cannot_be_meant_is_refused(name, value):
    errors = ArgumentSpecValidator(specs.options('clock_metrics')).validate({name: value}).error_messages
    assert len(errors) == 1 and name in errors[0]


def test_the_modules_options_are_the_roles():
    documented = yaml.safe_load(clock_metrics.DOCUMENTATION)['options']
    handed = specs.load('clock_metrics', 'tasks', 'main.yml')[0]['cloudclock.linux.clock_metrics']
    assert handed == {name: '{{ clock_metrics_%s }}' % name for name in documented}
    for name, option in documented.items():
        assert specs.options('clock_metrics')['clock_metrics_' + name] == {
            key: value for key, value in option.items() if key in ('type', 'elements', 'choices', 'default')}


def test_each_variable_metric_and_alert_is_in_the_handbook():
    handbook = read('docs', 'metrics.md')
    assert [name for name in specs.options('clock_metrics') if '| `%s` |' % name not in handbook] == []
    metrics = re.findall(r"page\.add\('([a-z0-9_]+)'", read(os.path.relpath(_text.__file__, specs.REPO)))
    assert len(metrics) > 15 and [name for name in metrics if '`node_clock_%s`' % name not in handbook] == []
    rules = [rule for group in specs.load('clock_metrics', 'files', 'cloudclock.rules.yml')['groups'] for rule in group['rules']]
    for rule in rules:
        row = re.search(r'^\| `%s` \|.*\| (.*) \| (.*) \|$' % rule['alert'], handbook, re.M)
        words = {None: 'at once'}.get(rule.get('for'), (rule.get('for') or '').replace('m', ' min').replace('h', ' h'))
        assert row and row.groups() == (words, rule['labels']['severity']), rule['alert']
