/* http/match_path.c - path templates; see match_path.h. */

#include "http/match_path.h"

#include <errno.h>
#include <string.h>

#include "http/origin.h"

/* The segment behind the '/' at `*at`; moves on to the next '/' or the end. */
static const char *next_segment(const char *path, size_t size, size_t *at, size_t *ret_size)
{
    const char *segment = path + *at + 1;
    size_t left = size - *at - 1;
    const char *end = memchr(segment, '/', left);

    *ret_size = end ? (size_t)(end - segment) : left;
    *at += *ret_size + 1;
    return segment;
}

static size_t count_segments(const char *path, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += path[i] == '/';
    return count;
}

/* ---- making ------------------------------------------------------------------------------ */

static bool is_name(const char *text, size_t size)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    for (size_t i = 0; i < size; i++)
        if (!text[i] || !strchr(letters, text[i]))
            return false;
    return size > 0;
}

static int parse_segment(struct arena *arena, const char *text, size_t size,
                         struct path_segment *ret, struct err *err)
{
    bool has_brace = memchr(text, '{', size) || memchr(text, '}', size);

    if (!has_brace) {
        *ret = (struct path_segment){ arena_copy(arena, text, size), false };
        return 0;
    }
    if (text[0] != '{' || text[size - 1] != '}' || !is_name(text + 1, size - 2))
        return err_set(err, -EINVAL,
                       "segment '%.*s' of path_template is not a name in braces and no more\n"
                       "try: .path_pattern",
                       (int)size, text);
    *ret = (struct path_segment){ arena_copy(arena, text + 1, size - 2), true };
    return 0;
}

static bool has_variable(const struct path_segment *segments, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (segments[i].is_variable && strcmp(segments[i].text, name) == 0)
            return true;
    return false;
}

int path_template_parse(struct arena *arena, const char *text, struct path_template *ret,
                        struct err *err)
{
    size_t size = strlen(text);
    struct path_segment *segments;
    size_t count = 0;

    if (text[0] != '/')
        return err_set(err, -EINVAL, "path_template '%s' does not begin with '/'\ntry: '/%s'",
                       text, text);
    segments = arena_zero(arena, count_segments(text, size) * sizeof *segments);
    for (size_t at = 0; at < size; count++) {
        size_t length;
        const char *segment = next_segment(text, size, &at, &length);
        int r = parse_segment(arena, segment, length, &segments[count], err);

        if (r < 0)
            return r;
        if (segments[count].is_variable && has_variable(segments, count, segments[count].text))
            return err_set(err, -EINVAL, "path_template '%s' has {%s} twice", text,
                           segments[count].text);
    }
    *ret = (struct path_template){ segments, count };
    return 0;
}

/* ---- asking ------------------------------------------------------------------------------ */

static bool segment_holds(const struct path_segment *wanted, struct arena *arena,
                          const char *segment, size_t size)
{
    if (wanted->is_variable)
        return size > 0;
    if (memchr(segment, '%', size))
        segment = http_percent_decode(arena, segment, size, false, &size);
    return strlen(wanted->text) == size && memcmp(wanted->text, segment, size) == 0;
}

bool path_template_holds(const struct path_template *path_template, struct arena *arena,
                         const char *path, size_t size)
{
    size_t at = 0;

    if (path[0] != '/' || count_segments(path, size) != path_template->count)
        return false;
    for (size_t i = 0; i < path_template->count; i++) {
        size_t length;
        const char *segment = next_segment(path, size, &at, &length);

        if (!segment_holds(&path_template->at[i], arena, segment, length))
            return false;
    }
    return true;
}

const char *path_template_value(const struct path_template *path_template, struct arena *arena,
                                const char *path, size_t size, const char *name)
{
    size_t at = 0;

    for (size_t i = 0; i < path_template->count && at < size; i++) {
        size_t length;
        const char *segment = next_segment(path, size, &at, &length);

        if (path_template->at[i].is_variable && strcmp(path_template->at[i].text, name) == 0)
            return http_percent_decode(arena, segment, length, false, NULL);
    }
    return NULL;
}
