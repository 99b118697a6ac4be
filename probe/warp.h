/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a later read of the counter on another CPU ever earlier? */
#ifndef CLOCKPROBE_WARP_H
#define CLOCKPROBE_WARP_H

#include <stdint.h>

/* Tests all pairs of the CPUs that this process may run on, for `budget_ms` at most, and prints the result. */
void warp_print(const char *key, uint64_t budget_ms);

#endif
