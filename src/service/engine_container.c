/* service/engine_container.c - containers: from create to remove, files in and out, their log. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/engine_state.h"
#include "base/hostile.h"

enum { WHAT_MAX = 700, PATH_MAX_URL = 1024 };

/* "/containers/ID/rest". */
static const char *container_path(char *room, size_t size, const char *id, const char *rest)
{
    snprintf(room, size, "/containers/%s%s", id, rest);
    return room;
}

int engine_create(struct engine *engine, const char *image, const char *platform,
                  const json_t *body, char ret_id[65], struct err *err)
{
    struct buf path = BUF_INIT(PATH_MAX_URL);
    char what[WHAT_MAX];
    json_t *answer = NULL;
    int r;

    snprintf(what, sizeof what, "cannot create a container of '%s'", image);
    buf_add_text(&path, "/containers/create");
    if (platform) {
        buf_add_text(&path, "?platform=");
        engine_escape(&path, platform);
    }
    r = engine_do(
        engine,
        &(struct engine_call){ .method = "POST", .path = buf_text(&path), .json = body }, what,
        &answer, NULL, err);
    if (r == 0)
        r = engine_take_id(answer, "Id", what, ret_id, err);
    json_decref(answer);
    buf_fini(&path);
    return r;
}

/* POST without a body, whose answer is its status alone; 304 (it is so already) is fine. */
static int post(struct engine *engine, const char *path, const char *what, struct err *err)
{
    return engine_do(engine, &(struct engine_call){ .method = "POST", .path = path }, what,
                     NULL, NULL, err);
}

int engine_start(struct engine *engine, const char *id, struct err *err)
{
    char path[PATH_MAX_URL], what[WHAT_MAX];

    snprintf(what, sizeof what, "cannot start container '%.12s'", id);
    return post(engine, container_path(path, sizeof path, id, "/start"), what, err);
}

int engine_signal(struct engine *engine, const char *id, const char *what, struct err *err)
{
    char path[PATH_MAX_URL], rest[128], words[WHAT_MAX];

    snprintf(rest, sizeof rest, "/%s", what);
    snprintf(words, sizeof words, "cannot %.*s container '%.12s'", (int)strcspn(what, "?"),
             what, id);
    return post(engine, container_path(path, sizeof path, id, rest), words, err);
}

int engine_remove(struct engine *engine, const char *id, struct err *err)
{
    char path[PATH_MAX_URL], what[WHAT_MAX];

    snprintf(what, sizeof what, "cannot remove container '%.12s'", id);
    return engine_do(
        engine,
        &(struct engine_call){ .method = "DELETE",
                               .path = container_path(path, sizeof path, id, "?v=1&force=1") },
        what, NULL, NULL, err);
}

int engine_inspect(struct engine *engine, const char *id, json_t **ret, struct err *err)
{
    char path[PATH_MAX_URL], what[WHAT_MAX];
    json_t *answer = NULL;
    int r;

    snprintf(what, sizeof what, "cannot look at container '%.12s'", id);
    r = engine_do(engine,
                  &(struct engine_call){
                      .method = "GET", .path = container_path(path, sizeof path, id, "/json") },
                  what, &answer, NULL, err);
    if (r == 0 && !answer)
        r = err_set(err, -EPROTO, "%s: the Docker daemon's answer is empty", what);
    if (r == 0)
        *ret = answer;
    return r;
}

int engine_copy_to(struct engine *engine, const char *id, const struct buf *tar,
                   struct err *err)
{
    char path[PATH_MAX_URL], what[WHAT_MAX];

    snprintf(what, sizeof what, "cannot copy files into container '%.12s'", id);
    return engine_do(
        engine,
        &(struct engine_call){ .method = "PUT",
                               .path = container_path(path, sizeof path, id, "/archive?path=/"),
                               .body = tar->data,
                               .body_size = tar->size },
        what, NULL, NULL, err);
}

/* What a sink cannot say by its result. */
struct collected {
    struct buf *into;
    bool full;
};

static bool collect(void *arg, const char *data, size_t size)
{
    struct collected *collected = arg;

    collected->full = buf_add(collected->into, data, size) < 0;
    return !collected->full;
}

int engine_copy_from(struct engine *engine, const char *id, const char *path, struct buf *ret,
                     struct err *err)
{
    struct collected collected = { .into = ret };
    struct buf url = BUF_INIT(PATH_MAX_URL * 4);
    char what[WHAT_MAX];
    int r;

    snprintf(what, sizeof what, "cannot copy '%.500s' out of container '%.12s'", path, id);
    buf_printf(&url, "/containers/%s/archive?path=", id);
    engine_escape(&url, path);
    r = engine_do(
        engine,
        &(struct engine_call){
            .method = "GET", .path = buf_text(&url), .sink = collect, .arg = &collected },
        what, NULL, NULL, err);
    if (r == 0 && collected.full)
        r = err_set(err, -ENOBUFS, "%s: it has more than %zu MB", what, ret->cap >> 20);
    buf_fini(&url);
    return r;
}

int engine_logs(struct engine *engine, const char *id, bool follow, int tail,
                bool (*sink)(void *arg, int stream, const char *data, size_t size), void *arg,
                const int *cancel, struct err *err)
{
    struct engine_frames frames = { .sink = sink, .arg = arg };
    char path[PATH_MAX_URL], rest[128], last[32] = "all", what[WHAT_MAX];
    int r;

    if (tail != 0)
        snprintf(last, sizeof last, "%d", tail > 0 ? tail : 0);
    snprintf(rest, sizeof rest, "/logs?stdout=1&stderr=1&follow=%d&tail=%s", follow, last);
    snprintf(what, sizeof what, "cannot read the log of container '%.12s'", id);
    r = engine_do(engine,
                  &(struct engine_call){ .method = "GET",
                                         .path = container_path(path, sizeof path, id, rest),
                                         .timeout_ms = follow ? ENGINE_NEVER_MS : 0,
                                         .sink = engine_frames_feed,
                                         .arg = &frames,
                                         .cancel = cancel },
                  what, NULL, NULL, err);
    if (r == 0 && frames.broken)
        r = err_set(err, -EPROTO, "%s: the Docker daemon's frames are broken", what);
    return r;
}
