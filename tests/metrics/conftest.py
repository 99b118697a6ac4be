# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real promtool and node_exporter, out of Debian's packages, and a collector as the module installs it."""
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _parts
from ansible_collections.cloudclock.linux.plugins.plugin_utils import _compilers

REPO = Path(__file__).resolve().parents[2]
PLAY = '''
- hosts: localhost
  connection: local
  gather_facts: false
  roles:
    - role: cloudclock.linux.clock_metrics
'''
RULES = REPO / 'roles' / 'clock_metrics' / 'files' / 'cloudclock.rules.yml'
PROGRAMS = REPO / '.cache' / 'prometheus'


@pytest.fixture(scope='session')
def programs():
    """The folder that holds Debian's promtool and prometheus-node-exporter; they are not installed."""
    done = subprocess.run([REPO / 'tools' / 'debs.sh', PROGRAMS, 'prometheus', 'prometheus-node-exporter'], timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', check=False)
    if done.returncode:
        pytest.skip('Debian\'s Prometheus cannot be had here: ' + done.stdout.strip()[-300:])
    return PROGRAMS / 'usr' / 'bin'


@pytest.fixture(scope='session')
def program():
    """The probe, compiled for this machine."""
    for command in _compilers.compilers(os.uname().machine):
        return _compilers.build(command, os.uname().machine, _compilers.source_files(), time.monotonic() + 240)
    pytest.skip('no C compiler here')


@pytest.fixture
def collector(tmp_path, program):
    """What clock_metrics lays down, in a folder of its own: ``run()`` it, look at ``metrics``, change ``options``."""
    home = tmp_path / 'cloudclock' / 'collector'
    for path, data in _parts.sources().items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(data)
    probe = home.parent / 'clockprobe'
    probe.write_bytes(program)
    probe.chmod(0o755)
    (home.parent / 'clockprobe.sha256').write_text(hashlib.sha256(program).hexdigest() + '  clockprobe\n')
    folder, state = tmp_path / 'textfile', tmp_path / 'state' / 'state.json'
    folder.mkdir()
    state.parent.mkdir()
    options = {'directory': str(folder), 'state': str(state), 'interval': 300, 'budget_ms': 100, 'warp_budget_ms': 50,
               'policy': []}
    (home / 'options.json').write_text(json.dumps(options))

    def run(*around, python=sys.executable, **options):
        return subprocess.run([*around, python, '-I', '-S', '-B', home], timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding='utf-8', check=False, **options)
    return SimpleNamespace(run=run, home=home, probe=probe, folder=folder, state=state, options=options,
                           metrics=folder / 'cloudclock.prom')


def samples(text):
    """``{name{labels}: value}`` of the text format."""
    return {name: float(value) for name, value in
            (line.rsplit(' ', 1) for line in text.splitlines() if line and not line.startswith('#'))}
