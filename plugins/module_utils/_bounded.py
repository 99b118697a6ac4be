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


def start(argv, executable=None, fds=(), env=None):
    """A Popen in a session of its own with nothing to read, no core file, its output in pipes. Raises OSError."""
    return subprocess.Popen(argv, executable=executable, pass_fds=fds, env=dict(ENVIRONMENT, **(env or {})), cwd='/',
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, preexec_fn=_no_core)


def finish(process, seconds, limit):
    """What the program wrote, as bytes, once it ended well. Raises ValueError that says how else it ended.

    After ``seconds``, or ``limit`` bytes, it is killed with all of its session; what it left running is killed when it
    ended, and not waited for.
    """
    deadline = time.monotonic() + seconds
    try:
        output, errors = _read(process, deadline, seconds, limit)
        try:
            code = process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ValueError('it was not done in %d s' % seconds)
    finally:
        _end(process)
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


def _end(process):
    try:
        # The session's leader is not waited for yet, or had its number for a group that still lives: it is no other's.
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.stdout.close()
    process.stderr.close()
    try:
        process.wait(KILL_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # stuck in the kernel: it ends when it comes back


def _no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return 'signal %d' % number
