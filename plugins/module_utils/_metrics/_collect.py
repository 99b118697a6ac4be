# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector: one run of it measures, remembers, and puts the metrics where node_exporter reads them.

It is installed beside these rooms and run by the machine's own Python: no Ansible. What goes wrong is one line on
standard error and an exit code; the last good file stays.
"""
import errno
import fcntl
import hashlib
import json
import os
import resource
import sys
import time

from .. import _bounded, _facts, _klog, _phc, _probe, _ptp
from .._root import Root
from . import _memory, _text

NAME = 'cloudclock.prom'
# node_exporter reads only what ends in .prom
BESIDE = '.new'
CLOCKS = ['monotonic', 'realtime']
PHC_SAMPLES = 5
PATIENCE = 20
PROBE_LIMIT = 16 << 20


class Installed(_probe.Probe):
    """The probe that lies beside the collector: run only where its bytes are those of its checksum."""

    def __init__(self, path):
        _probe.Probe.__init__(self, None, path)
        self.path = path

    def _start(self, argv):
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with open(self.path + '.sha256', encoding='ascii') as kept:
                wanted = kept.read(64)
            with os.fdopen(os.dup(fd), 'rb') as program:
                if hashlib.sha256(program.read(PROBE_LIMIT)).hexdigest() != wanted:
                    raise ValueError('%s does not have its checksum, so it was not run' % self.path)
            # what was verified is what runs, whatever the path says meanwhile
            return _bounded.start(argv, executable='/proc/self/fd/%d' % fd, fds=(fd,))
        finally:
            os.close(fd)


def main(home):
    """The exit code: 0, or 1 where the file could not be written or the probe gave nothing."""
    try:
        with Alone(os.path.dirname(_options(home)['state'])):
            # whoever held us up may have changed or removed them
            problem = run(home, _options(home))
    except (OSError, ValueError) as exc:
        problem = '%s; the last file stays as it is' % exc
    if problem:
        sys.stderr.write('%s\n' % problem)
    return 1 if problem else 0


def _options(home):
    with open(os.path.join(home, 'options.json'), encoding='utf-8') as text:
        return json.load(text)


def run(home, options):
    """None, or what went wrong though the file was written. OSError, ValueError where it was not."""
    root, probe = Root('/'), Installed(os.path.join(os.path.dirname(home), 'clockprobe'))
    page, memory = collect(root, probe, options, _kept(options['state']))
    put(os.path.join(options['directory'], NAME), page, 0o644)
    put(options['state'], json.dumps(memory, sort_keys=True).encode('ascii'), 0o600)
    return probe.reason and 'no figures: %s' % probe.reason


def collect(root, probe, options, kept):
    """(the metrics, the memory) of one run."""
    now, uptime = round(time.time(), 3), time.monotonic()
    log = _klog.read(root)
    memory = _memory.start(kept, _machine(root))
    _memory.boot(memory, root.line('/proc/sys/kernel/random/boot_id'))
    budget = options['warp_budget_ms'] if _memory.warp_owed(memory, now) and os.sysconf('SC_NPROCESSORS_ONLN') > 1 else 0
    readings = probe.run(options['budget_ms'], clocks=CLOCKS, warp_budget_ms=budget)
    if readings:
        _memory.reads(memory, readings['clocks'])
        if budget:
            _memory.warp(memory, readings['warp'], (readings['counter'] or {}).get('hz'), now)
        readings = dict(readings, warp=(memory['warp'] or {}).get('result'))
    found = _facts.judged(root, readings, options['policy'], log=log)
    _memory.source(memory, found['clocksource']['current'], log[0], now, uptime)
    run_facts = {'time': now, 'interval': options['interval'], 'measured': readings is not None,
                 'cpu_seconds': _spent()}
    return _text.render(found, readings, _phcs(root), memory, run_facts), memory


def put(path, data, mode):
    """Write beside and rename: a reader finds all of it or what was there before. OSError names the path."""
    beside = path + BESIDE
    try:
        try:
            # Somebody else's, or what a killed run left.
            os.unlink(beside)
        except FileNotFoundError:
            pass
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(fd, 'wb') as handle:
                os.fchmod(fd, mode)
                handle.write(data)
                handle.flush()
                os.fsync(fd)
            os.rename(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as exc:
        raise OSError('%s was not written: %s' % (path, exc.strerror))


class Alone:
    """The only run, or the only change of what runs: two would write the same file beside. The kernel lets go with the
    process, and where nothing is installed there is none. ValueError where the other is not done in ``PATIENCE`` s."""

    def __init__(self, folder):
        """``folder`` is that of the memory, which only root can open, so that nobody else can hold us up."""
        self._folder = folder

    def __enter__(self):
        try:
            self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._fd = None
            return
        end = time.monotonic() + PATIENCE
        try:
            while not self._locked():
                if time.monotonic() > end:
                    raise ValueError('another run is not done yet')
                time.sleep(0.05)
        except BaseException:
            os.close(self._fd)
            raise

    def _locked(self):
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            return False
        return True

    def __exit__(self, *_unused):
        if self._fd is not None:
            os.close(self._fd)


def _kept(path):
    try:
        with open(path, 'rb') as text:
            return json.loads(text.read(1 << 20).decode('utf-8'))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        sys.stderr.write('%s is damaged: the baseline starts anew\n' % path)
        return None


def _machine(root):
    """What a baseline is of: this kind of processor on this kind of machine."""
    model = next((line.partition(':')[2].strip() for line in (root.head('/proc/cpuinfo', 4096) or '').splitlines()
                  if line.startswith(('model name', 'CPU part'))), '')
    return ' / '.join(part for part in (os.uname().machine, model, root.line('/sys/class/dmi/id/product_name')) if part)


def _phcs(root):
    measured = []
    for clock in _ptp.read(root):
        if clock['clock_name'] is not None:
            try:
                measured.append(dict(clock, **_phc.read(clock['device'], PHC_SAMPLES)))
            except ValueError:
                pass  # it has no sample then
    return measured


def _spent():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 4)
