/* pg/mock/mock_auth_test.c - how a session says who it is, TLS, and programs that tests spawn. */

#include "mock_test.h"

#include <seam/spawn.h>
#include <stdlib.h>
#include <string.h>

static void check_refused(seam_t *t, seam_pg_mock *db, const char *more, const char *words)
{
    PGconn *conn = try_to_connect(t, seam_format(t, "%s %s", seam_pg_mock_conninfo(db), more));

    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    seam_check_contains(t, PQerrorMessage(conn), words);
}

SEAM_TEST(a_password_by_scram)
{
    seam_pg_mock *db =
        seam_pg_mock_start(t, .auth = SEAM_PG_SCRAM, .user = "ada", .password = "s3cret pass");

    connect_to(t, db);
    check_refused(t, db, "password=wrong", "password authentication failed for user \"ada\"");
    check_refused(t, db, "user=bob", "password authentication failed for user \"bob\"");
}

SEAM_TEST(a_password_in_clear)
{
    seam_pg_mock *db =
        seam_pg_mock_start(t, .auth = SEAM_PG_CLEARTEXT, .user = "ada", .password = "x");

    connect_to(t, db);
    check_refused(t, db, "password=wrong", "password authentication failed for user \"ada\"");
}

SEAM_TEST(names_that_are_not_there)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .user = "ada", .database = "app");

    connect_to(t, db);
    check_refused(t, db, "user=bob", "role \"bob\" does not exist");
    check_refused(t, db, "dbname=other", "database \"other\" does not exist");
}

SEAM_TEST(tls_where_it_is_offered)
{
    seam_pg_mock *db =
        seam_pg_mock_start(t, .tls = true, .auth = SEAM_PG_SCRAM, .password = "x");
    PGconn *conn =
        try_to_connect(t, seam_format(t, "%s sslmode=require", seam_pg_mock_conninfo(db)));

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 0");
    seam_require_eq(t, PQstatus(conn), CONNECTION_OK);
    seam_check(t, PQsslInUse(conn));
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
}

SEAM_TEST(tls_where_it_is_not)
{
    seam_pg_mock *db = seam_pg_mock_start(t);

    check_refused(t, db, "sslmode=require",
                  "server does not support SSL, but SSL was required");
}

/* ---- programs */

SEAM_TEST(psql_runs_a_script)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = "postgres://db.prod:5433/app");
    seam_process *psql;

    seam_pg_expect(db, .sql = "SELECT id, name FROM users", .columns = "id int8, name text",
                   .rows = { { SEAM_V(1), SEAM_V("ada") } });
    seam_pg_expect(db, .sql = "COPY users TO STDOUT", .copy_out = "1\tada\n");
    psql = seam_spawn(t, .argv = { "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                                   "BEGIN", "-c", "SELECT id, name FROM users", "-c",
                                   "COPY users TO STDOUT", "-c", "COMMIT",
                                   "postgres://ada@db.prod:5433/app" });
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_eq(t, seam_process_output(psql), "BEGIN\n1|ada\n1\tada\nCOMMIT\n");
}
