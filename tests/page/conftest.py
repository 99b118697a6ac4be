# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages in headless Chromium, the system's own: tools/browser.sh brings it."""
from __future__ import annotations

import os
import shutil

import pytest

from ansible_collections.cloudclock.linux.plugins.plugin_utils import _report, _write

from . import fleet as made
from . import play

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)


@pytest.fixture(scope='session', name='browser')
def headless_chromium():
    library = pytest.importorskip('playwright.sync_api', reason='there is no playwright: tools/browser.sh')
    if CHROMIUM is None:
        pytest.skip('there is no Chromium: tools/browser.sh')
    # root has no sandbox of Chromium's, and the page is ours
    arguments = ['--no-sandbox'] if os.geteuid() == 0 else []
    with library.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope='session', name='pages')
def written_pages(tmp_path_factory):
    """Folders by name: ``fleet`` is written by the playbook itself, the others by the room that renders."""
    folder = tmp_path_factory.mktemp('pages')
    done = play.run(folder, made.small())
    assert done.returncode == 2, done.stdout
    found = {'fleet': folder / 'clock-audit', 'output': done.stdout}
    hostile = {made.HOSTILE: made.hostile(), made.FORMULA: made.hostile(), 'nulls': made.nulls(),
               made.HOSTILE + '2': made.lost(made.HOSTILE), 'web-01': made.small()['web-01']}
    for name, fleet in (('hostile', hostile), ('unknown', made.unknown()), ('large', made.large(5000)), ('none', {})):
        report = _report.report(made.rows(fleet), '2026-11-21T04:30:00Z', 100000, ['-i', 'hosts.ini'])
        _write.write(folder / name, _report.render(report))
        found[name] = folder / name
    return found


@pytest.fixture(name='visit')
def open_page(browser, pages):
    """``visit(name, **context)``: the page, offline; what it asked for and what went wrong fails the test at its end."""
    contexts, requests, complaints = [], [], []

    def visit(name='fleet', anchor='', **more):
        context = browser.new_context(**dict({'offline': True, 'viewport': {'width': 1280, 'height': 900}}, **more))
        context.set_default_timeout(10000)
        contexts.append(context)
        page = context.new_page()
        page.on('request', lambda request: requests.append(request.url))
        page.on('console', lambda message: complaints.append(message.text) if message.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: complaints.append(str(error)))
        page.on('dialog', lambda dialog: complaints.append(dialog.message))
        page.goto(f'file://{pages[name]}/clocks.html{anchor}')
        return page

    visit.complaints = complaints
    yield visit
    for context in contexts:
        context.close()
    assert not complaints
    assert all(url.startswith('file:') and url.partition('#')[0].endswith('/clocks.html') for url in requests), requests
