/* repository/outbox_double_test.c - what the outbox says to PostgreSQL, and a server's bad days. */

#include <seam/pg_mock.h>

#include "repository/postgres_outbox.h"
#include "repository/postgres_repository.h"
#include "service/events.h"
#include "testkit/sample_order.h"

SEAM_CLEANUP_FN(close_outbox, postgres_outbox_close, struct postgres_outbox *);
SEAM_CLEANUP_FN(close_repository, postgres_repository_close, struct postgres_repository *);

#define TAKE "^DELETE FROM outbox .* FOR UPDATE SKIP LOCKED\\) RETURNING"
#define EVENT_COLUMNS "id text, routing_key text, body json"
#define ORDER_1 "00000000-0000-4000-8000-000000000001"
#define ORDER_1_IS_THERE                                                                       \
    "INSERT INTO orders (id, idempotency_key, customer_id, status, currency, created_at) "     \
    "VALUES ('" ORDER_1 "', 'key-1', 7, 'pending', 'EUR', now())"
#define EVENT_IS_THERE                                                                         \
    "INSERT INTO outbox (id, routing_key, body) VALUES ('7.paid', 'order.paid', '{}')"

static seam_pg_mock *start_double(seam_t *t)
{
    return seam_pg_mock_start(t, .migrations = "migrations", .seed = "testdata/customer.sql");
}

static struct outbox open_outbox(seam_t *t, const seam_pg_mock *db)
{
    struct postgres_outbox *outbox;
    struct failure failure;

    if (postgres_outbox_open(&outbox, seam_pg_mock_conninfo(db), &failure))
        seam_fatal(t, "cannot open the outbox: %s", failure.text);
    seam_cleanup(t, close_outbox, outbox);
    return postgres_outbox_port(outbox);
}

/* Mark sample_order(1) as paid, with its event. */
static enum repository_result pay(seam_t *t, const seam_pg_mock *db, struct order *order,
                                  struct failure *failure)
{
    struct postgres_repository *repository;
    struct order_repository orders;
    struct event event;

    if (postgres_repository_open(&repository, seam_pg_mock_conninfo(db), failure))
        seam_fatal(t, "cannot open the repository: %s", failure->text);
    seam_cleanup(t, close_repository, repository);
    orders = postgres_repository_port(repository);
    seam_require_ok(t, order_pay(order, "ch_1", 1700000001000001));
    event_order_paid(order, &event);
    return orders.update(orders.self, order, &event, failure);
}

/* ---- in --------------------------------------------------------------------------------- */

SEAM_TEST(payment_and_event_are_one_transaction)
{
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1);
    struct failure failure;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = "^UPDATE orders SET status", .columns = "version int4",
                   .rows = { { SEAM_V(2) } }, .given = ORDER_1_IS_THERE);
    seam_pg_expect(db, .sql = "INSERT INTO outbox (id, routing_key, body) VALUES ($1, $2, $3)",
                   .args = { SEAM_V(ORDER_1 ".paid"), SEAM_V("order.paid"), SEAM_ANY },
                   .tag = "INSERT 0 1");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    seam_check_eq(t, pay(t, db, &order, &failure), REPOSITORY_OK);
    seam_check_eq(t, order.version, 2);
}

/* Nobody knows whether the COMMIT took effect: the caller asks again, with the same key. */
SEAM_TEST(commit_without_an_answer_is_no_success)
{
    seam_pg_mock *db = start_double(t);
    struct order order = sample_order(1);
    struct failure failure;

    seam_pg_expect(db, .sql_regex = "^UPDATE orders SET status", .columns = "version int4",
                   .rows = { { SEAM_V(2) } }, .given = ORDER_1_IS_THERE);
    seam_pg_expect(db, .sql_regex = "^INSERT INTO outbox", .tag = "INSERT 0 1");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT, .fault = SEAM_PG_RESET);
    seam_check_eq(t, pay(t, db, &order, &failure), REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, order.version, 1);
}

/* ---- out -------------------------------------------------------------------------------- */

SEAM_TEST(event_is_taken_in_a_transaction_of_its_own)
{
    seam_pg_mock *db = start_double(t);
    struct outbox outbox = open_outbox(t, db);
    struct failure failure;
    struct event event;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = TAKE, .columns = EVENT_COLUMNS,
                   .rows = { { SEAM_V("7.paid"), SEAM_V("order.paid"), SEAM_V("{}") } },
                   .given = EVENT_IS_THERE);
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    seam_require_ok(t, outbox.take(outbox.self, &event, &failure));
    seam_check_eq(t, event.id, "7.paid");
    seam_check_eq(t, event.routing_key, "order.paid");
    seam_require_ok(t, outbox.finish(outbox.self, true, &failure));
}

SEAM_TEST(event_goes_back_by_a_rollback)
{
    seam_pg_mock *db = start_double(t);
    struct outbox outbox = open_outbox(t, db);
    struct failure failure;
    struct event event;

    seam_pg_expect(db, .sql_regex = TAKE, .columns = EVENT_COLUMNS,
                   .rows = { { SEAM_V("7.paid"), SEAM_V("order.paid"), SEAM_V("{}") } },
                   .given = EVENT_IS_THERE);
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    seam_require_ok(t, outbox.take(outbox.self, &event, &failure));
    seam_require_ok(t, outbox.finish(outbox.self, false, &failure));
}

SEAM_TEST(empty_outbox_leaves_no_transaction_open)
{
    seam_pg_mock *db = start_double(t);
    struct outbox outbox = open_outbox(t, db);
    struct event event = { .id = "untouched" };
    struct failure failure;

    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = TAKE, .columns = EVENT_COLUMNS, .no_rows = true);
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
    seam_check_eq(t, outbox.take(outbox.self, &event, &failure), REPOSITORY_NOT_FOUND);
    seam_check_eq(t, event.id, "untouched");
}

SEAM_TEST(outbox_of_a_server_that_goes_away_is_opened_anew)
{
    seam_pg_mock *db = start_double(t);
    struct outbox outbox = open_outbox(t, db);
    struct failure failure;
    struct event event;

    seam_pg_expect(db, .sql_regex = TAKE, .fault = SEAM_PG_RESET);
    seam_pg_expect(db, .event = SEAM_PG_CONNECT);
    seam_pg_expect(db, .sql_regex = TAKE, .columns = EVENT_COLUMNS,
                   .rows = { { SEAM_V("7.paid"), SEAM_V("order.paid"), SEAM_V("{}") } },
                   .given = EVENT_IS_THERE);
    seam_check_eq(t, outbox.take(outbox.self, &event, &failure), REPOSITORY_UNAVAILABLE);
    seam_check_eq(t, outbox.take(outbox.self, &event, &failure), REPOSITORY_OK);
}
