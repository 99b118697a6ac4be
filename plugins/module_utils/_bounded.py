# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is run within limits of time and of output, and of which nothing lives on.

AnsibleModule's run_command has neither limit, and would wait for ever on what a killed program left behind.
"""
import os
import resource
import select
import signal
import subprocess
import time

ENVIRONMENT = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C'}
ERRORS_KEPT = 4096
KILL_SECONDS = 5
# How long what a program left running may still write, and how often it is looked whether the program itself is gone.
LEFT_SECONDS = LOOK_SECONDS = 1
# How long what is asked to end may take to tidy up, and how often it is looked whether it did end.
PATIENCE, PAUSE_SECONDS = 5, 0.05
# What makes us end waits while a program is started: what its handler raises would leave nobody to end the program.
HELD = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


def start(argv, executable=None, fds=(), env=None):
    """A Popen in a session of its own with nothing to read, no core file, its output in pipes. Raises OSError."""
    return subprocess.Popen(argv, executable=executable, pass_fds=fds, env=dict(ENVIRONMENT, **(env or {})), cwd='/',
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, preexec_fn=_prepare)


def run(argv, env, seconds, limit, announce):
    """``start`` and ``finish``, by SIGTERM first, with no signal between them. ``announce`` gets the process group."""
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        process = start(argv, env=env)
        announce(process.pid)
        return finish(process, seconds, limit, PATIENCE)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


def finish(process, seconds, limit, patience=0):
    """What the program wrote, as bytes, once it ended well. Raises ValueError that says how else it ended.

    After ``seconds``, or ``limit`` bytes, it is ended with all of its process group; what it left running is ended when it
    ended, and not waited for. ``patience``: seconds between SIGTERM and SIGKILL; with 0 there is no SIGTERM.
    """
    deadline = time.monotonic() + seconds
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
        output, errors = _read(process, deadline, seconds, limit)
        try:
            code = process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ValueError('it was not done in %d s' % seconds)
    finally:
        _end(process, patience)
    if code < 0:
        raise ValueError('it was killed by %s' % _signal_name(-code))
    if code:
        # the cause and what followed from it: often not on one line
        words = ' | '.join(errors.decode('utf-8', 'replace').strip().splitlines()[-3:])
        raise ValueError('it ended with code %d%s' % (code, words and ': ' + words[-300:]))
    return output


def _read(process, deadline, seconds, limit):
    output, errors = process.stdout.fileno(), process.stderr.fileno()
    kept = {output: bytearray(), errors: bytearray()}
    poll = select.poll()
    for fd in kept:
        poll.register(fd, select.POLLIN)
    waiting, gone = len(kept), False
    while waiting:
        if not gone and _is_gone(process):
            # What still holds its output is a daemon, or something that it did not wait for.
            gone, deadline = True, min(deadline, time.monotonic() + LEFT_SECONDS)
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 and gone:
            break
        if seconds_left <= 0:
            raise ValueError('it was not done in %d s' % seconds)
        for fd, _event in poll.poll(min(seconds_left, LOOK_SECONDS) * 1000):
            piece = os.read(fd, 1 << 16)
            kept[fd] += piece
            if not piece:
                poll.unregister(fd)
                waiting -= 1
            elif len(kept[output]) > limit:
                raise ValueError('it wrote more than %d MiB' % (limit >> 20))
            # of the errors the last ones count
            del kept[errors][:-ERRORS_KEPT]
    return bytes(kept[output]), bytes(kept[errors])


def _is_gone(process):
    """Whether it ended; its number stays its own until it is waited for."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def end_group(group, patience, meanwhile):
    """SIGTERM, and SIGKILL for what is left of the group after ``patience`` seconds; ``meanwhile()`` takes a moment."""
    deadline, left = time.monotonic() + patience, True
    try:
        if patience:
            left = _tell(group, signal.SIGTERM)
        while left and time.monotonic() < deadline:
            meanwhile()
            left = _tell(group, 0)
    finally:
        if left:
            _tell(group, signal.SIGKILL)


def _tell(group, number):
    """Whether there is such a process group."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _end(process, patience):
    poll = select.poll()
    for pipe in (process.stdout, process.stderr):
        poll.register(pipe, select.POLLIN)

    def meanwhile():
        # What it says at its end is read too: a full pipe would keep it from ending.
        for fd, _event in poll.poll(PAUSE_SECONDS * 1000):
            if not os.read(fd, 1 << 16):
                poll.unregister(fd)
        process.poll()  # else the group would still have its leader

    # The session's leader is not waited for yet, or had its number for a group that still lives: it is no other's.
    end_group(process.pid, patience, meanwhile)
    process.stdout.close()
    process.stderr.close()
    try:
        process.wait(KILL_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # stuck in the kernel: it ends when it comes back


def _prepare():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return 'signal %d' % number
