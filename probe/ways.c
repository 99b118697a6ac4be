/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "ways.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counter.h"
#include "vdso.h"

#define SECOND 1000000000u

const char *const way_names[WAYS] = {"vdso", "libc", "syscall"};

/* include/uapi/linux/time.h */
const struct clock clocks[CLOCKS] = {
    {.name = "realtime", .id = 0, .is_main = true},
    {.name = "monotonic", .id = 1, .is_main = true},
    {.name = "monotonic_raw", .id = 4},
    {.name = "realtime_coarse", .id = 5},
    {.name = "monotonic_coarse", .id = 6},
    {.name = "boottime", .id = 7},
    {.name = "tai", .id = 11},
    {.name = "process_cputime_id", .id = 2},
    {.name = "thread_cputime_id", .id = 3},
    {.name = "gettimeofday", .id = 0, .is_day = true},
};

/* The call alone is between the two reads: what it wrote is looked at later. */
#define TIMED_LOOP(name, call)                                                       \
    static uint64_t name(const struct way *way, unsigned count, union stamp *out)    \
    {                                                                                \
        (void)way;                                                                   \
        uint64_t start = stopwatch();                                                \
        for (unsigned i = 0; i < count; i++) {                                       \
            call;                                                                    \
        }                                                                            \
        return stopwatch() - start;                                                  \
    }

#define KEEP(place) __asm__ volatile("" ::"r"(place) : "memory")

TIMED_LOOP(loop_nothing, KEEP(&out[i]))
TIMED_LOOP(loop_vdso_clock, way->vdso_clock(way->clock, &out[i]))
TIMED_LOOP(loop_libc_clock, clock_gettime(way->clock, &out[i].libc))
TIMED_LOOP(loop_raw_clock, syscall(SYS_clock_gettime, way->clock, &out[i].kernel))
TIMED_LOOP(loop_vdso_day, way->vdso_day(&out[i], NULL))
TIMED_LOOP(loop_libc_day, gettimeofday(&out[i].day, NULL))
#ifdef SYS_gettimeofday
TIMED_LOOP(loop_raw_day, syscall(SYS_gettimeofday, &out[i].kernel, NULL))
#endif
/* kernel/sys.c: it takes no lock and looks nothing up. */
TIMED_LOOP(loop_entry, (void)out; syscall(SYS_getppid))

/* Each multiplication needs the one before it, from call to call too, and the compiler knows none of the values. */
#define STEP x *= 0x9e3779b1u; __asm__ volatile("" : "+r"(x));
#define STEPS_8 STEP STEP STEP STEP STEP STEP STEP STEP
static uint64_t loop_work(const struct way *way, unsigned count, union stamp *out)
{
    uint32_t x = 1;

    (void)way;
    uint64_t start = stopwatch();
    for (unsigned i = 0; i < count; i++) {
        STEPS_8 STEPS_8 STEPS_8 STEPS_8
        KEEP(&out[i]);
    }
    return stopwatch() - start;
}

#ifdef HAVE_TSC
TIMED_LOOP(loop_rdtsc, out[i].ticks = read_rdtsc())
TIMED_LOOP(loop_rdtscp, out[i].ticks = read_rdtscp())
TIMED_LOOP(loop_lfence_rdtsc, out[i].ticks = read_lfence_rdtsc())
#endif
#ifdef HAVE_CNTVCT
TIMED_LOOP(loop_cntvct, out[i].ticks = read_cntvct())
TIMED_LOOP(loop_isb_cntvct, out[i].ticks = read_isb_cntvct())
#endif

const struct way empty_loop = {.batch = loop_nothing};
const struct way register_work = {.batch = loop_work};
const struct way kernel_entry = {.batch = loop_entry};
const struct bare bare_counters[MOST_COUNTERS + 1] = {
#ifdef HAVE_TSC
    {"rdtsc", {.batch = loop_rdtsc}},
    {"rdtscp", {.batch = loop_rdtscp}},
    {"lfence_rdtsc", {.batch = loop_lfence_rdtsc}},
#endif
#ifdef HAVE_CNTVCT
    {"cntvct_el0", {.batch = loop_cntvct}},
    {"isb_cntvct_el0", {.batch = loop_isb_cntvct}},
#endif
    {.name = NULL},
};

static uint64_t libc_value(const union stamp *stamp)
{
    return (uint64_t)stamp->libc.tv_sec * SECOND + (uint64_t)stamp->libc.tv_nsec;
}

static uint64_t kernel_value(const union stamp *stamp)
{
    return (uint64_t)stamp->kernel.seconds * SECOND + (uint64_t)stamp->kernel.fraction;
}

static uint64_t libc_day_value(const union stamp *stamp)
{
    return (uint64_t)stamp->day.tv_sec * SECOND + (uint64_t)stamp->day.tv_usec * 1000;
}

static uint64_t kernel_day_value(const union stamp *stamp)
{
    return (uint64_t)stamp->kernel.seconds * SECOND + (uint64_t)stamp->kernel.fraction * 1000;
}

bool way_to_clock(struct way *way, const struct clock *clock, enum way_of_clock by)
{
    union stamp stamp;

    *way = (struct way){.clock = clock->id};
    if (by == BY_VDSO && clock->is_day) {
        way->vdso_day = (day_function)vdso_function("gettimeofday");
        way->batch = loop_vdso_day;
        way->value = kernel_day_value;
        return way->vdso_day && way->vdso_day(&stamp, NULL) == 0;
    }
    if (by == BY_VDSO) {
        way->vdso_clock = (clock_function)vdso_function("clock_gettime");
        way->batch = loop_vdso_clock;
        way->value = kernel_value;
        return way->vdso_clock && way->vdso_clock(clock->id, &stamp) == 0;
    }
    if (by == BY_LIBC) {
        way->batch = clock->is_day ? loop_libc_day : loop_libc_clock;
        way->value = clock->is_day ? libc_day_value : libc_value;
        return clock->is_day ? gettimeofday(&stamp.day, NULL) == 0 : clock_gettime(clock->id, &stamp.libc) == 0;
    }
    if (clock->is_day) {
#ifdef SYS_gettimeofday
        way->batch = loop_raw_day;
        way->value = kernel_day_value;
        return syscall(SYS_gettimeofday, &stamp.kernel, NULL) == 0;
#else
        return false;
#endif
    }
    way->batch = loop_raw_clock;
    way->value = kernel_value;
    return syscall(SYS_clock_gettime, clock->id, &stamp.kernel) == 0;
}
