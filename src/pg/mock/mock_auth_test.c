/* pg/mock/mock_auth_test.c - how a session says who it is, and TLS. */

#include "mock_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* In the test program libpq wants a file that is there; what is in it does not matter. */
SEAM_TEST(tls_with_the_name_of_the_server)
{
    static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";
    seam_pg_mock *db =
        seam_pg_mock_start(t, .origin = "postgres://db.prod:5432/app", .tls = true);
    PGconn *conn;

    if (access(bundle, R_OK) != 0)
        seam_skip(t, "there is no %s", bundle);
    conn = try_to_connect(t, seam_format(t, "%s sslmode=verify-full sslrootcert=%s",
                                         seam_pg_mock_conninfo(db), bundle));
    seam_check_eq(t, PQstatus(conn), CONNECTION_OK);
    seam_check(t, PQsslInUse(conn));
}
