/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples of a tracepoint from every CPU, by perf_event_open(2). */
#ifndef CLOCKPROBE_RINGS_H
#define CLOCKPROBE_RINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepoint.h"

/* A period so long that no sample is taken. */
#define RINGS_NEVER (1ull << 40)

struct sample {
    uint32_t pid;
    /* How many calls it stands for. */
    uint64_t calls;
    uint64_t number, first_argument;
    struct caller caller;
};

struct listener {
    void (*sample)(const struct sample *sample);
    /* A process that has a new name: it executed a program, or its first thread named itself. */
    void (*name)(uint32_t pid, const char *name);
};

struct rings_options {
    const struct tracepoint *tracepoint;
    const char *filter;
    /* Samples a second wanted of a busy CPU, and pages of memory for each CPU. */
    uint64_t hertz;
    unsigned pages;
};

struct rings_counts {
    /* Calls that passed the filter, as the kernel counted them, and every call in `all_ns`. */
    uint64_t passed, all, all_ns, samples, lost, throttled, longest_period;
    unsigned cpus;
};

/* Opened, not counting yet and to take no samples; false with `what`, a name for what failed, and errno set. */
bool rings_open(const struct rings_options *options, const char **what);
void rings_start(void);
/* Takes each so manieth call of every CPU. What was counted before counts no more. */
void rings_sample_each(uint64_t period);
/* The same, by the rate at which calls came since rings_start() or the last change. */
void rings_sample_by_rate(void);
/* Counts every system call for a while: a second event on the tracepoint, so not all the time. */
void rings_count_all(bool on);
/* Returns at the time `until` of now(), or earlier where a buffer fills. */
void rings_wait(uint64_t until);
/* Hands out what came since the last time, and takes fewer samples of a CPU where there are more calls. */
void rings_drain(const struct listener *listener);
/* Hands out the rest as well. */
void rings_stop(const struct listener *listener);
struct rings_counts rings_read(void);

#endif
