# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's own command, run by the shell, and the figure that it prints."""
import math
import os
import re
import time

from . import _bounded

OUTPUT_LIMIT = 16 << 20
SHOWN = 200


class Workload:
    """``command`` for /bin/sh; ``regex`` with a group around the figure; ``seconds`` for one run. ValueError."""

    def __init__(self, command, regex, seconds, announce=lambda group: None):
        if not command.strip():
            raise ValueError('there is no command to run: give impact_command')
        if not regex:
            raise ValueError('there is no regex for the figure: give impact_regex')
        try:
            self.regex = re.compile(regex, re.MULTILINE)
        except re.error as exc:
            raise ValueError('the regex %r is none: %s' % (regex, exc))
        if not self.regex.groups:
            raise ValueError('the regex %r has no group: put ( ) around the figure' % regex)
        self.command, self.seconds, self.announce = command, seconds, announce

    def run(self):
        """``(figure, seconds it took)``. ValueError says how it failed; what it started is ended with it."""
        began = time.monotonic()
        # the task's own environment, but numbers with a point
        environment = {key: value for key, value in os.environ.items() if not key.startswith('LC_')}
        try:
            written = _bounded.run(['/bin/sh', '-c', self.command], dict(environment, LC_ALL='C'), self.seconds, OUTPUT_LIMIT,
                                   self.announce)
        except ValueError as exc:
            raise ValueError('the workload failed: %s' % exc)
        finally:
            self.announce(None)
        took = time.monotonic() - began
        return self.figure(written.decode('utf-8', 'replace')), round(took, 2)

    def figure(self, text):
        """The last match's first group: tools print their result after their progress."""
        found = None
        for found in self.regex.finditer(text):
            pass
        if found is None:
            raise ValueError('the regex %r matches nothing that the workload wrote: %s' % (self.regex.pattern, _end(text)))
        word = found.group(1)
        try:
            # no nan, no inf: neither has a place in an order
            number = float(word)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError('the regex %r found %r, which is not a number' % (self.regex.pattern, word))
        return number


def _end(text):
    words = ' '.join(text.split())
    return 'it ended with %r' % words[-SHOWN:] if words else 'it wrote nothing to its standard output'
