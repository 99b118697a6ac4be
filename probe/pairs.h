/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLOCKPROBE_PAIRS_H
#define CLOCKPROBE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

/* Visits every pair (a < b < count) once, those first that tell most: the first CPUs of all sockets with each other, then
   CPU 0 with every other, then the rest. `package[i]` is the socket of CPU i. Ends when `visit` returns false. */
void pairs_in_order(const int *package, size_t count, bool (*visit)(size_t a, size_t b, void *context), void *context);

#endif
