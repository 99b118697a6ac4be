# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit_rule.py add|on|off|delete…: what `auditctl -a always,exit -F arch=b64 -S clock_gettime`, `auditctl -e 1`,
`auditctl -e 0` and `auditctl -d …` do, without auditctl."""
import socket
import struct
import sys

# include/uapi/linux/audit.h: AUDIT_SET, AUDIT_ADD_RULE, AUDIT_DEL_RULE; AUDIT_ARCH_X86_64
SET, ADD, DELETE = 1001, 1011, 1012
mask, fields, values, operators = ([0] * 64 for _column in range(4))
mask[228 >> 5] = 1 << (228 & 31)
fields[0], values[0], operators[0] = 11, 0xC000003E, 0x40000000
rule = struct.pack('=260I', 4, 2, 1, *(mask + fields + values + operators), 0)
requests = {'add': (ADD, rule), 'delete': (DELETE, rule),
            'on': (SET, struct.pack('=10I', 1, 1, *[0] * 8)), 'off': (SET, struct.pack('=10I', 1, 0, *[0] * 8))}
for word in sys.argv[1:]:
    kind, body = requests[word]
    with socket.socket(16, socket.SOCK_RAW, 9) as line:
        line.send(struct.pack('=IHHII', 16 + len(body), kind, 5, 1, 0) + body)
        code = struct.unpack_from('=IHHIIi', line.recv(8192))[5]
    if code:
        sys.exit('%s: error %d' % (word, -code))
