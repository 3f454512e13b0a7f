/* test/threads.c - n threads that begin at once. */

#include <stdlib.h>
#include <string.h>

#include "test/state.h"

struct team {
    seam_t *t;
    void (*fn)(seam_t *t, int index, void *arg);
    void *arg;
    pthread_barrier_t start;
};

struct member {
    struct team *team;
    int index;
    pthread_t thread;
};

static void call(seam_t *t, void *arg)
{
    struct member *member = arg;

    member->team->fn(t, member->index, member->team->arg);
}

static void *begin(void *arg)
{
    struct member *member = arg;

    pthread_barrier_wait(&member->team->start);
    current_test = member->team->t;
    leave_call(member->team->t, call, member);
    return NULL;
}

void seam_threads_at(seam_t *t, seam_site at, int n,
                     void (*fn)(seam_t *t, int index, void *arg), void *arg)
{
    struct team team = { .t = t, .fn = fn, .arg = arg };
    struct member *members;

    if (n <= 0)
        seam_fatal_at(t, at, "seam_threads: %d threads asked", n);
    members = arena_zero(&t->arena, (size_t)n * sizeof *members);
    pthread_barrier_init(&team.start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        int r;

        members[i] = (struct member){ .team = &team, .index = i };
        r = pthread_create(&members[i].thread, NULL, begin, &members[i]);
        if (r != 0) {
            /* Those that wait at the barrier can never go on, so neither can this process's test. */
            seam_error_at(t, at, "cannot start thread %d of %d: %s", i + 1, n, strerror(r));
            for (int j = 0; j < i; j++)
                pthread_cancel(members[j].thread);
            seam_leave();
        }
    }
    for (int i = 0; i < n; i++)
        pthread_join(members[i].thread, NULL);
    pthread_barrier_destroy(&team.start);
    if (t->must_leave)
        seam_leave();
}
