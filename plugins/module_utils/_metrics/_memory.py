# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the next one: each figure's baseline, the last switch, the warp test. Pure.

A baseline is the least figure that three runs one after the other did not exceed: what the machine has shown it can do,
which neither one lucky reading nor a slow start spoils. It only ever falls; it starts anew on another machine (an image
started elsewhere, an instance resized), and where the file is removed.
"""
import re

RUNS = 3
DAY, HOUR = 86400, 3600
# "[    0.912345] clocksource: Switched to clocksource tsc"; before 3.x "Switching to clocksource tsc", without a prefix.
_SWITCH = re.compile(r'\[ *([0-9]+\.[0-9]+)\] (?:clocksource: )?Switch(?:ed|ing) to clocksource (\S+)')


def start(kept, machine):
    """The memory as the last run left it, in shape; a new one for what is none, or another machine's."""
    fresh = {'machine': machine, 'boot': None, 'source': None, 'switches': 0, 'switch': None, 'warp': None, 'reads': {}}
    if not isinstance(kept, dict) or kept.get('machine') != machine or set(kept) != set(fresh):
        return fresh
    return kept


def boot(memory, boot_id):
    """What belongs to one boot is dropped in the next."""
    if memory['boot'] != boot_id:
        memory.update(boot=boot_id, switch=None, warp=None)


def source(memory, current, lines, now, uptime):
    """Counts a change since the last run, and dates the kernel's own last message of one.

    ``lines`` are the messages of this boot, ``now`` and ``uptime`` seconds of the same moment.
    """
    if current and memory['source'] not in (None, current):
        memory['switches'] += 1
    memory['source'] = current or memory['source']
    last = next((found for found in map(_SWITCH.match, reversed(lines or [])) if found), None)
    if last is None or last.group(2) != current:
        # The message has left the buffer: the last one known holds only while the source is the one it named.
        if (memory['switch'] or {}).get('source') != current:
            memory['switch'] = None
        return
    stamp = float(last.group(1))
    # Reckoned once: the wall clock is slewed, and a time that creeps would look like another switch.
    if (memory['switch'] or {}).get('stamp') != stamp:
        memory['switch'] = {'stamp': stamp, 'source': current, 'time': round(now - uptime + stamp, 3)}


def reads(memory, clocks):
    """Takes a measurement's medians in, nanoseconds by clock and path."""
    for clock, paths in (clocks or {}).items():
        for path in ('vdso', 'libc', 'syscall'):
            ns = ((paths[path] or {}).get('ns') or {}).get('median')
            if ns is None:
                continue
            entry = memory['reads'].setdefault('%s %s' % (clock, path), {'last': [], 'baseline': None})
            entry['last'] = (entry['last'] + [ns])[-RUNS:]
            if len(entry['last']) == RUNS:
                entry['baseline'] = min(filter(None, (entry['baseline'], max(entry['last']))))


def warp_owed(memory, now):
    """Whether to test the counters against each other: once a boot and then daily, an unfinished test hourly."""
    warp = memory['warp']
    if not warp or now < warp['time']:
        return True
    whole = warp['result'] and not warp['result']['partial']
    return now - warp['time'] >= (DAY if whole else HOUR)


def warp(memory, result, hertz, now):
    """Keeps a test's result, and the seconds of a step back, for runs that have no figures. One that found a step back
    stands for the boot, whatever a later one sees."""
    last = memory['warp'] or {}
    before, seconds = last.get('result'), last.get('seconds')
    if before and before['worst_cycles'] and not (result and result['worst_cycles'] >= before['worst_cycles']):
        result = before
    elif result and result['worst_cycles'] and hertz:
        seconds = result['worst_cycles'] / float(hertz)
    memory['warp'] = {'time': now, 'result': result or before, 'seconds': seconds}
