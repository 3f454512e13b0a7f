/*
 * wire/pg_sql.h - as much of SQL's words as a double has to know: where a statement ends, what kind it is, and
 * whether two are the same but for white space, comments and the case of words.
 *
 * The lexer follows PostgreSQL's (documentation, "Lexical Structure"): '...' with '' in it, E'...' with
 * backslashes, $tag$...$tag$, "..." with "", -- and nested comments, $1, operators. It parses no grammar.
 */
#ifndef WIRE_PG_SQL_H
#define WIRE_PG_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum pg_sql_kind {
    PG_SQL_EMPTY, /* white space and comments alone */
    PG_SQL_OTHER, /* what is told apart by its first word alone: SELECT, INSERT, CREATE, ... */
    PG_SQL_BEGIN, /* also START TRANSACTION */
    PG_SQL_COMMIT, /* also END; not COMMIT PREPARED */
    PG_SQL_ROLLBACK, /* also ABORT */
    PG_SQL_SAVEPOINT,
    PG_SQL_RELEASE,
    PG_SQL_ROLLBACK_TO,
    PG_SQL_PREPARE, /* PREPARE name (types) AS statement; not PREPARE TRANSACTION */
    PG_SQL_EXECUTE,
    PG_SQL_DEALLOCATE,
    PG_SQL_DISCARD,
    PG_SQL_SET, /* also SET LOCAL, SET SESSION, RESET, SET TRANSACTION, SET CHARACTERISTICS */
    PG_SQL_SHOW,
    PG_SQL_LISTEN, /* also UNLISTEN */
    PG_SQL_NOTIFY,
    PG_SQL_COPY_IN, /* COPY ... FROM STDIN */
    PG_SQL_COPY_OUT, /* COPY ... TO STDOUT */
    PG_SQL_CLOSE /* a cursor, also CLOSE ALL */
};

struct pg_sql {
    enum pg_sql_kind kind;
    const char *
        command; /* of the tag, such as "SELECT", "INSERT", "CREATE TABLE", "START TRANSACTION" */
    const char *
        name; /* of a savepoint, prepared statement, channel, parameter or cursor, folded as the server
                         does; NULL: none, or ALL. "TRANSACTION" and "SESSION CHARACTERISTICS" of SET */
    const char
        *value; /* of SET: without quotes; NULL: DEFAULT and RESET. Of NOTIFY: the payload */
    bool local; /* SET LOCAL */
    const char *
        isolation; /* of BEGIN and SET TRANSACTION: "serializable", "repeatable read", ...; NULL */
    int read_only; /* 1, 0, -1: it does not say */
    int deferrable; /* the same */
    bool chain; /* COMMIT AND CHAIN */
    bool returning; /* RETURNING is among its words, outside parentheses */
    const char *inner; /* the statement of PREPARE, the arguments of EXECUTE */
    const char *types; /* of PREPARE: what is between its parentheses; NULL: none */
    int parameters; /* the highest $n; 0: none */
};

/* What kind of statement it is. Texts are in the arena. */
void pg_sql_classify(struct pg_sql *ret, const char *sql, struct arena *arena);

/* Where the first of several statements ends, in bytes, its ';' not included, and where the next one begins. */
size_t pg_sql_first(const char *sql, size_t *ret_next);

/* Whether there is more than one that is not empty. */
bool pg_sql_is_several(const char *sql);

/* The statement in the form in which statements are compared and kept: one blank between words, none beside
 * punctuation, words outside quotes in lower case, no comments, no ';' at the end; quoted texts as they are. In
 * the arena. */
const char *pg_sql_normal(const char *sql, struct arena *arena);

/* Which tables it reads or writes, as far as its words tell (behind FROM, JOIN, INTO, UPDATE, TABLE, USING): fn
 * is called for each, folded, with its schema when it has one. */
void pg_sql_tables(const char *sql, void (*fn)(void *arg, const char *table, bool writes),
                   void *arg);

/* Why a text is no sequence of tokens at all: an open quote or comment, a '$' at a wrong place; NULL: it is. The
 * words are the server's: "unterminated quoted string at or near \"'abc\""; *ret_position in characters from 1. */
const char *pg_sql_mistake(const char *sql, struct arena *arena, int *ret_position);

/* The same, and whether there are names that the server cuts to 63 bytes. */
const char *pg_sql_scan(const char *sql, struct arena *arena, int *ret_position,
                        bool *ret_has_long_names);

/* Each name that is cut: as it is, and what is left of it; up to the first mistake. */
void pg_sql_each_long_name(const char *sql, struct arena *arena,
                           void (*fn)(void *arg, const char *name, const char *cut), void *arg);

/* What is wrong with the grammar of those among the statements that a session answers by itself (BEGIN, SET, ...):
 * "syntax error at or near \"foo\""; NULL: nothing. */
const char *pg_sql_syntax_error(const char *sql, struct arena *arena, int *ret_position);

/* Where `at` is in `text`, in characters from 1. */
int pg_sql_position(const char *text, const char *at);

#endif
