/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Powers of two. A process has few rows: one for each call and clock that it uses. */
#define ROWS 32768
#define PROCESSES 16384
/* As many places are looked at before a table counts as full. */
#define REACH 64
/* Process ids go up: this many programs that were started lately have their names kept, in case they call. */
#define LATELY 4096
/* Names read at a time: opening a file in /proc takes some 10 us. */
#define NAMES_AT_ONCE 16
#define NAME_SIZE 17

struct row {
    uint64_t calls, samples, address;
    uint32_t pid;
    int32_t clock;
    /* How many more samples came from `address` than from elsewhere, since it was chosen. */
    uint32_t votes;
    uint8_t abi, call;
};

struct process {
    uint32_t pid;
    char name[NAME_SIZE];
    uint8_t asked;
};

static struct row *rows;
static struct process *processes, *lately;
static uint32_t *unnamed;
static size_t unnamed_first, unnamed_end;
static struct tally_counts counts;

bool tally_begin(void)
{
    rows = calloc(ROWS, sizeof(*rows));
    processes = calloc(PROCESSES, sizeof(*processes));
    lately = calloc(LATELY, sizeof(*lately));
    unnamed = calloc(PROCESSES, sizeof(*unnamed));
    return rows && processes && lately && unnamed;
}

static uint32_t spread(uint32_t value)
{
    value *= 0x9e3779b1u;
    return value ^ value >> 15;
}

static struct process *process_of(uint32_t pid, bool make)
{
    for (uint32_t i = 0, at = spread(pid); i < REACH; i++, at++) {
        struct process *place = &processes[at % PROCESSES];
        if (place->asked && place->pid == pid)
            return place;
        if (place->asked)
            continue;
        if (!make)
            return NULL;
        struct process *known = &lately[pid % LATELY];
        *place = (struct process){.pid = pid, .asked = 1};
        if (known->asked && known->pid == pid)
            memcpy(place->name, known->name, NAME_SIZE);
        else if (unnamed_end < PROCESSES)
            unnamed[unnamed_end++] = (uint32_t)(place - processes);
        return place;
    }
    return NULL;
}

static struct row *row_of(uint32_t pid, enum abi abi, enum time_call call, int32_t clock)
{
    uint32_t at = spread(pid ^ spread((uint32_t)clock << 4 ^ (uint32_t)call << 2 ^ (uint32_t)abi));

    for (uint32_t i = 0; i < REACH; i++, at++) {
        struct row *row = &rows[at % ROWS];
        if (!row->samples) {
            *row = (struct row){.pid = pid, .clock = clock, .abi = (uint8_t)abi, .call = (uint8_t)call};
            process_of(pid, true);
            return row;
        }
        if (row->pid == pid && row->clock == clock && row->abi == abi && row->call == call)
            return row;
    }
    return NULL;
}

/* Negative ids name a process' or a thread's CPU time, or an open device (include/linux/posix-timers.h: the low three bits
   say which); whose is of no interest here. */
static int32_t clock_of(enum time_call call, uint64_t argument)
{
    int32_t clock = (int32_t)(uint32_t)argument;

    if (call == GETTIMEOFDAY || call == TIME)
        return 0;
    return clock < 0 ? (clock & 7) - 8 : clock;
}

void tally_sample(const struct sample *sample)
{
    enum abi abi;
    enum time_call call;

    if (!time_call(sample->number, &sample->caller, &abi, &call)) {
        counts.unrelated += sample->calls;
        return;
    }
    counts.sampled += sample->calls;
    struct row *row = row_of(sample->pid, abi, call, clock_of(call, sample->first_argument));
    if (!row) {
        counts.unplaced += sample->calls;
        return;
    }
    row->samples++;
    row->calls += sample->calls;
    /* What most of them have in common, in one pass (Boyer and Moore's majority vote). */
    if (!row->votes)
        row->address = sample->caller.address;
    if (row->address == sample->caller.address)
        row->votes++;
    else
        row->votes--;
}

void tally_name(uint32_t pid, const char *name)
{
    struct process *known;

    /* Where this process is in a container, 0 stands for every process outside. */
    if (!pid)
        return;
    if (!(known = process_of(pid, false)))
        known = &lately[pid % LATELY];
    known->pid = pid;
    known->asked = 1;
    snprintf(known->name, NAME_SIZE, "%s", name);
}

void tally_read_names(void)
{
    for (int i = 0; i < NAMES_AT_ONCE && unnamed_first < unnamed_end; i++) {
        struct process *process = &processes[unnamed[unnamed_first++]];
        char path[32];
        if (process->name[0])
            continue;
        snprintf(path, sizeof(path), "/proc/%u/comm", process->pid);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        /* Only the last line feed is not the name's own. */
        size_t size = fread(process->name, 1, NAME_SIZE, file);
        process->name[size ? size - 1 : 0] = 0;
        fclose(file);
    }
}

struct tally_counts tally_counts(void)
{
    return counts;
}

static int more_calls(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return a->calls < b->calls ? 1 : a->calls > b->calls ? -1 : 0;
}

static void print_row(const struct row *row)
{
    json_open(NULL, '[');
    json_number(NULL, row->pid);
    json_string(NULL, abi_names[row->abi]);
    json_string(NULL, time_call_names[row->call]);
    if (row->call == GETTIMEOFDAY || row->call == TIME)
        json_null(NULL);
    else
        json_integer(NULL, row->clock);
    json_number(NULL, row->samples);
    json_number(NULL, row->calls);
    json_number(NULL, row->address);
    json_number(NULL, row->votes);
    json_close(']');
}

void tally_print(uint32_t except)
{
    size_t used = 0;

    json_open("names", '{');
    for (size_t i = 0; i < PROCESSES; i++)
        if (processes[i].name[0] && processes[i].pid != except) {
            char pid[12];
            snprintf(pid, sizeof(pid), "%u", processes[i].pid);
            json_string(pid, processes[i].name);
        }
    json_close('}');
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].samples && rows[i].pid != except)
            rows[used++] = rows[i];
    qsort(rows, used, sizeof(*rows), more_calls);
    json_open("rows", '[');
    for (size_t i = 0; i < used; i++)
        print_row(&rows[i]);
    json_close(']');
}
