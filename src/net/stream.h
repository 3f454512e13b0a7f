/*
 * net/stream.h - a connected descriptor that the loop serves: TLS, what is to be sent, and its end. Protocols
 * (http/connection*.c, pg/session.c) sit on top.
 *
 *   client ── fd ── [tls] ── stream ── owner
 *
 * The inline driver also gives it bytes directly (stream_feed), in the thread of the client, and finds that the
 * answer is in the client's socket when that returns, unless the owner needs time. What does not fit into the
 * socket the loop sends when there is room.
 *
 * Any call-back may end the stream: look at `dead` afterwards. The owner frees its memory in `gone`, which is the
 * last call.
 *
 * Threads: the loop's lock is held for all of it.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/tls.h"

struct stream;

struct stream_owner {
    void (*fed)(struct stream *stream, const void *data,
                size_t size); /* plain bytes of the client's */
    void (*ended)(struct stream *stream); /* the client sends nothing more */
    void (*room)(struct stream *stream); /* some of what waited has been sent; NULL */
    void (*cut)(struct stream *stream); /* it is dead: end what is open; NULL */
    void (*tls_failed)(struct stream *stream, const char *words); /* the handshake; NULL */
    void (*leave_unread)(struct stream *stream); /* see http/connection.h; NULL */
    void (*gone)(struct stream *stream); /* nothing uses it any more: free it */
};

struct stream {
    struct loop_watch watch; /* first: the loop knows it by this */
    struct loop_timer linger;
    const struct stream_owner *owner;
    struct tls_side *tls; /* NULL: plain */
    struct buf plain; /* to be encrypted */
    struct buf out; /* to be sent, from out_at */
    size_t out_at;
    int entered;
    bool inline_thread, feeding, peer_ended, crowded, closing, patient, lingering, dead;
    char peer[64];
};

/* Serve a connected descriptor, which is taken also on failure, and made non-blocking. The stream's memory is the
 * owner's, zeroed. */
int stream_start(struct stream *stream, const struct stream_owner *owner, int fd,
                 const char *peer, bool inline_thread);

/* From now on what comes and goes is inside TLS. */
int stream_start_tls(struct stream *stream, struct tls_server *server);

int stream_feed(struct stream *stream, const void *data,
                size_t size); /* -EPIPE when it has ended */
void stream_end(struct stream *stream); /* the client sends nothing more */
void stream_gone(struct stream *stream); /* the client's descriptor is closed */

void stream_enter(struct stream *stream); /* keep its memory until as many leaves */
void stream_leave(struct stream *stream);

struct buf *
stream_out(struct stream *stream); /* where bytes for the client go; then stream_flush */
void stream_flush(struct stream *stream);
size_t stream_unsent(const struct stream *stream);
void stream_set_crowded(struct stream *stream, bool crowded); /* nothing is read for now */
void stream_close_when_sent(struct stream *stream, bool patient);
void stream_close(struct stream *stream, bool reset); /* what waits is lost */

#endif
