# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import pathlib

import pytest
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _layout, _plan
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

MACHINES = json.loads((pathlib.Path(__file__).parents[5] / 'tests' / 'machines' / 'chrony.json').read_text())


def lay(path, files):
    for name, text in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return Root(str(path))


@pytest.mark.parametrize('case', MACHINES, ids=lambda case: case['id'])
def test_recorded_machines(tmp_path, case):
    layout = _layout.Layout(lay(tmp_path, case['files']))
    assert case['source']
    assert {key: getattr(layout, key) for key in ('conf', 'dropin', 'service', 'manager', 'folder')} == {
        key: case['expect'][key] for key in ('conf', 'dropin', 'service', 'manager', 'folder')}
    assert layout.chronyd == '/usr/sbin/chronyd'


def names(root, conf='/etc/chrony.conf'):
    return [entry.args[0] for entry in _layout.expand(root, conf)
            if entry.name not in ('include', 'confdir', 'sourcedir')]


def test_includes_in_chronyds_order(tmp_path):
    root = lay(tmp_path, {
        'etc/chrony.conf': 'server first\nInclude /etc/a/*.conf\nCONFDIR /etc/c1 /etc/c2\nsourcedir /etc/s\n'
                           'include /etc/none.conf\ninclude /etc/none/*.conf\nserver last\n',
        'etc/a/2.conf': 'server a2\n', 'etc/a/1.conf': 'server a1\ninclude /etc/deep.conf\n',
        'etc/a/x.txt': 'server no\n',
        'etc/a/.hidden.conf': 'server no\n', 'etc/deep.conf': 'server deep\n',
        'etc/c1/b.conf': 'server c1b\n', 'etc/c2/b.conf': 'server no\n', 'etc/c2/a.conf': 'server c2a\n',
        'etc/s/x.sources': 'server s\n', 'etc/s/x.conf': 'server no\n'})
    assert names(root) == ['first', 'a1', 'deep', 'a2', 'c2a', 'c1b', 's', 'last']


def test_a_file_that_includes_itself_ends(tmp_path):
    root = lay(tmp_path, {'etc/chrony.conf': 'server a\ninclude /etc/chrony.conf\n'})
    assert 1 < len(names(root)) < 20


def test_the_file_that_the_service_is_told_to_read(tmp_path):
    root = lay(tmp_path, {'etc/chrony/chrony.conf': '', 'etc/other.conf': 'rtcsync\n',
                          'etc/default/chrony': '# -f /etc/no\nDAEMON_OPTS="-F 1 -f /etc/other.conf"\n'})
    assert _layout.Layout(root).conf == '/etc/other.conf'


def test_gentoos_way_to_name_it(tmp_path):
    root = lay(tmp_path, {'etc/chrony/chrony.conf': '', 'etc/my.conf': '',
                          'etc/conf.d/chronyd': 'CFGFILE="/etc/my.conf"\n'})
    assert _layout.Layout(root).conf == '/etc/my.conf'


def test_no_drop_in_below_run(tmp_path):
    root = lay(tmp_path, {'etc/chrony.conf': 'confdir /run/x\ninclude /etc/y/*.inc\nconfdir /run/z /etc/z/\n'})
    assert _layout.Layout(root).dropin == '/etc/z/cloudclock-ptp.conf'


@pytest.mark.parametrize('args, index, name', [
    (['PHC', '/dev/ptp0'], 0, 'PHC0'), (['PHC', '/dev/ptp0', 'poll', '2'], 3, 'PHC3'),
    (['PHC', '/dev/ptp0'], 12, 'PH12'),
    (['PHC', '/dev/ptp0', 'RefID', 'KVM'], 5, 'KVM'), (['SOCK', '/x'], 1, 'SOC1')])
def test_what_chronyc_calls_a_refclock(args, index, name):
    assert _plan.name_of(args, index) == name
