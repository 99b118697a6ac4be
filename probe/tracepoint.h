/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoint that each system call passes, and which calls that pass it read the time. */
#ifndef CLOCKPROBE_TRACEPOINT_H
#define CLOCKPROBE_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracepoint {
    uint64_t id;
    /* Of the number and of the arguments in its record, in bytes. */
    unsigned number_at, number_size, args_at, args_size;
};

/* False with `path`, what was opened last, and errno set where it cannot be read. Mounts nothing. */
bool tracepoint_find(struct tracepoint *found, const char **path);

enum abi { ABI_64, ABI_32, ABI_X32, ABIS };
extern const char *const abi_names[ABIS];

enum time_call { CLOCK_GETTIME, CLOCK_GETTIME64, GETTIMEOFDAY, TIME, TIME_CALLS };
extern const char *const time_call_names[TIME_CALLS];

/* What tells a caller's ABI: perf's word on the registers (PERF_SAMPLE_REGS_ABI_*), and on x86 the code segment. */
struct caller {
    uint64_t abi, code_segment, address;
};

/* perf's mask of the registers of `struct caller`, in the order in which they come; 0 where there are none. */
uint64_t caller_registers(void);
struct caller caller_from(uint64_t abi, const uint64_t *registers);

/* Which call a number is for that caller; false where it reads no time: numbers mean other calls in other ABIs. */
bool time_call(uint64_t number, const struct caller *caller, enum abi *abi, enum time_call *call);

/* A filter of perf's on the numbers of every ABI of this machine. */
void time_call_filter(char *text, size_t size);

#endif
