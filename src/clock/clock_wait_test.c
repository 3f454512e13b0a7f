/* clock/clock_wait_test.c - libc's functions that wait for something and, at most, for some time. */

#include <seam/clock.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { WITHIN_MS = 5000 };

/* A thread that waits in one of libc's functions, for at most five seconds, on a pipe or on a lock. */
struct waiter {
    pthread_t thread;
    int (*wait)(struct waiter *waiter);
    int pipe[2], epoll;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    sem_t semaphore;
    clockid_t clock;
    int result, error;
    int64_t woke_s;
    bool signalled;
};

static const struct timespec span = { .tv_sec = 5 };

static int by_poll(struct waiter *waiter)
{
    struct pollfd fd = { .fd = waiter->pipe[0], .events = POLLIN };
    int ready = poll(&fd, 1, 5000);

    return ready == 1 ? fd.revents : ready;
}

static int by_ppoll(struct waiter *waiter)
{
    struct pollfd fds[] = { { .fd = -1 }, { .fd = waiter->pipe[0], .events = POLLIN } };
    sigset_t none;
    int ready;

    sigemptyset(&none);
    ready = ppoll(fds, 2, &span, &none);
    return ready == 1 ? fds[1].revents : ready;
}

static int by_select(struct waiter *waiter)
{
    struct timeval limit = { .tv_sec = 5 };
    fd_set in, error;
    int ready;

    FD_ZERO(&in);
    FD_ZERO(&error);
    FD_SET(waiter->pipe[0], &in);
    FD_SET(waiter->pipe[0], &error);
    ready = select(waiter->pipe[0] + 1, &in, NULL, &error, &limit);
    return ready == 1 && FD_ISSET(waiter->pipe[0], &in) && !FD_ISSET(waiter->pipe[0], &error) &&
                   limit.tv_sec == 5
               ? POLLIN
               : ready + (int)limit.tv_sec;
}

static int by_pselect(struct waiter *waiter)
{
    fd_set in;
    int ready;

    FD_ZERO(&in);
    FD_SET(waiter->pipe[0], &in);
    ready = pselect(waiter->pipe[0] + 1, &in, NULL, NULL, &span, NULL);
    return ready == 1 && FD_ISSET(waiter->pipe[0], &in) ? POLLIN : ready;
}

static int by_epoll_wait(struct waiter *waiter)
{
    struct epoll_event event = { 0 };
    int ready = epoll_wait(waiter->epoll, &event, 1, 5000);

    return ready == 1 ? (int)event.events : ready;
}

static int by_epoll_pwait(struct waiter *waiter)
{
    struct epoll_event event = { 0 };
    int ready = epoll_pwait(waiter->epoll, &event, 1, 5000, NULL);

    return ready == 1 ? (int)event.events : ready;
}

static int by_epoll_pwait2(struct waiter *waiter)
{
    struct epoll_event event = { 0 };
    int ready = epoll_pwait2(waiter->epoll, &event, 1, &span, NULL);

    return ready == 1 ? (int)event.events : ready;
}

static struct timespec point(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    now.tv_sec += 5;
    return now;
}

static int by_timedwait(struct waiter *waiter)
{
    struct timespec until = point(waiter->clock);
    int r = 0;

    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->signalled && r == 0)
        r = pthread_cond_timedwait(&waiter->condition, &waiter->mutex, &until);
    pthread_mutex_unlock(&waiter->mutex);
    return r;
}

static int by_clockwait(struct waiter *waiter)
{
    struct timespec until = point(CLOCK_MONOTONIC);
    int r = 0;

    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->signalled && r == 0)
        r = pthread_cond_clockwait(&waiter->condition, &waiter->mutex, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&waiter->mutex);
    return r;
}

static int by_timedlock(struct waiter *waiter)
{
    struct timespec until = point(CLOCK_REALTIME);

    return pthread_mutex_timedlock(&waiter->mutex, &until);
}

static int by_sem_timedwait(struct waiter *waiter)
{
    struct timespec until = point(CLOCK_REALTIME);

    return sem_timedwait(&waiter->semaphore, &until) == 0 ? 0 : errno;
}

static void *run(void *arg)
{
    struct waiter *waiter = arg;

    waiter->result = waiter->wait(waiter);
    waiter->error = errno;
    waiter->woke_s = time(NULL);
    return NULL;
}

static void start(seam_t *t, struct waiter *waiter, int (*wait)(struct waiter *waiter),
                  clockid_t clock)
{
    struct epoll_event event = { .events = EPOLLIN };
    pthread_condattr_t attributes;

    *waiter = (struct waiter){ .wait = wait, .clock = clock, .epoll = epoll_create1(0) };
    seam_require_ok(t, pipe(waiter->pipe));
    seam_require_ok(t, epoll_ctl(waiter->epoll, EPOLL_CTL_ADD, waiter->pipe[0], &event));
    pthread_mutex_init(&waiter->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, clock);
    pthread_cond_init(&waiter->condition, &attributes);
    sem_init(&waiter->semaphore, 0, 0);
    if (wait == by_timedlock)
        pthread_mutex_lock(&waiter->mutex);
    seam_require_ok(t, pthread_create(&waiter->thread, NULL, run, waiter));
}

static void end(struct waiter *waiter)
{
    pthread_join(waiter->thread, NULL);
    close(waiter->pipe[0]);
    close(waiter->pipe[1]);
    close(waiter->epoll);
}

static const struct way {
    const char *name;
    int (*wait)(struct waiter *waiter);
    clockid_t clock;
    int come, late; /* the result when it has come, and when the time is over */
} ways[] = {
    { "poll", by_poll, CLOCK_REALTIME, POLLIN, 0 },
    { "ppoll", by_ppoll, CLOCK_REALTIME, POLLIN, 0 },
    { "select", by_select, CLOCK_REALTIME, POLLIN, 0 },
    { "pselect", by_pselect, CLOCK_REALTIME, POLLIN, 0 },
    { "epoll_wait", by_epoll_wait, CLOCK_REALTIME, EPOLLIN, 0 },
    { "epoll_pwait", by_epoll_pwait, CLOCK_REALTIME, EPOLLIN, 0 },
    { "epoll_pwait2", by_epoll_pwait2, CLOCK_REALTIME, EPOLLIN, 0 },
    { "cond_timedwait", by_timedwait, CLOCK_REALTIME, 0, ETIMEDOUT },
    { "cond_timedwait_monotonic", by_timedwait, CLOCK_MONOTONIC, 0, ETIMEDOUT },
    { "cond_clockwait", by_clockwait, CLOCK_MONOTONIC, 0, ETIMEDOUT },
    { "mutex_timedlock", by_timedlock, CLOCK_REALTIME, 0, ETIMEDOUT },
    { "sem_timedwait", by_sem_timedwait, CLOCK_REALTIME, 0, ETIMEDOUT },
};

/* ---- the time comes ---------------------------------------------------------------------- */

SEAM_SUBTEST(is_late)
{
    const struct way *way = arg;
    seam_clock *clock = seam_clock_start(t);
    struct waiter *waiter = seam_alloc(t, sizeof *waiter);

    start(t, waiter, way->wait, way->clock);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    seam_clock_advance(clock, 4999);
    seam_check_eq(t, seam_clock_sleepers(clock), 1);
    seam_clock_advance(clock, 1);
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
    end(waiter);
    seam_check_eq(t, waiter->result, way->late);
    seam_check_eq(t, waiter->woke_s, 1000000005);
}

SEAM_TEST(a_wait_ends_with_its_time)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        seam_run(t, ways[i].name, is_late, (void *)&ways[i]);
}

/* ---- what is waited for comes ------------------------------------------------------------ */

static void let_come(struct waiter *waiter)
{
    if (waiter->wait == by_timedlock)
        pthread_mutex_unlock(&waiter->mutex);
    else if (waiter->wait == by_sem_timedwait)
        sem_post(&waiter->semaphore);
    else if (waiter->wait == by_timedwait || waiter->wait == by_clockwait) {
        pthread_mutex_lock(&waiter->mutex);
        waiter->signalled = true;
        pthread_cond_signal(&waiter->condition);
        pthread_mutex_unlock(&waiter->mutex);
    } else if (write(waiter->pipe[1], "x", 1) != 1)
        waiter->error = errno;
}

SEAM_SUBTEST(is_there)
{
    const struct way *way = arg;
    seam_clock *clock = seam_clock_start(t);
    struct waiter *waiter = seam_alloc(t, sizeof *waiter);

    start(t, waiter, way->wait, way->clock);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    let_come(waiter);
    end(waiter);
    seam_check_eq(t, waiter->result, way->come);
    seam_check_eq(t, waiter->woke_s, 1000000000);
}

SEAM_TEST(a_wait_ends_with_what_comes)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        seam_run(t, ways[i].name, is_there, (void *)&ways[i]);
}

SEAM_TEST(a_look_is_no_wait)
{
    struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
    struct timeval none = { 0 };

    seam_clock_start(t);
    seam_check_eq(t, poll(&fd, 1, 0), 1);
    seam_check_eq(t, poll(&fd, 1, 5000), 1);
    seam_check_eq(t, poll(NULL, 0, 0), 0);
    seam_check_eq(t, select(0, NULL, NULL, NULL, &none), 0);
}

SEAM_TEST(select_of_a_closed_descriptor)
{
    struct timeval limit = { .tv_sec = 1 };
    fd_set in;

    seam_clock_start(t);
    FD_ZERO(&in);
    FD_SET(400, &in);
    seam_check_eq(t, select(401, &in, NULL, NULL, &limit), -1);
    seam_check_eq(t, errno, EBADF);
}

SEAM_TEST(many_wait_for_a_condition_each)
{
    seam_clock *clock = seam_clock_start(t);
    struct waiter *all = seam_alloc(t, 6 * sizeof *all);

    for (int i = 0; i < 6; i++)
        start(t, &all[i], i % 2 ? by_timedwait : by_clockwait, CLOCK_REALTIME);
    seam_clock_wait_for_sleepers(clock, 6, WITHIN_MS);
    seam_clock_advance(clock, 5000);
    for (int i = 0; i < 6; i++) {
        end(&all[i]);
        seam_check_eq(t, all[i].result, ETIMEDOUT);
    }
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
}

/* ---- timers ------------------------------------------------------------------------------ */

static uint64_t times_of(int timer)
{
    uint64_t times = 0;

    return read(timer, &times, sizeof times) == sizeof times ? times : 0;
}

SEAM_TEST(timerfd_goes_by_it)
{
    static const struct itimerspec every = { .it_value = { .tv_sec = 5 },
                                             .it_interval = { .tv_sec = 2 } };
    seam_clock *clock = seam_clock_start(t);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec left;

    seam_require_ok(t, timerfd_settime(timer, 0, &every, NULL));
    seam_check_eq(t, times_of(timer), 0);
    seam_clock_advance(clock, 4000);
    seam_check_eq(t, times_of(timer), 0);
    seam_check_eq(t, timerfd_gettime(timer, &left), 0);
    seam_check_eq(t, left.it_value.tv_sec, 1);
    seam_check_eq(t, left.it_interval.tv_sec, 2);
    seam_clock_advance(clock, 1000);
    seam_check_eq(t, times_of(timer), 1);
    seam_check_eq(t, times_of(timer), 0);
    seam_clock_advance(clock, 20000);
    seam_check_eq(t, times_of(timer), 10);
    seam_check_eq(t, seam_clock_sleepers(clock), 1);
    seam_require_ok(t, timerfd_settime(timer, 0, &(struct itimerspec){ 0 }, &left));
    seam_check_eq(t, left.it_value.tv_sec, 2);
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
    close(timer);
}

SEAM_TEST(timerfd_of_a_point)
{
    seam_clock *clock = seam_clock_start(t);
    int wall = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    int monotonic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec when = { .it_value = point(CLOCK_REALTIME) };

    timerfd_settime(wall, TFD_TIMER_ABSTIME, &when, NULL);
    when.it_value = point(CLOCK_MONOTONIC);
    timerfd_settime(monotonic, TFD_TIMER_ABSTIME, &when, NULL);
    seam_clock_advance(clock, 4999);
    seam_check_eq(t, times_of(wall) + times_of(monotonic), 0);
    seam_clock_advance(clock, 1);
    seam_check_eq(t, times_of(wall), 1);
    seam_check_eq(t, times_of(monotonic), 1);
    timerfd_settime(wall, TFD_TIMER_ABSTIME, &(struct itimerspec){ .it_value.tv_sec = 7 },
                    NULL);
    seam_check_eq(t, times_of(wall), 1);
    seam_check_eq(t, timerfd_settime(STDOUT_FILENO, 0, &when, NULL), -1);
    seam_check_eq(t, errno, EINVAL);
    close(wall);
    close(monotonic);
}

/* An event loop that a timer wakes. */
static int by_timer(struct waiter *waiter)
{
    static const struct itimerspec once = { .it_value = { .tv_sec = 5 } };
    struct epoll_event event = { .events = EPOLLIN };
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), ready;

    epoll_ctl(waiter->epoll, EPOLL_CTL_ADD, timer, &event);
    timerfd_settime(timer, 0, &once, NULL);
    ready = epoll_wait(waiter->epoll, &event, 1, -1);
    ready += (int)times_of(timer);
    close(timer);
    return ready;
}

SEAM_TEST(a_loop_with_a_timer_is_a_sleeper)
{
    seam_clock *clock = seam_clock_start(t);
    struct waiter *waiter = seam_alloc(t, sizeof *waiter);

    start(t, waiter, by_timer, CLOCK_REALTIME);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    seam_clock_advance(clock, 10000);
    end(waiter);
    seam_check_eq(t, waiter->result, 2);
}

/* ---- alarms ------------------------------------------------------------------------------ */

static atomic_int alarms;

static void count(int number)
{
    (void)number;
    alarms++;
}

SEAM_TEST(alarm_goes_by_it)
{
    static const struct itimerval every = { .it_value = { .tv_sec = 1 },
                                            .it_interval = { .tv_sec = 2 } };
    seam_clock *clock = seam_clock_start(t);
    struct itimerval left;

    signal(SIGALRM, count);
    seam_check_eq(t, alarm(10), 0);
    seam_clock_advance(clock, 3500);
    seam_check_eq(t, alarm(5), 7);
    seam_clock_advance(clock, 5000);
    seam_check_eq(t, alarms, 1);
    seam_check_eq(t, alarm(0), 0);
    seam_check_eq(t, setitimer(ITIMER_REAL, &every, NULL), 0);
    seam_clock_advance(clock, 1000);
    seam_clock_advance(clock, 2500);
    seam_check_eq(t, alarms, 3);
    seam_check_eq(t, getitimer(ITIMER_REAL, &left), 0);
    seam_check_eq(t, left.it_value.tv_usec, 500000);
    seam_check_eq(t, left.it_interval.tv_sec, 2);
}
