/*
 * link/hooks_time.c - the functions of libc that tell the time, or wait for it and for nothing else. Where no test
 * has a clock each is what is behind it, for one load.
 */

#include <errno.h>
#include <limits.h>
#include <threads.h>

#include "link/hooks.h"
#include "link/time_real.h"
#include "link/time_wait.h"

#define HOOK __attribute__((visibility("default")))

/* Whoever refers to it has all of them. */
const char *const link_hooks_time_anchor[] = { &link_hooks_time_lock_anchor,
                                               &link_hooks_time_poll_anchor,
                                               &link_hooks_time_timer_anchor };

/* ---- telling the time -------------------------------------------------------------------- */

HOOK int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int64_t now;

    if (!time_is_ours() || !time_by_clock(clock, &now))
        return link_time_real()->clock_gettime(clock, ret);
    *ret = time_spec(now);
    return 0;
}

HOOK int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    if (!time_is_ours())
        return link_time_real()->gettimeofday(ret, zone);
    if (zone)
        *(struct timezone *)zone = (struct timezone){ 0 };
    now = time_spec(atomic_load(&page_now()->wall_ns));
    *ret = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
    return 0;
}

HOOK time_t time(time_t *ret)
{
    time_t now;

    if (!time_is_ours())
        return link_time_real()->time(ret);
    now = time_spec(atomic_load(&page_now()->wall_ns)).tv_sec;
    if (ret)
        *ret = now;
    return now;
}

HOOK int timespec_get(struct timespec *ret, int base)
{
    if (!time_is_ours() || base != TIME_UTC)
        return link_time_real()->timespec_get(ret, base);
    *ret = time_spec(atomic_load(&page_now()->wall_ns));
    return base;
}

/* ---- sleeping ---------------------------------------------------------------------------- */

static bool is_span(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < TIME_SECOND;
}

/* 0 or -1 with errno. */
static int sleep_for(const char *function, const struct timespec *span, struct timespec *left)
{
    int64_t left_ns = 0;
    int r;

    if (!is_span(span)) {
        errno = EINVAL;
        return -1;
    }
    r = time_sleep(function, time_after(time_ns(span)), &left_ns);
    if (r < 0 && left)
        *left = time_spec(left_ns);
    return r;
}

HOOK int nanosleep(const struct timespec *span, struct timespec *left)
{
    if (!time_is_ours())
        return link_time_real()->nanosleep(span, left);
    return sleep_for("nanosleep", span, left);
}

HOOK int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                         struct timespec *left)
{
    int64_t now;

    if (!time_is_ours() || !time_by_clock(clock, &now) || !is_span(time))
        return link_time_real()->clock_nanosleep(clock, flags, time, left);
    if (flags & TIMER_ABSTIME)
        return time_sleep("clock_nanosleep", time_until(clock, time), NULL) < 0 ? errno : 0;
    return sleep_for("clock_nanosleep", time, left) < 0 ? errno : 0;
}

HOOK int usleep(useconds_t us)
{
    const struct timespec span = { .tv_sec = us / 1000000,
                                   .tv_nsec = (long)(us % 1000000) * 1000 };

    if (!time_is_ours())
        return link_time_real()->usleep(us);
    return sleep_for("usleep", &span, NULL);
}

HOOK unsigned sleep(unsigned seconds)
{
    struct timespec span = { .tv_sec = seconds }, left = { 0 };
    int saved = errno;

    if (!time_is_ours())
        return link_time_real()->sleep(seconds);
    if (sleep_for("sleep", &span, &left) < 0) {
        errno = saved;
        return (unsigned)left.tv_sec + (left.tv_nsec > 0);
    }
    return 0;
}

HOOK int thrd_sleep(const struct timespec *span, struct timespec *left)
{
    if (!time_is_ours())
        return link_time_real()->thrd_sleep(span, left);
    if (sleep_for("thrd_sleep", span, left) == 0)
        return 0;
    return errno == EINTR ? -1 : -2;
}

/* ---- for the self-check ------------------------------------------------------------------ */

/* The others are in hooks_time_*.c. */
#define HOOKED(type, name, parameters) { #name, (void *)(uintptr_t)name },
#define DECLARE(type, name, parameters) extern type name parameters;
DECLARE(int, __poll_chk, (struct pollfd *, nfds_t, int, size_t))
DECLARE(int, __ppoll_chk,
        (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t))
const struct link_hook link_hooks_time[] = { LINK_TIME_HOOKS(HOOKED){ NULL, NULL } };
