# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import struct

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _vmclock


def page(magic=0x4b4c4356, size=104, version=1, time_type=0, marker=7, flags=0, status=2, tai=0, max_error=0):
    """The fields one by one, as the header has them."""
    return b''.join([
        struct.pack('<I', magic), struct.pack('<I', size), struct.pack('<H', version), bytes([1, time_type]),
        struct.pack('<I', 4), struct.pack('<Q', marker), struct.pack('<Q', flags), bytes([0, 0, status, 0]),
        struct.pack('<h', tai), bytes([0, 0]), struct.pack('<7Q', 1, 2, 3, 4, 5, 6, 7), struct.pack('<Q', max_error),
    ]) + bytes(4096 - 104)


def test_a_page():
    assert _vmclock.parse(page(marker=2 ** 64 - 1)) == {
        'status': 'synchronized', 'time_type': 'utc', 'disruption_marker': 2 ** 64 - 1, 'disruption_expected': None,
        'tai_offset_seconds': None, 'max_error_ns': None}


@pytest.mark.parametrize('given, key, value', [
    (dict(status=4), 'status', 'unreliable'), (dict(status=9), 'status', None),
    (dict(time_type=1), 'time_type', 'tai'), (dict(time_type=7), 'time_type', None),
    (dict(flags=2), 'disruption_expected', 'day'), (dict(flags=6), 'disruption_expected', 'hour'),
    (dict(flags=1, tai=37), 'tai_offset_seconds', 37), (dict(flags=1, tai=-2), 'tai_offset_seconds', -2),
    (dict(flags=64, max_error=800), 'max_error_ns', 800),
    (dict(flags=64, max_error=800, size=96), 'max_error_ns', None)])
def test_fields(given, key, value):
    assert _vmclock.parse(page(**given))[key] == value


@pytest.mark.parametrize('data', [b'', bytes(4096), page()[:39], page(magic=1), page(version=2)])
def test_what_is_no_page(data):
    with pytest.raises(ValueError, match='the page is'):
        _vmclock.parse(data)


def test_it_is_read(tmp_path):
    (tmp_path / 'vmclock0').write_bytes(page(marker=42))
    assert _vmclock.read(str(tmp_path / 'vmclock0'))['disruption_marker'] == 42
