# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the kernel's audit rules are looked at whenever a program reads the time by a system call.

The kernel is asked itself, by netlink: whoever loaded the rules, and without auditctl. It answers root only.
"""
import os
import socket
import struct

# include/uapi/linux/netlink.h, audit.h
_NETLINK_AUDIT, _REQUEST, _ERROR, _DONE, _GET, _LIST_RULES = 9, 1, 2, 3, 1000, 1013
_HEADER = struct.Struct('=IHHII')
# struct audit_rule_data: flags, action, field_count, then 64 numbers each of the mask, fields, values and their operators
_RULE = struct.Struct('=259I')
_TASK_LIST, _EXIT_LIST, _NEVER = 1, 4, 0
_ARCH, _EQUAL = 11, 0x40000000
# A rule on a file, a folder or a kind of access looks like one on every call, and concerns none that reads the time:
# AUDIT_INODE, AUDIT_WATCH, AUDIT_PERM, AUDIT_DIR.
_OF_FILES = frozenset((102, 105, 106, 107))
_ACTIONS = {0: 'never', 1: 'possible', 2: 'always'}
# AUDIT_ARCH_* -> (as auditctl says it, the calls that read the time)
_ARCHES = {
    0xC000003E: ('b64', {228: 'clock_gettime', 96: 'gettimeofday', 201: 'time'}),
    0x40000003: ('b32', {265: 'clock_gettime', 403: 'clock_gettime64', 78: 'gettimeofday', 13: 'time'}),
    0xC00000B7: ('b64', {113: 'clock_gettime', 169: 'gettimeofday'}),
    0x40000028: ('b32', {263: 'clock_gettime', 403: 'clock_gettime64', 78: 'gettimeofday'}),
}
_OF_MACHINE = {'x86_64': (0xC000003E, 0x40000003), 'aarch64': (0xC00000B7, 0x40000028)}
_SECONDS = 1


def read(root):
    """``{'enabled', 'total', 'reading_time': [text], 'calls': {abi: [call]}, 'reason'}``; None but for it where unknown."""
    unknown = {'enabled': None, 'total': None, 'reading_time': None, 'calls': None}
    if not root.live:
        return dict(unknown, reason='another root: only a running kernel has rules')
    try:
        with socket.socket(16, socket.SOCK_RAW, _NETLINK_AUDIT) as line:
            line.settimeout(_SECONDS)
            # struct audit_status: a mask, and whether it is on; 2 is on for good
            enabled = struct.unpack_from('=II', next(_answers(line, _GET)))[1] != 0
            rules = [body for body in _answers(line, _LIST_RULES) if len(body) >= _RULE.size]
    except OSError as exc:
        return dict(unknown, reason='the kernel did not list them: %s' % (exc.strerror or exc))
    return dict(judge(rules, os.uname().machine, enabled), reason=None)


def judge(rules, machine, enabled):
    """``rules``: each an audit_rule_data as bytes, of at least 1036. Pure."""
    texts, calls = [], {}
    each = [_RULE.unpack_from(rule) for rule in rules]
    # While audit is off, or by `-a never,task`, no call is looked at (kernel/auditsc.c: __audit_syscall_entry, audit_alloc).
    off = not enabled or any((numbers[0] & 7, numbers[1], numbers[2]) == (_TASK_LIST, _NEVER, 0) for numbers in each)
    for numbers in () if off else each:
        found = _touched(numbers, _OF_MACHINE.get(machine, ()))
        if found:
            texts.append('%s: %s' % (_ACTIONS.get(numbers[1], 'action %d' % numbers[1]), '; '.join(
                '%s %s' % (name, ', '.join(touched)) for name, touched in found)))
        for name, touched in found:
            kept = calls.setdefault('64-bit' if name == 'b64' else '32-bit', [])
            kept.extend(call for call in touched if call not in kept)
    return {'enabled': enabled, 'total': len(rules), 'reading_time': texts, 'calls': calls}


def _touched(numbers, arches):
    """[(b64 or b32, [call])] that the kernel holds this rule against."""
    count, mask, fields, values, operators = numbers[2], numbers[3:67], numbers[67:131], numbers[131:195], numbers[195:]
    if numbers[0] & 7 != _EXIT_LIST or _OF_FILES.intersection(fields[:count]):
        return []
    for at in range(min(count, 64)):
        if fields[at] == _ARCH:
            equal = operators[at] == _EQUAL
            arches = [arch for arch in arches if (arch == values[at]) == equal]
    found = []
    for arch in arches:
        name, calls = _ARCHES[arch]
        touched = [call for number, call in calls.items() if mask[number >> 5] >> (number & 31) & 1]
        if touched:
            found.append((name, touched))
    return found


def _answers(line, kind):
    """The bodies of the messages of that kind that answer a request of that kind."""
    line.send(_HEADER.pack(_HEADER.size, kind, _REQUEST, 1, 0))
    while True:
        data = line.recv(1 << 16)
        while len(data) >= _HEADER.size:
            size, found = _HEADER.unpack_from(data)[:2]
            body, data = data[_HEADER.size:size], data[max(_HEADER.size, size + 3 & ~3):]
            if found == _DONE:
                return
            if found == _ERROR:
                code = -struct.unpack_from('=i', body)[0]
                raise OSError(code, os.strerror(code))
            if found == kind:
                yield body
