# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages: their links lead somewhere, the index names them all, and what they call is there."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.cloudclock.linux.plugins.module_utils import _policy

HERE = Path(__file__).resolve().parent.parent.parent
PAGES = sorted({*HERE.glob('*.md'), *HERE.glob('docs/*.md'), *HERE.glob('roles/*/*.md'), *HERE.glob('benchmarks/*.md'),
                *HERE.glob('molecule/**/*.md')})
CHECKOUT_ONLY = yaml.safe_load((HERE / 'galaxy.yml').read_text())['build_ignore']
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
        if page.relative_to(HERE).parts[0] not in CHECKOUT_ONLY:
            assert target.relative_to(HERE).parts[0] not in CHECKOUT_ONLY, f'{link} is not in the package'
        assert not anchor or anchor in anchors(target), link


def test_the_index_names_every_page():
    index = (HERE / 'docs' / 'README.md').read_text()
    missing = [page.name for page in HERE.glob('docs/*.md') if page.name != 'README.md' and f'({page.name})' not in index]
    assert not missing


@pytest.mark.parametrize('page, row, named', [
    ('molecule/README.md', '| `{}` |', [path.parent.name for path in HERE.glob('molecule/*/molecule.yml')]),
    ('benchmarks/README.md', '## `{}`', [path.name for path in HERE.glob('benchmarks/*.py') if "'__main__'" in path.read_text()]),
    ('CONTRIBUTING.md', '`tests/{}`', [path.name for path in HERE.glob('tests/[!_.]*') if path.is_dir() and path.name != 'output']),
], ids=['scenarios', 'benchmarks', 'tests'])
def test_each_folder_or_program_has_its_row(page, row, named):
    text = (HERE / page).read_text()
    assert len(named) > 5
    assert [name for name in named if row.format(name) not in text] == []


def test_the_policys_page_has_the_policys_rows():
    cells = [[cell.strip() for cell in line.split('|')] for line in (HERE / 'docs/policy.md').read_text().splitlines()]
    told = {name: tuple(row[3:5]) for row in cells if len(row) == 7 for name in row[1].split(', ')}
    for row in [*_policy.ROWS, _policy.ARM_ROW]:
        # Who offers arch_sys_counter has the last row, whatever other rows say.
        choice = [name for name in row['prefer'] if name != 'arch_sys_counter' or row is _policy.ARM_ROW]
        assert told[row['id']] == (', '.join(choice), ', '.join(row['acceptable']))


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_make_targets_that_are_named_exist(page):
    text = page.read_text()
    for target in set(re.findall(r'`make ([a-z-]+)', text) + re.findall(r'^\$ make ([a-z-]+)', text, re.MULTILINE)):
        done = subprocess.run(['make', '--question', '--no-builtin-rules', target], cwd=HERE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, check=False)
        assert b'No rule to make target' not in done.stdout, target
