# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import struct

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _audit
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

ARCH, B64, B32, ARM64 = 11, 0xC000003E, 0x40000003, 0xC00000B7
EQUAL, NOT_EQUAL = 0x40000000, 0x30000000


def rule(numbers, fields=(), flags=4, action=2, key=b''):
    """As the kernel lists one; ``fields``: (number, operator, value)."""
    mask = [0] * 64
    for number in range(2048) if numbers == 'all' else numbers:
        mask[number >> 5] |= 1 << (number & 31)

    def column(index):
        return [field[index] for field in fields] + [0] * (64 - len(fields))
    return struct.pack('=259I', flags, action, len(fields), *(mask + column(0) + column(2) + column(1))) + struct.pack(
        '=I', len(key)) + key


@pytest.mark.parametrize('rules, texts, calls', [
    ([], [], {}),
    ([rule([228], [(ARCH, EQUAL, B64)])], ['always: b64 clock_gettime'], {'64-bit': ['clock_gettime']}),
    # the same number is another call in the other ABI
    ([rule([228], [(ARCH, EQUAL, B32)])], [], {}),
    ([rule([265, 13], [(ARCH, EQUAL, B32)], action=0, key=b'k')], ['never: b32 clock_gettime, time'], {'32-bit': ['clock_gettime', 'time']}),
    ([rule([228])], ['always: b64 clock_gettime'], {'64-bit': ['clock_gettime']}),
    ([rule('all', [(ARCH, EQUAL, B64)])], ['always: b64 clock_gettime, gettimeofday, time'], {'64-bit': ['clock_gettime', 'gettimeofday', 'time']}),
    ([rule([228], [(ARCH, NOT_EQUAL, B32)])], ['always: b64 clock_gettime'], {'64-bit': ['clock_gettime']}),
    # adjtimex, settimeofday, clock_settime: set the time, and so are in many rule sets
    ([rule([159, 164, 227], [(ARCH, EQUAL, B64)])], [], {}),
    # -w /etc/passwd -p wa; -w /etc; another list; another machine
    ([rule('all', [(105, EQUAL, 11), (106, EQUAL, 10)])], [], {}),
    ([rule('all', [(107, EQUAL, 4)])], [], {}),
    ([rule('all', flags=1)], [], {}),
    ([rule('all', [(ARCH, EQUAL, ARM64)])], [], {}),
    ([rule([228]), rule([228, 96])], ['always: b64 clock_gettime', 'always: b64 clock_gettime, gettimeofday'],
     {'64-bit': ['clock_gettime', 'gettimeofday']}),
])
def test_rules_on_x86(rules, texts, calls):
    assert _audit.judge(rules, 'x86_64', True) == {'enabled': True, 'total': len(rules), 'reading_time': texts, 'calls': calls}


@pytest.mark.parametrize('rules, enabled, held', [
    ([rule([228])], True, True), ([rule([228])], False, False),
    # -a never,task, as Fedora's and RHEL's default; only for some, which concerns the others no less
    ([rule([228]), rule([], flags=1, action=0)], True, False),
    ([rule([228]), rule([], [(1, EQUAL, 33)], flags=1, action=0)], True, True)])
def test_rules_that_are_not_in_force(rules, enabled, held):
    found = _audit.judge(rules, 'x86_64', enabled)
    assert (bool(found['reading_time']), bool(found['calls'])) == (held, held)
    assert (found['enabled'], found['total']) == (enabled, len(rules))


def test_rules_elsewhere():
    assert _audit.judge([rule([113, 169])], 'aarch64', True)['reading_time'] == ['always: b64 clock_gettime, gettimeofday']
    assert _audit.judge([rule('all')], 'riscv64', True)['calls'] == {}


def message(kind, body=b''):
    return struct.pack('=IHHII', 16 + len(body), kind, 0, 1, 0) + body


ON = message(1000, struct.pack('=10I', 0, 1, 1, 0, 0, 64, 0, 0, 127, 15000))


class Line:
    """A netlink socket that answers this."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def __call__(self, *args):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def settimeout(self, seconds):
        assert seconds <= 1

    def send(self, data):
        self.sent.append(data)

    def recv(self, size):
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


@pytest.fixture(name='kernel')
def answers(monkeypatch):
    def lay(*given):
        line = Line(*given)
        monkeypatch.setattr(socket, 'socket', line)
        monkeypatch.setattr('os.uname', lambda: type('Name', (), {'machine': 'x86_64'}))
        return line
    return lay


def test_the_kernel_is_asked_to_list_its_rules(kernel):
    line = kernel(ON, message(1013, rule([228], key=b'abc') + b'\0') + message(1013, rule([1])), message(1013, rule([96])) + message(3))
    found = _audit.read(Root('/'))
    assert found == {'enabled': True, 'total': 3, 'reading_time': ['always: b64 clock_gettime', 'always: b64 gettimeofday'],
                     'calls': {'64-bit': ['clock_gettime', 'gettimeofday']}, 'reason': None}
    assert [struct.unpack('=IHHII', sent)[:3] for sent in line.sent] == [(16, 1000, 1), (16, 1013, 1)]


@pytest.mark.parametrize('answer, words', [
    (message(2, struct.pack('=i', -1)), 'Operation not permitted'), (OSError(111, 'Connection refused'), 'Connection refused'),
    (socket.timeout('timed out'), 'timed out')])
def test_what_the_kernel_does_not_tell_is_null(kernel, answer, words):
    for given in ([answer], [ON, answer]):
        kernel(*given)
        found = _audit.read(Root('/'))
        assert {found[key] for key in ('enabled', 'total', 'reading_time', 'calls')} == {None}
        assert words in found['reason']


def test_another_root_has_no_rules(kernel, tmp_path):
    assert _audit.read(Root(str(tmp_path)))['total'] is None
