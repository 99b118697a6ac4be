# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction against a model of the kernel's rules; real kernels are in molecule/."""
import os
import signal

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import (
    _clocksource, _gauge, _klog, _loop, _state, _switch)
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

COSTS = {'jiffies': 1.0, 'hpet': 1100.0, 'tsc': 22.0, 'kvm-clock': 30.0, 'xen': 900.0}


class Kernel:
    """kernel/time/clocksource.c: the override is kept as a name; one that is not offered gives the best-rated source.

    ``refuses`` are offered but never taken; ``drops`` are left again when they are looked at a second time.
    """

    def __init__(self, offered, override='', refuses=(), drops=()):
        self.offered, self.override, self.refuses, self.drops = offered, override, refuses, drops
        self.log = ['[    0.000000] Linux version 6.12.0']

    @property
    def current(self):
        takes = self.override in self.offered and self.override not in self.refuses
        return self.override if takes else self.offered[0]

    def switch(self, root, name):
        self.override = name
        return self.current

    def watch(self, root, name, seconds):
        if self.current in self.drops:
            self.override = self.offered[1]
        return self.current

    def read(self, root):
        return {'current': self.current, 'available': self.offered, 'writable': True}


class Module:
    check_mode = False
    fail_json = None

    def __init__(self, **params):
        self.params = dict({'remember': True, 'tolerance': 0.25, 'settle_seconds': 0, 'force': [], 'state': 'present',
                            'name': 'auto', 'min_speedup': 0, 'warp_budget_ms': 0}, **params)

    @staticmethod
    def atomic_move(src, dest):
        os.rename(src, dest)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    def boot(kernel, cmdline=''):
        (tmp_path / 'proc').mkdir()
        (tmp_path / 'proc' / 'cmdline').write_text(cmdline)
        root = Root(tmp_path)
        root.live = True
        for name in ('switch', 'watch', 'read'):
            monkeypatch.setattr(_clocksource, name, getattr(kernel, name))
        monkeypatch.setattr(_loop, 'counter_cost', lambda budget: COSTS[kernel.current])
        monkeypatch.setattr(_klog, 'read', lambda root: (kernel.log, True))
        return root
    return boot


class NoProbe:
    reason = 'none here'

    def run(self, budget_ms, clocks=None, warp_budget_ms=0):
        return None


def switch(module, root, name, old, verdict='slow', probe=NoProbe()):
    gauge = _gauge.Gauge(probe, module.params)
    result = start(name, old, verdict)
    facts = {'clocksource': {'current': old}, 'tsc': {}, 'cpus': 2}
    result['before']['ns'] = gauge.before(facts)
    return _switch.switch(module, root, result, gauge)


def start(name, old, verdict='slow'):
    return {'name': name, 'verdict': verdict, 'refused': False, 'action': 'switched', 'reason': 'slow',
            'before': {'source': old, 'ns': None}, 'after': {'source': old, 'ns': None}}


def test_switch_is_measured_and_remembered(machine):
    kernel = Kernel(['tsc', 'hpet'], override='hpet')
    root = machine(kernel, 'quiet clocksource=hpet')
    result = switch(Module(), root, 'tsc', 'hpet')
    assert kernel.current == 'tsc'
    assert result['changed'] is True
    assert (result['before'], result['after']) == ({'source': 'hpet', 'ns': 1100.0}, {'source': 'tsc', 'ns': 22.0})
    assert result['speedup'] == 50.0
    record = _state.load(root)['clocksource']
    assert (record['source'], record['override']) == ('hpet', True)


def test_slower_source_is_rolled_back_with_both_figures(machine):
    kernel = Kernel(['tsc', 'hpet'])
    root = machine(kernel)
    result = switch(Module(), root, 'hpet', 'tsc', 'optimal')
    assert kernel.current == 'tsc'
    assert kernel.override == '', 'nothing was overridden before, so nothing may be afterwards'
    assert result['failed'] is True
    assert result['changed'] is False
    assert '1100.0 ns' in result['reason']
    assert '22.0 ns' in result['reason']
    assert _state.load(root) == {}


def test_rollback_keeps_an_override_that_was_there(machine):
    kernel = Kernel(['tsc', 'kvm-clock', 'hpet'], override='kvm-clock')
    result = switch(Module(), machine(kernel), 'hpet', 'kvm-clock')
    assert kernel.override == 'kvm-clock'
    assert result['action'] == 'rolled_back'


def test_override_by_command_line_is_one_even_on_the_best_source(machine):
    kernel = Kernel(['tsc', 'hpet'], override='tsc')
    switch(Module(), machine(kernel, 'clocksource=tsc'), 'hpet', 'tsc')
    assert kernel.override == 'tsc'


def test_source_that_the_kernel_refuses(machine):
    kernel = Kernel(['xen', 'tsc'], refuses=['tsc'])
    result = switch(Module(), machine(kernel), 'tsc', 'xen')
    assert kernel.current == 'xen'
    assert 'refused it' in result['reason']
    assert result['failed'] is True


def test_source_that_the_kernel_leaves_after_a_while(machine):
    kernel = Kernel(['xen', 'hpet', 'tsc'], drops=['tsc'])
    result = switch(Module(), machine(kernel), 'tsc', 'xen')
    assert kernel.current == 'xen'
    assert 'left it for hpet' in result['reason']


def test_source_marked_unstable_while_it_is_tried(machine):
    kernel = Kernel(['xen', 'tsc'])
    kernel.log.append('[   99.000000] tsc: Marking TSC unstable due to clocksource watchdog')
    result = switch(Module(), machine(kernel), 'tsc', 'xen')
    assert kernel.current == 'xen'
    assert 'clocksource watchdog' in result['reason']


def test_leaving_an_unsafe_source_may_cost_speed(machine):
    kernel = Kernel(['kvm-clock', 'tsc', 'hpet'], override='tsc')
    result = switch(Module(), machine(kernel), 'kvm-clock', 'tsc', 'unsafe')
    assert kernel.current == 'kvm-clock'
    assert result['changed'] is True


def test_interrupted_measurement_leaves_the_old_source(machine, monkeypatch):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)

    def interrupted(root, name, seconds):
        raise KeyboardInterrupt
    monkeypatch.setattr(_clocksource, 'watch', interrupted)
    with pytest.raises(KeyboardInterrupt):
        switch(Module(), root, 'tsc', 'xen')
    assert kernel.current == 'xen'


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_signal_undoes_the_switch(machine, monkeypatch, number):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)
    monkeypatch.setattr(_clocksource, 'watch', lambda root, name, seconds: os.kill(os.getpid(), number))
    handler = signal.getsignal(number)
    result = switch(Module(), root, 'tsc', 'xen')
    assert (kernel.current, kernel.override) == ('xen', '')
    assert result['reason'] == 'the run was ended by signal %d; back on xen' % number
    assert (result['failed'], result['changed']) == (True, False)
    assert _state.load(root) == {}
    assert signal.getsignal(number) == handler


def test_second_signal_does_not_stop_the_undo(machine, monkeypatch):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)
    write = _clocksource.switch

    def undone(root, name):
        if name != 'tsc':
            os.kill(os.getpid(), signal.SIGTERM)
        return write(root, name)
    monkeypatch.setattr(_clocksource, 'switch', undone)
    monkeypatch.setattr(_clocksource, 'watch', lambda root, name, seconds: os.kill(os.getpid(), signal.SIGHUP))
    assert switch(Module(), root, 'tsc', 'xen')['after']['source'] == 'xen'
    assert kernel.current == 'xen'


@pytest.mark.parametrize('before, after, kept', [(7.0, 13.0, True), (7.0, 19.0, False), (1000.0, 1240.0, True),
                                                 (1000.0, 1300.0, False)])
def test_noise_is_no_reason_to_go_back(machine, monkeypatch, before, after, kept):
    kernel = Kernel(['kvm-clock', 'tsc'])
    root = machine(kernel)
    monkeypatch.setattr(_loop, 'counter_cost', lambda budget: {'kvm-clock': before, 'tsc': after}[kernel.current])
    assert switch(Module(), root, 'tsc', 'kvm-clock')['changed'] is kept


def test_signal_that_is_ignored_stays_ignored(machine, monkeypatch):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)

    def watch(root, name, seconds):
        os.kill(os.getpid(), signal.SIGHUP)
        return name
    monkeypatch.setattr(_clocksource, 'watch', watch)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert switch(Module(), root, 'tsc', 'xen')['changed'] is True
    finally:
        signal.signal(signal.SIGHUP, before)


def test_write_that_fails_leaves_no_record(machine, monkeypatch):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)

    def denied(root, name):
        raise OSError(30, 'Read-only file system')
    monkeypatch.setattr(_clocksource, 'switch', denied)
    result = switch(Module(), root, 'tsc', 'xen')
    assert 'cannot be written: the file system is read-only' in result['reason']
    assert result['changed'] is False
    assert _state.load(root) == {}


def test_clock_that_counts_ticks_cannot_be_slower_than_another(machine):
    kernel = Kernel(['tsc', 'jiffies'], override='jiffies')
    result = switch(Module(), machine(kernel), 'tsc', 'jiffies')
    assert kernel.current == 'tsc'
    assert (result['before']['ns'], result['speedup']) == (None, None)


def test_clock_that_counts_ticks_is_not_kept(machine):
    kernel = Kernel(['tsc', 'jiffies'])
    result = switch(Module(), machine(kernel), 'jiffies', 'tsc')
    assert kernel.current == 'tsc'
    assert 'counts ticks' in result['reason']


@pytest.mark.parametrize('record', ['xen', {}, {'source': 'xen'}, [], 0])
def test_restore_from_a_damaged_record(machine, record):
    root = machine(Kernel(['xen', 'tsc'], override='tsc'))
    _state.update(root, Module(), 'clocksource', record)
    with pytest.raises(ValueError, match='is damaged'):
        _switch.restore(Module(), root)


def test_restore_where_nothing_can_be_written(machine, monkeypatch):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)
    switch(Module(), root, 'tsc', 'xen')
    monkeypatch.setattr(_clocksource, 'read', lambda root: {
        'current': 'tsc', 'available': ['xen', 'tsc'], 'writable': False})
    result = _switch.restore(Module(), root)
    assert (result['failed'], result['changed'], result['action']) == (True, False, 'refused')
    assert 'read-only' in result['reason'] or 'become root' in result['reason']


def test_restore_goes_back_and_forgets(machine):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)
    switch(Module(), root, 'tsc', 'xen')
    assert _switch.restore(Module(), root)['changed'] is True
    assert (kernel.current, kernel.override) == ('xen', '')
    again = _switch.restore(Module(), root)
    assert again['changed'] is False
    assert 'no record' in again['reason']


def test_restore_of_a_source_that_is_gone(machine):
    kernel = Kernel(['xen', 'tsc'])
    root = machine(kernel)
    switch(Module(), root, 'tsc', 'xen')
    kernel.offered = ['tsc', 'hpet']
    result = _switch.restore(Module(), root)
    assert result['failed'] is True
    assert 'does not offer xen any more' in result['reason']
    assert _state.load(root)['clocksource']['source'] == 'xen'


BOOT = 'c9d0ff7e-31e6-4bd4-93d5-9f2ab5b0a4a1'


@pytest.fixture
def vain(machine, monkeypatch):
    """(root, kernel, module) after a switch from hpet to tsc that gained too little, in the boot ``BOOT``."""
    monkeypatch.setitem(COSTS, 'tsc', 1000.0)
    kernel, module = Kernel(['tsc', 'hpet'], override='hpet'), Module(min_speedup=1.2)
    root = machine(kernel, 'clocksource=hpet')
    boot = os.path.join(root.real('/proc'), 'sys', 'kernel', 'random')
    os.makedirs(boot)
    with open(os.path.join(boot, 'boot_id'), 'w') as file:
        file.write(BOOT + '\n')
    result = switch(module, root, 'tsc', 'hpet')
    assert (result['action'], result['changed'], result['failed'], kernel.current) == ('rolled_back', False, False, 'hpet')
    return root, kernel, module


def in_vain(root, module, name='tsc', old='hpet', ns=1100.0):
    gauge = _gauge.Gauge(NoProbe(), module.params, lambda: _switch.tried(root))
    gauge.by = 'loop'
    result = start(name, old)
    result['before']['ns'] = ns
    return gauge.in_vain(result)


def test_what_was_tried_in_vain_is_not_tried_again(vain):
    root, dummy, module = vain
    assert in_vain(root, module) == ('nothing to gain: hpet 1100.0 ns a read, and tsc took 1000.0 ns when it was tried '
                                     'in this boot (min_speedup 1.2)')
    assert list(_state.load(root)) == [_switch.TRIED]


@pytest.mark.parametrize('change', [
    {'name': 'kvm-clock'}, {'old': 'xen'}, {'ns': 1300.0}, {'module': Module(min_speedup=1.05)},
    {'module': Module(name='tsc')}])
def test_something_else_is_tried(vain, change):
    root, dummy, module = vain
    assert in_vain(**dict({'root': root, 'module': module}, **change)) is None


@pytest.mark.parametrize('record', [
    'x', {}, {'boot_id': BOOT}, {'boot_id': 'another', 'source': 'hpet', 'name': 'tsc', 'by': 'loop', 'before': 1100.0,
                                 'after': 1000.0}])
def test_another_boots_try_and_a_damaged_one_count_for_nothing(vain, record):
    root, dummy, module = vain
    _state.update(root, module, _switch.TRIED, record)
    assert in_vain(root, module) is None


def test_try_is_not_written_down_unasked_and_forgotten_by_restore(vain):
    root, dummy, module = vain
    assert _switch.restore(module, root)['changed'] is False
    assert _state.load(root) == {}
    switch(Module(min_speedup=1.2, remember=False), root, 'tsc', 'hpet')
    assert _state.load(root) == {}
