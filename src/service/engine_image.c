/* service/engine_image.c - names of images: their parts, and what is used instead. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { MAP_MAX = 1 << 20, URL_MAX = 2048 };

/* ---- parts */

/* The registry before the first slash: it has a dot or a port, or is "localhost". 0: none, the Docker Hub's. */
static size_t registry_size(const char *image)
{
    size_t size = strcspn(image, "/");

    if (image[size] == '\0')
        return 0;
    if (memchr(image, '.', size) || memchr(image, ':', size) ||
        (size == 9 && memcmp(image, "localhost", 9) == 0))
        return size;
    return 0;
}

static bool is_plain(const char *image)
{
    for (const char *at = image; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@",
                    *at))
            return false;
    return *image != '\0' && *image != '/' && *image != '-' && *image != ':';
}

int engine_reference_read(const char *image, struct engine_reference *ret, struct err *err)
{
    size_t registry = registry_size(image);
    const char *digest = strchr(image, '@');
    const char *slash = strrchr(image, '/');
    const char *tag = digest ? digest : strchr(slash ? slash : image, ':');
    size_t name = tag ? (size_t)(tag - image) : strlen(image);

    if (!is_plain(image) || name == 0 || name >= sizeof ret->name ||
        registry >= sizeof ret->registry || (tag && tag[1] == '\0') ||
        (tag && strlen(tag) >= sizeof ret->tag))
        return err_set(err, -EINVAL,
                       "'%.200s' is no name of an image; try: name:tag, or "
                       "registry:5000/name@sha256:...",
                       image);
    snprintf(ret->registry, sizeof ret->registry, "%.*s", registry ? (int)registry : 9,
             registry ? image : "docker.io");
    snprintf(ret->name, sizeof ret->name, "%.*s", (int)name, image);
    snprintf(ret->tag, sizeof ret->tag, "%s", tag ? tag + 1 : "latest");
    return 0;
}

/* ---- another name */

/* The second word of the line whose first is the image. 1 found, 0 not, -EINVAL for a line without two. */
static int find_line(const char *text, const char *image, const char *file, struct buf *ret,
                     struct err *err)
{
    int number = 1;

    for (const char *line = text; *line; number++) {
        char from[1024], to[1024], more[2];
        size_t size = strcspn(line, "\n");
        char copy[2100];
        int words;

        snprintf(copy, sizeof copy, "%.*s", (int)size, line);
        line += size + (line[size] == '\n');
        words = sscanf(copy, " %1023s %1023s %1s", from, to, more);
        if (words <= 0 || *from == '#')
            continue;
        if (words != 2)
            return err_set(err, -EINVAL, "%s:%d: a line of SEAM_IMAGE_MAP is 'from to'", file,
                           number);
        if (strcmp(from, image) == 0)
            return buf_add_text(ret, to) < 0 ? -ENOMEM : 1;
    }
    return 0;
}

static int map_name(const char *image, struct buf *ret, struct err *err)
{
    const char *file = getenv("SEAM_IMAGE_MAP");
    struct buf text = BUF_INIT(MAP_MAX);
    int r;

    if (!file || !*file)
        return 0;
    r = io_read_file(file, &text);
    if (r < 0)
        err_system(err, r, "cannot read '%s', which SEAM_IMAGE_MAP names", file);
    else
        r = find_line(buf_text(&text), image, file, ret, err);
    buf_fini(&text);
    return r;
}

/* "docker.io/x" is the Docker Hub's too. */
static const char *without_hub(const char *image)
{
    static const char *const names[] = { "docker.io/", "index.docker.io/",
                                         "registry.hub.docker.com/" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(image, names[i], strlen(names[i])) == 0)
            return image + strlen(names[i]);
    return image;
}

int engine_image_name(const char *image, struct buf *ret, struct err *err)
{
    const char *prefix = getenv("SEAM_IMAGE_PREFIX");
    const char *plain = without_hub(image);
    int r = strncmp(image, "sha256:", 7) == 0 ? 0 : map_name(image, ret, err);

    if (r != 0)
        return r < 0 ? r : 0;
    if (strncmp(image, "sha256:", 7) == 0) /* an id, which names one image whoever asks */
        return buf_add_text(ret, image);
    if (!prefix || !*prefix || (plain == image && registry_size(image) > 0))
        return buf_add_text(ret, image);
    return buf_printf(ret, "%s%s%s", prefix, prefix[strlen(prefix) - 1] == '/' ? "" : "/",
                      plain);
}

bool engine_image_is_here(struct engine *engine, const char *image)
{
    struct buf path = BUF_INIT(URL_MAX);
    int r;

    /* Slashes stay: a name is a path of the API. */
    buf_printf(&path, "/images/%s/json", image);
    r = path.failed
            ? -ENAMETOOLONG
            : engine_do(engine,
                        &(struct engine_call){ .method = "GET", .path = buf_text(&path) },
                        "cannot look for an image", NULL, NULL, NULL);
    buf_fini(&path);
    return r == 0;
}
