/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"

#define MOST_BUDGET_MS 60000
#define MOST_WARP_BUDGET_MS 600000
#define MOST_SECONDS 60
#define MOST_HERTZ 100000
#define MOST_PAGES 256

_Noreturn void die(int status, const char *what, const char *detail)
{
    fprintf(stderr, "clockprobe: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    exit(status);
}

static uint64_t whole_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || number < least || number > most) {
        char range[64];
        snprintf(range, sizeof(range), "a number from %llu to %llu", (unsigned long long)least, (unsigned long long)most);
        fprintf(stderr, "clockprobe: %s wants %s, not %s\n", name, range, text);
        exit(2);
    }
    return number;
}

static void choose_clocks(struct options *options, char *list)
{
    memset(options->wanted, 0, sizeof(options->wanted));
    for (char *rest = list, *name; (name = strsep(&rest, ","));) {
        int i = 0;
        while (i < CLOCKS && strcmp(clocks[i].name, name))
            i++;
        if (i == CLOCKS)
            die(2, "no such clock", name);
        options->wanted[i] = true;
    }
}

static struct syscalls_options read_syscalls_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"seconds", required_argument, NULL, 's'}, {"hertz", required_argument, NULL, 'h'},
        {"pages", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
    };
    struct syscalls_options options = {.seconds = 5, .hertz = 16000, .pages = 32};

    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (letter == 's')
            options.seconds = whole_number("--seconds", optarg, 1, MOST_SECONDS);
        else if (letter == 'h')
            options.hertz = whole_number("--hertz", optarg, 1, MOST_HERTZ);
        else if (letter == 'p') {
            options.pages = whole_number("--pages", optarg, 1, MOST_PAGES);
            if (options.pages & (options.pages - 1))
                die(2, "--pages wants a power of two, not", optarg);
        } else
            die(2, "usage: clockprobe syscalls [--seconds N] [--hertz N] [--pages N]", NULL);
    }
    if (optind != argc)
        die(2, "unknown argument", argv[optind]);
    return options;
}

struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"budget-ms", required_argument, NULL, 'b'}, {"clocks", required_argument, NULL, 'c'},
        {"warp-budget-ms", required_argument, NULL, 'w'}, {"cpus", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.budget_ms = 500};

    if (argc > 1 && !strcmp(argv[1], "syscalls")) {
        options.look_at_syscalls = true;
        options.syscalls = read_syscalls_options(argc - 1, argv + 1);
        return options;
    }
    memset(options.wanted, true, sizeof(options.wanted));
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (letter == 'b')
            options.budget_ms = whole_number("--budget-ms", optarg, 1, MOST_BUDGET_MS);
        else if (letter == 'w')
            options.warp_budget_ms = whole_number("--warp-budget-ms", optarg, 0, MOST_WARP_BUDGET_MS);
        else if (letter == 'c')
            choose_clocks(&options, optarg);
        else if (letter == 'p') {
            if (!cpus_restrict(optarg))
                die(2, "--cpus wants a list like 0-3,6 of CPUs that this process may use, not", optarg);
        } else
            die(2, "usage: clockprobe [--budget-ms N] [--clocks NAME,…] [--warp-budget-ms N] [--cpus LIST]", NULL);
    }
    if (optind != argc)
        die(2, "unknown argument", argv[optind]);
    return options;
}
