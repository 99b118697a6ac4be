# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lab'))


def pytest_terminal_summary(terminalreporter):
    """Where a check failed, what the machine itself said last."""
    if not terminalreporter.stats.get('failed') and not terminalreporter.stats.get('error'):
        return
    for console in glob.glob(os.path.join(os.environ['MOLECULE_EPHEMERAL_DIRECTORY'], '*', 'console')):
        terminalreporter.section('the end of ' + console)
        with open(console, encoding='utf-8', errors='replace') as lines:
            terminalreporter.write(''.join(lines.readlines()[-40:]))
