/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#include "json.h"

/* Long enough that the stopwatch does not matter, short enough that most batches see no interruption. */
#define BATCH_NS 20000
#define TRIES 5
/* Of a slice, for single reads, in hundredths. */
#define SINGLES_SHARE 30
/* Of a slice: a median needs no more. Empty loops of less than a microsecond would fill the caller's memory in a minute. */
#define MOST_BATCHES 4096

static union stamp readings[LONGEST_BATCH];

uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *or_exit(void *memory)
{
    if (!memory) {
        fputs("clockprobe: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void *grow(void *old, size_t *room, size_t used, size_t size)
{
    if (used < *room)
        return old;
    *room = *room ? 2 * *room : 64;
    return or_exit(realloc(old, *room * size));
}

static void check_order(struct series *series, unsigned count)
{
    if (!series->way.value)
        return;
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = series->way.value(&readings[i]);
        if (series->last && value < series->last) {
            series->back++;
            if (series->last - value > series->worst_back)
                series->worst_back = series->last - value;
        } else if (series->last && value > series->last) {
            uint64_t step = value - series->last;
            if (!series->step || step < series->step)
                series->step = step;
        }
        series->last = value;
    }
}

static uint64_t timed(struct series *series, unsigned count)
{
    uint64_t ticks = series->way.batch(&series->way, count, readings);
    check_order(series, count);
    return ticks;
}

/* Calls that fill a batch: from the least of several tries, since one preemption ruins a try. */
static void calibrate(struct series *series)
{
    unsigned count = 1;

    for (;;) {
        uint64_t least = UINT64_MAX;
        for (int i = 0; i < TRIES; i++) {
            uint64_t start = now();
            timed(series, count);
            uint64_t took = now() - start;
            if (took < least)
                least = took;
        }
        if (least * 4 >= BATCH_NS || count == LONGEST_BATCH) {
            uint64_t wanted = (uint64_t)count * BATCH_NS / (least ? least : 1);
            series->calls = wanted < 1 ? 1 : wanted > LONGEST_BATCH ? LONGEST_BATCH : (unsigned)wanted;
            return;
        }
        count = count * 8 > LONGEST_BATCH ? LONGEST_BATCH : count * 8;
    }
}

static void take_batch(struct series *series)
{
    uint64_t ticks = timed(series, series->calls);
    /* Moved to a CPU whose counter is behind: that is no duration. */
    if ((int64_t)ticks < 0)
        return;
    series->batches = grow(series->batches, &series->room, series->count, sizeof(*series->batches));
    series->batches[series->count++] = ticks;
}

static void take_single(struct series *series)
{
    uint64_t ticks = timed(series, 1);
    if ((int64_t)ticks < 0)
        return;
    if (!series->table)
        series->table = or_exit(calloc(TABLE, sizeof(*series->table)));
    series->singles++;
    if (ticks < TABLE) {
        series->table[ticks]++;
        return;
    }
    series->above = grow(series->above, &series->above_room, series->above_count, sizeof(*series->above));
    series->above[series->above_count++] = ticks;
}

static void take_slice(struct series *series, uint64_t start, uint64_t end)
{
    if (!series->calls)
        calibrate(series);
    series->slices = grow(series->slices, &series->slice_room, series->slice_count, sizeof(*series->slices));
    series->slices[series->slice_count++] = series->count;
    uint64_t singles_end = start;
    if (series->singles < series->singles_wanted)
        singles_end += (end - start) * SINGLES_SHARE / 100;
    /* Eight at a time: on a slow source asking for the time costs as much as a read. */
    while (series->singles < series->singles_wanted && now() < singles_end)
        for (int i = 0; i < 8; i++)
            take_single(series);
    do
        take_batch(series);
    while (now() < end && series->count - series->slices[series->slice_count - 1] < MOST_BATCHES);
}

void measure(struct series *all, size_t count, uint64_t deadline, unsigned rounds)
{
    uint64_t parts = 0;

    for (size_t i = 0; i < count; i++)
        parts += all[i].weight;
    uint64_t left = parts * rounds;
    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            if (!all[i].weight)
                continue;
            uint64_t start = now();
            if (start >= deadline)
                return;
            /* Of the time that is left, so that one that ran over costs all of them a little. */
            take_slice(&all[i], start, start + (deadline - start) * all[i].weight / left);
            left -= all[i].weight;
        }
}

void series_print_batches(const struct series *series)
{
    json_number("calls", series->calls);
    json_open("slices", '[');
    for (size_t i = 0; i < series->slice_count; i++) {
        size_t end = i + 1 < series->slice_count ? series->slices[i + 1] : series->count;
        json_open(NULL, '[');
        for (size_t k = series->slices[i]; k < end; k++)
            json_number(NULL, series->batches[k]);
        json_close(']');
    }
    json_close(']');
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void print_count(uint64_t ticks, uint64_t count)
{
    json_open(NULL, '[');
    json_number(NULL, ticks);
    json_number(NULL, count);
    json_close(']');
}

void series_print_singles(const char *key, struct series *series)
{
    json_open(key, '[');
    for (unsigned ticks = 0; series->table && ticks < TABLE; ticks++)
        if (series->table[ticks])
            print_count(ticks, series->table[ticks]);
    if (series->above_count)
        qsort(series->above, series->above_count, sizeof(*series->above), by_value);
    for (size_t i = 0; i < series->above_count;) {
        size_t same = i;
        while (same < series->above_count && series->above[same] == series->above[i])
            same++;
        print_count(series->above[i], same - i);
        i = same;
    }
    json_close(']');
}
