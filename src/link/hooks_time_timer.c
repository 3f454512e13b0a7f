/*
 * link/hooks_time_timer.c - timerfd, alarm and setitimer.
 *
 * A timerfd stays one, so that everything that waits for it does so as ever; but while a clock runs it is the page's
 * time that it waits for. When that has come the kernel's timer is set to a point that has passed.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "link/hooks.h"
#include "link/time_real.h"
#include "link/time_wait.h"

#define HOOK __attribute__((visibility("default")))

const char link_hooks_time_timer_anchor = 1;

enum { TIMERS = 64, NONE = -1 };

/* One that waits. All of these are guarded by time_lock. */
struct timer {
    bool used;
    int fd;
    int sleeper;
    int64_t every_ns; /* 0: once */
    int64_t unread; /* times that it has come, until the program has read them */
};

static struct timer timers[TIMERS];
static struct timer alarm_clock = { .sleeper = NONE };

static struct timer *find_timer(int fd)
{
    for (int i = 0; i < TIMERS; i++)
        if (timers[i].used && timers[i].fd == fd)
            return &timers[i];
    return NULL;
}

static struct timer *find_sleeper(int sleeper)
{
    for (int i = 0; i < TIMERS; i++)
        if (timers[i].used && timers[i].sleeper == sleeper)
            return &timers[i];
    return NULL;
}

/* ---- timerfd ----------------------------------------------------------------------------- */

static bool is_unread(int fd)
{
    struct pollfd look = { .fd = fd, .events = POLLIN };

    return link_time_real()->poll(&look, 1, 0) == 1 && look.revents & POLLIN;
}

/* A first point that has passed, and as many more as have come since; the next lies far away. A timer of the
 * machine's wall time (timerfd_create sees to that) has room for many. */
static void let_come(int fd, int64_t times)
{
    struct timespec now;
    struct itimerspec past = { .it_value = { .tv_nsec = 1 } };
    int64_t span;

    if (times > 1) {
        link_time_real()->clock_gettime(CLOCK_REALTIME, &now);
        span = time_ns(&now) / (times + 1);
        past.it_interval = time_spec(span);
        past.it_value = time_spec(time_ns(&now) - (times - 1) * span - TIME_MILLI);
    }
    link_time_real()->timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL);
}

/* A descriptor that has been closed meanwhile, or is another file now, is none that can be set. */
static int64_t timer_is_due(int sleeper)
{
    struct timer *timer = find_sleeper(sleeper);
    int64_t until = time_timer_until(sleeper);
    int saved = errno;

    if (!timer)
        return 0;
    timer->unread = is_unread(timer->fd) ? timer->unread + 1 : 1;
    let_come(timer->fd, timer->unread);
    errno = saved;
    if (timer->every_ns == 0)
        timer->sleeper = NONE;
    return timer->every_ns ? until + timer->every_ns : 0;
}

static struct timer *new_timer(int fd)
{
    for (int i = 0; i < TIMERS; i++)
        if (!timers[i].used) {
            timers[i] = (struct timer){ .used = true, .fd = fd, .sleeper = NONE };
            return &timers[i];
        }
    return NULL;
}

static struct timespec left_until(int64_t until_ns)
{
    int64_t left = until_ns - atomic_load(&page_now()->monotonic_ns);

    return time_spec(left > 0 ? left : 0);
}

static struct itimerspec setting_of(const struct timer *timer)
{
    struct itimerspec setting = { 0 };

    if (timer && timer->sleeper != NONE)
        setting =
            (struct itimerspec){ .it_interval = time_spec(timer->every_ns),
                                 .it_value = left_until(time_timer_until(timer->sleeper)) };
    return setting;
}

/* The point is one on the clock that the timer was made with, which nobody tells: what lies far from the page's
 * monotonic time is one on its wall time. */
static int64_t point_of(const struct timespec *at)
{
    int64_t wall = atomic_load(&page_now()->wall_ns);
    int64_t monotonic = atomic_load(&page_now()->monotonic_ns);
    int64_t from_wall = time_ns(at) - wall, from_monotonic = time_ns(at) - monotonic;
    bool is_wall = (from_wall < 0 ? -from_wall : from_wall) <
                   (from_monotonic < 0 ? -from_monotonic : from_monotonic);

    return time_until(is_wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, at);
}

static int start_timer(int fd, int flags, const struct itimerspec *value)
{
    int64_t until = flags & TFD_TIMER_ABSTIME ? point_of(&value->it_value)
                                              : time_after(time_ns(&value->it_value));
    struct timer *timer = find_timer(fd);

    if (!timer)
        timer = new_timer(fd);
    if (!timer)
        return -1;
    timer->unread = 0;
    timer->every_ns = time_ns(&value->it_interval);
    timer->sleeper = time_timer_begin("timerfd", PAGE_TIMER, until, timer_is_due);
    if (timer->sleeper >= 0)
        return 0;
    timer->used = false;
    return -1;
}

static void stop_timer(int fd)
{
    struct timer *timer = find_timer(fd);

    if (timer && timer->sleeper != NONE)
        time_timer_end(timer->sleeper);
    if (timer)
        timer->used = false;
}

/* The kernel judges what it is given, and stops. */
static int check_setting(int fd, int flags, const struct itimerspec *value)
{
    const struct itimerspec never = { 0 };
    int r = link_time_real()->timerfd_settime(fd, flags, value, NULL);

    return r < 0 ? r : link_time_real()->timerfd_settime(fd, 0, &never, NULL);
}

/* On the machine's wall time, whatever is asked: see let_come. */
HOOK int timerfd_create(int clock, int flags)
{
    bool is_known = clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;

    return link_time_real()->timerfd_create(
        is_known && time_is_ours() ? (int)CLOCK_REALTIME : clock, flags);
}

HOOK int timerfd_settime(int fd, int flags, const struct itimerspec *value,
                         struct itimerspec *old)
{
    bool ours = time_is_ours();
    struct itimerspec before;
    sigset_t mask;
    int r;

    if (!ours)
        return link_time_real()->timerfd_settime(fd, flags, value, old);
    r = check_setting(fd, flags, value);
    if (r < 0)
        return r;
    time_lock(&mask);
    before = setting_of(find_timer(fd));
    stop_timer(fd);
    if (value->it_value.tv_sec || value->it_value.tv_nsec)
        r = start_timer(fd, flags, value);
    time_unlock(&mask);
    time_ring(); /* a point that has passed */
    if (r < 0)
        errno = ENOMEM;
    else if (old)
        *old = before;
    return r;
}

HOOK int timerfd_gettime(int fd, struct itimerspec *ret)
{
    int r = link_time_real()->timerfd_gettime(fd, ret);
    sigset_t mask;

    if (r < 0 || !time_is_ours())
        return r;
    time_lock(&mask);
    *ret = setting_of(find_timer(fd));
    time_unlock(&mask);
    return 0;
}

/* ---- alarms ------------------------------------------------------------------------------ */

static int64_t alarm_is_due(int sleeper)
{
    int64_t until = time_timer_until(sleeper);

    kill(getpid(), SIGALRM);
    if (alarm_clock.every_ns == 0)
        alarm_clock.sleeper = NONE;
    return alarm_clock.every_ns ? until + alarm_clock.every_ns : 0;
}

/* `old`: what was left, and every how much. -ENOMEM. */
static int set_alarm(const char *function, int64_t span_ns, int64_t every_ns,
                     struct itimerspec *old)
{
    sigset_t mask;
    int r = 0;

    time_lock(&mask);
    *old = setting_of(&alarm_clock);
    if (alarm_clock.sleeper != NONE)
        time_timer_end(alarm_clock.sleeper);
    alarm_clock = (struct timer){ .sleeper = NONE, .every_ns = every_ns };
    if (span_ns > 0) {
        alarm_clock.sleeper =
            time_timer_begin(function, PAGE_ALARM, time_after(span_ns), alarm_is_due);
        r = alarm_clock.sleeper < 0 ? -ENOMEM : 0;
    }
    time_unlock(&mask);
    return r;
}

HOOK unsigned alarm(unsigned seconds)
{
    struct itimerspec old;

    if (!time_is_ours())
        return link_time_real()->alarm(seconds);
    link_time_real()->alarm(0);
    set_alarm("alarm", seconds * TIME_SECOND, 0, &old);
    return (unsigned)old.it_value.tv_sec + (old.it_value.tv_nsec > 0);
}

static int64_t span_of(const struct timeval *time)
{
    return time->tv_sec * TIME_SECOND + time->tv_usec * 1000;
}

static struct itimerval as_timeval(const struct itimerspec *from)
{
    return (struct itimerval){ .it_interval = { .tv_sec = from->it_interval.tv_sec,
                                                .tv_usec = from->it_interval.tv_nsec / 1000 },
                               .it_value = { .tv_sec = from->it_value.tv_sec,
                                             .tv_usec = from->it_value.tv_nsec / 1000 } };
}

HOOK int setitimer(__itimer_which_t which, const struct itimerval *restrict value,
                   struct itimerval *restrict old)
{
    const struct itimerval never = { 0 };
    struct itimerspec before;
    int r = link_time_real()->setitimer((int)which, value, old);

    if (r < 0 || which != ITIMER_REAL || !time_is_ours())
        return r;
    link_time_real()->setitimer((int)which, &never, NULL);
    r = set_alarm("setitimer", span_of(&value->it_value), span_of(&value->it_interval),
                  &before);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    if (old)
        *old = as_timeval(&before);
    return 0;
}

HOOK int getitimer(__itimer_which_t which, struct itimerval *ret)
{
    struct itimerspec now;
    sigset_t mask;

    if (which != ITIMER_REAL || !time_is_ours())
        return link_time_real()->getitimer((int)which, ret);
    time_lock(&mask);
    now = setting_of(&alarm_clock);
    time_unlock(&mask);
    *ret = as_timeval(&now);
    return 0;
}
