/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bare counter of this machine, and the stopwatch made of it. */
#ifndef CLOCKPROBE_COUNTER_H
#define CLOCKPROBE_COUNTER_H

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#define COUNTER_NAME "rdtsc"
#define HAVE_TSC 1

static inline uint64_t read_rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t read_rdtscp(void)
{
    uint32_t low, high, aux;
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux)::"memory");
    return (uint64_t)high << 32 | low;
}

/* arch/x86/include/asm/msr.h (rdtsc_ordered): without the fence a later read may be executed earlier. */
static inline uint64_t read_lfence_rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t read_ordered(void)
{
    return read_lfence_rdtsc();
}

static inline void fence(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

static inline void relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#elif defined(__aarch64__)
#define COUNTER_NAME "cntvct_el0"
#define HAVE_CNTVCT 1

static inline uint64_t read_cntvct(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

/* arch/arm64/include/asm/vdso/gettimeofday.h: the isb keeps the read from being speculated. */
static inline uint64_t read_isb_cntvct(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

static inline uint64_t read_ordered(void)
{
    return read_isb_cntvct();
}

static inline void fence(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

#else
#include <time.h>
#define COUNTER_NAME "monotonic_raw"

static inline uint64_t read_ordered(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void fence(void)
{
}

static inline void relax(void)
{
}
#endif

/* Nothing before it may end, and nothing after it may begin, inside what is timed. */
static inline uint64_t stopwatch(void)
{
    uint64_t ticks = read_ordered();
    fence();
    return ticks;
}

#endif
