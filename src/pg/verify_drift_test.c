/* pg/verify_drift_test.c - each kind of claim that drifts from the real server, and what is said of it. */

#include "pg/verify_test.h"
#include "test/trial_test.h"

#define SHOP "testdata/verify/shop"
#define SEED "testdata/verify/seed.sql"
#define HEAD "error t: the double claims what PostgreSQL 15.20 does not do\n"

SEAM_FILE(.tags = "integration");

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

SEAM_TEST(drift_statements_that_do_not_parse)
{
    trial_says(t, claims_a_syntax_error, "");
    trial_says(t, claims_an_unknown_table, "");
    trial_says(t, prepares_an_unknown_column, "");
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
    trial_says(t, claims_a_wrong_parameter, "");
    trial_says(t, claims_a_wrong_type, "");
    trial_says(t, claims_a_wrong_name, "");
    trial_says(t, forgets_a_column, "");
    trial_says(t, forgets_returning, "");
    trial_says(t, claims_that_it_is_not_null, "");
    trial_says(t, claims_a_null, "");
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
    trial_says(t, claims_another_scale, "");
    trial_says(t, claims_another_zone, "");
    trial_says(t, claims_what_is_too_long, "");
    trial_says(t, claims_another_label, "");
    trial_says(t, claims_another_generated_value, "");
    trial_says(t, claims_no_trigger, "");
    trial_says(t, claims_another_order, "");
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

SEAM_TEST(drift_constraints)
{
    trial_says(t, forgets_the_unique_key, "");
    trial_says(t, forgets_the_foreign_key, "");
    trial_says(t, forgets_other_constraints, "");
    trial_says(t, forgets_the_range, "");
    trial_says(t, claims_a_key_that_is_free, "");
    trial_says(t, claims_another_constraint, "");
    trial_says(t, forgets_what_is_deferred, "");
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
    trial_says(t, counts_wrong, "");
    trial_says(t, goes_on_after_an_error, "");
    trial_says(t, does_not_wait, "");
    trial_says(t, gives_what_cannot_be, "");
    trial_says(t, rests_on_nothing, "");
}
