/* wire/h2.c - HTTP/2 through nghttp2; see h2.h. Sections are those of RFC 9113. */

#include "wire/h2_stream.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hostile.h"

enum {
    KEPT = 2 * H2_STREAMS, /* streams in memory: the open ones, and ended ones not released */
    WINDOW = 1 << 20, /* what a client may send of a body ahead of our leave */
    CONTINUATIONS =
        100, /* nghttp2 counts one anew for each piece of its head that comes alone */
};

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- errors */

/* The connection cannot go on. The first reason counts. */
static void fail(struct h2 *h2, const char *reason)
{
    if (h2->error.text[0])
        return;
    h2_error_set(&h2->error, 0, "the HTTP/2 connection is broken: %s", reason);
    h2->error.reset = true;
    h2->wrong = true;
}

static int on_reason(nghttp2_session *session, int code, const char *text, size_t size,
                     void *user)
{
    static const char field[] = "Invalid HTTP header field was received: ";
    static const char before[] = "name: [", between[] = "], value: [";
    struct h2 *h2 = user;
    const char *name = strstr(text, before), *value = name ? strstr(name, between) : NULL;

    (void)session;
    (void)code;
    (void)size;
    if (value && strncmp(text, field, sizeof field - 1) == 0) { /* without the frame's number */
        name += sizeof before - 1;
        snprintf(h2->reason, sizeof h2->reason, "a field is wrong: '%.*s: %.*s'",
                 (int)(value - name), name, (int)strcspn(value + sizeof between - 1, "]"),
                 value + sizeof between - 1);
    } else
        snprintf(h2->reason, sizeof h2->reason, "%s", text);
    return 0;
}

/* A reason is one for the frame in which it was found. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *user)
{
    struct h2 *h2 = user;

    (void)session;
    (void)head;
    h2->reason[0] = '\0';
    return 0;
}

/* What nghttp2 resets by itself. */
static void say_reset(struct h2_stream *stream, const char *flaw)
{
    h2_stream_reject(stream, 0, "a malformed request was reset: %s", flaw);
    stream->error.reset = true;
}

/* nghttp2 has refused a frame; when that is of one stream, it resets that by itself. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code,
                            void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    const char *flaw;

    if (!stream || stream->wrong || stream->whole)
        return 0;
    flaw = h2->reason[0] ? h2->reason : h2_stream_flaw(stream);
    say_reset(stream, flaw ? flaw : nghttp2_strerror(code));
    return 0;
}

/* Such a field would be dropped; a client that sends it has a mistake (8.2.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_size, const uint8_t *value,
                             size_t value_size, uint8_t flags, void *user)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_size;
    (void)value;
    (void)value_size;
    (void)flags;
    (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* ---- requests */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    int32_t id = frame->hd.stream_id;
    struct h2_stream *stream;

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (h2->kept >= KEPT)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id,
                                         NGHTTP2_REFUSED_STREAM);
    stream = h2_stream_new(h2, id);
    if (!stream)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return nghttp2_session_set_stream_user_data(session, id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

    (void)flags;
    (void)user;
    if (stream)
        h2_stream_take_field(stream, frame->headers.cat != NGHTTP2_HCAT_REQUEST, name,
                             name_size, value, value_size);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user)
{
    struct h2_stream *stream = stream_of(session, id);

    (void)flags;
    (void)user;
    if (stream)
        h2_stream_take_body(stream, data, size);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    bool whole = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    (void)user;
    if (!stream || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        h2_stream_end_head(stream, whole);
    if (whole)
        h2_stream_complete(stream);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *stream = stream_of(session, id);

    (void)code;
    (void)user;
    if (stream)
        h2_stream_closed(stream);
    return 0;
}

/* ---- sending */

/* Our GOAWAY carries why. */
static void sent_goaway(struct h2 *h2, const nghttp2_goaway *goaway)
{
    char why[80];

    if (goaway->error_code == NGHTTP2_NO_ERROR)
        return;
    snprintf(why, sizeof why, "%.*s", (int)goaway->opaque_data_len,
             goaway->opaque_data_len ? (const char *)goaway->opaque_data : "");
    fail(h2, why[0]          ? why
             : h2->reason[0] ? h2->reason
                             : nghttp2_http2_strerror(goaway->error_code));
}

/* The client need not send the rest of what has been answered (8.1). */
static int sent_end(nghttp2_session *session, struct h2_stream *stream)
{
    if (stream->whole)
        return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

/* nghttp2 has found something wrong behind the head. */
static void sent_reset(struct h2_stream *stream, uint32_t code)
{
    const char *flaw = h2_stream_flaw(stream);

    if (!stream->whole && !stream->wrong)
        say_reset(stream, flaw ? flaw : nghttp2_http2_strerror(code));
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_GOAWAY)
        sent_goaway(user, &frame->goaway);
    else if (stream && frame->hd.type == NGHTTP2_RST_STREAM)
        sent_reset(stream, frame->rst_stream.error_code);
    else if (stream && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
             (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return sent_end(session, stream);
    return 0;
}

int h2_output(struct h2 *h2, struct buf *to, size_t most)
{
    const uint8_t *data;

    while (!h2->dead && to->size < most) {
        ssize_t size = nghttp2_session_mem_send(h2->session, &data);

        if (size == 0)
            break;
        if (size < 0) {
            h2->dead = true;
            fail(h2, nghttp2_strerror((int)size));
        } else if (buf_add(to, data, (size_t)size) < 0)
            return -ENOBUFS;
    }
    return 0;
}

/* ---- answers */

/* What speaks of a connection has no place here (8.2.2). */
static bool is_of_connection(const char *name)
{
    static const char *const names[] = { "connection", "keep-alive", "proxy-connection",
                                         "transfer-encoding", "upgrade" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static nghttp2_nv pair_of(const char *name, const char *value)
{
    return (nghttp2_nv){ .name = (uint8_t *)name,
                         .value = (uint8_t *)value,
                         .namelen = strlen(name),
                         .valuelen = strlen(value) };
}

/* The fields as nghttp2 wants them, in `pairs`, which has room; returns how many, -EINVAL for a wrong one. */
static ssize_t make_pairs(nghttp2_nv *pairs, const struct http_fields *fields)
{
    ssize_t count = 0;

    for (size_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];

        if (!http_is_field(field))
            return -EINVAL;
        if (!is_of_connection(field->name))
            pairs[count++] = pair_of(field->name, field->value);
    }
    return count;
}

static ssize_t give_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2_stream *stream = source->ptr;
    size_t left = stream->out.size - stream->out_at;
    size_t size = left < room ? left : room;

    (void)user;
    if (size == 0 && !stream->ended)
        return NGHTTP2_ERR_DEFERRED;
    if (size > 0)
        memcpy(to, stream->out.data + stream->out_at, size);
    stream->out_at += size;
    stream->h2->unsent -= size;
    if (size < left || !stream->ended)
        return (ssize_t)size;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->last.count > 0) {
        nghttp2_nv *pairs = arena_zero(&stream->arena, stream->last.count * sizeof *pairs);
        ssize_t count = make_pairs(pairs, &stream->last);

        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, id, pairs, (size_t)count) < 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return (ssize_t)size;
}

/* Status and fields as pairs in the stream's arena; returns how many. */
static ssize_t make_head(struct h2_stream *stream, int status, const struct http_fields *fields,
                         const char *length, nghttp2_nv **ret)
{
    nghttp2_nv *pairs = arena_zero(&stream->arena, (fields->count + 2) * sizeof *pairs);
    ssize_t count = make_pairs(pairs + 1, fields);

    if (count < 0 || status < 100 || status > 999)
        return -EINVAL;
    pairs[0] = pair_of(":status", arena_printf(&stream->arena, "%d", status));
    count++;
    if (length)
        pairs[count++] = pair_of("content-length", length);
    *ret = pairs;
    return count;
}

int h2_inform(struct h2_stream *stream, int status, const struct http_fields *fields)
{
    nghttp2_nv *pairs;
    ssize_t count;

    if (!stream->open || stream->begun)
        return -EPIPE;
    count = make_head(stream, status, fields, NULL, &pairs);
    if (count < 0 || status > 199)
        return -EINVAL;
    return nghttp2_submit_headers(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                  pairs, (size_t)count, NULL) < 0
               ? -ENOMEM
               : 0;
}

static int begin(struct h2_stream *stream, const struct http_message *head, const char *length,
                 bool body)
{
    nghttp2_data_provider provider = { .source = { .ptr = stream },
                                       .read_callback = give_body };
    nghttp2_nv *pairs;
    ssize_t count;

    if (!stream->open || stream->begun)
        return -EPIPE;
    count = make_head(stream, head->status, &head->fields, length, &pairs);
    if (count < 0 || head->status < 200)
        return -EINVAL;
    body = body && http_has_body(stream->request.method, head->status);
    if (nghttp2_submit_response(stream->h2->session, stream->id, pairs, (size_t)count,
                                body ? &provider : NULL) < 0)
        return -ENOMEM;
    stream->begun = true;
    stream->ended = !body;
    return 0;
}

int h2_begin(struct h2_stream *stream, const struct http_message *head)
{
    return begin(stream, head, NULL, true);
}

static void resume(struct h2_stream *stream)
{
    nghttp2_session_resume_data(stream->h2->session, stream->id); /* or it was not waiting */
}

int h2_body(struct h2_stream *stream, const void *data, size_t size)
{
    struct h2 *h2 = stream->h2;

    if (!stream->open || !stream->begun)
        return -EPIPE;
    if (stream->ended) /* a message without a body */
        return 0;
    if (size > H2_UNSENT - h2->unsent)
        return -ENOBUFS;
    if (stream->out_at > stream->out.size / 2) {
        buf_drop(&stream->out, stream->out_at);
        stream->out_at = 0;
    }
    if (buf_add(&stream->out, data, size) < 0)
        return -ENOBUFS;
    h2->unsent += size;
    resume(stream);
    return 0;
}

static struct http_fields copy_fields(struct arena *arena, const struct http_fields *fields)
{
    struct http_field *to = arena_zero(arena, (fields->count + 1) * sizeof *to);

    for (size_t i = 0; i < fields->count; i++)
        to[i] = (struct http_field){ arena_dup(arena, fields->at[i].name),
                                     arena_dup(arena, fields->at[i].value) };
    return (struct http_fields){ to, fields->count };
}

int h2_end(struct h2_stream *stream, const struct http_fields *trailers)
{
    if (!stream->open || !stream->begun)
        return -EPIPE;
    if (stream->ended)
        return 0;
    for (size_t i = 0; trailers && i < trailers->count; i++)
        if (!http_is_field(&trailers->at[i]))
            return -EINVAL;
    if (trailers)
        stream->last = copy_fields(&stream->arena, trailers);
    stream->ended = true;
    resume(stream);
    return 0;
}

int h2_reply(struct h2_stream *stream, const struct http_message *message)
{
    bool sized =
        http_has_body(NULL, message->status) && !http_value(&message->fields, "Content-Length");
    const char *length = sized ? arena_printf(&stream->arena, "%zu", message->body_size) : NULL;
    int r =
        begin(stream, message, length, message->body_size > 0 || message->trailers.count > 0);

    if (r == 0)
        r = h2_body(stream, message->body, message->body_size);
    return r < 0 ? r : h2_end(stream, &message->trailers);
}

void h2_reset(struct h2_stream *stream)
{
    stream->ended = true; /* there is nothing to tell of it any more */
    if (stream->open)
        nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_INTERNAL_ERROR);
}

size_t h2_unsent(const struct h2_stream *stream)
{
    return stream->out.size - stream->out_at;
}

void h2_release(struct h2_stream *stream)
{
    stream->held = false;
    h2_stream_free_body(stream);
    if (!stream->ended)
        h2_reset(stream);
    h2_stream_settle(stream);
}

/* ---- what there is to tell */

enum h2_step h2_next(struct h2 *h2, struct h2_event *ret)
{
    enum h2_step step;

    *ret = (struct h2_event){ 0 };
    step = h2_stream_next(h2, ret);
    if (step != H2_MORE || !h2->wrong)
        return step;
    h2->wrong = false;
    ret->error = h2->error;
    return H2_WRONG;
}

bool h2_has_next(const struct h2 *h2)
{
    return h2->first || h2->wrong;
}

const struct http_message *h2_request(const struct h2_stream *stream)
{
    return &stream->request;
}

void h2_set_user(struct h2_stream *stream, void *user)
{
    stream->user = user;
}

void *h2_user(const struct h2_stream *stream)
{
    return stream->user;
}

/* ---- the connection */

void h2_feed(struct h2 *h2, const void *data, size_t size)
{
    ssize_t r;

    if (h2->dead)
        return;
    r = nghttp2_session_mem_recv(h2->session, data, size);
    if (r >= 0)
        return;
    h2->dead = true;
    fail(h2, h2->reason[0] ? h2->reason : nghttp2_strerror((int)r));
}

void h2_finish(struct h2 *h2)
{
    if (!h2->dead)
        nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h2->session),
                              NGHTTP2_NO_ERROR, NULL, 0);
}

bool h2_is_over(const struct h2 *h2)
{
    return h2->dead || (!nghttp2_session_want_read(h2->session) &&
                        !nghttp2_session_want_write(h2->session));
}

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_reason);
}

static int new_session(struct h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int r = nghttp2_session_callbacks_new(&callbacks);

    if (r == 0)
        r = nghttp2_option_new(&option);
    if (r == 0) {
        set_callbacks(callbacks);
        /* An ended stream is forgotten at once. The limits on resets and on acknowledgements that
         * wait are nghttp2's own. */
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_max_continuations(option, CONTINUATIONS);
        r = nghttp2_session_server_new2(&h2->session, callbacks, h2, option);
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return r < 0 ? -ENOMEM : 0;
}

static int submit_settings(struct h2 *h2)
{
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)h2->limits.head },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    int r = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                    sizeof settings / sizeof *settings);

    if (r == 0)
        r = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
    return r < 0 ? -ENOMEM : 0;
}

int h2_new(struct h2 **ret, const struct http1_limits *limits)
{
    struct h2 *h2 = calloc(1, sizeof *h2);
    int r;

    if (!h2)
        return -ENOMEM;
    h2->limits = *limits;
    h2->last = &h2->first;
    r = new_session(h2);
    if (r == 0)
        r = submit_settings(h2);
    if (r < 0) {
        h2_free(h2);
        return r;
    }
    *ret = h2;
    return 0;
}

void h2_free(struct h2 *h2)
{
    if (!h2)
        return;
    nghttp2_session_del(h2->session); /* tells of no stream's end */
    while (h2->streams)
        h2_stream_free(h2->streams);
    free(h2);
}
