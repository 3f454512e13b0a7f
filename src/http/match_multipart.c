/*
 * http/match_multipart.c - a multipart body as pairs; see match_form.h.
 *
 *   body = [preamble CRLF] part *(CRLF part) CRLF "--" boundary "--" [epilogue]
 *   part = "--" boundary CRLF *(field CRLF) CRLF data
 */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "http/match_form.h"

enum { BOUNDARY_MAX = 70 }; /* RFC 2046, 5.1.1 */

struct parts {
    struct arena *arena;
    const char *delimiter; /* CRLF "--" boundary */
    size_t delimiter_size;
    const char *at;
    const char *end;
};

static size_t left(const struct parts *parts)
{
    return (size_t)(parts->end - parts->at);
}

static bool eat(struct parts *parts, const char *text)
{
    size_t size = strlen(text);

    if (left(parts) < size || memcmp(parts->at, text, size) != 0)
        return false;
    parts->at += size;
    return true;
}

static bool find_boundary(struct arena *arena, const char *type, struct parts *ret)
{
    const char *boundary = match_parameter(arena, type, strlen(type), "boundary");

    if (!boundary || !*boundary || strlen(boundary) > BOUNDARY_MAX)
        return false;
    ret->arena = arena;
    ret->delimiter = arena_printf(arena, "\r\n--%s", boundary);
    ret->delimiter_size = strlen(ret->delimiter);
    return true;
}

/* The next delimiter, of which the first may stand at the very beginning; NULL when there is none. */
static const char *next_delimiter(const struct parts *parts)
{
    return memmem(parts->at, left(parts), parts->delimiter, parts->delimiter_size);
}

static bool skip_preamble(struct parts *parts)
{
    const char *first;

    if (eat(parts, parts->delimiter + strlen("\r\n")))
        return true;
    first = next_delimiter(parts);
    if (first)
        parts->at = first + parts->delimiter_size;
    return first != NULL;
}

/* ---- one part ---------------------------------------------------------------------------- */

static bool is_field(const char *line, size_t size, const char *name)
{
    size_t length = strlen(name);

    return size > length && strncasecmp(line, name, length) == 0 && line[length] == ':';
}

static void take_field(struct arena *arena, struct match_pair *pair, const char *line,
                       size_t size)
{
    const char *colon = memchr(line, ':', size);
    const char *value;
    size_t value_size;

    if (!colon)
        return;
    value = colon + 1;
    value_size = size - (size_t)(value - line);
    if (is_field(line, size, "Content-Disposition")) {
        const char *name = match_parameter(arena, value, value_size, "name");

        pair->name = name ? name : "";
        pair->filename = match_parameter(arena, value, value_size, "filename");
    } else if (is_field(line, size, "Content-Type")) {
        while (value_size > 0 && strchr(" \t", *value)) {
            value++;
            value_size--;
        }
        pair->type = arena_copy(arena, value, value_size);
    }
}

/* The fields up to the empty line; false when there is none. */
static bool take_fields(struct parts *parts, struct match_pair *pair)
{
    for (;;) {
        const char *end = memmem(parts->at, left(parts), "\r\n", 2);
        const char *line = parts->at;

        if (!end)
            return false;
        parts->at = end + 2;
        if (end == line)
            return true;
        take_field(parts->arena, pair, line, (size_t)(end - line));
    }
}

/* One part behind its delimiter, of which the line may end in blanks. NULL, or what is wrong with it. */
static const char *take_part(struct parts *parts, struct match_pair *ret)
{
    struct match_pair pair = { .name = "", .is_part = true };
    const char *end;

    while (left(parts) > 0 && strchr(" \t", *parts->at))
        parts->at++;
    if (!eat(parts, "\r\n") || !take_fields(parts, &pair))
        return "a part without an empty line behind its fields";
    /* A part may have no data at all; the line break of the delimiter is then that of the empty line. */
    parts->at -= 2;
    end = next_delimiter(parts);
    if (!end)
        return "no last boundary";
    pair.value = end == parts->at ? end : parts->at + 2;
    pair.size = (size_t)(end - pair.value);
    parts->at = end + parts->delimiter_size;
    *ret = pair;
    return NULL;
}

/* How many parts there are at most. */
static size_t count_delimiters(struct parts parts)
{
    size_t count = 1;

    while (count < PAIRS_MAX && (parts.at = next_delimiter(&parts))) {
        parts.at += parts.delimiter_size;
        count++;
    }
    return count;
}

struct match_pairs match_multipart(struct arena *arena, const char *type, const char *body,
                                   size_t size)
{
    struct parts parts = { .at = body, .end = body + size };
    struct match_pairs ret = { 0 };
    struct match_pair *pairs;

    if (!find_boundary(arena, type, &parts)) {
        ret.fault = "no boundary in Content-Type";
        return ret;
    }
    pairs = arena_zero(arena, count_delimiters(parts) * sizeof *pairs);
    ret.at = pairs;
    if (!skip_preamble(&parts)) {
        ret.fault = "the boundary of Content-Type is not in the body";
        return ret;
    }
    while (!ret.fault && !eat(&parts, "--")) {
        if (ret.count == PAIRS_MAX)
            ret.fault = arena_printf(arena, "more than %d parts", PAIRS_MAX);
        else
            ret.fault = take_part(&parts, &pairs[ret.count]);
        ret.count += !ret.fault;
    }
    return ret;
}
