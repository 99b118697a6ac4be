/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways to read a clock, each a loop between two reads of the stopwatch. */
#ifndef CLOCKPROBE_WAYS_H
#define CLOCKPROBE_WAYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* The longest batch: what it writes must fit into a first-level cache. */
#define LONGEST_BATCH 1024

/* One reading, as the call writes it. */
union stamp {
    struct timespec libc;
    struct timeval day;
    /* The kernel's own: a long each, also where libc's time_t is wider (include/uapi/linux/time_types.h). */
    struct { long seconds, fraction; } kernel;
    uint64_t ticks;
};

typedef int (*clock_function)(clockid_t, union stamp *);
typedef int (*day_function)(union stamp *, void *);

struct way {
    /* Ticks that `count` calls take, the stopwatch's own included. */
    uint64_t (*batch)(const struct way *way, unsigned count, union stamp *out);
    /* Nanoseconds of a reading; NULL for what reads no time. */
    uint64_t (*value)(const union stamp *stamp);
    clockid_t clock;
    clock_function vdso_clock;
    day_function vdso_day;
};

enum way_of_clock { BY_VDSO, BY_LIBC, BY_SYSCALL, WAYS };
extern const char *const way_names[WAYS];

struct clock {
    const char *name;
    clockid_t id;
    bool is_day;
    /* Read most, and so measured longest. */
    bool is_main;
};

#define CLOCKS 10
extern const struct clock clocks[CLOCKS];

/* Fills `way`; false where that way or that clock does not exist here. */
bool way_to_clock(struct way *way, const struct clock *clock, enum way_of_clock by);

struct bare {
    const char *name;
    struct way way;
};

#define MOST_COUNTERS 3

extern const struct way empty_loop, register_work, kernel_entry;
/* The counter's ways, ended by a NULL name; the first is the plain one. */
extern const struct bare bare_counters[MOST_COUNTERS + 1];

#endif
