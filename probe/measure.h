/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times ways of reading a clock: batches in short slices that alternate between all that is compared. */
#ifndef CLOCKPROBE_MEASURE_H
#define CLOCKPROBE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "ways.h"

/* Ticks below this are counted in a table, the few above it are listed. */
#define TABLE 8192

struct series {
    struct way way;
    /* Its share of the time, in parts. */
    unsigned weight;
    /* Single reads wanted; 0 for none. */
    unsigned singles_wanted;

    unsigned calls;
    uint64_t *batches;
    size_t count, room;
    /* slices[i] is where slice i begins in `batches`. */
    size_t *slices;
    size_t slice_count, slice_room;

    unsigned singles;
    uint32_t *table;
    uint64_t *above;
    size_t above_count, above_room;

    uint64_t last, back, worst_back, step;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now(void);

/* Fills every series in turns until `deadline` (of now()). Exits with a message when memory is out. */
void measure(struct series *all, size_t count, uint64_t deadline, unsigned rounds);

/* `,"calls":…,"slices":[[…]…]` into the open object. */
void series_print_batches(const struct series *series);
/* [[ticks, how many], …], ascending. */
void series_print_singles(const char *key, struct series *series);

#endif
