# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in docs/audit.md, from the playbook over the made-up fleet: `python -m tests.page.picture PNG`."""
from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from . import fleet, play
from .conftest import CHROMIUM

# One or more of each kind, so that the whole page is in the picture.
SHOWN = ('web-01', 'web-02', 'web-04', 'web-07', 'web-08', 'web-12', 'db-01', 'db-02', 'api-01', 'arm-01', 'arm-02', 'win-01', 'lab-01', 'lab-02',
         'lab-03', 'lab-04', 'build-01', 'old-01', 'old-02', 'old-03')
SIZE = {'width': 1200, 'height': 900}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        whole = fleet.small()
        play.run(Path(folder), {name: whole[name] for name in SHOWN})
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'] if os.geteuid() == 0 else [])
        page = chromium.new_page(viewport=SIZE, color_scheme='light')
        page.goto(f'file://{folder}/clock-audit/clocks.html')
        page.screenshot(path=sys.argv[1], full_page=True)
        chromium.close()


if __name__ == '__main__':
    main()
