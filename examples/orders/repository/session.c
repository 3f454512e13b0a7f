/* repository/session.c - statements, and what their failures mean; see session.h. */

#include "repository/session.h"

#include <stdio.h>
#include <string.h>

/* What a SQLSTATE means to us. The first line that fits counts: `state` is how the code begins,
 * `table` the table whose constraint it was, NULL for any. */
static const struct meaning {
    const char *state;
    const char *table;
    enum repository_result result;
} meanings[] = {
    { "23505", "orders", REPOSITORY_DUPLICATE }, { "23503", "orders", REPOSITORY_NO_CUSTOMER },
    { "23", NULL, REPOSITORY_REFUSED }, /* every other constraint */
    { "22", NULL, REPOSITORY_REFUSED }, /* data that a type does not take: no JSON, no UUID */
    { "40", NULL, REPOSITORY_TRY_AGAIN }, /* serialization, deadlock */
    { "53", NULL, REPOSITORY_TRY_AGAIN }, /* out of memory, disk, connections */
    { "55P03", NULL, REPOSITORY_TRY_AGAIN }, /* lock_timeout */
    { "57014", NULL, REPOSITORY_TRY_AGAIN }, /* statement_timeout, cancelled */
    { "57P", NULL, REPOSITORY_UNAVAILABLE }, /* shutting down, starting up */
    { "08", NULL, REPOSITORY_UNAVAILABLE }, /* the connection itself */
};

static enum repository_result meaning_of(const char *state, const char *table)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const struct meaning *m = &meanings[i];

        if (strncmp(state, m->state, strlen(m->state)) == 0 &&
            (!m->table || (table && strcmp(table, m->table) == 0)))
            return m->result;
    }
    return REPOSITORY_FAILED;
}

/* libpq's own words, without the line break that ends them. */
static void say_connection(const PGconn *connection, struct failure *failure)
{
    int length;

    snprintf(failure->text, sizeof failure->text, "%s", PQerrorMessage(connection));
    for (length = (int)strlen(failure->text); length > 0 && failure->text[length - 1] == '\n';)
        failure->text[--length] = '\0';
}

/* The statement failed: with a SQLSTATE when the server said so, without when libpq did. */
static enum repository_result failed(const PGconn *connection, const PGresult *answer,
                                     struct failure *failure)
{
    const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(answer, PG_DIAG_MESSAGE_DETAIL);

    if (!state) {
        say_connection(connection, failure);
        return PQstatus(connection) == CONNECTION_BAD ? REPOSITORY_UNAVAILABLE
                                                      : REPOSITORY_FAILED;
    }
    snprintf(failure->text, sizeof failure->text, "%s (SQLSTATE %s)%s%s", message, state,
             detail ? ": " : "", detail ? detail : "");
    return meaning_of(state, PQresultErrorField(answer, PG_DIAG_TABLE_NAME));
}

enum repository_result session_open(PGconn **ret_connection, const char *conninfo,
                                    struct failure *failure)
{
    /* "dbname" stands for the whole conninfo: it may override what is before it, not what
     * follows. */
    const char *const names[] = {
        "connect_timeout", "options", "tcp_user_timeout", "fallback_application_name", "dbname",
        "client_encoding", NULL,
    };
    const char *const values[] = {
        "5",  "-c statement_timeout=5s -c lock_timeout=5s", "10000", "orders", conninfo, "UTF8",
        NULL,
    };
    PGconn *connection = PQconnectdbParams(names, values, 1);

    if (PQstatus(connection) != CONNECTION_OK) {
        say_connection(connection, failure);
        PQfinish(connection);
        return REPOSITORY_UNAVAILABLE;
    }
    *ret_connection = connection;
    return REPOSITORY_OK;
}

enum repository_result session_begin_work(PGconn *connection, struct failure *failure)
{
    if (PQtransactionStatus(connection) == PQTRANS_IDLE)
        return REPOSITORY_OK;
    PQreset(connection);
    if (PQstatus(connection) == CONNECTION_OK)
        return REPOSITORY_OK;
    say_connection(connection, failure);
    return REPOSITORY_UNAVAILABLE;
}

/* Judge an answer, and hand its rows over or free it. */
static enum repository_result accept(PGconn *connection, PGresult *answer, PGresult **ret_rows,
                                     struct failure *failure)
{
    enum repository_result result = REPOSITORY_OK;
    ExecStatusType status = PQresultStatus(answer);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        result = failed(connection, answer, failure);
    if (result == REPOSITORY_OK && ret_rows)
        *ret_rows = answer;
    else
        PQclear(answer);
    return result;
}

enum repository_result session_run(PGconn *connection, const char *sql,
                                   const char *const *values, int count, PGresult **ret_rows,
                                   struct failure *failure)
{
    PGresult *answer = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);

    return accept(connection, answer, ret_rows, failure);
}

enum repository_result session_run_script(PGconn *connection, const char *script,
                                          struct failure *failure)
{
    return accept(connection, PQexec(connection, script), NULL, failure);
}

enum repository_result session_begin(PGconn *connection, struct failure *failure)
{
    enum repository_result result = session_begin_work(connection, failure);

    if (result)
        return result;
    return session_run(connection, "BEGIN", NULL, 0, NULL, failure);
}

enum repository_result session_end(PGconn *connection, enum repository_result work,
                                   struct failure *failure)
{
    struct failure ignored;

    if (work == REPOSITORY_OK)
        return session_run(connection, "COMMIT", NULL, 0, NULL, failure);
    /* Should this fail as well, the next call makes the connection anew. */
    session_run(connection, "ROLLBACK", NULL, 0, NULL, &ignored);
    return work;
}
