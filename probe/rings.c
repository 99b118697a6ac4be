/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "rings.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cpus.h"
#include "measure.h"
#include "perf_event.h"
#include "ring.h"

static struct ring *rings;
static struct pollfd *polled;
static size_t ring_count;
static struct rings_counts counts;
static uint64_t hertz, all_since;

/* Each CPU takes two descriptors. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool rings_open(const struct rings_options *options, const char **what)
{
    static int cpus[MOST_CPUS];
    size_t count = cpus_online(cpus);
    bool registers = caller_registers() != 0;

    hertz = options->hertz;
    allow_descriptors();
    *what = "memory";
    if (!(rings = calloc(count + 1, sizeof(*rings))) || !(polled = calloc(count + 1, sizeof(*polled))))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!ring_open(&rings[ring_count], options, &registers, cpus[i], what)) {
            /* The CPU went away meanwhile. */
            if (errno == ENODEV && !strcmp(*what, "perf_event_open"))
                continue;
            return false;
        }
        polled[ring_count] = (struct pollfd){.fd = rings[ring_count].fd, .events = POLLIN};
        ring_count++;
    }
    counts.cpus = (unsigned)ring_count;
    errno = ENODEV;
    return ring_count > 0;
}

static void all_rings(unsigned long request)
{
    for (size_t i = 0; i < ring_count; i++)
        ioctl(rings[i].fd, request, 0);
}

void rings_start(void)
{
    for (size_t i = 0; i < ring_count; i++)
        rings[i].then = now();
    all_rings(ENABLE);
}

void rings_wait(uint64_t until)
{
    uint64_t time = now();

    if (time >= until)
        return;
    struct timespec left = {(time_t)((until - time) / 1000000000u), (long)((until - time) % 1000000000u)};
    if (ppoll(polled, ring_count, &left, NULL) > 0)
        for (size_t i = 0; i < ring_count; i++)
            if (polled[i].revents & (POLLERR | POLLHUP))
                polled[i].fd = -1; /* its CPU went away: it would wake us for ever */
}

void rings_count_all(bool on)
{
    for (size_t i = 0; i < ring_count; i++)
        if (rings[i].all_fd >= 0)
            ioctl(rings[i].all_fd, on ? ENABLE : DISABLE, 0);
    if (on)
        all_since = now();
    else
        counts.all_ns += now() - all_since;
}

void rings_sample_each(uint64_t period)
{
    for (size_t i = 0; i < ring_count; i++) {
        ring_set_period(&rings[i], period);
        rings[i].counted = rings[i].counted_then = rings[i].counted_before = perf_count(rings[i].fd);
        rings[i].then = now();
    }
}

static void choose_period(struct ring *ring)
{
    ring_choose_period(ring, hertz);
    if (ring->period > counts.longest_period)
        counts.longest_period = ring->period;
}

void rings_sample_by_rate(void)
{
    for (size_t i = 0; i < ring_count; i++) {
        ring_forget(&rings[i]);
        choose_period(&rings[i]);
    }
}

void rings_drain(const struct listener *listener)
{
    for (size_t i = 0; i < ring_count; i++) {
        ring_drain(&rings[i], listener, &counts);
        choose_period(&rings[i]);
    }
}

void rings_stop(const struct listener *listener)
{
    all_rings(DISABLE);
    for (size_t i = 0; i < ring_count; i++)
        ring_drain(&rings[i], listener, &counts);
}

struct rings_counts rings_read(void)
{
    counts.passed = counts.all = 0;
    for (size_t i = 0; i < ring_count; i++) {
        counts.passed += perf_count(rings[i].fd) - rings[i].counted_before;
        counts.all += perf_count(rings[i].all_fd);
    }
    return counts;
}
