# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import namespaces


@pytest.fixture
def namespace(tmp_path):
    why = namespaces.why_not()
    if why:
        pytest.skip(why)
    name = 'cloudclock-%d' % os.getpid()
    subprocess.run(['ip', 'netns', 'add', name], check=True, timeout=10)
    made = None
    try:
        made = namespaces.Namespace(name, tmp_path)
        yield made
    finally:
        if made:
            made.remove()
        else:
            subprocess.run(['ip', 'netns', 'delete', name], check=True, timeout=10)
    listed = subprocess.run(['ip', 'netns', 'list'], check=True, timeout=10, stdout=subprocess.PIPE).stdout.decode()
    assert name not in listed.split()
