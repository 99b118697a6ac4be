/* Copyright (c) 2026, the cloudclock.linux contributors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As arch/x86/kernel/tsc_sync.c (check_tsc_warp) does for a CPU that comes up, for every pair: two CPUs read the counter
   in turns under a lock, and each looks whether the other's last reading is ahead of its own. */
#define _GNU_SOURCE
#include "warp.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counter.h"
#include "cpus.h"
#include "json.h"
#include "measure.h"
#include "pairs.h"

/* The kernel's check takes 2 ms on a CPU whose TSC_ADJUST it could read and 20 ms elsewhere (loop_timeout). */
#define SHORTEST_NS 1000000u
#define LONGEST_NS 20000000u
/* Fewer turns than this say nothing about a pair. */
#define LEAST_TURNS 100
/* How long a turn may last beyond the budget, on a machine that is busy with other work. */
#define GRACE_NS 100000000u
/* Waiting this often in vain, the other one has no CPU: let it have ours. */
#define PATIENCE 4096

enum side { PARENT, CHILD };

struct shared {
    /* Whose turn it is; the fields below it belong to that side. */
    _Alignas(64) atomic_uint turn;
    uint64_t last, worst, turns, quickest;
    /* The parent's orders: which CPU, in which round. The child answers with the round. */
    _Alignas(64) atomic_uint round, answered, ended;
    atomic_int cpu;
    atomic_bool pinned;
};

struct test {
    struct shared *shared;
    pid_t child;
    const int *cpus;
    uint64_t deadline, length;
    bool *covered;
    unsigned round;
    uint64_t tested, turns, worst;
    /* The quickest hand-over of the slowest pair: a smaller step back is hidden by it. */
    uint64_t blur;
    int worst_a, worst_b;
    const char *reason;
};

static void take_turn(struct shared *shared, enum side other)
{
    uint64_t before = shared->last;
    uint64_t ticks = read_ordered();

    shared->last = ticks;
    if (ticks < before && before - ticks > shared->worst)
        shared->worst = before - ticks;
    if (before && ticks >= before && ticks - before < shared->quickest)
        shared->quickest = ticks - before;
    shared->turns++;
    atomic_store_explicit(&shared->turn, other, memory_order_release);
}

static void wait_a_little(unsigned *waited)
{
    relax();
    if (++*waited % PATIENCE == 0)
        sched_yield();
}

/* It spins: not for ever where the parent was stopped. */
static void wait_until(unsigned *waited, uint64_t limit)
{
    wait_a_little(waited);
    if (*waited % PATIENCE == 0 && now() > limit)
        _exit(1);
}

_Noreturn static void be_child(struct shared *shared, uint64_t limit)
{
    unsigned round = 0, waited = 0;

    for (;;) {
        while (atomic_load(&shared->round) == round)
            wait_until(&waited, limit);
        round++;
        int cpu = atomic_load(&shared->cpu);
        atomic_store(&shared->pinned, cpus_pin(cpu));
        atomic_store(&shared->answered, round);
        while (atomic_load_explicit(&shared->ended, memory_order_acquire) != round)
            if (atomic_load_explicit(&shared->turn, memory_order_acquire) == CHILD)
                take_turn(shared, PARENT);
            else
                wait_until(&waited, limit);
    }
}

static bool child_is_gone(struct test *test)
{
    if (waitpid(test->child, NULL, WNOHANG) == 0)
        return false;
    test->child = 0;
    test->reason = "the second process of the test ended";
    return true;
}

/* Tells the child where to go and waits until it is there. */
static bool send_child(struct test *test, int cpu)
{
    struct shared *shared = test->shared;
    unsigned waited = 0;

    atomic_store(&shared->cpu, cpu);
    atomic_store(&shared->turn, PARENT);
    atomic_store(&shared->round, ++test->round);
    while (atomic_load(&shared->answered) != test->round) {
        wait_a_little(&waited);
        if (waited % PATIENCE == 0 && (now() > test->deadline || child_is_gone(test)))
            return false;
    }
    return atomic_load(&shared->pinned);
}

static bool exchange(struct test *test)
{
    struct shared *shared = test->shared;
    uint64_t start = now(), end = start + test->length;
    /* One whose CPU is taken by other work must not have the time of all the others. */
    uint64_t last = start < test->deadline ? start + (test->deadline - start) / 2 : start;
    unsigned waited = 0;

    /* Take turns until the time is over, or, on a busy machine, until there were enough of them. It ends in our turn:
       the other side may be in the middle of its own. */
    for (;;) {
        if (atomic_load_explicit(&shared->turn, memory_order_acquire) != PARENT) {
            wait_a_little(&waited);
            if (waited % PATIENCE == 0 && (now() > test->deadline + GRACE_NS || child_is_gone(test))) {
                test->reason = test->reason ? test->reason : "the second process of the test got no CPU";
                return false;
            }
            continue;
        }
        if (shared->turns % 64 == 0) {
            uint64_t time = now();
            if (time > end && (time > last || shared->turns >= LEAST_TURNS))
                return true;
        }
        take_turn(shared, CHILD);
    }
}

static bool test_pair(size_t a, size_t b, void *context)
{
    struct test *test = context;
    struct shared *shared = test->shared;

    if (now() >= test->deadline)
        return false;
    if (!cpus_pin(test->cpus[a]) || !send_child(test, test->cpus[b])) {
        atomic_store(&shared->ended, test->round);
        /* A CPU may go offline, or leave the cpuset, meanwhile. */
        return !test->reason && now() < test->deadline;
    }
    shared->last = shared->worst = shared->turns = 0;
    shared->quickest = UINT64_MAX;
    bool whole = exchange(test);
    atomic_store_explicit(&shared->ended, test->round, memory_order_release);
    /* A step back counts also where the other side did not come back from it. */
    if (shared->worst > test->worst) {
        test->worst = shared->worst;
        test->worst_a = test->cpus[a];
        test->worst_b = test->cpus[b];
    }
    test->turns += shared->turns;
    if (whole && shared->turns >= LEAST_TURNS) {
        test->tested++;
        if (shared->quickest > test->blur)
            test->blur = shared->quickest;
        test->covered[a] = test->covered[b] = true;
    }
    return whole;
}

static void run(struct test *test, const int *package, size_t count)
{
    test->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (test->shared == MAP_FAILED) {
        test->reason = "no shared memory";
        return;
    }
    pid_t parent = getpid();
    test->child = fork();
    if (test->child < 0) {
        test->reason = "no second process";
        return;
    }
    if (test->child == 0) {
        /* It must not outlive its parent. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        be_child(test->shared, test->deadline + 2 * GRACE_NS);
    }
    pairs_in_order(package, count, test_pair, test);
    if (test->child > 0) {
        kill(test->child, SIGKILL);
        waitpid(test->child, NULL, 0);
    }
}

static void print(const char *key, const struct test *test, size_t count, uint64_t budget_ms, uint64_t took)
{
    size_t covered = 0;

    for (size_t i = 0; i < count; i++)
        covered += test->covered[i];
    json_open(key, '{');
    json_number("budget_ms", budget_ms);
    json_milli("elapsed_ms", took);
    json_number("pairs_tested", test->tested);
    json_number("pairs_total", (uint64_t)count * (count - (count > 0)) / 2);
    json_number("exchanges", test->turns);
    json_number("worst_cycles", test->worst);
    if (test->tested && !test->worst)
        json_number("blur_cycles", test->blur);
    else
        json_null("blur_cycles");
    if (test->worst) {
        json_open("worst_pair", '[');
        json_number(NULL, (uint64_t)test->worst_a);
        json_number(NULL, (uint64_t)test->worst_b);
        json_close(']');
    } else {
        json_null("worst_pair");
    }
    json_open("cpus", '[');
    for (size_t i = 0; i < count; i++)
        json_number(NULL, (uint64_t)test->cpus[i]);
    json_close(']');
    json_number("covered", covered);
    json_string("reason", test->reason);
    json_close('}');
}

void warp_print(const char *key, uint64_t budget_ms)
{
    static int cpus[MOST_CPUS], package[MOST_CPUS];
    static bool covered[MOST_CPUS];
    uint64_t start = now();
    size_t count = cpus_allowed(cpus);
    struct test test = {.cpus = cpus, .covered = covered, .deadline = start + budget_ms * 1000000};

    if (count == 0)
        test.reason = "the allowed CPUs cannot be read";
    if (count > 1) {
        uint64_t pairs = (uint64_t)count * (count - 1) / 2;
        /* A quarter is for going from CPU to CPU. */
        test.length = budget_ms * 750000 / pairs;
        test.length = test.length < SHORTEST_NS ? SHORTEST_NS : test.length > LONGEST_NS ? LONGEST_NS : test.length;
        for (size_t i = 0; i < count; i++)
            package[i] = cpus_package(cpus[i]);
        run(&test, package, count);
    }
    print(key, &test, count, budget_ms, now() - start);
}
