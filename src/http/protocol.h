/*
 * http/protocol.h - what a connection and the protocol that it speaks know of each other; private to
 * connection*.c.
 *
 * A connection has a stream (net/stream.h). A protocol makes exchanges of what the client sends, and bytes of
 * what answers them. It is chosen once, by connection.c: by ALPN, or by what the
 * client begins with.
 *
 * Any call-back of the service's, and so any call of connection_open_exchange and connection_end_exchange,
 * may end the connection: look at `stream.dead` afterwards. Memory stays until the outermost stream_leave.
 */
#ifndef HTTP_PROTOCOL_H
#define HTTP_PROTOCOL_H

#include "base/buf.h"
#include "http/connection.h"
#include "net/stream.h"

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

    /* As the functions http_exchange_* of connection.h. They write to stream_out; exchange.c sends.
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
    struct stream stream; /* first: this is how it is known there */
    struct http_service *service;
    struct http_connection *next, **at; /* among the service's */
    const struct http_protocol *protocol; /* NULL: not known yet */
    void *engine; /* the protocol's */
    void *user;
    int open; /* exchanges that are not retired; for each the stream is entered */
    bool spoken; /* the client has sent something */
};

/* The client speaks another protocol than it seemed, and these are its first bytes. */
void connection_change_protocol(struct http_connection *connection,
                                const struct http_protocol *protocol, const void *data,
                                size_t size);

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
