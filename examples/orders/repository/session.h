/* repository/session.h - statements on one connection, and what their failures mean. */
#ifndef REPOSITORY_SESSION_H
#define REPOSITORY_SESSION_H

#include <libpq-fe.h>

#include "service/ports.h"

/* Connect. On success the caller ends *ret_connection with PQfinish. */
enum repository_result session_open(PGconn **ret_connection, const char *conninfo,
                                    struct failure *failure);

/* Make the connection fit for a new piece of work: anew when it was lost. */
enum repository_result session_begin_work(PGconn *connection, struct failure *failure);

/* Run one statement with `count` text parameters, NULL for SQL NULL. On success the caller
 * frees *ret_rows with PQclear; ret_rows may be NULL. */
enum repository_result session_run(PGconn *connection, const char *sql,
                                   const char *const *values, int count, PGresult **ret_rows,
                                   struct failure *failure);

/* Run a text of one or more statements; what they answer is thrown away. */
enum repository_result session_run_script(PGconn *connection, const char *script,
                                          struct failure *failure);

/* A transaction: what is between the two is kept by COMMIT when it went well, and undone by ROLLBACK
 * when it did not. `session_end` is given how it went, and returns that or COMMIT's own failure. */
enum repository_result session_begin(PGconn *connection, struct failure *failure);
enum repository_result session_end(PGconn *connection, enum repository_result work,
                                   struct failure *failure);

#endif
