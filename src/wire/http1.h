/*
 * wire/http1.h - HTTP/1.1 on one connection (RFC 9112): bytes in, messages out, and the other way.
 *
 * A reader is fed what came, in pieces of any size, and asked for the next message until it wants
 * more. It owns no descriptor and no clock. Several messages may come in one piece (pipelining), and
 * one in many. The reader is as strict as the RFC lets a recipient be where leniency would hide a
 * client's mistake or open a door for smuggling: no blank before a colon, no folded lines, no two
 * lengths. After a wrong message it reads nothing more: where the next one begins is not known.
 *
 *     struct http1_reader reader;
 *     http1_reader_init(&reader, HTTP1_REQUESTS, &http1_usual_limits);
 *     http1_feed(&reader, data, size);
 *     while ((step = http1_next(&reader, &request)) == HTTP1_MESSAGE)
 *         answer(&request);
 *
 * Ownership: a message borrows from the reader until the next call of http1_next or
 * http1_reader_fini. Bytes that are fed are copied.
 *
 * Threads: one at a time.
 */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/http.h"

enum http1_kind { HTTP1_REQUESTS, HTTP1_RESPONSES };

/* What a message may have at most, in bytes unless it says otherwise. */
struct http1_limits {
    size_t line; /* the request or status line */
    size_t head; /* that line and all fields; the trailers likewise */
    size_t fields; /* in number */
    size_t body;
};

extern const struct http1_limits http1_usual_limits;

enum http1_step {
    HTTP1_MORE, /* what was fed ends within a message, or nothing was left */
    HTTP1_MESSAGE, /* a whole message */
    HTTP1_CONTINUE, /* the client waits for "100 Continue" before it sends the body; told once */
    HTTP1_WRONG, /* `error` says what; now and for ever */
    HTTP1_PREFACE /* the client speaks HTTP/2 (RFC 9113, 3.4); nothing of it has been taken */
};

struct http1_error {
    int status; /* what a server answers: 400, 413, 414, 417, 431, 501 or 505; 0: nothing */
    char text[200]; /* what is wrong, ending with the words in question: "...: 'GET /'" */
    bool reset; /* of HTTP/2: no answer, but the end of the stream or of the connection */
};

struct http1_reader {
    enum http1_kind kind;
    struct http1_limits limits;
    struct buf in; /* fed */
    size_t at; /* so much of it has been taken */
    size_t seen; /* so much behind `at` holds no line feed */
    int state;
    size_t head_size; /* of the head or the trailers so far */
    uint64_t left; /* bytes of the body or the chunk to come */
    bool ended; /* the peer sends nothing more */
    bool continue_told;
    const char *method; /* the request that a response answers; NULL: any */
    struct arena arena; /* of the message */
    struct buf fields; /* of struct http_field */
    struct buf trailers;
    struct buf body;
    struct http_message message;
    struct http1_error error;
};

void http1_reader_init(struct http1_reader *reader, enum http1_kind kind,
                       const struct http1_limits *limits);
void http1_reader_fini(struct http1_reader *reader);

/* Take what came. Returns -ENOMEM when memory ends. */
int http1_feed(struct http1_reader *reader, const void *data, size_t size);

/* The peer sends nothing more: ends a response whose body has no length, and makes of any other message
 * that has begun a wrong one. */
void http1_end(struct http1_reader *reader);

/* The next message in what was fed. `ret` is set when it returns HTTP1_MESSAGE, and on HTTP1_CONTINUE
 * (then without a body). */
enum http1_step http1_next(struct http1_reader *reader, struct http_message *ret);

/* Which request the next response answers: to HEAD and CONNECT it has no body. `method` is borrowed
 * until that response was given out. */
void http1_expect_response_to(struct http1_reader *reader, const char *method);

/* ---- writing */

/* How the body of a message is delimited. */
enum http1_framing {
    HTTP1_SIZED, /* Content-Length: body_size */
    HTTP1_CHUNKED, /* chunks and the last one are written by the functions below */
    HTTP1_UNTIL_CLOSE, /* the end of the connection ends the body */
    HTTP1_BODILESS /* there is none, and no field speaks of one */
};

/* Append the first line and the fields, and the body of a HTTP1_SIZED message. Fields of the message go
 * out as they are; Content-Length or Transfer-Encoding is added unless one of both is among them, and
 * "Connection: close" unless `keep_alive`. Returns -EINVAL, having added nothing, for what would break
 * the message: a name that is no token, a line break in a value; -ENOBUFS when `to` is full. */
int http1_write(struct buf *to, const struct http_message *message, enum http1_framing framing);

/* Append a piece of a chunked body; one of size 0 adds nothing (it would be the last). */
int http1_write_chunk(struct buf *to, const void *data, size_t size);

/* End a chunked body. */
int http1_write_last(struct buf *to, const struct http_fields *trailers);

#endif
