/*
 * test/parallel.c - subtests that run beside their siblings.
 *
 * A subtest says so by seam_parallel, which leaves its function. When the parent's function has
 * returned, the function is called again from its beginning in a thread of its own, and this time
 * seam_parallel returns. Threads, not processes: siblings share the parent's doubles, as in Go.
 */

#include <semaphore.h>
#include <stdlib.h>
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
bool parallel_defer(seam_t *t, seam_fn *fn, void *arg)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    struct waiting **last = &t->parent->waiting;
    seam_t *kept = malloc(sizeof *kept);

    wants = NULL;
    if (!waiting || !kept)
        seam_fatal_at(t->parent, (seam_site){ 0 }, "out of memory for a parallel subtest");
    memcpy(kept, t, sizeof *kept);
    kept->in_thread = kept->released = true;
    kept->paused_ns = now_ns(); /* since when; the span replaces it */
    *waiting = (struct waiting){ .t = kept, .fn = fn, .arg = arg };
    while (*last)
        last = &(*last)->next;
    *last = waiting;
    say(kept, EVENT_PAUSE);
    return true;
}

static void *run_one(void *arg)
{
    struct waiting *waiting = arg;
    seam_t *t = waiting->t;

    take_slot();
    current_test = t;
    t->paused_ns = now_ns() - t->paused_ns;
    say(t, EVENT_CONTINUE);
    leave_call(t, waiting->fn, waiting->arg);
    t_finish(t);
    sem_post(&slots);
    return NULL;
}

/* A waiting parent gives its own slot away, so that nested parallel subtests cannot block each other. */
void parallel_run(seam_t *t)
{
    bool has_slot = t->in_thread;

    pthread_once(&slots_once, make_slots);
    if (has_slot)
        sem_post(&slots);
    for (struct waiting *waiting = t->waiting; waiting; waiting = waiting->next)
        if (pthread_create(&waiting->thread, NULL, run_one, waiting) != 0) {
            waiting->thread = pthread_self();
            seam_error_at(waiting->t, (seam_site){ 0 },
                          "cannot start a thread for this subtest");
            t_finish(waiting->t);
        }
    for (struct waiting *waiting = t->waiting, *next; waiting; waiting = next) {
        next = waiting->next;
        if (!pthread_equal(waiting->thread, pthread_self()))
            pthread_join(waiting->thread, NULL);
        free(waiting->t);
        free(waiting);
    }
    t->waiting = NULL;
    if (has_slot)
        take_slot();
}
