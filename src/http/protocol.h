/*
 * http/protocol.h - what a connection and the protocol that it speaks know of each other; private to
 * connection*.c.
 *
 * A connection owns the descriptor, TLS and what is to be sent. A protocol makes exchanges of what the
 * client sends, and bytes of what answers them. It is chosen once, by connection.c: by ALPN, or by what the
 * client begins with.
 *
 * Any call-back of the service's, and so any call of connection_open_exchange and connection_end_exchange,
 * may end the connection: look at `dead` afterwards. Memory stays until the outermost
 * connection_leave.
 */
#ifndef HTTP_PROTOCOL_H
#define HTTP_PROTOCOL_H

#include "base/buf.h"
#include "http/connection.h"
#include "net/loop.h"

struct http_protocol {
    const char *version; /* of its exchanges */

    int (*start)(struct http_connection *connection); /* make `engine`; -errno */
    void (*drop)(struct http_connection *connection); /* free its engine; also NULL */

    /* Plain bytes of the client's; and that nothing more comes. */
    void (*feed)(struct http_connection *connection, const void *data, size_t size);
    void (*end)(struct http_connection *connection);

    /* The client has taken some of what waited: more may be written. NULL: nothing was held back. */
    void (*room)(struct http_connection *connection);

    /* The connection is dead: end all exchanges that are open (connection_end_exchange). */
    void (*cut)(struct http_connection *connection);

    /* As the functions http_exchange_* of connection.h. They write to connection_out; connection.c sends.
     * After `finish` the exchange has been ended for the service. */
    void (*inform)(struct http_exchange *x, int status, const struct http_fields *fields);
    void (*begin)(struct http_exchange *x, const struct http_message *head,
                  enum http1_framing framing);
    void (*body)(struct http_exchange *x, const void *data, size_t size);
    void (*finish)(struct http_exchange *x, const struct http_fields *trailers);
    size_t (*unsent)(
        const struct http_exchange *x); /* that it holds back itself; NULL: never */

    /* The exchange has ended and the service has let go of it: its memory may be used again. */
    void (*retire)(struct http_exchange *x);
};

extern const struct http_protocol http_protocol_1, http_protocol_2;

struct http_connection {
    struct loop_watch watch; /* first: the loop knows it by this */
    struct loop_timer linger; /* ends the wait for the client's end */
    struct http_service *service;
    struct http_connection *next, **at; /* among the service's */
    const struct http_protocol *protocol; /* NULL: not known yet */
    void *engine; /* the protocol's */
    struct tls_side *tls; /* NULL: plain */
    struct buf plain; /* to be encrypted */
    struct buf out; /* to be sent, from out_at */
    size_t out_at;
    void *user;
    int entered; /* so many of our calls are on a stack: the memory stays */
    int open; /* exchanges that are not retired */
    bool inline_thread;
    bool spoken; /* the client has sent something */
    bool feeding; /* on a thread of the client's */
    bool peer_ended; /* the client sends nothing more */
    bool crowded; /* much is unread by the protocol: nothing more is read for now */
    bool closing; /* when all has been sent */
    bool patient; /* and then wait for the client's end, so that it can read what was sent */
    bool lingering;
    bool dead; /* the descriptor is closed */
    char peer[64];
};

void connection_enter(struct http_connection *connection);
void connection_leave(struct http_connection *connection);

/* Where bytes of the protocol's go, and sending them. */
struct buf *connection_out(struct http_connection *connection);
void connection_flush(struct http_connection *connection);

/* Close when all has been sent; `patient`: the client may still be sending. */
void connection_close_when_sent(struct http_connection *connection, bool patient);

/* The client speaks another protocol than it seemed, and these are its first bytes. */
void connection_change_protocol(struct http_connection *connection,
                                const struct http_protocol *protocol, const void *data,
                                size_t size);

/* The protocol has more unread than it wants, or wants more again. */
void connection_set_crowded(struct http_connection *connection, bool crowded);

/* A request has come: `x` is zeroed but for its request, and given to the service. */
void connection_open_exchange(struct http_connection *connection, struct http_exchange *x);
/* The same, but the loop's thread gives it to the service, in the order of these calls: for one of several
 * requests, none of which waits for the answer to another. */
void connection_open_exchange_soon(struct http_connection *connection, struct http_exchange *x);

/* It has been answered, or never will be. It may be retired in this call. */
void connection_end_exchange(struct http_exchange *x);

/* Tell the service of what is no request. */
void connection_tell_malformed(struct http_connection *connection,
                               const struct http1_error *error);

#endif
