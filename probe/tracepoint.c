/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "tracepoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

const char *const abi_names[ABIS] = {"64-bit", "32-bit", "x32"};
const char *const time_call_names[TIME_CALLS] = {"clock_gettime", "clock_gettime64", "gettimeofday", "time"};

/* include/uapi/linux/perf_event.h */
#define REGS_ABI_32 1
#define REGS_ABI_64 2
/* arch/x86/include/uapi/asm/unistd.h, __X32_SYSCALL_BIT */
#define X32 0x40000000u

static const struct {
    unsigned number;
    enum abi abi;
    enum time_call call;
} numbers[] = {
#if defined(__x86_64__) || defined(__i386__)
    /* arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl; the most frequent first */
    {228, ABI_64, CLOCK_GETTIME}, {96, ABI_64, GETTIMEOFDAY}, {201, ABI_64, TIME},
    {265, ABI_32, CLOCK_GETTIME}, {403, ABI_32, CLOCK_GETTIME64}, {78, ABI_32, GETTIMEOFDAY}, {13, ABI_32, TIME},
    {X32 + 228, ABI_X32, CLOCK_GETTIME}, {X32 + 96, ABI_X32, GETTIMEOFDAY}, {X32 + 201, ABI_X32, TIME},
#elif defined(__aarch64__)
    /* include/uapi/asm-generic/unistd.h, arch/arm/tools/syscall.tbl */
    {113, ABI_64, CLOCK_GETTIME}, {169, ABI_64, GETTIMEOFDAY},
    {263, ABI_32, CLOCK_GETTIME}, {403, ABI_32, CLOCK_GETTIME64}, {78, ABI_32, GETTIMEOFDAY},
#else
#ifdef SYS_clock_gettime
    {SYS_clock_gettime, ABI_64, CLOCK_GETTIME},
#endif
#ifdef SYS_gettimeofday
    {SYS_gettimeofday, ABI_64, GETTIMEOFDAY},
#endif
#ifdef SYS_time
    {SYS_time, ABI_64, TIME},
#endif
#endif
};
#define NUMBERS (sizeof(numbers) / sizeof(*numbers))

uint64_t caller_registers(void)
{
#if defined(__x86_64__) || defined(__i386__)
    /* arch/x86/include/uapi/asm/perf_regs.h: PERF_REG_X86_IP, PERF_REG_X86_CS */
    return 1u << 8 | 1u << 10;
#elif defined(__aarch64__)
    /* arch/arm64/include/uapi/asm/perf_regs.h: PERF_REG_ARM64_PC */
    return 1ull << 32;
#else
    return 0;
#endif
}

struct caller caller_from(uint64_t abi, const uint64_t *registers)
{
    struct caller caller = {.abi = abi};
#if defined(__x86_64__) || defined(__i386__)
    caller.address = registers[0];
    caller.code_segment = registers[1];
#elif defined(__aarch64__)
    caller.address = registers[0];
#else
    (void)registers;
#endif
    return caller;
}

/* On x86 older kernels give perf the ABI of the program, not of the call; the code segment that it came from is never
   wrong (arch/x86/include/asm/segment.h: __USER_CS 0x33, Xen's FLAT_USER_CS64 0xe033). */
static bool is_32_bit(const struct caller *caller)
{
#if defined(__x86_64__) || defined(__i386__)
    return caller->abi && (caller->code_segment & 0xff) != 0x33;
#else
    return caller->abi == REGS_ABI_32;
#endif
}

bool time_call(uint64_t number, const struct caller *caller, enum abi *abi, enum time_call *call)
{
    bool narrow = is_32_bit(caller);

    for (size_t i = 0; i < NUMBERS; i++)
        if (numbers[i].number == number && (numbers[i].abi == ABI_32) == narrow) {
            *abi = numbers[i].abi;
            *call = numbers[i].call;
            return true;
        }
    return false;
}

void time_call_filter(char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < NUMBERS && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%sid==%u", i ? "||" : "", numbers[i].number);
}

/* `	field:long id;	offset:8;	size:8;	signed:1;` */
static bool field(const char *format, const char *name, unsigned *at, unsigned *size)
{
    const char *line = strstr(format, name);
    const char *offset = line ? strstr(line, "offset:") : NULL;
    const char *length = line ? strstr(line, "size:") : NULL;

    if (!offset || !length)
        return false;
    *at = (unsigned)atoi(offset + 7);
    *size = (unsigned)atoi(length + 5);
    return true;
}

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");

    if (!file)
        return false;
    size_t count = fread(text, 1, size - 1, file);
    int failed = ferror(file) ? EIO : 0;
    fclose(file);
    text[count] = 0;
    errno = failed;
    return !failed;
}

bool tracepoint_find(struct tracepoint *found, const char **path)
{
    /* Where only debugfs is mounted the kernel itself puts tracefs below it when that is looked into. */
    static const char *const places[] = {
        "/sys/kernel/tracing/events/raw_syscalls/sys_enter/format",
        "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/format",
    };
    char text[4096];

    for (size_t i = 0; i < 2; i++) {
        *path = places[i];
        if (!read_text(places[i], text, sizeof(text))) {
            if (errno == ENOENT || errno == ENOTDIR)
                continue;
            return false;
        }
        const char *id = strstr(text, "\nID: ");
        if (!id || !field(text, " id;", &found->number_at, &found->number_size) ||
            !field(text, " args[", &found->args_at, &found->args_size)) {
            errno = EPROTO;
            return false;
        }
        found->id = strtoull(id + 5, NULL, 10);
        /* "args[6]" is six of them. */
        found->args_size /= 6;
        return true;
    }
    *path = places[0];
    errno = ENOENT;
    return false;
}
