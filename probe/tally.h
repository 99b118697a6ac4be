/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who called what how often: tables of a fixed size, whatever the machine runs. */
#ifndef CLOCKPROBE_TALLY_H
#define CLOCKPROBE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "rings.h"

struct tally_counts {
    /* Calls that the samples stand for: of time calls, of others with the same number in another ABI, and of time calls that
       found no room in the table. */
    uint64_t sampled, unrelated, unplaced;
};

/* False without memory. */
bool tally_begin(void);
void tally_sample(const struct sample *sample);
void tally_name(uint32_t pid, const char *name);
/* Reads the names of some processes that are new, while they last. */
void tally_read_names(void);
struct tally_counts tally_counts(void);

/* `"names":{pid: name}` and `"rows":[[pid, abi, call, clock or null, samples, calls, address, samples from there], …]`, the
   most calls first; without the process `except`. An address is where most of the samples of a row returned to. */
void tally_print(uint32_t except);

#endif
