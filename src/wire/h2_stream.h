/*
 * wire/h2_stream.h - the streams of an HTTP/2 connection in memory, and their requests: what h2.c needs
 * besides nghttp2. For h2.c and h2_stream.c alone.
 *
 * A stream is kept while one of three knows it: nghttp2 (`open`), the caller (`held`), or the queue of
 * those with something to tell (`queued`).
 *
 *   open:   from the first field on ────────────── closed by either side, or both
 *   queued:            whole or wrong ── told             cut ── told
 *   held:                                └──────────────────────────── released
 */
#ifndef WIRE_H2_STREAM_H
#define WIRE_H2_STREAM_H

#include <stdint.h>

#include "base/arena.h"
#include "seam/attr.h"
#include "wire/h2.h"

struct nghttp2_session;

/* What there is to tell of a stream; told from the lowest on. */
enum h2_news { H2_CONTINUES = 1, H2_COMPLETE = 2, H2_MALFORMED = 4, H2_CLOSED = 8 };

struct h2 {
    struct nghttp2_session *session;
    struct http1_limits limits;
    struct h2_stream *streams;
    size_t kept; /* how many these are */
    struct h2_stream *first; /* of those with news, */
    struct h2_stream **last; /* and where the next one is put */
    size_t bodies; /* bytes of all requests */
    size_t unsent; /* bytes of all answers */
    bool dead; /* nghttp2 cannot go on */
    bool wrong; /* `error` is to be told */
    struct http1_error error; /* of the connection */
    char reason[160]; /* what nghttp2 said last of what it found wrong */
};

struct h2_stream {
    struct h2 *h2;
    int32_t id;
    struct h2_stream *next, **self; /* in h2->streams */
    struct h2_stream *next_news;
    bool queued;
    bool held;
    bool open;
    unsigned news; /* enum h2_news */
    void *user;

    struct arena arena;
    struct buf fields; /* of struct http_field */
    struct buf trailers;
    struct buf body;
    size_t head_size; /* of the fields, or of the trailers */
    const char *authority; /* NULL: not given; so the next */
    const char *scheme;
    struct http_message request;
    bool whole; /* the client has ended its side */
    bool wrong;
    struct http1_error error;

    bool begun; /* its answer */
    bool ended;
    struct buf out; /* the body */
    size_t out_at; /* so much of it has been sent */
    struct http_fields last; /* the trailers */
};

/* A stream that nghttp2 has opened; NULL when memory ends. */
struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id);
void h2_stream_free(struct h2_stream *stream);
void h2_stream_settle(struct h2_stream *stream); /* free it when nobody knows it any more */
void h2_stream_free_body(struct h2_stream *stream);

void h2_stream_tell(struct h2_stream *stream, enum h2_news news);

/* The first thing that there is to tell; H2_MORE when there is none. */
enum h2_step h2_stream_next(struct h2 *h2, struct h2_event *ret);

/* nghttp2 has closed it. */
void h2_stream_closed(struct h2_stream *stream);

/* ---- the request, as it comes */

void h2_error_set(struct http1_error *error, int status, const char *format, ...)
    SEAM_PRINTF(3, 4); /* in printable characters, whatever they were */

/* The request cannot be served; what still comes of it is not kept. */
void h2_stream_reject(struct h2_stream *stream, int status, const char *format, ...)
    SEAM_PRINTF(3, 4);

void h2_stream_take_field(struct h2_stream *stream, bool trailer, const void *name,
                          size_t name_size, const void *value, size_t value_size);
void h2_stream_end_head(struct h2_stream *stream, bool whole);
const char *
h2_stream_missing(const struct h2_stream *stream); /* what a request must have; or NULL */
void h2_stream_take_body(struct h2_stream *stream, const void *data, size_t size);
void h2_stream_complete(struct h2_stream *stream);

/* What is wrong with a request that nghttp2 has refused without saying why; NULL when we do not know. */
const char *h2_stream_flaw(struct h2_stream *stream);

#endif
