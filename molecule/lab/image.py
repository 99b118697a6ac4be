# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's disk image, or find it in the cache, and print where it is as JSON.

Two layers, each cached under a name that hashes what made it: a Debian root file system on a partitioned disk
(mmdebstrap, needs root), and on top of it GRUB, installed by one boot of the machine itself, with the kernel
arguments asked for.

The emulator comes out of the image too, not from the host: every host runs the same one. (Debian 12's QEMU 7.2 crashes
a 6.12 kernel now and then: it garbles EFLAGS after cmpxchg16b. QEMU 10 is half as fast again, too.)
"""

import argparse
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = os.path.join(HERE, 'image')
SUITE = 'trixie'
DISK_MIB = 3072
FIRST_MIB = 1          # where the partition begins: GRUB's core image lives in the gap before it
ROOT = '/dev/nvme0n1p1'
FINISH_SECONDS = 300   # limit of the boot that installs GRUB; it took 20 s

GRUB_DEFAULT = """\
# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT="quiet{args}"
GRUB_CMDLINE_LINUX="net.ifnames=0 console=ttyS0 mitigations=off"
GRUB_TERMINAL=console
GRUB_DISABLE_OS_PROBER=true
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--args', default='', help='kernel arguments for GRUB_CMDLINE_LINUX_DEFAULT')
    parser.add_argument('--packages', default='', help='Debian packages of this image only, with commas between them')
    given = parser.parse_args()
    print(json.dumps(image(given.args, sorted(filter(None, given.packages.split(','))))))


def image(args, packages):
    """Paths of the finished image for these kernel arguments and of its base; builds what is missing.

    ``packages`` come on top of every image's own, in a base apart: the others stay as small as they are.
    """
    cache = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'cloudclock-lab')
    os.makedirs(cache, exist_ok=True)
    base_digest = digest(digest_of_parts(), *packages) if packages else digest_of_parts()
    base = os.path.join(cache, f'base-{base_digest}')
    finished = os.path.join(cache, f'disk-{digest(base_digest, GRUB_DEFAULT, args)}.qcow2')
    with locked(os.path.join(cache, 'lock')):
        if not os.path.isdir(base):
            build_base(cache, base, packages)
        if not os.path.exists(finished):
            finish(cache, base, finished, args)
    return {'disk': finished, 'base': f'{base}/disk.raw', 'kernel': f'{base}/vmlinuz', 'tools': f'{base}/tools',
            'generic': f'{base}/generic'}


def digest_of_parts():
    names = sorted(p for p in glob.glob(f'{PARTS}/**', recursive=True) if os.path.isfile(p))
    with open(__file__, 'rb') as source:
        parts = [source.read()]
    for name in names:
        with open(name, 'rb') as part:
            parts += [os.path.relpath(name, PARTS), part.read()]
    return digest(*parts)


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        total.update(b'%d:' % len(data) + data)
    return total.hexdigest()[:16]


@contextlib.contextmanager
def locked(path):
    """Scenarios run side by side: the first one builds, the others wait for it."""
    with open(path, 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_base(cache, base, packages):
    if os.geteuid():
        sys.exit('the lab image is built with mmdebstrap as root: run `make lab-image` once as root with the same '
                 'XDG_CACHE_HOME')
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='build-', dir=cache) as work:
        os.chmod(work, 0o755)  # apt's own user must be able to read below it
        root, out = f'{work}/root', f'{work}/out'
        os.mkdir(out)
        make_root(root, packages)
        shutil.copyfile(glob.glob(f'{root}/boot/vmlinuz-*')[0], f'{out}/vmlinuz')
        shutil.move(f'{root}/opt/lab-generic', f'{out}/generic')
        make_tools(root, f'{out}/tools', f'{base}/tools')
        make_disk(root, f'{out}/disk.raw')
        os.rename(out, base)
    say(f'base image built in {time.monotonic() - started:.0f} s: {base}')


def make_root(root, more):
    with open(f'{PARTS}/packages', encoding='utf-8') as lines:
        packages = [line.strip() for line in lines if line.strip() and not line.startswith('#')] + more
    options = ['Apt::Install-Recommends "false"', 'Acquire::Languages "none"', *apt_network_settings()]
    run(['mmdebstrap', '--mode=root', '--variant=apt', '--format=directory', f'--include={",".join(packages)}',
         *[f'--aptopt={option}' for option in options],
         '--dpkgopt=force-unsafe-io', '--dpkgopt=path-exclude=/usr/share/man/*',
         '--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
         '--skip=cleanup/apt/lists',  # those of the repository in the image
         f'--essential-hook=sync-in "{PARTS}/rootfs" /',
         f'--customize-hook="{PARTS}/customize.sh" "$1"',
         f'--customize-hook=copy-in "{PARTS}/finish" /',
         SUITE, root, mirror()])


def mirror():
    """The Debian archive that this host's apt uses for its own release, else Debian's own address."""
    with open('/etc/os-release', encoding='utf-8') as lines:
        release = dict(line.strip().split('=', 1) for line in lines if '=' in line)
    codename = release.get('VERSION_CODENAME', '').strip('"')
    targets = output(['apt-get', 'indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages'])
    for target in targets.splitlines():
        suite, space, address = target.partition(' ')
        if suite == codename and release.get('ID') == 'debian':
            return address
    return 'http://deb.debian.org/debian'


def apt_network_settings():
    """How this host's apt reaches its mirror (proxy, retries, validity dates): mmdebstrap starts from a blank slate."""
    names = ('Acquire::http', 'Acquire::https', 'Acquire::Retries', 'Acquire::Check-')
    lines = output(['apt-config', 'dump']).splitlines()
    return [line.rstrip(';') for line in lines if line.startswith(names) and not line.endswith('"";')]


def make_tools(root, tools, home):
    """The image's QEMU with its libraries and data, and wrappers that run it on any host from its later home."""
    libraries = 'usr/lib/x86_64-linux-gnu'
    for part in (libraries, 'usr/share/qemu', 'usr/share/seabios'):
        shutil.copytree(f'{root}/{part}', f'{tools}/{part}', symlinks=True)
    for name in ('qemu-system-x86_64', 'qemu-img'):
        shutil.copy(f'{root}/usr/bin/{name}', f'{tools}/usr/{name}')
        data = f'-L {home}/usr/share/qemu -L {home}/usr/share/seabios ' if name.startswith('qemu-system') else ''
        with open(f'{tools}/{name}', 'w', encoding='utf-8') as wrapper:
            wrapper.write(f'#!/bin/sh\nQEMU_MODULE_DIR={home}/{libraries}/qemu exec {home}/{libraries}/'
                          f'ld-linux-x86-64.so.2 --library-path {home}/{libraries} {home}/usr/{name} {data}"$@"\n')
        os.chmod(f'{tools}/{name}', 0o755)


def make_disk(root, disk):
    with open(disk, 'wb') as image_file:
        image_file.truncate(DISK_MIB << 20)
    run(['sfdisk', '--quiet', disk], input=f'label: dos\nstart={FIRST_MIB}MiB, type=83, bootable\n', text=True)
    run(['mke2fs', '-q', '-t', 'ext4', '-L', 'lab', '-d', root, '-E', f'offset={FIRST_MIB << 20}', disk,
         f'{DISK_MIB - FIRST_MIB}M'])


def finish(cache, base, finished, args):
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='finish-', dir=cache) as work:
        disk = f'{work}/disk.qcow2'
        with open(f'{work}/grub', 'w', encoding='utf-8') as default:
            default.write(GRUB_DEFAULT.format(args=f' {args}' if args else ''))
        run([f'{base}/tools/qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', f'{base}/disk.raw', disk])
        console = run(['timeout', '-k', '10', str(FINISH_SECONDS), f'{base}/tools/qemu-system-x86_64',
                       '-accel', 'tcg', '-machine', 'pc', '-cpu', 'max', '-m', '1024', '-nodefaults',
                       '-display', 'none', '-no-reboot', '-serial', 'stdio', '-kernel', f'{base}/vmlinuz',
                       '-append', f'root={ROOT} rw console=ttyS0 quiet panic=-1 mitigations=off init=/finish',
                       '-fw_cfg', f'name=opt/lab/grub,file={work}/grub',
                       '-drive', f'file={disk},if=none,id=disk,cache=unsafe', '-device', 'nvme,drive=disk,serial=lab'],
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        if b'lab: image finished' not in console.stdout:
            sys.exit(f'GRUB was not installed:\n{console.stdout.decode(errors="replace")[-4000:]}')
        os.rename(disk, finished)
    say(f'image with "{args}" finished in {time.monotonic() - started:.0f} s: {finished}')


def run(command, check=True, **kwargs):
    """Run with all words on standard error: standard output is ours."""
    kwargs.setdefault('stdout', sys.stderr)
    return subprocess.run(command, check=check, **kwargs)


def output(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def say(words):
    print(f'lab: {words}', file=sys.stderr)


if __name__ == '__main__':
    main()
