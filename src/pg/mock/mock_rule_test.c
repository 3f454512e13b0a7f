/* pg/mock/mock_rule_test.c - how often, in which order and by whom rules are met; what go-sqlmock's users asked for. */

#include "mock_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- how often */

SEAM_TEST(a_rule_answers_often)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "SELECT 1", .columns = "n int4", .rows = { { SEAM_V(1) } },
                   .times = 2);
    seam_pg_expect(db, .sql = "SELECT 2", .columns = "n int4", .rows = { { SEAM_V(2) } },
                   .any_times = true);
    seam_pg_expect(db, .sql = "SELECT 3", .tag = "SELECT 0", .optional = true);
    seam_pg_expect(db, .sql = "SELECT 4", .tag = "SELECT 0");
    for (int i = 0; i < 2; i++)
        check_exec(t, conn, "SELECT 1", PGRES_TUPLES_OK, NULL);
    for (int i = 0; i < 5; i++)
        check_exec(t, conn, "SELECT 2", PGRES_TUPLES_OK, NULL);
    check_exec(t, conn, "SELECT 4", PGRES_COMMAND_OK, NULL);
}

/* The rows are not used up: go-sqlmock#82. */
SEAM_TEST(rows_are_whole_each_time)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "SELECT n FROM a", .columns = "n int4", .csv = "1\n2\n",
                   .times = 3);
    for (int i = 0; i < 3; i++) {
        PGresult *result = PQexec(conn, "SELECT n FROM a");

        seam_check_eq(t, PQntuples(result), 2);
        PQclear(result);
    }
}

/* ---- order */

SEAM_TEST(a_group_is_met_in_any_order_by_several_sessions)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *one = connect_to(t, db), *two = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(db, .sql = "DELETE FROM b", .tag = "DELETE 1", .group = "b and c");
    seam_pg_expect(db, .sql = "DELETE FROM c", .tag = "DELETE 1", .group = "b and c");
    seam_pg_expect(db, .sql = "DELETE FROM d", .tag = "DELETE 1");
    check_exec(t, one, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    check_exec(t, two, "DELETE FROM c", PGRES_COMMAND_OK, NULL);
    check_exec(t, one, "DELETE FROM b", PGRES_COMMAND_OK, NULL);
    check_exec(t, two, "DELETE FROM d", PGRES_COMMAND_OK, NULL);
}

/* A pattern that was written first steals nothing: go-sqlmock#153. */
SEAM_TEST(the_most_specific_rule_answers)
{
    const char *const values[] = { "7" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_unordered(db);
    seam_pg_expect(db, .sql_regex = "^DELETE", .tag = "DELETE 1", .any_times = true);
    seam_pg_expect(db, .sql = "DELETE FROM a WHERE id = $1", .tag = "DELETE 2");
    seam_pg_expect(db, .sql = "DELETE FROM a WHERE id = $1", .args = { SEAM_V(7) },
                   .tag = "DELETE 3");
    for (int i = 3; i >= 1; i--) {
        result =
            PQexecParams(conn, "DELETE FROM a WHERE id = $1", 1, NULL, values, NULL, NULL, 0);
        seam_check_eq(t, PQcmdStatus(result), seam_format(t, "DELETE %d", i));
        PQclear(result);
    }
}

SEAM_TEST(what_does_not_matter_may_be_taken_whatever_it_is)
{
    const char *const values[] = { "7", NULL };
    seam_pg_mock *db = seam_pg_mock_start(t, .lenient = true);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "INSERT INTO a VALUES ($1, $2)", .args = { SEAM_ANY, SEAM_ANY },
                   .tag = "INSERT 0 1");
    seam_pg_expect(db, .sql_regex = "", .tag = "UPDATE 1", .times = 2);
    result =
        PQexecParams(conn, "INSERT INTO a VALUES ($1, $2)", 2, NULL, values, NULL, NULL, 0);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    check_exec(t, conn, "VACUUM a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "ANALYZE a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "SELECT 1", PGRES_FATAL_ERROR, "SM001");
}

/* ---- answers of a statement's own arguments */

struct asked {
    char name[20];
    seam_t *t;
};

static bool keep_name(const char *text, size_t size, void *arg)
{
    struct asked *asked = arg;

    snprintf(asked->name, sizeof asked->name, "%.*s", (int)size, text);
    return true;
}

static bool greet(size_t n, seam_value *cells, size_t columns, void *arg)
{
    const struct asked *asked = arg;

    (void)columns;
    cells[0] = SEAM_V(seam_format(asked->t, "hello %s", asked->name));
    return n < 1;
}

SEAM_TEST(an_answer_is_worked_out_of_the_arguments)
{
    const char *const values[] = { "ada" };
    struct asked asked = { "", t };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT greet($1)", .args = { SEAM_MATCHES(keep_name) },
                   .columns = "greet text", .row_fn = greet, .arg = &asked);
    result =
        PQexecParams(connect_to(t, db), "SELECT greet($1)", 1, NULL, values, NULL, NULL, 0);
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    seam_check_eq(t, PQgetvalue(result, 0, 0), "hello ada");
    PQclear(result);
}

/* ---- one mock for the rows of a table: go-sqlmock#132 */

struct shared {
    seam_pg_mock *db;
    PGconn *conn;
};

static void delete_one(seam_t *t, void *arg)
{
    struct shared *shared = arg;

    seam_pg_mock_reset(shared->db);
    seam_pg_expect(shared->db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    check_exec(t, shared->conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, seam_pg_mock_count(shared->db), 1);
}

SEAM_TEST(subtests_share_a_mock)
{
    struct shared shared = { .db = seam_pg_mock_start(t) };

    shared.conn = connect_to(t, shared.db);
    seam_run(t, "first", delete_one, &shared);
    seam_run(t, "second", delete_one, &shared);
}

/* ---- events with all that a rule may say */

SEAM_TEST(events_may_take_their_time)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn;

    seam_pg_expect(db, .event = SEAM_PG_CONNECT, .delay_ms = 3);
    seam_pg_expect(db, .event = SEAM_PG_BEGIN, .delay_ms = 3);
    seam_pg_expect(db, .event = SEAM_PG_PREPARE, .sql = "SELECT 1", .delay_ms = 3);
    seam_pg_expect(db, .event = SEAM_PG_PING, .delay_ms = 3);
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK, .delay_ms = 3);
    conn = connect_to(t, db);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    PQclear(PQprepare(conn, "p", "SELECT 1", 0, NULL));
    check_exec(t, conn, "", PGRES_EMPTY_QUERY, NULL);
    check_exec(t, conn, "ROLLBACK", PGRES_COMMAND_OK, NULL);
}

SEAM_TEST(events_may_fail)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN, .error = SEAM_PG_ERROR("53200"));
    seam_pg_expect(db, .event = SEAM_PG_PREPARE, .sql = "SELECT 1",
                   .error = SEAM_PG_ERROR("53200"));
    seam_pg_expect(db, .event = SEAM_PG_PREPARE);
    seam_pg_expect(db, .event = SEAM_PG_DEALLOCATE, .sql = "SELECT 1",
                   .error = SEAM_PG_ERROR("53200"));
    seam_pg_expect(db, .event = SEAM_PG_PING, .error = SEAM_PG_ERROR("53200"));
    check_exec(t, conn, "BEGIN", PGRES_FATAL_ERROR, "53200");
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_IDLE);
    for (int i = 0; i < 2; i++) {
        result = PQprepare(conn, "p", "SELECT 1", 0, NULL);
        check_result(t, result, i == 0 ? PGRES_FATAL_ERROR : PGRES_COMMAND_OK,
                     i == 0 ? "53200" : NULL);
        PQclear(result);
    }
    check_exec(t, conn, "DEALLOCATE p", PGRES_FATAL_ERROR, "53200");
    check_exec(t, conn, "", PGRES_FATAL_ERROR, "53200");
}

/* One for each session that says goodbye. */
SEAM_TEST(each_session_is_closed)
{
    seam_pg_mock *db = seam_pg_mock_start(t);

    seam_pg_expect(db, .event = SEAM_PG_CLOSE, .times = 2);
    for (int i = 0; i < 2; i++)
        PQfinish(PQconnectdb(seam_pg_mock_conninfo(db)));
}

/* go-sqlmock's list is not made for this. */
static void *ask_often(void *arg)
{
    PGconn *conn = PQconnectdb(arg);
    size_t answered = 0;

    for (int i = 0; i < 100; i++) {
        PGresult *result = PQexec(conn, "SELECT 1");

        answered += PQresultStatus(result) == PGRES_TUPLES_OK;
        PQclear(result);
    }
    PQfinish(conn);
    return (void *)answered;
}

SEAM_TEST(rules_are_added_while_another_thread_asks)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    pthread_t thread;
    void *answered;

    seam_pg_unordered(db);
    seam_pg_expect(db, .sql_regex = "^SELECT", .columns = "n int4", .rows = { { SEAM_V(1) } },
                   .any_times = true);
    seam_require_ok(
        t, pthread_create(&thread, NULL, ask_often, (void *)seam_pg_mock_conninfo(db)));
    for (int i = 0; i < 100; i++)
        seam_pg_expect(db, .sql = seam_format(t, "DELETE FROM a%d", i), .tag = "DELETE 1",
                       .optional = true);
    seam_require_ok(t, pthread_join(thread, &answered));
    seam_check_eq(t, (size_t)answered, 100);
}
