/*
 * link/time_wait.h - waiting for the time of the page (page.h), which moves only when a test says so.
 *
 * Whoever waits takes a sleeper of the page, and where it can wait for something else too, a descriptor of its own,
 * its bell. When the time has moved, each process rings the bells of its own that are due: the test's process when
 * it has moved the time, another one from a thread that sleeps until then. The bell is rung until its sleeper has
 * gone, so that none is missed.
 *
 * Threads: any. Signal handlers too: signals are blocked while the lock is held.
 */
#ifndef LINK_TIME_WAIT_H
#define LINK_TIME_WAIT_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/deadline.h"
#include "link/page.h"

#define TIME_SECOND INT64_C(1000000000)
#define TIME_MILLI INT64_C(1000000)

/* Whether libc's functions go by the page, for this thread: one load where no test has a clock. */
static inline bool time_is_ours(void)
{
    return __builtin_expect(atomic_load_explicit(&page_now()->runs, memory_order_relaxed) != 0,
                            0) &&
           machine_depth == 0;
}

/* Points and spans of time that do not fit are cut. */
int64_t time_ns(const struct timespec *time);
struct timespec time_spec(int64_t ns);
int64_t time_after(int64_t span_ns); /* on the page's monotonic time */

/* The page's time by that clock; false: not one that it has. */
bool time_by_clock(clockid_t clock, int64_t *ret_ns);

/* A point on that clock, as one on the monotonic time. */
int64_t time_until(clockid_t clock, const struct timespec *at);

/* Wait until a descriptor is ready (ppoll's result) or the time has come: 0. Below 0 with errno. */
struct time_wait {
    const char *function; /* the one that was called */
    enum page_kind kind;
    int64_t until_ns;
    const sigset_t *mask; /* as ppoll has it; NULL: none */
};
int time_poll(struct pollfd *fds, nfds_t count, const struct time_wait *wait);

/* Wait for the span and nothing else: 0, or -1 with EINTR and what is left. */
int time_sleep(const char *function, int64_t until_ns, int64_t *ret_left_ns);

/* A function that looks each millisecond of the machine's whether it can go on: where nothing wakes it.
 * `attempt` returns EAGAIN for not yet; else its result is returned, or ETIMEDOUT. */
int time_attempt(const char *function, int64_t until_ns, int (*attempt)(void *arg), void *arg);

/* As pthread_cond_timedwait. */
int time_wait_condition(const char *function, pthread_cond_t *condition, pthread_mutex_t *mutex,
                        int64_t until_ns);

/* ---- for timers, which nobody waits in; all of these with the lock */

void time_lock(sigset_t *ret_before);
void time_unlock(const sigset_t *before);

/* A sleeper for as long as the timer runs; below 0: none is free. `due` is called when the time has come, by
 * whoever rings, and returns when it is due next; 0: never, and the sleeper has gone. */
typedef int64_t time_due_fn(int sleeper);
int time_timer_begin(const char *function, enum page_kind kind, int64_t until_ns,
                     time_due_fn *due);
void time_timer_end(int sleeper);
int64_t time_timer_until(int sleeper);

/* ---- for whoever moves the time */

/* Move it to that point, at least, and wake up who waits for it. Does not wait until they have. */
void time_move(int64_t to_ns);

/* Ring all bells of this process that are due; how many were. */
int time_ring(void);

/* Something has changed that others than this process should look at. */
void time_tell(void);

/* Wait, in the machine's time, until somebody tells, or so long. */
void time_await_turn(uint32_t turn, int64_t at_most_ns);

/* Moves a descriptor of ours out of the program's way; NULL: it stays where it is. See link_private_fd. */
extern int (*time_private_fd)(int fd);
extern void (*time_private_close)(int fd);

#endif
