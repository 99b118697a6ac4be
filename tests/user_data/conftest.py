# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from first_boot import BIN, PULL, REPO, UNIT, Machine, why_not


@pytest.fixture(scope='session')
def write(tmp_path_factory):
    """``write(**variables)`` runs the playbook: the text that it wrote, or None, and what it printed."""
    def run(**variables):
        here = tmp_path_factory.mktemp('written')
        (here / 'variables').write_text(json.dumps(variables))
        (here / 'ansible.cfg').write_text('')
        done = subprocess.run(
            [BIN / 'ansible-playbook', 'cloudclock.linux.user_data', '-e', '@variables'], cwd=here,
            env=dict(os.environ, PYTHONUTF8='1', ANSIBLE_COLLECTIONS_PATH=str(REPO / '.collections'), ANSIBLE_NOCOLOR='1',
                     ANSIBLE_CONFIG=str(here / 'ansible.cfg'), ANSIBLE_LOCAL_TEMP=str(here / 'tmp')),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=120,
            check=False)
        path = here / 'user-data'
        assert (done.returncode == 0) == path.exists(), done.stdout
        return SimpleNamespace(text=path.read_text() if path.exists() else None, path=path,
                               said=re.sub(r'\s+', ' ', done.stdout))
    return run


@pytest.fixture(scope='session')
def texts(write):
    """Both kinds by both methods; nothing in the tests changes them."""
    return {(kind, method): write(user_data_kind=kind, **dict(UNIT, **(PULL if method == 'pull' else {})))
            for kind in ('shell', 'cloud-config') for method in ('unit', 'pull')}


@pytest.fixture
def machine(tmp_path):
    why = why_not()
    if why:
        pytest.skip(why)
    return Machine(tmp_path)
