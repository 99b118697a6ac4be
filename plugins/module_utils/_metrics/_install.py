# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that clock_metrics installs, as one change: files, folders, the timer; all of it back when a step fails."""
import hashlib
import json
import os
import re
import shutil
import sys

from .. import _signals
from .._change import Change
from . import _collect, _parts, _timer

LIB = '/usr/local/lib/cloudclock'
COLLECTOR = LIB + '/collector'
PROBE = LIB + '/clockprobe'
OPTIONS = COLLECTOR + '/options.json'
STATE = '/var/lib/cloudclock/metrics/state.json'
# Not readable from the unit (ProtectHome), and another's.
HOMES = ('/home/', '/root/', '/run/user/')
PYTHONS = ('/usr/bin/python3', '/usr/libexec/platform-python')
PLAIN = re.compile(r'(/[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*)+\Z')


class Failed(ValueError):
    """A failure after which everything is as it was, or the message says what is not."""


class Install:
    """``run(argv)`` returns (code, output, errors); ``find(name)`` a program's path or None."""

    def __init__(self, module, root, run, find):
        self.module, self.root, self.run, self.find = module, root, run, find
        self.change = Change(root)
        self.before = self._options()
        self.made = []

    def present(self, params, body):
        """Plans the files. ValueError for what cannot be meant or done here."""
        directory = checked(params['directory'])
        self.python = self._python()
        self.kind = _timer.kind(self.root, self.find)
        wanted = {COLLECTOR + '/' + path: (data, 0o644) for path, data in _parts.sources().items()}
        wanted[PROBE] = (body, 0o755)
        wanted[PROBE + '.sha256'] = (('%s  clockprobe\n' % hashlib.sha256(body).hexdigest()).encode('ascii'), 0o644)
        # -I -S -B: nothing but what lies there is imported, and nothing is written.
        command = '%s -I -S -B %s' % (self.python, COLLECTOR)
        wanted.update(_timer.files(self.kind, command, params['interval'], os.path.dirname(STATE), directory))
        folders = self._missing(list(wanted) + [STATE, directory + '/x'])
        ours = [path for path in self.before.get('made') or [] if directory.startswith(path)]
        options = {key: params[key] for key in ('interval', 'budget_ms', 'warp_budget_ms', 'policy')}
        options.update(directory=directory, state=STATE,
                       made=ours + [path for path in folders if (directory + '/').startswith(path + '/')])
        wanted[OPTIONS] = ((json.dumps(options, indent=1, sort_keys=True) + '\n').encode('ascii'), 0o644)
        self._remove(keep=wanted, directory=directory)
        for path, (data, mode) in sorted(wanted.items()):
            self.change.edit(path, data, mode)
        self.folders, self.directory = folders, directory

    def absent(self):
        """Plans that all of it goes, the metrics and the memory too."""
        self.kind, self.directory = None, self.before.get('directory')
        self._remove(keep={}, directory=None)
        if self.root.exists(STATE):
            self.change.edit(STATE, None)

    @property
    def owed(self):
        """Whether something beside the files has to be done."""
        if self.kind == 'systemd':
            return not self.root.exists(_timer.WANTED) or not _timer.running(self.run) or not self._compiled()
        return self.kind is not None and not self._compiled()

    def apply(self):
        """Does it. Raises Failed."""
        with _signals.Signals() as signals:
            metrics = self.directory and os.path.join(self.directory, _collect.NAME)
            existed = [path for path in (metrics, STATE) if path and self.root.exists(path)]
            try:
                (self._up if self.kind else self._down)()
            except BaseException as exc:
                signals.ignore()
                problems = self._back(metrics, existed)
                raise Failed('%s. %s' % (str(exc).rstrip('.'), problems or 'Everything is as it was.'))

    def _up(self):
        for path in self.folders:
            os.mkdir(self.root.real(path), 0o700 if path == os.path.dirname(STATE) else 0o755)
            self.made.append(path)
        self.change.apply(self.module)
        self._compile()
        if self.kind == 'systemd':
            _timer.reload(self.run)
            _timer.once(self.run)
            _timer.start(self.run)
            return
        code, _out, error = self.run([self.python, '-I', '-S', '-B', self.root.real(COLLECTOR)])
        if code:
            raise ValueError('the collector did not do its work here: %s' % error.strip())

    def _down(self):
        systemd = self.root.exists(_timer.TIMER)
        if systemd:
            _timer.stop(self.run)
        self.change.apply(self.module)
        if systemd:
            _timer.reload(self.run)
        shutil.rmtree(self.root.real(COLLECTOR), ignore_errors=True)
        for path in [LIB, os.path.dirname(STATE), os.path.dirname(os.path.dirname(STATE))] + (
                self.before.get('made') or [])[::-1]:
            self._drop(path)

    def _back(self, metrics, existed):
        """Puts everything back; what could not be, in words."""
        try:
            had_timer = self.before and any(change.path == _timer.TIMER and change.before for change in self.change.files)
            kept = not any(change.path == _timer.TIMER for change in self.change.files)
            if self.kind == 'systemd' and not kept and not had_timer:
                _timer.stop(self.run)
            self.change.undo(self.module)
            for path in (metrics, STATE):
                if path and path not in existed and self.root.exists(path):
                    os.unlink(self.root.real(path))
            if self.made:
                shutil.rmtree(self.root.real(COLLECTOR + '/parts'), ignore_errors=True)
            for path in reversed(self.made):
                self._drop(path)
            if self.kind and self.root.isdir(COLLECTOR):
                self._compile()
            if self.root.isdir('/run/systemd/system'):
                _timer.reload(self.run)
                if self.root.exists(_timer.TIMER):
                    _timer.start(self.run)
        except (OSError, ValueError) as exc:
            return 'The former state could not be put back: %s' % exc
        return None

    def _remove(self, keep, directory):
        """Plans that what an earlier run installed and this one does not want goes."""
        old = [path for path in _timer.EVERY + (PROBE, PROBE + '.sha256') if self.root.exists(path)]
        real = self.root.real(COLLECTOR)
        for folder, _folders, names in os.walk(real):
            if not folder.endswith('__pycache__'):
                old += [COLLECTOR + os.path.join(folder, name)[len(real):] for name in names]
        before = self.before.get('directory')
        if before and before != directory:
            old.append(os.path.join(before, _collect.NAME))
        for path in sorted(old):
            if path not in keep:
                self.change.edit(path, None)

    def _options(self):
        try:
            found = json.loads((self.root.read(OPTIONS) or '{}'))
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    def _missing(self, paths):
        missing = []
        for path in paths:
            chain, folder = [], os.path.dirname(path)
            while folder != '/' and not self.root.isdir(folder):
                chain.append(folder)
                folder = os.path.dirname(folder)
            missing += [folder for folder in reversed(chain) if folder not in missing]
        return missing

    def _python(self):
        """The Python that will run the collector: the one that runs this, unless the unit could not read it."""
        for path in (sys.executable,) + PYTHONS:
            if path and os.access(path, os.X_OK) and not os.path.realpath(path).startswith(HOMES) and PLAIN.match(path):
                return path
        raise ValueError('no Python outside of home folders to run the collector by: tried %s' % ', '.join(PYTHONS))

    def _compiled(self):
        """Whether the rooms lie there compiled, so that a run need not do that each time."""
        names = [name for name in self.root.listdir(COLLECTOR + '/parts/__pycache__') if name.startswith('_facts.')]
        tag = sys.implementation.cache_tag if self.python == sys.executable else ''
        return any(tag in name for name in names)

    def _compile(self):
        code, _out, error = self.run([self.python, '-I', '-m', 'compileall', '-q', '-f', self.root.real(COLLECTOR + '/parts')])
        if code:
            raise ValueError('the collector could not be compiled: %s' % error.strip())

    def _drop(self, path):
        try:
            os.rmdir(self.root.real(path))
        except OSError:
            pass  # somebody keeps something there, or it is gone


def checked(directory):
    """ValueError for a textfile folder that a unit could not name or reach."""
    if not PLAIN.match(directory):
        raise ValueError('directory: %r is not an absolute path of plain words' % directory)
    if (directory + '/').startswith(HOMES):
        raise ValueError('directory: %s is below a home folder, which the unit does not see' % directory)
    return directory


def diff(change):
    """For diff mode: programs and the collector's rooms by their checksums, the rest in full."""
    shown = change.diff()
    for file, entry in zip(change.files, shown):
        if file.path.startswith((COLLECTOR + '/parts/', COLLECTOR + '/__main__')) or file.path == PROBE:
            entry['before'], entry['after'] = _sum(file.before), _sum(file.after)
    return shown


def _sum(data):
    return '' if data is None else 'sha256 %s, %d bytes\n' % (hashlib.sha256(data).hexdigest(), len(data))
