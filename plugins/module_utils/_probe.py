# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the target the probe that the action plugin handed over in the module's argument ``probe``.

The argument is base64(zlib(header, newline, body)), with a JSON header ``{"kind": "binary"|"source"|"none", "machine":
what it is for, as uname -m says it, "retry": whether another machine's may be asked for, "reason": null or why it is not
a binary}``. The body is the program, or a JSON ``{file name: text}`` of its source.
"""
import base64
import binascii
import errno
import json
import os
import re
import zlib

from . import _bounded, _readings

ABSENT = ('no probe came along: only the action plugin brings it, which gather_facts passes by; call the module by its '
          'own name in a task')
# A measurement of all the clocks is well below 2 MiB.
OUTPUT_LIMIT = 64 << 20
# What starting, stopping and a machine that is busy otherwise may take beyond the budgets.
SPARE_SECONDS = 10
# Python takes the square of a number's length to read it; 2**64 has 20 digits.
LONG_NUMBER = re.compile(br'[0-9]{40}')


class Probe:
    """The probe at hand on this target, or why there is none.

    ``reason``: why there is no measurement, None where nothing speaks against one. A failed run sets it too.
    ``body``: the program, None where there is none.
    """

    def __init__(self, module, body=None, reason=None):
        self.reason = reason
        self._module = module
        self.body = body

    def run(self, budget_ms, clocks=None, warp_budget_ms=0, cpus=None, calls_per_second=100000):
        """What ``_readings.judge`` makes of a measurement, or None with ``reason`` set.

        ``clocks``: the names to measure, all of them by default. ``warp_budget_ms``: 0 leaves the warp test out.
        ``cpus``: a list like ``0-3,6``, the allowed ones by default. A probe that crashes, hangs or says what makes no
        sense is a reason, not an error.
        """
        if self.body is None:
            return None
        argv = ['clockprobe', '--budget-ms', str(budget_ms), '--warp-budget-ms', str(warp_budget_ms)]
        if clocks:
            argv += ['--clocks', ','.join(clocks)]
        if cpus:
            argv += ['--cpus', cpus]
        return self._taken(argv, (budget_ms * 1.1 + warp_budget_ms) / 1000.0,
                           lambda raw: _readings.judge(raw, calls_per_second, require=True))

    def look(self, seconds):
        """What ``_payers.check`` lets pass of a count of the calls that read the time, or None with ``reason`` set."""
        if self.body is None:
            return None
        from . import _payers
        return self._taken(['clockprobe', 'syscalls', '--seconds', str(seconds)], seconds, _payers.check)

    def _taken(self, argv, seconds, judge):
        try:
            written = _bounded.finish(self._start(argv), seconds + SPARE_SECONDS, OUTPUT_LIMIT)
            result = judge(_parse(written))
        except (ValueError, RecursionError) as exc:
            self.reason = 'the probe gave no measurement: %s' % exc
            return None
        except OSError as exc:
            self.reason = 'the probe could not be run: %s' % (exc.strerror or exc)
            return None
        self.reason = None
        return result

    def _start(self, argv):
        """The running program. Its file is gone as soon as it runs; where no file may be run, memory takes its place."""
        from . import _place
        for folder in _place.folders(self._module):
            try:
                with _place.Folder(folder) as place:
                    return _bounded.start(argv, executable=place.program(self.body))
            except OSError as exc:
                if exc.errno == errno.ENOEXEC:
                    raise
        with _place.Memory(self.body) as (path, fd):
            return _bounded.start(argv, executable=path, fds=(fd,))


def load(module):
    """The Probe in ``module.params['probe']``.

    Ends the module with ``probe_wanted`` where what came is for another machine and the controller can send again.
    """
    if not module.params.get('probe'):
        return Probe(module, reason=ABSENT)
    try:
        header, body = _unpack(module.params['probe'])
        kind, machine, retry, reason = (header[key] for key in ('kind', 'machine', 'retry', 'reason'))
    except (ValueError, KeyError, TypeError, zlib.error):
        return Probe(module, reason='the probe option does not hold what the action plugin puts there')
    ours = os.uname().machine
    if kind == 'binary' and machine == ours:
        return Probe(module, body)
    if kind == 'source':
        from . import _compile
        if _compile.compiler(module):
            return _compiled(module, _compile, body)
    if kind != 'none' and machine != ours and retry:
        module.exit_json(changed=False, probe_wanted=ours)
    if kind == 'binary':
        reason = ('the probe that came is for %s and this machine is %s; gather facts before an asynchronous task, so '
                  'that the right one is sent' % (machine, ours))
    elif kind == 'source':
        reason = '%s, and no cc, gcc or clang on this machine' % reason
    return Probe(module, reason=reason)


def _compiled(module, compile_room, body):
    try:
        return Probe(module, compile_room.program(module, json.loads(body.decode('utf-8'))))
    except (ValueError, OSError) as exc:
        return Probe(module, reason="this machine's compiler did not make the probe: %s" % exc)


def _unpack(text):
    """(header, body). Raises ValueError, zlib.error."""
    try:
        header, _newline, body = zlib.decompress(base64.b64decode(text)).partition(b'\n')
    except binascii.Error as exc:
        raise ValueError(str(exc))
    return json.loads(header.decode('utf-8')), body


def _parse(written):
    if LONG_NUMBER.search(written):
        raise ValueError('it wrote a number of more than 40 digits')
    return json.loads(written.decode('utf-8'))
