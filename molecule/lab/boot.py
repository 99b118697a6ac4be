# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start one machine in a directory of its own, and print how to reach it as JSON.

The directory keeps everything the machine has: its key, its disk (an overlay on the cached image), its serial console
(`console`), QEMU's own words (`qemu`) and its process id (`pid`). The machine ends by itself after a time limit.
Its user network reaches nothing (`restrict=on`); one port of the loopback interface leads to its ssh.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time

import slow_hpet

# Five-level page tables only cost time where every level is walked in software.
CHEAPER = 'la57=off'
FEATURELESS = ['-nodefaults', '-display', 'none', '-no-user-config']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('directory', help='the machine\'s own directory')
    parser.add_argument('--image', required=True, type=json.loads, help='what image.py printed')
    parser.add_argument('--machine', required=True, type=json.loads, help='the `lab` key of a molecule platform')
    parser.add_argument('--limit', type=int, default=3600, help='seconds after which the machine is ended')
    args = parser.parse_args()
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    make_key()
    arguments = nested(args.machine, args.image) if 'nested' in args.machine else plain(args.machine, args.image)
    port, second_port = start(f'{args.image["tools"]}/qemu-system-x86_64', arguments, args.limit,
                              args.machine.get('late_tsc'))
    print(json.dumps({'address': '127.0.0.1', 'port': port, 'outer_port': second_port,
                      'identity_file': os.path.abspath('key')}))


def make_key():
    if not os.path.exists('key'):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'cloudclock lab', '-f', 'key'], check=True)


def plain(machine, image):
    overlay(image, 'disk.qcow2', image['disk'], 'qcow2')
    traces = [word for event in slow_hpet.EVENTS for word in ('-trace', event)] if machine.get('late_tsc') else []
    return [*common(machine, '-accel', 'tcg,thread=multi', '-cpu', f'{machine.get("cpu", "max")},{CHEAPER}'), *traces,
            '-serial', 'file:console', *other_kernel(machine, image),
            *disk('disk.qcow2'),
            *network('hostfwd=tcp:127.0.0.1:{port}-:22'),
            '-fw_cfg', 'name=opt/lab/key,file=key.pub']


def other_kernel(machine, image):
    """QEMU loads it in place of GRUB, again at each reboot; the cloud kernel's way is GRUB's."""
    if machine.get('kernel', 'cloud') == 'cloud':
        return []
    home = image[machine['kernel']]
    return ['-kernel', f'{home}/vmlinuz', '-initrd', f'{home}/initrd',
            '-append', 'root=/dev/nvme0n1p1 ro net.ifnames=0 console=ttyS0 mitigations=off '
                       f'{machine.get("kernel_args", "quiet")}']


def nested(machine, image):
    """An outer machine (TCG emulates AMD's SVM) whose only job is a KVM guest on its second disk: see lab-outer."""
    outer = {'cpu': 'max', 'smp': 1, 'memory': 2048, 'kernel_args': '', **(machine['nested'].get('outer') or {})}
    overlay(image, 'outer.qcow2', image['base'], 'raw')
    overlay(image, 'disk.qcow2', image['disk'], 'qcow2')
    inner = [*common(machine, '-accel', machine['nested']['accel'], '-cpu', machine.get('cpu', 'host')),
             '-serial', 'file:/dev/console',
             *disk('/dev/vda', 'format=raw'),
             *network('hostfwd=tcp::22-:22')]
    with open('inner', 'w', encoding='utf-8') as lines:
        lines.write('\n'.join(inner))
    return [*common(outer, '-accel', 'tcg,thread=multi', '-cpu', f'{outer["cpu"]},{CHEAPER}'),
            '-serial', 'file:console',
            '-kernel', image['kernel'],
            '-append', 'root=/dev/nvme0n1p1 rw console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off '
                       f'init=/usr/local/sbin/lab-outer {outer["kernel_args"]}',
            *disk('outer.qcow2'),
            '-drive', 'file=disk.qcow2,if=virtio,cache=unsafe',  # a second NVMe disk might come up as the first
            *network('hostfwd=tcp:127.0.0.1:{port}-:22', 'hostfwd=tcp:127.0.0.1:{second_port}-:2222'),
            '-fw_cfg', 'name=opt/lab/inner,file=inner', '-fw_cfg', 'name=opt/lab/key,file=key.pub']


def common(machine, *processor):
    smbios = [word for entry in machine.get('smbios', []) for word in ('-smbios', entry)]
    return [*FEATURELESS, '-machine', machine.get('machine', 'pc'), *processor, '-smp', str(machine.get('smp', 1)),
            '-m', str(machine.get('memory', 512)), *smbios, *machine.get('qemu_args', [])]


def disk(name, *options):
    number = name.strip('/').replace('/', '-').partition('.')[0]
    return ['-drive', ','.join([f'file={name},if=none,id={number},cache=unsafe', *options]),
            '-device', f'nvme,drive={number},serial={number}']


def network(*forwards):
    return ['-netdev', ','.join(['user,id=net,restrict=on', *forwards]),
            '-device', 'virtio-net-pci,netdev=net,romfile=']


def overlay(image, name, backing, backing_format):
    subprocess.run([f'{image["tools"]}/qemu-img', 'create', '-q', '-f', 'qcow2', '-F', backing_format, '-b', backing, name], check=True)


def start(emulator, arguments, limit, late_tsc):
    """Start QEMU below a `timeout`, in a session of its own; another try where the free port was taken meanwhile."""
    for _attempt in range(5):
        ports = {'{port}': free_port(), '{second_port}': free_port()}
        command = ['timeout', '-k', '10', str(limit), emulator, '-pidfile', 'pid']
        for argument in arguments:
            for name, port in ports.items():
                argument = argument.replace(name, str(port))
            command.append(argument)
        with open('qemu', 'wb') as words:
            told = slowed(words) if late_tsc else os.dup(words.fileno())
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=told,
                                       start_new_session=True)
            os.close(told)
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            if os.path.exists('pid') and listening(ports['{port}']):
                return tuple(ports.values())
            time.sleep(0.2)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with open('qemu', encoding='utf-8', errors='replace') as words:
            reason = words.read()
        if 'Could not set up host forwarding rule' not in reason:
            break
    sys.exit(f'QEMU did not start: {reason}')


def slowed(words):
    reader, writer = slow_hpet.pipe()
    subprocess.Popen([sys.executable, slow_hpet.__file__, 'late_tsc'], stdin=reader, stdout=words,
                     start_new_session=True)
    os.close(reader)
    return writer


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


if __name__ == '__main__':
    main()
