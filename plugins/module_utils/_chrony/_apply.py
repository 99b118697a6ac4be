# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change to a machine as a whole: files, then services, then the proof; all of it back when a step fails."""
import functools
import os

from .. import _signals, _state
from .._change import put
from . import _daemon, _guard, _record


class Failed(ValueError):
    """A failure after which everything is as it was, or, where ``changed``, not all of it could be put back.

    ``details`` goes into the module's result.
    """

    changed = False
    details = {}


class Apply:
    """``change`` (_change.Change) with what belongs to it. ``service`` is chronyd's; ``rivals`` {name: state}."""

    def __init__(self, module, root, run, services, change, service):
        self.module = module
        self.root = root
        self.run = run
        self.services = services
        self.change = change
        self.service = service
        self.made = []
        self.touched = {}
        self.told = False

    def check_writable(self):
        """OSError where a file could not be written: told before anything is, in check mode too."""
        for edit in self.change.files:
            folder = os.path.dirname(self.root.real(edit.path))
            while not os.path.lexists(folder):
                folder = os.path.dirname(folder)
            if not os.access(folder, os.W_OK):
                raise OSError('%s cannot be written: %s is read-only' % (edit.path, folder))

    def go(self, remember, steps):
        """Write, then run ``steps()``. Raises Failed, with everything put back, where one of both fails."""
        old = _record.load(self.root)
        with _signals.Signals() as signals:
            try:
                folders = self.root.missing_folders([edit.path for edit in self.change.files if edit.after is not None])
                if remember:
                    remember(old, folders)
                for path in folders:
                    os.mkdir(self.root.real(path))
                    self.made.append(path)
                    # root's umask may be 077, and not everybody who reads these is root
                    os.chmod(self.root.real(path), 0o755)
                self._write_files()
                return steps()
            except BaseException as exc:
                signals.ignore()
                problems = self._back(old, remember)
                failed = Failed('%s. %s' % (str(exc).rstrip('.'), self._outcome(problems)))
                failed.changed = bool(problems)
                raise failed

    def _write_files(self):
        try:
            self.change.apply(self.module)
        except OSError as exc:
            raise OSError("chrony's files could not be written: %s" % (exc.strerror or exc))

    def reread(self, device):
        """Tell systemd and udev of the new files, where there are such. ``device``: the clock's, None for any."""
        self.told = True
        # Whatever this run changed: one that was killed may have written and told nobody.
        self.services.reload()
        if self.root.exists(_guard.UDEV) or _guard.UDEV in [edit.path for edit in self.change.files]:
            self.run(['udevadm', 'control', '--reload'])
            self.run(['udevadm', 'trigger', '--name-match=' + os.path.basename(device) if device
                      else '--subsystem-match=ptp'])
            self.run(['udevadm', 'settle', '--timeout=5'])

    def bring(self, wanted):
        """Bring services to the states wanted, {name: state}; what they were is put back on failure."""
        now = self.services.state(list(wanted))
        for name in wanted:
            if name in now and now[name] != wanted[name]:
                self.touched.setdefault(name, now[name])
                _daemon.bring(self.services, name, now[name], wanted[name])

    def restart(self, own):
        """Restart chronyd. ``own`` is its state before, to which a failure brings it back."""
        self.touched[self.service] = own
        self.services.restart(self.service)

    def drop_folders(self, paths):
        """Remove the folders that are empty, innermost first."""
        for path in reversed(paths):
            try:
                os.rmdir(self.root.real(path))
            except OSError:
                pass  # somebody keeps something there, or it is gone

    def forget_guard(self):
        """OpenRC's link to the guard goes before its script does; systemd has none."""
        if self.root.exists(_guard.SCRIPT):
            self.run(['rc-service', _guard.GUARD, 'stop'])
            self.run(['rc-update', 'del', _guard.GUARD, 'default'])

    def _back(self, old, remember):
        """What could not be put back, in words."""
        # Each step for itself: a daemon-reload that fails must not keep the time daemons down.
        problems = []
        first = [self.forget_guard] if any(edit.path == _guard.SCRIPT and edit.before is None
                                           for edit in self.change.files) else []
        steps = first + [self._files_back, lambda: self.drop_folders(self.made), self._told_back]
        steps.extend(functools.partial(self._service_back, name) for name in self.touched)
        for step in steps:
            problems.extend(_complaint(step))
        # What could not be put back is absent's to put back, by the record.
        if remember and not problems:
            problems.extend(_complaint(lambda: _record.take_back(self.root, self.module, old)))
        return problems

    def _outcome(self, problems):
        if problems:
            return 'The former state could not be put back: %s' % '; '.join(problems)
        return 'Everything is as it was' + (', and chronyd runs again.' if self.touched.get(self.service, {}).get(
            'active') else '.')

    def _files_back(self):
        try:
            self.change.undo(self.module)
        finally:
            for edit in self.change.files:
                stem, dot, end = edit.path.rpartition('.')
                twin = stem + dot + {'conf': 'off', 'off': 'conf'}.get(end, end)
                # Where the clock vanished meanwhile the guard has renamed its two files.
                if edit.before is None and stem.endswith(('.d/ptp', '.d/ntp')) and self.root.exists(twin):
                    put(self.module, self.root.real(twin), None)

    def _told_back(self):
        if self.told:
            self.reread(None)

    def _service_back(self, name):
        before = self.touched[name]
        if name == self.service and before['active']:
            self.services.restart(name)
        now = self.services.state([name])
        if name in now:
            _daemon.bring(self.services, name, now[name], before)


def _complaint(step):
    try:
        step()
    except (OSError, ValueError) as exc:
        return [str(exc)]
    return []


def ready(root):
    """For check mode: raises what recording would."""
    _state.ready(root, _record.KEY)
