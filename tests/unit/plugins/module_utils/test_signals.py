# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals as exceptions: the first one, the one on its heels, and the one after one that Python dropped."""
import os
import signal
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _signals


def tell(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_second_one_does_not_disturb_what_tidies_up(number):
    before = signal.getsignal(signal.SIGTERM)
    tidied = False
    with pytest.raises(_signals.Interrupted, match='signal %d$' % number), _signals.Signals():
        try:
            tell(number)
        finally:
            tell(signal.SIGHUP)
            tell()
            tidied = True
    assert tidied and signal.getsignal(signal.SIGTERM) == before


@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_one_that_python_drops_is_not_the_last(monkeypatch):
    class Last:
        def __del__(self):
            tell()

    monkeypatch.setattr(_signals, 'AGAIN_SECONDS', 0.2)
    with pytest.raises(_signals.Interrupted), _signals.Signals():
        dropped = Last()
        del dropped
        time.sleep(0.3)
        tell()
        pytest.fail('the second one was dropped as well')


def test_an_undo_is_not_interrupted(monkeypatch):
    monkeypatch.setattr(_signals, 'AGAIN_SECONDS', 0)
    with _signals.Signals() as signals:
        signals.ignore()
        tell()
