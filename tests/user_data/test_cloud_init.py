# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real cloud-init makes of the cloud-config. It is unpacked, not installed: this machine's next boot is its own."""
from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from first_boot import REPO

PYTHON = '/usr/bin/python3'  # the one that Debian's packages are for
SHELLIFY = """
import sys, yaml
from cloudinit import util
sys.stdout.write(util.shellify(yaml.safe_load(open(sys.argv[1]))['runcmd']))
"""


@pytest.fixture(scope='module', name='unpacked')
def cloud_init(tmp_path_factory):
    """A folder that holds cloud-init and those of its packages that are not installed here."""
    if os.geteuid() or not shutil.which('apt-get') or not os.path.exists(PYTHON):
        pytest.skip('cloud-init is brought by apt-get, as root')
    folder = tmp_path_factory.mktemp('cloud-init')
    (folder / 'debs' / 'partial').mkdir(parents=True)
    folder.chmod(0o755)
    bring = ['apt-get', '-qq', '--no-install-recommends', '--download-only', '-o', 'Debug::NoLocking=1', '-o',
             f'Dir::Cache::archives={folder}/debs', '-y', 'install', 'cloud-init', 'python3-yaml']
    if subprocess.run(bring, stdin=subprocess.DEVNULL, timeout=200, check=False).returncode:
        subprocess.run([REPO / 'tools' / 'apt.sh', 'python3-yaml'], timeout=200, check=True)
        subprocess.run(bring, stdin=subprocess.DEVNULL, timeout=200, check=True)
    for package in (folder / 'debs').glob('*.deb'):
        subprocess.run(['dpkg-deb', '-x', package, folder], timeout=60, check=True)
    return folder


def run(unpacked, *arguments):
    return subprocess.run([PYTHON, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, PYTHONPATH=f'{unpacked}/usr/lib/python3/dist-packages'), encoding='utf-8',
                          timeout=60, check=False)


def schema(unpacked, path):
    program = unpacked / 'usr' / 'bin' / 'cloud-init'
    return run(unpacked, program if program.exists() else '/usr/bin/cloud-init', 'schema', '--config-file', path)


@pytest.mark.parametrize('method', ['unit', 'pull'])
def test_its_schema_takes_it(unpacked, texts, method):
    judged = schema(unpacked, texts['cloud-config', method].path)
    assert judged.returncode == 0 and 'Valid' in judged.stdout, judged.stdout


def test_its_schema_would_have_refused_another(unpacked, tmp_path):
    (tmp_path / 'user-data').write_text('#cloud-config\nruncmd: {sh: -c}\n')
    judged = schema(unpacked, tmp_path / 'user-data')
    assert judged.returncode != 0 and 'runcmd' in judged.stdout, judged.stdout


def test_the_script_that_it_makes_of_it_does_the_same(unpacked, texts, machine):
    """runcmd becomes a shell script, with each word quoted by cloud-init."""
    made = run(unpacked, '-c', SHELLIFY, texts['cloud-config', 'unit'].path)
    assert made.returncode == 0, made.stdout
    assert machine.boot(made.stdout)[0] == ['tsc is the clocksource now, it was hpet; waited 0 s',
                                            'cloudclock-clocksource.service takes tsc at each boot']
