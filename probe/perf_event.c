/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "perf_event.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int perf_open(const struct attributes *attributes, int cpu)
{
    return (int)syscall(SYS_perf_event_open, attributes, -1, cpu, -1, FLAG_CLOEXEC);
}

uint64_t perf_count(int fd)
{
    uint64_t value = 0;
    return fd >= 0 && read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static uint64_t long_at(const unsigned char *record, unsigned size)
{
    uint64_t wide;
    uint32_t narrow;

    if (size == 8) {
        memcpy(&wide, record, 8);
        return wide;
    }
    memcpy(&narrow, record, 4);
    return narrow;
}

/* u32 pid, tid; u64 the event's count; u32 size, the tracepoint's record; u64 abi, the registers unless that is 0 */
bool perf_sample(const unsigned char *body, size_t size, const struct tracepoint *point, bool registers, struct sample *sample,
                 uint64_t *counted)
{
    uint32_t raw_size;
    uint64_t words[3] = {0};

    if (size < 20)
        return false;
    memcpy(&sample->pid, body, 4);
    memcpy(counted, body + 8, 8);
    memcpy(&raw_size, body + 16, 4);
    body += 20;
    size -= 20;
    if (raw_size > size || raw_size < point->args_at + point->args_size || raw_size < point->number_at + point->number_size)
        return false;
    sample->number = long_at(body + point->number_at, point->number_size);
    sample->first_argument = long_at(body + point->args_at, point->args_size);
    if (registers)
        memcpy(words, body + raw_size, size - raw_size < sizeof(words) ? size - raw_size : sizeof(words));
    sample->caller = caller_from(words[0], words + 1);
    return true;
}

/* u32 pid, tid; the name, filled up with NULs */
bool perf_name(const unsigned char *body, size_t size, uint32_t *pid, char *name)
{
    uint32_t ids[2];

    if (size <= sizeof(ids))
        return false;
    memcpy(ids, body, sizeof(ids));
    *pid = ids[0];
    size -= sizeof(ids);
    snprintf(name, PERF_NAME_SIZE, "%.*s", (int)(size < PERF_NAME_SIZE - 1 ? size : PERF_NAME_SIZE - 1),
             (const char *)body + sizeof(ids));
    return ids[0] == ids[1];
}
