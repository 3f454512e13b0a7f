/*
 * flow/order_flow_test.c - an order from beginning to end, with the adapters that go into production and a
 * double behind each of them: HTTP, SQL, and a broker in memory. No server, no network, milliseconds.
 *
 * `seam test -verify` shows the statements to a real PostgreSQL.
 */

//seam:pkg-config libpq libcurl jansson librabbitmq
//seam:cflags -I..
//seam:sources ../order/*.c ../service/*.c ../repository/*.c ../payment/*.c ../broker/*.c ../testkit/*.c

#include <seam/broker.h>
#include <seam/http_mock.h>
#include <seam/pg_mock.h>

#include "flow/flow_test.h"
#include "testkit/memory_broker.h"
#include "testkit/sample_order.h"

#define ORDER_1 "00000000-0000-4000-8000-000000000001"
#define EVENT_1 ORDER_1 ".paid"
#define ORDER_COLUMNS                                                                          \
    "id uuid, idempotency_key text, customer_id int8, status text, currency text, note text, " \
    "metadata jsonb, payment_id text, int8 int8, int8 int8, version int4, "                    \
    "sku text, quantity int4, unit_cents int8"

static void expect_save(seam_pg_mock *db)
{
    seam_pg_expect(db, .sql_regex = "WHERE o\\.idempotency_key = \\$1",
                   .args = { SEAM_V("key-1") }, .columns = ORDER_COLUMNS, .no_rows = true);
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = "^INSERT INTO orders ", .tag = "INSERT 0 1");
    seam_pg_expect(db, .sql_regex = "^INSERT INTO order_lines ", .tag = "INSERT 0 1",
                   .times = 2);
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
}

/* The order is marked and the event kept in one transaction. */
static void expect_paid(seam_pg_mock *db)
{
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = "^UPDATE orders SET status",
                   .args = { SEAM_V(ORDER_1), SEAM_V(1), SEAM_V("paid"), SEAM_V("ch_1"),
                             SEAM_V(1700000000000000) },
                   .columns = "version int4", .rows = { { SEAM_V(2) } });
    seam_pg_expect(
        db, .sql = "INSERT INTO outbox (id, routing_key, body) VALUES ($1, $2, $3)",
        .args = { SEAM_V(EVENT_1), SEAM_V("order.paid"), SEAM_LIKE("\"total_cents\":4200") },
        .tag = "INSERT 0 1");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
}

static void expect_take(seam_pg_mock *db)
{
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = "^DELETE FROM outbox .* SKIP LOCKED",
                   .columns = "id text, routing_key text, body json",
                   .rows = { { SEAM_V(EVENT_1), SEAM_V("order.paid"),
                               SEAM_V("{\"total_cents\":4200}") } });
}

static void expect_nothing_to_take(seam_pg_mock *db)
{
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql_regex = "^DELETE FROM outbox .* SKIP LOCKED",
                   .columns = "id text, routing_key text, body json", .no_rows = true);
    seam_pg_expect(db, .event = SEAM_PG_ROLLBACK);
}

/* The three doubles, and the order service between them. */
struct doubles {
    seam_http_mock *pay;
    seam_pg_mock *db;
    seam_broker *broker;
    struct flow flow;
};

static void start(seam_t *t, struct doubles *d)
{
    d->pay = seam_http_mock_start(t, "https://api.pay.test");
    d->db = seam_pg_mock_start(t, .migrations = "../repository/migrations",
                               .seed = "../repository/testdata/customer.sql");
    d->broker = memory_broker_start(t);
    flow_start(t, &d->flow, seam_pg_mock_conninfo(d->db), memory_broker_port(d->broker));
}

SEAM_TEST(order_flow)
{
    struct order order = sample_order(1);
    struct doubles d;

    start(t, &d);
    seam_http_expect(d.pay, .method = "POST", .path = "/v1/charges",
                     .header = { "Idempotency-Key: " ORDER_1 },
                     .json_subset = "{'amount': 4200, 'currency': 'EUR'}",
                     .reply = { { .json = "{'id': 'ch_1'}" } });
    expect_save(d.db);
    expect_paid(d.db);
    expect_take(d.db);
    seam_pg_expect(d.db, .event = SEAM_PG_COMMIT);
    expect_nothing_to_take(d.db);
    seam_broker_expect(d.broker, .exchange = "orders", .routing_key = "order.paid",
                       .message_id = EVENT_1);

    flow_place(t, &d.flow, &order);
    flow_announce(t, &d.flow, 1);

    seam_check_eq(t, order.status, ORDER_PAID);
    seam_check_eq(t, seam_http_mock_count(d.pay), 1);
    seam_broker_expect_nothing_else(d.broker);
}

/* Nobody takes the event: it is not lost, and the order is paid all the same. */
SEAM_TEST(order_flow_without_a_broker)
{
    struct order order = sample_order(1);
    struct failure failure;
    struct doubles d;
    size_t sent;

    start(t, &d);
    seam_http_expect(d.pay, .method = "POST", .reply = { { .json = "{'id': 'ch_1'}" } });
    seam_broker_fail(d.broker, .connection_lost = true);
    expect_save(d.db);
    expect_paid(d.db);
    expect_take(d.db);
    seam_pg_expect(d.db, .event = SEAM_PG_ROLLBACK);

    flow_place(t, &d.flow, &order);
    seam_check_eq(t, announcer_run(&d.flow.world.announcer, &sent, &failure), -1);
    seam_check_eq(t, sent, 0);

    expect_take(d.db);
    seam_pg_expect(d.db, .event = SEAM_PG_COMMIT);
    expect_nothing_to_take(d.db);
    flow_announce(t, &d.flow, 1);
    seam_check_eq(t, seam_broker_ready(d.broker, "paid"), 1);
}

/* No money, no event: the outbox is not touched. */
SEAM_TEST(order_flow_of_a_declined_payment)
{
    struct order draft = sample_order(1), order;
    struct failure failure;
    struct doubles d;

    start(t, &d);
    seam_http_expect(d.pay, .method = "POST",
                     .reply = { { .status = 402, .json = "{'error': 'no funds'}" } });
    expect_save(d.db);
    seam_pg_expect(d.db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(d.db, .sql_regex = "^UPDATE orders SET status",
                   .args = { SEAM_V(ORDER_1), SEAM_V(1), SEAM_V("declined"), SEAM_SQL_NULL,
                             SEAM_SQL_NULL },
                   .columns = "version int4", .rows = { { SEAM_V(2) } });
    seam_pg_expect(d.db, .event = SEAM_PG_COMMIT);
    expect_nothing_to_take(d.db);

    seam_check_eq(t, order_service_place(&d.flow.world.service, &draft, &order, &failure),
                  SERVICE_DECLINED);
    flow_announce(t, &d.flow, 0);
    seam_check_eq(t, seam_broker_count(d.broker), 0);
}
