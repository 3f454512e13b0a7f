/*
 * http/connection.h - the server's side of one connection: bytes in, requests to a service, answers out.
 *
 *   client ── fd ── [tls] ── http1 or h2 ── struct http_exchange ── struct http_service
 *
 * The same code serves a listener's connections and those of the inline driver. Both end in a descriptor
 * that the loop watches; the inline driver also gives it bytes directly (http_connection_feed), in the
 * thread of the client, and finds that the answer is in the client's socket when that returns, unless the
 * service needs time. What does not fit into the socket the loop sends when there is room.
 *
 * Ownership: a connection owns its descriptor and its exchanges; it frees itself when it has ended and none
 * of its exchanges is held. An exchange lives until it has ended, that is, was answered or cut, and no longer
 * is held; `ended` is told at once in either case.
 *
 * Threads: the loop's lock is held for all of it.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"
#include "net/tls.h"
#include "wire/http1.h"

struct http_connection;
struct http_exchange;

/* What answers requests: a test server, a mock. Its functions run with the loop's lock held, on the loop's
 * thread or, with `inline_thread`, on one of the user's, where no code of the user's may run. */
struct http_service {
    struct tls_server *tls; /* NULL: plain */
    bool http2;
    const struct http1_limits *limits; /* NULL: the usual ones */
    bool stopping; /* set by its owner: each connection ends after its next answer */
    struct http_connection *connections; /* all that are open; kept by connection.c */

    /* A whole request has come. Answer it now or later by the functions below. When code of the user has to
     * run and http_exchange_is_inline says so, call http_exchange_defer: the loop's thread then calls this
     * again. */
    void (*request)(struct http_service *service, struct http_exchange *x);

    /* Told when an exchange has ended: answered, or cut by the client or by http_exchange_abort. The last
     * call for x, which is gone afterwards unless it is held. May be NULL. */
    void (*ended)(struct http_service *service, struct http_exchange *x);

    /* The client sent what is no request: it has been answered with `error->status`, or by HTTP/2 with a
     * reset. Or its handshake failed: neither of both. What is secret in the words is masked. May be NULL. */
    void (*malformed)(struct http_service *service, struct http_connection *connection,
                      const struct http1_error *error);

    /* A connection came, and the last call for it. May be NULL. */
    void (*opened)(struct http_service *service, struct http_connection *connection);
    void (*closed)(struct http_service *service, struct http_connection *connection);

    /* A unix socket tells its peer of a reset only when something that the peer sent is unread; what an
     * inline client sends never was in the socket. So put a byte there, through the client's own end. Called
     * before an inline connection is reset. NULL: that client sees the end of the connection instead. */
    void (*leave_unread)(struct http_service *service, struct http_connection *connection);
};

struct http_exchange {
    struct http_service *service;
    struct http_connection *connection;
    const struct http_message *request; /* lives as long as the exchange */
    const char *version; /* "HTTP/1.1" or "HTTP/2" */
    uint64_t begin_ns; /* when the request had come, as now_ns() has it */
    void *user; /* the service's own */
    bool begun; /* the head of the answer has been given out */
    int status; /* of it */
    bool answered; /* http_exchange_end was called */

    /* The rest is connection*.c's. */
    bool ended; /* answered or cut; the service has been told */
    bool deferred; /* on the loop's thread since */
    bool close_after;
    int holds;
    struct loop_timer timer; /* until the loop's thread has it */
};

/* Serve a connected descriptor, which is taken also on failure, and made non-blocking. `peer` is copied.
 * `inline_thread`: the client's thread calls http_connection_feed. */
int http_connection_new(struct http_connection **ret, struct http_service *service, int fd,
                        const char *peer, bool inline_thread);

/* Bytes that the client sends, past the kernel. Returns -EPIPE when the connection has ended. */
int http_connection_feed(struct http_connection *connection, const void *data, size_t size);

/* The client sends nothing more; or its descriptor is closed: the connection may free itself in this call. */
void http_connection_end(struct http_connection *connection);
void http_connection_gone(struct http_connection *connection);

/* Close now: after what is waiting to be sent, or by a reset (RST; ECONNRESET on a unix socket, see
 * leave_unread). Exchanges that are open are cut. It may free itself in this call. */
void http_connection_close(struct http_connection *connection, bool reset);

/* Close at once, whatever waits to be sent. A TCP connection that lies idle is closed so that no port stays
 * busy (listener.h): its client sees a reset where it sees anything. */
void http_connection_drop(struct http_connection *connection);

/* The next of a service's; NULL behind the last. */
struct http_connection *http_connection_next(const struct http_connection *connection);

/* Drop all connections of a service; those with an exchange that is held go when it is released. */
void http_service_drop(struct http_service *service);

const char *http_connection_peer(const struct http_connection *connection);
bool http_connection_is_idle(
    const struct http_connection *connection); /* no exchange is open */

/* What the service keeps of a connection. */
void http_connection_set_user(struct http_connection *connection, void *user);
void *http_connection_user(const struct http_connection *connection);

/* ---- answering; none of these fails: what cannot be sent is dropped and `ended` is called */

bool http_exchange_is_inline(
    const struct http_exchange *x); /* code of the user may not run now */
void http_exchange_defer(struct http_exchange *x);

/* Keep the exchange and its request, whatever happens to the connection, as long as code of the user's looks
 * at it: from hold to release, which may free it. */
void http_exchange_hold(struct http_exchange *x);
void http_exchange_release(struct http_exchange *x);

/* A 1xx answer. */
void http_exchange_inform(struct http_exchange *x, int status,
                          const struct http_fields *fields);

/* The whole answer in one. Content-Length is added; Date is not. `message` is used until this returns. */
void http_exchange_reply(struct http_exchange *x, const struct http_message *message);

/* Or in parts: the head (HTTP1_CHUNKED, HTTP1_UNTIL_CLOSE, or HTTP1_SIZED when the fields have
 * Content-Length), pieces of the body, the end. */
void http_exchange_begin(struct http_exchange *x, const struct http_message *head,
                         enum http1_framing framing);
void http_exchange_body(struct http_exchange *x, const void *data, size_t size);
void http_exchange_end(struct http_exchange *x,
                       const struct http_fields *trailers); /* NULL: none */

/* For faults: any bytes at all, which need not be an answer, as they would go out before TLS. After raw bytes
 * close or abort. */
void http_exchange_raw(struct http_exchange *x, const void *data, size_t size);

/* End the exchange and its connection: in order, or by a reset. */
void http_exchange_abort(struct http_exchange *x, bool reset);

/* After this answer the connection ends. */
void http_exchange_close_after(struct http_exchange *x);

/* Bytes that have been given out by this exchange but the client's socket had no room for. */
size_t http_exchange_unsent(const struct http_exchange *x);

#endif
