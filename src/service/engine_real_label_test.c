/* service/engine_real_label_test.c - networks, volumes, events and labels of a Docker daemon that runs here. */

#include <jansson.h>
#include <seam/seam.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "service/engine_test.h"

SEAM_FILE(.tags = "integration");

/* A label of this test's own, and all that has it is removed in the end. */
struct own {
    struct engine *engine;
    char label[64];
};

static void prune(void *arg)
{
    struct own *own = arg;

    engine_prune(own->engine, own->label, NULL);
}

static struct own *begin(seam_t *t)
{
    struct own *own = seam_alloc(t, sizeof *own);

    own->engine = engine_test_real(t);
    snprintf(own->label, sizeof own->label, "seam.run=test-%d", (int)getpid());
    seam_cleanup(t, prune, own);
    return own;
}

static const char *create(seam_t *t, struct own *own, const char *command, json_t *network)
{
    char *id = seam_alloc(t, 65);
    struct err err = { "" };
    json_t *body = json_pack("{s:s, s:[s,s,s], s:{s:s}, s:o*}", "Image", ENGINE_TEST_IMAGE,
                             "Cmd", "/bin/sh", "-c", command, "Labels", "seam.run",
                             strchr(own->label, '=') + 1, "NetworkingConfig", network);
    int r = engine_create(own->engine, ENGINE_TEST_IMAGE, NULL, body, id, &err);

    json_decref(body);
    if (r == 0)
        r = engine_start(own->engine, id, &err);
    if (r < 0)
        seam_fatal(t, "%s", err.text);
    return id;
}

static void count_run(void *arg, const char *run)
{
    struct own *own = ((void **)arg)[0];
    int *count = ((void **)arg)[1];

    *count += strcmp(run, strchr(own->label, '=') + 1) == 0;
}

static int runs_of(seam_t *t, struct own *own)
{
    struct err err = { "" };
    int count = 0;

    if (engine_runs(own->engine, count_run, (void *[]){ own, &count }, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return count;
}

SEAM_TEST(real_prune_removes_what_bears_the_label)
{
    struct own *own = begin(t);
    const char *const labels[] = { own->label, NULL };
    struct err err = { "" };
    char id[65];

    seam_check_eq(t, runs_of(t, own), 0);
    for (int i = 0; i < 3; i++)
        create(t, own, "sleep 60", NULL);
    if (engine_network(own->engine, own->label + 9, labels, id, &err) < 0 ||
        engine_volume(own->engine, own->label + 9, labels, &err) < 0 ||
        engine_volume(own->engine, own->label + 9, labels, &err) < 0)
        seam_fatal(t, "%s", err.text);
    seam_check_eq(t, runs_of(t, own), 1);
    seam_check_eq(t, engine_prune(own->engine, own->label, &err), 5);
    seam_check_eq(t, runs_of(t, own), 0);
    seam_check_eq(t, engine_prune(own->engine, own->label, &err), 0);
}

SEAM_TEST(real_prune_says_what_stays)
{
    struct own *own = begin(t);
    const char *const labels[] = { own->label, NULL };
    struct own *user = seam_alloc(t, sizeof *user);
    struct err err = { "" };
    const char *other;
    char id[65];

    user->engine = own->engine;
    snprintf(user->label, sizeof user->label, "seam.run=user-%d", (int)getpid());
    seam_cleanup(t, prune, user);
    if (engine_network(own->engine, own->label + 9, labels, id, &err) < 0)
        seam_fatal(t, "%s", err.text);
    other =
        create(t, user, "sleep 60", json_pack("{s:{s:{}}}", "EndpointsConfig", own->label + 9));
    seam_check_eq(t, engine_prune(own->engine, own->label, &err), -EACCES);
    seam_check(t, strstr(err.text, "has active endpoints") != NULL);
    seam_check_eq(t, engine_remove(own->engine, other, &err), 0);
}

SEAM_TEST(real_containers_reach_each_other_by_alias)
{
    static const char *const argv[] = { "getent", "hosts", "db", NULL };
    struct own *own = begin(t);
    const char *const labels[] = { own->label, NULL };
    struct buf out = BUF_INIT(1000), error = BUF_INIT(1000);
    struct err err = { "" };
    int status = -1;
    const char *id;
    char network[65];

    if (engine_network(own->engine, own->label + 9, labels, network, &err) < 0)
        seam_fatal(t, "%s", err.text);
    id = create(
        t, own, "sleep 60",
        json_pack("{s:{s:{s:[s]}}}", "EndpointsConfig", own->label + 9, "Aliases", "db"));
    if (engine_exec(own->engine, id, &(struct engine_exec){ .argv = argv }, &status, &out,
                    &error, &err) < 0)
        seam_fatal(t, "%s", err.text);
    seam_check_eq(t, status, 0);
    seam_check(t, strstr(buf_text(&out), "db") != NULL);
    buf_fini(&out);
    buf_fini(&error);
}

/* ---- events */

struct follower {
    struct own *own;
    char id[65];
    int result, cancel;
    int died;
    struct err err;
};

static bool see(void *arg, const json_t *event)
{
    struct follower *follower = arg;

    if (strcmp(engine_text(event, "status"), "die") != 0 ||
        strcmp(engine_text(event, "id"), follower->id) != 0)
        return true;
    __atomic_store_n(&follower->died, 1, __ATOMIC_RELAXED);
    return false;
}

static void *follow(void *arg)
{
    struct follower *follower = arg;

    follower->result = engine_events(follower->own->engine, follower->own->label, see, follower,
                                     &follower->cancel, &follower->err);
    return NULL;
}

SEAM_TEST(real_events_tell_that_a_container_died)
{
    struct own *own = begin(t);
    struct follower follower = { .own = own };
    struct err err = { "" };
    pthread_t thread;

    memcpy(follower.id, create(t, own, "sleep 60", NULL), sizeof follower.id);
    seam_require_ok(t, pthread_create(&thread, NULL, follow, &follower));
    /* Whether it follows already cannot be known; it is started again until the death was seen. */
    for (int i = 0; i < 20; i++) {
        engine_signal(own->engine, follower.id, "kill", NULL);
        if (__atomic_load_n(&follower.died, __ATOMIC_RELAXED))
            break;
        engine_start(own->engine, follower.id, &err);
    }
    pthread_join(thread, NULL);
    seam_check_eq(t, follower.result, 0);
    seam_check(t, follower.died);
}

SEAM_TEST(real_events_are_cancelled)
{
    struct own *own = begin(t);
    struct follower follower = { .own = own, .cancel = 1 };

    follow(&follower);
    seam_check_eq(t, follower.result, -ECANCELED);
    seam_check_eq(t, follower.err.text, "cannot follow the Docker daemon's events: cancelled");
}
