/*
 * wire/pg.h - messages of PostgreSQL's protocol 3.0 (PostgreSQL documentation, chapter "Frontend/Backend
 * Protocol"): cutting a stream into them, taking them apart, and writing them, for both sides.
 *
 * Ownership: a frame and what is read from it borrow from the reader until its next call.
 *
 * Threads: one at a time.
 */
#ifndef WIRE_PG_H
#define WIRE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    PG_PROTOCOL = 196608, /* 3.0 */
    PG_CANCEL_REQUEST = 80877102,
    PG_SSL_REQUEST = 80877103,
    PG_GSS_REQUEST = 80877104,
    PG_STARTUP_MAX = 10000,
    PG_MESSAGE_MAX = 64 << 20 /* of ours; the real server takes 1 GB */
};

struct pg_frame {
    char type; /* 0: a start-up packet */
    const char *body; /* behind the length */
    size_t size;
};

enum pg_step { PG_MORE, PG_FRAME, PG_WRONG };

struct pg_reader {
    struct buf in;
    size_t at;
    bool started; /* start-up packets are over: frames have a type; set by the owner */
    bool backend; /* the other side is a server */
    bool silent; /* of PG_WRONG: the real server ends the session without a word */
    char error[200]; /* of PG_WRONG, now and for ever */
};

void pg_reader_init(struct pg_reader *reader, bool backend);
void pg_reader_fini(struct pg_reader *reader);
int pg_feed(struct pg_reader *reader, const void *data, size_t size); /* -ENOMEM */
enum pg_step pg_next(struct pg_reader *reader, struct pg_frame *ret);

/* Taking a frame's body apart; `failed` is set by what goes past the end, which then gives 0, "" or NULL. */
struct pg_body {
    const char *at, *end;
    bool failed;
    const char *why; /* the server's words for it */
};
struct pg_body pg_body(const struct pg_frame *frame);
int pg_get_byte(struct pg_body *body);
int pg_get_int16(struct pg_body *body);
int32_t pg_get_int32(struct pg_body *body);
const char *pg_get_text(struct pg_body *body); /* up to its NUL */
const char *pg_get_bytes(struct pg_body *body, size_t size);
bool pg_body_is_over(const struct pg_body *body); /* all was taken, and nothing failed */

/* Writing: begin a message, put its parts, end it. Type 0 begins a start-up packet. */
size_t pg_begin(struct buf *to, char type);
void pg_put_byte(struct buf *to, int v);
void pg_put_int16(struct buf *to, int v);
void pg_put_int32(struct buf *to, int32_t v);
void pg_put_text(struct buf *to, const char *text);
void pg_end(struct buf *to, size_t begun);

/* A name for messages: "Parse", "RowDescription"; NULL for a type that the protocol has not. */
const char *pg_message_name(char type, bool backend);

/* Fields of ErrorResponse and NoticeResponse. NULL: absent. Texts are borrowed. */
struct pg_error {
    const char *severity; /* "ERROR", "FATAL", "WARNING", ... */
    const char *sqlstate;
    const char *message;
    const char *detail, *hint, *where;
    const char *schema, *table, *column, *type, *constraint;
    const char *internal_query;
    int position, internal_position; /* characters from 1; 0: absent */
    const char *file, *routine; /* of the server's source */
    int line;
};
void pg_put_error(struct buf *to, char type, const struct pg_error *error); /* 'E' or 'N' */
int pg_read_error(const struct pg_frame *frame, struct pg_error *ret); /* -EPROTO */

/* One column of a RowDescription. */
struct pg_column {
    const char *name;
    uint32_t table; /* OID; 0: no column of a table */
    int number; /* in that table */
    uint32_t type; /* OID */
    int type_size; /* bytes; -1: varies */
    int modifier; /* -1: none */
    int format; /* 0 text, 1 binary */
};

#endif
