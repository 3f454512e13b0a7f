/* service/pull.c - fetch images before tests need them; see pull.h. */

#include "service/pull.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "lease/image_lock.h"
#include "service/engine_state.h"

enum { NAME_ROOM = 2048 };

struct pulling {
    struct engine *engine;
    const char *lock; /* its path */
    struct buf text; /* of the lock file, as it will be */
    bool changed, update;
    int failures;
};

/* ---- progress: one line that changes, on a terminal only */

static void show_progress(void *arg, const char *text)
{
    (void)arg;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s", text);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* ---- one image */

/* "name@sha256:...": what a registry gave; that of this name, else the first. */
static const char *choose_digest(const json_t *digests, const char *name)
{
    struct engine_reference reference;
    const char *chosen = NULL;

    if (engine_reference_read(name, &reference, NULL) < 0)
        return NULL;
    for (size_t i = json_array_size(digests); i-- > 0;) {
        const char *digest = json_string_value(json_array_get(digests, i));
        const char *at = digest ? strchr(digest, '@') : NULL;
        size_t size = strlen(reference.name);

        if (!at)
            continue;
        chosen = at + 1;
        if ((size_t)(at - digest) == size && memcmp(digest, reference.name, size) == 0)
            break;
    }
    return chosen;
}

/* False when the image came from no registry. */
static bool find_digest(struct pulling *pulling, const char *name, struct buf *ret)
{
    struct buf path = BUF_INIT(NAME_ROOM);
    json_t *image = NULL;
    const char *digest = NULL;

    buf_printf(&path, "/images/%s/json", name);
    if (engine_do(pulling->engine,
                  &(struct engine_call){ .method = "GET", .path = buf_text(&path) },
                  "cannot look for an image", &image, NULL, NULL) == 0)
        digest = choose_digest(json_object_get(image, "RepoDigests"), name);
    if (digest)
        buf_add_text(ret, digest);
    json_decref(image);
    buf_fini(&path);
    return digest != NULL;
}

static void fail(struct pulling *pulling, const char *words)
{
    fprintf(stderr, "seam: pull: %s\n", words);
    pulling->failures++;
}

static void pin(struct pulling *pulling, const char *image, const char *digest)
{
    printf("%s\t%s\n", image, digest);
    pulling->changed = true;
    if (image_lock_set(&pulling->text, image, digest) < 0)
        fail(pulling, "the lock file would be too large");
}

/* Without a digest of the lock file the newest is asked for. What no registry has given, such as an image that was
 * built here, is taken as it is. */
static void fetch(struct pulling *pulling, const char *image, const char *name, bool pinned)
{
    bool here = engine_image_is_here(pulling->engine, name), told;
    struct buf digest = BUF_INIT(NAME_ROOM);
    struct err err = { "" };
    int r = 0;

    if (!pinned || !here)
        r = engine_pull(pulling->engine, name, NULL, show_progress, NULL, NULL, &err);
    end_progress();
    told = find_digest(pulling, name, &digest);
    if (r < 0 && (pinned || !here || told))
        fail(pulling, err.text);
    else if (!told)
        printf("%s\tis of this machine alone and not pinned\n", image);
    else if (pinned || strchr(image, '@'))
        printf("%s\tis here\n", image);
    else
        pin(pulling, image, buf_text(&digest));
    buf_fini(&digest);
}

static void take(struct pulling *pulling, const char *image)
{
    struct buf plain = BUF_INIT(NAME_ROOM), name = BUF_INIT(NAME_ROOM),
               digest = BUF_INIT(NAME_ROOM);
    struct err err = { "" };
    int found = 0;

    engine_image_name(image, &plain, &err);
    if (!pulling->update && !*err.text)
        found = image_lock_find(pulling->lock, image, &digest, &err);
    if (found == 1)
        image_lock_pin(buf_text(&plain), buf_text(&digest), &name);
    else
        buf_add_text(&name, buf_text(&plain));
    if (*err.text)
        fail(pulling, err.text);
    else
        fetch(pulling, image, buf_text(&name), found == 1);
    fflush(stdout);
    buf_fini(&plain);
    buf_fini(&name);
    buf_fini(&digest);
}

int pull_images(const char *lock, bool update, char *const *images, int count)
{
    struct pulling pulling = { .lock = lock,
                               .update = update,
                               .text = BUF_INIT(IMAGE_LOCK_MAX) };
    const char *remedy = NULL;
    struct err err = { "" };
    int r = engine_open(&pulling.engine, &remedy, &err);

    if (r < 0) {
        fprintf(stderr, "seam: pull: %s%s%s\n", err.text, remedy ? "; try: " : "",
                remedy ? remedy : "");
        return 1;
    }
    r = io_read_file(lock, &pulling.text);
    for (int i = 0; i < count && (r == 0 || r == -ENOENT); i++)
        take(&pulling, images[i]);
    if (pulling.changed)
        r = io_write_file(lock, pulling.text.data, pulling.text.size);
    if (r < 0 && r != -ENOENT) {
        fprintf(stderr, "seam: pull: cannot read and write '%s': %s\n", lock, strerror(-r));
        pulling.failures++;
    }
    engine_close(pulling.engine);
    buf_fini(&pulling.text);
    return pulling.failures > 0 ? 1 : 0;
}
