/* service/modules/daemon.c - the Docker daemon that this keeper uses; see daemon.h. */

#include "service/modules/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/modules/ryuk.h"

enum {
    PRUNE_ROUNDS = 8, /* of a dead keeper: what it had begun to make appears a little later */
    PRUNE_PAUSE_MS = 500,
    PRUNE_MAX_MS = 15000,
    LOOK_PAUSE_MS = 10,
    LOOK_PAUSE_MAX_MS = 160,
    DEAD_MAX_MS = 2000,
    REMOVE_PAUSE_MS = 50,
    REMOVE_PAUSE_MAX_MS = 1000,
    REMOVE_MAX_MS = 30000,
    RUNS_MAX = 256
};

static struct {
    pthread_mutex_t lock; /* guards `engine` until it is there; held while it is looked for */
    struct engine *engine;
    char label[RUN_LABEL_MAX];
    struct ryuk ryuk; /* of a daemon on another machine */
    pthread_rwlock_t making; /* read by who makes something, written by who ends it all */
    atomic_bool closed;
    int cancel; /* the same, as the engine's calls read it */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .making = PTHREAD_RWLOCK_INITIALIZER,
            .ryuk = { .fd = -1 } };

static bool start_thread(void *(*run)(void *arg), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, arg) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

/* ---- sweeping and pruning --------------------------------------------------------------- */

struct dead_runs {
    char *labels[RUNS_MAX];
    size_t count;
};

static void note_dead(void *arg, const char *run)
{
    struct dead_runs *dead = arg;
    const char *value = strncmp(run, "seam.run=", 9) == 0 ? run + 9 : run;
    char label[RUN_LABEL_MAX];

    if (dead->count < RUNS_MAX && run_label_is_dead(value)) {
        snprintf(label, sizeof label, "seam.run=%s", value);
        dead->labels[dead->count++] = strdup(label);
    }
}

static void sweep(struct engine *engine)
{
    struct dead_runs dead = { .count = 0 };

    engine_runs(engine, note_dead, &dead, NULL);
    for (size_t i = 0; i < dead.count; i++) {
        if (dead.labels[i])
            engine_prune(engine, dead.labels[i], NULL);
        free(dead.labels[i]);
    }
}

static void *run_sweep(void *arg)
{
    sweep(arg);
    return NULL;
}

/* Remove until a look finds nothing: what the daemon is just making or removing appears or stays a little longer. One
 * that has died may come back, but is not waited for: the next run sweeps. */
static int prune_all(struct engine *engine, const char *label)
{
    uint64_t begin = now_ns();
    int r, patience_ms, pause_ms = LOOK_PAUSE_MS;

    do {
        r = engine_prune(engine, label, NULL);
        patience_ms = r == -ENOTCONN ? DEAD_MAX_MS : PRUNE_MAX_MS;
        if (r != 0) { /* who asks too often takes the time that the daemon needs */
            poll(NULL, 0, pause_ms);
            pause_ms = pause_ms < LOOK_PAUSE_MAX_MS ? pause_ms * 2 : pause_ms;
        }
    } while (r != 0 && now_ns() < begin + (uint64_t)patience_ms * 1000000u);
    return r;
}

/* What the dead keeper had asked for may appear after it. */
int daemon_prune_run(const char *run, int keeper)
{
    char label[RUN_LABEL_MAX];
    struct engine *engine;
    int r = engine_open(&engine, NULL, NULL);

    if (r < 0)
        return r;
    run_label(run, keeper, label);
    r = prune_all(engine, label);
    for (int i = 0; i < PRUNE_ROUNDS; i++) {
        poll(NULL, 0, PRUNE_PAUSE_MS);
        r = prune_all(engine, label);
    }
    engine_close(engine);
    return r;
}

int daemon_sweep(void)
{
    struct engine *engine;
    int r = engine_open(&engine, NULL, NULL);

    if (r < 0)
        return r;
    sweep(engine);
    engine_close(engine);
    return 0;
}

/* ---- the keeper's ----------------------------------------------------------------------- */

/* When this machine fails, nobody here can clean up on another one. */
static void guard(struct keeper *keeper)
{
    struct err err = { "" };

    if (ryuk_start(state.engine, state.label, &state.ryuk, &err) == 0)
        return;
    keeper_note(keeper,
                "warning: '%s' is another machine, and Ryuk, which would clean up there, "
                "cannot be started (%s): when "
                "this machine fails, what runs there stays; try: docker rm -f $(docker ps -aqf "
                "label=%s)",
                engine_where(state.engine), err.text, state.label);
}

static int find(struct keeper *keeper, const char **ret_remedy, struct err *err)
{
    int r = engine_open(&state.engine, ret_remedy, err);

    if (r < 0)
        return r;
    run_label(keeper->dirs.run, keeper->number, state.label);
    r = clean_note_containers(&keeper->dirs);
    if (r < 0) {
        engine_close(state.engine);
        state.engine = NULL;
        return err_system(err, r, "cannot write into '%s'", keeper->dirs.memory);
    }
    keeper_note(keeper, "docker %s at %s", engine_version(state.engine),
                engine_where(state.engine));
    if (!engine_is_local(state.engine))
        guard(keeper);
    start_thread(run_sweep, state.engine);
    return 0;
}

int daemon_open(struct keeper *keeper, struct engine **ret, const char **ret_remedy,
                struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&state.lock);
    if (!state.engine)
        r = find(keeper, ret_remedy, err);
    *ret = state.engine;
    pthread_mutex_unlock(&state.lock);
    return r;
}

const char *daemon_label(void)
{
    return state.label;
}

int daemon_begin_making(void)
{
    pthread_rwlock_rdlock(&state.making);
    if (!atomic_load(&state.closed))
        return 0;
    pthread_rwlock_unlock(&state.making);
    return -ECANCELED;
}

void daemon_end_making(void)
{
    pthread_rwlock_unlock(&state.making);
}

/* ---- removing --------------------------------------------------------------------------- */

struct removal {
    bool is_network;
    char id[80];
};

static void *run_removal(void *arg)
{
    struct removal *removal = arg;
    uint64_t deadline = deadline_after_ms(REMOVE_MAX_MS);
    int pause_ms = REMOVE_PAUSE_MS, r;

    while (!atomic_load(&state.closed) && now_ns() < deadline) {
        r = removal->is_network ? engine_network_remove(state.engine, removal->id, NULL)
                                : engine_remove(state.engine, removal->id, NULL);
        if (r == 0 || r == -ENOENT)
            break;
        poll(NULL, 0, pause_ms); /* a network must first lose what is in it */
        pause_ms = pause_ms * 2 < REMOVE_PAUSE_MAX_MS ? pause_ms * 2 : REMOVE_PAUSE_MAX_MS;
    }
    free(removal);
    return NULL;
}

/* What cannot be removed now is removed with all else. */
static void remove_later(const char *id, bool is_network)
{
    struct removal *removal = calloc(1, sizeof *removal);

    if (!removal)
        return;
    removal->is_network = is_network;
    snprintf(removal->id, sizeof removal->id, "%s", id);
    if (atomic_load(&state.closed) || !start_thread(run_removal, removal))
        free(removal);
}

void daemon_remove_container(const char *id)
{
    remove_later(id, false);
}

void daemon_remove_network(const char *id)
{
    remove_later(id, true);
}

void daemon_close(void)
{
    atomic_store(&state.closed, true);
    __atomic_store_n(&state.cancel, 1, __ATOMIC_SEQ_CST);
}

const int *daemon_cancel(void)
{
    return &state.cancel;
}

/* What is there goes at once. Whoever is making something is waited for then: what he makes must not appear behind
 * the last look. */
static void *run_prune(void *arg)
{
    engine_prune(state.engine, state.label, NULL);
    pthread_rwlock_wrlock(&state.making);
    prune_all(state.engine, state.label);
    ryuk_end(state.engine, &state.ryuk);
    pthread_rwlock_unlock(&state.making);
    return arg;
}

bool daemon_prune_begin(pthread_t *ret)
{
    return state.engine && pthread_create(ret, NULL, run_prune, NULL) == 0;
}
