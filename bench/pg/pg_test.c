/*
 * pg_test.c - how long Seam's PostgreSQL double takes; run by bench/parts/pg.sh.
 *
 * Each test appends a figure to a file in the folder that BENCH_FIGURES names.
 */
//seam:build bench
//seam:pkg-config libpq
//seam:sources ../figure.c
//seam:cflags -I..

#include <seam/pg_mock.h>
#include <seam/postgres.h>
#include <seam/verify.h>

#include <libpq-fe.h>
#include <stdio.h>

#include "figure.h"
#include "typical.h"

SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);

static PGconn *connect_to(seam_t *t, const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);

    seam_cleanup(t, finish, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "cannot connect: %s", PQerrorMessage(connection));
    return connection;
}

static void expect(seam_pg_mock *db, int number)
{
    seam_pg_expect(db, .sql = "SELECT id, name FROM users WHERE id = $1",
                   .args = { SEAM_V(number) }, .columns = "id int8, name text",
                   .rows = { { SEAM_V(7), SEAM_V("Gopher") } });
}

static void query(seam_t *t, PGconn *connection, const char *sql, int number)
{
    char text[16];
    const char *value = text;
    PGresult *rows;

    snprintf(text, sizeof text, "%d", number);
    rows = PQexecParams(connection, sql, 1, NULL, &value, NULL, NULL, 0);
    if (PQntuples(rows) != 1)
        seam_error(t, "%s", PQresultErrorMessage(rows));
    seam_require_str(t, PQgetvalue(rows, 0, 0), "7");
    seam_require_str(t, PQgetvalue(rows, 0, 1), "Gopher");
    PQclear(rows);
}

/* Declared, run, two columns read, so often in one test. */
static void expected(seam_t *t, const char *name, int count)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *connection = connect_to(t, seam_pg_mock_conninfo(db));
    double *us = seam_alloc(t, (size_t)count * sizeof *us);

    for (int i = -1; i < count; i++) { /* -1: what only the first one costs */
        double begin = now_us();

        expect(db, i);
        query(t, connection, "SELECT id, name FROM users WHERE id = $1", i);
        if (i >= 0)
            us[i] = now_us() - begin;
    }
    figure(t, name, typical(us, count));
}

SEAM_TEST(query_1000)
{
    expected(t, "query", count_of(1000));
}

SEAM_TEST(query_10000)
{
    expected(t, "query-10000", 10 * count_of(1000));
}

/* Of so many that are outstanding, in any order; each stays. */
static void unordered(seam_t *t, const char *name, int rules)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *connection = connect_to(t, seam_pg_mock_conninfo(db));
    int count = count_of(10000);
    const char **sql = seam_alloc(t, (size_t)rules * sizeof *sql);
    double *us = seam_alloc(t, (size_t)count * sizeof *us);

    seam_pg_unordered(db);
    for (int i = 0; i < rules; i++) {
        sql[i] = seam_format(t, "SELECT id, name FROM users_%d WHERE id = $1", i);
        seam_pg_expect(db, .sql = sql[i], .columns = "id int8, name text",
                       .rows = { { SEAM_V(7), SEAM_V("Gopher") } }, .any_times = true);
    }
    for (int i = 0; i < rules; i++) /* what only the first one costs */
        query(t, connection, sql[i], i);
    for (int i = 0; i < count; i++) {
        double begin = now_us();

        query(t, connection, sql[(long)i * 7919 % rules], i);
        us[i] = now_us() - begin;
    }
    figure(t, name, typical(us, count));
}

SEAM_TEST(unordered_1)
{
    unordered(t, "unordered-1", 1);
}

SEAM_TEST(unordered_1000)
{
    unordered(t, "unordered-1000", 1000);
}

SEAM_TEST(connect)
{
    enum { MOST = 500 };
    seam_pg_mock *db = seam_pg_mock_start(t);
    int count = count_of(MOST);
    double us[MOST];

    for (int i = 0; i < count; i++) {
        double begin = now_us();
        PGconn *connection = PQconnectdb(seam_pg_mock_conninfo(db));

        us[i] = now_us() - begin;
        seam_require_eq(t, PQstatus(connection), CONNECTION_OK);
        PQfinish(connection);
    }
    figure(t, "connect", median(us, count));
}

/* What -verify adds, beside the same work on the real server by libpq: a database, a session, statements. */
enum { STATEMENTS = 200 };
static const char insert[] = "INSERT INTO users (id, name) VALUES (7, 'Gopher') "
                             "ON CONFLICT (id) DO UPDATE SET name = 'Gopher'";

static void run(seam_t *t, PGconn *connection)
{
    PGresult *result = PQexec(connection, insert);

    seam_require_str(t, PQcmdStatus(result), "INSERT 0 1");
    PQclear(result);
    for (int i = 0; i < STATEMENTS; i++)
        query(t, connection, "SELECT id, name FROM users WHERE id = $1", 7);
}

/* Both find a server that runs, and a template. */
static void warm_up(seam_t *t)
{
    seam_postgres_start(t, .migrations = "migrations");
}

SEAM_TEST(verify)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .migrations = "migrations", .verify = true);
    seam_verify_counts counts;
    double begin;

    warm_up(t);
    seam_pg_expect(db, .sql = insert, .tag = "INSERT 0 1");
    for (int i = 0; i < STATEMENTS; i++)
        expect(db, 7);
    run(t, connect_to(t, seam_pg_mock_conninfo(db)));
    begin = now_us();
    counts = seam_pg_verify(db);
    figure(t, "verify", (now_us() - begin) / 1e3);
    seam_check_eq(t, counts.confirmed, STATEMENTS + 1);
}

SEAM_TEST(verify_by_hand)
{
    seam_postgres *pg;
    double begin;

    warm_up(t);
    begin = now_us();
    pg = seam_postgres_start(t, .migrations = "migrations");
    run(t, connect_to(t, seam_postgres_conninfo(pg)));
    figure(t, "verify.bare", (now_us() - begin) / 1e3);
}
