/*
 * link/time_real_static.c - what is behind the hooks for time in a static program: the kernel, and names that libc
 * has besides for the functions that are its own.
 */

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "link/time_real.h"

enum { MILLI_NS = 1000000, SECOND_NS = 1000000000, SIGNALS = 8 };

static int static_clock_gettime(clockid_t clock, struct timespec *ret)
{
    return (int)syscall(SYS_clock_gettime, clock, ret);
}

static int static_gettimeofday(struct timeval *ret, void *zone)
{
    return (int)syscall(SYS_gettimeofday, ret, zone);
}

static time_t static_time(time_t *ret)
{
    struct timespec now;

    static_clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

static int static_timespec_get(struct timespec *ret, int base)
{
    return base == TIME_UTC && static_clock_gettime(CLOCK_REALTIME, ret) == 0 ? base : 0;
}

static int static_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                                  struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, time, left) < 0 ? errno : 0;
}

static int static_nanosleep(const struct timespec *time, struct timespec *left)
{
    return (int)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, time, left);
}

static int static_usleep(useconds_t us)
{
    struct timespec time = { .tv_sec = us / 1000000, .tv_nsec = (long)us % 1000000 * 1000 };

    return static_nanosleep(&time, NULL);
}

static unsigned static_sleep(unsigned seconds)
{
    struct timespec time = { .tv_sec = seconds };

    return static_nanosleep(&time, &time) < 0 ? (unsigned)time.tv_sec : 0;
}

static int static_thrd_sleep(const struct timespec *time, struct timespec *left)
{
    return static_nanosleep(time, left) == 0 ? 0 : errno == EINTR ? -1 : -2;
}

/* ---- polls */

static int static_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                        const sigset_t *mask)
{
    struct timespec left = limit ? *limit : (struct timespec){ 0 }; /* the kernel writes it */

    return (int)syscall(SYS_ppoll, fds, count, limit ? &left : NULL, mask, SIGNALS);
}

static int static_poll(struct pollfd *fds, nfds_t count, int ms)
{
    struct timespec limit = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * MILLI_NS };

    return static_ppoll(fds, count, ms < 0 ? NULL : &limit, NULL);
}

static int static_poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
    (void)size;
    return static_poll(fds, count, ms);
}

static int static_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                            const sigset_t *mask, size_t size)
{
    (void)size;
    return static_ppoll(fds, count, limit, mask);
}

static int static_pselect(int count, fd_set *in, fd_set *out, fd_set *error,
                          const struct timespec *limit, const sigset_t *mask)
{
    struct timespec left = limit ? *limit : (struct timespec){ 0 };
    struct {
        const sigset_t *mask;
        size_t size;
    } signals = { mask, SIGNALS };

    return (int)syscall(SYS_pselect6, count, in, out, error, limit ? &left : NULL, &signals);
}

static int static_select(int count, fd_set *in, fd_set *out, fd_set *error,
                         struct timeval *limit)
{
    struct timespec time = { 0 };

    if (limit)
        time = (struct timespec){ .tv_sec = limit->tv_sec, .tv_nsec = limit->tv_usec * 1000 };
    return static_pselect(count, in, out, error, limit ? &time : NULL, NULL);
}

static int static_epoll_pwait(int epoll, struct epoll_event *events, int count, int ms,
                              const sigset_t *mask)
{
    return (int)syscall(SYS_epoll_pwait, epoll, events, count, ms, mask, SIGNALS);
}

static int static_epoll_wait(int epoll, struct epoll_event *events, int count, int ms)
{
    return static_epoll_pwait(epoll, events, count, ms, NULL);
}

static int static_epoll_pwait2(int epoll, struct epoll_event *events, int count,
                               const struct timespec *limit, const sigset_t *mask)
{
    return (int)syscall(SYS_epoll_pwait2, epoll, events, count, limit, mask, SIGNALS);
}

/* ---- timers */

static int static_timerfd_create(int clock, int flags)
{
    return (int)syscall(SYS_timerfd_create, clock, flags);
}

static int static_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                                  struct itimerspec *old)
{
    return (int)syscall(SYS_timerfd_settime, fd, flags, value, old);
}

static int static_timerfd_gettime(int fd, struct itimerspec *ret)
{
    return (int)syscall(SYS_timerfd_gettime, fd, ret);
}

static int static_setitimer(int which, const struct itimerval *value, struct itimerval *old)
{
    return (int)syscall(SYS_setitimer, which, value, old);
}

static int static_getitimer(int which, struct itimerval *ret)
{
    return (int)syscall(SYS_getitimer, which, ret);
}

static unsigned static_alarm(unsigned seconds)
{
    struct itimerval value = { .it_value.tv_sec = seconds }, old = { 0 };

    static_setitimer(ITIMER_REAL, &value, &old);
    return (unsigned)old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}

/* ---- locks */

extern int __pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *,
                                    const struct timespec *) __attribute__((weak));
extern int __pthread_cond_clockwait(pthread_cond_t *, pthread_mutex_t *, clockid_t,
                                    const struct timespec *) __attribute__((weak));
extern int __pthread_mutex_timedlock(pthread_mutex_t *, const struct timespec *)
    __attribute__((weak));

static bool has_passed(clockid_t clock, const struct timespec *until)
{
    struct timespec now;

    static_clock_gettime(clock, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

static int static_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    const struct timespec pause = { .tv_nsec = MILLI_NS };

    while (sem_trywait(semaphore) < 0) {
        if (errno != EAGAIN)
            return -1;
        if (has_passed(clock, until)) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (static_nanosleep(&pause, NULL) < 0)
            return -1;
    }
    return 0;
}

static int static_sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    return static_sem_clockwait(semaphore, CLOCK_REALTIME, until);
}

static int static_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *until)
{
    const struct timespec pause = { .tv_nsec = MILLI_NS };
    int r;

    while ((r = pthread_mutex_trylock(mutex)) == EBUSY && !has_passed(clock, until))
        static_nanosleep(&pause, NULL);
    return r == EBUSY ? ETIMEDOUT : r;
}

void link_time_resolve_static(struct link_time_real *real)
{
    *real = (struct link_time_real){ .clock_gettime = static_clock_gettime,
                                     .gettimeofday = static_gettimeofday,
                                     .time = static_time,
                                     .timespec_get = static_timespec_get,
                                     .nanosleep = static_nanosleep,
                                     .clock_nanosleep = static_clock_nanosleep,
                                     .usleep = static_usleep,
                                     .sleep = static_sleep,
                                     .thrd_sleep = static_thrd_sleep,
                                     .poll = static_poll,
                                     .ppoll = static_ppoll,
                                     .__poll_chk = static_poll_chk,
                                     .__ppoll_chk = static_ppoll_chk,
                                     .select = static_select,
                                     .pselect = static_pselect,
                                     .epoll_wait = static_epoll_wait,
                                     .epoll_pwait = static_epoll_pwait,
                                     .epoll_pwait2 = static_epoll_pwait2,
                                     .timerfd_create = static_timerfd_create,
                                     .timerfd_settime = static_timerfd_settime,
                                     .timerfd_gettime = static_timerfd_gettime,
                                     .alarm = static_alarm,
                                     .setitimer = static_setitimer,
                                     .getitimer = static_getitimer,
                                     .pthread_cond_timedwait = __pthread_cond_timedwait,
                                     .pthread_cond_clockwait = __pthread_cond_clockwait,
                                     .pthread_mutex_timedlock = __pthread_mutex_timedlock,
                                     .pthread_mutex_clocklock = static_mutex_clocklock,
                                     .sem_timedwait = static_sem_timedwait,
                                     .sem_clockwait = static_sem_clockwait };
}
