/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples of the calls that read the time, and what taking them costs: this process' own time, and the time that it adds to
   each system call of anybody. */
#define _GNU_SOURCE
#include "syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "measure.h"
#include "rings.h"
#include "tally.h"
#include "tracepoint.h"

#define MILLISECOND 1000000u
#define SECOND 1000000000u
/* A CPU's buffer holds what it may bring in several of these. */
#define ROUND_NS (50 * MILLISECOND)
/* One round in so many counts every call. */
#define COUNT_ALL_EVERY 10
/* Of a CPU: fewer than that say little of a process that is one of many. */
#define LEAST_HERTZ 50
#define MOST_HERTZ 4000
#define BATCH 50
/* setpriority(2); it takes a few milliseconds of a second. */
#define URGENT (-10)
#define LEAST_TRIES 5
/* Before the first sample, to know the rate of each CPU. */
#define RATE_NS (10 * MILLISECOND)
#define COST_NS (200 * 1000u)

/* What a call costs, in nanoseconds: the clocks that a counter is read for, those that need none, a process' CPU time, and a
   system call that is none of time. */
struct costs {
    uint64_t counter, coarse, cpu_time, other;
};

static uint64_t cost_of(long number, long argument)
{
    uint64_t least = UINT64_MAX, start = now(), time = start;

    for (int tries = 0; tries < LEAST_TRIES || time - start < COST_NS; tries++) {
        struct { long seconds, fraction; } answer;
        uint64_t before = time;
        for (int i = 0; i < BATCH; i++)
            syscall(number, argument, &answer);
        time = now();
        if (time - before < least)
            least = time - before;
    }
    return least / BATCH;
}

static struct costs measure_costs(void)
{
    return (struct costs){
        .counter = cost_of(SYS_clock_gettime, CLOCK_MONOTONIC),
        /* include/uapi/linux/time.h: CLOCK_MONOTONIC_COARSE */
        .coarse = cost_of(SYS_clock_gettime, 6),
        .cpu_time = cost_of(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID),
        .other = cost_of(SYS_getppid, 0),
    };
}

static void print_costs(const char *key, struct costs costs)
{
    json_open(key, '{');
    json_number("counter", costs.counter);
    json_number("coarse", costs.coarse);
    json_number("cpu_time", costs.cpu_time);
    json_number("other", costs.other);
    json_close('}');
}

static void refuse(const char *what, const char *path)
{
    int why = errno;

    json_open("refused", '{');
    json_string("what", what);
    json_string("path", path);
    json_number("errno", (uint64_t)why);
    json_string("words", strerror(why));
    json_close('}');
}

static uint64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * SECOND + (uint64_t)used.tv_nsec;
}

/* What a call costs when it is sampled: few, as each fills the buffer. */
static uint64_t cost_of_sampled(void)
{
    struct { long seconds, fraction; } answer;
    uint64_t least = UINT64_MAX;

    rings_sample_each(1);
    for (int tries = 0; tries < LEAST_TRIES; tries++) {
        uint64_t start = now();
        for (int i = 0; i < BATCH / LEAST_TRIES; i++)
            syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &answer);
        uint64_t cost = (now() - start) / (BATCH / LEAST_TRIES);
        if (cost < least)
            least = cost;
    }
    rings_sample_each(RINGS_NEVER);
    return least;
}

/* Returns when it ended. */
static uint64_t look(uint64_t end)
{
    static const struct listener listener = {tally_sample, tally_name};
    uint64_t time = now();

    for (unsigned round = 0; time < end; round++) {
        bool count = round % COUNT_ALL_EVERY == 1;
        uint64_t round_end = time + ROUND_NS < end ? time + ROUND_NS : end;
        if (count)
            rings_count_all(true);
        do {
            rings_wait(round_end);
            rings_drain(&listener);
            time = now();
        } while (time < round_end);
        if (count)
            rings_count_all(false);
        tally_read_names();
    }
    rings_stop(&listener);
    time = now();
    tally_read_names();
    return time;
}

static void print_counts(uint64_t start_ns)
{
    struct rings_counts counts = rings_read();
    struct tally_counts tallied = tally_counts();

    json_number("cpus", counts.cpus);
    json_number("samples", counts.samples);
    json_number("lost", counts.lost);
    json_number("throttled", counts.throttled);
    json_number("passed", counts.passed);
    json_number("sampled", tallied.sampled);
    json_number("unrelated", tallied.unrelated);
    json_number("longest_period", counts.longest_period);
    json_number("unplaced", tallied.unplaced);
    json_open("all", '{');
    json_number("calls", counts.all);
    json_milli("ms", counts.all_ns);
    json_close('}');
    json_milli("cpu_ms", cpu_ns() - start_ns);
}

void syscalls_print(const struct syscalls_options *options)
{
    struct tracepoint point;
    const char *path = NULL, *what = "tracefs";
    char filter[512];
    uint64_t start_ns = cpu_ns();

    if (!tracepoint_find(&point, &path)) {
        refuse(what, path);
        return;
    }
    time_call_filter(filter, sizeof(filter));
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t hertz = options->hertz / (uint64_t)(cpus > 0 ? cpus : 1);
    struct rings_options wanted = {
        .tracepoint = &point, .filter = filter, .pages = (unsigned)options->pages,
        .hertz = hertz < LEAST_HERTZ ? LEAST_HERTZ : hertz > MOST_HERTZ ? MOST_HERTZ : hertz};
    struct costs before = measure_costs();
    if (!tally_begin() || !rings_open(&wanted, &what)) {
        refuse(errno == ENOMEM ? "memory" : what, NULL);
        return;
    }
    /* On a busy machine a buffer would be full before this process has its turn. */
    setpriority(PRIO_PROCESS, 0, URGENT);
    rings_start();
    struct costs during = measure_costs();
    uint64_t sampled = cost_of_sampled();
    rings_wait(now() + RATE_NS);
    rings_sample_by_rate();
    uint64_t start = now();
    uint64_t end = look(start + options->seconds * SECOND);
    json_null("refused");
    json_milli("looked_ms", end - start);
    print_counts(start_ns);
    print_costs("cost", before);
    print_costs("cost_meanwhile", during);
    json_number("cost_sampled", sampled);
    json_number("pid", (uint64_t)getpid());
    tally_print((uint32_t)getpid());
}
