/* http/connection_http1.c - HTTP/1.1 on a connection: requests one at a time, answers in order. */

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "http/protocol.h"

#include "base/hostile.h"

enum { AHEAD_MAX = 256 << 10 }; /* bytes behind the request that is being answered */

struct side {
    struct http1_reader reader;
    struct http_message request;
    struct http_exchange x; /* the one at a time */
    bool is_open; /* x has not been retired */
    bool runs; /* run() is on a stack */
    bool bodiless; /* the answer to HEAD, or 204 and so on */
    bool keeps; /* the connection goes on after the answer */
    bool preface; /* the client speaks HTTP/2 */
    enum http1_framing framing;
    bool is_counted; /* the body has a length, of which so much is to come: */
    size_t left;
};

static struct side *side_of(const struct http_connection *connection)
{
    return connection->engine;
}

/* ---- answers */

static void write_text(struct http_connection *connection, int status, const char *text)
{
    static const struct http_field type = { "Content-Type", "text/plain; charset=utf-8" };
    struct http_message message = { .status = status,
                                    .minor = 1,
                                    .fields = { &type, 1 },
                                    .body = text,
                                    .body_size = strlen(text) };

    http1_write(stream_out(&connection->stream), &message, HTTP1_SIZED);
}

static void inform(struct http_exchange *x, int status, const struct http_fields *fields)
{
    struct http_message message = { .status = status, .minor = 1 };

    if (fields)
        message.fields = *fields;
    if (x->request->minor > 0) /* HTTP/1.0 knows none */
        http1_write(stream_out(&x->connection->stream), &message, HTTP1_BODILESS);
}

/* HTTP/1.0 knows no chunks. */
static enum http1_framing choose_framing(const struct side *side, enum http1_framing framing)
{
    if (side->bodiless)
        return HTTP1_BODILESS;
    if (framing == HTTP1_CHUNKED && side->request.minor == 0)
        return HTTP1_UNTIL_CLOSE;
    return framing;
}

static void choose(struct side *side, const struct http_message *head,
                   enum http1_framing framing)
{
    const struct http_exchange *x = &side->x;
    const char *length = http_value(&head->fields, "Content-Length");

    side->bodiless = !http_has_body(side->request.method, head->status);
    side->framing = choose_framing(side, framing);
    side->keeps = side->request.keep_alive && !x->close_after &&
                  side->framing != HTTP1_UNTIL_CLOSE && !x->service->stopping &&
                  !http_has_member(&head->fields, "Connection", "close");
    side->is_counted = side->framing == HTTP1_SIZED;
    if (!side->is_counted || !length)
        return;
    side->left = strtoull(length, NULL, 10);
    if (head->body_size > 0 && head->body_size != side->left)
        side->keeps = false; /* where the next answer begins, nobody knows */
    side->left -= head->body_size < side->left ? head->body_size : side->left;
}

/* Fields that are ours to add: to HTTP/1.0 that the connection stays, to HEAD the length that GET's answer
 * would have. */
static void add_fields(const struct side *side, const struct http_message *head,
                       enum http1_framing asked, struct arena *arena, struct http_message *ret)
{
    struct http_field *fields = arena_zero(arena, (head->fields.count + 2) * sizeof *fields);
    size_t count = head->fields.count;

    if (count > 0)
        memcpy(fields, head->fields.at, count * sizeof *fields);
    if (side->keeps && side->request.minor == 0 && !http_value(&head->fields, "Connection"))
        fields[count++] = (struct http_field){ "Connection", "keep-alive" };
    if (strcmp(side->request.method, "HEAD") == 0 && asked == HTTP1_SIZED &&
        http_has_body(NULL, head->status) && !http_value(&head->fields, "Content-Length"))
        fields[count++] = (struct http_field){ "Content-Length",
                                               arena_printf(arena, "%zu", head->body_size) };
    *ret = *head;
    ret->minor = 1;
    ret->keep_alive = side->keeps;
    ret->fields = (struct http_fields){ fields, count };
}

/* An answer that cannot be sent as it is, such as one with a line break in a field, is our user's mistake;
 * whoever speaks with the user finds it before. */
static void write_head(struct http_exchange *x, const struct http_message *message)
{
    struct side *side = side_of(x->connection);

    if (http1_write(stream_out(&x->connection->stream), message, side->framing) != -EINVAL)
        return;
    side->bodiless = true;
    side->keeps = false;
    side->is_counted = false;
    write_text(x->connection, 500, "the answer has a field that HTTP cannot carry\n");
}

static void begin(struct http_exchange *x, const struct http_message *head,
                  enum http1_framing framing)
{
    struct side *side = side_of(x->connection);
    struct arena arena = { 0 };
    struct http_message message;

    choose(side, head, framing);
    add_fields(side, head, framing, &arena, &message);
    write_head(x, &message);
    arena_fini(&arena);
}

/* No more than what the head has promised: it would be taken for the next answer. */
static void body(struct http_exchange *x, const void *data, size_t size)
{
    struct side *side = side_of(x->connection);
    struct buf *out = stream_out(&x->connection->stream);

    if (side->bodiless)
        return;
    if (side->framing == HTTP1_CHUNKED) {
        http1_write_chunk(out, data, size);
        return;
    }
    if (side->is_counted && size > side->left)
        size = side->left;
    side->left -= side->is_counted ? size : 0;
    buf_add(out, data, size);
}

static void finish(struct http_exchange *x, const struct http_fields *trailers)
{
    struct http_connection *connection = x->connection;
    struct side *side = side_of(connection);

    if (side->framing == HTTP1_CHUNKED && !side->bodiless &&
        http1_write_last(stream_out(&connection->stream), trailers) == -EINVAL)
        side->keeps = false;
    if (!x->begun || side->left > 0 || x->close_after)
        side->keeps = false;
    stream_flush(&connection->stream);
    if (!side->keeps)
        stream_close_when_sent(&connection->stream, false);
    connection_end_exchange(x);
}

/* ---- requests */

static void refuse(struct http_connection *connection, const struct http1_error *error)
{
    char text[sizeof error->text + 1];

    connection_tell_malformed(connection, error);
    if (connection->stream.dead)
        return;
    snprintf(text, sizeof text, "%s\n", error->text);
    write_text(connection, error->status, text);
    stream_close_when_sent(&connection->stream, true);
}

static void take_preface(struct http_connection *connection)
{
    static const struct http1_error error = {
        .status = 505,
        .text = "the client speaks HTTP/2, but this server does not: start it with .http2"
    };

    if (connection->service->http2)
        side_of(connection)->preface = true;
    else
        refuse(connection, &error);
}

/* From here on HTTP/2; the engine of HTTP/1.1 is gone. */
static void speak_http2(struct http_connection *connection)
{
    struct http1_reader *reader = &side_of(connection)->reader;
    struct buf sent = reader->in;

    reader->in = BUF_INIT(0);
    connection_change_protocol(connection, &http_protocol_2, sent.data + reader->at,
                               sent.size - reader->at);
    buf_fini(&sent);
}

static void say_continue(struct http_connection *connection)
{
    static const struct http_message message = { .status = 100, .minor = 1 };

    http1_write(stream_out(&connection->stream), &message, HTTP1_BODILESS);
    stream_flush(&connection->stream);
}

static void open_exchange(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    side->is_open = true;
    side->keeps = side->bodiless = side->is_counted = false;
    side->framing = HTTP1_SIZED;
    side->left = 0;
    side->x = (struct http_exchange){ .request = &side->request };
    connection_open_exchange(connection, &side->x);
}

/* Returns whether there may be more. */
static bool step(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    switch (http1_next(&side->reader, &side->request)) {
    case HTTP1_MESSAGE:
        open_exchange(connection);
        return true;
    case HTTP1_CONTINUE:
        say_continue(connection);
        return true;
    case HTTP1_WRONG:
        refuse(connection, &side->reader.error);
        return false;
    case HTTP1_PREFACE:
        take_preface(connection);
        return false;
    case HTTP1_MORE:
        break;
    }
    if (connection->stream.peer_ended)
        stream_close_when_sent(&connection->stream, false);
    return false;
}

/* Go on as far as it goes. An answer that comes later calls this again. */
static void run(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    if (side->runs)
        return;
    side->runs = true;
    while (!connection->stream.dead && !connection->stream.closing && !side->is_open &&
           step(connection))
        ;
    side->runs = false;
    if (side->preface)
        speak_http2(connection);
    else if (!connection->stream.dead)
        stream_set_crowded(&connection->stream,
                           side->is_open && side->reader.in.size - side->reader.at > AHEAD_MAX);
}

static void feed(struct http_connection *connection, const void *data, size_t size)
{
    static const struct http1_error too_much = { .status = 413,
                                                 .text = "too much was sent ahead of an "
                                                         "answer" };

    if (http1_feed(&side_of(connection)->reader, data, size) < 0)
        refuse(connection, &too_much);
    else
        run(connection);
}

static void end(struct http_connection *connection)
{
    http1_end(&side_of(connection)->reader);
    run(connection);
}

static void cut(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    if (side && side->is_open)
        connection_end_exchange(&side->x);
}

static void retire(struct http_exchange *x)
{
    side_of(x->connection)->is_open = false;
    run(x->connection);
}

/* ---- life */

static int start(struct http_connection *connection)
{
    const struct http1_limits *limits = connection->service->limits;
    struct side *side = calloc(1, sizeof *side);

    if (!side)
        return -ENOMEM;
    http1_reader_init(&side->reader, HTTP1_REQUESTS, limits ? limits : &http1_usual_limits);
    connection->engine = side;
    return 0;
}

static void free_side(struct http_connection *connection)
{
    struct side *side = side_of(connection);

    if (!side)
        return;
    http1_reader_fini(&side->reader);
    free(side);
}

const struct http_protocol http_protocol_1 = {
    .version = "HTTP/1.1",
    .start = start,
    .drop = free_side,
    .feed = feed,
    .end = end,
    .cut = cut,
    .inform = inform,
    .begin = begin,
    .body = body,
    .finish = finish,
    .retire = retire,
};
