/*
 * wire/pg_engine.h - the inside of one PostgreSQL session: what the files behind pg_server.h share.
 *
 *   pg_server.c     life, the loop that takes frames and asks, answers, errors
 *   pg_start.c      start-up packets, version negotiation, what a session begins with
 *   pg_auth.c       passwords; pg_scram.c: SCRAM-SHA-256
 *   pg_check.c      what is wrong with a text of statements
 *   pg_simple.c     Query
 *   pg_reading.c    texts of statements that were read before
 *   pg_extended.c   Parse, Describe, Execute, Close; pg_bind.c: Bind
 *   pg_prepared.c   PREPARE, EXECUTE, DEALLOCATE of SQL
 *   pg_execute.c    answers to what is executed; pg_result.c: columns and rows on the wire; pg_copy.c: COPY
 *   pg_automatic.c  statements that need no table; pg_transaction.c: the state of the transaction
 *   pg_parameter.c  SET, SHOW; pg_setting.c: which parameters there are; pg_notify.c: LISTEN, NOTIFY
 *
 * Threads: one at a time.
 */
#ifndef WIRE_PG_ENGINE_H
#define WIRE_PG_ENGINE_H

#include "wire/pg_parameter.h"
#include "wire/pg_reading.h"
#include "wire/pg_scram.h"
#include "wire/pg_server.h"

enum pg_phase {
    PG_STARTING, /* start-up packets */
    PG_PASSWORD,
    PG_SASL_FIRST,
    PG_SASL_LAST,
    PG_SERVING,
    PG_COPYING, /* COPY FROM STDIN */
    PG_OVER
};

enum pg_block {
    PG_NO_BLOCK, /* idle, or a single statement */
    PG_IMPLICIT, /* of a simple query with several statements */
    PG_BLOCK,
    PG_FAILED
};

struct pg_prepared {
    struct pg_statement is; /* first: an ask's statement is one of these */
    struct pg_prepared *next;
    struct pg_reading *reading; /* of its text */
    struct arena arena;
    int uses; /* by the session, and by portals: a closed statement lives as long as they do */
};

struct pg_portal {
    struct pg_portal *next;
    struct arena arena;
    const char *name; /* NULL: the statement of a simple query */
    struct pg_statement *statement; /* the one that was bound */
    struct pg_statement *runs; /* the same, or what an EXECUTE of SQL names */
    struct pg_prepared *prepared, *inner; /* in use by this portal; NULL */
    size_t argument_count;
    struct pg_argument *arguments;
    size_t format_count;
    int16_t *formats;
    void *user;
    size_t savepoints; /* how many there were when it was made */
    bool begun, ended; /* it has an answer; all of it has been sent */
    bool has_rows;
    struct pg_rows rows;
    struct pg_cell *cells;
    size_t at; /* rows sent so far */
    const char *tag;
    const struct pg_error *error; /* behind the rows */
    int spoil;
};

struct pg_savepoint {
    struct pg_savepoint *outer;
    const char *name;
    size_t changes; /* of parameters, before it */
};

struct pg_notification {
    struct pg_notification *next;
    int pid;
    bool is_new; /* by a transaction that has not ended yet */
    char *channel, *payload;
};

struct pg_channel {
    struct pg_channel *next;
    char *name;
    bool is_new, is_left; /* by a transaction that has not ended yet */
};

struct pg_server {
    struct arena arena; /* of the session */
    struct pg_server_options options;
    struct pg_reader reader;
    struct buf later; /* fed while an ask is open, whose texts are in the reader */
    struct buf out;
    size_t held; /* at the end of `out`: not flushed yet */
    enum pg_phase phase;
    struct pg_frame frame;
    void (*watch)(void *arg, const struct pg_frame *frame);
    void *watch_arg;

    struct arena turn; /* what belongs to the frame that is being dealt with */
    bool asking;
    struct pg_ask ask;
    void (*then)(struct pg_server *server); /* when the ask is done */
    int shift; /* characters in front of the ask's statement, in what the client sent */

    struct pg_start start;
    const char **pairs;
    int minor; /* of the protocol */
    bool ssl_over, gss_over; /* may not be asked for again */
    bool tls_due;
    bool welcome; /* AuthenticationOk is still to be written */
    struct pg_scram *scram; /* NULL: not begun */

    enum pg_block block;
    struct arena block_arena; /* savepoints */
    struct pg_savepoint *savepoints;
    size_t savepoint_count;
    bool queried; /* the transaction has begun to read */
    struct pg_parameters parameters;

    bool extended; /* the frame is one of the extended protocol: after an error, skip to Sync */
    bool skipping;
    bool sync_due; /* ReadyForQuery comes next */
    const char *query, *rest; /* of a simple query; NULL: none is being dealt with */
    bool several;
    int ran; /* its statements so far */

    struct pg_readings readings; /* of what Parse has sent */
    struct pg_prepared *prepared;
    struct pg_portal *portals;
    struct pg_portal *gone; /* removed; the last ask may point into them */
    struct pg_portal *running; /* that is being executed, or described */
    struct pg_prepared *parsing, *describing; /* that PARSE, or DESCRIBE, asks about */
    void (*parsed)(struct pg_server *server);
    const char *tag; /* of a statement that asks about others first */
    bool deallocates_all;
    size_t max_rows; /* of the Execute that is being dealt with */
    void (*described)(struct pg_server *server, size_t column_count);

    struct buf copy;
    struct pg_channel *channels;
    struct pg_notification *notifications, **last_notification;
    void (*notified)(void *arg, const char *channel, const char *payload);
    void *notified_arg;
};

/* ---- pg_server.c */

/* End a message that pg_begin began in server->out. */
void engine_end(struct pg_server *server, size_t begun);
void engine_put(struct pg_server *server, char type); /* one without a body */
void engine_flush(struct pg_server *server);
void engine_ask(struct pg_server *server, enum pg_ask_kind kind,
                void (*then)(struct pg_server *server));
struct pg_ask *engine_answer(struct pg_server *server); /* the ask is answered */

/* ErrorResponse, and all that follows from it. */
void engine_fail(struct pg_server *server, const struct pg_error *error);
void engine_error(struct pg_server *server, const char *sqlstate, int position,
                  const char *format, ...) SEAM_PRINTF(4, 5);
void engine_fatal(struct pg_server *server, const char *sqlstate, const char *format, ...)
    SEAM_PRINTF(3, 4);
void engine_warn(struct pg_server *server, const char *sqlstate, const char *text);
bool engine_body_is_wrong(struct pg_server *server, const struct pg_body *body);
bool engine_text_is_right(const char *text, size_t size); /* UTF-8 */
bool engine_text_is_wrong(struct pg_server *server, const char *text, size_t size,
                          const char *where); /* else; says so */
void engine_ready(struct pg_server *server); /* ReadyForQuery is due */
int engine_characters(const char *from, const char *to); /* of UTF-8 */
int engine_major(const struct pg_server *server); /* of the server's version */

enum { PG_TEXT_OID = 25 };

#define ENGINE_ABORTED                                                                         \
    "current transaction is aborted, commands ignored until end of transaction block"

/* ---- the others: each takes a frame, or goes on with what one began */

void start_take(struct pg_server *server);
void start_accepted(struct pg_server *server);
void start_authenticated(struct pg_server *server);
void auth_begin(struct pg_server *server);
void auth_take(struct pg_server *server);

/* Whether a text of statements is wrong as a whole, and then the client has been told. */
bool check_sql(struct pg_server *server, const char *sql);

void simple_take(struct pg_server *server);
void simple_go_on(struct pg_server *server);

void extended_take(struct pg_server *server);
void bind_take(struct pg_server *server, struct pg_body *body);

struct pg_prepared *prepared_find(struct pg_server *server, const char *name);
struct pg_prepared *prepared_new(const char *name, struct pg_reading *reading); /* takes it */
void prepared_ask(struct pg_server *server, struct pg_prepared *prepared,
                  void (*then)(struct pg_server *server)); /* PARSE; then it is there */
bool prepared_is_dead(struct pg_server *server,
                      const struct pg_statement *statement); /* 25P02 */
void prepared_remove(struct pg_server *server, struct pg_prepared *prepared);
void prepared_release(struct pg_prepared *prepared);
void prepared_set_types(struct pg_prepared *prepared, const uint32_t *types, size_t count);
bool prepared_missing(struct pg_server *server, const char *name); /* says so */

struct pg_portal *portal_find(struct pg_server *server, const char *name);
struct pg_portal *portal_new(struct pg_server *server, const char *name,
                             struct pg_statement *statement, struct pg_prepared *prepared);
void portal_remove(struct pg_server *server, struct pg_portal *portal);
void portals_bury(struct pg_server *server); /* frees those that were removed */
void portals_clear(struct pg_server *server, size_t savepoints); /* made below so many */

void portal_ask_describe(struct pg_server *server, struct pg_portal *portal);

void execute_portal(struct pg_server *server, struct pg_portal *portal, size_t max_rows);
void execute_ask(struct pg_server *server, struct pg_portal *portal, size_t max_rows);
void execute_ask_copied(struct pg_server *server, const char *failed);
void execute_empty(struct pg_server *server);
void execute_go_on(struct pg_server *server, struct pg_portal *portal);
void execute_complete(struct pg_server *server, const char *tag);
void execute_result(struct pg_server *server, const struct pg_result *result);
void execute_finished(struct pg_server *server); /* of the running portal: nothing more comes */

enum result_end {
    RESULT_END,
    RESULT_MORE, /* as many rows as were wanted; perhaps there are more */
    RESULT_ERROR, /* whose rows they are says that there is an error instead */
    RESULT_FAILED /* an error has been sent */
};
void result_columns(struct pg_server *server, const struct pg_column *columns, size_t count,
                    const struct pg_portal *portal);
enum result_end result_rows(struct pg_server *server, struct pg_portal *portal, size_t max,
                            size_t *ret);
const char *result_tag(const struct pg_statement *statement, const char *tag, bool has_rows,
                       size_t count, struct arena *arena);

void copy_begin(struct pg_server *server, const struct pg_result *result);
void copy_out(struct pg_server *server, const struct pg_result *result);
void copy_take(struct pg_server *server);
void copy_end(struct pg_server *server, const struct pg_result *result);
void copy_fail(struct pg_server *server, const char *sqlstate, const char *message);

/* Whether a statement is among those that are answered without knowing a table, and doing so. `tag` is a rule's
 * for it; NULL: the server's own. */
bool automatic_knows(const struct pg_statement *statement);
void automatic_run(struct pg_server *server, const char *tag);
void automatic_refuse(struct pg_server *server); /* in a failed transaction */

bool transaction_is_end(const struct pg_statement *statement); /* goes on in a failed one */
bool transaction_knows(const struct pg_statement *statement);
void transaction_run(struct pg_server *server, const char *tag);
void transaction_failed(struct pg_server *server,
                        bool commits); /* by an error, of COMMIT or another */
void transaction_end_implicit(struct pg_server *server);

void prepared_execute(struct pg_server *server); /* EXECUTE of SQL; PREPARE; DEALLOCATE */
void prepared_prepare(struct pg_server *server, const char *tag);
void prepared_deallocate(struct pg_server *server, const char *tag);
void prepared_discard(struct pg_server *server, const char *tag);

void parameter_run(struct pg_server *server, const char *tag);
void parameter_show(struct pg_server *server, const char *tag);
bool parameter_wants_notice(struct pg_server *server, const char *severity);

void notify_run(struct pg_server *server, const char *tag);
void notify_listen(struct pg_server *server, const char *tag);
void notify_flush(struct pg_server *server); /* what waits for the end of the transaction */
void notify_end(struct pg_server *server, bool committed); /* of the transaction */
void notify_unlisten_all(struct pg_server *server);
void notify_free(struct pg_server *server);

#endif
