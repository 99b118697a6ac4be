/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLOCKPROBE_VDSO_H
#define CLOCKPROBE_VDSO_H

/* The address of the vDSO's function for clock_gettime or gettimeofday, NULL where there is none. */
void *vdso_function(const char *call);

#endif
