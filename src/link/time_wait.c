/* link/time_wait.c - waiting for the time of the page; see time_wait.h. */

#include "link/time_wait.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/time_real.h"

enum { FEW_FDS = 32, BEING_WRITTEN = -1, RINGER_STACK = 128 << 10 };

int (*time_private_fd)(int fd);
void (*time_private_close)(int fd);

/* What this process knows of a sleeper of its own. */
struct own {
    bool used;
    int bell; /* an eventfd; -1: none */
    pthread_cond_t *condition;
    time_due_fn *due;
    uint32_t epoch; /* the page's when it began to wait */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct own own[PAGE_SLEEPERS]; /* guarded by it */
static atomic_bool rings; /* a thread of this process does */
static pid_t loaded; /* the process that loaded the program */

/* No handler may come and wait while its thread has the lock. */
void time_lock(sigset_t *ret_before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, ret_before);
    pthread_mutex_lock(&lock);
}

void time_unlock(const sigset_t *before)
{
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- points in time ---------------------------------------------------------------------- */

int64_t time_ns(const struct timespec *time)
{
    int64_t ns;

    if (__builtin_mul_overflow(time->tv_sec, TIME_SECOND, &ns) ||
        __builtin_add_overflow(ns, time->tv_nsec, &ns))
        return time->tv_sec < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
    return ns;
}

struct timespec time_spec(int64_t ns)
{
    int64_t seconds = ns / TIME_SECOND, rest = ns % TIME_SECOND;

    if (rest < 0)
        return (struct timespec){ .tv_sec = seconds - 1, .tv_nsec = rest + TIME_SECOND };
    return (struct timespec){ .tv_sec = seconds, .tv_nsec = rest };
}

int64_t time_after(int64_t span_ns)
{
    int64_t until;

    if (__builtin_add_overflow(atomic_load(&page_now()->monotonic_ns),
                               span_ns > 0 ? span_ns : 0, &until))
        return INT64_MAX;
    return until;
}

bool time_by_clock(clockid_t clock, int64_t *ret_ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ret_ns = atomic_load_explicit(&page_now()->wall_ns, memory_order_relaxed);
        return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ret_ns = atomic_load_explicit(&page_now()->monotonic_ns, memory_order_relaxed);
        return true;
    default:
        return false;
    }
}

int64_t time_until(clockid_t clock, const struct timespec *at)
{
    int64_t now = 0, left;

    time_by_clock(clock, &now);
    if (__builtin_sub_overflow(time_ns(at), now, &left))
        return INT64_MAX;
    return time_after(left);
}

/* ---- sleepers ---------------------------------------------------------------------------- */

static bool is_due(int i)
{
    struct page *page = page_now();

    return atomic_load(&page->monotonic_ns) >= atomic_load(&page->sleepers[i].until_ns) ||
           atomic_load(&page->epoch) != own[i].epoch;
}

static void describe(struct page_sleeper *sleeper, const char *function)
{
    char thread[sizeof sleeper->thread] = "";

    prctl(PR_GET_NAME, thread);
    page_put_text(sleeper->function, sizeof sleeper->function, function);
    page_put_text(sleeper->program, sizeof sleeper->program, program_invocation_short_name);
    page_put_text(sleeper->thread, sizeof sleeper->thread, thread);
}

static int claim(struct page *page)
{
    for (int i = 0; i < PAGE_SLEEPERS; i++) {
        int32_t free_tid = 0;

        if (atomic_load_explicit(&page->sleepers[i].tid, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&page->sleepers[i].tid, &free_tid, BEING_WRITTEN))
            return i;
    }
    return -1;
}

/* ---- a process that does not move the time itself ---------------------------------------- */

void time_tell(void)
{
    struct page *page = page_now();

    atomic_fetch_add(&page->turn, 1);
    syscall(SYS_futex, &page->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void time_await_turn(uint32_t turn, int64_t at_most_ns)
{
    struct timespec limit = time_spec(at_most_ns);

    syscall(SYS_futex, &page_now()->turn, FUTEX_WAIT, turn, &limit, NULL, 0);
}

static void pause_shortly(void)
{
    const struct timespec pause = { .tv_nsec = 50000 };

    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void *ring_for_ever(void *arg)
{
    for (;;) {
        uint32_t turn = atomic_load(&page_now()->turn);

        if (time_ring() > 0)
            pause_shortly();
        else
            time_await_turn(turn, 3600 * TIME_SECOND);
    }
    return arg;
}

/* A child that was forked has no thread that rings, and waits for nothing. */
static void begin_child(void)
{
    pthread_mutex_init(&lock, NULL);
    memset(own, 0, sizeof own);
    rings = false;
}

__attribute__((constructor)) static void note_process(void)
{
    loaded = getpid();
    pthread_atfork(NULL, NULL, begin_child);
}

/* A process that was forked with threads gets none from TSan; there nobody rings, and who waits looks. */
static bool may_start_thread(void)
{
    extern void __tsan_init(void) __attribute__((weak));

    return !__tsan_init || loaded == getpid();
}

/* With the lock, so with all signals blocked; the thread inherits that. */
static void see_to_ringing(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (rings || page_now()->owner == getpid() || !may_start_thread())
        return;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, RINGER_STACK);
    rings = pthread_create(&thread, &attributes, ring_for_ever, NULL) == 0;
    pthread_attr_destroy(&attributes);
}

/* Whether anybody rings for this sleeper. */
static bool is_rung(int sleeper)
{
    return sleeper >= 0 && (rings || page_now()->owner == getpid());
}

/* ---- beginning and ending to wait -------------------------------------------------------- */

static int begin_locked(const char *function, enum page_kind kind, int64_t until_ns,
                        const struct own *how)
{
    struct page *page = page_now();
    int i = claim(page);

    if (i < 0)
        return -1;
    describe(&page->sleepers[i], function);
    page->sleepers[i].pid = getpid();
    page->sleepers[i].kind = kind;
    atomic_store(&page->sleepers[i].until_ns, until_ns);
    see_to_ringing();
    own[i] = *how;
    own[i].used = true;
    own[i].epoch = atomic_load(&page->epoch);
    atomic_store(&page->sleepers[i].tid, gettid());
    return i;
}

static int begin_wait(const char *function, enum page_kind kind, int64_t until_ns,
                      const struct own *how)
{
    sigset_t before;
    int i;

    time_lock(&before);
    i = begin_locked(function, kind, until_ns, how);
    time_unlock(&before);
    time_tell();
    return i;
}

/* Whoever moves the time may have given it up and taken it away: then it is another's by now. */
static void end_wait(int i)
{
    int32_t tid = gettid();
    int saved = errno;
    sigset_t before;

    time_lock(&before);
    own[i].used = false;
    time_unlock(&before);
    if (atomic_compare_exchange_strong(&page_now()->sleepers[i].tid, &tid, 0))
        time_tell();
    errno = saved;
}

static int64_t ring_one(int i)
{
    static const uint64_t one = 1;
    int64_t next = 0;

    if (own[i].condition)
        pthread_cond_broadcast(own[i].condition);
    else if (own[i].bell >= 0 && syscall(SYS_write, own[i].bell, &one, sizeof one) < 0)
        errno = 0;
    else if (own[i].due) {
        next = own[i].due(i);
        own[i].used = next != 0;
    }
    return next;
}

/* A timer goes on at once, and its sleeper is nobody's who could end the wait. */
static void go_on(int i, int64_t next)
{
    struct page_sleeper *sleeper = &page_now()->sleepers[i];

    if (!own[i].due)
        return;
    if (next)
        atomic_store(&sleeper->until_ns, next);
    else
        atomic_store(&sleeper->tid, 0);
}

int time_ring(void)
{
    sigset_t before;
    int due = 0;

    time_lock(&before);
    for (int i = 0; i < PAGE_SLEEPERS; i++)
        if (own[i].used && is_due(i)) {
            go_on(i, ring_one(i));
            due++;
        }
    time_unlock(&before);
    if (due)
        time_tell();
    return due;
}

/* ---- waiting ----------------------------------------------------------------------------- */

struct waiting {
    int ready; /* the result */
    int sleeper; /* below 0: there are more than the page holds */
    int bell;
    struct pollfd few[FEW_FDS], *all;
};

static int open_bell(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    return fd >= 0 && time_private_fd ? time_private_fd(fd) : fd;
}

static void close_bell(int fd)
{
    if (fd >= 0 && time_private_close)
        time_private_close(fd);
    else if (fd >= 0)
        syscall(SYS_close, fd);
}

/* Also where the thread is cancelled. */
static void end_poll(void *arg)
{
    struct waiting *waiting = arg;
    int saved = errno;

    if (waiting->sleeper >= 0)
        end_wait(waiting->sleeper);
    close_bell(waiting->bell);
    if (waiting->all != waiting->few)
        free(waiting->all);
    errno = saved;
}

static bool has_come(int sleeper, int64_t until_ns)
{
    return sleeper >= 0 ? is_due(sleeper)
                        : atomic_load(&page_now()->monotonic_ns) >= until_ns ||
                              !atomic_load(&page_now()->runs);
}

/* The bell lies behind the program's own descriptors. */
static int poll_with_bell(struct waiting *waiting, nfds_t count, const struct time_wait *wait)
{
    const struct timespec slice = { .tv_nsec = TIME_MILLI };
    bool has_bell = waiting->bell >= 0;
    int ready;

    do {
        ready = link_time_real()->ppoll(waiting->all, count + has_bell,
                                        has_bell && is_rung(waiting->sleeper) ? NULL : &slice,
                                        wait->mask);
        if (ready > 0 && has_bell && waiting->all[count].revents)
            ready--;
    } while (ready == 0 && !has_come(waiting->sleeper, wait->until_ns));
    return ready;
}

int time_poll(struct pollfd *fds, nfds_t count, const struct time_wait *wait)
{
    struct waiting waiting = { .ready = -1, .sleeper = -1, .bell = -1 };

    waiting.all = count < FEW_FDS ? waiting.few : calloc(count + 1, sizeof *fds);
    if (!waiting.all)
        return -1;
    pthread_cleanup_push(end_poll, &waiting);
    waiting.bell = open_bell();
    if (count)
        memcpy(waiting.all, fds, count * sizeof *fds);
    waiting.all[count] = (struct pollfd){ .fd = waiting.bell, .events = POLLIN };
    waiting.sleeper = begin_wait(wait->function, wait->kind, wait->until_ns,
                                 &(struct own){ .bell = waiting.bell });
    waiting.ready = poll_with_bell(&waiting, count, wait);
    if (waiting.ready >= 0)
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = waiting.all[i].revents;
    pthread_cleanup_pop(1);
    return waiting.ready;
}

int time_sleep(const char *function, int64_t until_ns, int64_t *ret_left_ns)
{
    const struct time_wait wait = { function, PAGE_SLEEP, until_ns, NULL };
    struct page *page = page_now();
    int64_t left = until_ns - atomic_load(&page->monotonic_ns);
    int r = 0;

    if (left > 0)
        atomic_fetch_add(&page->slept_ns, left);
    if (left > 0 && atomic_load(&page->sleeps_advance))
        time_move(until_ns);
    else if (left > 0)
        r = time_poll(NULL, 0, &wait);
    left = until_ns - atomic_load(&page->monotonic_ns);
    if (ret_left_ns)
        *ret_left_ns = left > 0 ? left : 0;
    return r;
}

int time_attempt(const char *function, int64_t until_ns, int (*attempt)(void *arg), void *arg)
{
    const struct timespec slice = { .tv_nsec = TIME_MILLI };
    int r = attempt(arg), i;

    if (r != EAGAIN)
        return r;
    i = begin_wait(function, PAGE_SLICES, until_ns, &(struct own){ .bell = -1 });
    while (r == EAGAIN && !has_come(i, until_ns)) {
        if (link_time_real()->ppoll(NULL, 0, &slice, NULL) < 0 && errno == EINTR)
            r = EINTR;
        else
            r = attempt(arg);
    }
    if (i >= 0)
        end_wait(i);
    return r == EAGAIN ? ETIMEDOUT : r;
}

/* ---- conditions -------------------------------------------------------------------------- */

struct condition_wait {
    int sleeper, result;
};

static void end_condition(void *arg)
{
    struct condition_wait *wait = arg;

    if (wait->sleeper >= 0)
        end_wait(wait->sleeper);
}

/* Where nobody rings: for so long as it takes to look again. */
static int wait_rung(const struct condition_wait *wait, pthread_cond_t *condition,
                     pthread_mutex_t *mutex)
{
    struct timespec slice;

    if (is_rung(wait->sleeper))
        return pthread_cond_wait(condition, mutex);
    link_time_real()->clock_gettime(CLOCK_MONOTONIC, &slice);
    slice = time_spec(time_ns(&slice) + TIME_MILLI);
    link_time_real()->pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &slice);
    return 0;
}

/* Who waits for a condition is woken by it, and woken for nothing now and then, as any of its waiters may be. A
 * signal that came before is not lost with a time-out: each bell wakes all that wait by then. */
int time_wait_condition(const char *function, pthread_cond_t *condition, pthread_mutex_t *mutex,
                        int64_t until_ns)
{
    struct condition_wait wait = { 0 };

    wait.sleeper = begin_wait(function, PAGE_CONDITION, until_ns,
                              &(struct own){ .bell = -1, .condition = condition });
    pthread_cleanup_push(end_condition, &wait);
    if (!has_come(wait.sleeper, until_ns))
        wait.result = wait_rung(&wait, condition, mutex);
    if (wait.result == 0 && has_come(wait.sleeper, until_ns))
        wait.result = ETIMEDOUT;
    pthread_cleanup_pop(1);
    return wait.result;
}

/* ---- timers ------------------------------------------------------------------------------ */

int time_timer_begin(const char *function, enum page_kind kind, int64_t until_ns,
                     time_due_fn *due)
{
    int i = begin_locked(function, kind, until_ns, &(struct own){ .bell = -1, .due = due });

    time_tell();
    return i;
}

void time_timer_end(int sleeper)
{
    own[sleeper].used = false;
    atomic_store(&page_now()->sleepers[sleeper].tid, 0);
    time_tell();
}

int64_t time_timer_until(int sleeper)
{
    return atomic_load(&page_now()->sleepers[sleeper].until_ns);
}

/* ---- moving ------------------------------------------------------------------------------ */

void time_move(int64_t to_ns)
{
    struct page *page = page_now();
    int64_t now = atomic_load(&page->monotonic_ns);

    while (now < to_ns)
        if (atomic_compare_exchange_weak(&page->monotonic_ns, &now, to_ns)) {
            atomic_fetch_add(&page->wall_ns, to_ns - now);
            break;
        }
    time_tell();
    time_ring();
}
