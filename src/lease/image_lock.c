/* lease/image_lock.c - the file seam.lock; see image_lock.h. */

#include "lease/image_lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

enum { NAME_MAX_SIZE = 1024 };

static const char head[] =
    "# Written by `seam pull`: what the images are that the tests name.\n";

struct line {
    char name[NAME_MAX_SIZE], digest[NAME_MAX_SIZE];
    size_t size; /* in the text, with its end */
};

static bool is_digest(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text) == 7 + 64 &&
           strspn(text + 7, "0123456789abcdef") == 64;
}

/* 1: it has a name, 0: it has none, -EINVAL: it is no line of ours. */
static int read_line(const char *text, struct line *ret)
{
    size_t size = strcspn(text, "\n");
    char copy[2 * NAME_MAX_SIZE + 16], more[2];
    int words;

    ret->size = size + (text[size] == '\n');
    if (size >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    words = sscanf(copy, " %1023s %1023s %1s", ret->name, ret->digest, more);
    if (words <= 0 || *ret->name == '#')
        return 0;
    return words == 2 && is_digest(ret->digest) ? 1 : -EINVAL;
}

static int find(const char *path, const char *text, const char *image, struct buf *ret,
                struct err *err)
{
    struct line line;

    for (int number = 1; *text; text += line.size, number++) {
        int r = read_line(text, &line);

        if (r < 0)
            return err_set(err, r, "%s:%d: a line is 'name sha256:...'; try: seam pull -update",
                           path, number);
        if (r == 1 && strcmp(line.name, image) == 0)
            return buf_add_text(ret, line.digest) < 0 ? -ENOMEM : 1;
    }
    return 0;
}

int image_lock_find(const char *path, const char *image, struct buf *ret, struct err *err)
{
    struct buf text = BUF_INIT(IMAGE_LOCK_MAX);
    int r = io_read_file(path, &text);

    if (r == 0)
        r = find(path, buf_text(&text), image, ret, err);
    else if (r == -ENOENT)
        r = 0;
    else
        err_system(err, r, "cannot read '%s'", path);
    buf_fini(&text);
    return r;
}

int image_lock_pin(const char *image, const char *digest, struct buf *ret)
{
    const char *slash = strrchr(image, '/'), *tag = strchr(slash ? slash : image, ':');

    if (strchr(image, '@'))
        return buf_add_text(ret, image);
    return buf_printf(ret, "%.*s@%s", tag ? (int)(tag - image) : (int)strlen(image), image,
                      digest);
}

int image_lock_set(struct buf *text, const char *image, const char *digest)
{
    struct buf result = BUF_INIT(IMAGE_LOCK_MAX);
    const char *old = text->size > 0 ? buf_text(text) : head;
    struct line line;
    bool written = false;
    int r;

    for (; *old; old += line.size) {
        int kind = read_line(old, &line);
        int order = kind == 1 ? strcmp(line.name, image) : -1;

        if (order >= 0 && !written) {
            buf_printf(&result, "%s %s\n", image, digest);
            written = true;
        }
        if (order != 0 && kind >= 0)
            buf_add(&result, old, line.size);
    }
    if (!written)
        buf_printf(&result, "%s %s\n", image, digest);
    r = result.failed ? -ENOBUFS : 0;
    buf_clear(text);
    if (r == 0)
        r = buf_add(text, result.data, result.size);
    buf_fini(&result);
    return r;
}
