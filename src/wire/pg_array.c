/* wire/pg_array.c - arrays: "{1,NULL,\"a b\"}", with any dimensions and bounds; see pg_value.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_value.h"

enum { DIMENSIONS_MAX = 6, HEADER = 12, BOUND_DIGITS = 9, TEXT_CAP = 64 << 20 };

struct shape {
    int dimensions;
    int32_t size[DIMENSIONS_MAX], lower[DIMENSIONS_MAX];
};

struct array_reader {
    const char *text; /* all of it, for messages */
    size_t size;
    const char *at, *end;
    const struct pg_type *element;
    bool binary;
    pg_element_fn *fn;
    void *arg;
    struct shape shape;
    bool has_bounds; /* the text says where it begins */
    struct shape said;
    int deepest; /* at which elements stand; 0: none yet */
    bool has_null;
    struct buf *to;
    struct err *err;
};

static int malformed(struct array_reader *reader)
{
    return err_set(reader->err, -EBADMSG, "malformed array literal: \"%.*s\"",
                   (int)reader->size, reader->text);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct array_reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at))
        reader->at++;
}

static bool take(struct array_reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* ---- elements ------------------------------------------------------------------------------ */

/* Behind the first quote, up to the last one. */
static int take_quoted(struct array_reader *reader, struct buf *ret)
{
    for (; reader->at < reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && ++reader->at == reader->end)
            break;
        buf_add_char(ret, *reader->at);
    }
    if (!take(reader, '"'))
        return malformed(reader);
    skip_blanks(reader);
    return 0;
}

/* Its text without quotes and backslashes; *ret_quoted when something shows that it is not the word NULL. */
static int take_text(struct array_reader *reader, struct buf *ret, bool *ret_quoted)
{
    size_t keep =
        0; /* blanks at the end are none of it, unless a backslash stands before them */

    *ret_quoted = take(reader, '"');
    if (*ret_quoted)
        return take_quoted(reader, ret);
    for (; reader->at < reader->end && !strchr(",}{", *reader->at); reader->at++) {
        char c = *reader->at;

        if (c == '"' || (c == '\\' && ++reader->at == reader->end))
            return malformed(reader);
        buf_add_char(ret, *reader->at);
        *ret_quoted |= c == '\\';
        if (c == '\\' || !is_space(c))
            keep = ret->size;
    }
    if (keep == 0)
        return malformed(reader);
    ret->size = keep;
    ret->data[keep] = '\0';
    return 0;
}

static bool needs_quotes(const char *text, size_t size)
{
    if (size == 0 || (size == 4 && strncasecmp(text, "null", 4) == 0))
        return true;
    for (size_t i = 0; i < size; i++)
        if (is_space(text[i]) || (text[i] && strchr("{},\"\\", text[i])))
            return true;
    return false;
}

static void put_text(struct buf *to, const char *text, size_t size)
{
    bool quotes = needs_quotes(text, size);

    if (quotes)
        buf_add_char(to, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_add_char(to, '\\');
        buf_add_char(to, text[i]);
    }
    if (quotes)
        buf_add_char(to, '"');
}

static int put_element(struct array_reader *reader, const char *text, size_t size)
{
    struct buf value = BUF_INIT(TEXT_CAP);
    int r = 0;

    if (!text) {
        reader->has_null = true;
        if (reader->binary)
            pg_put_number(reader->to, UINT32_MAX, 4);
        else
            buf_add_text(reader->to, "NULL");
        return 0;
    }
    r = reader->fn(reader->arg, reader->element, text, size, &value, reader->err);
    if (r == 0 && reader->binary) {
        pg_put_number(reader->to, value.size, 4);
        buf_add(reader->to, buf_text(&value), value.size);
    } else if (r == 0) {
        put_text(reader->to, buf_text(&value), value.size);
    }
    buf_fini(&value);
    return r;
}

static int take_element(struct array_reader *reader)
{
    struct buf text = BUF_INIT(TEXT_CAP);
    bool quoted = false;
    int r = take_text(reader, &text, &quoted);

    if (r == 0 && !quoted && text.size == 4 && strncasecmp(text.data, "null", 4) == 0)
        r = put_element(reader, NULL, 0);
    else if (r == 0)
        r = put_element(reader, buf_text(&text), text.size);
    buf_fini(&text);
    return r;
}

/* ---- braces -------------------------------------------------------------------------------- */

static int take_braces(struct array_reader *reader, int depth);

/* One between braces: an element, or braces again, but all of the same depth. */
static int take_item(struct array_reader *reader, int depth)
{
    skip_blanks(reader);
    if (reader->at < reader->end && *reader->at == '{') {
        if (reader->deepest > 0 && depth >= reader->deepest)
            return malformed(reader);
        if (depth == DIMENSIONS_MAX)
            return err_set(reader->err, -EOVERFLOW,
                           "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                           depth + 1, DIMENSIONS_MAX);
        return take_braces(reader, depth + 1);
    }
    if (reader->deepest > 0 && depth != reader->deepest)
        return malformed(reader);
    reader->deepest = depth;
    return take_element(reader);
}

/* All at one depth have the same count. */
static int take_braces(struct array_reader *reader, int depth)
{
    int32_t count = 0;

    reader->at++; /* '{' */
    if (!reader->binary)
        buf_add_char(reader->to, '{');
    do {
        int r;

        if (count > 0 && !reader->binary)
            buf_add_char(reader->to, ',');
        r = take_item(reader, depth);
        if (r < 0)
            return r;
        count++;
        skip_blanks(reader);
    } while (take(reader, ','));
    if (!take(reader, '}'))
        return malformed(reader);
    if (!reader->binary)
        buf_add_char(reader->to, '}');
    if (reader->shape.size[depth - 1] != 0 && reader->shape.size[depth - 1] != count)
        return malformed(reader);
    reader->shape.size[depth - 1] = count;
    if (depth > reader->shape.dimensions)
        reader->shape.dimensions = depth;
    return 0;
}

/* ---- bounds: "[2:3][1:2]={...}" -------------------------------------------------------------- */

static bool take_bound(struct array_reader *reader, int32_t *ret)
{
    bool minus = take(reader, '-');
    int count = 0;

    if (!minus)
        take(reader, '+');
    *ret = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
           count < BOUND_DIGITS;
         count++)
        *ret = *ret * 10 + (*reader->at++ - '0');
    *ret = minus ? -*ret : *ret;
    return count > 0;
}

static int take_bounds(struct array_reader *reader)
{
    struct shape *said = &reader->said;

    while (take(reader, '[')) {
        int32_t first = 1, last;

        if (said->dimensions == DIMENSIONS_MAX || !take_bound(reader, &last))
            return malformed(reader);
        if (take(reader, ':')) {
            first = last;
            if (!take_bound(reader, &last))
                return malformed(reader);
        }
        if (!take(reader, ']'))
            return malformed(reader);
        if (last < first)
            return err_set(reader->err, -E2BIG, "upper bound cannot be less than lower bound");
        said->lower[said->dimensions] = first;
        said->size[said->dimensions++] = last - first + 1;
        skip_blanks(reader);
    }
    reader->has_bounds = said->dimensions > 0;
    if (reader->has_bounds && !take(reader, '='))
        return malformed(reader);
    skip_blanks(reader);
    return 0;
}

static bool is_as_said(const struct array_reader *reader)
{
    if (!reader->has_bounds)
        return true;
    if (reader->said.dimensions != reader->shape.dimensions)
        return false;
    for (int i = 0; i < reader->said.dimensions; i++)
        if (reader->said.size[i] != reader->shape.size[i])
            return false;
    return true;
}

static int32_t lower_of(const struct array_reader *reader, int i)
{
    return reader->has_bounds ? reader->said.lower[i] : 1;
}

/* Bounds are written only when one is not 1. */
static void put_bounds(struct buf *to, const struct shape *shape)
{
    bool usual = true;

    for (int i = 0; i < shape->dimensions; i++)
        usual &= shape->lower[i] == 1;
    for (int i = 0; i < shape->dimensions && !usual; i++)
        buf_printf(to, "[%d:%d]", shape->lower[i], shape->lower[i] + (shape->size[i] - 1));
    if (!usual)
        buf_add_char(to, '=');
}

/* ---- text to either form ------------------------------------------------------------------- */

static void put_head(struct buf *to, const struct array_reader *reader)
{
    pg_put_number(to, (uint64_t)reader->shape.dimensions, 4);
    pg_put_number(to, reader->has_null, 4);
    pg_put_number(to, reader->element->oid, 4);
    for (int i = 0; i < reader->shape.dimensions; i++) {
        pg_put_number(to, (uint32_t)reader->shape.size[i], 4);
        pg_put_number(to, (uint32_t)lower_of(reader, i), 4);
    }
}

static void put_all(struct buf *to, struct array_reader *reader)
{
    for (int i = 0; i < reader->shape.dimensions; i++)
        reader->shape.lower[i] = lower_of(reader, i);
    if (reader->binary)
        put_head(to, reader);
    else
        put_bounds(to, &reader->shape);
    buf_add(to, buf_text(reader->to), reader->to->size);
}

/* "{}" has no dimension at all. */
static bool take_empty(struct array_reader *reader)
{
    struct array_reader at = *reader;

    if (!take(&at, '{'))
        return false;
    skip_blanks(&at);
    if (!take(&at, '}'))
        return false;
    *reader = at;
    if (!reader->binary)
        buf_add_text(reader->to, "{}");
    return true;
}

static int read_all(struct array_reader *reader)
{
    int r;

    skip_blanks(reader);
    r = take_bounds(reader);
    if (r < 0)
        return r;
    if (!take_empty(reader)) {
        if (reader->at == reader->end || *reader->at != '{')
            return malformed(reader);
        r = take_braces(reader, 1);
        if (r < 0)
            return r;
    }
    skip_blanks(reader);
    return reader->at == reader->end && is_as_said(reader) ? 0 : malformed(reader);
}

int pg_array_read(const char *text, size_t size, const struct pg_type *element, bool binary,
                  pg_element_fn *fn, void *arg, struct buf *to, struct err *err)
{
    struct buf elements = BUF_INIT(TEXT_CAP);
    struct array_reader reader = { .text = text,
                                   .size = size,
                                   .at = text,
                                   .end = text + size,
                                   .element = element,
                                   .binary = binary,
                                   .fn = fn,
                                   .arg = arg,
                                   .to = &elements,
                                   .err = err };
    int r = read_all(&reader);

    if (r == 0)
        put_all(to, &reader);
    buf_fini(&elements);
    return r;
}

/* ---- the binary format to text --------------------------------------------------------------- */

struct array_decoder {
    const struct pg_type *element;
    const char *at, *end;
    struct shape shape;
    struct buf *to;
    struct err *err;
};

static int decode_element(struct array_decoder *decoder)
{
    struct buf text = BUF_INIT(TEXT_CAP);
    int32_t size;
    int r;

    if (decoder->end - decoder->at < 4)
        return -EINVAL;
    size = (int32_t)pg_get_number(decoder->at, 4);
    decoder->at += 4;
    if (size == -1) {
        buf_add_text(decoder->to, "NULL");
        return 0;
    }
    if (size < 0 || size > decoder->end - decoder->at)
        return -EINVAL;
    r = pg_to_text(decoder->element, decoder->at, (size_t)size, &text, decoder->err);
    decoder->at += size;
    if (r == 0)
        put_text(decoder->to, buf_text(&text), text.size);
    buf_fini(&text);
    return r;
}

static int decode_level(struct array_decoder *decoder, int depth)
{
    buf_add_char(decoder->to, '{');
    for (int32_t i = 0; i < decoder->shape.size[depth]; i++) {
        bool last = depth + 1 == decoder->shape.dimensions;
        int r;

        if (i > 0)
            buf_add_char(decoder->to, ',');
        r = last ? decode_element(decoder) : decode_level(decoder, depth + 1);
        if (r < 0)
            return r;
    }
    buf_add_char(decoder->to, '}');
    return 0;
}

static bool decode_head(struct array_decoder *decoder)
{
    int32_t dimensions, flags;

    if (decoder->end - decoder->at < HEADER)
        return false;
    dimensions = (int32_t)pg_get_number(decoder->at, 4);
    flags = (int32_t)pg_get_number(decoder->at + 4, 4);
    if (dimensions < 0 || dimensions > DIMENSIONS_MAX || (flags & ~1) ||
        pg_get_number(decoder->at + 8, 4) != decoder->element->oid ||
        decoder->end - decoder->at < HEADER + 8 * dimensions)
        return false;
    for (int i = 0; i < dimensions; i++) {
        int32_t size = (int32_t)pg_get_number(decoder->at + HEADER + 8 * i, 4);

        if (size <= 0) /* the server takes 0 for an empty array, and never sends it */
            return false;
        decoder->shape.size[i] = size;
        decoder->shape.lower[i] = (int32_t)pg_get_number(decoder->at + HEADER + 8 * i + 4, 4);
        if (decoder->shape.lower[i] > INT32_MAX - size) /* an index has to be behind the last */
            return false;
    }
    decoder->shape.dimensions = dimensions;
    decoder->at += HEADER + 8 * dimensions;
    return true;
}

int pg_array_decode(const struct pg_type *type, const void *data, size_t size, struct buf *to,
                    struct err *err)
{
    struct array_decoder decoder = { .element = pg_type_of_oid(type->element),
                                     .at = data,
                                     .end = (const char *)data + size,
                                     .to = to,
                                     .err = err };

    if (!decode_head(&decoder))
        return pg_bad_bytes(type, err);
    if (decoder.shape.dimensions == 0) {
        buf_add_text(to, "{}");
    } else {
        put_bounds(to, &decoder.shape);
        if (decode_level(&decoder, 0) < 0)
            return pg_bad_bytes(type, err);
    }
    return decoder.at == decoder.end ? 0 : pg_bad_bytes(type, err);
}
