/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pairs.h"

static bool first_of_its_package(const int *package, size_t cpu)
{
    for (size_t i = 0; i < cpu; i++)
        if (package[i] == package[cpu])
            return false;
    return true;
}

static int rank(const int *package, size_t a, size_t b)
{
    if (first_of_its_package(package, a) && first_of_its_package(package, b))
        return 0;
    return a == 0 ? 1 : 2;
}

void pairs_in_order(const int *package, size_t count, bool (*visit)(size_t a, size_t b, void *context), void *context)
{
    for (int wanted = 0; wanted < 3; wanted++)
        for (size_t a = 0; a < count; a++)
            for (size_t b = a + 1; b < count; b++)
                if (rank(package, a, b) == wanted && !visit(a, b, context))
                    return;
}
