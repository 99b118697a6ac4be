# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kernel_cmdline does: plan, write, regenerate, read back, and put everything back when a step fails."""
import difflib
import os
import signal

from .. import _cmdline
from .._change import Change, put
from . import _memory, _menu, find
from ._grubcfg import comparable
from ._staged import Staged

# As many lines of a menu's unrelated differences as a person reads.
DRIFT_LINES = 60
_NEUTRAL = {'LC_ALL': 'C', 'LANG': 'C', 'LANGUAGE': 'C'}


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
        self.result = {'backups': [], 'menu_drift': []}
        self.backend = find(root)
        if self.backend is None:
            raise Failed('no boot loader was recognised below %s: looked for GRUB, loader entries, ostree and extlinux'
                         % root.path)

    def set(self, wish):
        """Bring the wish about. Returns what the module returns."""
        before = self.backend.read()
        future = self.backend.plan(wish, self.change, self.module.run_command)
        return self._go(wish, before, future)

    def restore(self, args):
        """Go back to what the record says. Without a record the arguments asked for are taken away, and that is said."""
        record = _memory.load(self.root)
        lost = []
        if record is None:
            wish = _cmdline.Wish([], args)
            lost.append('no record of this machine\'s former arguments exists (%s), so older values cannot be brought '
                        'back' % _memory.PATH)
        else:
            changed_since = _memory.plan_files(record, self.change)
            wish = _memory.wish_back(record)
            lost.extend('%s was changed by others since: only our arguments were taken out of it' % path
                        for path in changed_since)
        before = self.backend.read()
        staged = Staged(self.root, self.change)
        rest = Change(staged)
        backend = find(staged) or self.backend
        future = backend.plan(wish, rest, self.module.run_command) if wish.present or wish.absent else {}
        for edit in rest.files:
            self.change.edit(edit.path, edit.after, edit.mode)
        self.options = dict(self.options, remember=False)
        result = self._go(wish, before, dict({'covered': None, 'reason': None}, **future))
        result['not_restored'] = lost
        if record is not None and not self.module.check_mode:
            _memory.forget(self.root, self.module)
        return result

    def _go(self, wish, before, future):
        backend = self.backend
        pending = backend.pending(before, wish)
        generates = hasattr(backend, 'generate')
        regenerate = generates and self.options['regenerate'] and (self.change.changed or pending)
        if generates and self.options['regenerate'] and backend.menu is None:
            raise Failed('%s does not exist, so GRUB does not boot this machine; nothing was changed'
                         % backend.menu_path())
        runs = pending and not generates
        changed = self.change.changed or regenerate or runs
        staged = Staged(self.root, self.change)
        predicted = self._predict(before, wish, staged) if changed else before
        if not changed or self.module.check_mode:
            if regenerate:
                self._check_drift(wish)
            after = predicted
        else:
            after = self._apply(wish, before, regenerate, predicted)
        return self._report(wish, changed, generates and not regenerate and (self.change.changed or pending),
                            before, after, future)

    def _predict(self, before, wish, staged):
        if hasattr(self.backend, 'predict'):
            return self.backend.predict(before, wish, staged)
        return (find(staged) or self.backend).read()

    def _apply(self, wish, before, regenerate, predicted):
        record = None
        if self.options['remember']:
            record = _memory.remember(self.root, self.module, self.backend.name, wish, before, self.change)
        handlers = dict((number, signal.signal(number, _interrupted)) for number in (signal.SIGTERM, signal.SIGHUP))
        try:
            self.result['backups'] = self.change.apply(self.module, self.options['backup'])
            if hasattr(self.backend, 'generate'):
                if not regenerate:
                    return predicted
                self._regenerate(wish)
            elif hasattr(self.backend, 'activate'):
                self._activate(wish, before)
            after = self.backend.read()
            if not wish.met(after['judged'] or []):
                raise Failed('the entry that boots next does not take the arguments: %s'
                             % ' '.join(_cmdline.mask(after['judged'] or ['(no Linux entry)'])))
            return after
        except BaseException as exc:
            self._undo(exc, record)
            message, details = failure(exc)
            raise Failed('%s. The files and the menu are as they were.' % message.rstrip('.'), **details)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _activate(self, wish, before):
        gone = [word for word in before['effective'] or [] if wish.gives_way(word)]
        self.backend.activate(self.module.run_command, wish, gone)
        # The tool may have its own idea of a file that was planned: the plan has the last word.
        again = Change(self.root)
        for edit in self.change.files:
            again.edit(edit.path, edit.after, edit.mode)
        again.apply(self.module)

    def _regenerate(self, wish):
        path = self.backend.menu
        self.old_menu = self.root.read_bytes(path)
        new, drift = self._generate(wish, path.rpartition('/')[0] + '/.cloudclock-new.cfg')
        self._refuse_drift(drift)
        self.menu_change.edit(path, new)
        self.result['backups'] += self.menu_change.apply(self.module, self.options['backup'])

    def _check_drift(self, wish):
        """In check mode: what the menu would already differ in today, made where it does no harm."""
        if self.backend.takes_output() and self.root.live:
            self._refuse_drift(self._generate(wish, self.module.tmpdir + '/cloudclock-new.cfg')[1])

    def _generate(self, wish, beside):
        """``(a fresh menu's bytes, its differences from the old one that are not ours)``.

        The titles are translated, so a menu that differs is made once more in the language C before it is believed.
        """
        old = self.root.read(self.backend.menu)
        first = None
        for language in (_language(self.root), _NEUTRAL):
            new = self.backend.generate(self.module.run_command, language, beside)
            drift = _drift(old, new.decode('utf-8', 'surrogateescape'), self._managed(wish))
            if not drift:
                return new, []
            first = first or (new, drift)
        return first

    def _managed(self, wish):
        """Everything that our files may newly add, so that a run that was killed before is not taken for drift."""
        wish = self.backend.managed(wish)
        known = (_memory.load(self.root) or {}).get('args', [])
        return _cmdline.Wish.of(wish.present + [arg for arg in known if not wish.wants(arg)], wish.absent)

    def _refuse_drift(self, drift):
        self.result['menu_drift'] = drift
        if drift and not self.options['allow_menu_drift']:
            raise Failed('regenerating the boot menu would change more than these arguments, so it was not done; look '
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
        running = _cmdline.split(self.root.read('/proc/cmdline') or '')[0] if self.root.live else None
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
            reboot_required=None if running is None else not wish.met(running),
            entries_disagreeing=disagreeing, reason=after['reason'],
            command=' '.join(prefix + tool) if command and tool else None,
            future_kernels=None if covered is None else ('covered' if covered else 'not_covered'),
            future_kernels_reason=future.get('reason'), diff=_diff(edits, self.backend))


def _interrupted(number, _frame):
    raise Failed('interrupted by signal %d' % number)


def _language(root):
    """The system's own language, in which its package hooks make the menu: ours may be the operator's."""
    for path in ('/etc/default/locale', '/etc/locale.conf'):
        for line in (root.read(path) or '').split('\n'):
            if line.startswith('LANG='):
                lang = line[5:].strip().strip('"\'')
                return {'LANG': lang, 'LC_ALL': lang, 'LANGUAGE': ''}
    return _NEUTRAL


def _drift(old, new, wish):
    lines = [line for line in difflib.unified_diff(comparable(old, wish), comparable(new, wish), 'the menu as it is',
                                                   'the menu as it would be', lineterm='', n=0)]
    return [_cmdline.mask_text(line) for line in lines[:DRIFT_LINES]]


def _diff(edits, backend):
    """Ansible's diff. Of a generated menu only the lines that boot kernels; secrets are hidden."""
    found = []
    for edit in edits:
        texts = [(data or b'').decode('utf-8', 'replace') for data in (edit.before, edit.after)]
        if edit.path == getattr(backend, 'menu', None):
            texts = ['\n'.join(line.strip() for line in text.split('\n') if _menu.is_kernel_line(line)) + '\n'
                     for text in texts]
        found.append({'before_header': edit.path, 'after_header': edit.path,
                      'before': _cmdline.mask_text(texts[0]), 'after': _cmdline.mask_text(texts[1])})
    return found


def failure(exc):
    """``(message, details)`` of anything that a run may raise."""
    if isinstance(exc, OSError) and exc.strerror:
        name = exc.filename or ''
        if isinstance(name, bytes):
            name = os.fsdecode(name)
        return '%s%s' % (exc.strerror, ': %s' % name if name else ''), {}
    return str(exc), getattr(exc, 'details', {})


def check_chroot(root):
    """ValueError unless commands of the tree can run by chroot: our architecture, an init, /dev and /proc mounted."""
    inits = [path for path in ('/sbin/init', '/lib/systemd/systemd', '/usr/lib/systemd/systemd', '/bin/sh')
             if os.path.isfile(root.real(path))]
    if not inits or inits == ['/bin/sh']:
        raise ValueError('regenerate: there is no init below %s, so it is not a whole system' % root.path)
    if _machine(root.real(inits[-1])) != _machine('/proc/self/exe'):
        raise ValueError('regenerate: %s holds a system of another architecture' % root.path)
    for path in ('/dev', '/proc'):
        if not os.path.ismount(root.real(path)):
            raise ValueError('regenerate: %s is not mounted below %s' % (path, root.path))


def _machine(path):
    """The word size, byte order and machine of an ELF file's header."""
    with open(path, 'rb') as handle:
        head = handle.read(20)
    return head[:6] + head[18:20] if head[:4] == b'\x7fELF' else None
