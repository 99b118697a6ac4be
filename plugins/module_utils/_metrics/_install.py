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
# _state's folder, and one that the unit may write in; only root's
STATES = ['/var/lib/cloudclock', '/var/lib/cloudclock/metrics']
STATE = STATES[1] + '/state.json'
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
        # folders that are missing, those of them that were made
        self.folders, self.made = [], []
        # where runs of the collector left what is to go: textfile folders, files
        self.old = [], []

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
        self.folders = self.root.missing_folders(list(wanted) + [STATE, directory + '/x'])
        made = self.before.get('made') or []
        options = {key: params[key] for key in ('interval', 'budget_ms', 'warp_budget_ms', 'policy')}
        options.update(directory=directory, state=STATE, made=made + [path for path in self.folders if path not in made])
        wanted[OPTIONS] = ((json.dumps(options, indent=1, sort_keys=True) + '\n').encode('ascii'), 0o644)
        self._remove(keep=wanted)
        for path, (data, mode) in sorted(wanted.items()):
            self.change.edit(path, data, mode)
        self.directory, before = directory, self.before.get('directory')
        self.old = [before] if before and before != directory else [], []

    def absent(self, directory):
        """Plans that all of it goes, the metrics and the memory too. ``directory`` counts where no record names one."""
        self.kind, self.directory = None, self.before.get('directory') or checked(directory)
        self._remove(keep={})
        self.old = [self.directory], [STATE]

    @property
    def gone(self):
        """What runs of the collector left that is to go."""
        return self._left(*self.old)

    @property
    def owed(self):
        """Whether something beside the files has to be done."""
        if self.gone or self.folders:
            return True
        if self.kind == 'systemd' and not (self.root.exists(_timer.WANTED) and _timer.running(self.run)):
            return True
        return self.kind is not None and not self._runs()

    def apply(self):
        """Does it. Raises Failed."""
        with _signals.Signals() as signals:
            had = self._left([self.directory], [STATE])
            had_timer = self.root.exists(_timer.TIMER)
            try:
                (self._up if self.kind else self._down)()
            except BaseException as exc:
                signals.ignore()
                problems = self._back(had, had_timer)
                raise Failed('%s. %s' % (str(exc).rstrip('.'), problems or 'Everything is as it was.'))

    def _up(self):
        for path in self.folders:
            os.mkdir(self.root.real(path))
            self.made.append(path)
            # root's umask may be 077, and node_exporter is another user
            os.chmod(self.root.real(path), 0o700 if path in STATES else 0o755)
        with _collect.Alone(self.root.real(STATES[1])):
            self.change.apply(self.module)
            os.chmod(self.root.real(PROBE), 0o755)
            self._compile()
        if self.kind == 'systemd':
            _timer.reload(self.run)
            _timer.once(self.run)
            _timer.start(self.run)
        else:
            code, _out, error = self.run([self.python, '-I', '-S', '-B', self.root.real(COLLECTOR)])
            if code:
                raise ValueError('the collector did not do its work here: %s' % error.strip())
        self._forget()

    def _down(self):
        systemd = self.root.exists(_timer.TIMER)
        if systemd:
            _timer.stop(self.run)
        with _collect.Alone(self.root.real(STATES[1])):
            # one that cron started has finished, and one that waits behind us will find nothing to go by
            self.change.apply(self.module)
        if systemd:
            _timer.reload(self.run)
        self._forget()
        shutil.rmtree(self.root.real(COLLECTOR), ignore_errors=True)
        for path in (self.before.get('made') or [])[::-1] + [LIB] + STATES[::-1]:
            self._drop(path)

    def _back(self, had, had_timer):
        """Puts everything back; what could not be, in words. ``had``: what runs of the collector had left before."""
        try:
            if self.kind == 'systemd' and not had_timer:
                _timer.stop(self.run)
            self.change.undo(self.module)
            for path in self._left([self.directory], [STATE]):
                if path not in had:
                    os.unlink(self._at(path))
            for path in reversed(self.made):
                shutil.rmtree(self.root.real(path + '/__pycache__'), ignore_errors=True)
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

    def _remove(self, keep):
        """Plans that what an earlier run installed and this one does not want goes."""
        old = [path for path in _timer.EVERY + (PROBE, PROBE + '.sha256') if self.root.exists(path)]
        real = self.root.real(COLLECTOR)
        for folder, _folders, names in os.walk(real):
            if not folder.endswith('__pycache__'):
                old += [COLLECTOR + os.path.join(folder, name)[len(real):] for name in names]
        for path in sorted(old):
            if path not in keep:
                self.change.edit(path, None)

    def _left(self, directories, states):
        """What runs of the collector left in these folders and under these names, a killed one's half file too."""
        paths = [os.path.join(folder, _collect.NAME) for folder in directories] + states
        return [path + end for path in paths for end in (_collect.BESIDE, '') if os.path.lexists(self._at(path + end))]

    def _at(self, path):
        """Where ``path`` itself is. The textfile folder may be another user's, who can put a link in the metrics' place."""
        return os.path.join(self.root.real(os.path.dirname(path)), os.path.basename(path))

    def _forget(self):
        for path in self.gone:
            os.unlink(self._at(path))

    def _options(self):
        try:
            found = json.loads((self.root.read(OPTIONS) or '{}'))
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    def _python(self):
        """The Python that will run the collector: the one that runs this, unless the unit could not read it."""
        # By the name that outlives an update of the distribution, where it is the same program: not python3.11.
        same = tuple(path for path in PYTHONS if self._is_this(path))
        for path in same + (sys.executable,) + PYTHONS:
            if path and os.access(path, os.X_OK) and not os.path.realpath(path).startswith(HOMES) and PLAIN.match(path):
                return path
        raise ValueError('no Python outside of home folders to run the collector by: tried %s' % ', '.join(PYTHONS))

    def _is_this(self, python):
        return os.path.realpath(python) == os.path.realpath(sys.executable or '')

    def _runs(self):
        """Whether the probe may be run, and the rooms lie there compiled, so that a run need not do that each time."""
        names = [name for name in self.root.listdir(COLLECTOR + '/parts/__pycache__') if name.startswith('_facts.')]
        tag = sys.implementation.cache_tag if self._is_this(self.python) else ''
        return any(tag in name for name in names) and os.access(self.root.real(PROBE), os.X_OK)

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
    asked, directory = directory, directory.rstrip('/')
    if not PLAIN.match(directory):
        raise ValueError('directory: %r is not an absolute path of plain words' % asked)
    if (directory + '/').startswith(HOMES):
        raise ValueError('directory: %s is below a home folder, which the unit does not see' % directory)
    return directory


def diff(install):
    """For diff mode: programs and the collector's rooms by their checksums, the rest in full."""
    shown = install.change.diff()
    for file, entry in zip(install.change.files, shown):
        if file.path.startswith((COLLECTOR + '/parts/', COLLECTOR + '/__main__')) or file.path == PROBE:
            entry['before'], entry['after'] = _sum(file.before), _sum(file.after)
    return shown + [{'before_header': path, 'after_header': path, 'before': 'what runs of the collector left\n', 'after': ''}
                    for path in install.gone]


def _sum(data):
    return '' if data is None else 'sha256 %s, %d bytes\n' % (hashlib.sha256(data).hexdigest(), len(data))
