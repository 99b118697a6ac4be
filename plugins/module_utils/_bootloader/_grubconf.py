# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GRUB's files mean and how they are edited, for the ``grub`` backend; /etc/default/grub for others too."""
from .._cmdline import Wish
from . import FILE, FOLDER, OWN, _grubfilter, _grubvars, _shell


def plan(backend, wish, change, run):
    """Edit our drop-in, or /etc/default/grub where there is no drop-in folder. ValueError where a file is not right."""
    root = backend.root
    if not backend.folder:
        plan_file(root, wish, change, run, backend.tool()[0])
        return
    others, own = backend.dropins()
    scripts = []
    for path in [FILE] + ['%s/%s' % (FOLDER, name) for name in others]:
        text = _text(root, path)
        if text is not None:
            scripts.append(checked(root, path, text, run, _is_dash(root, backend.folder)))
    _plan_dropin(backend, scripts, others, own, wish, change)


def plan_file(root, wish, change, run, tool, prefer=_grubvars.DEFAULT, path=FILE):
    """Edit /etc/default/grub itself: in place where its meaning is known, else by a block at its end."""
    text = _text(root, path)
    if text is None:
        raise ValueError('%s does not exist, so there is nothing that %s would take arguments from' % (path, tool))
    rest, block = _grubfilter.take_out(text)
    script = checked(root, path, rest, run, _is_dash(root, False))
    new = None
    if block is None:
        new = _grubvars.edit(rest, wish, prefer)
    if new is None:
        kept = _grubfilter.read(block) or Wish.of([])
        new = _grubfilter.put_in(rest, managed(kept, wish, [script]), tool)
    change.edit(path, new.encode('utf-8', 'surrogateescape'))


def _plan_dropin(backend, scripts, others, own, wish, change):
    kept = Wish.of([])
    for name in own:
        kept = combine(kept, _grubfilter.read(_text(backend.root, '%s/%s' % (FOLDER, name))) or Wish.of([]))
    keep = managed(kept, wish, scripts)
    name = _winning(others)
    for old in own:
        if old != name:
            change.edit('%s/%s' % (FOLDER, old), None)
    text = _grubfilter.render(keep, backend.tool()[0]).encode('utf-8') if keep.present or keep.absent else None
    change.edit('%s/%s' % (FOLDER, name), text)


def managed(kept, wish, scripts):
    """What our shell text must hold: what it held, changed by the wish, without what the files give by themselves."""
    both = combine(kept, wish)
    args = _grubvars.arguments(scripts)
    if args is None:
        return both
    asked = Wish.of(wish.present, wish.absent)
    if not kept.present and not kept.absent and _grubvars.met(scripts, asked):
        return Wish.of([])
    present = [arg for arg in both.present
               if kept.wants(arg) or not _grubvars.met(scripts, Wish.of([arg]))]
    absent = [arg for arg in both.absent if not _grubvars.met(scripts, Wish.of([], [arg]))]
    return Wish.of(present, absent)


def combine(kept, wish):
    """Two wishes as one; the second has the last word."""
    present = [arg for arg in kept.present if not wish.gives_way(arg)]
    absent = [arg for arg in kept.absent if not any(Wish.of([], [arg]).gives_way(new) for new in wish.present)]
    return Wish.of(present + [arg for arg in wish.present if not Wish.of(present).wants(arg)],
                   absent + [arg for arg in wish.absent if arg not in absent])


def from_files(backend):
    """The normal entries' arguments that the files give, None where that cannot be known without running them."""
    others, own = backend.dropins()
    text, block = _grubfilter.take_out(_text(backend.root, FILE) or '')
    try:
        scripts = [_shell.parse(text)]
        for name in others:
            scripts.append(_shell.parse(_text(backend.root, '%s/%s' % (FOLDER, name)) or ''))
    except _shell.ShellError:
        return None
    args = _grubvars.arguments(scripts)
    for ours in [block] + [_text(backend.root, '%s/%s' % (FOLDER, name)) for name in own]:
        keep = _grubfilter.read(ours)
        if keep is not None and args is not None:
            args = keep.strip(args) + keep.present
    return args


def held(backend, wish):
    """The wish together with what our drop-in or block holds."""
    texts = ['%s/%s' % (FOLDER, name) for name in backend.dropins()[1]] if backend.folder else [FILE]
    for path in texts:
        kept = _grubfilter.read(_text(backend.root, path))
        if kept is not None:
            wish = Wish.of(wish.present + [arg for arg in kept.present if not wish.wants(arg)],
                           wish.absent + [arg for arg in kept.absent if arg not in wish.absent])
    return wish


def drop_own(backend, change):
    """Remove our drop-ins and our block."""
    for name in backend.dropins()[1]:
        if _grubfilter.read(_text(backend.root, '%s/%s' % (FOLDER, name))) is not None:
            change.edit('%s/%s' % (FOLDER, name), None)
    text = _text(backend.root, FILE)
    if text is not None:
        change.edit(FILE, _grubfilter.take_out(text)[0].encode('utf-8', 'surrogateescape'))


def checked(root, path, text, run, dash):
    """The Script of a file that grub-mkconfig sources. ValueError where sh would stop at it."""
    if run is not None:
        code, _out, err = run(['sh', '-n', root.real(path)])
        if code:
            raise ValueError('%s is not valid shell, so it was not touched: %s' % (path, err.strip()))
    try:
        script = _shell.parse(text)
    except _shell.ShellError as exc:
        raise ValueError('%s is not valid shell, so it was not touched: %s' % (path, exc))
    for assign in script.assigns:
        if assign.append and dash:
            raise ValueError('%s, line %d: %s+= is not known to dash, which is /bin/sh here: grub-mkconfig would stop '
                             'there. Write %s="$%s …" instead' % (path, script.line(assign.start), assign.name,
                                                                  assign.name, assign.name))
    return script


def _is_dash(root, folder):
    """Whether /bin/sh is dash; in a tree without one, whether the files are those of Debian's family."""
    if root.exists('/bin/sh'):
        return root.real('/bin/sh').endswith('/dash')
    return folder or root.exists('/etc/debian_version') or 'lsb_release' in (root.read(FILE) or '')


def _winning(others):
    """A name for our drop-in that sorts after every other one."""
    last = max([other.encode('utf-8', 'surrogateescape') for other in others] or [b''])
    for char in 'z~':
        for count in range(len(last) + 1):
            name = char * count + OWN
            if name.encode('utf-8') > last:
                return name
    raise ValueError('%s/%s sorts after every name that ours could have: rename it'
                     % (FOLDER, last.decode('utf-8', 'replace')))


def _text(root, path):
    data = root.read_bytes(path)
    return None if data is None else data.decode('utf-8', 'surrogateescape')
