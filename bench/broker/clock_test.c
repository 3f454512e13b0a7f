/*
 * clock_test.c - what the hooks for time cost a program whose test has no clock; run by bench/parts/broker.sh.
 */

#include <dlfcn.h>
#include <seam/clock.h>
#include <time.h>

#include "figure.h"
#include "typical.h"

typedef int clock_fn(clockid_t clock, struct timespec *ret);

static double call_ns(clock_fn *fn, int count)
{
    struct timespec now;
    double begin = now_us();

    for (int i = 0; i < count; i++)
        fn(CLOCK_MONOTONIC, &now);
    return (now_us() - begin) * 1000 / count;
}

/* Beside libc's own, in turn. */
SEAM_TEST(clock_gettime_without_a_clock)
{
    enum { TURNS = 41 };
    int count = count_of(10000);
    double ns[TURNS];
    clock_fn *libc_clock_gettime;

    *(void **)&libc_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    seam_require(t, libc_clock_gettime && libc_clock_gettime != clock_gettime);
    for (int i = 0; i < TURNS; i++)
        ns[i] = call_ns(clock_gettime, count) - call_ns(libc_clock_gettime, count);
    figure(t, "clock-gettime", median(ns, TURNS));
}
