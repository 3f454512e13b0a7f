/* base/deadline.c - points in time; see deadline.h. */

#include "base/deadline.h"

#include <limits.h>
#include <time.h>

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
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
