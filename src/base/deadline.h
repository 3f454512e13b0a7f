/*
 * base/deadline.h - points in time on the monotonic clock, in nanoseconds, 0 means never; and the machine's own
 * functions for time.
 *
 * A test may set the time that the program under test goes by (seam/clock.h): libc's functions then answer with
 * that, in the test's process too. What Seam itself waits for and measures goes by `machine`.
 */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

struct machine {
    int (*clock_gettime)(clockid_t clock, struct timespec *ret);
    int (*poll)(struct pollfd *fds, nfds_t count, int ms);
    int (*epoll_wait)(int epoll, struct epoll_event *events, int count, int ms);
    int (*cond_timedwait)(pthread_cond_t *cond, pthread_mutex_t *mutex,
                          const struct timespec *until);
    int (*cond_clockwait)(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                          const struct timespec *until);
};

/* libc's, until who hooks those (link/time_real.c) has put what is behind its hooks here, before main. */
extern struct machine machine;

/* What this thread asks of libc meanwhile is answered by the machine: for libraries that work for Seam. */
extern _Thread_local int machine_depth;

uint64_t now_ns(void);

/* `ms` from now; never when ms is 0 or less. */
uint64_t deadline_after_ms(int64_t ms);

/* The earlier of two; never is later than any. */
uint64_t deadline_first(uint64_t a_ns, uint64_t b_ns);

/* What poll() takes: -1 for never, else the milliseconds left, rounded up, at least 0. */
int deadline_poll_ms(uint64_t deadline_ns);

#endif
