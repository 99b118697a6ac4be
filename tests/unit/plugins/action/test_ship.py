# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins send, to whom, and how often."""
from __future__ import annotations

import importlib
import platform
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _build, _ship

PLUGINS = ['clock_facts', 'clocksource', 'clock_bench_info']


class Host:
    """One task on one host: ``answers`` are the module's results in turn, ``sent`` the arguments that it got."""

    def __init__(self, plugin='clock_facts', answers=({'changed': False},), args=None, async_val=0, delegate_to=None):
        self.sent, self.in_background, self.answers = [], [], list(answers)
        task = mock.MagicMock(args=dict(args or {}), async_val=async_val, delegate_to=delegate_to, check_mode=False, diff=False)
        connection = mock.MagicMock(has_native_async=False)
        room = importlib.import_module(f'ansible_collections.cloudclock.linux.plugins.action.{plugin}')
        self.action = room.ActionModule(task, connection, mock.MagicMock(check_mode=False), mock.MagicMock(), mock.MagicMock(),
                                        mock.MagicMock())
        self.action._execute_module = self._execute
        self.action._remove_tmp_path = self.removed = mock.MagicMock()

    def _execute(self, module_args, task_vars, wrap_async):
        self.sent.append(module_args)
        self.in_background.append(wrap_async)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def run(self, **task_vars):
        return self.action.run(task_vars=task_vars)


@pytest.fixture(autouse=True)
def plain_arguments(monkeypatch):
    """machine/retry in the probe's place."""
    monkeypatch.setattr(_build, 'argument', lambda machine, folder, retry: f'{machine}/{retry}')


@pytest.mark.parametrize('plugin', PLUGINS)
def test_one_execution_with_the_probe_and_the_tasks_own_arguments(plugin):
    host = Host(plugin, answers=[{'changed': False, 'found': 1}], args={'name': 'tsc', 'probe': 'by hand'})
    assert host.run() == {'changed': False, 'found': 1}
    assert host.sent == [{'name': 'tsc', 'probe': f'{_ship.machine_of({})}/True'}]
    assert host.action._task.args == {'name': 'tsc', 'probe': 'by hand'}
    assert host.in_background == [False]
    host.removed.assert_called_once()


def test_one_for_another_machine_takes_a_second_execution_and_no_third():
    host = Host(answers=[{'changed': False, 'probe_wanted': 'riscv64', 'invocation': {'of': 'the first'}}, {'changed': True}])
    assert host.run(ansible_facts={'architecture': 'x86_64'}) == {'changed': True}
    assert [sent['probe'] for sent in host.sent] == ['x86_64/True', 'riscv64/False']
    host.removed.assert_called_once()


@pytest.mark.parametrize('wanted', ['../../etc/passwd', 'a b', '', 'x' * 21, 7, ['x86_64'], 'x86_64\n'])
def test_what_a_target_wants_is_a_machines_name(wanted):
    host = Host(answers=[{'probe_wanted': wanted}])
    with pytest.raises(AnsibleActionFail, match='probe of a machine named'):
        host.run()
    assert len(host.sent) == 1
    host.removed.assert_called_once()


def test_in_the_background_nothing_is_asked_back_and_the_folder_is_not_ours_to_remove():
    host = Host(async_val=30)
    host.run(ansible_facts={'architecture': 'aarch64'})
    assert host.sent[0]['probe'] == 'aarch64/False'
    assert host.in_background == [True]
    host.removed.assert_not_called()


def test_another_root_gets_no_probe():
    host = Host(args={'root': '/mnt/image'})
    host.run()
    assert host.sent[0]['probe'] == _build.nothing(_ship.ELSEWHERE)


def test_an_unreachable_host_stays_unreachable():
    host = Host(answers=[ConnectionError('gone')])
    with pytest.raises(ConnectionError):
        host.run()
    host.removed.assert_called_once()


@pytest.mark.parametrize('task_vars, machine', [
    ({}, None),
    ({'ansible_facts': {}}, None),
    ({'ansible_facts': {'clock': {'machine': 's390x'}}}, 's390x'),
    ({'ansible_facts': {'clock': None}}, None),
    ({'ansible_facts': {'architecture': 'aarch64', 'clock': {'machine': 's390x'}}}, 'aarch64'),
    ({'ansible_architecture': 'aarch64'}, 'aarch64'),
    ({'ansible_facts': {'architecture': 'arm64'}}, 'aarch64'),
    ({'ansible_facts': {'architecture': 'AMD64'}}, 'x86_64'),
    ({'ansible_facts': {'architecture': '../x'}}, 'x86_64'),
])
def test_the_first_guess(task_vars, machine):
    host = Host()
    host.run(**task_vars)
    assert host.sent[0]['probe'] == f'{machine or _ship.machine_of({"architecture": platform.machine()})}/True'


def test_the_first_guess_for_a_task_that_runs_elsewhere():
    host = Host(delegate_to='other')
    host.run(ansible_facts={'architecture': 'x86_64'}, hostvars={'other': {'ansible_facts': {'architecture': 'aarch64'}}})
    assert host.sent[0]['probe'] == 'aarch64/True'


def test_the_controllers_own_machine_where_nothing_is_known(monkeypatch):
    monkeypatch.setattr(platform, 'machine', lambda: 'arm64')
    assert _ship.machine_of({}) == 'aarch64'
