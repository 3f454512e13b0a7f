/*
 * seam/clock.h - time that moves only when the test says so.
 *
 *     SEAM_TEST(session_expires)
 *     {
 *         seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
 *
 *         session_open(&session);
 *         seam_clock_advance(clock, 30 * 60 * 1000);
 *         seam_check(t, session_is_over(&session));
 *     }
 *
 * TIME STANDS STILL until seam_clock_advance or seam_clock_set moves it, for all that goes by it: the functions below,
 * to put behind the application's own clock; and, for code that has none, the C library's own: time, gettimeofday,
 * clock_gettime, timespec_get, nanosleep, clock_nanosleep, usleep, sleep, thrd_sleep, the time-outs of poll, ppoll,
 * select, pselect, epoll_wait, epoll_pwait and epoll_pwait2, timerfd, alarm, setitimer, pthread_cond_timedwait,
 * pthread_cond_clockwait, pthread_mutex_timedlock and sem_timedwait, in the test program and in programs started by
 * seam_spawn, before or after the clock. A sleeper wakes when the clock has moved past its time; a descriptor that
 * becomes ready wakes a poll as always. With .port_only the C library is left alone.
 *
 * Moved over the time of several sleepers, the clock stops at each: it wakes up, finds its own time, and the clock
 * goes on when it waits again, for the clock or for anything else.
 *
 * A test in which every thread waits for a clock that stands still does not hang until its time-out: it fails with
 * the names of the waits. Who waits is named, too, when the test fails for another reason, or its time runs out.
 * Time-outs of tests, and all that Seam itself waits for, go by the machine's time. Doubles with TLS go on working
 * under any clock.
 *
 * Ownership: a clock belongs to the (sub)test that started it; at its end sleepers wake up, and the machine's time is
 * back. One clock at a time in a test.
 *
 * Threads: seam_clock_now_* and seam_clock_sleep from any; the others from the (sub)test's own.
 */
#ifndef SEAM_CLOCK_H
#define SEAM_CLOCK_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_clock seam_clock;

typedef struct seam_clock_options {
    const char *at SEAM_0; /* RFC 3339, 1970 to 2261; NULL: 2001-09-09T01:46:40Z, which is 1000000000 */
    bool        port_only SEAM_0; /* only the functions below go by it */
    bool        sleepers_advance SEAM_0; /* a sleep moves the clock by itself, at once, and returns */
    seam_site   site SEAM_0; /* set for you */
} seam_clock_options;

#define seam_clock_start(...) seam_clock_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_clock_start_(t, ...) seam_clock_start_at((t), SEAM_NEW(seam_clock_options, __VA_ARGS__))
seam_clock *seam_clock_start_at(seam_t *t, SEAM_REF(seam_clock_options) options);

/* For the application's port; `clock` is a seam_clock. */
int64_t seam_clock_now_ms(void *clock); /* since 1970, UTC */
int64_t seam_clock_now_ns(void *clock);
int seam_clock_sleep(void *clock, int64_t ms); /* 0; returns when the clock has moved so far */

/* Move it, and return when all that sleep until then have woken up; the test ends with the names of those that have
 * not in two seconds. Going back is for wall time only: sleepers and CLOCK_MONOTONIC never do. */
#define seam_clock_advance(clock, ms) seam_clock_advance_at((clock), SEAM_HERE, (ms))
void seam_clock_advance_at(seam_clock *clock, seam_site at, int64_t ms); /* ms >= 0 */
#define seam_clock_set(clock, when) seam_clock_set_at((clock), SEAM_HERE, (when))
void seam_clock_set_at(seam_clock *clock, seam_site at, const char *when); /* RFC 3339 */

/* Wait, in real time, until so many threads or programs sleep on the clock: then it may be advanced without a race.
 * Fails the test when they do not come in time. */
#define seam_clock_wait_for_sleepers(clock, count, within_ms) \
    seam_clock_wait_for_sleepers_at((clock), SEAM_HERE, (count), (within_ms))
void seam_clock_wait_for_sleepers_at(seam_clock *clock, seam_site at, int count, int within_ms);

int     seam_clock_sleepers(seam_clock *clock); /* that wait now; a timer is one */
int64_t seam_clock_slept_ms(seam_clock *clock); /* the sum of all sleeps that were asked for */

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
