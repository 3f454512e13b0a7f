/*
 * net/loop.c - one loop for all servers and doubles of a process; see loop.h.
 *
 * Two roles are given to threads; all others run code of the user's, or end:
 *
 *   leader   waits in epoll, dispatches, fires timers
 *   deputy   looks every 10 ms whether the leader has been outside (in code of the user's) for that long,
 *            and then is the leader; the one before sees that when it returns
 *
 * So a request costs no wake-up of a second thread. A deputy exists from the first loop_outside on. When
 * nobody has been outside for a while it sleeps until it is called.
 */

#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    BATCH = 64, /* events taken at once */
    THREADS_MAX = 64,
    WATCHES_MAX = 65536,
    TICKS_MAX = 100, /* of the deputy, without anybody outside, before it sleeps */
};

static const uint64_t patience_ns = 10000000u;
static const uint64_t guest_patience_ns = 1000000u;

#define GUEST UINT_MAX /* the id of a thread that is not the loop's but drives it */

/* What an event says is a descriptor and this number of its watch: a watch may have gone, or another one may
 * have its descriptor, between the kernel's answer and the lock. */
struct place {
    struct loop_watch *watch; /* NULL: none */
    uint32_t serial;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of this */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t for_starts = PTHREAD_COND_INITIALIZER;
static pthread_cond_t for_deputy, for_waiters; /* on CLOCK_MONOTONIC */
static struct {
    bool gone; /* this is a forked child */
    int epoll; /* 0 before the first use; private descriptors are above 500 */
    int wake; /* an eventfd that ends the leader's wait */
    bool sleeping; /* the leader waits in epoll */
    uint64_t sleeps_until_ns; /* 0: for ever */
    struct loop_timer *timers;
    struct place *places; /* by descriptor */
    uint32_t place_count;
    uint32_t serials; /* given out */
    unsigned ids; /* of threads, given out */
    unsigned threads;
    unsigned starting; /* of them, not yet at the lock */
    unsigned leader, deputy; /* their ids; 0: there is none */
    uint64_t outside_since_ns; /* the leader; 0: it is not */
    unsigned long times_outside;
    bool deputy_asleep;
    bool driven; /* between loop_drive_begin and _end */
} loop;

static _Thread_local unsigned self; /* the id of a thread of the loop */
static _Thread_local bool has_lock; /* of the loop */
static _Thread_local bool forks_inside; /* had the lock before it forked */

/* ---- the lock, and forks */

/* A thread of the loop that is at work may have the lock of an allocator, and not every allocator looks after
 * forks: AddressSanitizer's of gcc 12 leaves it locked in the child for ever. Without the loop's lock no thread
 * of the loop is at work, but for one that starts. */
static void before_fork(void)
{
    forks_inside = has_lock;
    if (forks_inside)
        return;
    loop_lock();
    while (loop.starting > 0)
        pthread_cond_wait(&for_starts, &lock);
}

static void after_fork(void)
{
    if (!forks_inside)
        loop_unlock();
}

static void forked(void)
{
    if (loop.leader)
        loop.gone = true;
    self = 0;
    after_fork();
}

/* Before all others, so that at a fork it is the last to wait: what they do may need the loop. */
__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, forked);
}

static void begin(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&for_deputy, &attributes);
    pthread_cond_init(&for_waiters, &attributes);
    pthread_condattr_destroy(&attributes);
}

void loop_lock(void)
{
    pthread_mutex_lock(&lock);
    has_lock = true;
}

void loop_unlock(void)
{
    has_lock = false;
    pthread_mutex_unlock(&lock);
}

bool loop_is_gone(void)
{
    return loop.gone;
}

bool loop_is_this_thread(void)
{
    return self != 0;
}

static void wait_until(pthread_cond_t *condition, uint64_t at_ns)
{
    struct timespec at = { .tv_sec = (time_t)(at_ns / 1000000000u),
                           .tv_nsec = (long)(at_ns % 1000000000u) };

    if (at_ns)
        machine.cond_timedwait(condition, &lock, &at);
    else
        pthread_cond_wait(condition, &lock);
}

/* ---- threads */

/* Those that say that a thread has crashed are not blocked: the kernel would end the process without a word. */
static void signals_to_block(sigset_t *set)
{
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };

    sigfillset(set);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigdelset(set, crashes[i]);
}

static void *serve(void *arg);

/* Start a thread; its id in *ret_id, which is the role that it gets. -errno. */
static int start_thread(unsigned *ret_id)
{
    unsigned id = loop.ids + 1;
    sigset_t blocked, before;
    pthread_attr_t attributes;
    pthread_t thread;
    int r;

    if (loop.threads >= THREADS_MAX)
        return -EAGAIN;
    signals_to_block(&blocked);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    t_private_thread_planned(true);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    r = pthread_create(&thread, &attributes, serve, (void *)(uintptr_t)id);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (r != 0) {
        t_private_thread_planned(false);
        return -r;
    }
    loop.ids = *ret_id = id;
    loop.threads++;
    loop.starting++;
    return 0;
}

static void begin_outside(uint64_t since_ns)
{
    if (self != loop.leader)
        return;
    loop.outside_since_ns = since_ns;
    loop.times_outside++;
    if (!loop.deputy)
        start_thread(&loop.deputy); /* without one the loop is held up meanwhile */
    else if (loop.deputy_asleep || since_ns == 1)
        pthread_cond_signal(&for_deputy);
}

static void end_outside(void)
{
    if (self == loop.leader)
        loop.outside_since_ns = 0;
}

void loop_outside(void (*fn)(void *arg), void *arg)
{
    bool leads = self && self == loop.leader;

    if (leads)
        begin_outside(now_ns());
    loop_unlock();
    fn(arg);
    loop_lock();
    if (leads)
        end_outside();
}

void loop_give_way(void)
{
    if (self && self == loop.leader)
        begin_outside(1);
}

bool loop_wait(bool (*fn)(void *arg), void *arg, uint64_t deadline_ns)
{
    bool leads = self && self == loop.leader;
    bool was_outside = leads && loop.outside_since_ns;
    bool holds;

    pthread_once(&once, begin);
    while (!(holds = fn(arg)) && (!deadline_ns || now_ns() < deadline_ns)) {
        loop_give_way();
        wait_until(&for_waiters, deadline_ns);
    }
    if (leads && !was_outside)
        end_outside();
    return holds;
}

void loop_wake_waiters(void)
{
    pthread_once(&once, begin);
    pthread_cond_broadcast(&for_waiters);
}

/* ---- timers */

static void take_out(struct loop_timer *timer)
{
    struct loop_timer **at = &loop.timers;

    while (*at && *at != timer)
        at = &(*at)->next;
    if (*at)
        *at = timer->next;
    timer->at_ns = 0;
}

/* Let the leader see a timer that is earlier than what it waits for. */
static void wake_before(uint64_t at_ns)
{
    if (!loop.sleeping || (loop.sleeps_until_ns && loop.sleeps_until_ns <= at_ns))
        return;
    loop.sleeps_until_ns = at_ns;
    eventfd_write(loop.wake, 1);
}

static int start_loop(void);

int loop_timer_set(struct loop_timer *timer, uint64_t at_ns)
{
    struct loop_timer **at = &loop.timers;
    int r = start_loop();

    if (r < 0)
        return r;
    if (timer->at_ns)
        take_out(timer);
    timer->at_ns = at_ns ? at_ns : 1;
    while (*at && (*at)->at_ns <= timer->at_ns)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    wake_before(timer->at_ns);
    return 0;
}

void loop_timer_cancel(struct loop_timer *timer)
{
    if (timer->at_ns)
        take_out(timer);
}

static void fire_timers(void)
{
    struct loop_timer *timer = loop.timers;
    uint64_t now = timer ? now_ns() : 0;

    while (timer && timer->at_ns <= now && loop.leader == self) {
        loop.timers = timer->next;
        timer->at_ns = 0;
        timer->fire(timer);
        timer = loop.timers;
    }
}

/* ---- watches */

static int make_place(int fd)
{
    uint32_t count = loop.place_count ? loop.place_count : 1024;
    struct place *places;

    if (fd < 0 || fd >= WATCHES_MAX)
        return -EBADF;
    if ((uint32_t)fd < loop.place_count)
        return 0;
    while (count <= (uint32_t)fd)
        count *= 2;
    places = realloc(loop.places, count * sizeof *places);
    if (!places)
        return -ENOMEM;
    for (uint32_t i = loop.place_count; i < count; i++)
        places[i] = (struct place){ 0 };
    loop.places = places;
    loop.place_count = count;
    return 0;
}

static int add_watch(struct loop_watch *watch, struct epoll_event *event)
{
    struct place *place;
    int r = start_loop();

    if (r == 0)
        r = make_place(watch->fd);
    if (r < 0)
        return r;
    place = &loop.places[watch->fd];
    *place = (struct place){ watch, ++loop.serials };
    event->data.u64 = (uint64_t)place->serial << 32 | (uint32_t)watch->fd;
    if (epoll_ctl(loop.epoll, EPOLL_CTL_ADD, watch->fd, event) < 0) {
        place->watch = NULL;
        return -errno;
    }
    watch->added = true;
    return 0;
}

int loop_watch_set(struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events };
    int r = 0;

    if (watch->added && watch->events == events)
        return 0;
    if (watch->added) {
        event.data.u64 = (uint64_t)loop.places[watch->fd].serial << 32 | (uint32_t)watch->fd;
        if (epoll_ctl(loop.epoll, EPOLL_CTL_MOD, watch->fd, &event) < 0)
            r = -errno;
    } else
        r = add_watch(watch, &event);
    if (r == 0)
        watch->events = events;
    return r;
}

void loop_watch_remove(struct loop_watch *watch)
{
    struct epoll_event none = { 0 };

    if (!watch->added)
        return;
    loop.places[watch->fd].watch = NULL;
    watch->added = false;
    if (!loop.gone)
        epoll_ctl(loop.epoll, EPOLL_CTL_DEL, watch->fd, &none);
}

/* ---- the leader */

static void dispatch(const struct epoll_event *event)
{
    uint32_t fd = (uint32_t)event->data.u64;
    struct place *place = &loop.places[fd];
    eventfd_t count;

    if ((int)fd == loop.wake)
        eventfd_read(loop.wake, &count);
    else if (place->watch && place->serial == (uint32_t)(event->data.u64 >> 32))
        place->watch->ready(place->watch, event->events);
}

/* What is left of a batch when another thread has become the leader, that one is told again. */
static void lead(void)
{
    struct epoll_event batch[BATCH];

    while (loop.leader == self) {
        uint64_t until_ns = loop.timers ? loop.timers->at_ns : 0;
        int count;

        loop.sleeps_until_ns = until_ns;
        loop.sleeping = true;
        loop_unlock();
        count = machine.epoll_wait(loop.epoll, batch, BATCH, deadline_poll_ms(until_ns));
        loop_lock();
        loop.sleeping = false;
        for (int i = 0; i < count && loop.leader == self; i++)
            dispatch(&batch[i]);
        fire_timers();
    }
}

/* ---- a thread that drives the loop for a while */

/* The leader that waits in epoll sees that it is none any more, and becomes the deputy. */
static void displace_leader(void)
{
    if (loop.leader != GUEST && loop.sleeping)
        eventfd_write(loop.wake, 1);
    loop.leader = GUEST;
    loop.outside_since_ns = 0;
}

bool loop_drive_begin(void)
{
    bool may;

    loop_lock();
    may = !self && loop.leader && !loop.gone && !loop.driven;
    if (may) {
        loop.driven = true;
        self = GUEST;
        displace_leader();
    }
    loop_unlock();
    return may;
}

bool loop_drive(void)
{
    struct epoll_event batch[BATCH];
    int count = 0;

    loop_lock();
    if (loop.leader == self) {
        count = machine.epoll_wait(loop.epoll, batch, BATCH, 0);
        for (int i = 0; i < count && loop.leader == self; i++)
            dispatch(&batch[i]);
        fire_timers();
    }
    loop_unlock();
    return count > 0;
}

void loop_drive_end(bool soon)
{
    loop_lock();
    loop.driven = false;
    begin_outside(soon ? now_ns() : 1);
    self = 0;
    loop_unlock();
}

/* ---- the deputy */

static void take_over(void)
{
    loop.leader = self;
    loop.deputy = 0;
    loop.outside_since_ns = 0;
}

/* How long the leader may be outside: hardly at all when it is a thread that has gone its own way. */
static uint64_t outside_until_ns(void)
{
    bool left = loop.leader == GUEST && !loop.driven;

    return loop.outside_since_ns + (left ? guest_patience_ns : patience_ns);
}

static void doze(uint64_t until_ns)
{
    loop.deputy_asleep = until_ns == 0;
    wait_until(&for_deputy, until_ns);
    loop.deputy_asleep = false;
}

static void deputise(void)
{
    unsigned long seen = loop.times_outside;
    int ticks = 0;

    while (loop.deputy == self) {
        uint64_t now = now_ns();

        if (loop.outside_since_ns && now >= outside_until_ns()) {
            take_over();
            break;
        }
        if (seen != loop.times_outside)
            ticks = 0;
        seen = loop.times_outside;
        if (loop.outside_since_ns)
            doze(outside_until_ns());
        else if (loop.leader == GUEST)
            doze(now + guest_patience_ns);
        else
            doze(ticks++ < TICKS_MAX ? now + patience_ns : 0);
    }
}

/* ---- */

static void *serve(void *arg)
{
    self = (unsigned)(uintptr_t)arg;
    t_private_thread_begins();
    prctl(PR_SET_NAME, "seam");
    loop_lock();
    loop.starting--;
    pthread_cond_broadcast(&for_starts);
    while (loop.leader == self || loop.deputy == self || !loop.deputy) {
        if (loop.leader == self)
            lead();
        else {
            loop.deputy = self;
            deputise();
        }
    }
    loop.threads--;
    t_private_thread_ends();
    loop_unlock();
    return NULL;
}

static int make_wake(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int r = make_place(loop.wake);

    if (r < 0)
        return r;
    event.data.u64 = (uint32_t)loop.wake;
    return epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.wake, &event) < 0 ? -errno : 0;
}

static int make_descriptors(void)
{
    int epoll = t_private_fd(epoll_create1(EPOLL_CLOEXEC));
    int wake = epoll < 0 ? -1 : t_private_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

    if (epoll < 0)
        return epoll;
    if (wake < 0) {
        t_private_close(epoll);
        return wake;
    }
    loop.epoll = epoll;
    loop.wake = wake;
    return 0;
}

static int start_loop(void)
{
    int r;

    if (loop.gone)
        return -ENOTSUP;
    if (loop.leader)
        return 0;
    pthread_once(&once, begin);
    r = loop.epoll ? 0 : make_descriptors();
    if (r == 0)
        r = make_wake();
    return r < 0 && r != -EEXIST ? r : start_thread(&loop.leader);
}
