/*
 * service/modules/sql_split.h - a script of SQL as its statements, each with its line.
 *
 * Knows what a semicolon can hide in: quotes of all kinds, comments (which nest), parentheses, and
 * the body of a function in the SQL standard's form (BEGIN ATOMIC ... END). Pure: no server, no I/O.
 */
#ifndef SERVICE_MODULES_SQL_SPLIT_H
#define SERVICE_MODULES_SQL_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

/* A statement in somebody else's text, without the comments before it and its semicolon. */
struct sql_statement {
    const char *text;
    size_t size;
    int line; /* of its first character, from 1 */
};

/* Where one is in a script, which ends in NUL and must outlive this: begin with SQL_SCRIPT(text). */
struct sql_script {
    const char *at;
    const char *counted; /* lines are counted up to here */
    int line;
};
#define SQL_SCRIPT(text) ((struct sql_script){ (text), (text), 1 })

/* Take the next statement: returns 1, or 0 at the end. */
int sql_next(struct sql_script *script, struct sql_statement *ret);

/* Whether a statement is a COPY FROM STDIN; its data begin on the next line and end with a line "\." or
 * with the script. sql_copy_data steps over them and returns their size. */
bool sql_is_copy(const struct sql_statement *statement);
size_t sql_copy_data(struct sql_script *script, const char **ret);

/* The line that is `characters` (from 1, UTF-8) into a statement; its first line when that is 0. */
int sql_line(const struct sql_statement *statement, long characters);

#endif
