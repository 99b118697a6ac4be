# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages: their links lead somewhere, the index names them all, and what they call is there."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent.parent
PAGES = sorted({*HERE.glob('*.md'), *HERE.glob('docs/*.md'), *HERE.glob('roles/*/*.md'), *HERE.glob('benchmarks/*.md'),
                *HERE.glob('molecule/**/*.md')})
IDS = [str(page.relative_to(HERE)) for page in PAGES]


def anchors(page):
    headings = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_links_lead_to_a_file_and_a_heading(page):
    for link in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if re.match(r'https?://', link):
            continue
        path, _hash, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_names_every_page():
    index = (HERE / 'docs' / 'README.md').read_text()
    missing = [page.name for page in HERE.glob('docs/*.md') if page.name != 'README.md' and f'({page.name})' not in index]
    assert not missing


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_make_targets_that_are_named_exist(page):
    text = page.read_text()
    for target in set(re.findall(r'`make ([a-z-]+)', text) + re.findall(r'^\$ make ([a-z-]+)', text, re.MULTILINE)):
        done = subprocess.run(['make', '--question', '--no-builtin-rules', target], cwd=HERE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, check=False)
        assert b'No rule to make target' not in done.stdout, target
