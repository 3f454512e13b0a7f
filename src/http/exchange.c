/* http/exchange.c - a request and its answer, whatever the protocol; see connection.h and protocol.h. */

#include <stddef.h>

#include "base/deadline.h"
#include "http/protocol.h"

/* ---- life */

static void open_exchange(struct http_connection *connection, struct http_exchange *x)
{
    x->service = connection->service;
    x->connection = connection;
    x->version = connection->protocol->version;
    x->begin_ns = now_ns();
    connection->open++;
    stream_enter(&connection->stream);
}

void connection_open_exchange(struct http_connection *connection, struct http_exchange *x)
{
    open_exchange(connection, x);
    x->service->request(x->service, x);
}

void connection_open_exchange_soon(struct http_connection *connection, struct http_exchange *x)
{
    open_exchange(connection, x);
    http_exchange_defer(x);
}

static void retire(struct http_exchange *x)
{
    struct http_connection *connection = x->connection;

    connection->open--;
    connection->protocol->retire(x);
    stream_leave(&connection->stream);
}

void connection_end_exchange(struct http_exchange *x)
{
    if (x->ended)
        return;
    x->ended = true;
    loop_timer_cancel(&x->timer);
    x->holds++; /* the service may let go of it in this call */
    if (x->service->ended)
        x->service->ended(x->service, x);
    if (--x->holds == 0)
        retire(x);
}

void http_exchange_hold(struct http_exchange *x)
{
    x->holds++;
}

void http_exchange_release(struct http_exchange *x)
{
    struct http_connection *connection = x->connection;

    stream_enter(&connection->stream);
    if (--x->holds == 0 && x->ended)
        retire(x);
    stream_leave(&connection->stream);
}

/* ---- threads */

bool http_exchange_is_inline(const struct http_exchange *x)
{
    return x->connection->stream.feeding;
}

static void ask_again(struct loop_timer *timer)
{
    struct http_exchange *x = (void *)((char *)timer - offsetof(struct http_exchange, timer));
    struct http_connection *connection = x->connection;

    stream_enter(&connection->stream);
    x->service->request(x->service, x);
    stream_leave(&connection->stream);
}

void http_exchange_defer(struct http_exchange *x)
{
    if (x->ended)
        return;
    x->timer.fire = ask_again;
    loop_timer_set(&x->timer, 1);
}

/* ---- answering */

static bool can_answer(const struct http_exchange *x)
{
    return !x->ended && !x->answered && !x->connection->stream.dead;
}

void http_exchange_inform(struct http_exchange *x, int status, const struct http_fields *fields)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x) || x->begun)
        return;
    stream_enter(&connection->stream);
    connection->protocol->inform(x, status, fields);
    stream_flush(&connection->stream);
    stream_leave(&connection->stream);
}

static void begin(struct http_exchange *x, const struct http_message *head,
                  enum http1_framing framing)
{
    x->begun = true;
    x->status = head->status;
    x->connection->protocol->begin(x, head, framing);
}

static void finish(struct http_exchange *x, const struct http_fields *trailers)
{
    static const struct http_fields none = { 0 };

    x->answered = true;
    x->connection->protocol->finish(x, trailers ? trailers : &none);
}

void http_exchange_reply(struct http_exchange *x, const struct http_message *message)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x) || x->begun)
        return;
    stream_enter(&connection->stream);
    begin(x, message, HTTP1_SIZED);
    finish(x, NULL);
    stream_leave(&connection->stream);
}

void http_exchange_begin(struct http_exchange *x, const struct http_message *head,
                         enum http1_framing framing)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x) || x->begun)
        return;
    stream_enter(&connection->stream);
    begin(x, head, framing);
    stream_flush(&connection->stream);
    stream_leave(&connection->stream);
}

void http_exchange_body(struct http_exchange *x, const void *data, size_t size)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x) || !x->begun || size == 0)
        return;
    stream_enter(&connection->stream);
    connection->protocol->body(x, data, size);
    stream_flush(&connection->stream);
    stream_leave(&connection->stream);
}

void http_exchange_end(struct http_exchange *x, const struct http_fields *trailers)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x))
        return;
    stream_enter(&connection->stream);
    finish(x, trailers);
    stream_leave(&connection->stream);
}

void http_exchange_raw(struct http_exchange *x, const void *data, size_t size)
{
    struct http_connection *connection = x->connection;

    if (!can_answer(x))
        return;
    x->begun = true;
    stream_enter(&connection->stream);
    buf_add(stream_out(&connection->stream), data, size);
    stream_flush(&connection->stream);
    stream_leave(&connection->stream);
}

void http_exchange_abort(struct http_exchange *x, bool reset)
{
    if (!x->ended)
        http_connection_close(x->connection, reset);
}

void http_exchange_close_after(struct http_exchange *x)
{
    x->close_after = true;
}

size_t http_exchange_unsent(const struct http_exchange *x)
{
    const struct http_connection *connection = x->connection;
    size_t unsent = stream_unsent(&connection->stream);

    if (connection->protocol->unsent)
        unsent += connection->protocol->unsent(x);
    return unsent;
}
