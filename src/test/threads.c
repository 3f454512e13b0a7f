/* test/threads.c - n threads that begin at once. */

#include <string.h>

#include "test/state.h"

struct team {
    seam_t *t;
    void (*fn)(seam_t *t, int index, void *arg);
    void *arg;
    pthread_rwlock_t gate; /* shut while it is held for writing */
    bool called_off; /* guarded by the gate: not all could be started */
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
    struct team *team = member->team;
    bool called_off;

    pthread_rwlock_rdlock(&team->gate);
    called_off = team->called_off;
    pthread_rwlock_unlock(&team->gate);
    if (called_off)
        return NULL;
    current_test = team->t;
    leave_call(team->t, call, member);
    return NULL;
}

/* Returns how many could be started; fewer than n: *ret_error says why. */
static int start(struct team *team, struct member *members, int n, int *ret_error)
{
    for (int i = 0; i < n; i++) {
        members[i] = (struct member){ .team = team, .index = i };
        *ret_error = pthread_create(&members[i].thread, NULL, begin, &members[i]);
        if (*ret_error != 0)
            return i;
    }
    return n;
}

void seam_threads_at(seam_t *t, seam_site at, int n,
                     void (*fn)(seam_t *t, int index, void *arg), void *arg)
{
    struct team team = { .t = t, .fn = fn, .arg = arg };
    struct member *members;
    int started, error = 0;

    if (n <= 0)
        seam_fatal_at(t, at, "seam_threads: %d threads asked", n);
    members = arena_zero(&t->arena, (size_t)n * sizeof *members);
    pthread_rwlock_init(&team.gate, NULL);
    pthread_rwlock_wrlock(&team.gate);
    started = start(&team, members, n, &error);
    team.called_off = started < n;
    pthread_rwlock_unlock(&team.gate);
    for (int i = 0; i < started; i++)
        pthread_join(members[i].thread, NULL);
    pthread_rwlock_destroy(&team.gate);
    if (started < n)
        seam_fatal_at(t, at, "cannot start thread %d of %d: %s", started + 1, n,
                      strerror(error));
    if (t->must_leave)
        seam_leave();
}
