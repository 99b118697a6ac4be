# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of all hosts as JUnit XML: a test suite a host, a test case a check."""
from __future__ import annotations

import re
import xml.etree.ElementTree as tree

from ._checks import Check

# What XML 1.0 cannot hold, not even escaped (section 2.2, Char).
NO_CHARACTERS = re.compile('[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def junit(hosts: dict[str, list[Check]], name: str, made: str) -> str:
    """``made`` is the time as CI systems read it: 2026-01-31T12:00:00.

    What failed is a failure, a host that gave nothing to check an error, what is not known and need not be is skipped, and
    none of them is a pass.
    """
    suites = tree.Element('testsuites', name=name)
    for host, checks in hosts.items():
        suite = tree.SubElement(suites, 'testsuite', name=_clean(host), timestamp=made, time='0')
        _count(suite, checks)
        # of a suite only: the schema that Jenkins goes by has no such attribute of all suites
        suite.set('skipped', str(sum(check.excused for check in checks)))
        for check in checks:
            case = tree.SubElement(suite, 'testcase', classname=f'{name}.{_clean(host)}', name=check.name, time='0')
            line = _clean(f'{host}: {check.sentence()}')
            if check.failed:
                kind = 'unknown' if check.passed is None else 'failed'
                tree.SubElement(case, 'error' if check.error else 'failure', message=line, type=kind).text = line
            elif check.excused:
                tree.SubElement(case, 'skipped', message=line)
            else:
                tree.SubElement(case, 'system-out').text = _clean(check.seen)
    _count(suites, [check for checks in hosts.values() for check in checks])
    tree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tree.tostring(suites, encoding='unicode') + '\n'


def _count(element, checks):
    element.set('tests', str(len(checks)))
    element.set('failures', str(sum(check.failed and not check.error for check in checks)))
    element.set('errors', str(sum(check.error for check in checks)))


def _clean(text: str) -> str:
    return NO_CHARACTERS.sub('?', text)
