# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lab'))


def pytest_terminal_summary(terminalreporter):
    if terminalreporter.stats.get('failed') or terminalreporter.stats.get('error'):
        import console
        for path, end in console.ends():
            terminalreporter.section('the end of ' + path)
            terminalreporter.write(end)
