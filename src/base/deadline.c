/* base/deadline.c - points in time; see deadline.h. */

#include "base/deadline.h"

#include <limits.h>

struct machine machine = { .clock_gettime = clock_gettime,
                           .poll = poll,
                           .epoll_wait = epoll_wait,
                           .cond_timedwait = pthread_cond_timedwait,
                           .cond_clockwait = pthread_cond_clockwait };

_Thread_local int machine_depth;

uint64_t now_ns(void)
{
    struct timespec now;

    machine.clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t deadline_after_ms(int64_t ms)
{
    return ms > 0 ? now_ns() + (uint64_t)ms * 1000000u : 0;
}

uint64_t deadline_first(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

int deadline_poll_ms(uint64_t deadline_ns)
{
    uint64_t now, ms;

    if (deadline_ns == 0)
        return -1;
    now = now_ns();
    if (now >= deadline_ns)
        return 0;
    ms = (deadline_ns - now + 999999u) / 1000000u;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
