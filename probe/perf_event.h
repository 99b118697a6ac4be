/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What perf_event_open(2) takes and gives; the header that says so comes with the kernel, not with a C library. */
#ifndef CLOCKPROBE_PERF_EVENT_H
#define CLOCKPROBE_PERF_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "rings.h"

/* include/uapi/linux/perf_event.h */
struct attributes {
    uint32_t type, size;
    uint64_t config, period, sample_type, read_format, flags;
    uint32_t wake_at, breakpoint;
    uint64_t config1, config2, branches, registers;
    uint32_t stack, reserved;
};
#define TYPE_TRACEPOINT 2
#define SAMPLE_TID (1u << 1)
#define SAMPLE_READ (1u << 4)
#define SAMPLE_RAW (1u << 10)
#define SAMPLE_REGISTERS (1u << 12)
#define DISABLED (1u << 0)
#define NAMES (1u << 9)
#define WAKE_BY_BYTES (1u << 14)
#define FLAG_CLOEXEC (1ul << 3)
#define ENABLE _IO('$', 0)
#define DISABLE _IO('$', 1)
#define SET_PERIOD _IOW('$', 4, uint64_t)
#define SET_FILTER _IOW('$', 6, char *)
#define RECORD_COMM 3
#define RECORD_THROTTLE 5
#define RECORD_SAMPLE 9

/* A descriptor, or -1 with errno set. */
int perf_open(const struct attributes *attributes, int cpu);
/* How often it happened; 0 for no descriptor. */
uint64_t perf_count(int fd);

/* The body of a RECORD_SAMPLE; false where it is too short. `counted` is the event's count, `calls` stays 0. */
bool perf_sample(const unsigned char *body, size_t size, const struct tracepoint *point, bool registers, struct sample *sample,
                 uint64_t *counted);

/* TASK_COMM_LEN, as a string. */
#define PERF_NAME_SIZE 17

/* The body of a RECORD_COMM; false where it is a further thread's name. */
bool perf_name(const unsigned char *body, size_t size, uint32_t *pid, char *name);

#endif
