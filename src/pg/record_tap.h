/*
 * pg/record_tap.h - what a tap knows of its session; for record_tap.c, record_names.c and record_tape.c alone.
 *
 * What the client sends waits in a queue until the server has answered it: names of statements and portals are
 * looked up only then, so that they mean what they meant to the server.
 *
 *   client ── P D' B D E S ──> pending ── 1 t T 2 T D D C Z ── server       D': put in by us
 */
#ifndef PG_RECORD_TAP_H
#define PG_RECORD_TAP_H

#include "pg/record.h"

enum { TAP_SECRETS = 32 };

struct tap_statement {
    struct tap_statement *next;
    struct arena arena;
    const char *name, *sql;
    uint32_t *types;
    size_t type_count;
    const struct pg_column *columns;
    size_t column_count;
    bool described;
};

struct tap_portal {
    struct tap_portal *next;
    struct arena arena;
    const char *name, *sql;
    struct pg_argument *arguments;
    size_t argument_count;
    const uint32_t *types;
    size_t type_count;
    int *formats; /* of results */
    size_t format_count;
    const struct pg_column *columns;
    size_t column_count;
    struct record_tape *tape; /* it has been executed in part */
};

struct tap_pending {
    struct tap_pending *next;
    char type;
    bool ours;
    struct pg_frame frame; /* its body is behind this */
    char body[];
};

struct record_tap {
    struct pg_recording *recording;
    int session; /* 0: it has had no statement */
    struct tap_statement *statements;
    struct tap_portal *portals;
    struct tap_pending *pending, **last;
    bool skipping; /* an error: the server takes nothing until Sync */
    bool copying; /* from the client */

    /* What is being executed. */
    struct record_tape *tape; /* NULL: it is not recorded */
    const struct record_tape *just_ended;
    struct arena turn; /* of these, until the next statement */
    const char *query, *rest; /* of a simple query; NULL: it is none, or has not begun */
    const char *now; /* the statement, in `query` or alone */
    struct pg_sql is;
    bool running;
    const struct pg_column *columns;
    size_t column_count;
    const int *formats;
    size_t format_count;
    struct record_notice *notices, **last_notice;
    const char *secrets[TAP_SECRETS];
    size_t secret_count;
    bool has_secret;
};

/* ---- record_names.c: what has a name, as the server has it by now. NULL: there is none. */

struct tap_statement *tap_find_statement(const struct record_tap *tap, const char *name);
struct tap_portal *tap_find_portal(const struct record_tap *tap, const char *name);
void tap_drop_statement(struct record_tap *tap, const char *name); /* fine when there is none */
void tap_drop_portal(struct record_tap *tap, const char *name);

/* A statement in the place of one that has that name. */
void tap_remember(struct record_tap *tap, const char *name, const char *sql,
                  const uint32_t *types, size_t type_count);

/* The portal that the Bind at the front makes; NULL: of a statement that is not there. */
struct tap_portal *tap_bind(struct record_tap *tap);

/* ---- record_tape.c: a tape is filled. Of a tape that is NULL nothing is kept. */

/* NULL: nothing is recorded any more. */
struct record_tape *tape_new(struct record_tap *tap, enum record_event event, const char *sql);

void tape_take_arguments(struct record_tap *tap, struct record_tape *tape, const char *sql,
                         const struct pg_argument *arguments, size_t count,
                         const uint32_t *types, size_t type_count);
void tape_take_columns(struct record_tap *tap, struct record_tape *tape,
                       const struct pg_column *columns, size_t count);

/* Of the tape that is being executed: a DataRow, data of COPY. */
void tape_take_row(struct record_tap *tap, const struct pg_frame *frame);
void tape_take_copy(struct record_tap *tap, const struct pg_frame *frame);

/* An error without secrets of its statement; a notice is kept for the tape that ends next. */
struct pg_error tape_error(struct record_tap *tap, const struct pg_error *from);
void tape_take_notice(struct record_tap *tap, const struct pg_frame *frame);

/* Whether a double says it by itself, as any server does: of transactions and of names. */
bool tape_is_automatic(const char *sqlstate);

const struct pg_column *tape_read_columns(struct arena *arena, const struct pg_frame *frame,
                                          size_t *ret_count);
int tape_format(const int *formats, size_t count, size_t n); /* of value n, as Bind says it */

#endif
