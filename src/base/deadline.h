/* base/deadline.h - points in time on the monotonic clock, in nanoseconds; 0 means never. */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdint.h>

uint64_t now_ns(void);

/* `ms` from now; never when ms is 0 or less. */
uint64_t deadline_after_ms(int64_t ms);

/* The earlier of two; never is later than any. */
uint64_t deadline_first(uint64_t a_ns, uint64_t b_ns);

/* What poll() takes: -1 for never, else the milliseconds left, rounded up, at least 0. */
int deadline_poll_ms(uint64_t deadline_ns);

#endif
