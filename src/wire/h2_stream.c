/* wire/h2_stream.c - streams of HTTP/2 and their requests; see h2_stream.h. Sections are those of RFC 9113. */

#include "wire/h2_stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hostile.h"

enum {
    QUOTE = 60, /* bytes of the client's words in an error */
    FIELD_COST = 32, /* of a field beside its bytes (6.5.2) */
};

/* ---- life */

struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id)
{
    const size_t fields = h2->limits.fields * sizeof(struct http_field);
    struct h2_stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return NULL;
    *stream = (struct h2_stream){ .h2 = h2,
                                  .id = id,
                                  .open = true,
                                  .next = h2->streams,
                                  .self = &h2->streams,
                                  .fields = BUF_INIT(fields),
                                  .trailers = BUF_INIT(fields),
                                  .body = BUF_INIT(h2->limits.body),
                                  .out = BUF_INIT(2 * (size_t)H2_UNSENT) };
    if (h2->streams)
        h2->streams->self = &stream->next;
    h2->streams = stream;
    h2->kept++;
    return stream;
}

void h2_stream_free_body(struct h2_stream *stream)
{
    stream->h2->bodies -= stream->body.size;
    buf_fini(&stream->body);
}

static void free_answer(struct h2_stream *stream)
{
    stream->h2->unsent -= stream->out.size - stream->out_at;
    stream->out_at = 0;
    buf_fini(&stream->out);
}

void h2_stream_free(struct h2_stream *stream)
{
    h2_stream_free_body(stream);
    free_answer(stream);
    buf_fini(&stream->fields);
    buf_fini(&stream->trailers);
    arena_fini(&stream->arena);
    *stream->self = stream->next;
    if (stream->next)
        stream->next->self = stream->self;
    stream->h2->kept--;
    free(stream);
}

void h2_stream_settle(struct h2_stream *stream)
{
    if (!stream->held && !stream->open && !stream->queued)
        h2_stream_free(stream);
}

void h2_stream_closed(struct h2_stream *stream)
{
    stream->open = false;
    stream->news &= ~(unsigned)(H2_CONTINUES | H2_COMPLETE); /* too late for these */
    free_answer(stream);
    if (stream->held && !stream->ended)
        h2_stream_tell(stream, H2_CLOSED);
    h2_stream_settle(stream);
}

/* ---- what there is to tell */

void h2_stream_tell(struct h2_stream *stream, enum h2_news news)
{
    stream->news |= news;
    if (stream->queued)
        return;
    stream->queued = true;
    stream->next_news = NULL;
    *stream->h2->last = stream;
    stream->h2->last = &stream->next_news;
}

static void forget_first(struct h2 *h2)
{
    struct h2_stream *stream = h2->first;

    h2->first = stream->next_news;
    if (!h2->first)
        h2->last = &h2->first;
    stream->queued = false;
    h2_stream_settle(stream);
}

static enum h2_step give(struct h2_stream *stream, enum h2_step step, struct h2_event *ret)
{
    stream->held = step != H2_CONTINUE;
    ret->stream = stream;
    return step;
}

static enum h2_step give_news(struct h2_stream *stream, unsigned news, struct h2_event *ret)
{
    switch (news) {
    case H2_CONTINUES:
        return give(stream, H2_CONTINUE, ret);
    case H2_COMPLETE:
        return give(stream, H2_REQUEST, ret);
    case H2_MALFORMED:
        ret->error = stream->error;
        return stream->open && !stream->error.reset ? give(stream, H2_WRONG, ret) : H2_WRONG;
    case H2_CLOSED:
        return give(stream, H2_CUT, ret);
    default:
        return H2_MORE;
    }
}

enum h2_step h2_stream_next(struct h2 *h2, struct h2_event *ret)
{
    enum h2_step step = H2_MORE;

    while (h2->first && step == H2_MORE) {
        struct h2_stream *stream = h2->first;
        unsigned news = stream->news & -stream->news; /* the lowest */

        step = give_news(stream, news, ret);
        stream->news &= ~news;
        if (stream->news == 0)
            forget_first(h2);
    }
    return step;
}

/* ---- errors */

static void set_error(struct http1_error *error, int status, const char *format, va_list args)
{
    vsnprintf(error->text, sizeof error->text, format, args);
    for (char *at = error->text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    error->status = status;
}

void h2_error_set(struct http1_error *error, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(error, status, format, args);
    va_end(args);
}

void h2_stream_reject(struct h2_stream *stream, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(&stream->error, status, format, args);
    va_end(args);
    stream->wrong = true;
    stream->news &= ~(unsigned)H2_CONTINUES;
    h2_stream_free_body(stream);
    h2_stream_tell(stream, H2_MALFORMED);
}

/* ---- fields */

static void take_pseudo_field(struct h2_stream *stream, const char *name, const char *value)
{
    if (strcmp(name, ":method") == 0)
        stream->request.method = value;
    else if (strcmp(name, ":path") == 0)
        stream->request.target = value;
    else if (strcmp(name, ":authority") == 0)
        stream->authority = value;
    else if (strcmp(name, ":scheme") == 0)
        stream->scheme = value;
}

static struct http_fields fields_of(const struct buf *fields)
{
    return (struct http_fields){ (const struct http_field *)(const void *)fields->data,
                                 fields->size / sizeof(struct http_field) };
}

void h2_stream_take_field(struct h2_stream *stream, bool trailer, const void *name,
                          size_t name_size, const void *value, size_t value_size)
{
    const struct http1_limits *limits = &stream->h2->limits;
    struct buf *fields = trailer ? &stream->trailers : &stream->fields;
    struct http_field field;

    if (stream->wrong)
        return;
    stream->head_size += name_size + value_size + FIELD_COST;
    if (stream->head_size > limits->head) {
        h2_stream_reject(stream, 431, "the fields have more than %zu bytes", limits->head);
        return;
    }
    field = (struct http_field){ arena_copy(&stream->arena, name, name_size),
                                 arena_copy(&stream->arena, value, value_size) };
    if (*field.name == ':')
        take_pseudo_field(stream, field.name, field.value);
    else if (buf_add(fields, &field, sizeof field) < 0)
        h2_stream_reject(stream, 431, "there are more than %zu fields", limits->fields);
}

/* The crumbs of a cookie as one field (8.2.3). */
static const char *join_cookies(struct h2_stream *stream, const struct http_fields *fields)
{
    struct buf all = BUF_INIT(2 * stream->h2->limits.head);
    const char *joined;

    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->at[i].name, "cookie") == 0)
            buf_printf(&all, "%s%s", all.size > 0 ? "; " : "", fields->at[i].value);
    joined = arena_copy(&stream->arena, buf_text(&all), all.size);
    buf_fini(&all);
    return joined;
}

/* The fields as HTTP/1.1 has them: Host first (8.3.1), and one Cookie. */
static struct http_fields order_fields(struct h2_stream *stream)
{
    const struct http_fields all = fields_of(&stream->fields);
    struct http_field *to = arena_zero(&stream->arena, (all.count + 1) * sizeof *to);
    size_t count = 0;
    bool cookie = false;

    if (stream->authority)
        to[count++] = (struct http_field){ "host", stream->authority };
    for (size_t i = 0; i < all.count; i++) {
        const struct http_field *field = &all.at[i];

        if (strcmp(field->name, "host") == 0 && stream->authority)
            continue;
        if (strcmp(field->name, "cookie") != 0)
            to[count++] = *field;
        else if (!cookie)
            to[count++] = (struct http_field){ "cookie", join_cookies(stream, &all) };
        cookie = cookie || strcmp(field->name, "cookie") == 0;
    }
    return (struct http_fields){ to, count };
}

static bool refuse(struct h2_stream *stream, int status, const char *what, const char *words)
{
    h2_stream_reject(stream, status, "%s '%.*s%s'", what, QUOTE, words,
                     strlen(words) > QUOTE ? "..." : "");
    return false;
}

static bool check_host(struct h2_stream *stream)
{
    const struct http_fields fields = fields_of(&stream->fields);
    const char *given = http_value(&fields, "host");
    const char *host = stream->authority ? stream->authority : given;

    if (host && given && strcasecmp(host, given) != 0)
        return refuse(stream, 400, "the :authority is another than the Host", given);
    return !host || http_is_host(host) || refuse(stream, 400, "the Host is", host);
}

/* What nghttp2 leaves to us. */
static bool check_head(struct h2_stream *stream)
{
    const struct http_message *request = &stream->request;
    const struct http1_limits *limits = &stream->h2->limits;
    const char *expected = http_value(&request->fields, "expect");
    const char *length = http_value(&request->fields, "content-length");

    if (strlen(request->target) > limits->line)
        return refuse(stream, 414, "the target is too long:", request->target);
    if (!http_is_target(request->method, request->target))
        return refuse(stream, 400, "the target is", request->target);
    if (!check_host(stream))
        return false;
    if (expected && strcasecmp(expected, "100-continue") != 0)
        return refuse(stream, 417, "it expects", expected);
    if (length && strtoull(length, NULL, 10) > limits->body)
        return refuse(stream, 413, "the body is too long; its Content-Length is", length);
    return true;
}

void h2_stream_end_head(struct h2_stream *stream, bool whole)
{
    struct http_message *request = &stream->request;

    stream->head_size = 0; /* from now on of the trailers */
    if (stream->wrong)
        return;
    request->fields = order_fields(stream);
    request->minor = 1;
    request->keep_alive = true;
    if (strcmp(request->method, "CONNECT") == 0)
        request->target = stream->authority;
    if (check_head(stream) && !whole && http_value(&request->fields, "expect"))
        h2_stream_tell(stream, H2_CONTINUES);
}

/* ---- the body */

void h2_stream_take_body(struct h2_stream *stream, const void *data, size_t size)
{
    struct h2 *h2 = stream->h2;
    const size_t limit = h2->limits.body;

    if (stream->wrong)
        return;
    if (size > limit - stream->body.size)
        h2_stream_reject(stream, 413, "the body has more than %zu bytes", limit);
    else if (size > H2_BODIES * limit - h2->bodies || buf_add(&stream->body, data, size) < 0)
        h2_stream_reject(stream, 413, "the bodies of all requests have more than %zu bytes",
                         H2_BODIES * limit);
    else
        h2->bodies += size;
}

void h2_stream_complete(struct h2_stream *stream)
{
    struct http_message *request = &stream->request;

    stream->whole = true;
    stream->news &= ~(unsigned)H2_CONTINUES;
    if (stream->wrong)
        return;
    request->trailers = fields_of(&stream->trailers);
    request->body = buf_text(&stream->body);
    request->body_size = stream->body.size;
    h2_stream_tell(stream, H2_COMPLETE);
}

/* ---- flaws */

static const char *missing_field(const struct h2_stream *stream, bool connect)
{
    const struct http_fields fields = fields_of(&stream->fields);

    if (!stream->request.method)
        return ":method";
    if (!stream->authority && !http_value(&fields, "host"))
        return ":authority";
    if (connect)
        return NULL;
    return !stream->request.target ? ":path" : !stream->scheme ? ":scheme" : NULL;
}

const char *h2_stream_flaw(struct h2_stream *stream)
{
    const struct http_fields fields = fields_of(&stream->fields);
    const struct http_message *request = &stream->request;
    const char *length = http_value(&fields, "content-length");
    bool connect = request->method && strcmp(request->method, "CONNECT") == 0;
    const char *missing = missing_field(stream, connect);

    if (missing)
        return arena_printf(&stream->arena, "there is no %s", missing);
    if (connect && (stream->scheme || request->target))
        return request->target == stream->authority ? NULL : "CONNECT has a :scheme or a :path";
    if (!connect && !http_is_target(request->method, request->target))
        return arena_printf(&stream->arena, "the :path is '%.*s'", QUOTE, request->target);
    if (length)
        return arena_printf(&stream->arena,
                            "the body has not the %.*s bytes of its "
                            "Content-Length",
                            QUOTE, length);
    return NULL;
}
