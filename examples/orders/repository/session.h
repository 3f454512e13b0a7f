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

#endif
