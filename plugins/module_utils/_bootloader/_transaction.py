# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kernel_cmdline does: plan, write, regenerate, read back, and put everything back when a step fails."""
import os

from .. import _cmdline, _signals
from .._change import Change, put
from .._words import parse, split
from . import _compare, _memory, find
from ._staged import Staged


class Failed(ValueError):
    """A refusal or a failure after which everything is as it was. ``details`` goes into the module's result."""

    def __init__(self, message, **details):
        ValueError.__init__(self, message)
        self.details = details


class Transaction:
    """One run of the module on one machine. ``options``: backup, regenerate, allow_menu_drift, remember."""

    def __init__(self, module, root, options):
        self.module = module
        self.root = root
        self.options = options
        self.change = Change(root)
        self.menu_change = Change(root)
        self.old_menu = None
        self.ours = None
        self.step = ''
        self.result = {'backups': [], 'menu_drift': []}
        self.backend = find(root)
        if self.backend is None:
            raise Failed('no boot loader was recognised below %s: looked for GRUB, loader entries, ostree and extlinux'
                         % root.path)

    def run(self, argv, **kwargs):
        """A command's ``(exit status, output, errors)``; OSError where it cannot be started."""
        return self.module.run_command(argv, handle_exceptions=False, **kwargs)

    def set(self, wish):
        """Bring the wish about. Returns what the module returns."""
        before = self.backend.read()
        future = self.backend.plan(wish, self.change, self.run)
        return self._go(wish, before, future)

    def restore(self):
        """Go back to what the record says. Without one only what is marked as ours goes, and that is said."""
        record = _memory.load(self.root)
        lost, others, future = [], [], {}
        if record is None:
            # What stands there may be the machine's own: only what is marked as ours goes.
            wish = _cmdline.Wish.of([])
            if hasattr(self.backend, 'drop_own'):
                self.backend.drop_own(self.change)
            lost.append('there is no record of the former arguments (%s): older values cannot be brought back'
                        % _memory.PATH)
        else:
            others = _memory.plan_files(record, self.change)
            wish = _memory.wish_back(record, bool(others) or self._left(record))
            lost.extend('%s was changed by others since: only our arguments were taken out of it' % path
                        for path in others)
        before = self.backend.read()
        staged = Staged(self.root, self.change)
        rest = Change(staged)
        backend = find(staged) or self.backend
        if wish.present or wish.absent:
            future = backend.plan(wish, rest, self.run)
        done = set(record['files']) - set(others) if record else ()
        for edit in rest.files:
            if edit.path not in done:
                self.change.edit(edit.path, edit.after, edit.mode)
        self.options = dict(self.options, remember=False)
        # An entry that got its former bytes may never have had the values of the one that booted next.
        result = self._go(wish, before, future, _cmdline.Wish.of([], wish.absent))
        result['not_restored'] = lost
        if record is not None and not self.module.check_mode:
            _memory.forget(self.root, self.module)
        return result

    def _left(self, record):
        """Whether something of ours stands where no record says what stood there before (a kernel's new entry)."""
        backend = find(Staged(self.root, self.change)) or self.backend
        found = backend.configured() if hasattr(backend, 'configured') else [
            word for entry in backend.read()['entries'] for word in entry['args']]
        return any(_cmdline.Wish.of(record['args']).wants(word) for word in found or [])

    def _go(self, wish, before, future, proof=None):
        """Write and regenerate what must be. ``proof`` (default: the wish) is what must be true afterwards."""
        backend, proof = self.backend, proof or wish
        pending = backend.pending(before, wish)
        generates = hasattr(backend, 'generate')
        regenerate = generates and self.options['regenerate'] and (self.change.changed or pending)
        asked = self.change.changed or wish.present or wish.absent
        if generates and self.options['regenerate'] and backend.menu is None and asked:
            raise Failed('%s does not exist, so GRUB does not boot this machine; nothing was changed'
                         % backend.menu_path())
        if regenerate:
            self.ours = self._managed(wish)
        runs = pending and not generates
        changed = self.change.changed or regenerate or runs
        staged = Staged(self.root, self.change)
        predicted = self._predict(before, wish, staged) if changed else before
        if not changed or self.module.check_mode:
            if regenerate:
                self._check_drift()
            after = predicted
        else:
            after = self._apply(wish, proof, before, regenerate, predicted)
        return self._report(proof, changed, generates and not regenerate and (self.change.changed or pending),
                            before, after, future)

    def _predict(self, before, wish, staged):
        if hasattr(self.backend, 'predict'):
            return self.backend.predict(before, wish, staged)
        return (find(staged) or self.backend).read()

    def _apply(self, wish, proof, before, regenerate, predicted):
        record = _memory.load(self.root)
        with _signals.Signals() as signals:
            try:
                if self.options['remember']:
                    self.step = 'writing %s: ' % _memory.PATH
                    _memory.remember(self.root, self.module, self.backend.name, wish, before, self.change)
                self.step = 'writing %s: ' % ', '.join(edit.path for edit in self.change.files)
                self.result['backups'] = self.change.apply(self.module, self.options['backup'])
                self.step = ''
                return self._booted(wish, proof, before, regenerate, predicted)
            except BaseException as exc:
                signals.ignore()
                self._undo(exc, record)
                message, details = failure(exc)
                raise Failed('%s%s. The files and the menu are as they were.' % (self.step, message.rstrip('.')),
                             **details)

    def _booted(self, wish, proof, before, regenerate, predicted):
        """What the next boot reads once the files are written: brought about, and proven."""
        if hasattr(self.backend, 'generate'):
            if not regenerate:
                return predicted
            self._regenerate()
        elif hasattr(self.backend, 'activate'):
            self._activate(wish, before)
        after = self.backend.read()
        if not proof.met(after['judged'] or []):
            raise Failed('the entry that boots next does not take the arguments: %s'
                         % ' '.join(_cmdline.mask(after['judged'] or ['(no Linux entry)'])))
        return after

    def _activate(self, wish, before):
        gone = [word for word in before['effective'] or [] if wish.gives_way(word)]
        self.backend.activate(self.run, wish, gone)
        # The tool may have its own idea of a file that was planned: the plan has the last word.
        again = Change(self.root)
        for edit in self.change.files:
            again.edit(edit.path, edit.after, edit.mode)
        again.apply(self.module)

    def _regenerate(self):
        path = self.backend.menu
        self.old_menu = self.root.read_bytes(path)
        folder = path.rpartition('/')[0]
        for name in self.root.listdir(folder):
            # What a killed run left behind.
            if name.startswith('.cloudclock-') and '.cfg' in name:
                os.unlink(self.root.real(folder + '/' + name))
        new, drift = self._generate('%s/.cloudclock-%d.cfg' % (folder, os.getpid()))
        self._refuse_drift(drift)
        self.menu_change.edit(path, new)
        self.step = 'writing %s: ' % path
        self.result['backups'] += self.menu_change.apply(self.module, self.options['backup'])
        self.step = ''

    def _check_drift(self):
        """In check mode: what the menu would already differ in today, made where it does no harm."""
        if self.backend.takes_output() and self.root.live:
            self._refuse_drift(self._generate(self.module.tmpdir + '/cloudclock-new.cfg')[1])

    def _generate(self, beside):
        """``(a fresh menu's bytes, its differences from the old one that are not ours)``.

        A menu that differs is made once more in the next language before that is believed.
        """
        old = self.root.read(self.backend.menu)
        first = None
        for language in _compare.languages(self.root, old):
            new = self.backend.generate(self.run, language, beside)
            drift = _compare.drift(old, new.decode('utf-8', 'surrogateescape'), self.ours)
            if not drift:
                return new, []
            first = first or (new, drift)
        return first

    def _managed(self, wish):
        """All that our files held, hold or will hold: in that a fresh menu may differ, after a killed run as well."""
        wish = self.backend.managed(wish)
        known = (_memory.load(self.root) or {}).get('args', [])
        return _cmdline.Wish.of(wish.present + [arg for arg in known if not wish.wants(arg)], wish.absent)

    def _refuse_drift(self, drift):
        self.result['menu_drift'] = drift
        if drift and not self.options['allow_menu_drift']:
            raise Failed('regenerating the boot menu would change more than these arguments, so it was refused; look '
                         'at menu_drift, then regenerate it yourself or allow it with allow_menu_drift', menu_drift=drift)

    def _undo(self, exc, record):
        """Put back what differs; a file that was never written is not touched (it may be on a read-only disk)."""
        former = [(edit.path, edit.before, edit.mode) for edit in self.change.files]
        if self.old_menu is not None:
            former.append((self.backend.menu, self.old_menu, 0o600))
        try:
            for path, data, mode in former:
                if self.root.read_bytes(path) != data:
                    put(self.module, self.root.real(path), data, mode)
            if self.options['remember']:
                _memory.take_back(self.root, self.module, record)
        except (OSError, ValueError) as problem:
            raise Failed('%s; and the former state could not be put back: %s' % (failure(exc)[0], problem))

    def _report(self, wish, changed, command, before, after, future):
        running = split(self.root.read('/proc/cmdline') or '')[0] if self.root.live else None
        edits = self.change.files + self.menu_change.files
        disagreeing = [entry['id'] for entry in after['entries']
                       if not entry['recovery'] and not entry.get('foreign') and not wish.met(entry['args'])]
        tool = self.backend.command()
        prefix = [] if self.root.live else ['chroot', self.root.path]
        covered = future.get('covered')
        return dict(
            self.result, changed=changed, backend=self.backend.name, files=[edit.path for edit in self.change.files],
            effective=None if after['effective'] is None else _cmdline.mask(after['effective']),
            effective_before=None if before['effective'] is None else _cmdline.mask(before['effective']),
            running=None if running is None else _cmdline.mask(running),
            reboot_required=None if running is None else _owed(wish, running, after['effective']),
            entries_disagreeing=disagreeing, reason=after['reason'],
            command=' '.join(prefix + tool) if command and tool else None,
            future_kernels=None if covered is None else ('covered' if covered else 'not_covered'),
            future_kernels_reason=future.get('reason'), diff=_compare.diff(edits, self.backend))


def _owed(wish, running, effective):
    """Whether the running kernel was not told what the next one will be told."""
    if wish.present or wish.absent or effective is None:
        return not wish.met(running)
    loaders = ('BOOT_IMAGE', 'initrd')
    return sorted(effective) != sorted(word for word in running if parse(word)[0] not in loaders)


def failure(exc):
    """``(message, details)`` of anything that a run may raise."""
    if isinstance(exc, OSError) and exc.strerror:
        name = exc.filename or ''
        return '%s%s' % (exc.strerror, ': %s' % os.fsdecode(name) if name else ''), {}
    return str(exc), getattr(exc, 'details', {})
