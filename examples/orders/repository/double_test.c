/* repository/double_test.c - what the repository says to PostgreSQL, and what it makes of answers that a real server
 * gives only on bad days. No server runs; `seam test -verify` shows the same statements to a real one. */

//seam:pkg-config libpq
//seam:cflags -I..
//seam:sources ../order/order.c ../testkit/sample_order.c

#include <seam/pg_mock.h>

#include <string.h>

#include "repository/postgres_repository.h"
#include "testkit/sample_order.h"

SEAM_CLEANUP_FN(close_repository, postgres_repository_close, struct postgres_repository *);

#define INSERT_ORDER "^INSERT INTO orders "
#define INSERT_LINE                                                                            \
    "INSERT INTO order_lines (order_id, position, sku, quantity, unit_cents) "                 \
    "VALUES ($1, $2, $3, $4, $5)"
#define CUSTOMER_7 "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')"

static seam_pg_mock *start_double(seam_t *t)
{
    return seam_pg_mock_start(t, .migrations = "migrations");
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

/* The head of sample_order(1). */
static void expect_head(seam_pg_mock *db)
{
    seam_pg_expect(db, .sql_regex = INSERT_ORDER,
                   .args = { SEAM_V("00000000-0000-4000-8000-000000000001"), SEAM_V("key-1"),
                             SEAM_V(7), SEAM_V("pending"), SEAM_V("EUR"), SEAM_V("ring twice"),
                             SEAM_LIKE("channel"), SEAM_SQL_NULL, SEAM_V(1700000000123457),
                             SEAM_SQL_NULL, SEAM_V(1) },
                   .tag = "INSERT 0 1", .given = CUSTOMER_7);
}

SEAM_TEST(an_order_and_its_lines_are_one_transaction)
{
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    expect_head(db);
    seam_pg_expect(db, .sql = INSERT_LINE,
                   .args = { SEAM_ANY, SEAM_V(1), SEAM_V("tea-green"), SEAM_V(2), SEAM_V(1250) },
                   .tag = "INSERT 0 1");
    seam_pg_expect(db, .sql = INSERT_LINE,
                   .args = { SEAM_ANY, SEAM_V(2), SEAM_V("cup-blue"), SEAM_V(1), SEAM_V(1700) },
                   .tag = "INSERT 0 1");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    seam_check_ok(t, orders.save(orders.self, &order, &failure));
}

SEAM_TEST(an_order_without_its_lines_is_not_kept)
{
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    expect_head(db);
    seam_pg_expect(db, .sql = INSERT_LINE, .error = SEAM_PG_DEADLOCK());
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_TRY_AGAIN);
}

/* ---- bad days --------------------------------------------------------------------------- */

struct bad_day {
    const char *name;
    seam_pg_error error;
    enum repository_result result;
    const char *words;
};

SEAM_SUBTEST(bad_day)
{
    const struct bad_day *day = arg;
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1);
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .sql_regex = INSERT_ORDER, .error = day->error, .injected = true);
    seam_check_eq(t, orders.save(orders.self, &order, &failure), day->result);
    seam_check_contains(t, failure.text, day->words);
}

SEAM_TEST(failures_are_told_apart)
{
    static const struct bad_day days[] = {
        { "serialization", SEAM_PG_SERIALIZATION_FAILURE(), REPOSITORY_TRY_AGAIN, "40001" },
        { "deadlock", SEAM_PG_DEADLOCK(), REPOSITORY_TRY_AGAIN, "deadlock detected" },
        { "time-out", SEAM_PG_STATEMENT_TIMEOUT(), REPOSITORY_TRY_AGAIN, "57014" },
        { "disk full", SEAM_PG_ERROR("53100", .message = "could not extend file"),
          REPOSITORY_TRY_AGAIN, "could not extend file" },
        { "duplicate",
          SEAM_PG_UNIQUE_VIOLATION(.table = "orders",
                                   .constraint = "orders_idempotency_key_key"),
          REPOSITORY_DUPLICATE, "orders_idempotency_key_key" },
        { "no customer",
          SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "orders",
                                        .constraint = "orders_customer_id_fkey"),
          REPOSITORY_NO_CUSTOMER, "orders_customer_id_fkey" },
    };

    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        seam_run(t, days[i].name, bad_day, &days[i]);
}

SEAM_TEST(a_session_that_was_lost_is_made_anew)
{
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1), found;
    struct order_repository orders = open_on(t, db);
    struct failure failure;

    seam_pg_expect(db, .sql_regex = "WHERE o.id = [$]1", .fault = SEAM_PG_CLOSED);
    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    seam_pg_expect(db, .sql_regex = "WHERE o.id = [$]1",
                   .columns = "id uuid, idempotency_key text, customer_id int8, status text, "
                              "currency text, note text, metadata jsonb, payment_id text, "
                              "created_at int8, paid_at int8, version int4, sku text, "
                              "quantity int4, unit_cents int8",
                   .no_rows = true);
    seam_check_eq(t, orders.find(orders.self, order.id, &found, &failure),
                  REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, orders.find(orders.self, order.id, &found, &failure),
                  REPOSITORY_NOT_FOUND);
}
