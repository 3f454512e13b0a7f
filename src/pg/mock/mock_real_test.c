/* pg/mock/mock_real_test.c - where mocks written by hand are too perfect: what a real server does, the double does. */

#include "mock_test.h"

/* ---- errors of constraints and types, with all their fields */

static const int field_codes[] = { PG_DIAG_SEVERITY,        PG_DIAG_SQLSTATE,
                                   PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL,
                                   PG_DIAG_MESSAGE_HINT,    PG_DIAG_STATEMENT_POSITION,
                                   PG_DIAG_CONTEXT,         PG_DIAG_SCHEMA_NAME,
                                   PG_DIAG_TABLE_NAME,      PG_DIAG_COLUMN_NAME,
                                   PG_DIAG_DATATYPE_NAME,   PG_DIAG_CONSTRAINT_NAME };

/* "S=ERROR, C=23505, ...": the fields that came. */
static const char *fields_of(seam_t *t, const PGresult *result)
{
    const char *text = "";

    for (size_t i = 0; i < sizeof field_codes / sizeof *field_codes; i++) {
        const char *value = PQresultErrorField(result, field_codes[i]);

        if (value)
            text = seam_format(t, "%s%s%c=%s", text, *text ? ", " : "", field_codes[i], value);
    }
    return text;
}

struct error_case {
    seam_pg_error error;
    const char *fields;
};

static const struct error_case error_cases[] = {
    { SEAM_PG_UNIQUE_VIOLATION(.table = "users", .constraint = "users_pkey",
                               .detail = "Key (id)=(1) already exists."),
      "S=ERROR, C=23505, M=duplicate key value violates unique constraint \"users_pkey\", "
      "D=Key (id)=(1) already exists., s=public, t=users, n=users_pkey" },
    { SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "orders", .constraint = "orders_user_id_fkey"),
      "S=ERROR, C=23503, M=insert or update on table \"orders\" violates foreign key "
      "constraint \"orders_user_id_fkey\", s=public, t=orders, n=orders_user_id_fkey" },
    { SEAM_PG_CHECK_VIOLATION(.schema = "shop", .table = "orders",
                              .constraint = "orders_cents_check"),
      "S=ERROR, C=23514, M=new row for relation \"orders\" violates check constraint "
      "\"orders_cents_check\", s=shop, t=orders, n=orders_cents_check" },
    { SEAM_PG_NOT_NULL_VIOLATION(.table = "users", .column = "email"),
      "S=ERROR, C=23502, M=null value in column \"email\" of relation \"users\" violates "
      "not-null constraint, s=public, t=users, c=email" },
    { SEAM_PG_SERIALIZATION_FAILURE(),
      "S=ERROR, C=40001, M=could not serialize access due to concurrent update" },
    { SEAM_PG_STATEMENT_TIMEOUT(),
      "S=ERROR, C=57014, M=canceling statement due to statement timeout" },
    { SEAM_PG_ERROR("22001", .message = "value too long for type character varying(5)"),
      "S=ERROR, C=22001, M=value too long for type character varying(5)" },
    { SEAM_PG_ERROR("22003", .message = "numeric field overflow", .detail = "d", .hint = "h",
                    .where = "w"),
      "S=ERROR, C=22003, M=numeric field overflow, D=d, H=h, W=w" },
    { SEAM_PG_CHECK_VIOLATION(.type = "cents", .constraint = "cents_check"),
      "S=ERROR, C=23514, M=value for domain cents violates check constraint \"cents_check\", "
      "s=public, d=cents, n=cents_check" },
    { SEAM_PG_ERROR("22P02", .message = "invalid input syntax for type integer: \"abc\"",
                    .position = 13),
      "S=ERROR, C=22P02, M=invalid input syntax for type integer: \"abc\", P=13" },
};

SEAM_TEST(errors_by_name_have_the_fields_of_the_server)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    for (size_t i = 0; i < sizeof error_cases / sizeof *error_cases; i++) {
        PGresult *result;

        seam_pg_expect(db, .sql = "CALL something()", .error = error_cases[i].error);
        result = PQexec(conn, "CALL something()");
        seam_check_eq(t, fields_of(t, result), error_cases[i].fields);
        PQclear(result);
    }
}

/* With several statements it counts from the beginning of what was sent, in characters. */
SEAM_TEST(positions_count_from_the_beginning_of_the_text)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGresult *result;

    seam_pg_expect(db, .sql = "DELETE FROM \"caf\xc3\xa9\"", .tag = "DELETE 0");
    seam_pg_expect(db, .sql = "SELECT nothing FROM users",
                   .error = SEAM_PG_ERROR("42703", .column = "nothing", .position = 8));
    result =
        PQexec(connect_to(t, db), "DELETE FROM \"caf\xc3\xa9\"; SELECT nothing FROM users");
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION), "28");
    PQclear(result);
}

/* ---- the state of transactions */

struct notices {
    seam_t *t;
    const char *text;
};

static void keep_notice(void *arg, const PGresult *notice)
{
    struct notices *notices = arg;

    notices->text = seam_format(notices->t, "%s%s %s;", notices->text,
                                PQresultErrorField(notice, PG_DIAG_SEVERITY),
                                PQresultErrorField(notice, PG_DIAG_SQLSTATE));
}

SEAM_TEST(transactions_in_a_wrong_place_are_warnings)
{
    struct notices notices = { t, "" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    PQsetNoticeReceiver(conn, keep_notice, &notices);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "ROLLBACK", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "ROLLBACK", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "COMMIT", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, notices.text, "WARNING 25001;WARNING 25P01;WARNING 25P01;");
    check_exec(t, conn, "SAVEPOINT a", PGRES_FATAL_ERROR, "25P01");
}

SEAM_TEST(a_savepoint_revives_a_failed_transaction)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .error = SEAM_PG_ERROR("42P01"));
    seam_pg_expect(db, .sql = "DELETE FROM b", .tag = "DELETE 1");
    check_exec(t, conn, "BEGIN; SAVEPOINT s", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "DELETE FROM a", PGRES_FATAL_ERROR, "42P01");
    check_exec(t, conn, "DELETE FROM b", PGRES_FATAL_ERROR, "25P02");
    check_exec(t, conn, "ROLLBACK TO s", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_INTRANS);
    check_exec(t, conn, "DELETE FROM b", PGRES_COMMAND_OK, NULL);
}

/* PQexec tells of the last one alone; those behind an error are not run, and nothing is left open. */
SEAM_TEST(several_statements_are_one_transaction)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(db, .sql = "DELETE FROM b",
                   .error = SEAM_PG_CHECK_VIOLATION(.table = "b", .constraint = "c"));
    seam_pg_expect(db, .sql = "DELETE FROM c", .never = true);
    check_exec(t, conn, "DELETE FROM a; DELETE FROM b; DELETE FROM c", PGRES_FATAL_ERROR,
               "23514");
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_IDLE);
    seam_check_eq(t, seam_pg_mock_count(db), 2);
}

SEAM_TEST(begin_among_several_statements_outlives_them)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    check_exec(t, conn, "DELETE FROM a; BEGIN", PGRES_COMMAND_OK, NULL);
    seam_check_eq(t, PQtransactionStatus(conn), PQTRANS_INTRANS);
}

/* ---- tags */

struct tag_case {
    const char *sql;
    const char *columns, *csv; /* NULL: none */
    const char *tag; /* of the rule; NULL: what the statement gives */
    ExecStatusType status;
    const char *want, *count;
};

static const struct tag_case tag_cases[] = {
    { "DELETE FROM a", NULL, NULL, "DELETE 0", PGRES_COMMAND_OK, "DELETE 0", "0" },
    { "SELECT 1 INTO b", NULL, NULL, "SELECT 1", PGRES_COMMAND_OK, "SELECT 1", "1" },
    { "CREATE TABLE b AS SELECT 1", NULL, NULL, "SELECT 1", PGRES_COMMAND_OK, "SELECT 1", "1" },
    { "UPDATE a SET n = 1 RETURNING n", "n int4", "1\n2\n3\n", NULL, PGRES_TUPLES_OK,
      "UPDATE 3", "3" },
    { "INSERT INTO a VALUES (1) RETURNING n", "n int4", "1\n", NULL, PGRES_TUPLES_OK,
      "INSERT 0 1", "1" },
    { "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x RETURNING n", "n int4", "1\n", NULL,
      PGRES_TUPLES_OK, "INSERT 0 1", "1" },
    { "TRUNCATE a", NULL, NULL, "TRUNCATE TABLE", PGRES_COMMAND_OK, "TRUNCATE TABLE", "" },
    { "EXPLAIN SELECT 1", "\"QUERY PLAN\" text", "Result\n", NULL, PGRES_TUPLES_OK, "EXPLAIN",
      "" },
    { "SHOW work_mem", "work_mem text", "4MB\n", NULL, PGRES_TUPLES_OK, "SHOW", "" },
    { "FETCH 2 FROM c", "n int4", "1\n2\n", NULL, PGRES_TUPLES_OK, "FETCH 2", "2" },
    { "TABLE a", "n int4", "1\n2\n", NULL, PGRES_TUPLES_OK, "SELECT 2", "2" },
    { "CALL p(1)", "n int4", "1\n", NULL, PGRES_TUPLES_OK, "CALL", "" },
};

static void check_tag(seam_t *t, seam_pg_mock *db, PGconn *conn, const struct tag_case *row)
{
    PGresult *result;

    seam_pg_expect(db, .sql = row->sql, .columns = row->columns, .csv = row->csv,
                   .tag = row->tag);
    result = PQexec(conn, row->sql);
    seam_check_eq(t, PQresStatus(PQresultStatus(result)), PQresStatus(row->status));
    seam_check_eq(t, PQcmdStatus(result), row->want);
    seam_check_eq(t, PQcmdTuples(result), row->count);
    seam_check_eq(t, PQoidValue(result), 0);
    PQclear(result);
}

SEAM_TEST(tags_are_those_of_the_statements)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    for (size_t i = 0; i < sizeof tag_cases / sizeof *tag_cases; i++)
        check_tag(t, db, conn, &tag_cases[i]);
}

/* ---- values and what is told of columns */

struct value_case {
    const char *type, *written, *sent;
    Oid oid;
    int modifier, size;
};

static const struct value_case value_cases[] = {
    { "bool", "true", "t", 16, -1, 1 },
    { "int4", "7", "7", 23, -1, 4 },
    { "numeric(10,2)", "1.5", "1.50", 1700, 655366, -1 },
    { "bytea", "\\xDEAD", "\\xdead", 17, -1, -1 },
    { "jsonb", "{\"b\":[1,2],  \"a\":1}", "{\"a\": 1, \"b\": [1, 2]}", 3802, -1, -1 },
    { "int4[]", "{1, 2}", "{1,2}", 1007, -1, -1 },
    { "text[]", "{a,b c,NULL}", "{a,\"b c\",NULL}", 1009, -1, -1 },
    { "float8", "1e20", "1e+20", 701, -1, 8 },
    { "text", "", "", 25, -1, -1 },
    { "varchar(5)", "abc", "abc", 1043, 9, -1 },
    { "char(3)", "a", "a  ", 1042, 7, -1 },
    { "uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      2950, -1, 16 },
    { "interval", "1 day 2 hours", "1 day 02:00:00", 1186, -1, 16 },
};

SEAM_TEST(values_are_written_as_the_server_writes_them)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        const struct value_case *row = &value_cases[i];
        PGresult *result;

        seam_pg_expect(db, .sql = "SELECT x", .columns = seam_format(t, "x %s", row->type),
                       .rows = { { SEAM_V(row->written) } });
        result = PQexec(conn, "SELECT x");
        seam_check_eq(t, PQgetvalue(result, 0, 0), row->sent);
        seam_check(t, !PQgetisnull(result, 0, 0));
        seam_check_eq(t, PQftype(result, 0), row->oid);
        seam_check_eq(t, PQfmod(result, 0), row->modifier);
        seam_check_eq(t, PQfsize(result, 0), row->size);
        PQclear(result);
    }
}

SEAM_TEST(null_is_no_empty_text)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT a, b FROM c", .columns = "a text, b text",
                   .json = "[{'a': '', 'b': null}]");
    result = PQexec(connect_to(t, db), "SELECT a, b FROM c");
    seam_check_eq(t, PQgetvalue(result, 0, 0), "");
    seam_check_eq(t, PQgetvalue(result, 0, 1), "");
    seam_check(t, !PQgetisnull(result, 0, 0));
    seam_check(t, PQgetisnull(result, 0, 1));
    PQclear(result);
}

SEAM_TEST(columns_tell_their_table)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGresult *result;

    seam_pg_expect(db, .sql = "SELECT u.id, o.cents, u.id + 1 FROM users u, orders o",
                   .columns = "id int8 of users.1, cents numeric(10,2) of orders.3, x int8",
                   .no_rows = true);
    result = PQexec(connect_to(t, db), "SELECT u.id, o.cents, u.id + 1 FROM users u, orders o");
    seam_check_ne(t, PQftable(result, 0), 0);
    seam_check_ne(t, PQftable(result, 0), PQftable(result, 1));
    seam_check_eq(t, PQftablecol(result, 0), 1);
    seam_check_eq(t, PQftablecol(result, 1), 3);
    seam_check_eq(t, PQftable(result, 2), 0);
    seam_check_eq(t, PQftablecol(result, 2), 0);
    PQclear(result);
}

/* ---- what comes when nobody planned it */

static void check_ends_with(seam_t *t, PGconn *conn, int rows, const char *sqlstate)
{
    PGresult *result;
    int count = 0;

    seam_require(t, PQsendQuery(conn, "SELECT n FROM a"));
    seam_require(t, PQsetSingleRowMode(conn));
    while ((result = PQgetResult(conn)) && PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
        count++;
        PQclear(result);
    }
    seam_check_eq(t, count, rows);
    check_result(t, result, PGRES_FATAL_ERROR, sqlstate);
    PQclear(result);
    while ((result = PQgetResult(conn)))
        PQclear(result);
}

static bool three_rows(size_t n, seam_value *cells, size_t columns, void *arg)
{
    (void)columns;
    (void)arg;
    cells[0] = SEAM_V(n);
    return n < 3;
}

SEAM_TEST(errors_come_behind_rows)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "SELECT n FROM a", .columns = "n int4", .rows = { { SEAM_V(1) } },
                   .error = SEAM_PG_DEADLOCK());
    seam_pg_expect(db, .sql = "SELECT n FROM a", .columns = "n int4", .row_fn = three_rows,
                   .error = SEAM_PG_STATEMENT_TIMEOUT());
    seam_pg_expect(db, .sql = "SELECT n FROM a", .columns = "n int4",
                   .rows = { { SEAM_V(1) }, { SEAM_V(2) } }, .error = SEAM_PG_ADMIN_SHUTDOWN());
    check_ends_with(t, conn, 1, "40P01");
    check_ends_with(t, conn, 3, "57014");
    check_ends_with(t, conn, 2, "57P01");
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
}

/* The commit of a serializable transaction may be what fails. */
SEAM_TEST(a_commit_fails)
{
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT, .error = SEAM_PG_SERIALIZATION_FAILURE());
    seam_pg_expect(db, .event = SEAM_PG_COMMIT, .fault = SEAM_PG_RESET);
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "DELETE FROM a", PGRES_COMMAND_OK, NULL);
    check_exec(t, conn, "COMMIT", PGRES_FATAL_ERROR, "40001");
    check_exec(t, conn, "BEGIN", PGRES_COMMAND_OK, NULL);
    PQclear(PQexec(conn, "COMMIT"));
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
}

/* What the server reports at Parse, PQprepare reports; all else comes when it is executed. */
SEAM_TEST(errors_come_where_the_server_finds_them)
{
    static const char *const early[] = { "42601", "42P01", "42703", "42883", "0A000" };
    static const char *const late[] = { "22012", "22P02", "23505", "40001", "57014" };
    seam_pg_mock *db = seam_pg_mock_start(t);
    PGconn *conn = connect_to(t, db);
    PGresult *result;

    for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
        seam_pg_expect(db, .sql = "SELECT x FROM y",
                       .error = { .sqlstate = early[i], .message = "m" });
        result = PQprepare(conn, "", "SELECT x FROM y", 0, NULL);
        check_result(t, result, PGRES_FATAL_ERROR, early[i]);
        PQclear(result);
    }
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        seam_pg_expect(db, .sql = "SELECT x FROM y",
                       .error = { .sqlstate = late[i], .message = "m", .constraint = "c" });
        result = PQprepare(conn, "", "SELECT x FROM y", 0, NULL);
        check_result(t, result, PGRES_COMMAND_OK, NULL);
        PQclear(result);
        result = PQexecPrepared(conn, "", 0, NULL, NULL, NULL, 0);
        check_result(t, result, PGRES_FATAL_ERROR, late[i]);
        PQclear(result);
    }
}
