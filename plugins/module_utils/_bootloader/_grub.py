# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB with a menu that grub-mkconfig generates from /etc/default/grub and, on Debian's family, its drop-in folder."""
from . import FOLDER, OWN, _menu

_PATH = ('/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin')


class Grub:
    name = 'grub'

    def __init__(self, root, menu):
        self.root = root
        self.menu = menu
        self.folder = self._sources_folder()

    def _sources_folder(self):
        """Whether grub-mkconfig really sources the drop-in folder: Debian patches that in, upstream does not."""
        if not self.root.isdir(FOLDER):
            return False
        tool = self._which('grub-mkconfig')
        text = self.root.read(tool) if tool else None
        return text is None or 'default/grub.d' in text

    def _which(self, name):
        return next((path + '/' + name for path in _PATH if self.root.exists(path + '/' + name)), None)

    def read(self):
        menu = _menu.load(self.root, self.menu)
        if menu is not None:
            return _menu.report(menu)
        args = self.configured()
        return {'effective': args, 'judged': args, 'entries': [], 'entries_disagreeing': [],
                'reason': 'there is no generated boot menu; taken from the files that make it'}

    def dropins(self):
        """The names in the drop-in folder that grub-mkconfig sources, in its order (bytes), and which are ours."""
        if not self.folder:
            return [], []
        names = sorted((name for name in self.root.listdir(FOLDER) if name.endswith('.cfg') and name[0] != '.'),
                       key=lambda name: name.encode('utf-8', 'surrogateescape'))
        own = [name for name in names if name.endswith(OWN)]
        return [name for name in names if name not in own], own

    def plan(self, wish, change, run):
        from ._grubconf import plan
        plan(self, wish, change, run)
        return {'covered': True, 'reason': None}

    def drop_own(self, change):
        """Plan that what is marked as ours goes."""
        from ._grubconf import drop_own
        drop_own(self, change)

    def tool(self):
        """The command's name and arguments that write the menu."""
        if self.folder:
            return ['update-grub']
        menu = self.menu_path()
        names = ['grub2-mkconfig', 'grub-mkconfig']
        known = [name for name in names if self._which(name)]
        return [known[0] if known else names[0 if 'grub2' in menu else 1], '-o', menu]

    def menu_path(self):
        return self.menu or ('/boot/grub2/grub.cfg' if self.root.isdir('/boot/grub2') else '/boot/grub/grub.cfg')

    def command(self):
        return self.tool()

    def configured(self):
        """The normal entries' arguments that the files give, None where only running them could tell."""
        from ._grubconf import from_files
        return from_files(self)

    def pending(self, read, wish):
        """Whether the generated menu lacks what the files may already say (a run that was killed between the two)."""
        return bool(self.menu) and not wish.met(read['judged'] or [])

    def predict(self, read, wish, staged):
        """What ``read`` will return once ``staged`` (the Root with the planned edits) was made into a menu."""
        old, new = self.configured(), Grub(staged, self.menu).configured()

        def after(args):
            if args is None:
                return None
            if old is not None and new is not None and args[len(args) - len(old):] == old:
                return args[:len(args) - len(old)] + new
            return wish.merge(args)
        entries = [entry if entry['custom'] or entry['foreign'] or entry['recovery']
                   else dict(entry, args=after(entry['args'])) for entry in read['entries']]
        return dict(read, entries=entries, judged=after(read['judged']), effective=after(read['effective']))

    def generate(self, run, language, beside):
        """A fresh menu's bytes, made in the file ``beside``. OSError with the tool's own words.

        A customised update-grub may ignore ``-o`` and write the menu itself: then that is returned.
        """
        tool = self.tool()[0]
        path = self._which(tool)
        if path is None:
            raise OSError('%s is not on this machine, so the boot menu cannot be regenerated' % tool)
        argv = [] if self.root.live else ['chroot', self.root.path]
        try:
            code, out, err = run(argv + [path, '-o', beside], environ_update=language)
            if code:
                raise OSError('%s failed (exit status %d): %s' % (tool, code, _last_lines(err or out)))
            new = self.root.read_bytes(beside)
            new = self.root.read_bytes(self.menu) if new is None else new
        finally:
            self._remove(beside)
        if not new or not new.strip():
            raise OSError('%s wrote an empty boot menu' % tool)
        return new

    def managed(self, wish):
        """The wish together with what our files held before: all that a fresh menu may newly have."""
        from ._grubconf import held
        return held(self, wish)

    def takes_output(self):
        """Whether the tool can be told to write elsewhere (update-grub hands its arguments on to grub-mkconfig)."""
        tool = self.tool()[0]
        path = self._which(tool)
        return bool(path) and (tool != 'update-grub' or '$@' in (self.root.read(path) or ''))

    def _remove(self, path):
        import os
        for name in (path, path + '.new'):
            real = self.root.real(name)
            if os.path.lexists(real):
                os.unlink(real)


def _last_lines(text):
    return ' | '.join(line.strip() for line in text.strip().split('\n')[-8:]) or 'it said nothing'
