/* service/modules/sql.c - a connection to a PostgreSQL server; see sql.h. */

#include "service/modules/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"

enum { STATEMENT_MAX = 64 << 10, BACKEND_MAX_MS = 5000 };

struct sql {
    PGconn *connection;
    bool wants_copy; /* the last statement was a COPY FROM STDIN without data */
};

static void no_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* Copy a line of libpq's without the newline at its end. */
static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
    to[strcspn(to, "\n")] = '\0';
}

/* Fill `error` from a result or, when the server said nothing, from the connection. */
static int fail(const struct sql *sql, const PGresult *result, struct sql_error *error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (error) {
        memset(error, 0, sizeof *error);
        copy_text(error->severity, sizeof error->severity,
                  PQresultErrorField(result, PG_DIAG_SEVERITY));
        copy_text(error->state, sizeof error->state, state);
        copy_text(error->message, sizeof error->message,
                  message ? message : PQerrorMessage(sql->connection));
        copy_text(error->detail, sizeof error->detail,
                  PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
        copy_text(error->hint, sizeof error->hint,
                  PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
        error->position = position ? strtol(position, NULL, 10) : 0;
    }
    if (PQstatus(sql->connection) != CONNECTION_OK)
        return -ENOTCONN;
    return state && strcmp(state, "53100") == 0 ? -ENOSPC : -EREMOTEIO;
}

/* A mistake that the server does not see. */
static int refuse(struct sql_error *error, const char *message)
{
    if (error) {
        memset(error, 0, sizeof *error);
        copy_text(error->severity, sizeof error->severity, "ERROR");
        copy_text(error->message, sizeof error->message, message);
    }
    return -EINVAL;
}

int sql_open(const char *conninfo, struct sql **ret, struct sql_error *error)
{
    struct sql *sql = calloc(1, sizeof *sql);
    int r;

    if (!sql) {
        refuse(error, "out of memory");
        return -ENOMEM;
    }
    sql->connection = PQconnectdb(conninfo);
    if (PQstatus(sql->connection) == CONNECTION_OK) {
        PQsetNoticeReceiver(sql->connection, no_notice, NULL);
        *ret = sql;
        return 0;
    }
    r = fail(sql, NULL, error);
    sql_close(sql);
    return r;
}

void sql_close(struct sql *sql)
{
    if (sql)
        PQfinish(sql->connection);
    free(sql);
}

/* Its socket is closed when its process ends, after it has left the database. */
void sql_close_wait(struct sql *sql)
{
    int backend = fcntl(PQsocket(sql->connection), F_DUPFD_CLOEXEC, 0);
    uint64_t deadline = deadline_after_ms(BACKEND_MAX_MS);
    struct pollfd end = { .fd = backend, .events = POLLIN };
    char rest[256];

    sql_close(sql);
    while (backend >= 0 && poll(&end, 1, deadline_poll_ms(deadline)) > 0 &&
           recv(backend, rest, sizeof rest, MSG_DONTWAIT) > 0)
        ;
    io_close(&backend);
}

bool sql_is_open(const struct sql *sql)
{
    struct pollfd input = { .fd = PQsocket(sql->connection), .events = POLLIN };

    while (PQstatus(sql->connection) == CONNECTION_OK && poll(&input, 1, 0) > 0 &&
           PQconsumeInput(sql->connection))
        ;
    return PQstatus(sql->connection) == CONNECTION_OK;
}

const char *sql_server_version(const struct sql *sql)
{
    const char *version = PQparameterStatus(sql->connection, "server_version");

    return version ? version : "?";
}

int sql_server_number(const struct sql *sql)
{
    return PQserverVersion(sql->connection);
}

static int send_copy(struct sql *sql, const char *copy, size_t size)
{
    if (!copy)
        return PQputCopyEnd(sql->connection, "there are no data for it here");
    if (size > 0 && PQputCopyData(sql->connection, copy, (int)size) != 1)
        return -1;
    return PQputCopyEnd(sql->connection, NULL);
}

/* Throw away what a COPY TO STDOUT yields. */
static void drop_copy(struct sql *sql)
{
    char *row;

    while (PQgetCopyData(sql->connection, &row, 0) > 0)
        PQfreemem(row);
}

int sql_run_copy(struct sql *sql, const char *statement, const char *copy, size_t size,
                 struct sql_error *error)
{
    PGresult *result;
    int r = 0;

    if (PQsendQuery(sql->connection, statement) != 1)
        return fail(sql, NULL, error);
    while ((result = PQgetResult(sql->connection))) {
        switch (PQresultStatus(result)) {
        case PGRES_COPY_IN:
            if (send_copy(sql, copy, size) != 1 && r == 0)
                r = fail(sql, NULL, error);
            break;
        case PGRES_COPY_OUT:
            drop_copy(sql);
            break;
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_EMPTY_QUERY:
            break;
        default:
            if (r == 0)
                r = fail(sql, result, error);
        }
        PQclear(result);
        if (PQstatus(sql->connection) != CONNECTION_OK)
            return r == 0 ? fail(sql, NULL, error) : r;
    }
    return r;
}

int sql_run(struct sql *sql, const char *statements, struct sql_error *error)
{
    return sql_run_copy(sql, statements, NULL, 0, error);
}

int sql_runf(struct sql *sql, struct sql_error *error, const char *format, ...)
{
    struct buf statement = BUF_INIT(STATEMENT_MAX);
    va_list args;
    int r;

    va_start(args, format);
    r = buf_vprintf(&statement, format, args);
    va_end(args);
    if (r == 0)
        r = sql_run(sql, buf_text(&statement), error);
    buf_fini(&statement);
    return r;
}

int sql_value(struct sql *sql, const char *statement, enum sql_found *ret_found,
              struct buf *ret, struct sql_error *error)
{
    PGresult *result = PQexec(sql->connection, statement);
    int r = 0;

    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        r = refuse(error, "it returns no rows: one row of one column is wanted");
    else if (PQresultStatus(result) != PGRES_TUPLES_OK)
        r = fail(sql, result, error);
    else if (PQnfields(result) != 1)
        r = refuse(error, "it returns more or less than one column: one is wanted");
    else if (PQntuples(result) > 1)
        r = refuse(error, "it returns more than one row: one is wanted");
    else if (PQntuples(result) == 0)
        *ret_found = SQL_NO_ROW;
    else if (PQgetisnull(result, 0, 0))
        *ret_found = SQL_NULL;
    else {
        *ret_found = SQL_VALUE;
        if (buf_add(ret, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)) < 0)
            r = refuse(error, "the value is too long");
    }
    PQclear(result);
    return r;
}

void sql_error_text(const struct sql_error *error, struct buf *ret)
{
    buf_add_text(ret, error->severity);
    if (error->state[0])
        buf_printf(ret, " %s", error->state);
    buf_printf(ret, "%s%s", error->severity[0] ? ": " : "", error->message);
    if (error->detail[0])
        buf_printf(ret, "\n    detail: %s", error->detail);
    if (error->hint[0])
        buf_printf(ret, "\n    hint: %s", error->hint);
}
