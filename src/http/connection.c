/*
 * http/connection.c - a server's connection: its descriptor, TLS, what is to be sent, and its end; see
 * connection.h and protocol.h.
 */

#include "http/connection.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "http/protocol.h"
#include "test/mask.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    READ_MAX = 64 << 10, /* bytes a call */
    OUT_MAX = 65 << 20, /* bytes that wait to be sent */
    OUT_KEPT = 1 << 20, /* of memory, once they are sent */
    LINGER_MS = 2000,
    TLS_HANDSHAKE = 0x16, /* what a TLS client begins with */
};

/* ---- life */

void connection_enter(struct http_connection *connection)
{
    connection->entered++;
}

static void free_connection(struct http_connection *connection)
{
    struct http_service *service = connection->service;

    if (service->closed)
        service->closed(service, connection);
    if (connection->protocol)
        connection->protocol->drop(connection);
    tls_side_free(connection->tls);
    buf_fini(&connection->plain);
    buf_fini(&connection->out);
    free(connection);
}

void connection_leave(struct http_connection *connection)
{
    if (--connection->entered == 0 && connection->dead && connection->open == 0)
        free_connection(connection);
}

static void die(struct http_connection *connection)
{
    if (connection->dead)
        return;
    connection->dead = true;
    *connection->at = connection->next;
    if (connection->next)
        connection->next->at = connection->at;
    loop_timer_cancel(&connection->linger);
    loop_watch_remove(&connection->watch);
    t_private_close(connection->watch.fd);
    if (connection->protocol)
        connection->protocol->cut(connection);
}

static bool is_tcp(const struct http_connection *connection)
{
    int domain = AF_UNIX;
    socklen_t size = sizeof domain;

    getsockopt(connection->watch.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain != AF_UNIX;
}

static void die_by_reset(struct http_connection *connection)
{
    const struct linger none = { .l_onoff = 1 };

    if (connection->dead)
        return;
    if (is_tcp(connection))
        setsockopt(connection->watch.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    else if (connection->inline_thread && connection->service->leave_unread)
        connection->service->leave_unread(connection->service, connection);
    die(connection);
}

/* ---- sending */

static void watch(struct http_connection *connection)
{
    bool reads = !connection->peer_ended && !connection->crowded;
    bool writes = connection->out.size > connection->out_at;
    uint32_t events = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);

    if (!connection->dead && loop_watch_set(&connection->watch, events) < 0)
        die(connection);
}

static void end_linger(struct loop_timer *timer)
{
    struct http_connection *connection =
        (void *)((char *)timer - offsetof(struct http_connection, linger));

    connection_enter(connection);
    die(connection);
    connection_leave(connection);
}

/* All has been sent and nothing more will be. Closing a socket in which something is unread is a reset, which
 * may overtake what was sent; so a client that may be in the middle of its words is listened to for a while. */
static void close_sent(struct http_connection *connection)
{
    if (!connection->patient || connection->peer_ended) {
        die(connection);
    } else if (!connection->lingering) {
        connection->lingering = true;
        shutdown(connection->watch.fd, SHUT_WR);
        connection->linger.fire = end_linger;
        loop_timer_set(&connection->linger, deadline_after_ms(LINGER_MS));
    }
}

static void encrypt(struct http_connection *connection)
{
    if (connection->plain.failed || tls_write(connection->tls, connection->plain.data,
                                              connection->plain.size, &connection->out) < 0)
        connection->out.failed = true;
    buf_clear(&connection->plain);
}

/* Returns false when the client takes nothing more. */
static bool send_out(struct http_connection *connection)
{
    struct buf *out = &connection->out;

    while (connection->out_at < out->size) {
        ssize_t sent = send(connection->watch.fd, out->data + connection->out_at,
                            out->size - connection->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        connection->out_at += (size_t)sent;
    }
    return true;
}

/* What has been sent need not be kept, but moving the rest each time would cost the square of it. */
static void forget_sent(struct http_connection *connection)
{
    struct buf *out = &connection->out;

    if (connection->out_at < out->size && connection->out_at < OUT_KEPT)
        return;
    buf_drop(out, connection->out_at);
    connection->out_at = 0;
    if (out->size == 0 && out->room > OUT_KEPT)
        buf_fini(out);
}

struct buf *connection_out(struct http_connection *connection)
{
    return connection->tls ? &connection->plain : &connection->out;
}

void connection_flush(struct http_connection *connection)
{
    if (connection->dead)
        return;
    if (connection->plain.size > 0 || connection->plain.failed)
        encrypt(connection);
    if (connection->out.failed) { /* it takes too little for too long */
        die_by_reset(connection);
        return;
    }
    if (!send_out(connection)) {
        die(connection);
        return;
    }
    forget_sent(connection);
    if (connection->closing && connection->out.size == 0)
        close_sent(connection);
    watch(connection);
}

void connection_close_when_sent(struct http_connection *connection, bool patient)
{
    if (connection->dead)
        return;
    if (!connection->closing && connection->tls) {
        connection_flush(connection);
        tls_finish(connection->tls, &connection->out);
    }
    connection->closing = true;
    connection->patient = connection->patient || patient;
    connection_flush(connection);
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
        die_by_reset(connection); /* out of memory */
}

static void take_plain(struct http_connection *connection, const void *data, size_t size)
{
    if (connection->closing || size == 0)
        return;
    if (!connection->protocol)
        speak(connection, connection->tls && tls_is_http2(connection->tls) ? &http_protocol_2
                                                                           : &http_protocol_1);
    if (!connection->dead)
        connection->protocol->feed(connection, data, size);
}

void connection_change_protocol(struct http_connection *connection,
                                const struct http_protocol *protocol, const void *data,
                                size_t size)
{
    connection->protocol->drop(connection);
    connection->engine = NULL;
    speak(connection, protocol);
    if (!connection->dead)
        protocol->feed(connection, data, size);
}

/* A client that uses the wrong scheme would wait for what never comes, or be told something strange. */
static bool refuse_scheme(struct http_connection *connection, const void *data, size_t size)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 46\r\n\r\n"
                                 "the client speaks HTTP, but this is for HTTPS\n";
    bool first = !connection->spoken && size > 0;
    bool speaks_tls = first && *(const unsigned char *)data == TLS_HANDSHAKE;
    struct http1_error error = { 0 };

    connection->spoken = connection->spoken || size > 0;
    if (!first || speaks_tls == (connection->tls != NULL))
        return false;
    if (!speaks_tls && !isupper(*(const unsigned char *)data))
        return false; /* OpenSSL has words for it */
    snprintf(error.text, sizeof error.text,
             "the client speaks %s, but the URL of this server begins with %s",
             speaks_tls ? "TLS" : "HTTP without TLS", speaks_tls ? "http:" : "https:");
    connection_tell_malformed(connection, &error);
    if (connection->tls)
        buf_add_text(&connection->out, answer);
    tls_side_free(connection->tls);
    connection->tls = NULL;
    connection_close_when_sent(connection, true);
    return true;
}

static void refuse_tls(struct http_connection *connection, const struct err *err)
{
    struct http1_error error = { 0 };

    snprintf(error.text, sizeof error.text, "%.*s", (int)sizeof error.text - 1, err->text);
    connection_tell_malformed(connection, &error);
    connection_close_when_sent(connection, true);
}

static void take_tls(struct http_connection *connection, const void *data, size_t size)
{
    struct buf plain = BUF_INIT(OUT_MAX);
    struct err err = { "" };
    int r = tls_feed(connection->tls, data, size, &plain, &connection->out, &err);

    connection_flush(connection); /* the handshake, or the alert */
    if (plain.size > 0 && !connection->dead)
        take_plain(connection, plain.data, plain.size);
    buf_fini(&plain);
    if (r < 0 && !connection->dead && !connection->closing)
        refuse_tls(connection, &err);
}

static void take(struct http_connection *connection, const void *data, size_t size)
{
    if (connection->closing || refuse_scheme(connection, data, size))
        return;
    if (connection->tls)
        take_tls(connection, data, size);
    else
        take_plain(connection, data, size);
}

static void take_end(struct http_connection *connection)
{
    if (connection->dead || connection->peer_ended)
        return;
    connection->peer_ended = true;
    if (connection->lingering || !connection->protocol)
        die(connection);
    else if (!connection->closing)
        connection->protocol->end(connection);
    watch(connection);
}

/* Take what is in the socket, once; more of it the loop will tell. */
static void receive(struct http_connection *connection)
{
    char data[READ_MAX];
    ssize_t size = recv(connection->watch.fd, data, sizeof data, MSG_DONTWAIT);

    if (size > 0)
        take(connection, data, (size_t)size);
    else if (size == 0)
        take_end(connection);
    else if (errno != EAGAIN && errno != EINTR)
        die(connection);
}

static void ready(struct loop_watch *at, uint32_t events)
{
    struct http_connection *connection = (void *)at;
    const uint32_t gone = EPOLLHUP | EPOLLERR;

    connection_enter(connection);
    if (events & EPOLLOUT)
        connection_flush(connection);
    if ((events & EPOLLOUT) && !connection->dead && connection->protocol &&
        connection->protocol->room)
        connection->protocol->room(connection);
    if (!connection->dead && (connection->watch.events & EPOLLIN) &&
        (events & (EPOLLIN | gone)))
        receive(connection);
    else if (!connection->dead && (events & gone))
        die(connection);
    connection_leave(connection);
}

void connection_set_crowded(struct http_connection *connection, bool crowded)
{
    if (connection->crowded == crowded)
        return;
    connection->crowded = crowded;
    watch(connection);
}

/* ---- for drivers */

static void enlist(struct http_connection *connection)
{
    struct http_connection **first = &connection->service->connections;

    connection->at = first;
    connection->next = *first;
    if (*first)
        (*first)->at = &connection->next;
    *first = connection;
}

int http_connection_new(struct http_connection **ret, struct http_service *service, int fd,
                        const char *peer, bool inline_thread)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    int r = connection ? 0 : -ENOMEM;

    if (r == 0 && service->tls)
        r = tls_side_new(&connection->tls, service->tls);
    if (r < 0) {
        free(connection);
        t_private_close(fd);
        return r;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    connection->watch = (struct loop_watch){ .fd = fd, .ready = ready };
    connection->service = service;
    connection->inline_thread = inline_thread;
    connection->plain = connection->out = BUF_INIT(OUT_MAX);
    enlist(connection);
    snprintf(connection->peer, sizeof connection->peer, "%s", peer);
    if (service->opened)
        service->opened(service, connection);
    connection_enter(connection);
    r = loop_watch_set(&connection->watch, EPOLLIN);
    if (r < 0)
        die(connection);
    else
        *ret = connection;
    connection_leave(connection);
    return r;
}

int http_connection_feed(struct http_connection *connection, const void *data, size_t size)
{
    int r;

    connection_enter(connection);
    connection->feeding = true;
    if (!connection->dead && !connection->peer_ended)
        receive(connection); /* what came past the hooks before this */
    if (!connection->dead)
        take(connection, data, size);
    connection->feeding = false;
    r = connection->dead ? -EPIPE : 0;
    connection_leave(connection);
    return r;
}

void http_connection_end(struct http_connection *connection)
{
    connection_enter(connection);
    connection->feeding = true;
    take_end(connection);
    connection->feeding = false;
    connection_leave(connection);
}

void http_connection_gone(struct http_connection *connection)
{
    connection_enter(connection);
    die(connection);
    connection_leave(connection);
}

void http_connection_close(struct http_connection *connection, bool reset)
{
    connection_enter(connection);
    if (reset) {
        die_by_reset(connection);
    } else if (!connection->dead) {
        connection_close_when_sent(connection, false);
        if (!connection->dead && connection->protocol)
            connection->protocol->cut(connection);
    }
    connection_leave(connection);
}

/* Whether a reset takes nothing away from the client. */
static bool lies_idle(const struct http_connection *connection)
{
    int unsent = 0;

    return http_connection_is_idle(connection) && !connection->peer_ended &&
           !connection->closing && connection->out.size == 0 && is_tcp(connection) &&
           ioctl(connection->watch.fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

void http_connection_drop(struct http_connection *connection)
{
    connection_enter(connection);
    if (!connection->dead && lies_idle(connection))
        die_by_reset(connection);
    die(connection);
    connection_leave(connection);
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
    return connection->peer;
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
