/*
 * http/connection_h2.c - HTTP/2 on a connection: several exchanges at once, each a stream of its own.
 *
 * What the engine has to send is fetched as the client takes it: what waits in the connection stays small,
 * and all streams have their turn.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/protocol.h"
#include "wire/h2.h"

#include "base/hostile.h"

enum { AHEAD = 256 << 10 }; /* bytes that may wait in the connection */

struct http2_stream {
    struct http_exchange x; /* first: this is how it is known there */
    struct h2_stream *h2;
    struct http2_stream *next, **at; /* in side.streams */
};

struct side {
    struct h2 *h2;
    struct http2_stream *streams; /* those that have not been retired */
};

static struct side *side_of(const struct http_connection *connection)
{
    return connection->engine;
}

static struct http2_stream *stream_of(const struct http_exchange *x)
{
    return (struct http2_stream *)x;
}

/* ---- sending */

/* Returns whether there was something to send. */
static bool fetch(struct http_connection *connection)
{
    bool some = false;

    while (!connection->stream.dead && !connection->stream.closing &&
           stream_unsent(&connection->stream) < AHEAD) {
        struct buf *out = stream_out(&connection->stream);
        const size_t before = out->size;

        h2_output(side_of(connection)->h2, out, before + AHEAD);
        if (out->size == before && !out->failed)
            break;
        some = true;
        stream_flush(&connection->stream);
    }
    return some;
}

static void send_all(struct http_connection *connection)
{
    fetch(connection);
    if (!connection->stream.dead && h2_is_over(side_of(connection)->h2))
        stream_close_when_sent(&connection->stream, true);
}

static void reply_text(struct h2_stream *stream, int status, const char *text)
{
    static const struct http_field type = { "Content-Type", "text/plain; charset=utf-8" };
    const struct http_message message = {
        .status = status, .fields = { &type, 1 }, .body = text, .body_size = strlen(text)
    };

    h2_reply(stream, &message);
}

/* ---- answers; a stream that has ended meanwhile takes none of it */

static void inform(struct http_exchange *x, int status, const struct http_fields *fields)
{
    static const struct http_fields none = { 0 };

    h2_inform(stream_of(x)->h2, status, fields ? fields : &none);
    send_all(x->connection);
}

static void body(struct http_exchange *x, const void *data, size_t size)
{
    struct h2_stream *stream = stream_of(x)->h2;

    if (h2_body(stream, data, size) == -ENOBUFS) /* the client takes too little for too long */
        h2_reset(stream);
    send_all(x->connection);
}

/* Nothing is sent before the body that the head brings along, or the end, is known. */
static void begin(struct http_exchange *x, const struct http_message *head,
                  enum http1_framing framing)
{
    struct h2_stream *stream = stream_of(x)->h2;
    bool whole = framing == HTTP1_SIZED && !http_value(&head->fields, "Content-Length");
    int r = whole ? h2_reply(stream, head) : h2_begin(stream, head);

    if (r == 0 && !whole && head->body_size > 0)
        r = h2_body(stream, head->body, head->body_size);
    if (r == -EINVAL) /* our user's mistake */
        reply_text(stream, 500, "the answer has a field that HTTP cannot carry\n");
    else if (r == -ENOBUFS)
        h2_reset(stream);
    if (framing != HTTP1_SIZED)
        send_all(x->connection);
}

static void finish(struct http_exchange *x, const struct http_fields *trailers)
{
    struct http_connection *connection = x->connection;
    struct h2_stream *stream = stream_of(x)->h2;

    http_exchange_hold(x); /* should the connection die of it */
    if (!x->begun || h2_end(stream, trailers) == -EINVAL)
        h2_reset(stream);
    if (x->close_after || x->service->stopping)
        h2_finish(side_of(connection)->h2);
    send_all(connection);
    connection_end_exchange(x);
    http_exchange_release(x);
}

static size_t unsent(const struct http_exchange *x)
{
    return h2_unsent(stream_of(x)->h2);
}

/* ---- requests */

/* `alone`: no other request came with it. Else a handler that waits would hold up the others. */
static void open_exchange(struct http_connection *connection, struct h2_stream *h2, bool alone)
{
    struct side *side = side_of(connection);
    struct http2_stream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        h2_release(h2);
        return;
    }
    *stream = (struct http2_stream){ .x = { .request = h2_request(h2) },
                                     .h2 = h2,
                                     .next = side->streams,
                                     .at = &side->streams };
    if (side->streams)
        side->streams->at = &stream->next;
    side->streams = stream;
    h2_set_user(h2, stream);
    if (alone)
        connection_open_exchange(connection, &stream->x);
    else
        connection_open_exchange_soon(connection, &stream->x);
}

static void refuse(struct http_connection *connection, struct h2_event *event)
{
    char text[sizeof event->error.text + 1];

    snprintf(text, sizeof text, "%s\n", event->error.text);
    if (event->stream) {
        reply_text(event->stream, event->error.status, text);
        h2_release(event->stream);
    }
    connection_tell_malformed(connection, &event->error);
}

static void hear(struct http_connection *connection, enum h2_step step, struct h2_event *event,
                 bool alone)
{
    static const struct http_fields none = { 0 };
    struct http2_stream *stream;

    switch (step) {
    case H2_REQUEST:
        open_exchange(connection, event->stream, alone);
        break;
    case H2_CONTINUE:
        h2_inform(event->stream, 100, &none);
        break;
    case H2_WRONG:
        refuse(connection, event);
        break;
    case H2_CUT:
        stream = h2_user(event->stream);
        connection_end_exchange(&stream->x);
        break;
    case H2_MORE:
        break;
    }
}

/* A handler of the user's may run in here, without the lock; another thread then goes on with what comes
 * meanwhile, in here too. */
static void run(struct http_connection *connection)
{
    struct h2 *h2 = side_of(connection)->h2;
    struct h2_event event;
    enum h2_step step;
    bool alone = true;

    do {
        while (!connection->stream.dead && !connection->stream.closing &&
               (step = h2_next(h2, &event)) != H2_MORE) {
            alone = alone && !h2_has_next(h2);
            hear(connection, step, &event, alone);
        }
    } while (
        fetch(connection)); /* what is wrong with the connection is known when that is sent */
    send_all(connection);
}

static void feed(struct http_connection *connection, const void *data, size_t size)
{
    h2_feed(side_of(connection)->h2, data, size);
    run(connection);
}

static void close_when_unused(struct http_connection *connection)
{
    if (!connection->stream.dead && connection->stream.peer_ended && connection->open == 0)
        stream_close_when_sent(&connection->stream, false);
}

static void cut(struct http_connection *connection)
{
    struct side *side = side_of(connection);
    struct http2_stream *at = side ? side->streams : NULL;

    while (at) /* from the first again: what is told may retire any of them */
        if (at->x.ended) {
            at = at->next;
        } else {
            connection_end_exchange(&at->x);
            at = side->streams;
        }
}

static void retire(struct http_exchange *x)
{
    struct http_connection *connection = x->connection;
    struct http2_stream *stream = stream_of(x);

    h2_release(stream->h2);
    *stream->at = stream->next;
    if (stream->next)
        stream->next->at = stream->at;
    free(stream);
    if (connection->stream.dead)
        return;
    send_all(connection);
    close_when_unused(connection);
}

/* ---- life */

static int start(struct http_connection *connection)
{
    const struct http1_limits *limits = connection->service->limits;
    struct side *side = calloc(1, sizeof *side);
    int r = side ? h2_new(&side->h2, limits ? limits : &http1_usual_limits) : -ENOMEM;

    if (r < 0) {
        free(side);
        return r;
    }
    connection->engine = side;
    return 0;
}

static void free_side(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    if (!side)
        return;
    h2_free(side->h2);
    free(side);
}

const struct http_protocol http_protocol_2 = {
    .version = "HTTP/2",
    .start = start,
    .drop = free_side,
    .feed = feed,
    .end = close_when_unused,
    .room = send_all,
    .cut = cut,
    .inform = inform,
    .begin = begin,
    .body = body,
    .finish = finish,
    .unsent = unsent,
    .retire = retire,
};
