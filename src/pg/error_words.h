/*
 * pg/error_words.h - errors as a test writes them, made whole as PostgreSQL 15 would send them: the message, a
 * hint that is always the same, the schema, the table that the statement names, and the position.
 *
 * Ownership: texts are in the arena. Threads: any.
 */
#ifndef PG_ERROR_WORDS_H
#define PG_ERROR_WORDS_H

#include "base/arena.h"
#include "base/err.h"
#include "seam/pg_mock.h"
#include "wire/pg.h"
#include "wire/pg_sql.h"

/* The statement that fails. */
struct error_place {
    const char *sql; /* NULL: not known */
    const struct pg_sql *is; /* of it */
    const char *const *arguments; /* as text; NULL: one that is not known, or SQL's NULL */
    size_t argument_count;
};

/* -EINVAL with a sentence for what is no error of the server's. */
int pg_error_make(const seam_pg_error *from, const struct error_place *place,
                  struct arena *arena, struct pg_error *ret, struct err *err);

/* The same for a notice. */
int pg_notice_make(const seam_pg_error *from, struct arena *arena, struct pg_error *ret,
                   struct err *err);

/* The condition's name in the appendix "PostgreSQL Error Codes", such as "unique_violation"; NULL: there is none. */
const char *pg_condition_name(const char *sqlstate);

/* ---- error_place.c: where a name stands in a statement. Positions are in characters from 1; 0: nowhere. */

enum error_name {
    ERROR_TABLE,
    ERROR_COLUMN,
    ERROR_FUNCTION,
    ERROR_TYPE,
    ERROR_TOKEN,
    ERROR_STRING
};

/* What is before a '.' in front of it is part of the name, and where it begins the position. *ret_qualifier, folded,
 * is NULL when there is none. */
int error_position(const char *sql, enum error_name kind, const char *name, struct arena *arena,
                   const char **ret_qualifier);

/* Whether a column is one that the statement writes: in the list of INSERT, or left of a '=' of UPDATE. */
bool error_is_target(const char *sql, const char *column, struct arena *arena);

/* The table that it writes, as "schema.table" is folded; NULL: none, or several. */
const char *error_written_table(const char *sql, struct arena *arena);

/* The next string of the statement, without its quotes, from *at on; NULL: none is left. */
const char *error_next_string(const char **at, struct arena *arena);

#endif
