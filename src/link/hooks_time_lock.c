/* link/hooks_time_lock.c - the functions of libc that wait for a condition or a lock and, at most, for some time. */

#include <errno.h>

#include "link/hooks.h"
#include "link/time_real.h"
#include "link/time_wait.h"

#define HOOK __attribute__((visibility("default")))

const char link_hooks_time_lock_anchor = 1;

/* What pthread_condattr_setclock said: libc keeps it there since 2.25, and has no function that tells. */
static clockid_t clock_of(const pthread_cond_t *condition)
{
    enum { IS_MONOTONIC = 2 };

    return condition->__data.__wrefs & IS_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

static bool is_point(const struct timespec *at)
{
    return at->tv_nsec >= 0 && at->tv_nsec < TIME_SECOND;
}

HOOK int pthread_cond_timedwait(pthread_cond_t *restrict condition,
                                pthread_mutex_t *restrict mutex,
                                const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until))
        return link_time_real()->pthread_cond_timedwait(condition, mutex, until);
    return time_wait_condition("pthread_cond_timedwait", condition, mutex,
                               time_until(clock_of(condition), until));
}

HOOK int pthread_cond_clockwait(pthread_cond_t *restrict condition,
                                pthread_mutex_t *restrict mutex, clockid_t clock,
                                const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return link_time_real()->pthread_cond_clockwait(condition, mutex, clock, until);
    return time_wait_condition("pthread_cond_clockwait", condition, mutex,
                               time_until(clock, until));
}

/* ---- locks and semaphores, which cannot be woken for nothing ----------------------------- */

static int try_mutex(void *mutex)
{
    int r = pthread_mutex_trylock(mutex);

    return r == EBUSY ? EAGAIN : r;
}

HOOK int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                                 const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until))
        return link_time_real()->pthread_mutex_timedlock(mutex, until);
    return time_attempt("pthread_mutex_timedlock", time_until(CLOCK_REALTIME, until), try_mutex,
                        mutex);
}

HOOK int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                                 const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until))
        return link_time_real()->pthread_mutex_clocklock(mutex, clock, until);
    return time_attempt("pthread_mutex_clocklock", time_until(clock, until), try_mutex, mutex);
}

static int try_semaphore(void *semaphore)
{
    return sem_trywait(semaphore) == 0 ? 0 : errno;
}

static int wait_semaphore(const char *function, sem_t *semaphore, clockid_t clock,
                          const struct timespec *until)
{
    int saved = errno;
    int r = time_attempt(function, time_until(clock, until), try_semaphore, semaphore);

    errno = r ? r : saved;
    return r ? -1 : 0;
}

HOOK int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until))
        return link_time_real()->sem_timedwait(semaphore, until);
    return wait_semaphore("sem_timedwait", semaphore, CLOCK_REALTIME, until);
}

HOOK int sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
                       const struct timespec *restrict until)
{
    if (!time_is_ours() || !is_point(until))
        return link_time_real()->sem_clockwait(semaphore, clock, until);
    return wait_semaphore("sem_clockwait", semaphore, clock, until);
}
