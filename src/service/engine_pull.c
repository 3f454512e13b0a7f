/* service/engine_pull.c - get an image from its registry. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/deadline.h"
#include "base/map.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { WHAT_MAX = 1200, URL_MAX = 4096, AUTH_MAX = 1 << 16, LAYERS_MAX = 512 };

struct layer {
    double current, total;
    bool done;
};

/* A pull that is under way. */
struct pull {
    const char *image;
    void (*note)(void *arg, const char *text);
    void *arg;
    int note_ms;
    uint64_t note_ns; /* not before */
    struct arena arena; /* names of layers */
    struct map index;
    struct layer layers[LAYERS_MAX]; /* the first is none: the map's 0 means new */
    size_t count;
    char failure[1000]; /* the daemon's words within its stream */
};

static struct layer *layer_of(struct pull *pull, const char *id)
{
    uint32_t *at = map_at(&pull->index, arena_dup(&pull->arena, id));

    if (!at || (*at == 0 && pull->count + 1 >= LAYERS_MAX))
        return NULL;
    if (*at == 0)
        *at = (uint32_t)++pull->count;
    return &pull->layers[*at];
}

/* "Pulling fs layer", "Downloading", "Extracting", "Pull complete"; other ids are tags. */
static void take_progress(struct pull *pull, const json_t *line)
{
    const char *status = engine_text(line, "status"), *id = engine_text(line, "id");
    const json_t *detail = json_object_get(line, "progressDetail");
    struct layer *layer;

    if (!*id || strncmp(status, "Pulling from", 12) == 0)
        return;
    layer = layer_of(pull, id);
    if (!layer)
        return;
    if (strcmp(status, "Downloading") == 0) {
        layer->current = json_number_value(json_object_get(detail, "current"));
        layer->total = json_number_value(json_object_get(detail, "total"));
    } else if (strcmp(status, "Download complete") == 0 ||
               strcmp(status, "Pull complete") == 0) {
        layer->current = layer->total;
    }
    layer->done = layer->done || strcmp(status, "Pull complete") == 0 ||
                  strcmp(status, "Already exists") == 0;
}

static void tell(struct pull *pull)
{
    static const char bar[] = "####################";
    const int width = sizeof bar - 1;
    double current = 0, total = 0;
    size_t done = 0;
    char text[WHAT_MAX];
    int full;

    if (!pull->note || deadline_poll_ms(pull->note_ns) > 0)
        return;
    pull->note_ns = deadline_after_ms(pull->note_ms);
    for (size_t i = 1; i <= pull->count; i++) {
        current += pull->layers[i].current;
        total += pull->layers[i].total;
        done += pull->layers[i].done;
    }
    full = total > 0 ? (int)(current / total * width) : 0;
    full = full < width ? full : width;
    snprintf(text, sizeof text, "[%.*s%*s] pulling '%s': %zu of %zu layers, %.1f of %.1f MB",
             full, bar, width - full, "", pull->image, done, pull->count, current / 1e6,
             total / 1e6);
    pull->note(pull->arg, text);
}

static bool take_line(void *arg, const json_t *line)
{
    struct pull *pull = arg;
    const char *failure = engine_text(json_object_get(line, "errorDetail"), "message");

    if (!*failure)
        failure = engine_text(line, "error");
    if (*failure) {
        snprintf(pull->failure, sizeof pull->failure, "%s", failure);
        return false;
    }
    take_progress(pull, line);
    tell(pull);
    return true;
}

static void write_path(const struct engine_reference *image, const char *platform,
                       struct buf *path)
{
    buf_add_text(path, "/images/create?fromImage=");
    engine_escape(path, image->name);
    buf_add_text(path, "&tag=");
    engine_escape(path, image->tag);
    if (platform) {
        buf_add_text(path, "&platform=");
        engine_escape(path, platform);
    }
}

static int receive(struct engine *engine, struct pull *pull, const struct engine_call *asked,
                   const char *what, struct err *err)
{
    struct engine_lines lines = { .sink = take_line, .arg = pull, .rest = BUF_INIT(1 << 20) };
    struct engine_call call = *asked;
    int r;

    call.sink = engine_lines_feed;
    call.arg = &lines;
    call.timeout_ms = engine->stall_ms;
    r = engine_do(engine, &call, what, NULL, NULL, err);
    engine_lines_end(&lines);
    if (r == 0 && *pull->failure)
        r = engine_told(pull->failure, what, err);
    else if (r == 0 && lines.broken)
        r = err_set(err, -EPROTO, "%s: the Docker daemon's answer is no JSON", what);
    return r;
}

/* A refusal tells where a password was looked for: mostly it is that. */
static int explain(int r, const struct buf *where, struct err *err)
{
    char words[sizeof err->text];

    if (r != -EACCES || !err)
        return r;
    snprintf(words, sizeof words, "%s", err->text);
    return err_set(err, r, "%.*s (%s)", (int)sizeof words - 700, words, buf_text(where));
}

int engine_pull(struct engine *engine, const char *image, const char *platform,
                void (*note)(void *arg, const char *text), void *arg, const int *cancel,
                struct err *err)
{
    struct pull pull = { .image = image,
                         .note = note,
                         .arg = arg,
                         .note_ms = engine->note_ms,
                         .note_ns = deadline_after_ms(engine->note_ms) };
    struct buf path = BUF_INIT(URL_MAX), auth = BUF_INIT(AUTH_MAX), where = BUF_INIT(URL_MAX);
    struct engine_reference reference;
    char what[WHAT_MAX];
    int r = engine_reference_read(image, &reference, err);

    snprintf(what, sizeof what, "cannot pull '%.500s'%s%.100s", image, platform ? " for " : "",
             platform ? platform : "");
    if (r == 0)
        r = engine_auth(reference.registry, &auth, &where, err);
    if (r == 0) {
        write_path(&reference, platform, &path);
        r = receive(engine, &pull,
                    &(struct engine_call){ .method = "POST",
                                           .path = buf_text(&path),
                                           .auth = auth.size > 0 ? auth.data : NULL,
                                           .cancel = cancel },
                    what, err);
        r = explain(r, &where, err);
    }
    map_fini(&pull.index);
    arena_fini(&pull.arena);
    buf_fini(&path);
    buf_fini(&auth);
    buf_fini(&where);
    return r;
}
