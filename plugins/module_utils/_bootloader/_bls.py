# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB with loader entries (RHEL 8 and later, Fedora, Amazon Linux 2023).

The entries are edited as files, so that check mode, diff and undo are exact; where grubby is on the machine it runs
after that with the same request, for what else it keeps (zipl, its own defaults). grub2-mkconfig is not used: since
RHEL 9.3 it leaves the entries alone. RHEL 8's entries say ``$kernelopts``, which is in grubenv.
"""
from . import _menu
from .._words import split
from ._files import edit_options, entries, plan_kernel_cmdline, remove, version_key
from ._grubcfg import Menu, environment, kernels, words
from ._grubenv import expand, set_environment

# What GRUB takes for an entry without an options line (rhboot/grub2, grub-core/commands/blscfg.c).
_DEFAULT = '$default_kernelopts'
_FULL = 'kernelopts in grubenv is full, so the arguments are in the entries and new kernels do not get them'
_NO_MENU = 'set default="${saved_entry}"\nblscfg\n'


class Bls:
    name = 'grub-bls'

    def __init__(self, root, directory, menu):
        self.root = root
        self.directory = directory
        self.menu = menu
        self.env = _menu.environment_path(root, menu)

    def _load(self):
        menu = _menu.load(self.root, self.menu, self._nodes)
        if menu is None:
            # Without the menu's own file nothing says that tuned_params is unset, so it stays as it is written.
            env = environment(self.root.read(self.env))
            env.setdefault('tuned_params', '$tuned_params')
            menu = Menu(_NO_MENU, env, self._nodes)
        return menu

    def _nodes(self, variables):
        """The entries in GRUB's order: the newest version first."""
        found = entries(self.root, self.directory)
        found.sort(key=lambda entry: version_key(entry.id), reverse=True)
        return [{'id': entry.id, 'title': entry.fields.get('title', entry.id), 'recovery': entry.recovery,
                 'args': _args(entry, variables), 'foreign': False, 'custom': False, 'next': False,
                 'children': []} for entry in found]

    def read(self):
        return _menu.report(self._load())

    def plan(self, wish, change, run):
        variables = self._load().variables
        data = self.root.read_bytes(self.env)
        env = environment(None if data is None else data.decode('utf-8', 'surrogateescape'))
        found = entries(self.root, self.directory)
        if all(wish.met(_args(entry, variables)) for entry in found):
            shared = {}
        else:
            shared = self._plan_environment(env, data, found, wish, change)
        for entry in found:
            if wish.met(_args(entry, variables)):
                continue
            after = edit_options(entry.text, _editor(entry, wish, shared))
            change.edit(entry.path, after.encode('utf-8', 'surrogateescape'))
            self._prove(entry, after, wish, dict(variables, **shared))
        return self._plan_future(found, env, wish, change, run)

    def _plan_environment(self, env, data, found, wish, change):
        """Edit ``kernelopts`` and ``tuned_params`` in grubenv. Returns their new values."""
        shared = {}
        if 'kernelopts' in env and any('$kernelopts' in entry.options.split() for entry in found):
            shared['kernelopts'] = wish.edit(env['kernelopts'])
        if 'tuned_params' in env:
            shared['tuned_params'] = remove(env['tuned_params'], wish)
        for name in sorted(shared):
            if shared[name] != env[name]:
                try:
                    data = set_environment(data, name, shared[name])
                except ValueError:
                    # No room for more: what must go goes, and each entry gets the rest.
                    shared[name] = remove(env[name], wish)
                    data = set_environment(data, name, shared[name])
                change.edit(self.env, data)
        env.update(shared)
        return shared

    @staticmethod
    def _prove(entry, after, wish, variables):
        """What the menu itself sets (TuneD's tuned_params) is out of our reach: say so instead of doing half a job."""
        options = type(entry)(entry.path, after).options
        if not wish.met(kernels(words(options, variables))):
            raise ValueError('%s takes arguments from a variable that the boot menu sets (%s): change them where they '
                             'are made (TuneD: /etc/tuned)' % (entry.path, expand(options, variables)))

    def _plan_future(self, found, env, wish, change, run):
        if self.root.exists('/etc/default/grub'):
            from ._grubconf import plan_file
            from ._grubvars import LINUX
            plan_file(self.root, wish, change, run, 'grub2-mkconfig', prefer=LINUX)
        if 'kernelopts' in env and found and all('$kernelopts' in entry.options.split() for entry in found):
            if not wish.met(split(env['kernelopts'])[0]):
                return {'covered': False, 'reason': _FULL}
            return {'covered': True, 'reason': 'new kernels take kernelopts from grubenv as well'}
        covered, reason = plan_kernel_cmdline(self.root, wish, change)
        return {'covered': covered, 'reason': reason}

    def command(self):
        return None

    def pending(self, read, wish):
        return False

    def activate(self, run, wish, gone):
        """Tell grubby, where it is there. OSError with its own words."""
        path = next((top + '/grubby' for top in ('/usr/sbin', '/sbin', '/usr/bin')
                     if self.root.exists(top + '/grubby')), None)
        if path is None:
            return
        argv = [path, '--update-kernel=ALL']
        if wish.absent or gone:
            argv.append('--remove-args=%s' % ' '.join(wish.absent + gone))
        if wish.present:
            argv.append('--args=%s' % ' '.join(wish.present))
        code, out, err = run(argv)
        if code:
            raise OSError('grubby failed (exit status %d): %s' % (code, (err or out).strip()))


def _args(entry, variables):
    return kernels(words(entry.options if entry.has_options else _DEFAULT, variables))


def _editor(entry, wish, shared):
    inherited = wish.met(split(shared.get('kernelopts', ''))[0]) and '$kernelopts' in entry.options.split()

    def edit(line, first):
        if not entry.has_options:
            return wish.edit(_DEFAULT)
        return remove(line, wish) if inherited or not first else wish.edit(line)
    return edit
