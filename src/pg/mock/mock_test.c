/* pg/mock/mock_test.c - PostgreSQL doubles asked by libpq: statements, rows, errors, transactions. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libpq

#include "mock_test.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows */

SEAM_TEST(rows_of_a_simple_query)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn;
    PGresult *result;

    seam_pg_expect(
        db, .sql = "SELECT id, email FROM users WHERE id = 1", .columns = "id int8, email text",
        .rows = { { SEAM_V(1), SEAM_V("ada@example.org") }, { SEAM_V(2), SEAM_SQL_NULL } });
    conn = connect_to(t, db);
    result = PQexec(conn, "select id,  email\nfrom users where id=1");
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    seam_require_eq(t, PQntuples(result), 2);
    seam_check_eq(t, PQfname(result, 1), "email");
    seam_check_eq(t, PQftype(result, 0), 20);
    seam_check_eq(t, PQgetvalue(result, 0, 1), "ada@example.org");
    seam_check(t, PQgetisnull(result, 1, 1));
    seam_check_eq(t, PQcmdStatus(result), "SELECT 2");
    PQclear(result);
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_IDLE);
}

SEAM_TEST(arguments_are_compared_as_values_of_their_types)
{
    const char *const values[] = { "1", "1.5", NULL, "t" };
    const Oid types[] = { 23, 1700, 25, 16 };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "INSERT INTO a VALUES ($1, $2, $3, $4)",
                   .args = { SEAM_V(1), SEAM_V("1.50"), SEAM_SQL_NULL, SEAM_V(true) },
                   .tag = "INSERT 0 1");
    result = PQexecParams(conn, "INSERT INTO a VALUES ($1, $2, $3, $4)", 4, types, values, NULL,
                          NULL, 0);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQcmdTuples(result), "1");
    PQclear(result);
}

SEAM_TEST(binary_parameters_and_results)
{
    const unsigned char seven[] = { 0, 0, 0, 7 };
    const char *const values[] = { (const char *)seven };
    const int lengths[] = { sizeof seven }, formats[] = { 1 };
    const Oid types[] = { 23 };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT $1 + 1", .args = { SEAM_V(7) }, .columns = "n int4",
                   .rows = { { SEAM_V(8) } });
    result = PQexecParams(conn, "SELECT $1 + 1", 1, types, values, lengths, formats, 1);
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    seam_check_eq(t, PQfformat(result, 0), 1);
    seam_check_mem(t, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0), "\0\0\0\10", 4);
    PQclear(result);
}

SEAM_TEST(prepared_statements_and_their_descriptions)
{
    const char *const values[] = { "ada" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT id FROM users WHERE name = $1", .args = { SEAM_V("ada") },
                   .columns = "id int8 not null of users.1", .rows = { { SEAM_V(1) } },
                   .times = 2);
    result = PQprepare(conn, "by_name", "SELECT id FROM users WHERE name = $1", 0, NULL);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    result = PQdescribePrepared(conn, "by_name");
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQnparams(result), 1);
    seam_check_eq(t, PQfname(result, 0), "id");
    seam_check_eq(t, PQftablecol(result, 0), 1);
    seam_check_ne(t, PQftable(result, 0), 0);
    PQclear(result);
    for (int i = 0; i < 2; i++) {
        result = PQexecPrepared(conn, "by_name", 1, values, NULL, NULL, 0);
        check_result(t, result, PGRES_TUPLES_OK, NULL);
        seam_check_eq(t, PQgetvalue(result, 0, 0), "1");
        PQclear(result);
    }
    check_exec(t, conn, "DEALLOCATE by_name", PGRES_COMMAND_OK, NULL);
}

/* Clients that ask for the types of parameters send values in their forms: what the rule has tells them. */
SEAM_TEST(descriptions_tell_what_the_rule_knows_of_parameters)
{
    static const Oid want[] = { 20, 701, 16, 17, 25, 25, 23 };
    const Oid said[] = { 0, 0, 0, 0, 0, 0, 23 };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "CALL p($1, $2, $3, $4, $5, $6, $7)",
                   .args = { SEAM_V(1), SEAM_V(1.5), SEAM_V((bool)true), SEAM_BYTES("x", 1),
                             SEAM_V("x"), SEAM_ANY, SEAM_V(1) },
                   .tag = "CALL", .optional = true);
    PQclear(PQprepare(conn, "p", "CALL p($1, $2, $3, $4, $5, $6, $7)", 7, said));
    result = PQdescribePrepared(conn, "p");
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    for (int i = 0; i < 7; i++)
        seam_check_eq(t, PQparamtype(result, i), want[i]);
    PQclear(result);
}

SEAM_TEST(rows_come_one_by_one)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;
    int rows = 0;

    seam_pg_expect(db, .sql = "SELECT n FROM numbers", .columns = "n int4", .csv = "1\n2\n3\n");
    seam_require(t, PQsendQuery(conn, "SELECT n FROM numbers"));
    seam_require(t, PQsetSingleRowMode(conn));
    while ((result = PQgetResult(conn))) {
        rows += PQresultStatus(result) == PGRES_SINGLE_TUPLE;
        PQclear(result);
    }
    seam_check_eq(t, rows, 3);
}

static bool squares(size_t n, seam_value *cells, size_t columns, void *arg)
{
    seam_t *t = arg;

    seam_check_eq(t, columns, 2);
    cells[0] = SEAM_V(n);
    cells[1] = SEAM_V(n * n);
    return n < 1000;
}

SEAM_TEST(rows_may_be_worked_out)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT n, s FROM squares", .columns = "n int4, s int8",
                   .row_fn = squares, .arg = t);
    result = PQexec(conn, "SELECT n, s FROM squares");
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    seam_require_eq(t, PQntuples(result), 1000);
    seam_check_eq(t, PQgetvalue(result, 999, 1), "998001");
    PQclear(result);
}

SEAM_TEST(several_statements_in_one_string)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "INSERT INTO a VALUES (1)", .tag = "INSERT 0 1");
    seam_pg_expect(db, .sql = "SELECT 2", .columns = "n int4", .rows = { { SEAM_V(2) } });
    seam_require(t, PQsendQuery(conn, "INSERT INTO a VALUES (1); SELECT 2;"));
    result = PQgetResult(conn);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    result = PQgetResult(conn);
    check_result(t, result, PGRES_TUPLES_OK, NULL);
    PQclear(result);
    seam_check_null(t, PQgetResult(conn));
}

/* ---- errors */

SEAM_TEST(errors_have_all_fields_of_the_server)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "INSERT INTO users VALUES (1)",
                   .error =
                       SEAM_PG_UNIQUE_VIOLATION(.table = "users", .constraint = "users_pkey",
                                                .detail = "Key (id)=(1) already exists."));
    result = PQexec(conn, "INSERT INTO users VALUES (1)");
    check_result(t, result, PGRES_FATAL_ERROR, "23505");
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                  "duplicate key value violates unique constraint \"users_pkey\"");
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_TABLE_NAME), "users");
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_SCHEMA_NAME), "public");
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
                  "Key (id)=(1) already exists.");
    PQclear(result);
}

/* The error ends the portal that held them. */
SEAM_TEST(arguments_of_a_refused_statement_are_told)
{
    const char *const values[] = { "8", "k-1", "4200" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql_regex = "^INSERT INTO orders",
                   .error =
                       SEAM_PG_UNIQUE_VIOLATION(.table = "orders",
                                                .constraint = "orders_idempotency_key_key"));
    PQclear(PQexecParams(conn, "INSERT INTO orders (id, key, cents) VALUES ($1, $2, $3)", 3,
                         NULL, values, NULL, NULL, 0));
    seam_require_eq(t, seam_pg_mock_count(db), 1);
    seam_check_eq(t, seam_pg_mock_call(db, 0)->args[1], "k-1");
}

SEAM_TEST(what_is_wrong_with_a_statement_comes_when_it_is_prepared)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT nothing FROM users",
                   .error =
                       SEAM_PG_ERROR("42703", .message = "column \"nothing\" does not exist"));
    result = PQprepare(conn, "p", "SELECT nothing FROM users", 0, NULL);
    check_result(t, result, PGRES_FATAL_ERROR, "42703");
    PQclear(result);
}

SEAM_TEST(what_fails_when_it_runs_is_prepared_before)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT 1 / 0", .error = SEAM_PG_ERROR("22012"));
    result = PQprepare(conn, "p", "SELECT 1 / 0", 0, NULL);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    result = PQexecPrepared(conn, "p", 0, NULL, NULL, NULL, 0);
    check_result(t, result, PGRES_FATAL_ERROR, "22012");
    PQclear(result);
}

/* The transaction ends with it, and what was bound in that is gone; the report still tells it. */
SEAM_TEST(an_error_ends_a_query_with_arguments)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    const char *const values[] = { "7", NULL };
    PGresult *result;

    seam_pg_expect(db, .sql = "INSERT INTO a VALUES ($1, $2)",
                   .error = SEAM_PG_UNIQUE_VIOLATION(.constraint = "a_key"));
    result =
        PQexecParams(conn, "INSERT INTO a VALUES ($1, $2)", 2, NULL, values, NULL, NULL, 0);
    check_result(t, result, PGRES_FATAL_ERROR, "23505");
    PQclear(result);
    seam_check_eq(t, seam_pg_mock_call(db, 0)->args[0], "7");
    check_exec(t, conn, "PREPARE q (int) AS DELETE FROM a WHERE b = $1", PGRES_COMMAND_OK,
               NULL);
    seam_pg_expect(db, .sql = "DELETE FROM a WHERE b = $1", .args = { SEAM_V(7) },
                   .tag = "DELETE 1");
    check_exec(t, conn, "EXECUTE q (7)", PGRES_COMMAND_OK, NULL);
}

SEAM_TEST(an_error_behind_rows)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "SELECT n FROM numbers", .columns = "n int4",
                   .rows = { { SEAM_V(1) } }, .error = SEAM_PG_SERIALIZATION_FAILURE());
    check_exec(t, conn, "SELECT n FROM numbers", PGRES_FATAL_ERROR, "40001");
    check_exec(t, conn, "SHOW server_version", PGRES_TUPLES_OK, NULL);
}

static void count_notice(void *arg, const PGresult *notice)
{
    int *count = arg;

    *count += strcmp(PQresultErrorField(notice, PG_DIAG_SQLSTATE), "00000") == 0;
}

SEAM_TEST(notices_come_before_the_answer)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    int count = 0;

    PQsetNoticeReceiver(conn, count_notice, &count);
    seam_pg_expect(db, .sql = "DROP TABLE IF EXISTS a", .tag = "DROP TABLE",
                   .notices = { { .sqlstate = "00000", .message = "it is not there" } });
    check_exec(t, conn, "DROP TABLE IF EXISTS a", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, count, 1);
}

/* ---- transactions */

SEAM_TEST(a_failed_transaction_is_dead)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    seam_pg_expect(db, .sql = "UPDATE a SET b = 1",
                   .error = SEAM_PG_NOT_NULL_VIOLATION(.table = "a", .column = "c"));
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_INTRANS);
    check_exec(t, conn, "UPDATE a SET b = 1", PGRES_FATAL_ERROR, "23502");
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_INERROR);
    check_exec(t, conn, "SELECT 1", PGRES_FATAL_ERROR, "25P02");
    result = PQexec(conn, "COMMIT");
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQcmdStatus(result), "ROLLBACK");
    PQclear(result);
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_IDLE);
}

SEAM_TEST(transactions_may_be_expected)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .event = SEAM_PG_BEGIN, .isolation = "serializable", .read_only = true);
    seam_pg_expect(db, .event = SEAM_PG_SAVEPOINT, .sql = "a");
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK_TO, .sql = "a");
    seam_pg_expect(db, .event = SEAM_PG_RELEASE);
    seam_pg_expect(db, .event = SEAM_PG_COMMIT, .error = SEAM_PG_SERIALIZATION_FAILURE());
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    check_exec(t, conn, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "SAVEPOINT a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "ROLLBACK TO a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "RELEASE a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "COMMIT", PGRES_FATAL_ERROR, "40001");
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_IDLE);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "ROLLBACK", PGRES_COMMAND_OK, NULL);
}

static void check_shown(seam_t *t, PGconn *conn, const char *sql, const char *value)
{
    PGresult *result = PQexec(conn, sql);

    check_result(t, result, PGRES_TUPLES_OK, NULL);
    seam_check_eq(t, PQgetvalue(result, 0, 0), value);
    PQclear(result);
}

SEAM_TEST(a_transaction_has_the_modes_of_its_session)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = try_to_connect(
        t, seam_format(t, "%s options='-c default_transaction_isolation=serializable'",
                       seam_pg_mock_conninfo(db)));

    seam_pg_expect(db, .event = SEAM_PG_BEGIN, .isolation = "serializable", .read_only = true);
    seam_pg_expect(db, .event = SEAM_PG_BEGIN, .isolation = "read committed");
    check_exec(t, conn, "SET default_transaction_read_only = on", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    check_shown(t, conn, "SHOW transaction_isolation", "serializable");
    check_shown(t, conn, "SHOW transaction_read_only", "on");
    check_exec(t, conn, "COMMIT", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", PGRES_COMMAND_OK,
               NULL);
    check_shown(t, conn, "SHOW transaction_isolation", "read committed");
}

SEAM_TEST(other_events_may_be_expected)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn;
    PGresult *result;

    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    seam_pg_expect(db, .event = SEAM_PG_PING);
    seam_pg_expect(db, .event = SEAM_PG_PREPARE, .sql = "SELECT 1");
    seam_pg_expect(db, .event = SEAM_PG_DEALLOCATE);
    seam_pg_expect(db, .event = SEAM_PG_CLOSE);
    conn = PQconnectdb(seam_pg_mock_conninfo(db));
    check_exec(t, conn, "", PGRES_EMPTY_QUERY, NULL);
    result = PQprepare(conn, "p", "SELECT 1", 0, NULL);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    check_exec(t, conn, "DEALLOCATE p", PGRES_COMMAND_OK, NULL);
    PQfinish(conn);
}

/* ---- rules */

static bool is_update(const char *sql, void *arg)
{
    ++*(int *)arg;
    return strncmp(sql, "UPDATE", 6) == 0;
}

SEAM_TEST(statements_by_pattern_and_function)
{
    const char *const values[] = { "17" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;
    int asked = 0;

    seam_pg_expect(db, .sql_regex = "^DELETE FROM .* WHERE id = \\$1",
                   .args = { SEAM_LIKE("^1") }, .tag = "DELETE 1");
    seam_pg_expect(db, .sql_fn = is_update, .arg = &asked, .tag = "UPDATE 3");
    result = PQexecParams(conn, "DELETE FROM a WHERE id = $1", 1, NULL, values, NULL, NULL, 0);
    check_result(t, result, PGRES_COMMAND_OK, NULL);
    PQclear(result);
    check_exec(t, conn, "UPDATE a SET b = 2", PGRES_COMMAND_OK, NULL);
    seam_check_lt(t, 0, asked);
}

SEAM_TEST(statements_in_any_order)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_unordered(db);
    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(db, .sql = "DELETE FROM b", .tag = "DELETE 2");
    check_exec(t, conn, "DELETE FROM b", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
}

SEAM_TEST(the_journal_has_all_statements)
{
    const char *const values[] = { "1", NULL };
    seam_pg_mock *db = seam_pg_mock_start(t, .lenient = true);
    PGconn *conn = connect_to(t, db);
    const seam_pg_call *call;

    seam_pg_expect(db, .sql = "INSERT INTO a VALUES ($1, $2)", .tag = "INSERT 0 1");
    PQclear(
        PQexecParams(conn, "INSERT INTO a VALUES ($1, $2)", 2, NULL, values, NULL, NULL, 0));
    check_exec(t, conn, "SELECT 1", PGRES_FATAL_ERROR, "SM001");
    seam_require_eq(t, seam_pg_mock_count(db), 2);
    call = seam_pg_mock_call(db, 0);
    seam_check_eq(t, call->sql, "INSERT INTO a VALUES ($1, $2)");
    seam_require_eq(t, call->arg_count, 2);
    seam_check_eq(t, call->args[0], "1");
    seam_check_null(t, call->args[1]);
    seam_check_eq(t, call->tag, "INSERT 0 1");
    seam_check_eq(t, call->session, 1);
    seam_check_lt(t, 0, call->rule.line);
    seam_check_eq(t, seam_pg_mock_call(db, 1)->sqlstate, "SM001");
    seam_check_null(t, seam_pg_mock_call(db, 1)->rule.file);
    seam_check_null(t, seam_pg_mock_call(db, 2));
    seam_pg_mock_reset(db);
    seam_check_eq(t, seam_pg_mock_count(db), 0);
}

SEAM_TEST(the_journal_has_what_sql_prepares)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    const seam_pg_call *call;

    seam_pg_expect(db, .sql = "SELECT $1 + 1", .args = { SEAM_V(3) }, .columns = "n int4",
                   .rows = { { SEAM_V(4) } });
    check_exec(t, conn, "PREPARE p (int) AS SELECT $1 + 1", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "EXECUTE p(3)", PGRES_TUPLES_OK, NULL);
    check_exec(t, conn, "DEALLOCATE ALL", PGRES_COMMAND_OK, NULL);
    seam_require_eq(t, seam_pg_mock_count(db), 4);
    seam_check_eq(t, seam_pg_mock_call(db, 0)->tag, "PREPARE");
    seam_check_eq(t, seam_pg_mock_call(db, 1)->sql, "EXECUTE p(3)");
    seam_check_eq(t, seam_pg_mock_call(db, 1)->tag, "SELECT 1");
    call = seam_pg_mock_call(db, 2);
    seam_check_eq(t, call->sql, "SELECT $1 + 1");
    seam_check_eq(t, call->args[0], "3");
    seam_check_eq(t, call->tag, "SELECT 1");
    seam_check_eq(t, seam_pg_mock_call(db, 3)->tag, "DEALLOCATE ALL");
}

SEAM_TEST(a_reset_forgets_the_rules)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "SELECT 1", .tag = "SELECT 1");
    seam_pg_mock_reset(db);
    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 0");
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
}
