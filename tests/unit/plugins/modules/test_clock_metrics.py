# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's own part: what it refuses, what it predicts, what it says of it."""
import os

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _probe
from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _install
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root
from ansible_collections.cloudclock.linux.plugins.modules import clock_metrics

from ..module_utils.metrics.test_install import TEXT, Machine


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder in the machine's place, with a probe at hand."""
    machine = Machine(tmp_path)
    monkeypatch.setattr(_install, 'HOMES', ('/home/',))
    monkeypatch.setattr(clock_metrics, 'Root', lambda _path: Root(str(tmp_path)))
    monkeypatch.setattr(clock_metrics.AnsibleModule, 'run_command', lambda self, argv: machine.run(argv))
    monkeypatch.setattr(_probe, 'load', lambda module: _probe.Probe(module, b'program'))
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    return machine


def test_check_mode_predicts_what_is_done_and_writes_nothing(run_module, machine):
    said = run_module('clock_metrics', check_mode=True)
    assert machine.tree() == machine.before
    done = run_module('clock_metrics')
    assert (said['changed'], said['files'], said['diff']) == (done['changed'], done['files'], done['diff'])
    assert (done['failed'], done['scheduler'], done['metrics']) == (False, 'systemd', TEXT + '/cloudclock.prom')
    assert (machine.path / TEXT[1:] / 'cloudclock.prom').exists()
    assert run_module('clock_metrics')['changed'] is False
    said, done = (run_module('clock_metrics', check_mode=check, state='absent') for check in (True, False))
    assert said == done and done['files'][-2:] == [TEXT + '/cloudclock.prom', _install.STATE]
    assert machine.tree() == machine.before


@pytest.mark.parametrize('name, value', [('interval', 59), ('interval', 3601), ('budget_ms', 19), ('budget_ms', 1001),
                                         ('warp_budget_ms', -1), ('warp_budget_ms', 60001)])
def test_bounds(run_module, machine, name, value):
    assert run_module('clock_metrics', **{name: value})['msg'].startswith(name + ' must be ')
    assert machine.tree() == machine.before


def test_without_a_probe_nothing_is_installed_but_all_of_it_can_go(run_module, machine, monkeypatch):
    run_module('clock_metrics')
    tree = machine.tree()
    monkeypatch.setattr(_probe, 'load', lambda module: _probe.Probe(module, reason='no compiler here'))
    assert 'nothing could be measured here: no compiler here' in run_module('clock_metrics')['msg']
    assert machine.tree() == tree
    assert run_module('clock_metrics', state='absent')['changed'] is True
    assert machine.tree() == machine.before


def test_it_takes_root(run_module, machine, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    assert 'takes root' in run_module('clock_metrics')['msg']


def test_a_masked_unit_is_the_operators_word(run_module, machine):
    (machine.path / 'dev').mkdir()
    os.mkfifo(str(machine.path / 'dev' / 'null'))
    (machine.path / 'etc/systemd/system/cloudclock-metrics.timer').symlink_to('/dev/null')
    before = machine.tree()
    said = run_module('clock_metrics', check_mode=True)
    assert said['failed'] and 'cloudclock-metrics.timer is no regular file' in said['msg']
    assert run_module('clock_metrics')['msg'] == said['msg']
    assert machine.tree() == before
    run_module('clock_metrics', state='absent')
    assert machine.tree() == before
