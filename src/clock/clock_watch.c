/*
 * clock/clock_watch.c - a thread that looks whether everybody waits for a time that stands still; see clock.h.
 *
 * Two ways to stand still. Where each thread of the test waits for the time, or for another that does, nobody is left
 * who could move it: the test fails at once, and its sleepers are woken so that it ends. Where one waits for
 * something else, such as a descriptor, it may come: then the test's log tells, in case it does not.
 */

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"
#include "clock/clock.h"
#include "clock/clock_words.h"
#include "clock/thread_state.h"
#include "link/time_wait.h"
#include "test/t.h"

enum { LOOK_MS = 50, STUCK_LOOKS = 6, TELL_MS = 1000, WORDS_MAX = 16 << 10, TOLD_PART = 3 };

struct look {
    struct page *page;
    pid_t self;
    bool stuck; /* nobody of the test's process can go on */
};

/* Whether its sleep can end in no other way than by the time, or by another thread of the process. */
static bool sleeps_for_good(struct page *page, pid_t tid)
{
    for (int i = 0; i < PAGE_SLEEPERS; i++)
        if (atomic_load(&page->sleepers[i].tid) == tid)
            return page->sleepers[i].kind != PAGE_POLL &&
                   page->sleepers[i].kind != PAGE_TIMER && page->sleepers[i].kind != PAGE_ALARM;
    return false;
}

extern void __tsan_init(void) __attribute__((weak));

/* A lock, a condition, the end of a thread. TSan has a thread that sleeps past the hooks. */
static bool waits_for_another(pid_t tid)
{
    long call = thread_system_call(tid);

#ifdef SYS_nanosleep
    if (__tsan_init && call == SYS_nanosleep)
        return true;
#endif
    return call == SYS_futex || (__tsan_init && call == SYS_clock_nanosleep);
}

static bool look_at_thread(void *arg, pid_t tid)
{
    struct look *look = arg;

    look->stuck = tid == look->self || t_is_private_thread(tid) ||
                  sleeps_for_good(look->page, tid) || waits_for_another(tid);
    return look->stuck;
}

/* Timers wake somebody for whom nobody waits here. */
static bool has_sleeping_thread(struct page *page)
{
    for (int i = 0; i < PAGE_SLEEPERS; i++)
        if (atomic_load(&page->sleepers[i].tid) > 0 && page->sleepers[i].pid == getpid() &&
            sleeps_for_good(page, atomic_load(&page->sleepers[i].tid)))
            return true;
    return false;
}

static bool is_stuck(struct page *page)
{
    struct look look = { .page = page, .self = gettid(), .stuck = true };

    if (!has_sleeping_thread(page))
        return false;
    thread_visit(getpid(), look_at_thread, &look);
    return look.stuck;
}

static void end_stuck(seam_clock *clock)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    char now[CLOCK_TEXT_SIZE];

    clock_write(atomic_load(&page_now()->wall_ns), now);
    clock_add_sleepers(&words, page_now());
    seam_error_at(
        clock->t, clock->site,
        "the clock stands still at %s, and all threads wait for it\n%s\n"
        "try: seam_clock_advance in the test's own thread, or .sleepers_advance = true",
        now, buf_text(&words));
    buf_fini(&words);
    clock_end(clock);
}

/* Shown when the test fails, or its time runs out. */
static void tell(seam_clock *clock)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    char now[CLOCK_TEXT_SIZE];

    clock_write(atomic_load(&page_now()->wall_ns), now);
    clock_add_sleepers(&words, page_now());
    seam_log_at(clock->t, clock->site, "the clock stands still at %s; on it wait\n%s", now,
                buf_text(&words));
    buf_fini(&words);
}

/* In good time before the test's own runs out. */
static uint64_t tell_after_ns(seam_clock *clock)
{
    uint64_t most = TELL_MS * UINT64_C(1000000), deadline = seam_deadline(clock->t);
    uint64_t now = now_ns();

    if (deadline > now && (deadline - now) / TOLD_PART < most)
        return (deadline - now) / TOLD_PART;
    return most;
}

struct standing {
    int64_t at_ns;
    uint32_t turn;
    uint64_t since_ns;
    int stuck_looks;
    bool told;
};

static void look(seam_clock *clock, struct standing *standing, uint64_t patience_ns)
{
    struct page *page = page_now();
    uint32_t turn = atomic_load(&page->turn);
    int64_t at = atomic_load(&page->monotonic_ns);

    if (at != standing->at_ns || turn != standing->turn || atomic_load(&clock->moves)) {
        *standing = (struct standing){ .at_ns = at,
                                       .turn = turn,
                                       .since_ns = now_ns(),
                                       .told = at == standing->at_ns && standing->told };
        return;
    }
    standing->stuck_looks = is_stuck(page) ? standing->stuck_looks + 1 : 0;
    if (standing->stuck_looks == STUCK_LOOKS)
        end_stuck(clock);
    else if (!standing->told && now_ns() - standing->since_ns > patience_ns &&
             clock_count_sleepers(page) > 0) {
        standing->told = true;
        tell(clock);
    }
}

static void *watch(void *arg)
{
    seam_clock *clock = arg;
    struct standing standing = { .at_ns = -1 };
    uint64_t patience = tell_after_ns(clock), next = 0;

    t_private_thread_begins();
    while (!atomic_load(&clock->finish) && !atomic_load(&clock->ended)) {
        uint32_t turn = atomic_load(&page_now()->turn);

        if (time_ring() > 0)
            clock_pause(TIME_MILLI / 20);
        else
            time_await_turn(turn, LOOK_MS * TIME_MILLI);
        if (now_ns() < next)
            continue;
        next = now_ns() + LOOK_MS * UINT64_C(1000000);
        look(clock, &standing, patience);
    }
    t_private_thread_ends();
    return NULL;
}

void clock_watch_begin(seam_clock *clock)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    t_private_thread_planned(true);
    clock->watched = pthread_create(&clock->watcher, NULL, watch, clock) == 0;
    if (!clock->watched)
        t_private_thread_planned(false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void clock_watch_end(seam_clock *clock)
{
    if (!clock->watched)
        return;
    atomic_store(&clock->finish, true);
    time_tell();
    pthread_join(clock->watcher, NULL);
    clock->watched = false;
}
