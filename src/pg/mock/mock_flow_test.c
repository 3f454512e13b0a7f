/* pg/mock/mock_flow_test.c - what takes its time or comes from elsewhere: pipelines, COPY, cancels, notifications. */

#include "mock_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- non-blocking and pipelines */

/* As a program with an event loop: until there is a result. */
static PGresult *poll_result(seam_t *t, PGconn *conn)
{
    while (PQflush(conn) > 0 || PQisBusy(conn)) {
        struct pollfd fd = { .fd = PQsocket(conn), .events = POLLIN };

        if (poll(&fd, 1, 10000) != 1)
            seam_fatal(t, "no answer within 10 s");
        seam_require(t, PQconsumeInput(conn));
    }
    return PQgetResult(conn);
}

SEAM_TEST(a_client_that_does_not_block)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT 1", .columns = "n int4", .rows = { { SEAM_V(1) } },
                   .delay_ms = 5);
    seam_require_ok(t, PQsetnonblocking(conn, 1));
    seam_require(t, PQsendQuery(conn, "SELECT 1"));
    result = poll_result(t, conn);
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    PQclear(result);
    seam_check_null(t, poll_result(t, conn));
}

static void check_next(seam_t *t, PGconn *conn, ExecStatusType status, const char *sqlstate)
{
    PGresult *result = PQgetResult(conn);

    check_result(t, result, status, sqlstate);
    PQclear(result);
    if (status != PGRES_PIPELINE_SYNC)
        seam_check_null(t, PQgetResult(conn));
}

static void send_params(seam_t *t, PGconn *conn, const char *sql)
{
    seam_require(t, PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0));
}

SEAM_TEST(a_pipeline_skips_behind_an_error)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(db, .sql = "DELETE FROM b", .error = SEAM_PG_DEADLOCK(), .delay_ms = 5);
    seam_pg_expect(db, .sql = "DELETE FROM d", .tag = "DELETE 4");
    seam_require(t, PQenterPipelineMode(conn));
    send_params(t, conn, "DELETE FROM a");
    send_params(t, conn, "DELETE FROM b");
    send_params(t, conn, "DELETE FROM c");
    seam_require(t, PQpipelineSync(conn));
    send_params(t, conn, "DELETE FROM d");
    seam_require(t, PQpipelineSync(conn));
    check_next(t, conn, PGRES_COMMAND_OK, NULL);
    check_next(t, conn, PGRES_FATAL_ERROR, "40P01");
    check_next(t, conn, PGRES_PIPELINE_ABORTED, NULL);
    check_next(t, conn, PGRES_PIPELINE_SYNC, NULL);
    check_next(t, conn, PGRES_COMMAND_OK, NULL);
    check_next(t, conn, PGRES_PIPELINE_SYNC, NULL);
    seam_check(t, PQexitPipelineMode(conn));
}

/* ---- COPY */

SEAM_TEST(copy_to_the_client)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    char *line;

    seam_pg_expect(db, .sql = "COPY users TO STDOUT", .copy_out = "1\tada\n2\t\\N\n");
    check_exec(t, conn, "COPY users TO STDOUT", PGRES_COPY_OUT, NULL);
    seam_require_eq(t, PQgetCopyData(conn, &line, 0), 6);
    seam_check_eq(t, line, "1\tada\n");
    PQfreemem(line);
    seam_check_eq(t, PQgetCopyData(conn, &line, 0), 5);
    PQfreemem(line);
    seam_check_eq(t, PQgetCopyData(conn, &line, 0), -1);
    check_next(t, conn, PGRES_COMMAND_OK, NULL);
}

SEAM_TEST(copy_from_the_client)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "COPY users FROM STDIN", .copy_in = "1\tada\n2\tbob\n");
    seam_pg_expect(db, .sql = "COPY users FROM STDIN", .copy_in = "");
    for (int i = 0; i < 2; i++) {
        check_exec(t, conn, "COPY users FROM STDIN", PGRES_COPY_IN, NULL);
        seam_require_eq(t, PQputCopyData(conn, "1\tada\n2\t", 8), 1);
        seam_require_eq(t, PQputCopyData(conn, "bob\n", 4), 1);
        seam_require_eq(t, PQputCopyEnd(conn, i == 0 ? NULL : "no more"), 1);
        result = PQgetResult(conn);
        check_result(t, result, i == 0 ? PGRES_COMMAND_OK : PGRES_FATAL_ERROR,
                     i == 0 ? NULL : "57014");
        seam_check_eq(t, PQcmdStatus(result), i == 0 ? "COPY 2" : "");
        PQclear(result);
        seam_check_null(t, PQgetResult(conn));
    }
    seam_check_eq(t, seam_pg_mock_count(db), 2);
    seam_check_eq(t, seam_pg_mock_call(db, 0)->tag, "COPY 2");
}

/* psql's \\copy sends the line that ends its script's data, and the server takes it for the end. */
SEAM_TEST(copy_ends_where_the_data_says_so)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "COPY users FROM STDIN", .copy_in = "1\tada\n");
    check_exec(t, conn, "COPY users FROM STDIN", PGRES_COPY_IN, NULL);
    seam_require_eq(t, PQputCopyData(conn, "1\tada\n\\.\n2\t", 11), 1);
    seam_require_eq(t, PQputCopyEnd(conn, NULL), 1);
    result = PQgetResult(conn);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQcmdStatus(result), "COPY 1");
    PQclear(result);
}

/* ---- cancel */

SEAM_TEST(a_cancel_ends_a_statement_that_waits)
{
    char words[256];
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db), *other = connect_to(t, db);
    PGcancel *cancel = PQgetCancel(conn);

    seam_pg_expect(db, .sql = "SELECT pg_sleep(100)", .columns = "pg_sleep void",
                   .rows = { { SEAM_V("") } }, .delay_ms = 100000);
    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 0");
    seam_require(t, PQsendQuery(conn, "SELECT pg_sleep(100)"));
    seam_check(t, PQcancel(cancel, words, sizeof words));
    check_next(t, conn, PGRES_FATAL_ERROR, "57014");
    seam_check(t, PQcancel(cancel, words, sizeof words)); /* too late: nothing happens */
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    seam_check_ne(t, PQbackendPID(conn), PQbackendPID(other));
    PQfreeCancel(cancel);
}

SEAM_TEST(a_statement_timeout_ends_a_statement_that_waits)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1", .delay_ms = 2);
    seam_pg_expect(db, .sql = "DELETE FROM b", .tag = "DELETE 1", .delay_ms = 2000000);
    check_exec(t, conn, "SET statement_timeout = '1min'", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "BEGIN; SET LOCAL statement_timeout = 20", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "DELETE FROM b", PGRES_FATAL_ERROR, "57014");
    seam_check_eq(t, PQerrorMessage(conn),
                  "ERROR:  canceling statement due to statement timeout\n");
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_INERROR);
}

/* ---- notifications */

static void check_notified(seam_t *t, PGconn *conn, const char *channel, const char *payload)
{
    PGnotify *notify;

    seam_require(t, PQconsumeInput(conn));
    notify = PQnotifies(conn);
    if (!seam_check(t, notify != NULL))
        return;
    seam_check_eq(t, notify->relname, channel);
    seam_check_eq(t, notify->extra, payload);
    PQfreemem(notify);
}

SEAM_TEST(notifications_from_the_test_a_rule_and_a_session)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db), *other = connect_to(t, db);

    check_exec(t, conn, "LISTEN jobs", PGRES_COMMAND_OK, NULL);
    seam_pg_notify(db, "jobs", "1");
    check_notified(t, conn, "jobs", "1");
    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1", .notify = { "jobs", "2" });
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    check_notified(t, conn, "jobs", "2");
    check_exec(t, other, "NOTIFY jobs, '3'", PGRES_COMMAND_OK, NULL);
    check_notified(t, conn, "jobs", "3");
    seam_check_null(t, PQnotifies(other));
}

/* ---- many sessions */

SEAM_TEST(several_mocks_and_sessions)
{
    seam_pg_mock *first = seam_pg_mock_start(t), *second = seam_pg_mock_start(t);
    PGconn *one = connect_to(t, first), *two = connect_to(t, second);
    PGconn *three = connect_to(t, first);

    seam_pg_expect(first, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(first, .sql = "DELETE FROM b", .tag = "DELETE 1");
    seam_pg_expect(second, .sql = "DELETE FROM c", .tag = "DELETE 1");
    check_exec(t, two, "DELETE FROM c", PGRES_COMMAND_OK, NULL);
    check_exec(t, one, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    check_exec(t, three, "DELETE FROM b", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, seam_pg_mock_call(first, 1)->session, 2);
}

enum { THREADS = 4, STATEMENTS = 50 };

static void ask_often(seam_t *t, int index, void *arg)
{
    PGconn *conn = PQconnectdb(arg);

    (void)index;
    for (int i = 0; i < STATEMENTS; i++)
        check_exec(t, conn, "SELECT 1", PGRES_TUPLES_OK, NULL);
    PQfinish(conn);
}

SEAM_TEST(many_threads)
{
    seam_pg_mock *db = seam_pg_mock_start(t);

    seam_pg_expect(db, .sql = "SELECT 1", .columns = "n int4", .rows = { { SEAM_V(1) } },
                   .times = THREADS * STATEMENTS);
    seam_threads(t, THREADS, ask_often, (void *)seam_pg_mock_conninfo(db));
    seam_check_eq(t, seam_pg_mock_count(db), THREADS * STATEMENTS);
}

static bool takes_any(const char *text, size_t size, void *arg)
{
    (void)text;
    (void)size;
    (void)arg;
    return true;
}

static void ask_by_function(seam_t *t, int index, void *arg)
{
    const char *const values[] = { "x" };
    PGconn *conn = PQconnectdb(arg);

    (void)index;
    for (int i = 0; i < STATEMENTS; i++) {
        PGresult *result =
            PQexecParams(conn, "DELETE FROM a WHERE b = $1", 1, NULL, values, NULL, NULL, 0);

        check_result(t, result, PGRES_COMMAND_OK, NULL);
        PQclear(result);
    }
    PQfinish(conn);
}

SEAM_TEST(many_threads_and_a_function_of_the_rule)
{
    seam_pg_mock *db = seam_pg_mock_start(t);

    seam_pg_expect(db, .sql = "DELETE FROM a WHERE b = $1", .args = { SEAM_MATCHES(takes_any) },
                   .tag = "DELETE 1", .times = THREADS * STATEMENTS);
    seam_threads(t, THREADS, ask_by_function, (void *)seam_pg_mock_conninfo(db));
}

SEAM_TEST(a_forked_child_reaches_it_too)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = "postgres://db.prod:5432/app");
    int status;
    pid_t pid;

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    pid = fork();
    if (pid == 0) {
        PGconn *conn = PQconnectdb("host=db.prod dbname=app user=ada");
        PGresult *result = PQexec(conn, "DELETE FROM a");

        _exit(PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : 1);
    }
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    seam_check_eq(t, status, 0);
}
