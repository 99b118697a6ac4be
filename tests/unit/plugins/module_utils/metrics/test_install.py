# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation below a folder: what it writes, finds done, takes back and removes."""
import ast
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _install, _parts, _timer
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

TEXT = '/var/lib/prometheus/node-exporter'
PARAMS = {'directory': TEXT, 'interval': 300, 'budget_ms': 100, 'warp_budget_ms': 200, 'policy': []}


class Machine:
    """A folder with systemd, whose commands are answered here: ``fails`` is the one that does."""

    def __init__(self, path):
        self.path, self.calls, self.fails, self.active = path, [], None, False
        (path / 'run' / 'systemd' / 'system').mkdir(parents=True)
        (path / 'etc' / 'systemd' / 'system' / 'timers.target.wants').mkdir(parents=True)
        (path / 'var' / 'lib').mkdir(parents=True)
        (path / 'usr' / 'local' / 'lib').mkdir(parents=True)
        self.before = self.tree()

    fail_json = None

    def atomic_move(self, source, target):
        os.rename(source, target)

    def run(self, argv):
        words = ' '.join(argv)
        self.calls.append(words)
        if self.fails and self.fails in words:
            return 1, '', 'no'
        if 'compileall' in words:
            return subprocess.call([sys.executable] + argv[1:]), '', ''
        link = self.path / _timer.WANTED[1:]
        if words.startswith('systemctl enable'):
            if not os.path.lexists(str(link)):
                link.symlink_to(_timer.TIMER)
        elif words.startswith('systemctl disable'):
            self.active = False
            if os.path.lexists(str(link)):
                link.unlink()
        elif words == 'systemctl restart cloudclock-metrics.timer':
            self.active = True
        elif words == 'systemctl restart cloudclock-metrics.service':
            options = json.loads((self.path / _install.OPTIONS[1:]).read_text())
            (self.path / options['directory'][1:] / 'cloudclock.prom').write_text('good 1\n')
            (self.path / _install.STATE[1:]).write_text('{}')
        elif 'is-active' in words:
            return 0 if self.active else 3, '', ''
        return 0, '', ''

    def install(self, body=b'program', **params):
        install = _install.Install(self, Root(str(self.path)), self.run, lambda name: None)
        if params.pop('state', 'present') == 'absent':
            install.absent(TEXT)
        else:
            install.present(dict(PARAMS, **params), body)
        changed = install.change.changed or install.owed
        if changed:
            install.apply()
        return changed

    def tree(self):
        found = {}
        for folder, folders, names in os.walk(str(self.path)):
            for name in folders + names:
                path = os.path.join(folder, name)
                if '__pycache__' not in path:
                    with_data = os.path.isfile(path) and not os.path.islink(path)
                    found[os.path.relpath(path, str(self.path))] = open(path, 'rb').read() if with_data else None
        return found


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(_install, 'HOMES', ('/home/',))
    return Machine(tmp_path)


def test_the_list_of_rooms_is_all_that_they_import():
    """What is imported inside of a function is for other callers, but for the loop that stands in for the probe."""
    names = set(_parts.ROOMS) | set(_parts.OWN) | {'_metrics'}
    assert '_loop' in names
    for path, data in _parts.sources().items():
        for node in ast.parse(data.decode('utf-8')).body:
            if isinstance(node, ast.ImportFrom) and node.level:
                wanted = {node.module.split('.')[0]} if node.module else {alias.name for alias in node.names}
                assert wanted - names == set(), path


def test_it_installs_everything_and_then_finds_nothing_to_do(machine):
    assert machine.install()
    tree = machine.tree()
    for path in ('usr/local/lib/cloudclock/clockprobe', 'usr/local/lib/cloudclock/clockprobe.sha256',
                 'usr/local/lib/cloudclock/collector/parts/_metrics/_collect.py', 'etc/systemd/system/cloudclock-metrics.timer',
                 'var/lib/prometheus/node-exporter/cloudclock.prom'):
        assert path in tree
    assert tree['usr/local/lib/cloudclock/clockprobe'] == b'program'
    assert [call.split()[1] for call in machine.calls if call.startswith('systemctl')] == [
        'daemon-reload', 'restart', 'enable', 'restart']
    machine.calls = []
    assert not machine.install()
    assert machine.calls == ['systemctl is-active --quiet cloudclock-metrics.timer']
    assert machine.tree() == tree


def test_absent_removes_it_to_the_last_folder(machine):
    machine.install()
    assert machine.install(state='absent')
    assert machine.tree() == machine.before
    assert not machine.install(state='absent')


def test_absent_leaves_what_is_anothers(machine):
    (machine.path / TEXT[1:]).mkdir(parents=True)
    (machine.path / TEXT[1:] / 'apt.prom').write_text('apt 1\n')
    (machine.path / 'usr/local/lib/cloudclock').mkdir()
    (machine.path / 'usr/local/lib/cloudclock/clocksource.sh').write_text('ours too\n')
    before = machine.tree()
    machine.install()
    machine.install(state='absent')
    assert machine.tree() == before


@pytest.mark.parametrize('fails', ['compileall', 'metrics.service', 'enable --quiet', 'restart cloudclock-metrics.timer'])
def test_a_step_that_fails_leaves_the_machine_as_it_was(machine, fails):
    machine.fails = fails
    with pytest.raises(_install.Failed, match='Everything is as it was'):
        machine.install()
    assert machine.tree() == machine.before


def test_a_failed_update_leaves_the_version_before_running(machine):
    machine.install()
    tree = machine.tree()
    machine.fails = 'metrics.service'
    with pytest.raises(_install.Failed, match='Everything is as it was'):
        machine.install(body=b'newer', interval=600)
    assert machine.tree() == tree and machine.active
    assert os.listdir(str(machine.path / 'usr/local/lib/cloudclock/collector/parts/__pycache__'))


def test_a_stopped_timer_and_lost_byte_code_are_put_right(machine):
    machine.install()
    machine.active = False
    assert machine.install() and machine.active
    shutil.rmtree(str(machine.path / 'usr/local/lib/cloudclock/collector/parts/__pycache__'))
    assert machine.install() and not machine.install()


def test_another_folder_takes_the_metrics_along(machine):
    machine.install()
    machine.run = lambda argv: (0, '', '')
    machine.install(directory='/srv/text')
    tree = machine.tree()
    assert 'var/lib/prometheus/node-exporter/cloudclock.prom' not in tree and 'srv/text' in tree
    assert json.loads(tree['usr/local/lib/cloudclock/collector/options.json'].decode())['directory'] == '/srv/text'


def test_a_room_that_an_older_version_had_goes(machine):
    machine.install()
    old = machine.path / 'usr/local/lib/cloudclock/collector/parts/_older.py'
    old.write_text('')
    assert machine.install() and not old.exists()


def test_an_update_that_fails_leaves_the_collector_though_it_had_made_a_folder(machine):
    machine.install()
    tree = machine.tree()
    machine.fails = 'metrics.service'
    with pytest.raises(_install.Failed, match='Everything is as it was'):
        machine.install(directory='/srv/text')
    assert machine.tree() == tree and machine.active


@pytest.mark.parametrize('folder', [TEXT, os.path.dirname(_install.STATE)])
def test_a_folder_that_went_is_made_again(machine, folder):
    machine.install()
    shutil.rmtree(str(machine.path) + folder)
    assert machine.install() and os.path.isdir(str(machine.path) + folder)
    assert not machine.install()
    machine.install(state='absent')
    assert machine.tree() == machine.before


def test_a_run_that_is_under_way_is_let_finish_and_what_it_writes_goes(machine):
    machine.install()
    metrics = machine.path / TEXT[1:] / 'cloudclock.prom'
    metrics.unlink()
    fd = os.open(str(machine.path) + os.path.dirname(_install.STATE), os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)

    def finish():
        metrics.write_text('late 1\n')
        os.close(fd)
    run = threading.Timer(0.5, finish)
    run.start()
    machine.install(state='absent')
    run.join()
    assert machine.tree() == machine.before


def test_the_metrics_go_though_the_rest_was_removed_by_hand(machine):
    machine.install()
    shutil.rmtree(str(machine.path / 'usr/local/lib/cloudclock'))
    assert machine.install(state='absent')
    left = set(machine.tree()) - set(machine.before)
    assert left == {'var/lib/prometheus', TEXT[1:]}
    assert not machine.install(state='absent')


def test_what_a_killed_run_left_goes_too(machine):
    machine.install()
    for path in (TEXT + '/cloudclock.prom.new', _install.STATE + '.new'):
        with open(str(machine.path) + path, 'w') as left:
            left.write('half')
    assert machine.install(state='absent')
    assert machine.tree() == machine.before


def test_a_link_in_the_metrics_place_goes_and_not_what_it_names(machine):
    """The textfile folder is often another user's to write."""
    precious = machine.path / 'etc' / 'shadow'
    precious.write_text('precious')
    machine.install()
    metrics = machine.path / TEXT[1:] / 'cloudclock.prom'
    metrics.unlink()
    metrics.symlink_to('/etc/shadow')
    install = _install.Install(machine, Root(str(machine.path)), machine.run, lambda name: None)
    install.absent(TEXT)
    assert 'precious' not in json.dumps(_install.diff(install))
    install.apply()
    assert precious.read_text() == 'precious' and not os.path.lexists(str(metrics))


def test_folders_that_it_made_for_another_directory_go_with_the_rest(machine):
    machine.install(directory='/srv/text')
    machine.install(directory='/srv/text2')
    machine.install()
    machine.install(state='absent')
    assert machine.tree() == machine.before


def test_a_slash_at_the_end_is_the_same_folder(machine):
    machine.install(directory='/srv/text')
    assert not machine.install(directory='/srv/text/')


def test_others_can_read_what_is_theirs_to_read_whatever_roots_umask_is(machine):
    before = os.umask(0o077)
    try:
        machine.install()
    finally:
        os.umask(before)
    modes = {path: os.stat(str(machine.path) + path).st_mode & 0o777
             for path in (os.path.dirname(TEXT), TEXT, _install.LIB, _install.PROBE, '/var/lib/cloudclock')}
    assert modes == {os.path.dirname(TEXT): 0o755, TEXT: 0o755, _install.LIB: 0o755, _install.PROBE: 0o755,
                     '/var/lib/cloudclock': 0o700}


def test_a_probe_that_nobody_may_run_is_put_right(machine):
    machine.install()
    os.chmod(str(machine.path) + _install.PROBE, 0o644)
    assert machine.install() and os.access(str(machine.path) + _install.PROBE, os.X_OK)


def test_the_python_is_named_so_that_an_update_of_the_machine_does_not_lose_it(machine, tmp_path, monkeypatch):
    stable, versioned = tmp_path / 'python3', tmp_path / 'python3.11'
    versioned.write_text('')
    versioned.chmod(0o755)
    stable.symlink_to(versioned)
    monkeypatch.setattr(_install, 'PYTHONS', (str(stable),))
    monkeypatch.setattr(sys, 'executable', str(versioned))
    install = _install.Install(machine, Root(str(machine.path)), machine.run, lambda name: None)
    install.present(dict(PARAMS), b'')
    assert install.python == str(stable)
    other = tmp_path / 'python3.12'
    other.write_text('')
    other.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(other))
    install.present(dict(PARAMS), b'')
    assert install.python == str(other)


@pytest.mark.parametrize('directory', ['relative', '/srv/../etc', '/srv/a b', '/srv/%h', '/home/me/text', '/'])
def test_a_folder_that_a_unit_could_not_name_or_see_is_refused(machine, directory):
    with pytest.raises(ValueError, match='directory: '):
        machine.install(directory=directory)
    assert machine.tree() == machine.before


def test_diff_mode_shows_units_in_full_and_programs_by_their_sum(machine):
    install = _install.Install(machine, Root(str(machine.path)), machine.run, lambda name: None)
    install.present(dict(PARAMS), b'\x7fELF')
    shown = {entry['after_header']: entry['after'] for entry in _install.diff(install)}
    assert shown[_install.PROBE].startswith('sha256 ') and shown[_install.COLLECTOR + '/parts/_facts.py'].startswith('sha256 ')
    assert 'OnUnitActiveSec=300' in shown[_timer.TIMER]
