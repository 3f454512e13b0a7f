/*
 * test/parallel.c - subtests that run beside their siblings.
 *
 * A subtest says so by seam_parallel, which leaves its function. When the parent's function has
 * returned, the function is called again from its beginning in a thread of its own, and this time
 * seam_parallel returns. Threads, not processes: siblings share the parent's doubles, as in Go.
 */

#include <semaphore.h>
#include <string.h>

#include "base/deadline.h"
#include "test/state.h"

static _Thread_local seam_t *wants; /* the subtest that has just left through seam_parallel */
static sem_t slots;
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static void make_slots(void)
{
    sem_init(&slots, 0, process.parallel > 0 ? (unsigned)process.parallel : 1);
}

static void take_slot(void)
{
    while (sem_wait(&slots) < 0)
        ;
}

void seam_parallel_at(seam_t *t, seam_site at)
{
    if (!t->parent)
        return; /* top-level tests are parallel anyway */
    if (t->released)
        return; /* the second call of the function, in its thread */
    for (const seam_t *up = t; up; up = up->parent)
        if (up->changed_process)
            seam_fatal_at(t, at,
                          "a test that uses seam_setenv or seam_chdir cannot have parallel "
                          "subtests: they share one environment");
    if (t->touched)
        seam_fatal_at(t, at,
                      "seam_parallel must be the first thing that a subtest does: what "
                      "stands before it runs twice");
    wants = t;
    seam_leave();
}

bool parallel_wanted(const seam_t *t)
{
    return wants == t;
}

static void say(const seam_t *t, enum event_kind kind)
{
    struct event event = { .kind = (uint8_t)kind, .node = t->node };

    emit(&event);
}

/* The subtest lived on seam_run's stack until now; from here on it must outlive that call. */
void parallel_defer(seam_t *t, seam_fn *fn, void *arg)
{
    struct arena *arena = &t->parent->arena;
    struct waiting *waiting = arena_zero(arena, sizeof *waiting);

    wants = NULL;
    *waiting = (struct waiting){ .t = arena_copy(arena, t, sizeof *t), .fn = fn, .arg = arg };
    waiting->t->in_thread = waiting->t->released = true;
    waiting->t->paused_ns = now_ns(); /* since when; the span replaces it */
    if (t->parent->last_waiting)
        t->parent->last_waiting->next = waiting;
    else
        t->parent->waiting = waiting;
    t->parent->last_waiting = waiting;
    say(waiting->t, EVENT_PAUSE);
}

static void *run_one(void *arg)
{
    struct waiting *waiting = arg;
    seam_t *t = waiting->t;

    current_test = t;
    say(t, EVENT_CONTINUE);
    leave_call(t, waiting->fn, waiting->arg);
    t_finish(t);
    sem_post(&slots);
    return NULL;
}

/* The slot is taken before the thread is there, so that a thousand subtests need no thousand threads. */
static void start(struct waiting *waiting)
{
    seam_t *t = waiting->t;
    int r;

    take_slot();
    t->paused_ns = now_ns() - t->paused_ns;
    r = pthread_create(&waiting->thread, NULL, run_one, waiting);
    waiting->has_thread = r == 0;
    if (r == 0)
        return;
    sem_post(&slots);
    seam_error_at(t, (seam_site){ 0 }, "cannot start a thread for this subtest: %s",
                  strerror(r));
    t_finish(t);
}

/* A waiting parent gives its own slot away, so that nested parallel subtests cannot block each other. */
void parallel_run(seam_t *t)
{
    bool has_slot = t->in_thread;

    pthread_once(&slots_once, make_slots);
    if (has_slot)
        sem_post(&slots);
    for (struct waiting *waiting = t->waiting; waiting; waiting = waiting->next)
        start(waiting);
    for (struct waiting *waiting = t->waiting; waiting; waiting = waiting->next)
        if (waiting->has_thread)
            pthread_join(waiting->thread, NULL);
    t->waiting = t->last_waiting = NULL;
    if (has_slot)
        take_slot();
}
