/*
 * wire/h2.h - the server's side of one HTTP/2 connection (RFC 9113): bytes in, requests out, and answers
 * the other way. The only file that knows nghttp2 is h2.c.
 *
 * It is fed what came, preface and all, and asked for what there is to tell until it wants more; what must
 * go to the client is fetched by h2_output. It owns no descriptor and no clock. Requests of several streams
 * come in the order in which they became whole, and are answered in any order.
 *
 *     h2_feed(h2, data, size);
 *     do {
 *         while ((step = h2_next(h2, &event)) != H2_MORE)
 *             ...
 *         h2_output(h2, &wire, SIZE_MAX);
 *     } while (what was fetched has made news);
 *
 * Refused, in the way the RFC has it (the request, the stream, or the connection): whatever nghttp2 finds
 * wrong, fields above the limits, bodies above theirs, more than H2_STREAMS streams at a time, too many
 * resets, acknowledgements to send or CONTINUATION frames. A request that may be answered nevertheless is
 * told as H2_WRONG with its stream and a status.
 *
 * Ownership: a stream that was told by H2_REQUEST or H2_WRONG is the caller's until h2_release, whatever
 * happens to it meanwhile; its request lives as long. Fields and bytes of an answer are copied.
 *
 * Threads: one at a time.
 */
#ifndef WIRE_H2_H
#define WIRE_H2_H

#include "base/buf.h"
#include "wire/http1.h"

struct h2; /* a connection */
struct h2_stream; /* a request and its answer */

enum {
    H2_STREAMS = 100, /* that a client may have open at a time */
    H2_BODIES = 4, /* bodies of the greatest size that all requests together may have */
    H2_UNSENT =
        64 << 20 /* bytes of answers that wait for the client's windows, all streams together */
};

enum h2_step {
    H2_MORE, /* nothing more to tell */
    H2_REQUEST, /* a whole request */
    H2_CONTINUE, /* the client waits for "100 Continue" (h2_inform); the stream is not the caller's yet */
    H2_WRONG, /* `error` says what. With a stream: answer that with the error's status and release it.
                 Without one nobody can be answered: nghttp2 resets the stream (the error has a
                 `reset`), or the connection is over */
    H2_CUT /* the stream ended before it was answered whole: release it */
};

struct h2_event {
    struct h2_stream *stream;
    struct http1_error error; /* of H2_WRONG */
};

int h2_new(struct h2 **ret, const struct http1_limits *limits);
void h2_free(struct h2 *h2); /* and all its streams; NULL is fine */

/* Take what came. What is wrong with it h2_next tells, now or after the next h2_output. */
void h2_feed(struct h2 *h2, const void *data, size_t size);
enum h2_step h2_next(struct h2 *h2, struct h2_event *ret);
bool h2_has_next(
    const struct h2 *h2); /* or perhaps not: a stream may have ended before it was told of */

/* Add what must go to the client, a frame at a time, until `to` has `most` bytes or nothing is left that the
 * client's windows have room for. Returns -ENOBUFS when `to` is full: the connection is of no use then. */
int h2_output(struct h2 *h2, struct buf *to, size_t most);

/* Take no new streams; the ones that are open go on (GOAWAY). */
void h2_finish(struct h2 *h2);

/* Whether nothing will come or go any more: close the connection when all output has been sent. */
bool h2_is_over(const struct h2 *h2);

/* ---- a stream */

/* The request as of HTTP/1.1: the target is :path (of CONNECT :authority), :authority stands first among the
 * fields as Host, and crumbs of cookies are one field. */
const struct http_message *h2_request(const struct h2_stream *stream);

void h2_set_user(struct h2_stream *stream, void *user); /* what the caller keeps of it */
void *h2_user(const struct h2_stream *stream);

/* An answer 1xx; the whole answer; or its head, pieces of its body and its end. Fields that are of a
 * connection (Connection, Transfer-Encoding, ...) are left out, of a message without a body its body too.
 * h2_reply adds Content-Length unless it is there. -EINVAL, with nothing done, for a field or status that
 * would break the message; -EPIPE when the stream has ended; -ENOBUFS when too much is unsent. */
int h2_inform(struct h2_stream *stream, int status, const struct http_fields *fields);
int h2_reply(struct h2_stream *stream, const struct http_message *message);
int h2_begin(struct h2_stream *stream, const struct http_message *head);
int h2_body(struct h2_stream *stream, const void *data, size_t size);
int h2_end(struct h2_stream *stream, const struct http_fields *trailers); /* NULL: none */

/* End the stream now (RST_STREAM, INTERNAL_ERROR); what is unsent of it is dropped. */
void h2_reset(struct h2_stream *stream);

size_t h2_unsent(const struct h2_stream *stream); /* bytes of the body */

/* Let go of it. What is unsent of a whole answer still goes out; any other stream is reset. */
void h2_release(struct h2_stream *stream);

#endif
