# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _probe


@pytest.fixture(name='asked')
def measurement(monkeypatch):
    """What the probe is asked for; it answers by one clock."""
    asked = []

    def run(self, *args):
        asked.append(args)
        return {'clocks': {'tai': {}}, 'warp': None}
    monkeypatch.setattr(_probe, 'load', lambda module: type('Found', (), {'run': run, 'reason': None})())
    return asked


def test_the_defaults(run_module, asked):
    assert run_module('clock_bench_info') == {'changed': False, 'failed': False, 'clocks': {'tai': {}}, 'warp': None}
    assert asked == [(500, None, 2000, None, 100000)]


def test_everything_is_passed_on_also_in_check_mode(run_module, asked):
    run_module('clock_bench_info', check_mode=True, clocks=['tai'], cpus='0-3,6', budget_ms=60000, warp_budget_ms=600000,
               calls_per_second=1)
    assert asked == [(60000, ['tai'], 600000, '0-3,6', 1)]


def test_without_the_warp_test_its_budget_is_none(run_module, asked):
    run_module('clock_bench_info', warp=False)
    assert asked[0][2] == 0


@pytest.mark.parametrize('name, value', [
    ('budget_ms', 0), ('budget_ms', 60001), ('warp_budget_ms', 0), ('warp_budget_ms', 600001), ('calls_per_second', 0),
    ('cpus', ''), ('cpus', '0-'), ('cpus', '-1'), ('cpus', '0 1'), ('cpus', '0\n'), ('cpus', '\u0661'), ('cpus', '0;true'),
    ('cpus', '1234567'), ('clocks', ['sundial'])])
def test_what_the_probe_would_not_take(run_module, asked, name, value):
    result = run_module('clock_bench_info', **{name: value})
    assert result['failed'] is True
    assert name in result['msg']
    assert not asked


def test_without_a_probe_the_reason_is_told(run_module):
    result = run_module('clock_bench_info')
    assert result['failed'] is True
    assert result['msg'] == 'The clocks were not measured: ' + _probe.ABSENT
