/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "cpus.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET_SIZE CPU_ALLOC_SIZE(MOST_CPUS)

/* A set of MOST_CPUS; cpu_set_t itself ends at 1024. */
union set {
    cpu_set_t set;
    unsigned char bytes[MOST_CPUS / 8];
};

size_t cpus_allowed(int *cpus)
{
    union set allowed = {.bytes = {0}};
    size_t count = 0;

    if (sched_getaffinity(0, SET_SIZE, &allowed.set))
        return 0;
    for (int cpu = 0; cpu < MOST_CPUS; cpu++)
        if (CPU_ISSET_S(cpu, SET_SIZE, &allowed.set))
            cpus[count++] = cpu;
    return count;
}

bool cpus_pin(int cpu)
{
    union set one = {.bytes = {0}};

    if (cpu < 0 || cpu >= MOST_CPUS)
        return false;
    CPU_SET_S(cpu, SET_SIZE, &one.set);
    return sched_setaffinity(0, SET_SIZE, &one.set) == 0;
}

static union set before;

bool cpus_pin_for_now(int cpu)
{
    return sched_getaffinity(0, SET_SIZE, &before.set) == 0 && cpus_pin(cpu);
}

void cpus_unpin(void)
{
    sched_setaffinity(0, SET_SIZE, &before.set);
}

static const char *read_cpu(const char *text, int *cpu)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return NULL;
    long number = strtol(text, &end, 10);
    if (number < 0 || number >= MOST_CPUS)
        return NULL;
    *cpu = (int)number;
    return end;
}

/* A list like "0-3,6" → a set; false when it is no such list. */
static bool read_list(const char *list, union set *found)
{
    for (;;) {
        int first, last;
        if (!(list = read_cpu(list, &first)))
            return false;
        last = first;
        if (*list == '-' && !(list = read_cpu(list + 1, &last)))
            return false;
        for (int cpu = first; cpu <= last; cpu++)
            CPU_SET_S(cpu, SET_SIZE, &found->set);
        if (last < first || (*list && *list != ','))
            return false;
        if (!*list++)
            return true;
    }
}

bool cpus_restrict(const char *list)
{
    union set wanted = {.bytes = {0}};

    return read_list(list, &wanted) && sched_setaffinity(0, SET_SIZE, &wanted.set) == 0;
}

size_t cpus_online(int *cpus)
{
    static char line[MOST_CPUS * 5]; /* each number by itself, where every other CPU is off */
    union set online = {.bytes = {0}};
    FILE *file = fopen("/sys/devices/system/cpu/online", "r");
    bool known = file && fgets(line, sizeof(line), file);
    size_t count = 0;

    if (file)
        fclose(file);
    if (known)
        line[strcspn(line, "\n")] = 0;
    if (!known || !read_list(line, &online))
        return cpus_allowed(cpus);
    for (int cpu = 0; cpu < MOST_CPUS; cpu++)
        if (CPU_ISSET_S(cpu, SET_SIZE, &online.set))
            cpus[count++] = cpu;
    return count;
}

int cpus_package(int cpu)
{
    char path[80], line[16];

    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    int package = fgets(line, sizeof(line), file) ? atoi(line) : 0;
    fclose(file);
    return package;
}
