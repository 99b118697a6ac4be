# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._change import Change
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

SHELLS = [['dash'], ['bash', '--posix']]
NAMES = ('GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT', 'GRUB_CMDLINE_LINUX_XEN_REPLACE',
         'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT')


def sourced(shell, *texts):
    """What a real shell makes of files sourced in order under ``set -e``: ``(exit status, the four variables)``."""
    script = 'set -e\n' + ''.join('eval "$%d"\n' % (index + 1) for index in range(len(texts)))
    script += 'printf "%s\\036" ' + ' '.join('"${%s-}"' % name for name in NAMES)
    done = subprocess.run(shell + ['-c', script, 'sh'] + list(texts), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={'PATH': '/usr/bin:/bin'}, check=False)
    return done.returncode, done.stdout.decode('utf-8', 'surrogateescape').split('\036')[:-1]


@pytest.fixture(scope='session', params=[shell for shell in SHELLS if shutil.which(shell[0])], ids=lambda s: s[0])
def shell(request):
    return request.param


@pytest.fixture
def lay(tmp_path):
    """``lay({path: text})`` writes files below a fresh root and returns its Root."""
    def write(files):
        for path, text in files.items():
            target = tmp_path / path.lstrip('/')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode('utf-8'))
        return Root(str(tmp_path))
    return write


class Plan:
    """A backend's plan on a root: ``after(path)`` is a file's text once it is applied."""

    def __init__(self, backend, wish):
        self.change = Change(backend.root)
        self.future = backend.plan(wish, self.change, None)
        self.paths = [edit.path for edit in self.change.files]

    def after(self, path):
        return next(edit.after for edit in self.change.files if edit.path == path).decode('utf-8')


@pytest.fixture
def plan():
    return Plan
