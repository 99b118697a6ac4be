/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CPUs that this process may run on: cpusets and affinity are respected. */
#ifndef CLOCKPROBE_CPUS_H
#define CLOCKPROBE_CPUS_H

#include <stdbool.h>
#include <stddef.h>

/* More than any kernel's CONFIG_NR_CPUS: sched_getaffinity fails where the set is smaller than the kernel's. */
#define MOST_CPUS 8192

/* The allowed CPUs in `cpus`, ascending; returns their number, 0 when it cannot be known. */
size_t cpus_allowed(int *cpus);

/* The CPUs that are online, ascending, whatever this process may use; falls back on those. */
size_t cpus_online(int *cpus);

/* Restrict this process to one CPU; false where it may not run there. */
bool cpus_pin(int cpu);

/* The same until cpus_unpin(), which gives back what was allowed before; calls do not nest. */
bool cpus_pin_for_now(int cpu);
void cpus_unpin(void);

/* Restrict this process to a list like "0-3,6"; false when it is no such list or none of them is allowed. */
bool cpus_restrict(const char *list);

/* The socket of a CPU, 0 where the kernel does not say. */
int cpus_package(int cpu);

#endif
