# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A child that puts the clocksource back where its parent cannot any more: killed outright, or out of memory.

What can be caught (a signal, an exception) the parent undoes by itself. SIGKILL, which async tasks get at their time
limit, cannot be caught; a pipe whose other end closes tells of it.
"""
import os
import signal
import time

from . import _bounded


class Guard:
    """A context. ``back`` is called in the child if the parent ends inside of it; it must not need the parent."""

    def __init__(self, back):
        self._back = back
        self._pid = self._tell = None

    def __enter__(self):
        hear, self._tell = os.pipe()
        ready, begun = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._tell)
                os.close(ready)
                self._leave()
                os.close(begun)
                self._watch(hear)
            finally:
                os._exit(0)
        os.close(hear)
        os.close(begun)
        os.read(ready, 1)  # until it stands on its own: what kills our group now must not kill it
        os.close(ready)
        return self

    def __exit__(self, *exc_info):
        self._say(b'done\n')
        os.close(self._tell)
        os.waitpid(self._pid, 0)

    def runs(self, group):
        """A process group that is to end too, or None once it did."""
        self._say(b'%d\n' % (group or 0))

    def _say(self, word):
        try:
            os.write(self._tell, word)
        except OSError:
            pass  # somebody killed the child: the parent still has its own undo

    @staticmethod
    def _leave():
        os.setsid()  # whatever ends the parent's group or terminal
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)  # ssh waits for who holds these

    def _watch(self, hear):
        heard = b''
        while True:
            piece = os.read(hear, 4096)
            if not piece:
                break
            heard = (heard + piece)[-64:]
        words = heard.split()
        if words[-1:] == [b'done']:
            return
        try:
            self._back()
        finally:
            if words and int(words[-1]):
                _bounded.end_group(int(words[-1]), _bounded.PATIENCE, lambda: time.sleep(_bounded.PAUSE_SECONDS))
