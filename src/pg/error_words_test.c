/* pg/error_words_test.c - errors have the words and fields of a real server. */
//seam:pkg-config libpq
//seam:sources ../lease/lease.c ../lease/postgres.c

#include <libpq-fe.h>
#include <seam/postgres.h>

#include "pg/rule_test.h"

SEAM_FILE(.tags = "integration");
SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);
SEAM_CLEANUP_FN(clear, PQclear, PGresult *);

struct row {
    const char *sql;
    const char *argument; /* $1; NULL: it has none */
    seam_pg_error error;
    const char *before; /* what the session says first */
};

static const struct row rows[] = {
    { "INSERT INTO orders VALUES (1, 1, 1, 'x')", NULL,
      SEAM_PG_UNIQUE_VIOLATION(.constraint = "orders_pkey",
                               .detail = "Key (id)=(1) already exists."),
      NULL },
    { "INSERT INTO orders VALUES (1, 1, 1, 'x')", NULL,
      SEAM_PG_UNIQUE_VIOLATION(.table = "orders", .constraint = "orders_pkey",
                               .detail = "Key (id)=(1) already exists."),
      NULL },
    { "insert into Shop.items values (1)", NULL,
      SEAM_PG_UNIQUE_VIOLATION(.constraint = "items_id",
                               .detail = "Key (id)=(1) already exists."),
      NULL },
    { "INSERT INTO orders VALUES (2, 7, 1, 'x')", NULL,
      SEAM_PG_FOREIGN_KEY_VIOLATION(
              .table = "orders", .constraint = "orders_customer",
              .detail = "Key (customer)=(7) is not present in table \"customers\"."),
      NULL },
    { "DELETE FROM customers", NULL,
      SEAM_PG_FOREIGN_KEY_VIOLATION(
              .table = "orders", .constraint = "orders_customer",
              .detail = "Key (id)=(1) is still referenced from table \"orders\"."),
      NULL },
    { "UPDATE customers SET id = 5", NULL,
      SEAM_PG_FOREIGN_KEY_VIOLATION(
              .table = "orders", .constraint = "orders_customer",
              .detail = "Key (id)=(1) is still referenced from table \"orders\"."),
      NULL },
    { "DELETE FROM tree WHERE id = 1", NULL,
      SEAM_PG_FOREIGN_KEY_VIOLATION(
              .table = "tree", .constraint = "tree_up",
              .detail = "Key (id)=(1) is still referenced from table \"tree\"."),
      NULL },
    { "UPDATE tree SET up = 9 WHERE id = 1", NULL,
      SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "tree", .constraint = "tree_up",
                                    .detail = "Key (up)=(9) is not present in table \"tree\"."),
      NULL },
    { "INSERT INTO orders VALUES (2, 1, 0, 'x')", NULL,
      SEAM_PG_CHECK_VIOLATION(.table = "orders", .constraint = "orders_cents",
                              .detail = "Failing row contains (2, 1, 0, x, null, null)."),
      NULL },
    { "INSERT INTO orders (id) VALUES (2)", NULL,
      SEAM_PG_NOT_NULL_VIOLATION(.table = "orders", .column = "name",
                                 .detail =
                                     "Failing row contains (2, null, null, null, null, null)."),
      NULL },
    { "SELECT 0::positive", NULL,
      SEAM_PG_CHECK_VIOLATION(.type = "positive", .constraint = "positive_is"), NULL },
    { "SELECT NULL::given", NULL, SEAM_PG_NOT_NULL_VIOLATION(.type = "given"), NULL },
    { "INSERT INTO orders VALUES (3, 1, 1, 'x', '[2,3)')", NULL,
      SEAM_PG_EXCLUSION_VIOLATION(.constraint = "orders_during",
                                  .detail = "Key (during)=([2,3)) conflicts with existing key "
                                            "(during)=([1,5))."),
      NULL },
    { "SELECT pg_sleep(9)", NULL, SEAM_PG_STATEMENT_TIMEOUT(), "SET statement_timeout = 1" },
    { "SELECT pg_terminate_backend(pg_backend_pid())", NULL, SEAM_PG_ADMIN_SHUTDOWN(), NULL },
    { "SELECT 1", NULL, SEAM_PG_ERROR("25P02"), "BEGIN; SELECT 1/0" },
    { "SELECT * FROM nothing", NULL, SEAM_PG_ERROR("42P01", .table = "nothing"), NULL },
    { "SELECT * FROM customers, public.nothing", NULL,
      SEAM_PG_ERROR("42P01", .table = "public.nothing"), NULL },
    { "INSERT INTO nothing VALUES (1)", NULL, SEAM_PG_ERROR("42P01", .table = "nothing"),
      NULL },
    { "SELECT 'käse', nothing.* FROM customers JOIN nothing USING (id)", NULL,
      SEAM_PG_ERROR("42P01", .table = "nothing"), NULL },
    { "ALTER TABLE nothing ADD x int", NULL, SEAM_PG_ERROR("42P01", .table = "nothing"), NULL },
    { "SELECT zzz FROM orders", NULL, SEAM_PG_ERROR("42703", .column = "zzz"), NULL },
    { "SELECT o.zzz FROM orders o", NULL, SEAM_PG_ERROR("42703", .column = "zzz"), NULL },
    { "INSERT INTO orders (id, zzz) VALUES (1, 2)", NULL,
      SEAM_PG_ERROR("42703", .column = "zzz"), NULL },
    { "UPDATE orders SET id = 1, zzz = 2 WHERE id = 7", NULL,
      SEAM_PG_ERROR("42703", .column = "zzz"), NULL },
    { "UPDATE orders SET id = 1 WHERE zzz = 7", NULL, SEAM_PG_ERROR("42703", .column = "zzz"),
      NULL },
    { "SELECT id FROM orders, customers", NULL, SEAM_PG_ERROR("42702", .column = "id"), NULL },
    { "SELECT 1 + zzz(1)", NULL,
      SEAM_PG_ERROR("42883", .message = "function zzz(integer) does not exist"), NULL },
    { "SELECT '1'::zzz", NULL, SEAM_PG_ERROR("42704", .type = "zzz"), NULL },
    { "SELECT *\n  FORM orders", NULL,
      SEAM_PG_ERROR("42601", .message = "syntax error at or near \"FORM\""), NULL },
    { "SELECT (1", NULL, SEAM_PG_ERROR("42601", .message = "syntax error at end of input"),
      NULL },
    { "CREATE TABLE orders (id int)", NULL, SEAM_PG_ERROR("42P07", .table = "orders"), NULL },
    { "ALTER TABLE orders ADD id int", NULL,
      SEAM_PG_ERROR("42701", .table = "orders", .column = "id"), NULL },
    { "SELECT 1/0", NULL, SEAM_PG_ERROR("22012"), NULL },
    { "SELECT id FROM orders WHERE id = 'abc'", NULL, SEAM_PG_ERROR("22P02", .type = "integer"),
      NULL },
    { "SELECT id FROM orders WHERE id = $1", "abc", SEAM_PG_ERROR("22P02", .type = "int4"),
      NULL },
    { "SELECT 'maybe'::bool", NULL, SEAM_PG_ERROR("22P02", .type = "bool"), NULL },
    { "SELECT 99999999999::int", NULL, SEAM_PG_ERROR("22003", .type = "integer"), NULL },
    { "SELECT '99999999999'::int", NULL, SEAM_PG_ERROR("22003", .type = "int4"), NULL },
    { "SELECT 'x'::date", NULL, SEAM_PG_ERROR("22007", .type = "date"), NULL },
    { "INSERT INTO orders (id, name) VALUES (9, 'toolong')", NULL,
      SEAM_PG_ERROR("22001", .type = "character varying(5)"), NULL },
    { "INSERT INTO orders (id, name) VALUES (9, 'toolong')", NULL,
      SEAM_PG_ERROR("22001", .type = "varchar(5)"), NULL },
    { "INSERT INTO orders (id, name, price) VALUES (9, 'x', 12345)", NULL,
      SEAM_PG_ERROR("22003", .type = "numeric(4,2)"), NULL },
    { "SELECT (SELECT id FROM tree)", NULL, SEAM_PG_ERROR("21000"), NULL },
    { "SELECT * FROM orders", NULL, SEAM_PG_ERROR("42501", .table = "orders"),
      "SET ROLE pg_monitor" },
    { "LOCK TABLE orders", NULL, SEAM_PG_ERROR("55P03"), "SET lock_timeout = 1; BEGIN" },
};

static PGconn *connect_to(seam_t *t, seam_postgres *pg)
{
    PGconn *connection = PQconnectdb(seam_postgres_conninfo(pg));

    seam_cleanup(t, finish, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "%s", PQerrorMessage(connection));
    return connection;
}

/* The first result, which has the SQLSTATE also of what ends the session. */
static PGresult *ask(seam_t *t, PGconn *connection, const struct row *row)
{
    PGresult *result;

    if (row->before)
        PQclear(PQexec(connection, row->before));
    PQsendQueryParams(connection, row->sql, row->argument ? 1 : 0, NULL, &row->argument, NULL,
                      NULL, 0);
    result = PQgetResult(connection);
    seam_cleanup(t, clear, result);
    return result;
}

static void check_field(seam_t *t, const char *name, const char *ours, const PGresult *real,
                        int field)
{
    const char *theirs = PQresultErrorField(real, field);

    seam_scope(t, "%s", name);
    seam_check_str(t, ours ? ours : "(none)", theirs ? theirs : "(none)");
}

static void check_error(seam_t *t, const struct pg_error *ours, const PGresult *real)
{
    const char *position = ours->position ? seam_format(t, "%d", ours->position) : NULL;

    check_field(t, "severity", ours->severity, real, PG_DIAG_SEVERITY_NONLOCALIZED);
    check_field(t, "sqlstate", ours->sqlstate, real, PG_DIAG_SQLSTATE);
    check_field(t, "message", ours->message, real, PG_DIAG_MESSAGE_PRIMARY);
    check_field(t, "detail", ours->detail, real, PG_DIAG_MESSAGE_DETAIL);
    check_field(t, "hint", ours->hint, real, PG_DIAG_MESSAGE_HINT);
    check_field(t, "position", position, real, PG_DIAG_STATEMENT_POSITION);
    check_field(t, "where", ours->where, real, PG_DIAG_CONTEXT);
    check_field(t, "schema", ours->schema, real, PG_DIAG_SCHEMA_NAME);
    check_field(t, "table", ours->table, real, PG_DIAG_TABLE_NAME);
    check_field(t, "column", ours->column, real, PG_DIAG_COLUMN_NAME);
    check_field(t, "type", ours->type, real, PG_DIAG_DATATYPE_NAME);
    check_field(t, "constraint", ours->constraint, real, PG_DIAG_CONSTRAINT_NAME);
}

static const struct pg_error *make(seam_t *t, const struct row *row)
{
    struct pg_rule_set *set = rule_test_set(t);
    struct pg_call *call = CALL(t, row->sql);
    seam_pg_rule rule = { .sql = row->sql, .error = row->error };
    const struct pg_rule *made;

    if (row->argument)
        rule.args[0] = SEAM_V(row->argument);
    rule_test_add(t, set, &rule);
    made = pg_rule_peek(set, call);
    return pg_rule_error(made);
}

static void check_row(seam_t *t, void *arg)
{
    const struct row *row = arg;
    seam_postgres *pg = seam_postgres_start(t, .migrations = "testdata/errors");
    PGconn *connection = connect_to(t, pg);

    if (strstr(row->sql, "LOCK")) { /* somebody else has it */
        PGconn *other = connect_to(t, pg);

        PQclear(PQexec(other, "BEGIN; LOCK TABLE orders"));
    }
    check_error(t, make(t, row), ask(t, connection, row));
}

SEAM_TEST(pg_error_has_the_words_of_the_server)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, seam_format(t, "%zu_%s", i, rows[i].error.sqlstate), check_row,
                 (void *)(uintptr_t)&rows[i]);
}

/* Two that change what the other has read. */
SEAM_TEST(pg_error_of_a_lost_race_has_the_words_of_the_server)
{
    static const struct row row = { "UPDATE tree SET up = 2 WHERE id = 1", NULL,
                                    SEAM_PG_SERIALIZATION_FAILURE(), NULL };
    seam_postgres *pg = seam_postgres_start(t, .migrations = "testdata/errors");
    PGconn *connection = connect_to(t, pg);

    PQclear(PQexec(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM tree"));
    seam_postgres_exec(pg, "UPDATE tree SET up = 2 WHERE id = 1");
    check_error(t, make(t, &row), ask(t, connection, &row));
}

/* The numbers of processes and tuples are the test's to give. */
SEAM_TEST(pg_error_of_a_deadlock_has_the_words_of_the_server)
{
    seam_postgres *pg = seam_postgres_start(t, .migrations = "testdata/errors");
    PGconn *one = connect_to(t, pg), *two = connect_to(t, pg);
    struct row row = { "UPDATE tree SET up = 2 WHERE id = 2", NULL, SEAM_PG_DEADLOCK(), NULL };
    PGresult *real;

    PQclear(
        PQexec(one, "BEGIN; SET deadlock_timeout = 1; UPDATE tree SET up = 2 WHERE id = 1"));
    PQclear(
        PQexec(two, "BEGIN; SET deadlock_timeout = '1h'; UPDATE tree SET up = 1 WHERE id = 2"));
    PQsendQuery(two, "UPDATE tree SET up = 1 WHERE id = 1");
    while (strcmp(seam_postgres_value(pg,
                                      "SELECT count(*) FROM pg_locks WHERE NOT granted AND "
                                      "pid = %d",
                                      PQbackendPID(two)),
                  "0") == 0)
        ;
    real = ask(t, one, &row);
    row.error.detail = PQresultErrorField(real, PG_DIAG_MESSAGE_DETAIL);
    row.error.where = PQresultErrorField(real, PG_DIAG_CONTEXT);
    check_error(t, make(t, &row), real);
}

/* What nobody knows more of has the condition's name. */
SEAM_TEST(pg_error_of_any_other_sqlstate_has_its_name)
{
    struct pg_rule_set *set = rule_test_set(t);
    const struct pg_error *error;

    ADD(t, set, .sql = "select 1", .error = SEAM_PG_ERROR("0A000", .table = "a"));
    ADD(t, set, .sql = "select 2", .error = SEAM_PG_ERROR("ZZ123", .hint = "h"));
    error = pg_rule_error(pg_rule_peek(set, CALL(t, "select 1")));
    seam_check_eq(t, error->message, "feature_not_supported");
    seam_check_eq(t, error->table, "a");
    seam_check_eq(t, error->severity, "ERROR");
    error = pg_rule_error(pg_rule_peek(set, CALL(t, "select 2")));
    seam_check_eq(t, error->message, "error ZZ123");
    seam_check_eq(t, error->hint, "h");
}

SEAM_TEST(pg_notice_is_what_the_test_says)
{
    struct pg_rule_set *set = rule_test_set(t);
    const struct pg_error *notices;
    size_t count;

    ADD(t, set, .sql = "select 1", .tag = "SELECT 1",
        .notices = { { .message = "a" }, { .message = "b", .severity = "WARNING" } });
    notices = pg_rule_notices(pg_rule_peek(set, CALL(t, "select 1")), &count);
    seam_require_eq(t, count, 2);
    seam_check_eq(t, notices[0].severity, "NOTICE");
    seam_check_eq(t, notices[0].sqlstate, "00000");
    seam_check_eq(t, notices[1].sqlstate, "01000");
    seam_check_eq(t, notices[1].message, "b");
}
