/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the time in one way, so many times a second (0: as often as it can) for so many seconds;
   prints how often it did, in how many seconds, and in how many of CPU time; at SIGUSR1 how often it did so far.
   payer raw|turns|day|time|vdso|cpu|signals|many RATE SECONDS [SECCOMP] */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

static void ask(int number)
{
    asked = number;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void call(const char *way, long number)
{
    struct timespec libc;
    long answer[32];

    if (!strcmp(way, "raw"))
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, answer);
    else if (!strcmp(way, "turns"))
        syscall(SYS_clock_gettime, number % 2, answer);
#ifdef SYS_gettimeofday
    else if (!strcmp(way, "day"))
        syscall(SYS_gettimeofday, answer, NULL);
#endif
#ifdef SYS_time
    else if (!strcmp(way, "time"))
        syscall(SYS_time, NULL);
#endif
    else if (!strcmp(way, "cpu"))
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &libc);
    else if (!strcmp(way, "vdso"))
        clock_gettime(CLOCK_MONOTONIC, &libc);
    else if (!strcmp(way, "signals"))
        syscall(SYS_rt_sigaction, SIGUSR1, NULL, answer, 8L);
    else
        exit(2);
}

/* Each of that many processes calls once and waits for the others. */
static void many(long count, double seconds)
{
    for (long i = 0; i < count; i++)
        if (!fork()) {
            call("raw", 0);
            sleep((unsigned)seconds);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

static void be_filtered(void)
{
    struct sock_filter pass[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, pass};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        exit(3);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    long rate = atol(argv[2]), calls = 0;
    double seconds = atof(argv[3]), start = now();

    signal(SIGUSR1, ask);
    if (argc > 4)
        be_filtered();
    if (!strcmp(argv[1], "many")) {
        many(rate, seconds);
        return 0;
    }
    for (double passed; (passed = now() - start) < seconds;) {
        if (asked) {
            asked = 0;
            printf("%ld\n", calls);
            fflush(stdout);
        }
        if (rate && (double)calls >= passed * (double)rate) {
            struct timespec pause = {0, rate < 5000 ? 1000000000 / rate / 2 : 100000};
            nanosleep(&pause, NULL);
            continue;
        }
        for (long i = rate ? 1 + rate / 1000 : 1000; i; i--)
            call(argv[1], calls++);
    }
    printf("%ld %.6f %.6f\n", calls, now() - start, (double)clock() / CLOCKS_PER_SEC);
    return 0;
}
