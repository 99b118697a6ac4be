/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLOCKPROBE_OPTIONS_H
#define CLOCKPROBE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "syscalls.h"
#include "ways.h"

struct options {
    uint64_t budget_ms, warp_budget_ms;
    bool wanted[CLOCKS];
    /* `clockprobe syscalls …`: no clock is measured then. */
    bool look_at_syscalls;
    struct syscalls_options syscalls;
};

/* Ends the program with `what: detail` on standard error; `detail` may be NULL. */
_Noreturn void die(int status, const char *what, const char *detail);

/* The command line; ends the program with status 2 where it is wrong. Restricts the process to the CPUs of --cpus. */
struct options read_options(int argc, char **argv);

#endif
