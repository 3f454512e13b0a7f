/*
 * link/time_real.h - the functions behind the hooks for time and randomness, as real.h has them for the others.
 * Apart from those, so that a program without a clock does not carry them.
 *
 * Threads: any. Resolved before main, or by the first hook that is called earlier.
 */
#ifndef LINK_TIME_REAL_H
#define LINK_TIME_REAL_H

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* X(type of the result, name, parameters) */
#define LINK_TIME_HOOKS(X)                                                                     \
    X(int, clock_gettime, (clockid_t, struct timespec *))                                      \
    X(int, gettimeofday, (struct timeval *, void *))                                           \
    X(time_t, time, (time_t *))                                                                \
    X(int, timespec_get, (struct timespec *, int))                                             \
    X(int, nanosleep, (const struct timespec *, struct timespec *))                            \
    X(int, clock_nanosleep, (clockid_t, int, const struct timespec *, struct timespec *))      \
    X(int, usleep, (useconds_t))                                                               \
    X(unsigned, sleep, (unsigned))                                                             \
    X(int, thrd_sleep, (const struct timespec *, struct timespec *))                           \
    X(int, poll, (struct pollfd *, nfds_t, int))                                               \
    X(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))        \
    X(int, __poll_chk, (struct pollfd *, nfds_t, int, size_t))                                 \
    X(int, __ppoll_chk,                                                                        \
      (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t))            \
    X(int, select, (int, fd_set *, fd_set *, fd_set *, struct timeval *))                      \
    X(int, pselect,                                                                            \
      (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *))          \
    X(int, epoll_wait, (int, struct epoll_event *, int, int))                                  \
    X(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))               \
    X(int, epoll_pwait2,                                                                       \
      (int, struct epoll_event *, int, const struct timespec *, const sigset_t *))             \
    X(int, timerfd_create, (int, int))                                                         \
    X(int, timerfd_settime, (int, int, const struct itimerspec *, struct itimerspec *))        \
    X(int, timerfd_gettime, (int, struct itimerspec *))                                        \
    X(unsigned, alarm, (unsigned))                                                             \
    X(int, setitimer, (int, const struct itimerval *, struct itimerval *))                     \
    X(int, getitimer, (int, struct itimerval *))                                               \
    X(int, pthread_cond_timedwait,                                                             \
      (pthread_cond_t *, pthread_mutex_t *, const struct timespec *))                          \
    X(int, pthread_cond_clockwait,                                                             \
      (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))               \
    X(int, pthread_mutex_timedlock, (pthread_mutex_t *, const struct timespec *))              \
    X(int, pthread_mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *))   \
    X(int, sem_timedwait, (sem_t *, const struct timespec *))                                  \
    X(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *))

struct link_time_real {
#define LINK_TIME_FIELD(type, name, parameters) type(*name) parameters;
    LINK_TIME_HOOKS(LINK_TIME_FIELD)
#undef LINK_TIME_FIELD
};

extern struct link_time_real link_time_real_table; /* all NULL until resolved */
void link_time_real_resolve(void);
void link_time_resolve_static(struct link_time_real *real);

static inline const struct link_time_real *link_time_real(void)
{
    if (__builtin_expect(!link_time_real_table.clock_gettime, 0))
        link_time_real_resolve();
    return &link_time_real_table;
}

#endif
