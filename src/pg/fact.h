/*
 * pg/fact.h - what a real server said of a statement that does not depend on data, kept in a file: whether it
 * parses, the types of its parameters, and its columns.
 *
 *     seam fact 1
 *     server <tab> 15                   its major version
 *     schema <tab> 8c3d0f4b6a7e1254     a hash of the migrations without comments and white space
 *     migrations <tab> ../migrations    from the folder of the test; "-": none
 *     types <tab> 0,23                  what Parse names; "-": nothing
 *     sql <tab> select id, email from users where id = $1
 *     parameters <tab> int8             "-": none
 *     column <tab> id <tab> int8 <tab> not null
 *     column <tab> n <tab> int8 <tab> -         "-": of no table
 *
 * or, instead of the last three, "error <tab> 42P01 <tab> relation \"user\" does not exist". A backslash, a
 * line's end and a tab in a text are \\, \n, \t.
 *
 * The file's name is a hash of statement, types and server. A fact whose schema is another one is stale and
 * says nothing.
 *
 * Pure but for the files; no t. What is read is in the arena that is passed.
 */
#ifndef PG_FACT_H
#define PG_FACT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "pg/real_session.h"

#define PG_FACT_FOLDER "testdata/facts"

enum { PG_FACT_COLUMNS = 1664 }; /* the server's own limit */

struct pg_fact_column {
    const char *name, *type;
    const char *nullable; /* "not null", "null", or "-" */
};

struct pg_fact {
    const char *sql; /* normal */
    const char *types, *migrations;
    int server;
    uint64_t schema;
    const char *sqlstate, *message; /* it does not parse; NULL: it does */
    const char *parameters;
    const struct pg_fact_column *columns;
    size_t column_count;
};

/* What Parse names, "" for nothing: "0,23". */
const char *pg_fact_types(struct arena *arena, const uint32_t *types, size_t count);

/* The hash of the folder's migrations; NULL: of none. */
int pg_fact_schema(const char *folder, uint64_t *ret, struct err *err);

/* The path of the file for a fact with sql, types and server. */
const char *pg_fact_path(struct arena *arena, const char *folder, const struct pg_fact *fact);

int pg_fact_read(const char *path, struct arena *arena, struct pg_fact *ret, struct err *err);
int pg_fact_write(const char *path, const struct pg_fact *fact, struct err *err);
bool pg_fact_is_same(const struct pg_fact *a, const struct pg_fact *b);

/* What it says, in a line: "id int8 not null, email text", or the error; and with its parameters before that:
 * "(int8) id int8 not null". */
const char *pg_fact_result_words(struct arena *arena, const struct pg_fact *fact);
const char *pg_fact_words(struct arena *arena, const struct pg_fact *fact);

/* Ask a server: fills what a fact says; its sql and types are set. -EIO when the session broke. */
int pg_fact_derive(struct real_session *session, uint64_t deadline_ns, struct arena *arena,
                   struct pg_fact *fact, struct err *err);

#endif
