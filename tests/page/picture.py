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

# The summary, the chart and the sources; the machines; a card.
SIZE = {'width': 1200, 'height': 1960}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        play.run(Path(folder), fleet.small())
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'] if os.geteuid() == 0 else [])
        page = chromium.new_page(viewport=SIZE, color_scheme='light')
        page.goto(f'file://{folder}/clock-audit/clocks.html')
        page.screenshot(path=sys.argv[1])
        chromium.close()


if __name__ == '__main__':
    main()
