/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One CPU's event: its buffer, and how many of its calls are sampled. */
#ifndef CLOCKPROBE_RING_H
#define CLOCKPROBE_RING_H

#include "rings.h"

struct ring {
    int fd, all_fd;
    unsigned char *page;
    uint64_t tail;
    uint64_t period;
    /* The kernel's count: in the last sample that counted, when the period was chosen at the time `then`, and before we
       began. */
    uint64_t counted, counted_then, then, counted_before;
    bool quiet;
};

/* Takes the first of them, and no sample yet. `registers` becomes false where the kernel has none in its samples. False with
   `what` as rings_open() has it. */
bool ring_open(struct ring *ring, const struct rings_options *options, bool *registers, int cpu, const char **what);
/* Hands out what came since the last time. */
void ring_drain(struct ring *ring, const struct listener *listener, struct rings_counts *counts);
/* What lies in the buffer is from before, and counts no more. */
void ring_forget(struct ring *ring);

void ring_set_period(struct ring *ring, uint64_t period);
/* A period that makes so many samples a second of the calls since it was chosen last. */
void ring_choose_period(struct ring *ring, uint64_t hertz);

#endif
