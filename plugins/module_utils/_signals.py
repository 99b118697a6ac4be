# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a process when its connection or its user goes away, as an exception: so that an undo runs first."""
import signal
import time

# A terminal's end sends more than one signal, and the next must not disturb what tidies up on the way to an undo; a workload
# has 5 s for that. Later ones count again: Python drops what a handler raises in a finalizer or in a hook after a fork.
AGAIN_SECONDS = 10
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asked us to end. Not an Exception, so that nothing on the way takes it for a failed command."""


class Signals:
    """A context. Where ssh has a terminal (no pipelining) its end sends SIGHUP. A signal that the caller ignores stays
    ignored."""

    def __enter__(self):
        self.raised = None
        self.before = {number: signal.getsignal(number) for number in _ENDING}
        _set({number: kept if kept == signal.SIG_IGN else self._end for number, kept in self.before.items()})
        return self

    def __exit__(self, *exc_info):
        _set(self.before)

    def ignore(self):
        """Until the context ends: an undo is not to be interrupted."""
        _set(dict.fromkeys(_ENDING, signal.SIG_IGN))

    def _end(self, number, frame):
        now = time.monotonic()
        if self.raised is not None and now - self.raised < AGAIN_SECONDS:
            return
        self.raised = now
        raise Interrupted('the run was ended by signal %d' % number)


def _set(handlers):
    for number, handler in handlers.items():
        try:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        except ValueError:
            return  # not the main thread: whoever runs us in another one minds the signals
