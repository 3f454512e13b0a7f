/* clock/clock_advance.c - the time goes on, from one sleeper to the next; see clock.h. */

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"
#include "clock/clock.h"
#include "clock/clock_words.h"
#include "clock/thread_state.h"
#include "link/time_wait.h"

enum {
    WAKE_MS = 2000, /* so long one that has been woken may take to wake up */
    SETTLE_MS = 100, /* and a thread that has, until it waits again */
    PROGRAM_SETTLE_MS = 20, /* and all threads of a program that a timer has woken */
    PAUSE_NS = 20000
};

void clock_pause(int64_t ns)
{
    struct timespec pause = time_spec(ns);

    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
}

bool clock_has_sleeper(struct page *page, int i)
{
    struct page_sleeper *sleeper = &page->sleepers[i];
    int32_t tid = atomic_load(&sleeper->tid);
    bool is_timer = sleeper->kind == PAGE_TIMER || sleeper->kind == PAGE_ALARM;

    if (tid <= 0)
        return false;
    if (thread_state(sleeper->pid, is_timer ? sleeper->pid : tid) != THREAD_GONE)
        return true;
    atomic_compare_exchange_strong(&sleeper->tid, &tid, 0);
    return false;
}

int clock_count_sleepers(struct page *page)
{
    int count = 0;

    for (int i = 0; i < PAGE_SLEEPERS; i++)
        count += clock_has_sleeper(page, i);
    return count;
}

/* ---- one step ---------------------------------------------------------------------------- */

/* Those that wake up at one time. */
struct woken {
    struct {
        int sleeper;
        int32_t tid, pid;
        bool is_timer;
    } list[PAGE_SLEEPERS];
    int count;
};

static void note_due(struct page *page, int64_t at_ns, struct woken *woken)
{
    woken->count = 0;
    for (int i = 0; i < PAGE_SLEEPERS; i++) {
        const struct page_sleeper *sleeper = &page->sleepers[i];
        int32_t tid = atomic_load(&sleeper->tid);

        if (tid <= 0 || atomic_load(&sleeper->until_ns) > at_ns)
            continue;
        woken->list[woken->count].sleeper = i;
        woken->list[woken->count].tid = tid;
        woken->list[woken->count].pid = sleeper->pid;
        woken->list[woken->count++].is_timer =
            sleeper->kind == PAGE_TIMER || sleeper->kind == PAGE_ALARM;
    }
}

/* Whether all whose time has come have seen it. */
static bool all_are_up(struct page *page, const struct woken *woken, bool look_for_dead)
{
    int64_t now = atomic_load(&page->monotonic_ns);

    for (int i = 0; i < woken->count; i++) {
        int at = woken->list[i].sleeper;

        if (atomic_load(&page->sleepers[at].tid) == woken->list[i].tid &&
            atomic_load(&page->sleepers[at].until_ns) <= now &&
            (!look_for_dead || clock_has_sleeper(page, at)))
            return false;
    }
    return true;
}

static bool await_all_up(struct page *page, const struct woken *woken)
{
    uint64_t deadline = deadline_after_ms(WAKE_MS);

    for (int round = 0; !all_are_up(page, woken, round % 64 == 63); round++) {
        if (now_ns() > deadline)
            return false;
        time_ring();
        clock_pause(round < 100 ? PAUSE_NS : 50 * PAUSE_NS);
    }
    return true;
}

static void copy_sleeper(struct page_sleeper *to, const struct page_sleeper *from)
{
    atomic_store(&to->pid, atomic_load(&from->pid));
    atomic_store(&to->kind, atomic_load(&from->kind));
    atomic_store(&to->until_ns, atomic_load(&from->until_ns));
    page_get_text(to->function, from->function, sizeof to->function);
    page_get_text(to->program, from->program, sizeof to->program);
    page_get_text(to->thread, from->thread, sizeof to->thread);
}

/* Those that did not wake are left out from now on: the time goes on without them. */
static void give_up(struct page *page, const struct woken *woken, struct buf *ret)
{
    struct page *left = calloc(1, sizeof *left);

    for (int i = 0; i < woken->count; i++) {
        int at = woken->list[i].sleeper;
        int32_t tid = woken->list[i].tid;

        if (!atomic_compare_exchange_strong(&page->sleepers[at].tid, &tid, 0))
            continue;
        if (left) {
            atomic_store(&left->monotonic_ns, atomic_load(&page->monotonic_ns));
            copy_sleeper(&left->sleepers[at], &page->sleepers[at]);
            atomic_store(&left->sleepers[at].tid, tid);
        }
    }
    if (left)
        clock_add_sleepers(ret, left);
    free(left);
}

/* ---- until those that were woken wait again ---------------------------------------------- */

static bool sleeps_again(struct page *page, int32_t tid)
{
    for (int i = 0; i < PAGE_SLEEPERS; i++)
        if (atomic_load(&page->sleepers[i].tid) == tid)
            return true;
    return false;
}

/* Two looks: a thread waits for a moment now and then. */
static bool waits(pid_t pid, pid_t tid)
{
    if (thread_state(pid, tid) == THREAD_RUNS)
        return false;
    clock_pause(PAUSE_NS);
    return thread_state(pid, tid) != THREAD_RUNS;
}

static void settle_thread(struct page *page, pid_t pid, pid_t tid)
{
    uint64_t deadline = deadline_after_ms(SETTLE_MS);

    while (!sleeps_again(page, tid) && !waits(pid, tid) && now_ns() < deadline)
        clock_pause(PAUSE_NS);
}

struct program {
    pid_t pid, self;
    bool waits;
};

static bool look_at_thread(void *arg, pid_t tid)
{
    struct program *program = arg;

    if (tid != program->self)
        program->waits = waits(program->pid, tid);
    return program->waits;
}

/* Who has read the timer is not known: all of its threads. */
static void settle_program(pid_t pid)
{
    uint64_t deadline = deadline_after_ms(PROGRAM_SETTLE_MS);
    struct program program = { .pid = pid, .self = gettid() };

    do {
        program.waits = true;
        thread_visit(pid, look_at_thread, &program);
    } while (!program.waits && now_ns() < deadline);
}

static void settle(struct page *page, const struct woken *woken)
{
    for (int i = 0; i < woken->count; i++)
        if (woken->list[i].is_timer)
            settle_program(woken->list[i].pid);
        else
            settle_thread(page, woken->list[i].pid, woken->list[i].tid);
}

/* ---- all of them ------------------------------------------------------------------------- */

static int64_t next_stop(struct page *page, int64_t to_ns)
{
    int64_t now = atomic_load(&page->monotonic_ns), next = to_ns;

    for (int i = 0; i < PAGE_SLEEPERS; i++) {
        int64_t until = atomic_load(&page->sleepers[i].until_ns);

        if (atomic_load(&page->sleepers[i].tid) > 0 && until > now && until < next)
            next = until;
    }
    return next;
}

bool clock_advance(struct page *page, int64_t to_ns, struct buf *ret)
{
    struct woken woken;
    bool all_up = true;

    do {
        int64_t next = next_stop(page, to_ns);

        note_due(page, next, &woken);
        time_move(next);
        if (!await_all_up(page, &woken)) {
            give_up(page, &woken, ret);
            all_up = false;
        } else
            settle(page, &woken);
    } while (atomic_load(&page->monotonic_ns) < to_ns);
    return all_up;
}
