/*
 * repository/double_test.c - what the repository says to PostgreSQL, and what it makes of answers that a real
 * server gives only on bad days.
 *
 * No server runs: the double answers. `seam test -verify` shows the same statements to a real one, with the
 * tables of migrations/ and the rows of .seed; .given adds those that one claim takes for granted.
 */

//seam:pkg-config libpq
//seam:cflags -I..
//seam:sources ../order/order.c ../service/events.c ../testkit/sample_order.c

#include <seam/pg_mock.h>

#include <stdio.h>

#include "repository/postgres_repository.h"
#include "testkit/sample_order.h"

SEAM_CLEANUP_FN(close_repository, postgres_repository_close, struct postgres_repository *);

#define INSERT_HEAD "^INSERT INTO orders "
#define INSERT_LINE                                                                            \
    "INSERT INTO order_lines (order_id, position, sku, quantity, unit_cents) "                 \
    "VALUES ($1, $2, $3, $4, $5)"
#define SELECT_BY_ID "WHERE o\\.id = \\$1 ORDER BY"

/* The two points in time have no name of their own: the server calls them after their type. */
#define ORDER_COLUMNS                                                                          \
    "id uuid, idempotency_key text, customer_id int8, status text, currency text, note text, " \
    "metadata jsonb, payment_id text, int8 int8, int8 int8, version int4, "                    \
    "sku text, quantity int4, unit_cents int8"

#define ORDER_1 "00000000-0000-4000-8000-000000000001"
#define ORDER_1_WITH_A_LINE                                                                    \
    "INSERT INTO orders (id, idempotency_key, customer_id, status, currency, metadata, "       \
    "created_at) VALUES ('" ORDER_1 "', 'key-1', 7, 'pending', 'EUR', "                        \
    "'{\"channel\": \"web\"}', timestamptz '2023-11-14 22:13:20 UTC');"                        \
    "INSERT INTO order_lines VALUES ('" ORDER_1 "', 1, 'tea-green', 2, 1250)"

static seam_pg_mock *start_double(seam_t *t)
{
    return seam_pg_mock_start(t, .migrations = "migrations", .seed = "testdata/customer.sql");
}

static struct order_repository open_on(seam_t *t, const seam_pg_mock *db)
{
    struct postgres_repository *repository;
    struct failure failure;

    if (postgres_repository_open(&repository, seam_pg_mock_conninfo(db), &failure))
        seam_fatal(t, "cannot open the repository: %s", failure.text);
    seam_cleanup(t, close_repository, repository);
    return postgres_repository_port(repository);
}

/* The head and the lines of sample_order(1). */
static void expect_head(seam_pg_mock *db)
{
    seam_pg_expect(db, .sql_regex = INSERT_HEAD,
                   .args = { SEAM_V(ORDER_1), SEAM_V("key-1"), SEAM_V(7), SEAM_V("pending"),
                             SEAM_V("EUR"), SEAM_V("ring twice"), SEAM_LIKE("channel"),
                             SEAM_SQL_NULL, SEAM_V(1700000000123457), SEAM_SQL_NULL,
                             SEAM_V(1) },
                   .tag = "INSERT 0 1");
}

static void expect_lines(seam_pg_mock *db)
{
    seam_pg_expect(
        db, .sql = INSERT_LINE,
        .args = { SEAM_V(ORDER_1), SEAM_V(1), SEAM_V("tea-green"), SEAM_V(2), SEAM_V(1250) },
        .tag = "INSERT 0 1");
    seam_pg_expect(
        db, .sql = INSERT_LINE,
        .args = { SEAM_V(ORDER_1), SEAM_V(2), SEAM_V("cup-blue"), SEAM_V(1), SEAM_V(1700) },
        .tag = "INSERT 0 1");
}

static enum repository_result save(const struct order_repository *orders, int number,
                                   struct failure *failure)
{
    struct order order = sample_order(number);

    return orders->save(orders->self, &order, failure);
}

/* ---- good days -------------------------------------------------------------------------- */

SEAM_TEST(an_order_and_its_lines_are_one_transaction)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    expect_head(db);
    expect_lines(db);
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_OK);
}

/* -verify compares the row too: the .given has to make the server answer just that. */
SEAM_TEST(an_order_is_read_from_its_row)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct order order;
    struct failure failure;

    seam_pg_expect(db, .sql_regex = SELECT_BY_ID, .args = { SEAM_V(ORDER_1) },
                   .columns = ORDER_COLUMNS,
                   .rows = { { SEAM_V(ORDER_1), SEAM_V("key-1"), SEAM_V(7), SEAM_V("pending"),
                               SEAM_V("EUR"), SEAM_SQL_NULL, SEAM_V("{\"channel\": \"web\"}"),
                               SEAM_SQL_NULL, SEAM_V(1700000000000000), SEAM_SQL_NULL,
                               SEAM_V(1), SEAM_V("tea-green"), SEAM_V(2), SEAM_V(1250) } },
                   .given = ORDER_1_WITH_A_LINE, .compare_rows = true);
    seam_require_eq(t, orders.find(orders.self, ORDER_1, &order, &failure), REPOSITORY_OK);
    seam_check_eq(t, order.note, "");
    seam_check_eq(t, order.created_at_us, 1700000000000000);
    seam_require_eq(t, order.line_count, 1);
    seam_check_eq(t, order.lines[0].sku, "tea-green");
}

/* ---- the server says no ----------------------------------------------------------------- */

/* The claim is true because of what the test itself has stored before. Another one, that the second order is taken
 * as well, would pass here and fail under -verify: the README of Seam shows it. */
SEAM_TEST(a_known_idempotency_key_is_told_apart)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct order again = sample_order(2);
    struct failure failure;

    expect_head(db);
    expect_lines(db);
    seam_pg_expect(db, .sql_regex = INSERT_HEAD,
                   .error =
                       SEAM_PG_UNIQUE_VIOLATION(.table = "orders",
                                                .constraint = "orders_idempotency_key_key"));
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);

    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_OK);
    snprintf(again.idempotency_key, sizeof again.idempotency_key, "key-1");
    seam_check_eq(t, orders.save(orders.self, &again, &failure), REPOSITORY_DUPLICATE);
}

SEAM_TEST(an_order_without_its_lines_is_not_kept)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    expect_head(db);
    seam_pg_expect(db, .sql = INSERT_LINE, .error = SEAM_PG_DEADLOCK());
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_TRY_AGAIN);
}

SEAM_TEST(what_could_not_be_serialized_can_be_tried_again)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .sql_regex = INSERT_HEAD, .error = SEAM_PG_SERIALIZATION_FAILURE());
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    expect_head(db);
    expect_lines(db);
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_TRY_AGAIN);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_OK);
}

/* .injected: the error is the world's doing, so -verify asks only whether the statement is one. */
struct refusal {
    const char *name;
    seam_pg_error error;
    enum repository_result result;
    const char *words;
};

SEAM_SUBTEST(one_refusal)
{
    const struct refusal *row = arg;
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .sql_regex = INSERT_HEAD, .error = row->error, .injected = true);
    seam_check_eq(t, save(&orders, 1, &failure), row->result);
    seam_check_contains(t, failure.text, row->words);
}

SEAM_TEST(refusals_are_told_apart)
{
    static const struct refusal rows[] = {
        { "deadlock", SEAM_PG_DEADLOCK(), REPOSITORY_TRY_AGAIN, "deadlock detected" },
        { "time-out", SEAM_PG_STATEMENT_TIMEOUT(), REPOSITORY_TRY_AGAIN, "57014" },
        { "disk full", SEAM_PG_ERROR("53100", .message = "could not extend file"),
          REPOSITORY_TRY_AGAIN, "could not extend file" },
        { "no customer",
          SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "orders",
                                        .constraint = "orders_customer_id_fkey"),
          REPOSITORY_NO_CUSTOMER, "orders_customer_id_fkey" },
        { "a rule", SEAM_PG_CHECK_VIOLATION(.table = "orders", .constraint = "metadata_fits"),
          REPOSITORY_REFUSED, "metadata_fits" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, one_refusal, &rows[i]);
}

/* ---- the server goes away --------------------------------------------------------------- */

SEAM_TEST(a_connection_that_breaks_in_the_middle_is_made_anew)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    expect_head(db);
    seam_pg_expect(db, .sql = INSERT_LINE, .fault = SEAM_PG_RESET);
    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    expect_head(db);
    expect_lines(db);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, save(&orders, 1, &failure), REPOSITORY_OK);
}

SEAM_TEST(a_row_that_is_cut_is_no_order)
{
    seam_pg_mock *db = start_double(t);
    struct order_repository orders = open_on(t, db);
    struct order order = { .version = 99 };
    struct failure failure;

    seam_pg_expect(db, .sql_regex = SELECT_BY_ID, .columns = ORDER_COLUMNS,
                   .csv = ORDER_1
                   ",key-1,7,pending,EUR,,{},,1700000000000000,,1,tea-green,2,1250\n",
                   .fault = SEAM_PG_CLOSED, .fault_after = 450);
    seam_check_eq(t, orders.find(orders.self, ORDER_1, &order, &failure),
                  REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, order.version, 99);
}
