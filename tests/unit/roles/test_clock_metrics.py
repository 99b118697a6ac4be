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

REPO = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))


def read(*path):
    with open(os.path.join(REPO, *path), encoding='utf-8') as text:
        return text.read()


def role(*path):
    return yaml.safe_load(read('roles', 'clock_metrics', *path))


def options():
    return {name: {key: value for key, value in option.items() if key in ('type', 'elements', 'choices', 'default')}
            for name, option in role('meta', 'argument_specs.yml')['argument_specs']['main']['options'].items()}


def test_each_default_is_the_one_that_is_specified():
    defaults = role('defaults', 'main.yml')
    assert {name: option['default'] for name, option in options().items()} == defaults
    assert ArgumentSpecValidator(options()).validate(defaults).error_messages == []


@pytest.mark.parametrize('name, value', [('clock_metrics_state', 'there'), ('clock_metrics_interval', '5 min'),
                                         ('clock_metrics_policy', ['tsc'])])
def test_what_cannot_be_meant_is_refused(name, value):
    errors = ArgumentSpecValidator(options()).validate({name: value}).error_messages
    assert len(errors) == 1 and name in errors[0]


def test_the_modules_options_are_the_roles():
    documented = yaml.safe_load(clock_metrics.DOCUMENTATION)['options']
    handed = role('tasks', 'main.yml')[0]['cloudclock.linux.clock_metrics']
    assert handed == {name: '{{ clock_metrics_%s }}' % name for name in documented}
    for name, option in documented.items():
        assert options()['clock_metrics_' + name] == {
            key: value for key, value in option.items() if key in ('type', 'elements', 'choices', 'default')}


def test_each_variable_metric_and_alert_is_in_the_handbook():
    handbook = read('docs', 'metrics.md')
    assert [name for name in options() if '| `%s` |' % name not in handbook] == []
    metrics = re.findall(r"page\.add\('([a-z0-9_]+)'", read(os.path.relpath(_text.__file__, REPO)))
    assert len(metrics) > 15 and [name for name in metrics if '`node_clock_%s`' % name not in handbook] == []
    rules = [rule for group in role('files', 'cloudclock.rules.yml')['groups'] for rule in group['rules']]
    for rule in rules:
        row = re.search(r'^\| `%s` \|.*\| (.*) \| (.*) \|$' % rule['alert'], handbook, re.M)
        words = {None: 'at once'}.get(rule.get('for'), (rule.get('for') or '').replace('m', ' min').replace('h', ' h'))
        assert row and row.groups() == (words, rule['labels']['severity']), rule['alert']
