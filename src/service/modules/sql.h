/*
 * service/modules/sql.h - a connection to a PostgreSQL server; the only user of libpq.
 *
 * Functions return 0 or a negative errno, -ENOSPC when the server's disk is full, -EREMOTEIO for
 * any other error that the server reports, -ENOTCONN when the connection is gone; the words are
 * in `struct sql_error`.
 *
 * Threads: a connection by one at a time.
 */
#ifndef SERVICE_MODULES_SQL_H
#define SERVICE_MODULES_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct sql;

/* What the server said, cut to size. */
struct sql_error {
    char severity[16];
    char state[8]; /* SQLSTATE; "" when it was not the server that spoke */
    char message[1024];
    char detail[512];
    char hint[512];
    long position; /* of the mistake in the statement, in characters from 1; 0 when unknown */
};

int sql_open(const char *conninfo, struct sql **ret, struct sql_error *error);
void sql_close(struct sql *sql); /* takes NULL */

/* Close and wait until its back end has gone, so that nothing is connected to the database. */
void sql_close_wait(struct sql *sql);

/* Whether the server has not closed it, as far as is known without asking. */
bool sql_is_open(const struct sql *sql);

/* "15.20", from the connection; valid until it closes. */
const char *sql_server_version(const struct sql *sql);
int sql_server_number(const struct sql *sql); /* 150020 */

/* Run statements; rows are thrown away. A COPY FROM STDIN gets `copy` as its data (NULL: refused). */
int sql_run(struct sql *sql, const char *statements, struct sql_error *error);
int sql_run_copy(struct sql *sql, const char *statement, const char *copy, size_t size,
                 struct sql_error *error);

/* The same, printf-like, for statements of our own. */
int sql_runf(struct sql *sql, struct sql_error *error, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* One row of one column. A NULL column and no row are told apart. */
enum sql_found { SQL_NO_ROW, SQL_NULL, SQL_VALUE };
int sql_value(struct sql *sql, const char *statement, enum sql_found *ret_found,
              struct buf *ret, struct sql_error *error);

/* "ERROR 23505: duplicate key ..." and detail and hint on lines of their own. */
void sql_error_text(const struct sql_error *error, struct buf *ret);

#endif
