# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a process enters the kernel to read the time, and what makes that dearer. Pure.

The best witness is the address that the call returns to: in the vDSO only what it could not answer itself enters the
kernel; from anywhere else the vDSO was never asked.
"""
import re

# include/uapi/linux/time.h
CLOCKS = {0: 'realtime', 1: 'monotonic', 2: 'process_cputime_id', 3: 'thread_cputime_id', 4: 'monotonic_raw',
          5: 'realtime_coarse', 6: 'monotonic_coarse', 7: 'boottime', 8: 'realtime_alarm', 9: 'boottime_alarm', 11: 'tai'}
COARSE = ('realtime_coarse', 'monotonic_coarse')
# In the vDSO for ever
_COMMON = ('realtime', 'monotonic') + COARSE
# In the vDSO of some kernels, which a measurement tells
_BY_AGE = ('tai', 'boottime', 'monotonic_raw')
_LIBC = re.compile(r'/(libc[-.]|librt[-.]|ld-musl-|libuClibc)[^/]*$')
_LOADER = re.compile(r'/ld[-.][^/]*$')
# glibc 2.31 is the first to look for the vDSO in 32-bit programs' clock_gettime64 and in static ones (its NEWS file).
_OLD_LIBC = re.compile(r'/libc-2\.([0-9]|[12][0-9]|30)\.so')
ROOM = 'the call comes from %s'
# _people.describe's `ended` → why there is no memory map
_UNSEEN = {True: 'the process had ended', False: 'its memory map does not tell',
           None: 'its processes are outside this container: look on the host'}


def clock_name(call, clock):
    """The clock that a call reads; of a negative id the kind alone is left (probe/tally.c)."""
    if clock is None:
        return 'realtime_coarse' if call == 'time' else 'realtime'
    if clock < 0:
        # include/linux/posix-timers.h: CLOCKFD is 3, the others are CPU time
        return 'device' if clock & 3 == 3 else 'cpu_time'
    return CLOCKS.get(clock, 'clock %d' % clock)


def is_cpu_time(name):
    return name in ('process_cputime_id', 'thread_cputime_id', 'cpu_time')


def why(name, abi, address, process, paths):
    """``{'why_it_enters', 'certain', 'evidence'}``.

    ``name``: clock_name's. ``process``: _people.describe's. ``paths``: clock → vdso, syscall or None, as measured here.
    """
    if is_cpu_time(name):
        return _is('cpu_time_clock', True, 'only the kernel knows CPU time: no fault')
    if name in _BY_AGE and not (paths.get(name) and paths.get('monotonic')):
        return _is('unknown', False, "whether this kernel's vDSO knows the clock was not measured")
    if name not in _COMMON and (name not in _BY_AGE or paths[name] == 'syscall' != paths['monotonic']):
        return _is('clock_without_vdso', True, "this kernel's vDSO does not know the clock: no fault")
    room, path = where(process['maps'], address, process['exe'])
    if room is None:
        return _is('unknown', False, _UNSEEN[process['ended']])
    dynamic = any(_LIBC.search(entry[2]) or _LOADER.search(entry[2]) for entry in process['maps'])
    if room == 'vdso' and abi != '32-bit':
        return _is('source_without_vdso', True, 'the vDSO was asked, and itself called the kernel')
    if room == 'vdso' and name not in COARSE and paths.get('monotonic') == 'syscall':
        return _is('source_without_vdso', False, 'no program reads this clocksource without the kernel')
    if room == 'vsyscall':
        return _is('static_or_old_libc', True, 'the call comes from the vsyscall page, of the time before the vDSO')
    if not dynamic:
        return _static(process)
    if room not in ('vdso', 'libc'):
        return _is('raw_syscall', True, ROOM % path)
    if not any(entry[2] == '[vdso]' for entry in process['maps']):
        return _is('static_or_old_libc', False, 'the process has no vDSO')
    if abi == '32-bit' and any(_OLD_LIBC.search(entry[2]) for entry in process['maps']):
        return _is('static_or_old_libc', False, 'a 32-bit C library before 2.31')
    return _is('raw_syscall', False, "the C library's own functions ask the vDSO first; its syscall() does not")


def where(maps, address, exe):
    """(vdso, vsyscall, program, libc, library or anonymous, path), (None, None) where the map does not tell."""
    path = next((entry[2] for entry in maps or () if entry[0] <= address < entry[1]), None)
    if path is None:
        return None, None
    if path in ('[vdso]', '[vsyscall]'):
        return path[1:-1], path
    if not path.startswith('/'):
        return 'anonymous', path or 'memory that belongs to no file'
    if path == exe:
        return 'program', path
    return 'libc' if _LIBC.search(path) else 'library', path


def dearer(call, abi, process, audit):
    """The names of what slows this process' calls down, beside the clocksource."""
    calls = (audit['calls'] or {}).get('32-bit' if abi == '32-bit' else '64-bit', ())
    return (['seccomp_filter'] if process['seccomp'] in ('filter', 'strict') else []) + (
        ['audit_rules'] if call in calls else [])


def _static(process):
    names_vdso = process['program']()
    if names_vdso:
        return _is('raw_syscall', False, 'a static program whose C library knows the vDSO')
    if names_vdso is None:
        return _is('unknown', False, 'a static program, whose file was not searched for the vDSO\'s function')
    return _is('static_or_old_libc', False, 'no C library is mapped, and its file does not name the vDSO\'s function')


def _is(why_it_enters, certain, evidence):
    return {'why_it_enters': why_it_enters, 'certain': certain, 'evidence': evidence}
