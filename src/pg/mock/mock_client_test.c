/* pg/mock/mock_client_test.c - a libpq client of PostgreSQL doubles; see mock_test.h. */

#include "mock_test.h"

static void finish(void *conn)
{
    PQfinish(conn);
}

PGconn *try_to_connect(seam_t *t, const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    seam_cleanup(t, finish, conn);
    return conn;
}

PGconn *connect_to(seam_t *t, const seam_pg_mock *db)
{
    PGconn *conn = try_to_connect(t, seam_pg_mock_conninfo(db));

    if (PQstatus(conn) != CONNECTION_OK)
        seam_fatal(t, "no connection: %s", PQerrorMessage(conn));
    return conn;
}

bool check_result(seam_t *t, const PGresult *result, ExecStatusType status,
                  const char *sqlstate)
{
    return seam_check_str(t, PQresStatus(PQresultStatus(result)), PQresStatus(status)) &&
           seam_check_str(t, PQresultErrorField(result, PG_DIAG_SQLSTATE), sqlstate);
}

void check_exec(seam_t *t, PGconn *conn, const char *sql, ExecStatusType status,
                const char *sqlstate)
{
    PGresult *result = PQexec(conn, sql);

    if (!check_result(t, result, status, sqlstate))
        seam_log(t, "%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}
