/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "rings.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cpus.h"
#include "measure.h"
#include "perf_event.h"

/* struct perf_event_mmap_page: where the kernel wrote up to, and what we have read. */
#define HEAD_AT 1024
#define TAIL_AT 1032
/* Longer records are none of those that we ask for. */
#define LONGEST_RECORD 512

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

static struct ring *rings;
static struct pollfd *polled;
static size_t ring_count, data_size;
static const struct tracepoint *point;
static struct rings_counts counts;
static uint64_t hertz, registers, all_since;

static bool open_ring(struct ring *ring, struct attributes *sampled, const struct attributes *counted, int cpu,
                      const char *filter, const char **what)
{
    *what = "perf_event_open";
    ring->fd = perf_open(sampled, cpu);
    /* A kernel without registers in its samples. */
    if (ring->fd < 0 && (errno == EINVAL || errno == EOPNOTSUPP) && sampled->registers) {
        sampled->sample_type &= ~(uint64_t)SAMPLE_REGISTERS;
        sampled->registers = registers = 0;
        ring->fd = perf_open(sampled, cpu);
    }
    if (ring->fd < 0)
        return false;
    *what = "filter";
    if (ioctl(ring->fd, SET_FILTER, filter))
        return false;
    *what = "memory";
    ring->page = mmap(NULL, data_size + (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (ring->page == MAP_FAILED)
        return false;
    ring->all_fd = perf_open(counted, cpu);
    return true;
}

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
    struct attributes sampled = {
        .type = TYPE_TRACEPOINT, .size = sizeof(sampled), .config = options->tracepoint->id,
        .period = RINGS_NEVER, .registers = caller_registers(), .sample_type = SAMPLE_TID | SAMPLE_READ | SAMPLE_RAW,
        .flags = DISABLED | NAMES | WAKE_BY_BYTES, .wake_at = (uint32_t)(options->pages * (size_t)getpagesize() / 2)};
    const struct attributes counted = {
        .type = TYPE_TRACEPOINT, .size = sizeof(counted), .config = options->tracepoint->id, .flags = DISABLED};

    if (sampled.registers)
        sampled.sample_type |= SAMPLE_REGISTERS;
    registers = sampled.registers;
    point = options->tracepoint;
    hertz = options->hertz;
    data_size = options->pages * (size_t)getpagesize();
    allow_descriptors();
    *what = "memory";
    if (!(rings = calloc(count + 1, sizeof(*rings))) || !(polled = calloc(count + 1, sizeof(*polled))))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!open_ring(&rings[ring_count], &sampled, &counted, cpus[i], options->filter, what)) {
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
    for (size_t i = 0; i < ring_count; i++) {
        rings[i].period = RINGS_NEVER;
        rings[i].then = now();
    }
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

void rings_stop(void)
{
    all_rings(DISABLE);
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

struct rings_counts rings_read(void)
{
    counts.passed = counts.all = 0;
    for (size_t i = 0; i < ring_count; i++) {
        counts.passed += perf_count(rings[i].fd) - rings[i].counted_before;
        counts.all += perf_count(rings[i].all_fd);
    }
    return counts;
}

static void take_sample(struct ring *ring, const unsigned char *body, size_t size, const struct listener *listener)
{
    struct sample sample = {0};
    uint64_t counted;

    if (!perf_sample(body, size, point, registers != 0, &sample, &counted))
        return;
    /* A change of the period makes the kernel sample the next call, whoever happens to come first after this process ran:
       that one counts for nobody, nor does what was sampled before the change and comes to us after it. */
    if (counted - ring->counted < ring->period)
        return;
    ring->counted = counted;
    sample.calls = ring->period;
    counts.samples++;
    listener->sample(&sample);
}

static void take_record(struct ring *ring, const unsigned char *record, uint32_t type, size_t size, const struct listener *listener)
{
    const unsigned char *body = record + 8;
    char name[PERF_NAME_SIZE];
    uint32_t pid;

    size -= 8;
    if (type == RECORD_SAMPLE)
        take_sample(ring, body, size, listener);
    else if (type == RECORD_LOST && size >= 16) {
        uint64_t lost;
        memcpy(&lost, body + 8, sizeof(lost));
        counts.lost += lost;
    } else if (type == RECORD_THROTTLE)
        counts.throttled++;
    else if (type == RECORD_COMM && perf_name(body, size, &pid, name))
        listener->name(pid, name);
}

static uint64_t head_of(const struct ring *ring)
{
    return __atomic_load_n((const uint64_t *)(const void *)(ring->page + HEAD_AT), __ATOMIC_ACQUIRE);
}

static void drain_ring(struct ring *ring, const struct listener *listener)
{
    unsigned char *data = ring->page + getpagesize();
    uint64_t head = head_of(ring);

    ring->quiet = ring->tail == head;
    while (ring->tail < head) {
        /* Records are of whole words, so that a header never wraps round the end. */
        size_t at = ring->tail % data_size, whole;
        uint32_t type;
        uint16_t size;
        unsigned char record[LONGEST_RECORD];
        memcpy(&type, data + at, 4);
        memcpy(&size, data + at + 6, 2);
        if (size < 8 || size > head - ring->tail) {
            ring->tail = head;
            break;
        }
        if (size <= LONGEST_RECORD) {
            whole = data_size - at < size ? data_size - at : size;
            memcpy(record, data + at, whole);
            memcpy(record + whole, data, size - whole);
            take_record(ring, record, type, size, listener);
        }
        ring->tail += size;
    }
    __atomic_store_n((uint64_t *)(void *)(ring->page + TAIL_AT), ring->tail, __ATOMIC_RELEASE);
}

static void set_period(struct ring *ring, uint64_t period)
{
    ring->period = period;
    ioctl(ring->fd, SET_PERIOD, &period);
}

/* xorshift32 */
static uint32_t any_number(void)
{
    static uint32_t state = 0x2545f491;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

/* A period for the rate of calls since it was chosen last. It is odd and another one each time, because programs call in
   patterns: of two calls in turn an even one would see only the first. It falls by halves, since bursts come back. */
static void choose_period(struct ring *ring)
{
    /* Asking the kernel interrupts the CPU in question: one that made no sample where each call makes one is left alone. */
    uint64_t counted = ring->quiet && ring->period == 1 ? ring->counted_then : perf_count(ring->fd);
    uint64_t time = now(), calls = counted - ring->counted_then, ns = time - ring->then;

    if (!ns)
        return;
    uint64_t period = (uint64_t)((double)calls * 1e9 / (double)ns / (double)hertz) + 1;
    if (ring->period < RINGS_NEVER && period < ring->period / 2)
        period = ring->period / 2;
    if (period > 2)
        period = (period + any_number() % (period / 4 + 1)) | 1;
    else
        period = 1;
    ring->then = time;
    ring->counted_then = counted;
    if (period != ring->period)
        set_period(ring, period);
    if (period > counts.longest_period)
        counts.longest_period = period;
}

void rings_sample_each(uint64_t period)
{
    for (size_t i = 0; i < ring_count; i++) {
        set_period(&rings[i], period);
        rings[i].counted = rings[i].counted_then = rings[i].counted_before = perf_count(rings[i].fd);
        rings[i].then = now();
    }
}

void rings_sample_by_rate(void)
{
    for (size_t i = 0; i < ring_count; i++) {
        /* What lies in the buffer is from before. */
        rings[i].tail = head_of(&rings[i]);
        rings[i].counted = rings[i].counted_before = perf_count(rings[i].fd);
        choose_period(&rings[i]);
    }
}

void rings_drain(const struct listener *listener)
{
    for (size_t i = 0; i < ring_count; i++) {
        drain_ring(&rings[i], listener);
        choose_period(&rings[i]);
    }
}
