# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a machine's ssh server has said its first word through the forwarded port.

A mere connection proves nothing: QEMU accepts it long before the guest is up.
"""

import argparse
import os
import socket
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('directory', help='the machine\'s own directory, see boot.py')
    parser.add_argument('port', type=int)
    parser.add_argument('--seconds', type=int, default=420)
    args = parser.parse_args()
    started = time.monotonic()
    while time.monotonic() - started < args.seconds:
        if greeted(args.port):
            print(f'ssh after {time.monotonic() - started:.0f} s')
            return
        if not os.path.exists(os.path.join(args.directory, 'pid')):
            sys.exit('the machine ended by itself')
        time.sleep(1)
    sys.exit(f'no ssh after {args.seconds} s')


def greeted(port):
    try:
        with socket.create_connection(('127.0.0.1', port), timeout=5) as connection:
            return connection.recv(4) == b'SSH-'
    except OSError:
        return False


if __name__ == '__main__':
    main()
