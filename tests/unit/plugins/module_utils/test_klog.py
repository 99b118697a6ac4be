# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _klog
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root


@pytest.fixture
def kmsg(monkeypatch):
    def feed(*answers):
        todo = list(answers)

        def read(fd, size):
            answer = todo.pop(0) if todo else BlockingIOError()
            if isinstance(answer, OSError):
                raise answer
            return answer
        monkeypatch.setattr(_klog.os, 'read', read)
        return _klog._records(0)
    return feed


BOOT = b'5,0,0,-;Linux version 6.1.0-18-cloud-amd64\n SUBSYSTEM=none\n'
TSC = b'6,412,1783096,-;clocksource: Switched to clocksource tsc\n'


def test_whole_log(kmsg):
    assert kmsg(BOOT, TSC) == (['[    0.000000] Linux version 6.1.0-18-cloud-amd64',
                                '[    1.783096] clocksource: Switched to clocksource tsc'], True)


def test_log_that_has_wrapped(kmsg):
    assert kmsg(TSC)[1] is False


def test_log_overwritten_while_it_is_read(kmsg):
    lines, complete = kmsg(BOOT, BrokenPipeError(), TSC)
    assert (len(lines), complete) == (2, False)


def test_messages_of_user_space_do_not_count(kmsg):
    assert kmsg(BOOT, b'12,413,1783099,-;tsc: Marking TSC unstable due to a joke\n')[0] == [
        '[    0.000000] Linux version 6.1.0-18-cloud-amd64']


def test_unreadable_log(monkeypatch):
    monkeypatch.setattr(_klog, 'KMSG', '/dev/null/kmsg')
    assert _klog.read(Root('/')) == (None, None)


def test_something_else_in_the_logs_place(monkeypatch, tmp_path):
    (tmp_path / 'kmsg').write_text('a file')
    for path in ('/dev/null', '/dev/zero', str(tmp_path / 'kmsg')):
        monkeypatch.setattr(_klog, 'KMSG', path)
        assert _klog.read(Root('/')) == (None, None)


def test_recorded_log(tmp_path):
    assert _klog.read(Root(tmp_path)) == (None, None)
    (tmp_path / 'var' / 'log').mkdir(parents=True)
    (tmp_path / 'var' / 'log' / 'kern.log').write_text('one\ntwo\n')
    assert _klog.read(Root(tmp_path)) == (['one', 'two'], None)
