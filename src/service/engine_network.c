/* service/engine_network.c - networks, volumes, events, and all that bears a label. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { WHAT_MAX = 600, URL_MAX = 4096, WORKERS = 16 };

/* ---- networks and volumes */

static json_t *labels_object(const char *const *labels)
{
    json_t *object = json_object();

    for (size_t i = 0; labels && labels[i]; i++) {
        size_t size = strcspn(labels[i], "=");
        char name[256];

        snprintf(name, sizeof name, "%.*s", (int)size, labels[i]);
        json_object_set_new(object, name,
                            json_string(labels[i][size] ? labels[i] + size + 1 : ""));
    }
    return object;
}

static int make(struct engine *engine, const char *path, const char *what, json_t *body,
                json_t **ret, struct err *err)
{
    int r = -EINVAL;

    if (!body)
        return err_set(err, r, "%s: its name is not UTF-8", what);
    r = engine_do(engine, &(struct engine_call){ .method = "POST", .path = path, .json = body },
                  what, ret, NULL, err);
    json_decref(body);
    return r;
}

int engine_network(struct engine *engine, const char *name, const char *const *labels,
                   char ret_id[65], struct err *err)
{
    char what[WHAT_MAX];
    json_t *answer = NULL;
    int r;

    snprintf(what, sizeof what, "cannot make the network '%s'", name);
    r = make(engine, "/networks/create", what,
             json_pack("{s:s, s:s, s:b, s:o}", "Name", name, "Driver", "bridge",
                       "CheckDuplicate", 1, "Labels", labels_object(labels)),
             &answer, err);
    if (r == 0)
        r = engine_take_id(answer, "Id", what, ret_id, err);
    json_decref(answer);
    return r;
}

static int remove_thing(struct engine *engine, const char *kind, const char *id,
                        const char *rest, const char *what, struct err *err)
{
    struct buf path = BUF_INIT(URL_MAX);
    int r;

    buf_printf(&path, "/%s/", kind);
    engine_escape(&path, id);
    buf_add_text(&path, rest);
    r = engine_do(engine, &(struct engine_call){ .method = "DELETE", .path = buf_text(&path) },
                  what, NULL, NULL, err);
    buf_fini(&path);
    return r;
}

int engine_network_remove(struct engine *engine, const char *id, struct err *err)
{
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "cannot remove the network '%.64s'", id);
    return remove_thing(engine, "networks", id, "", what, err);
}

int engine_volume(struct engine *engine, const char *name, const char *const *labels,
                  struct err *err)
{
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "cannot make the volume '%s'", name);
    return make(engine, "/volumes/create", what,
                json_pack("{s:s, s:o}", "Name", name, "Labels", labels_object(labels)), NULL,
                err);
}

/* ---- events */

int engine_events(struct engine *engine, const char *label,
                  bool (*sink)(void *arg, const json_t *event), void *arg, const int *cancel,
                  struct err *err)
{
    struct engine_lines lines = { .sink = sink, .arg = arg, .rest = BUF_INIT(1 << 20) };
    struct buf path = BUF_INIT(URL_MAX);
    int r;

    buf_add_text(&path, "/events?");
    engine_filter_label(&path, label);
    r = engine_do(engine,
                  &(struct engine_call){ .method = "GET",
                                         .path = buf_text(&path),
                                         .timeout_ms = ENGINE_NEVER_MS,
                                         .sink = engine_lines_feed,
                                         .arg = &lines,
                                         .cancel = cancel },
                  "cannot follow the Docker daemon's events", NULL, NULL, err);
    if (r == 0 && lines.broken)
        r = err_set(err, -EPROTO, "an event of the Docker daemon is no JSON");
    else if (r == 0 && !lines.ended)
        r = err_set(err, -ENOTCONN, "the Docker daemon at '%s' has ended its events",
                    engine_where(engine));
    engine_lines_end(&lines);
    buf_fini(&path);
    return r;
}

/* ---- by label */

/* Kinds of things, in the order in which they can be removed. */
static const struct kind {
    const char *name; /* in paths */
    const char *list; /* the path that lists them, before the filter */
    const char *in; /* the member of the answer that holds the list; NULL: the answer is it */
    const char *id, *rest;
} kinds[] = {
    { "containers", "/containers/json?all=1&", NULL, "Id", "?v=1&force=1" },
    { "networks", "/networks?", NULL, "Id", "" },
    { "volumes", "/volumes?", "Volumes", "Name", "?force=1" },
    { "images", "/images/json?", NULL, "Id", "?force=1" },
};

static int list_labelled(struct engine *engine, const struct kind *kind, const char *label,
                         json_t **ret, json_t **ret_list, struct err *err)
{
    struct buf path = BUF_INIT(URL_MAX);
    char what[WHAT_MAX];
    int r;

    snprintf(what, sizeof what, "cannot list %s", kind->name);
    buf_add_text(&path, kind->list);
    engine_filter_label(&path, label);
    r = engine_do(engine, &(struct engine_call){ .method = "GET", .path = buf_text(&path) },
                  what, ret, NULL, err);
    if (r == 0)
        *ret_list = kind->in ? json_object_get(*ret, kind->in) : *ret;
    buf_fini(&path);
    return r;
}

/* Things of one kind, removed by several threads: the daemon takes a third of a second for each container. */
struct removal {
    struct engine *engine;
    const struct kind *kind;
    const json_t *list;
    pthread_mutex_t lock; /* guards what follows */
    size_t next;
    int failure;
    struct err words;
};

/* The next one's id, NULL when all are taken. */
static const char *next_of(struct removal *removal)
{
    const char *id = NULL;

    pthread_mutex_lock(&removal->lock);
    while (!id && removal->next < json_array_size(removal->list))
        id = json_string_value(
            json_object_get(json_array_get(removal->list, removal->next++), removal->kind->id));
    pthread_mutex_unlock(&removal->lock);
    return id;
}

static void note_result(struct removal *removal, int r, const struct err *words)
{
    pthread_mutex_lock(&removal->lock);
    if (r < 0) {
        removal->failure = r;
        removal->words = *words;
    }
    pthread_mutex_unlock(&removal->lock);
}

/* What somebody else has removed, or is removing, goes without us. */
static bool is_gone(int r, const struct err *words)
{
    return r == -ENOENT || (r == -EEXIST && strstr(words->text, "already in progress"));
}

static void *remove_some(void *arg)
{
    struct removal *removal = arg;
    char what[WHAT_MAX];

    for (const char *id; (id = next_of(removal));) {
        struct err words = { "" };
        int r;

        snprintf(what, sizeof what, "cannot remove '%.100s' of the %s", id,
                 removal->kind->name);
        r = remove_thing(removal->engine, removal->kind->name, id, removal->kind->rest, what,
                         &words);
        note_result(removal, is_gone(r, &words) ? 0 : r, &words);
    }
    return NULL;
}

static void remove_all(struct removal *removal)
{
    size_t want = json_array_size(removal->list), count = 0;
    pthread_t threads[WORKERS];

    while (count < WORKERS && count + 1 < want &&
           pthread_create(&threads[count], NULL, remove_some, removal) == 0)
        count++;
    remove_some(removal);
    while (count > 0)
        pthread_join(threads[--count], NULL);
}

/* Returns how many, or the failure of one; the others are gone all the same. */
static int prune_kind(struct engine *engine, const struct kind *kind, const char *label,
                      struct err *err)
{
    struct removal removal = { .engine = engine, .kind = kind };
    json_t *answer = NULL, *list = NULL;
    int r = list_labelled(engine, kind, label, &answer, &list, err);

    if (r == 0 && json_array_size(list) > 0) {
        pthread_mutex_init(&removal.lock, NULL);
        removal.list = list;
        remove_all(&removal);
        pthread_mutex_destroy(&removal.lock);
        r = removal.failure ? removal.failure : (int)json_array_size(list);
        if (removal.failure && err)
            *err = removal.words;
    }
    json_decref(answer);
    return r;
}

int engine_prune(struct engine *engine, const char *label, struct err *err)
{
    int count = 0, failure = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err words = { "" };
        int r = prune_kind(engine, &kinds[i], label, &words);

        if (r < 0 && failure == 0) {
            failure = r;
            err_set(err, r, "%s", words.text);
        }
        count += r > 0 ? r : 0;
    }
    return failure ? failure : count;
}

/* The label "seam.run" of each thing, once. */
struct runs {
    struct arena arena;
    struct map seen;
    void (*fn)(void *arg, const char *run);
    void *arg;
};

static int tell_runs(struct runs *runs, const json_t *list)
{
    const json_t *thing;
    size_t i;

    json_array_foreach(list, i, thing)
    {
        const char *run = engine_text(json_object_get(thing, "Labels"), "seam.run");
        uint32_t *count;

        if (*run == '\0')
            continue;
        count = map_at(&runs->seen, arena_dup(&runs->arena, run));
        if (!count)
            return -ENOMEM;
        if ((*count)++ == 0)
            runs->fn(runs->arg, run);
    }
    return 0;
}

int engine_runs(struct engine *engine, void (*fn)(void *arg, const char *run), void *arg,
                struct err *err)
{
    struct runs runs = { .fn = fn, .arg = arg };
    int r = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && r == 0; i++) {
        json_t *answer = NULL, *list = NULL;

        r = list_labelled(engine, &kinds[i], "seam.run", &answer, &list, err);
        if (r == 0)
            r = tell_runs(&runs, list);
        json_decref(answer);
    }
    map_fini(&runs.seen);
    arena_fini(&runs.arena);
    return r;
}
