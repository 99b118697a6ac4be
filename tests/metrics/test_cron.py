# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a machine without systemd, for real: this one in a mount namespace, with Debian's cron.

Layers over /etc, /usr/local and /var take what is written, and /run is empty, so that no systemd is seen there.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PLAY, REPO, samples

CRON = REPO / '.cache' / 'cron'
TEXT = '/var/lib/text/node'
MOUNTS = '''
mount -t tmpfs none "$1" || exit
for place in etc usr/local var; do
    layer=$1/$(echo $place | tr / -)
    mkdir "$layer" "$layer.work"
    mount -t overlay -o "lowerdir=/$place,upperdir=$layer,workdir=$layer.work" none "/$place" || exit
done
mount -t tmpfs none /run || exit
mkdir -p /etc/cron.d /var/spool/cron/crontabs
rm -f /etc/cron.d/* /etc/crontab
echo ready
exec cat
'''


class Machine:
    def __init__(self, play, pid, layers):
        self.play, self.pid, self.layers = play, pid, layers
        play.write_text(PLAY)

    def command(self, *words):
        return ['nsenter', '--mount', '--target', str(self.pid), *words]

    def run(self, *words, **how):
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding='utf-8', timeout=300, check=False, **how)

    def role(self, *words, **options):
        """(how many tasks changed something, what was printed) of a run with these variables, by a root who shares nothing."""
        variables = {'clock_metrics_' + name: value for name, value in options.items()}
        environment = dict(os.environ, ANSIBLE_CONFIG=str(REPO / 'ansible.cfg'), ANSIBLE_NOCOLOR='1', LC_ALL='C.UTF-8',
                           PATH=f'{Path(sys.executable).parent}:{CRON}/usr/sbin:{os.environ["PATH"]}')
        done = self.run('ansible-playbook', '-i', 'localhost,', *words, '-e', json.dumps(dict(
            variables, ansible_python_interpreter='/usr/bin/python3')), str(self.play), env=environment, cwd=str(REPO),
            umask=0o077)
        assert done.returncode == 0, done.stdout
        return int(re.search(r'changed=(\d+)', done.stdout).group(1)), done.stdout

    def tree(self):
        """What was written, by the layers, as others may install something below them; a folder that is there too is not."""
        places = {'etc': '/etc', 'usr-local/lib': '/usr/local/lib', 'var/lib': '/var/lib'}
        found = []
        for layer, place in places.items():
            folder = self.layers / layer
            # a folder's size is the layer's
            lines = self.run('sh', '-c', '[ ! -d "$1" ] || exec find "$1" -mindepth 1 -type d -printf "%P %m\\n" '
                             '-o -mindepth 1 -printf "%P %y %m %l %s\\n"', 'sh', folder).stdout.splitlines()
            for line in lines:
                name, _space, rest = line.partition(' ')
                below = Path(place) / name
                if not (below.is_dir() and rest == '%o' % (below.stat().st_mode & 0o7777)):
                    found.append('%s %s' % (below, rest))
        return sorted(found)

    def last_run(self):
        """As node_exporter sees it, which is not root."""
        shown = samples(self.run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'cat',
                                 TEXT + '/cloudclock.prom').stdout)
        return shown['node_clock_last_run_timestamp_seconds']


@pytest.fixture
def machine(tmp_path):
    if os.geteuid() or not shutil.which('unshare') or not os.path.exists('/usr/bin/python3'):
        pytest.skip('layers of our own take root, unshare and the system\'s Python')
    if subprocess.call([REPO / 'tools' / 'debs.sh', CRON, 'cron'], timeout=300):
        pytest.skip('Debian\'s cron cannot be had here')
    (tmp_path / 'layers').mkdir()
    with subprocess.Popen(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MOUNTS, 'sh', tmp_path / 'layers'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8') as process:
        said = process.stdout.readline()
        if said != 'ready\n':
            pytest.skip('no layers of our own here: ' + said)
        yield Machine(tmp_path / 'play.yml', process.pid, tmp_path / 'layers')
        process.stdin.close()


@contextlib.contextmanager
def cron(machine):
    with subprocess.Popen(machine.command(CRON / 'usr' / 'sbin' / 'cron', '-f'), stdin=subprocess.DEVNULL) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def test_cron_runs_it_and_it_is_removed_to_the_last_folder(machine):
    before = machine.tree()
    assert machine.role('--check', '--diff', interval=60, directory=TEXT)[0] == 1
    assert machine.tree() == before
    changed, said = machine.role(interval=60, directory=TEXT)
    assert changed == 1 and TEXT + ' was not there and is made' in said
    assert machine.tree() != before
    changed, said = machine.role(interval=60, directory=TEXT)
    assert changed == 0 and 'WARNING' not in said
    first = machine.last_run()
    with cron(machine):
        deadline = time.monotonic() + 150
        while machine.last_run() == first and time.monotonic() < deadline:
            time.sleep(0.5)
    assert first < machine.last_run()
    assert machine.role(state='absent')[0] == 1
    assert machine.tree() == before
    assert machine.role(state='absent')[0] == 0
