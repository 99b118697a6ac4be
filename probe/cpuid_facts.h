/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLOCKPROBE_CPUID_FACTS_H
#define CLOCKPROBE_CPUID_FACTS_H

#include <stdbool.h>

/* Does the CPU have rdtscp? (never, off x86) */
bool cpuid_rdtscp(void);

/* Prints what CPUID says about the TSC and the hypervisor under `key`; null where there is no CPUID. */
void cpuid_print(const char *key);

#endif
