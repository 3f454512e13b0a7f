/* repository/failures_test.c - failures of every kind are told apart, and none is a crash. */

//seam:build integration

#include <seam/postgres.h>

#include <string.h>

#include "repository/fixture_test.h"
#include "repository/postgres_repository.h"
#include "testkit/sample_order.h"

/* ---- a schema that has moved on --------------------------------------------------------- */

struct newer_row {
    const char *name;
    const char *sql[2]; /* what somebody else's migration and program did */
    const char *words;
};

SEAM_SUBTEST(newer_row)
{
    const struct newer_row *row = arg;
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1), found = { .version = 99 };
    struct failure failure;

    must_save(t, &orders, &order);
    for (size_t i = 0; i < COUNT(row->sql); i++)
        seam_postgres_exec(pg, "%s", row->sql[i]);
    seam_check_eq(t, orders.find(orders.self, order.id, &found, &failure), REPOSITORY_FAILED);
    seam_check_contains(t, failure.text, row->words);
}

SEAM_TEST(what_does_not_fit_is_not_cut)
{
    static const struct newer_row rows[] = {
        { "long note",
          { "ALTER TABLE orders DROP CONSTRAINT orders_note_check",
            "UPDATE orders SET note = repeat('n', 281)" },
          "a text that is too long" },
        { "unknown status",
          { "ALTER TABLE orders DROP CONSTRAINT orders_status_check",
            "UPDATE orders SET status = 'shipped'" },
          "a status that this program does not know" },
        { "long sku",
          { "ALTER TABLE order_lines DROP CONSTRAINT order_lines_sku_check",
            "UPDATE order_lines SET sku = repeat('s', 40) || position" },
          "a sku that is too long" },
        { "many lines",
          { "ALTER TABLE order_lines DROP CONSTRAINT order_lines_position_check",
            "INSERT INTO order_lines SELECT id, n, n, 1, 1 FROM orders,"
            " generate_series(3, 51) n" },
          "more lines than" },
        { "no such column",
          { "ALTER TABLE orders RENAME note TO remark", "SELECT 1" },
          "column o.note does not exist" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, newer_row, &rows[i]);
}

SEAM_TEST(order_without_lines_is_found)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);

    must_save(t, &orders, &order);
    seam_postgres_exec(pg, "DELETE FROM order_lines");
    seam_check_eq(t, must_find(t, &orders, order.id).line_count, 0);
}

/* ---- the server says no ----------------------------------------------------------------- */

struct refusal_row {
    const char *name;
    const char *state;
    enum repository_result want;
};

SEAM_SUBTEST(refusal_row)
{
    const struct refusal_row *row = arg;
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;

    seam_postgres_exec(pg,
                       "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                       " $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '%s'; END $$",
                       row->state);
    seam_postgres_exec(pg, "CREATE TRIGGER refuse BEFORE INSERT ON orders"
                           " FOR EACH ROW EXECUTE FUNCTION refuse()");
    seam_check_eq(t, orders.save(orders.self, &order, &failure), row->want);
    seam_check_eq(t, failure.text, seam_format(t, "not now (SQLSTATE %s)", row->state));
}

SEAM_TEST(kinds_of_failure_are_told_apart)
{
    static const struct refusal_row rows[] = {
        { "not null", "23502", REPOSITORY_REFUSED },
        { "serialization", "40001", REPOSITORY_TRY_AGAIN },
        { "deadlock", "40P01", REPOSITORY_TRY_AGAIN },
        { "disk full", "53100", REPOSITORY_TRY_AGAIN },
        { "lock timeout", "55P03", REPOSITORY_TRY_AGAIN },
        { "statement timeout", "57014", REPOSITORY_TRY_AGAIN },
        { "shutting down", "57P01", REPOSITORY_UNAVAILABLE },
        { "connection failure", "08006", REPOSITORY_UNAVAILABLE },
        { "anything else", "42501", REPOSITORY_FAILED },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, refusal_row, &rows[i]);
}

/* ---- the server is not there ------------------------------------------------------------ */

SEAM_TEST(nobody_listens)
{
    const char *conninfo = seam_format(t, "host=%s dbname=orders", seam_tempdir(t));
    struct postgres_repository *repository = NULL;
    struct failure failure;

    seam_check_eq(t, postgres_repository_open(&repository, conninfo, &failure),
                  REPOSITORY_UNAVAILABLE);
    seam_check_contains(t, failure.text, "No such file or directory");
    seam_check_null(t, repository);
    postgres_repository_close(repository);
}

SEAM_TEST(lost_connection_is_made_anew)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;

    must_save(t, &orders, &order);
    seam_postgres_exec(pg,
                       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name = 'orders' AND datname = current_database()");
    order = sample_order(2);
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_UNAVAILABLE);
    must_save(t, &orders, &order);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "2");
}

/* The server is this test's own, so that nobody else misses it. */
SEAM_TEST(stopped_server_is_an_error_and_no_crash)
{
    seam_postgres *pg =
        seam_postgres_start(t, .migrations = "migrations", .private_server = true);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1), listed[1];
    struct failure failure;
    size_t count;

    seam_postgres_exec(pg, "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')");
    must_save(t, &orders, &order);
    seam_postgres_stop(pg);
    seam_check_eq(t, orders.find(orders.self, order.id, &order, &failure),
                  REPOSITORY_UNAVAILABLE);
    seam_check_ne(t, failure.text, "");
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, orders.update(orders.self, &order, NULL, &failure),
                  REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, orders.list(orders.self, ORDER_PENDING, listed, 1, &count, &failure),
                  REPOSITORY_UNAVAILABLE);

    seam_postgres_restart(pg);
    must_find(t, &orders, order.id);
}
