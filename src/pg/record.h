/*
 * pg/record.h - statements and answers of a real server, kept in a file, and answers from it.
 *
 *   program ── pg_session ── proxy (record_proxy.c) ── real server       recording
 *                              └ tap: messages of both sides ── struct record_tape ── file
 *   program ── pg_session ── engine ── record_replay.c ── struct record_tape          replaying
 *
 * A tape is one statement of one session: what was executed, and all that the server answered. The file has the
 * sessions one after the other, since how they interleaved says nothing that would be the same the next time.
 *
 * Ownership: a recording and its tapes live as long as the (sub)test.
 * Threads: the loop's lock is held, but for what opens and closes one.
 */
#ifndef PG_RECORD_H
#define PG_RECORD_H

#include "json/node.h"
#include "pg/mock.h"
#include "test/match.h"
#include "wire/pg_server.h"

enum {
    RECORD_TAPE_MAX = 16 << 20, /* bytes of one statement's rows, or of its COPY */
    RECORD_FILE_MAX = 256 << 20,
    RECORD_FORMAT = 1
};

#define RECORD_SEAM "postgresql recording" /* what the first line says that it is */

/* A value as the file has it. */
enum record_kind { RECORD_NULL, RECORD_TEXT, RECORD_BINARY, RECORD_REDACTED };

struct record_value {
    enum record_kind kind;
    const char *text; /* or bytes of a binary format that is not known here */
    size_t size;
};

enum record_event {
    RECORD_EXECUTED,
    RECORD_PARSED, /* it failed at Parse, or when it was described */
    RECORD_DESCRIBED, /* it was described, and never executed: it has no place in the order */
    RECORD_SYNCED, /* the end of a pipeline failed: there is no statement */
    RECORD_ENDED /* the server ended the session while it was idle */
};

struct record_column {
    const char *name;
    const char *type; /* "int8", "numeric(10,2)", or as the server names it */
    uint32_t oid; /* of a type that is not known here; else 0 */
};

struct record_notice {
    struct record_notice *next;
    struct pg_error error;
};

struct record_tape {
    int line; /* in the file, from 1; 0: recorded in this test */
    int session; /* from 1, in the order of their first statements */
    bool used;
    int played_by; /* the session of the mock that used it */
    bool ended; /* its answer has come whole */
    enum record_event event;
    const char *sql; /* redacted */
    const char *normal; /* pg_sql_normal of it */
    const struct record_value *arguments;
    size_t argument_count;
    const uint32_t *types; /* of the parameters */
    size_t type_count;

    bool has_columns;
    const struct record_column *columns;
    const struct pg_column *wire; /* the same for the engine */
    size_t column_count;
    struct pg_cell *cells; /* what is redacted is a value of its type */
    size_t row_count;
    struct buf rows; /* while recording: as the file has them */

    char copy; /* 'G', 'H' or 0 */
    int copy_columns;
    const char *copy_data;
    size_t copy_size;
    struct buf copied; /* while recording */
    const char *copy_failed; /* the client's words */

    struct record_notice *notices;
    const char *tag;
    const struct pg_error *error;
};

/* What is never written. */
struct record_redaction {
    const char *columns[SEAM_PG_ARGS + 1]; /* NULL ends them */
    bool arguments[SEAM_PG_ARGS * 64]; /* $1 is at 1 */
    struct match_pattern *patterns[SEAM_PG_ARGS + 1];
};

/* The sessions of a file, in its order. */
struct record_session {
    struct record_tape **tapes; /* of the recording's list */
    size_t count;
    size_t at; /* the next one */
    bool taken; /* by a session of this test */
    struct pg_session *by; /* NULL: it is over */
};

/* How to reach a real server. */
struct record_address {
    const char *host; /* a folder when it begins with '/' */
    int port;
    const char *user, *password, *database;
    bool needs_tls;
};

struct pg_recording {
    struct seam_pg_mock *mock;
    seam_site site;
    int mode; /* what is done: _RECORD, _REPLAY or _VERIFY */
    const char *file; /* as the test wrote it, for messages */
    const char *path;
    const char *test; /* its name */
    bool partial;
    const char *conninfo;
    struct record_address address;
    struct record_redaction redaction;
    struct arena arena; /* of tapes, by whichever thread */
    struct record_tape **tapes;
    size_t count, room;
    size_t size; /* bytes of rows and COPY data so far */
    int session_count; /* that had a statement */
    int logging_in; /* sessions that wait for the real server, without the lock */
    struct record_session *sessions; /* of the file */
    size_t file_session_count;
    const char *server; /* its version, as the file has it */
    const char *unavailable; /* why the real server cannot be asked; NULL: it can */
    char *failure; /* why it cannot be written; NULL: it can */
};

/* ---- record.c */

struct record_tape *record_add(struct pg_recording *recording); /* zeroed */

/* From now on nothing can be written: the first reason is said at the end. */
void record_fail(struct pg_recording *recording, const char *format, ...) SEAM_PRINTF(2, 3);

void record_free_tapes(struct pg_recording *recording); /* and all that is in its arena */

/* Called by mock.c, without the lock, when all sessions are over; a mock without one is fine. */
void pg_record_end(struct seam_pg_mock *mock);

/* Its statement, for messages. */
const char *record_name(const struct record_tape *tape, struct arena *arena);

/* ---- record_address.c: "host=... port=..." or "postgres://...". -EINVAL with a sentence. */
int record_address_parse(struct arena *arena, const char *conninfo, struct record_address *ret,
                         struct err *err);

/* ---- record_redact.c */

/* Take "column password", "arg 2", "sql pattern". -EINVAL with a sentence. */
int record_redaction_parse(struct arena *arena, const char *const *texts,
                           struct record_redaction *ret, struct err *err);
void record_redaction_free(struct record_redaction *redaction);

/* The statement without secrets. */
const char *record_redact_sql(const struct record_redaction *redaction, struct arena *arena,
                              const char *sql);
bool record_hides_argument(const struct record_redaction *redaction, const char *sql, size_t n);
bool record_hides_column(const struct record_redaction *redaction, const char *name);

/* Data of COPY without the fields of secret columns that the statement lists. 1: it has such, and *to has the data;
 * 0: it has none; -EINVAL: in another format than text with tabs. */
int record_redact_copy(const struct record_redaction *redaction, const char *sql,
                       const char *data, size_t size, struct buf *to);

/* What stands for a redacted value of the type: one that the type takes. */
const char *record_stand_in(uint32_t type);

/* ---- record_value.c */

void record_put_text(struct buf *to, const char *text,
                     size_t size); /* "..." or {"base64":"..."} */
void record_put_value(struct buf *to, const struct record_value *value);
bool record_get_value(const struct json_node *node, struct arena *arena,
                      struct record_value *ret);

void record_put_base64(struct buf *to, const char *data, size_t size);
const char *record_get_base64(struct arena *arena, const char *text, size_t size,
                              size_t *ret_size); /* NULL: it is none */

/* "numeric(10,2)"; NULL for a type that is not known here. */
const char *record_type_name(struct arena *arena, uint32_t oid, int modifier);

/* ---- record_read.c and record_write.c */

/* Read the file. -ENOENT when there is none; -EINVAL with file, line, what is wrong, and the
 * command that writes it anew for `test`. */
int record_read(struct pg_recording *recording, const char *test, struct err *err);

/* Whether the path is free, or has a recording that may be written anew. -EEXIST with words. */
int record_check_free(const struct pg_recording *recording, struct err *err);

/* Write the tapes whose answer has come, in one step. */
int record_write(const struct pg_recording *recording, size_t *ret_count, struct err *err);

/* ---- record_serve.c: what the engine of a session asks, when its mock has a recording. */

void pg_record_serve(struct pg_session *session);

/* What a statement that is not in the file was compared with, for its report. */
void pg_record_nearest(struct pg_session *session, struct buf *words);

/* ---- record_replay.c */

/* The tape that answers; NULL: none does. */
struct record_tape *record_due(struct pg_session *session, enum record_event event);
struct record_tape *record_later(struct pg_session *session);
/* The error with which the server ended the session behind what was replayed last; NULL: it did not. */
const struct pg_error *record_end(struct pg_session *session);
void record_use(struct pg_session *session, struct record_tape *tape);

/* One that tells what the session's statement returns, whenever it was executed; NULL. */
const struct record_tape *record_peek(struct pg_session *session);

/* ---- record_scram.c: the client's side of SCRAM-SHA-256 (RFC 5802) */

struct record_scram {
    const char *password;
    const char *first; /* our first message, without its header */
    const char *last, *server; /* without the proof; the server's first one */
    unsigned char salted[PG_HASH_SIZE];
};

/* What goes to the server: first, and when it has answered. -EINVAL with words for what is no answer. */
int record_scram_first(struct record_scram *scram, struct arena *arena, const char *password,
                       struct buf *to, struct err *err);
int record_scram_last(struct record_scram *scram, struct arena *arena, const char *said,
                      size_t size, struct buf *to, struct err *err);

/* Whether the server knows the password as well. */
int record_scram_check(const struct record_scram *scram, const char *said, size_t size,
                       struct err *err);

/* ---- record_login.c */

/* Connect and log in, with the pairs of the program's. It blocks: the lock is not held. Frames that the server
 * sent, from ParameterStatus up to ReadyForQuery, are added to `welcome`; `pid` and `key` are those for
 * CancelRequest. Returns the descriptor, or -errno with words; an error of the server's is in `welcome`, and
 * -EACCES. */
struct record_login {
    const struct record_address *address;
    const char *const *pairs;
    struct buf welcome;
    int pid;
    uint32_t key;
    struct err err;
    int r;
};
int record_log_in(struct record_login *login);

/* Ask the server to cancel. It blocks. */
void record_cancel(const struct record_address *address, int pid, uint32_t key);

/* ---- record_proxy.c: a session between a program and the real server */

struct record_proxy;

int record_proxy_new(struct pg_session *session, int fd); /* takes it, also on failure */
void pg_proxy_fed(struct pg_session *session, const void *data, size_t size);
void pg_proxy_room(struct pg_session *session);
void pg_record_cut(struct pg_session *session); /* it has died */

/* ---- record_verify.c: ask the real server what was replayed; says all it finds. Without the lock. */

void record_verify(struct pg_recording *recording);

/* ---- record_tap.c: what both sides say becomes tapes. Pure. */

struct record_tap;

/* `session` 0: it gets its number with its first statement. */
struct record_tap *record_tap_new(struct pg_recording *recording, int session);
void record_tap_free(struct record_tap *tap);

/* A frame of the client's; behind a Parse a Describe of its statement is put (true). */
bool record_tap_client(struct record_tap *tap, const struct pg_frame *frame,
                       struct buf *describe);

/* A frame of the server's; false: it answers that Describe, and is not for the client. */
bool record_tap_server(struct record_tap *tap, const struct pg_frame *frame);

/* The tape whose answer has come whole since the last call; NULL: none. */
const struct record_tape *record_tap_ended(struct record_tap *tap);

/* The statement that is waited for, for messages; NULL: none. */
const char *record_tap_waits(const struct record_tap *tap);

#endif
