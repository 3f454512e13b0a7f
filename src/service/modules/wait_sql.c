/* service/modules/wait_sql.c - whether a PostgreSQL answers a query; see service/wait.h. */

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "service/wait.h"

static void note(struct wait_condition *condition, const char *text)
{
    snprintf(condition->last, sizeof condition->last, "%.*s", (int)strcspn(text, "\n"), text);
}

/* What the test names beside host and port overrides what we would choose. */
bool wait_ask_sql(struct wait_condition *condition, const char *host, int port, int timeout_ms)
{
    struct buf words = BUF_INIT(4096);
    PGresult *result = NULL;
    PGconn *connection;
    bool ok = false;

    buf_printf(&words,
               "user=postgres dbname=postgres %s host=%s port=%d connect_timeout=2 "
               "options='-c statement_timeout=%d'",
               condition->words ? condition->words : "", host, port, timeout_ms);
    connection = PQconnectdb(buf_text(&words));
    if (PQstatus(connection) != CONNECTION_OK)
        note(condition, PQerrorMessage(connection));
    else {
        result = PQexec(connection, condition->text);
        ok = PQresultStatus(result) == PGRES_TUPLES_OK ||
             PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!ok)
            note(condition, PQerrorMessage(connection));
    }
    PQclear(result);
    PQfinish(connection);
    buf_fini(&words);
    return ok;
}
