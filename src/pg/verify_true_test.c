/* pg/verify_true_test.c - claims that are true, or that nobody can judge: none of them alarms. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config openssl
//seam:ldflags -lm
//seam:sources ../double/*.c ../json/*.c ../lease/lease.c ../lease/postgres.c ../link/*.c ../net/*.c ../wire/pg_*.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../test/trial_test.c

#include "pg/verify_test.h"

#define SHOP "testdata/verify/shop"
#define SEED "testdata/verify/seed.sql"

SEAM_FILE(.tags = "integration");

static void check(seam_t *t, struct script *script, int confirmed, int undecided)
{
    seam_verify_counts counts = script_verify(script);

    seam_check_eq(t, counts.confirmed, confirmed);
    seam_check_eq(t, counts.undecided, undecided);
    seam_check_eq(t, counts.contradicted, 0);
}

SEAM_TEST(verify_an_insert_and_what_it_made)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    PARAMS(script, 1, 5, "INSERT INTO users (email) VALUES ($1)", ARGS("ada@example.org"),
           .tag = "INSERT 0 1");
    QUERY(script, 1, 6, "SELECT email FROM users", .columns = "email text not null",
          .rows = { { SEAM_V("ada@example.org") } }, .compare_rows = true);
    script_end(script, 1);
    check(t, script, 2, 0);
}

/* ---- the four that an empty schema makes false */

SEAM_TEST(verify_a_returned_id_is_used_later)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    PARAMS(script, 1, 5, "INSERT INTO users (email) VALUES ($1) RETURNING id",
           ARGS("ada@example.org"), .columns = "id int8", .rows = { { SEAM_V(42) } });
    PARAMS(script, 1, 6, "UPDATE users SET email = $2 WHERE id = $1", ARGS("42", "a@b.org"),
           .tag = "UPDATE 1");
    QUERY(script, 1, 7,
          "INSERT INTO orders (user_id, cents) VALUES (42, 5), (42, 6) RETURNING id",
          .columns = "id int8", .rows = { { SEAM_V(7) }, { SEAM_V(8) } }, .compare_rows = true);
    check(t, script, 3, 0);
}

SEAM_TEST(verify_an_update_of_rows_that_nobody_wrote_is_undecided)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    QUERY(script, 1, 5, "UPDATE users SET nickname = 'x' WHERE id = 1", .tag = "UPDATE 1");
    check(t, script, 0, 1);
}

SEAM_TEST(verify_a_select_of_rows_that_nobody_wrote_is_undecided)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    QUERY(script, 1, 5, "SELECT id, email FROM users WHERE id = 1",
          .columns = "id int8, email text",
          .rows = { { SEAM_V(1), SEAM_V("ada@example.org") } });
    check(t, script, 0, 1);
}

SEAM_TEST(verify_a_foreign_key_to_rows_that_nobody_wrote_is_undecided)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    script_auto(script, 1, "BEGIN");
    PARAMS(script, 1, 5, "INSERT INTO orders (user_id, cents) VALUES ($1, 5)", ARGS("1"),
           .tag = "INSERT 0 1");
    QUERY(script, 1, 6, "SELECT 1", .columns = "\"?column?\" int4", .rows = { { SEAM_V(1) } });
    script_auto(script, 1, "COMMIT");
    QUERY(script, 1, 7, "UPDATE orders SET cents = 6 WHERE user_id = 1", .tag = "UPDATE 1");
    check(t, script, 0, 3);
}

/* A value that the statement gives itself leaves the sequence where it was. */
SEAM_TEST(verify_a_returned_id_that_no_sequence_gave)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    QUERY(script, 1, 5, "INSERT INTO users (id, email) VALUES (42, 'a') RETURNING id",
          .columns = "id int8", .rows = { { SEAM_V(42) } });
    PARAMS(script, 1, 6, "INSERT INTO users (id, email) VALUES ($1, 'b') RETURNING id",
           ARGS("43"), .columns = "id int8", .rows = { { SEAM_V(43) } });
    PARAMS(script, 1, 7, "INSERT INTO users (email) VALUES ($1)", ARGS("c"),
           .tag = "INSERT 0 1");
    QUERY(script, 1, 8, "SELECT id FROM users ORDER BY id", .columns = "id int8",
          .rows = { { SEAM_V(1) }, { SEAM_V(42) }, { SEAM_V(43) } }, .compare_rows = true);
    check(t, script, 4, 0);
}

/* ---- errors that are there */

SEAM_TEST(verify_an_error_and_a_fault_say_nothing_of_columns)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    PARAMS(script, 1, 5, "SELECT email FROM users WHERE id = $1", ARGS("1"),
           .error = SEAM_PG_SERIALIZATION_FAILURE());
    PARAMS(script, 1, 6, "SELECT email FROM users WHERE id = $1", ARGS("1"),
           .fault = SEAM_PG_CLOSED);
    check(t, script, 2, 0);
}

SEAM_TEST(verify_errors_that_the_server_has_too)
{
    struct script *script = script_new(t, SHOP, SEED);

    script_start(script, 1);
    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('seed@example.org')",
          .error = SEAM_PG_UNIQUE_VIOLATION(.constraint = "users_email_key", .table = "users"));
    QUERY(script, 1, 6, "INSERT INTO orders (user_id, cents) VALUES (5, 5)",
          .error = SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "orders",
                                                 .constraint = "orders_user_id_fkey"));
    PARAMS(script, 1, 7, "INSERT INTO orders (cents) VALUES ($1)", ARGS("-5"),
           .error =
               SEAM_PG_CHECK_VIOLATION(.table = "orders", .constraint = "orders_cents_check"));
    PARAMS(script, 1, 8, "INSERT INTO orders (cents) VALUES ($1)", ARGS("abc"),
           .error = SEAM_PG_ERROR("22P02"));
    QUERY(script, 1, 9, "SELECT nonsense FROM users", .error = SEAM_PG_ERROR("42703"));
    PARAMS(script, 1, 10, "SELECT nonsense FROM users", ARGS(""),
           .error = SEAM_PG_ERROR("42703"));
    check(t, script, 6, 0);
}

SEAM_TEST(verify_a_failed_transaction_goes_the_same_way)
{
    struct script *script = script_new(t, SHOP, SEED);

    script_start(script, 1);
    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('seed@example.org')",
          .error = SEAM_PG_UNIQUE_VIOLATION(.constraint = "users_email_key", .table = "users"));
    script_auto(script, 1, "COMMIT");
    QUERY(script, 1, 6, "SELECT count(*) FROM users", .columns = "count int8",
          .rows = { { SEAM_V(1) } }, .compare_rows = true);
    check(t, script, 2, 0);
}

/* ---- what a statement needs */

SEAM_TEST(verify_given_makes_a_claim_true)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    script_auto(script, 1, "BEGIN");
    PARAMS(script, 1, 5, "SELECT email FROM users WHERE id = $1", ARGS("3"),
           .columns = "email text", .rows = { { SEAM_V("ada@example.org") } },
           .given = "INSERT INTO users (id, email) VALUES (3, 'ada@example.org')",
           .compare_rows = true);
    script_auto(script, 1, "COMMIT");
    script_auto(script, 1, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    QUERY(script, 1, 6, "SELECT count(*) FROM users", .columns = "count int8",
          .rows = { { SEAM_V(1) } }, .compare_rows = true);
    QUERY(script, 1, 7, "UPDATE users SET nickname = 'x'", .tag = "UPDATE 2",
          .given = "INSERT INTO users (email) VALUES ('bob@example.org')");
    script_auto(script, 1, "ROLLBACK");
    check(t, script, 3, 0);
}

SEAM_TEST(verify_what_is_injected_is_only_parsed)
{
    struct script *script = script_new(t, SHOP, SEED);

    script_start(script, 1);
    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "UPDATE users SET nickname = 'x'",
          .error = SEAM_PG_SERIALIZATION_FAILURE(.message = "cannot"));
    script_auto(script, 1, "ROLLBACK");
    QUERY(script, 1, 6, "UPDATE users SET nickname = 'y'", .tag = "UPDATE 1");
    script_auto(script, 1, "BEGIN");
    PARAMS(script, 1, 7, "DELETE FROM users WHERE id = $1", ARGS("100"),
           .error = SEAM_PG_DEADLOCK(.message = "cannot"));
    script_auto(script, 1, "ROLLBACK");
    QUERY(script, 1, 8, "SELECT count(*) FROM users WHERE nickname = 'y'",
          .columns = "count int8", .rows = { { SEAM_V(1) } }, .compare_rows = true);
    check(t, script, 4, 0);
}

SEAM_TEST(verify_two_sessions_in_the_order_in_which_they_spoke)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    script_start(script, 2);
    script_auto(script, 1, "BEGIN");
    QUERY(script, 1, 5, "INSERT INTO users (email) VALUES ('a')", .tag = "INSERT 0 1");
    QUERY(script, 2, 6, "SELECT count(*) FROM users", .columns = "count int8",
          .rows = { { SEAM_V(0) } }, .compare_rows = true);
    script_auto(script, 1, "COMMIT");
    QUERY(script, 2, 7, "SELECT count(*) FROM users", .columns = "count int8",
          .rows = { { SEAM_V(1) } }, .compare_rows = true);
    check(t, script, 3, 0);
}

SEAM_TEST(verify_prepared_statements_and_pipelines)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    script_prepare(script, 1, "add", "INSERT INTO users (email) VALUES ($1)");
    PREPARED(script, 1, 5, "add", "INSERT INTO users (email) VALUES ($1)", ARGS("a"),
             .tag = "INSERT 0 1");
    PREPARED(script, 1, 6, "add", "INSERT INTO users (email) VALUES ($1)", ARGS("b"),
             .tag = "INSERT 0 1");
    PIPED(script, 1, 7, "INSERT INTO users (email) VALUES ($1)", ARGS("c"),
          .tag = "INSERT 0 1");
    PARAMS(script, 1, 8, "SELECT count(*) FROM users", ARGS(""), .columns = "count int8",
           .rows = { { SEAM_V(3) } }, .compare_rows = true);
    check(t, script, 4, 0);
}

SEAM_TEST(verify_types_that_only_the_server_knows)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    QUERY(script, 1, 5, "SELECT feels, nickname, \"Born\" FROM users",
          .columns = "feels text, nickname varchar(8), \"Born\" timestamptz",
          .rows = { { SEAM_V("happy"), SEAM_V("ada"), SEAM_V("2024-01-01 12:00:00+00") } },
          .given = "INSERT INTO users (email) VALUES ('x')");
    check(t, script, 1, 0);
}
