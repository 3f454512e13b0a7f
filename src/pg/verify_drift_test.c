/* pg/verify_drift_test.c - each kind of claim that drifts from the real server, and what is said of it. */

#include <string.h>

#include "pg/verify_test.h"
#include "test/trial_test.h"

#define SHOP "testdata/verify/shop"
#define SEED "testdata/verify/seed.sql"

SEAM_FILE(.tags = "integration");

/* As trial_says; the server's version is the machine's. */
static void drift_says(seam_t *t, void (*fn)(seam_t *t), const char *want)
{
    char *got = seam_format(t, "%s", trial_run(t, fn, NULL)), *at = got;

    while ((at = strstr(at, "PostgreSQL 15."))) {
        at += strlen("PostgreSQL 15");
        memmove(at, at + 1 + strspn(at + 1, "0123456789"),
                strlen(at + 1 + strspn(at + 1, "0123456789")) + 1);
    }
    seam_check_str(t, got, want);
}

static struct script *begin(seam_t *t)
{
    struct script *script = script_new(t, SHOP, SEED);

    script_start(script, 1);
    return script;
}

/* ---- statements */

static void claims_a_syntax_error(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELCT 1", .columns = "a int4", .rows = { { SEAM_V(1) } });
    script_verify(script);
}

static void claims_an_unknown_table(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "SELECT id FROM user WHERE id = $1", ARGS("1"), .columns = "id int8",
           .no_rows = true);
    script_verify(script);
}

static void prepares_an_unknown_column(seam_t *t)
{
    struct script *script = begin(t);

    script_prepare(script, 1, "get", "SELECT mail FROM users");
    PREPARED(script, 1, 5, "get", "SELECT mail FROM users", ARGS(""), .columns = "mail text",
             .no_rows = true);
    script_verify(script);
}

static void injects_into_what_does_not_parse(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "INSERT INTO user (email) VALUES ($1)", ARGS("x"),
           .error = SEAM_PG_DEADLOCK(.message = "cannot"));
    script_verify(script);
}

SEAM_TEST(drift_statements_that_do_not_parse)
{
    drift_says(t, injects_into_what_does_not_parse,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO user (email) VALUES ($1)\n"
               "arguments  'x'\n"
               "claim      ERROR 40P01 cannot\n"
               "           See server log for query details.\n"
               "truth      ERROR 42601 syntax error at or near \"user\"\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_a_syntax_error,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELCT 1\n"
               "claim      SELCT 1\n"
               "truth      ERROR 42601 syntax error at or near \"SELCT\"\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_an_unknown_table,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT id FROM user WHERE id = $1\n"
               "arguments  1\n"
               "claim      SELECT 0\n"
               "truth      ERROR 42703 column \"id\" does not exist\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, prepares_an_unknown_column,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT mail FROM users\n"
               "claim      it parses\n"
               "truth      ERROR 42703 column \"mail\" does not exist\n"
               "           Perhaps you meant to reference the column \"users.email\".\n"
               "log t: the double claims what PostgreSQL 15 does not do; perhaps as a result "
               "of what is said of orders_test.c:5\n"
               "statement  SELECT mail FROM users\n"
               "claim      SELECT 0\n"
               "truth      ERROR 26000 prepared statement \"get\" does not exist\n"
               "tally t 1: 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
}

/* ---- types */

static void claims_a_wrong_parameter(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "SELECT email FROM users WHERE id = $1", ARGS("ada"),
           .columns = "email text", .no_rows = true);
    script_verify(script);
}

static void claims_a_wrong_type(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT id, email FROM users", .columns = "id int4, email text",
          .no_rows = true);
    script_verify(script);
}

static void claims_a_wrong_name(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "SELECT id, \"Born\" FROM users", ARGS(""),
           .columns = "id int8, born timestamptz", .no_rows = true);
    script_verify(script);
}

static void forgets_a_column(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT id, email FROM users", .columns = "id int8", .no_rows = true);
    script_verify(script);
}

static void forgets_returning(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('a')", .columns = "id int8",
          .rows = { { SEAM_V(1) } });
    script_verify(script);
}

static void claims_that_it_is_not_null(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT nickname FROM users", .columns = "nickname varchar(8) not null",
          .no_rows = true);
    script_verify(script);
}

static void claims_a_null(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT email FROM users", .columns = "email text",
          .rows = { { SEAM_SQL_NULL } });
    script_verify(script);
}

SEAM_TEST(drift_types)
{
    drift_says(t, claims_a_wrong_parameter,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT email FROM users WHERE id = $1\n"
               "arguments  'ada'\n"
               "claim      SELECT 0\n"
               "truth      ERROR 22P02 invalid input syntax for type bigint: \"ada\"\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_a_wrong_type,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT id, email FROM users\n"
               "claim      id int4, email text\n"
               "truth      id int8, email text\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_a_wrong_name,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT id, \"Born\" FROM users\n"
               "claim      id int8, born timestamptz\n"
               "truth      id int8, Born timestamptz\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, forgets_a_column,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT id, email FROM users\n"
               "claim      id int8\n"
               "truth      id int8, email text\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, forgets_returning,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO users (email) VALUES ('a')\n"
               "claim      id int8\n"
               "truth      no columns\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_that_it_is_not_null,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT nickname FROM users\n"
               "claim      nickname is not null\n"
               "truth      users.nickname may be NULL\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_a_null,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT email FROM users\n"
               "claim      email is NULL\n"
               "truth      users.email is not null\n"
               "tally t 2: 1\n"
               "end t fail\n");
}

/* ---- values */

static void claims_another_scale(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT price FROM orders", .columns = "price numeric",
          .rows = { { SEAM_V("1.5") } });
    script_verify(script);
}

static void claims_another_zone(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT \"Born\" FROM users", .columns = "\"Born\" timestamptz",
          .rows = { { SEAM_V("2024-01-01 12:00:00+02") } });
    script_verify(script);
}

static void claims_what_is_too_long(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT nickname FROM users", .columns = "nickname varchar",
          .rows = { { SEAM_V("countess of lovelace") } });
    script_verify(script);
}

static void claims_another_label(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT feels FROM users", .columns = "feels text",
          .rows = { { SEAM_V("angry") } });
    script_verify(script);
}

static void claims_another_generated_value(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "INSERT INTO orders (cents) VALUES ($1) RETURNING twice", ARGS("5"),
           .columns = "twice int4", .rows = { { SEAM_V(11) } }, .compare_rows = true);
    script_verify(script);
}

static void claims_no_trigger(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO audited VALUES (1, 'ada') RETURNING name",
          .columns = "name text", .rows = { { SEAM_V("ada") } }, .compare_rows = true);
    QUERY(script, 1, 6, "INSERT INTO audited VALUES (2, 'nobody')", .tag = "INSERT 0 1");
    script_verify(script);
}

static void claims_another_order(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO users (id, email) VALUES (1, 'ada'), (2, 'bob')",
          .tag = "INSERT 0 2");
    QUERY(script, 1, 6, "SELECT email FROM users WHERE id < 9 ORDER BY id DESC",
          .columns = "email text", .rows = { { SEAM_V("ada") }, { SEAM_V("bob") } },
          .compare_rows = true);
    script_verify(script);
}

SEAM_TEST(drift_values)
{
    drift_says(t, claims_another_scale,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT price FROM orders\n"
               "claim      price is '1.5'\n"
               "truth      as numeric(10,2) it would be '1.50'\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_another_zone,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT \"Born\" FROM users\n"
               "claim      Born is '2024-01-01 12:00:00+02'\n"
               "truth      as timestamptz it would be '2024-01-01 10:00:00+00'\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_what_is_too_long,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT nickname FROM users\n"
               "claim      nickname is 'countess of lovelace'\n"
               "truth      as character varying(8) it would be 'countess'\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_another_label,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT feels FROM users\n"
               "claim      feels is 'angry'\n"
               "truth      mood does not take it: ERROR 22P02 invalid input value for enum "
               "mood: \"angry\"\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_another_generated_value,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO orders (cents) VALUES ($1) RETURNING twice\n"
               "arguments  5\n"
               "claim      row 1 of 1: ('11')\n"
               "truth      row 1 of 1: ('10')\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_no_trigger,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO audited VALUES (1, 'ada') RETURNING name\n"
               "claim      row 1 of 1: ('ada')\n"
               "truth      row 1 of 1: ('ADA')\n"
               "log t: the double claims what PostgreSQL 15 does not do; perhaps as a result "
               "of what is said of orders_test.c:5\n"
               "statement  INSERT INTO audited VALUES (2, 'nobody')\n"
               "claim      INSERT 0 1\n"
               "truth      INSERT 0 0\n"
               "the table 'audited' was written last by the statement at orders_test.c:5\n"
               "tally t 1: 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_another_order,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  SELECT email FROM users WHERE id < 9 ORDER BY id DESC\n"
               "claim      row 1 of 2: ('ada')\n"
               "truth      row 1 of 2: ('bob')\n"
               "tally t 0: 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
}

/* ---- constraints */

static void forgets_the_unique_key(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 51, "INSERT INTO orders (id, idempotency_key, cents) VALUES ($1, $2, $3)",
           ARGS("7", "k-1", "4200"), .tag = "INSERT 0 1");
    PARAMS(script, 1, 52, "INSERT INTO orders (id, idempotency_key, cents) VALUES ($1, $2, $3)",
           ARGS("9", "k-2", "4200"), .tag = "INSERT 0 1");
    PARAMS(script, 1, 58, "INSERT INTO orders (id, idempotency_key, cents) VALUES ($1, $2, $3)",
           ARGS("8", "k-1", "4200"), .tag = "INSERT 0 1");
    script_verify(script);
}

static void forgets_the_foreign_key(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "INSERT INTO orders (user_id, cents) VALUES ($1, 5)", ARGS("8"),
           .tag = "INSERT 0 1");
    script_verify(script);
}

static void forgets_other_constraints(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO orders (cents) VALUES (-5)", .tag = "INSERT 0 1");
    script_start(script, 2);
    QUERY(script, 2, 6, "INSERT INTO orders (cents) VALUES (NULL)", .tag = "INSERT 0 1");
    script_start(script, 3);
    QUERY(script, 3, 7, "INSERT INTO users (email, nickname) VALUES ('a', 'much too long')",
          .tag = "INSERT 0 1");
    script_verify(script);
}

static void forgets_the_range(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "INSERT INTO orders (cents) VALUES ($1)", ARGS("3000000000"),
           .tag = "INSERT 0 1");
    script_start(script, 2);
    QUERY(script, 2, 6, "INSERT INTO orders (cents, twice) VALUES (5, 10)",
          .tag = "INSERT 0 1");
    script_verify(script);
}

static void claims_a_key_that_is_free(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('new@example.org')",
          .error = SEAM_PG_UNIQUE_VIOLATION(.constraint = "users_email_key", .table = "users"));
    script_verify(script);
}

static void claims_another_constraint(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('seed@example.org')",
          .error = SEAM_PG_UNIQUE_VIOLATION(.constraint = "users_pkey", .table = "users"));
    script_verify(script);
}

static void forgets_what_is_deferred(seam_t *t)
{
    struct script *script = begin(t);

    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "INSERT INTO later VALUES (1, 8)", .tag = "INSERT 0 1");
    script_auto(script, 1, "COMMIT");
    script_start(script, 2);
    PARAMS(script, 2, 6, "INSERT INTO later VALUES (1, 8)", ARGS(""), .tag = "INSERT 0 1");
    script_verify(script);
}

SEAM_TEST(drift_keys)
{
    drift_says(
        t, forgets_the_unique_key,
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO orders (id, idempotency_key, cents) VALUES ($1, $2, $3)\n"
        "arguments  8, 'k-1', 4200\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 23505 duplicate key value violates unique constraint "
        "\"orders_idempotency_key_key\"\n"
        "           Key (idempotency_key)=(k-1) already exists.\n"
        "the row that it meets was inserted by the statement at orders_test.c:51\n"
        "tally t 0: 2\n"
        "tally t 2: 1\n"
        "end t fail\n");
    drift_says(t, forgets_the_foreign_key,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO orders (user_id, cents) VALUES ($1, 5)\n"
               "arguments  8\n"
               "claim      INSERT 0 1\n"
               "truth      ERROR 23503 insert or update on table \"orders\" violates "
               "foreign key constraint \"orders_user_id_fkey\"\n"
               "           Key (user_id)=(8) is not present in table \"users\".\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_a_key_that_is_free,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO users (email) VALUES ('new@example.org')\n"
               "claim      ERROR 23505 duplicate key value violates unique constraint "
               "\"users_email_key\"\n"
               "truth      INSERT 0 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, claims_another_constraint,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO users (email) VALUES ('seed@example.org')\n"
               "claim      ERROR 23505 duplicate key value violates unique constraint "
               "\"users_pkey\"\n"
               "truth      ERROR 23505 duplicate key value violates unique constraint "
               "\"users_email_key\"\n"
               "           Key (email)=(seed@example.org) already exists.\n"
               "the row that it meets was inserted by .seed\n"
               "tally t 2: 1\n"
               "end t fail\n");
}

SEAM_TEST(drift_constraints)
{
    drift_says(
        t, forgets_other_constraints,
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO orders (cents) VALUES (-5)\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 23514 new row for relation \"orders\" violates check constraint "
        "\"orders_cents_check\"\n"
        "           Failing row contains (1, null, null, -5, null, -10).\n"
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO orders (cents) VALUES (NULL)\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 23502 null value in column \"cents\" of relation \"orders\" "
        "violates not-null constraint\n"
        "           Failing row contains (2, null, null, null, null, null).\n"
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO users (email, nickname) VALUES ('a', 'much too long')\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 22001 value too long for type character varying(8)\n"
        "tally t 2: 3\n"
        "end t fail\n");
    drift_says(
        t, forgets_the_range,
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO orders (cents) VALUES ($1)\n"
        "arguments  3000000000\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 22003 value \"3000000000\" is out of range for type integer\n"
        "error t: the double claims what PostgreSQL 15 does not do\n"
        "statement  INSERT INTO orders (cents, twice) VALUES (5, 10)\n"
        "claim      INSERT 0 1\n"
        "truth      ERROR 428C9 cannot insert a non-DEFAULT value into column \"twice\"\n"
        "           Column \"twice\" is a generated column.\n"
        "tally t 2: 2\n"
        "end t fail\n");
    drift_says(t, forgets_what_is_deferred,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  COMMIT\n"
               "claim      COMMIT\n"
               "truth      ERROR 23503 insert or update on table \"later\" violates "
               "foreign key constraint \"later_user_id_fkey\"\n"
               "           Key (user_id)=(8) is not present in table \"users\".\n"
               "the row that refers to it was inserted by the statement at orders_test.c:5\n"
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO later VALUES (1, 8)\n"
               "claim      INSERT 0 1\n"
               "truth      ERROR 23503 insert or update on table \"later\" violates "
               "foreign key constraint \"later_user_id_fkey\"\n"
               "           Key (user_id)=(8) is not present in table \"users\".\n"
               "tally t 0: 2\n"
               "tally t 2: 2\n"
               "end t fail\n");
}

/* ---- counts, transactions, other sessions */

static void counts_wrong(seam_t *t)
{
    struct script *script = begin(t);

    PARAMS(script, 1, 5, "DELETE FROM users WHERE id = $1", ARGS("100"), .tag = "DELETE 1");
    PARAMS(script, 1, 6, "UPDATE users SET nickname = 'x' WHERE id = $1", ARGS("100"),
           .tag = "UPDATE 1");
    script_verify(script);
}

static void goes_on_after_an_error(seam_t *t)
{
    struct script *script = begin(t);

    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('seed@example.org')",
          .tag = "INSERT 0 1");
    QUERY(script, 1, 6, "UPDATE users SET nickname = 'x'", .tag = "UPDATE 2");
    script_auto(script, 1, "COMMIT");
    QUERY(script, 1, 7, "SELECT count(*) FROM users", .columns = "count int8",
          .rows = { { SEAM_V(2) } }, .compare_rows = true);
    script_verify(script);
}

static void does_not_wait(seam_t *t)
{
    struct script *script = begin(t);

    script_start(script, 2);
    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "UPDATE users SET nickname = 'x'", .tag = "UPDATE 1");
    QUERY(script, 2, 6, "UPDATE users SET nickname = 'y'", .tag = "UPDATE 1");
    script_verify(script);
}

static void gives_what_cannot_be(seam_t *t)
{
    struct script *script = begin(t);

    QUERY(script, 1, 5, "SELECT id FROM users", .columns = "id int8", .no_rows = true,
          .given = "INSERT INTO nowhere VALUES (1)");
    script_verify(script);
}

static void rests_on_nothing(seam_t *t)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    QUERY(script, 1, 5, "UPDATE users SET nickname = 'x'", .tag = "UPDATE 1");
    script_nobody(script, 1, "DELETE FROM users");
    script_verify(script);
}

SEAM_TEST(drift_counts_and_transactions)
{
    drift_says(t, counts_wrong,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  UPDATE users SET nickname = 'x' WHERE id = $1\n"
               "arguments  100\n"
               "claim      UPDATE 1\n"
               "truth      UPDATE 0\n"
               "the table 'users' was written last by the statement at orders_test.c:5\n"
               "tally t 0: 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, goes_on_after_an_error,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  INSERT INTO users (email) VALUES ('seed@example.org')\n"
               "claim      INSERT 0 1\n"
               "truth      ERROR 23505 duplicate key value violates unique constraint "
               "\"users_email_key\"\n"
               "           Key (email)=(seed@example.org) already exists.\n"
               "the row that it meets was inserted by .seed\n"
               "log t: undecided: it rests on the table 'users', which neither .seed, .given "
               "nor an earlier statement wrote; add .given\n"
               "tally t 1: 2\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, does_not_wait,
               "error t: the double claims what PostgreSQL 15 does not do\n"
               "statement  UPDATE users SET nickname = 'y'\n"
               "claim      UPDATE 1\n"
               "truth      the real server would wait for the statement at orders_test.c:5\n"
               "tally t 0: 1\n"
               "tally t 2: 1\n"
               "end t fail\n");
    drift_says(t, gives_what_cannot_be,
               "error t: PostgreSQL 15 does not take .given\n"
               "ERROR 42P01 relation \"nowhere\" does not exist\n"
               "tally t 0: 1\n"
               "end t fail\n");
    drift_says(t, rests_on_nothing,
               "log t: undecided: it rests on the table 'users', which neither .seed, .given "
               "nor an earlier statement wrote; add .given\n"
               "tally t 1: 1\n"
               "end t pass\n");
}
