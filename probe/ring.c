/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"
#include "perf_event.h"

/* struct perf_event_mmap_page: where the kernel wrote up to, and what we have read. */
#define HEAD_AT 1024
#define TAIL_AT 1032
/* Longer records are none of those that we ask for. */
#define LONGEST_RECORD 512

static const struct tracepoint *point;
static size_t data_size;
static bool with_registers;

bool ring_open(struct ring *ring, const struct rings_options *options, bool *registers, int cpu, const char **what)
{
    struct attributes sampled = {
        .type = TYPE_TRACEPOINT, .size = sizeof(sampled), .config = options->tracepoint->id, .period = RINGS_NEVER,
        .sample_type = SAMPLE_TID | SAMPLE_READ | SAMPLE_RAW, .flags = DISABLED | NAMES | WAKE_BY_BYTES};
    struct attributes counted = {
        .type = TYPE_TRACEPOINT, .size = sizeof(counted), .config = options->tracepoint->id, .flags = DISABLED};

    point = options->tracepoint;
    data_size = options->pages * (size_t)getpagesize();
    sampled.wake_at = (uint32_t)(data_size / 2);
    *what = "perf_event_open";
    if (*registers) {
        struct attributes more = sampled;
        more.registers = caller_registers();
        more.sample_type |= SAMPLE_REGISTERS;
        ring->fd = perf_open(&more, cpu);
        if (ring->fd < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
            *registers = false;
    }
    if (!*registers)
        ring->fd = perf_open(&sampled, cpu);
    with_registers = *registers;
    if (ring->fd < 0)
        return false;
    *what = "filter";
    if (ioctl(ring->fd, SET_FILTER, options->filter))
        return false;
    *what = "memory";
    ring->page = mmap(NULL, data_size + (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (ring->page == MAP_FAILED)
        return false;
    ring->all_fd = perf_open(&counted, cpu);
    ring->period = RINGS_NEVER;
    return true;
}

static void take_sample(struct ring *ring, const unsigned char *body, size_t size, const struct listener *listener,
                        struct rings_counts *counts)
{
    struct sample sample = {0};
    uint64_t counted;

    if (!perf_sample(body, size, point, with_registers, &sample, &counted))
        return;
    /* A change of the period makes the kernel sample the next call, whoever happens to come first after this process ran:
       that one counts for nobody, nor does what was sampled before the change and comes to us after it. */
    if (counted - ring->counted < ring->period)
        return;
    ring->counted = counted;
    sample.calls = ring->period;
    counts->samples++;
    listener->sample(&sample);
}

static void take_record(struct ring *ring, const unsigned char *record, uint32_t type, size_t size, const struct listener *listener,
                        struct rings_counts *counts)
{
    const unsigned char *body = record + 8;
    char name[PERF_NAME_SIZE];
    uint32_t pid;

    size -= 8;
    if (type == RECORD_SAMPLE)
        take_sample(ring, body, size, listener, counts);
    else if (type == RECORD_THROTTLE)
        counts->throttled++;
    else if (type == RECORD_COMM && perf_name(body, size, &pid, name))
        listener->name(pid, name);
}

static uint64_t head_of(const struct ring *ring)
{
    return __atomic_load_n((const uint64_t *)(const void *)(ring->page + HEAD_AT), __ATOMIC_ACQUIRE);
}

static void set_tail(struct ring *ring, uint64_t tail)
{
    ring->tail = tail;
    __atomic_store_n((uint64_t *)(void *)(ring->page + TAIL_AT), tail, __ATOMIC_RELEASE);
}

void ring_drain(struct ring *ring, const struct listener *listener, struct rings_counts *counts)
{
    unsigned char *data = ring->page + getpagesize();
    uint64_t head = head_of(ring), tail = ring->tail, free = data_size - (head - tail);

    ring->quiet = tail == head;
    while (tail < head) {
        /* Records are of whole words, so that a header never wraps round the end. */
        size_t at = tail % data_size, whole;
        uint32_t type;
        uint16_t size;
        unsigned char record[LONGEST_RECORD];
        memcpy(&type, data + at, 4);
        memcpy(&size, data + at + 6, 2);
        if (size < 8 || size > head - tail)
            break;
        if (size <= LONGEST_RECORD) {
            whole = data_size - at < size ? data_size - at : size;
            memcpy(record, data + at, whole);
            memcpy(record + whole, data, size - whole);
            take_record(ring, record, type, size, listener, counts);
        }
        tail += size;
    }
    /* No sample fitted any more. The kernel says so as well (PERF_RECORD_LOST), but only beside its next record, if one comes. */
    if (free < LONGEST_RECORD) {
        uint64_t from = ring->counted > ring->counted_then ? ring->counted : ring->counted_then;
        counts->lost += (perf_count(ring->fd) - from) / ring->period;
    }
    set_tail(ring, head);
}

void ring_forget(struct ring *ring)
{
    set_tail(ring, head_of(ring));
    ring->counted = ring->counted_before = perf_count(ring->fd);
}

void ring_set_period(struct ring *ring, uint64_t period)
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

/* It is odd and another one each time, because programs call in patterns: of two calls in turn an even one would see only the
   first. It falls by halves, since bursts come back. */
void ring_choose_period(struct ring *ring, uint64_t hertz)
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
        ring_set_period(ring, period);
}
