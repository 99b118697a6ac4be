# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU flags and the kernel's messages → how far the TSC can be trusted. Pure.

The wordings are those of arch/x86/kernel/tsc.c, tsc_sync.c and kernel/time/clocksource.c from 2.6.18 on.
"""
import re

# What stands before a message: "<6>", "kern  :info  : ", "[    1.109476] ", "[    0.1][    T0] ", "[Mon Sep  1 …] ".
_PREFIX = re.compile(r'(?:<\d+>|kern *:\w+ *: *|\[[^]]*\] *)+')
_MARKED = 'Marking TSC unstable due to'
# The watchdog as rewritten in 2026: "clocksource: Marking clocksource tsc unstable due to frequency skew"
_MARKED_LATER = ('clocksource: Marking clocksource tsc unstable due to ',
                 'clocksource: Marking clocksource tsc-early unstable due to ')
# Each names the TSC itself: other sources are watched too, and become unstable, without harm to it.
_FAULTS = (
    ("Marking clocksource 'tsc' as unstable", 'clocksource watchdog'),
    ("Marking clocksource 'tsc-early' as unstable", 'clocksource watchdog'),
    # 5.18: "… wd-tsc-wd excessive read-back delay of 294ns vs. limit of 250ns, … attempt 4, marking tsc unstable"
    (', marking tsc unstable', 'clocksource watchdog'),
    (', marking tsc-early unstable', 'clocksource watchdog'),
    # 2.6.21 to 3.x: "Clocksource tsc unstable (delta = -150158703 ns)"
    ('locksource tsc unstable (', 'skew measured by the watchdog'),
    (' cycles TSC warp between CPUs, turning off TSC', 'TSC warp between CPUs'),
    ('TSC found unstable after boot', 'found unstable after boot'),
    ('TSC appears to be running slowly', 'running slowly'),
)
_SUBJECTS = ('clocksource', 'Clocksource', 'timekeeping watchdog', 'TSC', 'tsc: ', 'Measured ')
# arch/x86/kernel/cpu/mshyperv.c marks it wherever the host gives no invariant TSC, whatever the TSC is worth.
_POLICIES = ('running on Hyper-V',)
# 2.6.31 said "Switching to clocksource hpet", 2.6.18 "Time: hpet clocksource has been installed."
_SWITCHES = ('Switched to clocksource ', 'Switching to clocksource ')
_FREQUENCIES = ('Detected ', 'Refined TSC clocksource calibration: ', 'TSC freq recalibrated by ')
# A file that begins after its boot is an excerpt about the clock when it is shorter than the smallest ring buffer
# (CONFIG_LOG_BUF_SHIFT 12), and a log that lost its start when it is longer.
_EXCERPT = 4096


def judge(evidence, lines, complete=None):
    """{constant, nonstop, known_freq, khz, unstable, unstable_reason, policy, switched_to}.

    ``evidence`` is ``_evidence.collect``'s; ``lines`` are the kernel's messages, None when they cannot be read;
    ``complete`` says whether they reach back to the boot, None leaves that to the lines.
    ``khz`` is the TSC's frequency; ``unstable`` is None where messages that are not complete show no fault.
    ``policy`` repeats a reason that is the kernel's rule for a platform and no fault of this TSC.
    """
    flags = (evidence.get('cpu') or {}).get('flags')
    found = {'constant': None, 'nonstop': None, 'known_freq': None, 'khz': evidence.get('tsc_khz'), 'policy': None,
             'unstable': None, 'unstable_reason': None, 'switched_to': None}
    if flags is not None:
        found.update(constant='constant_tsc' in flags, nonstop='nonstop_tsc' in flags,
                     known_freq='tsc_known_freq' in flags)
    if lines is None:
        return found
    lines = this_boot(lines)
    texts = [_text(line) for line in lines if 'TSC' in line or 'tsc' in line or 'locksource' in line or ' MHz' in line]
    policy, reason = _reasons(texts)
    if complete is None:
        complete = _is_whole(lines, texts)
    reason = reason or policy
    found.update(policy=policy, unstable_reason=reason, switched_to=switched_to(texts),
                 unstable=True if reason else False if complete else None, khz=_khz(texts) or found['khz'])
    return found


def this_boot(lines):
    """The messages from the last boot's first one on.

    That is "Linux version …", or a stamp of 0.000000 after a second and more; old kernels' stamps jump back in
    mid-boot when they drop the TSC, but not to 0.
    """
    start, before = 0, ''
    for number, line in enumerate(lines):
        if '[    0.000000]' in line and _seconds(before) >= 1:
            start = number
        elif 'Linux version ' in line and _text(line).startswith('Linux version '):
            start = number
        before = line
    return lines[start:]


def switched_to(texts):
    """The source of the last switch that messages report, or None."""
    for text in reversed(texts):
        for words in _SWITCHES:
            if words in text and text.startswith(('clocksource: ', words)) and text.split(words, 1)[1].split():
                return text.split(words, 1)[1].split()[0]
        if text.startswith('Time: ') and ' clocksource has been installed' in text:
            return text.split()[1]
    return None


def _seconds(line):
    stamp = re.search(r'\[ *(\d+\.\d{6})\]', line)
    return float(stamp.group(1)) if stamp else 0.0


def _text(line):
    at = line.find('kernel: ', 0, 120)
    if at >= 0:
        line = line[at + 8:]
    prefix = _PREFIX.match(line)
    return line[prefix.end():] if prefix else line


def _reasons(texts):
    """(the kernel's policy, the fault's reason); the kernel marks the TSC once and says why then."""
    policy = fault = None
    for text in texts:
        if text.startswith((_MARKED, 'tsc: ' + _MARKED)):
            reason = text.split(_MARKED, 1)[1].strip(' :.\r\n')
            if reason not in _POLICIES:
                return policy, reason
            policy = reason
        elif text.startswith(_MARKED_LATER):
            return policy, text.split(' due to ', 1)[1].strip()
        elif fault is None and text.startswith(_SUBJECTS):
            fault = next((reason for words, reason in _FAULTS if words in text), None)
            if fault is None and 'wd-tsc' in text and 'marking unstable' in text:
                # 5.16 to 5.17: "… wd-tsc-wd read-back delay of 94761ns, attempt 4, marking unstable"
                fault = 'clocksource watchdog'
    return policy, fault


def _khz(texts):
    """From "tsc: Detected 2600.000 MHz processor" or "TSC freq recalibrated by [HPET]: 2095.078 MHz", in kHz."""
    for text in reversed(texts):
        text = text[5:] if text.startswith('tsc: ') else text
        words = text.split(' MHz')[0].split()
        if text.startswith(_FREQUENCIES) and re.match(r'[0-9]{1,6}\.[0-9]{3}$', words[-1]):
            return int(words[-1].replace('.', ''))
    return None


def _is_whole(lines, texts):
    first = next((line for line in lines if line.strip()), '')
    if 'Linux version ' in first or '[    0.000000]' in first:
        return True
    return bool(texts) and sum(map(len, lines)) < _EXCERPT
