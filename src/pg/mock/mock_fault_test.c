/* pg/mock/mock_fault_test.c - what goes wrong with a connection, at its beginning and in the middle of an answer. */

#include "mock_test.h"

#include <string.h>

static void expect_rows(seam_pg_mock *db, int fault, int after)
{
    seam_pg_expect(db, .sql = "SELECT name FROM users", .columns = "name text",
                   .rows = { { SEAM_V("ada") }, { SEAM_V("bob") } }, .fault = fault,
                   .fault_after = after);
}

static void check_lost(seam_t *t, PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT name FROM users");

    seam_check_str(t, PQresStatus(PQresultStatus(result)), "PGRES_FATAL_ERROR");
    seam_check_null(t, PQresultErrorField(result, PG_DIAG_SQLSTATE));
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    PQclear(result);
}

SEAM_TEST(the_connection_ends_in_a_row)
{
    seam_pg_mock *db = seam_pg_mock_start(t);

    expect_rows(db, SEAM_PG_CLOSED, 40);
    check_lost(t, connect_to(t, db));
}

SEAM_TEST(the_connection_is_reset)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    expect_rows(db, SEAM_PG_RESET, 0);
    check_lost(t, conn);
    PQreset(conn);
    seam_check_eq(t, PQstatus(conn), CONNECTION_OK);
}

/* Parse and Bind are answered; the fault is the execution's, which uses its rule up. */
SEAM_TEST(the_connection_ends_in_an_extended_query)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    expect_rows(db, SEAM_PG_CLOSED, 0);
    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    result = PQexecParams(conn, "SELECT name FROM users", 0, NULL, NULL, NULL, NULL, 0);
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    PQclear(result);
    PQreset(conn);
    seam_check_eq(t, PQstatus(conn), CONNECTION_OK);
}

SEAM_TEST(an_answer_comes_in_drops)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    expect_rows(db, SEAM_PG_DRIP, 10);
    expect_rows(db, SEAM_PG_DRIP, 0);
    check_exec(t, conn, "SELECT name FROM users", PGRES_TUPLES_OK, NULL);
    check_exec(t, conn, "SELECT name FROM users", PGRES_TUPLES_OK, NULL);
}

SEAM_TEST(an_answer_stalls)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    expect_rows(db, SEAM_PG_STALL, 20);
    seam_require(t, PQsendQuery(conn, "SELECT name FROM users"));
    seam_require(t, PQconsumeInput(conn));
    seam_check(t, PQisBusy(conn));
    seam_check_eq(t, PQstatus(conn), CONNECTION_OK);
}

SEAM_TEST(a_session_is_killed_between_two_statements)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    expect_rows(db, SEAM_PG_KILL, 0);
    check_exec(t, conn, "SELECT name FROM users", PGRES_TUPLES_OK, NULL);
    result = PQexec(conn, "SELECT name FROM users");
    seam_check_contains(t, PQerrorMessage(conn),
                        "terminating connection due to administrator command");
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    PQclear(result);
}

SEAM_TEST(the_test_kills_sessions)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *idle = connect_to(t, db), *waits = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1", .delay_ms = 100000);
    seam_require(t, PQsendQuery(waits, "DELETE FROM a"));
    seam_pg_kill(db);
    result = PQgetResult(waits);
    check_result(t, result, PGRES_FATAL_ERROR, "57P01");
    PQclear(result);
    seam_check(t, !PQconsumeInput(idle) || PQconsumeInput(idle) == 0);
}

SEAM_TEST(rows_with_a_field_too_many)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    expect_rows(db, SEAM_PG_WRONG_COUNT, 0);
    result = PQexec(conn, "SELECT name FROM users");
    seam_check_contains(t, PQerrorMessage(conn), "unexpected field count");
    PQclear(result);
    check_exec(t, conn, "SHOW server_version", PGRES_TUPLES_OK, NULL);
}

SEAM_TEST(a_fatal_error_ends_the_session)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .error = SEAM_PG_ADMIN_SHUTDOWN());
    PQclear(PQexec(conn, "DELETE FROM a"));
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
}

/* ---- the beginning of a session */

SEAM_TEST(connections_are_refused)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = "postgres://db.prod/app");
    PGconn *conn;

    seam_pg_expect(db, .event = SEAM_PG_CONNECT, .fault = SEAM_PG_REFUSE);
    conn = try_to_connect(t, "host=db.prod dbname=app user=ada");
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    seam_check_contains(t, PQerrorMessage(conn), "Connection refused");
    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    PQreset(conn);
    seam_check_eq(t, PQstatus(conn), CONNECTION_OK);
}

SEAM_TEST(nobody_answers_a_connection)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn;

    seam_pg_expect(db, .event = SEAM_PG_CONNECT, .fault = SEAM_PG_UNREACHABLE);
    conn = PQconnectStart(seam_pg_mock_conninfo(db));
    seam_check_ne(t, PQconnectPoll(conn), PGRES_POLLING_OK);
    seam_check_ne(t, PQstatus(conn), CONNECTION_OK);
    PQfinish(conn);
}

SEAM_TEST(connection_slots_are_exhausted)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn;

    seam_pg_expect(db, .event = SEAM_PG_CONNECT, .error = SEAM_PG_TOO_MANY_CONNECTIONS());
    conn = try_to_connect(t, seam_pg_mock_conninfo(db));
    seam_check_contains(t, PQerrorMessage(conn), "FATAL:  sorry, too many clients already");
}
