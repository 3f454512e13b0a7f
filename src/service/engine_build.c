/* service/engine_build.c - make an image from a folder with a Dockerfile. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "service/engine_state.h"
#include "service/tar.h"
#include "base/hostile.h"

enum {
    WHAT_MAX = 700,
    URL_MAX = 8000,
    AUTH_MAX = 1 << 16,
    CONTEXT_MAX = 512 << 20,
    IGNORE_MAX = 1 << 16,
    BUILD_SILENCE_MS = 600000,
    TAIL_MAX = 900 /* of what the build has written, in a message */
};

/* A build that is under way. */
struct making {
    struct buf *image;
    char output[8 * TAIL_MAX]; /* its last part */
    char failure[1000];
};

/* Keep the end of what there is. */
static void keep_output(struct making *making, const char *text)
{
    size_t have = strlen(making->output), more = strlen(text), room = sizeof making->output - 1;

    if (more > room) {
        text += more - room;
        more = room;
    }
    if (have + more > room) {
        memmove(making->output, making->output + (have + more - room), room - more);
        have = room - more;
    }
    memcpy(making->output + have, text, more + 1);
}

/* The daemon colours what a step writes to stderr. */
static void strip_colours(char *text)
{
    char *to = text;

    for (const char *at = text; *at;) {
        if (at[0] == '\033' && at[1] == '[') {
            at += 2 + strspn(at + 2, "0123456789;");
            at += *at != '\0';
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
}

static void take_output(struct making *making, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return;
    strip_colours(copy);
    keep_output(making, copy);
    free(copy);
}

static bool take_line(void *arg, const json_t *line)
{
    struct making *making = arg;
    const char *failure = engine_text(json_object_get(line, "errorDetail"), "message");
    const char *id = engine_text(json_object_get(line, "aux"), "ID");

    if (!*failure)
        failure = engine_text(line, "error");
    snprintf(making->failure, sizeof making->failure, "%s", failure);
    take_output(making, engine_text(line, "stream"));
    if (*id) {
        buf_clear(making->image);
        buf_add_text(making->image, id);
    }
    return *making->failure == '\0';
}

/* ---- the folder */

static int read_ignore(const struct engine_build *build, const char *dockerfile,
                       struct buf *ret, struct err *err)
{
    char path[ENGINE_PATH_MAX * 2];
    int r;

    snprintf(path, sizeof path, "%s/%s.dockerignore", build->folder, dockerfile);
    if (access(path, F_OK) < 0)
        snprintf(path, sizeof path, "%s/.dockerignore", build->folder);
    r = io_read_file(path, ret);
    if (r < 0 && r != -ENOENT)
        return err_system(err, r, "cannot read '%s'", path);
    /* The daemon needs these itself; it leaves them out of what is copied. */
    buf_printf(ret, "\n!%s\n!.dockerignore\n", dockerfile);
    return ret->failed ? err_set(err, -ENOBUFS, "'%s' is too large", path) : 0;
}

static int pack(const struct engine_build *build, const char *dockerfile, struct buf *ret,
                struct err *err)
{
    struct buf ignore = BUF_INIT(IGNORE_MAX);
    char path[ENGINE_PATH_MAX * 2];
    int r;

    snprintf(path, sizeof path, "%s/%s", build->folder, dockerfile);
    if (access(path, R_OK) < 0)
        return err_system(err, -errno, "cannot read the Dockerfile '%s'", path);
    r = read_ignore(build, dockerfile, &ignore, err);
    if (r == 0)
        r = tar_add_tree(ret, build->folder, "", ignore.data, err);
    if (r == 0) {
        tar_end(ret);
        if (ret->failed)
            r = err_set(err, -ENOBUFS, "the folder '%s' is too large to be built",
                        build->folder);
    }
    buf_fini(&ignore);
    return r;
}

/* ---- the request */

/* "name=value" words as a JSON object in the query. A build argument without a value has that of our environment. */
static void add_pairs(struct buf *path, const char *key, const char *const *pairs)
{
    json_t *object = json_object();
    char *text;

    for (size_t i = 0; pairs && pairs[i]; i++) {
        size_t size = strcspn(pairs[i], "=");
        char name[256];
        const char *value = pairs[i] + size + 1;

        snprintf(name, sizeof name, "%.*s", (int)size, pairs[i]);
        if (pairs[i][size] == '\0')
            value = getenv(name);
        json_object_set_new(object, name, value ? json_string(value) : json_null());
    }
    text = json_dumps(object, JSON_COMPACT);
    if (text && json_object_size(object) > 0) {
        buf_printf(path, "&%s=", key);
        engine_escape(path, text);
    }
    free(text);
    json_decref(object);
}

static void add_word(struct buf *path, const char *key, const char *word)
{
    if (!word)
        return;
    buf_printf(path, "&%s=", key);
    engine_escape(path, word);
}

static int write_path(const struct engine_build *build, const char *dockerfile,
                      struct buf *path, const char *what, struct err *err)
{
    buf_add_text(path, "/build?rm=1&forcerm=1");
    add_word(path, "dockerfile", dockerfile);
    add_word(path, "target", build->target);
    add_word(path, "platform", build->platform);
    add_pairs(path, "buildargs", build->args);
    add_pairs(path, "labels", build->labels);
    return path->failed ? err_set(err, -ENOBUFS, "%s: its arguments are too long", what) : 0;
}

/* ---- the answer */

/* The last lines that fit. */
static const char *tail(const char *output)
{
    size_t size = strlen(output);
    const char *line;

    if (size <= TAIL_MAX)
        return output;
    line = strchr(output + (size - TAIL_MAX), '\n');
    return line ? line + 1 : output + (size - TAIL_MAX);
}

static int failed(const struct making *making, const char *what, struct err *err)
{
    struct err words = { "" };
    int r = engine_told(making->failure, what, &words);
    const char *last = tail(making->output);

    return err_set(err, r, "%.1000s%s%s", words.text, *last ? "\n" : "", last);
}

static int run_build(struct engine *engine, const struct engine_call *asked,
                     struct making *making, const char *what, struct err *err)
{
    struct engine_lines lines = { .sink = take_line, .arg = making, .rest = BUF_INIT(1 << 20) };
    struct engine_call call = *asked;
    int r;

    call.sink = engine_lines_feed;
    call.arg = &lines;
    call.timeout_ms = BUILD_SILENCE_MS; /* a step of a build may be silent for long */
    r = engine_do(engine, &call, what, NULL, NULL, err);
    engine_lines_end(&lines);
    if (r == 0 && *making->failure)
        r = failed(making, what, err);
    else if (r == 0 && (lines.broken || making->image->size == 0))
        r = err_set(err, -EPROTO, "%s: the Docker daemon's answer names no image", what);
    return r;
}

int engine_build(struct engine *engine, const struct engine_build *build, struct buf *ret_image,
                 const int *cancel, struct err *err)
{
    const char *dockerfile = build->dockerfile ? build->dockerfile : "Dockerfile";
    struct buf path = BUF_INIT(URL_MAX), tar = BUF_INIT(CONTEXT_MAX), auth = BUF_INIT(AUTH_MAX);
    struct making making = { .image = ret_image };
    char what[WHAT_MAX];
    int r;

    snprintf(what, sizeof what, "cannot build '%.400s/%.200s'", build->folder, dockerfile);
    r = write_path(build, dockerfile, &path, what, err);
    if (r == 0)
        r = pack(build, dockerfile, &tar, err);
    if (r == 0)
        r = engine_auth_all(&auth, err);
    if (r == 0)
        r = run_build(engine,
                      &(struct engine_call){ .method = "POST",
                                             .path = buf_text(&path),
                                             .body = tar.data,
                                             .body_size = tar.size,
                                             .auth = auth.size > 0 ? auth.data : NULL,
                                             .cancel = cancel },
                      &making, what, err);
    buf_fini(&path);
    buf_fini(&tar);
    buf_fini(&auth);
    return r;
}
