/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures what a read of each clock costs on this machine, by each way, and prints the raw figures as one line of JSON.
   Statistics and judgement are its caller's. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "counter.h"
#include "cpuid_facts.h"
#include "cpus.h"
#include "json.h"
#include "measure.h"
#include "options.h"
#include "warp.h"
#include "ways.h"

#ifndef CLOCKPROBE_SOURCE
#define CLOCKPROBE_SOURCE NULL
#endif
#define SCHEMA 1
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
/* p99.9 of single reads needs ten of them above it. */
#define SINGLES 10000
/* Under a budget of less nothing is measured finely: no single reads, and as much time for one as for another. */
#define FINE_BUDGET_MS 20
/* What is held against each other with the least error: the common clocks by the vDSO and by the kernel. */
#define MAIN_WEIGHT 6
/* Of the budget for measuring, in hundredths; the rest is for the start and the printing. */
#define MEASURE_SHARE 85
/* 10 ms and more a slice of the main series under the default budget. */
#define ROUND_MS 60
#define LEAST_ROUNDS 3
#define MOST_ROUNDS 64
#define BRACKET_TRIES 16

/* The counter at a moment of CLOCK_MONOTONIC_RAW: the moment lies in `window` ticks around `ticks`. */
struct bracket {
    uint64_t ticks, window, raw;
};

/* Where each series is in the plan; one without a weight is a way that does not exist here. */
enum { LOOP, WORK, ENTRY, COUNTERS, CLOCK_WAYS = COUNTERS + MOST_COUNTERS, PLAN = CLOCK_WAYS + CLOCKS * WAYS };

static bool read_clocksource(char *name, size_t size)
{
    FILE *file = fopen(CLOCKSOURCE, "r");
    bool found = file && fgets(name, (int)size, file);

    if (file)
        fclose(file);
    if (found)
        name[strcspn(name, "\n")] = 0;
    return found && *name;
}

/* On one and the same CPU each time: the counters of two need not agree. `raw` is 0 where that cannot be had. */
static struct bracket bracket_on(int cpu)
{
    struct bracket best = {.window = UINT64_MAX};

    if (!cpus_pin_for_now(cpu))
        return (struct bracket){0};
    for (int i = 0; i < BRACKET_TRIES; i++) {
        struct timespec raw;
        uint64_t start = stopwatch();
        clock_gettime(CLOCK_MONOTONIC_RAW, &raw);
        uint64_t window = stopwatch() - start;
        if (window < best.window)
            best = (struct bracket){start + window / 2, window,
                                    (uint64_t)raw.tv_sec * 1000000000u + (uint64_t)raw.tv_nsec};
    }
    cpus_unpin();
    return best;
}

/* Ticks and nanoseconds between two brackets, and by how much those nanoseconds may be wrong. */
static void print_counter(struct bracket from, struct bracket to)
{
    uint64_t ticks = to.ticks - from.ticks, ns = to.raw - from.raw, error = 0;
    struct timespec resolution;

    if (!from.raw || !to.raw || (int64_t)ticks <= 0 || (int64_t)ns <= 0)
        ticks = ns = 0;
    else
        error = (uint64_t)((double)(from.window + to.window) / 2 * (double)ns / (double)ticks) + 1;
    if (!clock_getres(CLOCK_MONOTONIC_RAW, &resolution))
        error += (uint64_t)resolution.tv_nsec;
    json_open("counter", '{');
    json_string("name", COUNTER_NAME);
    json_number("ticks", ticks);
    json_number("ns", ns);
    json_number("error_ns", error);
    json_close('}');
}

static void make_plan(struct series *plan, const struct options *options)
{
    bool fine = options->budget_ms >= FINE_BUDGET_MS;

    /* Single empty regions are what the stopwatch itself takes. */
    plan[LOOP] = (struct series){.way = empty_loop, .weight = 1, .singles_wanted = SINGLES};
    plan[WORK] = (struct series){.way = register_work, .weight = 1};
    plan[ENTRY] = (struct series){.way = kernel_entry, .weight = 1};
    for (int i = 0; bare_counters[i].name; i++)
        if (strcmp(bare_counters[i].name, "rdtscp") || cpuid_rdtscp())
            plan[COUNTERS + i] = (struct series){.way = bare_counters[i].way, .weight = 1};
    for (int i = 0; i < CLOCKS; i++)
        for (int by = 0; by < WAYS && options->wanted[i]; by++) {
            struct way way;
            if (way_to_clock(&way, &clocks[i], by))
                plan[CLOCK_WAYS + i * WAYS + by] = (struct series){
                    .way = way, .weight = fine && clocks[i].is_main && by != BY_LIBC ? MAIN_WEIGHT : 1,
                    .singles_wanted = fine ? SINGLES : 0};
        }
}

static void print_series(const char *key, struct series *series)
{
    if (!series->weight) {
        json_null(key);
        return;
    }
    json_open(key, '{');
    series_print_batches(series);
    if (series->way.value) {
        json_number("back", series->back);
        json_number("worst_back_ns", series->worst_back);
        if (series->step)
            json_number("step_ns", series->step);
        else
            json_null("step_ns");
        series_print_singles("singles", series);
    }
    json_close('}');
}

static void print_clock(const struct clock *clock, struct series *ways)
{
    struct timespec resolution;

    json_open(clock->name, '{');
    if (clock_getres(clock->id, &resolution) == 0)
        json_number("resolution_ns", (uint64_t)resolution.tv_sec * 1000000000u + (uint64_t)resolution.tv_nsec);
    else
        json_null("resolution_ns");
    for (int by = 0; by < WAYS; by++)
        print_series(way_names[by], &ways[by]);
    json_close('}');
}

static void print_build(void)
{
    json_open("build", '{');
#if defined(__x86_64__)
    json_string("machine", "x86_64");
#elif defined(__i386__)
    json_string("machine", "i386");
#elif defined(__aarch64__)
    json_string("machine", "aarch64");
#else
    json_null("machine");
#endif
#ifdef __GLIBC__
    char libc[32];
    snprintf(libc, sizeof(libc), "glibc %s", gnu_get_libc_version());
    json_string("libc", libc);
#else
    json_string("libc", "musl");
#endif
    json_string("compiler", __VERSION__);
    json_string("source", CLOCKPROBE_SOURCE);
    json_close('}');
}

static void print_all(struct series *plan, const struct options *options)
{
    series_print_singles("stopwatch", &plan[LOOP]);
    print_series("loop", &plan[LOOP]);
    print_series("work", &plan[WORK]);
    print_series("entry", &plan[ENTRY]);
    json_open("counters", '{');
    for (int i = 0; bare_counters[i].name; i++)
        print_series(bare_counters[i].name, &plan[COUNTERS + i]);
    json_close('}');
    json_open("clocks", '{');
    for (int i = 0; i < CLOCKS; i++)
        if (options->wanted[i])
            print_clock(&clocks[i], &plan[CLOCK_WAYS + i * WAYS]);
    json_close('}');
}

static void print_measurement(const struct options *options, uint64_t start)
{
    static struct series plan[PLAN];
    char source[64], source_after[64];
    bool known = read_clocksource(source, sizeof(source));
    int cpu = sched_getcpu();
    struct bracket from = bracket_on(cpu);

    make_plan(plan, options);
    uint64_t rounds = options->budget_ms / ROUND_MS;
    rounds = rounds < LEAST_ROUNDS ? LEAST_ROUNDS : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    measure(plan, PLAN, start + options->budget_ms * 1000000 / 100 * MEASURE_SHARE, (unsigned)rounds);
    print_counter(from, bracket_on(cpu));
    if (known && (!read_clocksource(source_after, sizeof(source_after)) || strcmp(source, source_after)))
        die(1, "the clocksource changed while it was measured; it was", source);
    json_string("clocksource", known ? source : NULL);
    /* Behind the measurement: each of some hundred questions is a trap, of up to 100 us where hypervisors are nested. */
    cpuid_print("cpuid");
    print_all(plan, options);
    json_number("budget_ms", options->budget_ms);
    json_milli("elapsed_ms", now() - start);
    if (options->warp_budget_ms)
        warp_print("warp", options->warp_budget_ms);
    else
        json_null("warp");
}

int main(int argc, char **argv)
{
    uint64_t start = now();
    struct options options = read_options(argc, argv);

    json_open(NULL, '{');
    json_number("schema", SCHEMA);
    print_build();
    if (options.look_at_syscalls)
        syscalls_print(&options.syscalls);
    else
        print_measurement(&options, start);
    json_close('}');
    putchar('\n');
    if (fflush(stdout) || ferror(stdout))
        die(1, "the result cannot be written", strerror(errno));
    return 0;
}
