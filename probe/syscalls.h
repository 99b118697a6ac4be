/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLOCKPROBE_SYSCALLS_H
#define CLOCKPROBE_SYSCALLS_H

#include <stdint.h>

struct syscalls_options {
    uint64_t seconds;
    /* Samples a second that all CPUs together may take, and pages of memory for each CPU; a power of two. */
    uint64_t hertz, pages;
};

/* Looks for that long who enters the kernel to read the time, and prints it as the open object's members. */
void syscalls_print(const struct syscalls_options *options);

#endif
