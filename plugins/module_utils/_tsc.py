# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU flags and the kernel's messages → how far the TSC can be trusted. Pure.

The wordings are those of arch/x86/kernel/tsc.c, tsc_sync.c and kernel/time/clocksource.c from 2.6.18 to 6.18.
"""
import re

# What stands before a message: "<6>", "kern  :info  : ", "[    1.109476] ", "[    0.1][    T0] ", "[Mon Sep  1 …] ".
_PREFIX = re.compile(r'(?:<\d+>|kern\s*:\w+\s*:\s*|\[[^\]]*\]\s*)+')
_STAMP = re.compile(r'\[\s*(\d+\.\d+)\]')
_WATCHDOG = r'(?:clocksource: )?timekeeping watchdog.*'
_MARKED = re.compile(r'(?:tsc: )?Marking TSC unstable due to:? *(.+?)\.?\s*$')
# Each names the TSC itself: other sources are watched too, and become unstable, without harm to it.
_FAULTS = (
    # "timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable because the skew is too large:"
    (re.compile(_WATCHDOG + r"Marking clocksource 'tsc(?:-early)?' as unstable"), 'clocksource watchdog'),
    # 5.18: "… wd-tsc-wd excessive read-back delay of 294ns vs. limit of 250ns, … attempt 4, marking tsc unstable"
    (re.compile(_WATCHDOG + r' marking tsc(?:-early)? unstable'), 'clocksource watchdog'),
    (re.compile(_WATCHDOG + r'wd-tsc(?:-early)?-wd .* marking unstable'), 'clocksource watchdog'),
    # 2.6.21 to 3.x: "Clocksource tsc unstable (delta = -150158703 ns)"
    (re.compile(r'[Cc]locksource tsc unstable'), 'skew measured by the watchdog'),
    (re.compile(r'Measured -?\d+\S* cycles TSC warp between CPUs, turning off TSC'), 'TSC warp between CPUs'),
    (re.compile(r'TSC found unstable after boot'), 'found unstable after boot'),
    (re.compile(r'TSC appears to be running slowly'), 'running slowly'),
)
# arch/x86/kernel/cpu/mshyperv.c marks it wherever the host gives no invariant TSC, whatever the TSC is worth.
_POLICIES = ('running on Hyper-V',)
# 2.6.18: "Time: hpet clocksource has been installed."; 2.6.31: "Switching to clocksource hpet"
_SWITCH = re.compile(r'(?:clocksource: )?(?:Switch(?:ed|ing) to clocksource (\S+)'
                     r'|Time: (\S+) clocksource has been installed)')
_MHZ = re.compile(r'(?:tsc: )?(?:Detected|Refined TSC clocksource calibration:|TSC freq recalibrated by \[\w+\]:)'
                  r'\s+(\d+)\.(\d{3}) MHz')
# A file that begins after its boot is an excerpt about the clock when it is shorter than the smallest ring buffer
# (CONFIG_LOG_BUF_SHIFT 12), and a log that lost its start when it is longer.
_EXCERPT = 4096


def judge(evidence, lines, complete=None):
    """{constant, nonstop, known_freq, khz, unstable, unstable_reason, policy, switched_to}.

    ``evidence`` is ``_evidence.collect``'s; ``lines`` are the kernel's messages, None when they cannot be read;
    ``complete`` says whether they reach back to the boot, None leaves that to the lines.
    ``khz`` is the TSC's frequency; ``unstable`` is None where nothing was found in messages that are not complete.
    ``policy`` is a reason that is the kernel's rule for a platform and no fault of this TSC.
    """
    flags = (evidence.get('cpu') or {}).get('flags')
    found = {'constant': None, 'nonstop': None, 'known_freq': None}
    if flags is not None:
        found = {'constant': 'constant_tsc' in flags, 'nonstop': 'nonstop_tsc' in flags,
                 'known_freq': 'tsc_known_freq' in flags}
    if lines is None:
        return dict(found, khz=evidence.get('tsc_khz'), unstable=None, unstable_reason=None, policy=None,
                    switched_to=None)
    lines = this_boot(lines)
    texts = [_text(line) for line in lines if 'TSC' in line or 'tsc' in line or 'locksource' in line or 'MHz' in line]
    policy, reason = _reasons(texts)
    if complete is None:
        complete = _is_whole(lines, texts)
    return dict(found, khz=_khz(texts) or evidence.get('tsc_khz'), policy=policy, unstable_reason=reason,
                unstable=True if reason else False if complete else None, switched_to=switched_to(texts))


def this_boot(lines):
    """The messages from the last boot's first one on.

    That is "Linux version …", or a stamp of 0.000000 after a later one; old kernels' stamps jump back in mid-boot
    when they drop the TSC, but not to 0.
    """
    start, late = 0, False
    for number, line in enumerate(lines):
        if 'Linux version ' in line and re.match(r'Linux version \d', _text(line)):
            start, late = number, False
        elif '0.000000]' in line:
            stamp = _STAMP.search(line)
            if stamp and float(stamp.group(1)) == 0 and late:
                start, late = number, False
        else:
            late = True
    return lines[start:]


def switched_to(texts):
    """The source of the last switch that the kernel reports, or None."""
    for text in reversed(texts):
        match = _SWITCH.match(text)
        if match:
            return match.group(1) or match.group(2)
    return None


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
        marked = _MARKED.match(text)
        if marked and marked.group(1) in _POLICIES:
            policy = marked.group(1)
        elif marked:
            return policy, marked.group(1)
        elif fault is None:
            fault = next((reason for pattern, reason in _FAULTS if pattern.match(text)), None)
    return policy, fault


def _khz(texts):
    for text in reversed(texts):
        match = _MHZ.match(text)
        if match:
            return int(match.group(1)) * 1000 + int(match.group(2))
    return None


def _is_whole(lines, texts):
    first = next((line for line in lines if line.strip()), '')
    stamp = _STAMP.search(first)
    if 'Linux version ' in first or stamp and float(stamp.group(1)) == 0:
        return True
    return bool(texts) and sum(map(len, lines)) < _EXCERPT
