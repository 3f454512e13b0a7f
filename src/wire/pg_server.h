/*
 * wire/pg_server.h - the server's side of one PostgreSQL session: a client's bytes in, questions to whoever knows
 * the answers, bytes out. No I/O, no clock.
 *
 *     pg_server_feed(server, data, size);
 *     while ((step = pg_server_next(server, &ask)) == PG_SERVER_ASK)
 *         answer(ask);            now, or later: nothing moves until it is answered
 *     send(pg_server_out(server));
 *
 * The session keeps what a real one does: start-up and version negotiation, authentication, prepared statements
 * and portals, row limits, skipping to Sync after an error, the state of the transaction (I, T, E), the implicit
 * transaction of a simple query with several statements, COPY, parameter status. Malformed messages, wrong order,
 * unknown names and wrong counts get the real server's error and SQLSTATE, and are not asked about.
 *
 * Every ask is answered by exactly one of the functions below; only the one that its kind allows.
 *
 * Ownership: an ask and all it points to live until the pg_server_next behind its answer. What an answer points to
 * is copied, but for the rows of a portal, which are asked for again (pg_rows).
 *
 * Threads: one at a time.
 */
#ifndef WIRE_PG_SERVER_H
#define WIRE_PG_SERVER_H

#include "base/arena.h"
#include "wire/pg.h"
#include "wire/pg_sql.h"
#include "wire/pg_type.h"

struct pg_server;

enum { PG_SERVER_RANDOM = 34, PG_HASH_SIZE = 32 };

/* SHA-256, which this floor has not (net/tls_hash.h has). They return 0, or a negative errno. */
struct pg_hash {
    int (*sha256)(const void *data, size_t size, unsigned char ret[PG_HASH_SIZE]);
    int (*hmac)(const void *key, size_t key_size, const void *data, size_t size,
                unsigned char ret[PG_HASH_SIZE]);
    int (*pbkdf2)(const char *password, const void *salt, size_t salt_size, int rounds,
                  unsigned char ret[PG_HASH_SIZE]);
};

enum pg_server_auth { PG_AUTH_TRUST, PG_AUTH_SCRAM, PG_AUTH_CLEARTEXT };

struct pg_server_options {
    const char *version; /* "15.20" */
    bool tls; /* SSLRequest is answered 'S' */
    enum pg_server_auth auth;
    const char *user, *password; /* for auth; user NULL: any */
    int pid; /* BackendKeyData */
    uint32_t key;
    const char *random; /* 18 bytes for SCRAM's nonce and 16 for its salt: SCRAM only */
    const struct pg_hash *hash; /* SCRAM only; borrowed */
};

enum pg_server_step {
    PG_SERVER_MORE, /* all that was fed has been dealt with */
    PG_SERVER_ASK, /* *ret is to be answered */
    PG_SERVER_TLS, /* 'S' has been written: what is sent and fed from now on is inside TLS */
    PG_SERVER_END /* send what is in `out`, then close; now and for ever */
};

enum pg_ask_kind {
    PG_ASK_START, /* a session begins: accept or fail */
    PG_ASK_CANCEL, /* of `pid` and `key`, on a connection of its own: pg_server_done, then PG_SERVER_END comes */
    PG_ASK_PARSE, /* `statement`, by Parse or PREPARE: done, or fail */
    PG_ASK_DESCRIBE, /* what `statement` returns; with arguments when it is a portal's: describe, or fail */
    PG_ASK_EXECUTE, /* `statement` with its arguments: result, fail or automatic */
    PG_ASK_COPIED, /* the data of a COPY FROM STDIN that a result began, in copy_data; or copy_failed: result or
                      fail */
    PG_ASK_CLOSE, /* `statement` is closed, by Close or DEALLOCATE: done, or fail */
    PG_ASK_SYNC, /* ReadyForQuery is about to be sent: done */
    PG_ASK_TERMINATE /* the client says goodbye: done */
};

struct pg_statement {
    const char *name; /* "" is the unnamed one; NULL: part of a simple query */
    const char *sql; /* this statement alone */
    struct pg_sql is;
    size_t type_count; /* of the parameters, as far as Parse named them or a description told */
    const uint32_t *types; /* 0: not said */
    void *user; /* the owner's; NULL at first */
};

struct pg_argument {
    const char *data; /* as sent; NULL: SQL's NULL */
    size_t size;
    int format;
    uint32_t type; /* 0: not said */
};

struct pg_start { /* the start-up packet's pairs */
    const char *user, *database, *application, *options;
    const char *const *pairs; /* name, value, ..., NULL */
};

struct pg_ask {
    enum pg_ask_kind kind;
    const struct pg_start *start;
    int pid;
    uint32_t key;
    struct pg_statement *statement;
    size_t argument_count;
    const struct pg_argument *arguments; /* NULL: DESCRIBE of a statement, not of a portal */
    const char *portal; /* its name, "" the unnamed one; NULL: none */
    void *
        *portal_user; /* the owner's, for that portal; for a simple query's statement its own */
    bool simple; /* came by Query */
    bool
        failed; /* EXECUTE in a failed transaction, of what is no end of it: only pg_server_automatic */
    const char *copy_data;
    size_t copy_size;
    const char *copy_failed; /* the client's words; NULL: CopyDone */
    size_t max_rows; /* of Execute; 0: all */
};

int pg_server_new(struct pg_server **ret,
                  const struct pg_server_options *options); /* copies them */
void pg_server_free(struct pg_server *server);

int pg_server_feed(struct pg_server *server, const void *data, size_t size); /* -ENOMEM */
enum pg_server_step pg_server_next(struct pg_server *server, struct pg_ask **ret);

/* What is to be sent. The owner drops what it has sent (buf_drop). A partly written answer is never left in it. */
struct buf *pg_server_out(struct pg_server *server);

/* How much of it may be sent now: the server keeps answers back until Sync, Flush, an error or ReadyForQuery, and
 * a client that asks for none of them waits. */
size_t pg_server_ready(const struct pg_server *server);

char pg_server_state(const struct pg_server *server); /* 'I', 'T' or 'E' */

/* What a parameter is now, in its own unit ("20" for a statement_timeout of 20ms); NULL: there is none. */
const char *pg_server_setting(struct pg_server *server, const char *name);

int pg_server_session_pid(const struct pg_server *server);

/* What was fed and is not taken yet: for whoever goes on in the engine's stead. */
void pg_server_rest(const struct pg_server *server, struct buf *to);

/* The last frame that was taken from the client, while an ask that it led to is open: for a transcript. */
const struct pg_frame *pg_server_frame(const struct pg_server *server);

/* Told of each frame of the client's when it is taken, before its asks. Of those in front of PG_ASK_START only of the
 * start-up packet itself: no password is told. */
void pg_server_watch(struct pg_server *server,
                     void (*fn)(void *arg, const struct pg_frame *frame), void *arg);

/* The arguments that EXECUTE of SQL has between its parentheses; `list` NULL: none. Literals as their text. */
size_t pg_sql_arguments(const char *list, struct arena *arena, struct pg_argument **ret);

/* ---- answers ---- */

void pg_server_accept(struct pg_server *server); /* START */
void pg_server_done(struct pg_server *server); /* PARSE, CLOSE, SYNC, TERMINATE, CANCEL */

/* Any ask: ErrorResponse; then what the real server does: skip to Sync, drop the rest of the string, fail the
 * transaction, end the session when it is FATAL. A FATAL one also when nothing is asked. The position counts from
 * the beginning of the ask's statement. */
void pg_server_fail(struct pg_server *server, const struct pg_error *error);

/* DESCRIBE: types of all parameters, and columns; count 0 with `columns` NULL: NoData. */
void pg_server_describe(struct pg_server *server, const uint32_t *types, size_t type_count,
                        const struct pg_column *columns, size_t column_count);

/* Rows of a result, in text; the session converts to the format that the client asked for. */
struct pg_cell {
    const char *text; /* NULL: SQL's NULL */
    size_t size;
};
struct pg_rows {
    const struct pg_column *columns;
    size_t column_count;
    /* Set the cells of row n and return 1; 0 behind the last; -EIO: `error` comes instead. The cells live until the
     * next call. */
    int (*row)(void *arg, size_t n, struct pg_cell *cells);
    void *arg; /* lives as long as the portal, or until `drop` */
    void (*drop)(void *arg); /* NULL: nothing to be freed */
};
struct pg_result {
    const struct pg_rows *rows; /* NULL: none (a command) */
    const char *
        tag; /* NULL: "SELECT n" with n counted, or as the statement's command and n: "INSERT 0 n" */
    const struct pg_error *error; /* behind the rows */
    char copy; /* 'G': expect copy data (COPIED comes); 'H': copy_out is sent; 0 */
    const char *copy_out;
    size_t copy_size;
    int copy_columns;
    int spoil; /* for faults: fields too many in each row */
};
void pg_server_result(struct pg_server *server,
                      const struct pg_result *result); /* EXECUTE, COPIED */

/* EXECUTE, and DESCRIBE of such a statement: what the server answers by itself, without knowing any table: transactions, SET, SHOW, PREPARE, EXECUTE
 * of SQL (which asks for the inner statement), DEALLOCATE, DISCARD, LISTEN, NOTIFY, empty; 25P02 when it
 * `failed`. Returns -ENOENT when the statement is none of these, and nothing has been answered. */
int pg_server_automatic(struct pg_server *server);

/* At any time; outside an answer. A notification reaches the client when it has said LISTEN to the channel, and when
 * its transaction is over. */
void pg_server_notice(struct pg_server *server, const struct pg_error *notice);
void pg_server_notify(struct pg_server *server, int pid, const char *channel,
                      const char *payload);

/* Told of each NOTIFY of this session when its transaction commits: for the other sessions. */
void pg_server_watch_notify(struct pg_server *server,
                            void (*fn)(void *arg, const char *channel, const char *payload),
                            void *arg);

#endif
