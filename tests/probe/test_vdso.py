# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vDSO of kernels before 3.16 (RHEL 7 has 3.10): linked to an address where it never is (VDSO64_PRELINK)."""
from __future__ import annotations

import platform
import subprocess

import pytest

from .conftest import SOURCE, compiled

pytestmark = pytest.mark.skipif(platform.machine() != 'x86_64', reason='only x86_64 kernels did so')
IMAGE = '''
struct timespec;
int __vdso_clock_gettime(int id, struct timespec *time) { (void)time; return id + 1000; }
'''
# arch/x86/vdso/vdso-layout.lds.S of Linux 3.10
LAYOUT = '''
SECTIONS {
    . = 0xffffffffff700000 + SIZEOF_HEADERS;
    .hash : { *(.hash) } :text
    .gnu.hash : { *(.gnu.hash) }
    .dynsym : { *(.dynsym) }
    .dynstr : { *(.dynstr) }
    .dynamic : { *(.dynamic) } :text :dynamic
    .text : { *(.text*) } :text
    /DISCARD/ : { *(*) }
}
PHDRS { text PT_LOAD FLAGS(5) FILEHDR PHDRS; dynamic PT_DYNAMIC FLAGS(4); }
'''
CALLER = '''
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "vdso.h"
static const char *image;
unsigned long getauxval(unsigned long type)
{
    return type == AT_SYSINFO_EHDR ? (unsigned long)mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, open(image, O_RDONLY), 0) : 0;
}
int main(int argc, char **argv)
{
    (void)argc;
    image = argv[1];
    int (*call)(int, void *) = (int (*)(int, void *))vdso_function("clock_gettime");
    printf("%d %d\\n", call ? call(7, NULL) : -1, vdso_function("time") != NULL);
    return 0;
}
'''


@pytest.mark.parametrize('hashes', ['sysv', 'gnu'])
def test_an_image_linked_to_another_address_is_called_where_it_is(tmp_path, hashes):
    for name, text in (('image.c', IMAGE), ('image.lds', LAYOUT), ('caller.c', CALLER)):
        (tmp_path / name).write_text(text)
    image = compiled(['gcc', '-shared', '-nostdlib', '-fPIC', '-O1', f'-Wl,--hash-style={hashes}', '-Wl,--build-id=none',
                      f'-Wl,-T,{tmp_path / "image.lds"}'], tmp_path / 'image.so', sources=[tmp_path / 'image.c'])
    caller = compiled(['gcc', '-O1'], tmp_path / 'caller', sources=[tmp_path / 'caller.c', SOURCE / 'vdso.c'])
    done = subprocess.run([caller, image], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, '1007 0\n')
