/*
 * http/connection.c - a server's connection: which protocol its client speaks, and its end; see connection.h
 * and protocol.h.
 */

#include "http/connection.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "http/protocol.h"
#include "test/mask.h"
#include "test/t.h"

#include "base/hostile.h"

enum { TLS_HANDSHAKE = 0x16 }; /* what a TLS client begins with */

static struct http_connection *connection_of(struct stream *stream)
{
    return (struct http_connection *)stream;
}

/* ---- life */

static void enlist(struct http_connection *connection)
{
    struct http_connection **first = &connection->service->connections;

    connection->at = first;
    connection->next = *first;
    if (*first)
        (*first)->at = &connection->next;
    *first = connection;
}

static void cut(struct stream *stream)
{
    struct http_connection *connection = connection_of(stream);

    *connection->at = connection->next;
    if (connection->next)
        connection->next->at = connection->at;
    if (connection->protocol)
        connection->protocol->cut(connection);
}

static void gone(struct stream *stream)
{
    struct http_connection *connection = connection_of(stream);
    struct http_service *service = connection->service;

    if (service->closed)
        service->closed(service, connection);
    if (connection->protocol)
        connection->protocol->drop(connection);
    free(connection);
}

static void leave_unread(struct stream *stream)
{
    struct http_connection *connection = connection_of(stream);

    if (connection->service->leave_unread)
        connection->service->leave_unread(connection->service, connection);
}

/* ---- receiving */

void connection_tell_malformed(struct http_connection *connection,
                               const struct http1_error *error)
{
    struct http_service *service = connection->service;
    struct buf words = BUF_INIT(4 * sizeof error->text);
    struct http1_error shown = *error;

    if (!service->malformed)
        return;
    mask_quoted(&words, error->text);
    snprintf(shown.text, sizeof shown.text, "%s", buf_text(&words));
    buf_fini(&words);
    service->malformed(service, connection, &shown);
}

static void speak(struct http_connection *connection, const struct http_protocol *protocol)
{
    connection->protocol = protocol;
    if (protocol->start(connection) < 0)
        stream_close(&connection->stream, true); /* out of memory */
}

static void fed(struct stream *stream, const void *data, size_t size)
{
    struct http_connection *connection = connection_of(stream);

    if (!connection->protocol)
        speak(connection,
              stream->tls && tls_is_http2(stream->tls) ? &http_protocol_2 : &http_protocol_1);
    if (!stream->dead)
        connection->protocol->feed(connection, data, size);
}

static void ended(struct stream *stream)
{
    struct http_connection *connection = connection_of(stream);

    if (connection->protocol)
        connection->protocol->end(connection);
    else
        stream_close(stream, false);
}

static void room(struct stream *stream)
{
    struct http_connection *connection = connection_of(stream);

    if (connection->protocol && connection->protocol->room)
        connection->protocol->room(connection);
}

void connection_change_protocol(struct http_connection *connection,
                                const struct http_protocol *protocol, const void *data,
                                size_t size)
{
    connection->protocol->drop(connection);
    connection->engine = NULL;
    speak(connection, protocol);
    if (!connection->stream.dead)
        protocol->feed(connection, data, size);
}

/* A client that uses the wrong scheme would wait for what never comes, or be told something strange. */
static bool refuse_scheme(struct stream *stream, const void *data, size_t size)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 46\r\n\r\n"
                                 "the client speaks HTTP, but this is for HTTPS\n";
    struct http_connection *connection = connection_of(stream);
    bool first = !connection->spoken && size > 0;
    bool speaks_tls = first && *(const unsigned char *)data == TLS_HANDSHAKE;
    struct http1_error error = { 0 };

    connection->spoken = connection->spoken || size > 0;
    if (!first || speaks_tls == (stream->tls != NULL))
        return false;
    if (!speaks_tls && !isupper(*(const unsigned char *)data))
        return false; /* OpenSSL has words for it */
    snprintf(error.text, sizeof error.text,
             "the client speaks %s, but the URL of this server begins with %s",
             speaks_tls ? "TLS" : "HTTP without TLS", speaks_tls ? "http:" : "https:");
    connection_tell_malformed(connection, &error);
    if (stream->tls) {
        stream_drop_tls(stream);
        buf_add_text(stream_out(stream), answer);
    }
    stream_close_when_sent(stream, true);
    return true;
}

static void tls_failed(struct stream *stream, const char *words)
{
    struct http1_error error = { 0 };

    snprintf(error.text, sizeof error.text, "%.*s", (int)sizeof error.text - 1, words);
    connection_tell_malformed(connection_of(stream), &error);
}

static const struct stream_owner owner = { .raw = refuse_scheme,
                                           .fed = fed,
                                           .ended = ended,
                                           .room = room,
                                           .cut = cut,
                                           .tls_failed = tls_failed,
                                           .leave_unread = leave_unread,
                                           .gone = gone };

/* ---- for drivers */

static int start(struct http_connection *connection)
{
    struct http_service *service = connection->service;
    int r = 0;

    enlist(connection);
    if (service->opened)
        service->opened(service, connection);
    if (service->tls)
        r = stream_start_tls(&connection->stream, service->tls);
    if (r < 0)
        stream_close(&connection->stream, false);
    return r;
}

int http_connection_new(struct http_connection **ret, struct http_service *service, int fd,
                        const char *peer, bool inline_thread)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    int r;

    if (!connection) {
        t_private_close(fd);
        return -ENOMEM;
    }
    connection->service = service;
    r = stream_start(&connection->stream, &owner, fd, peer, inline_thread);
    if (r < 0) {
        free(connection);
        return r;
    }
    r = start(connection);
    if (r == 0)
        *ret = connection;
    return r;
}

int http_connection_feed(struct http_connection *connection, const void *data, size_t size)
{
    return stream_feed(&connection->stream, data, size);
}

void http_connection_end(struct http_connection *connection)
{
    stream_end(&connection->stream);
}

void http_connection_gone(struct http_connection *connection)
{
    stream_gone(&connection->stream);
}

void http_connection_close(struct http_connection *connection, bool reset)
{
    struct stream *stream = &connection->stream;

    stream_enter(stream);
    if (reset) {
        stream_close(stream, true);
    } else if (!stream->dead) {
        stream_close_when_sent(stream, false);
        if (!stream->dead && connection->protocol)
            connection->protocol->cut(connection);
    }
    stream_leave(stream);
}

void http_connection_drop(struct http_connection *connection)
{
    stream_drop(&connection->stream, http_connection_is_idle(connection));
}

struct http_connection *http_connection_next(const struct http_connection *connection)
{
    return connection->next;
}

void http_service_drop(struct http_service *service)
{
    while (service->connections)
        http_connection_drop(service->connections);
}

const char *http_connection_peer(const struct http_connection *connection)
{
    return connection->stream.peer;
}

bool http_connection_is_idle(const struct http_connection *connection)
{
    return connection->open == 0;
}

void http_connection_set_user(struct http_connection *connection, void *user)
{
    connection->user = user;
}

void *http_connection_user(const struct http_connection *connection)
{
    return connection->user;
}
