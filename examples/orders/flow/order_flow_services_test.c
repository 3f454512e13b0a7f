/* flow/order_flow_services_test.c - the same flow with a real PostgreSQL and a real RabbitMQ; only the payment
 * provider, which is somebody else's, is a double. */

//seam:build integration

#include <seam/http_mock.h>
#include <seam/postgres.h>
#include <seam/rabbitmq.h>

#include "broker/amqp_publisher.h"
#include "flow/flow_test.h"
#include "testkit/sample_order.h"

SEAM_CLEANUP_FN(close_publisher, amqp_publisher_close, struct amqp_publisher *);

struct services {
    seam_http_mock *pay;
    seam_postgres *pg;
    seam_rabbitmq *mq;
    struct flow flow;
};

static struct event_publisher open_publisher(seam_t *t, seam_rabbitmq *mq)
{
    const struct amqp_publisher_settings settings = { .url = seam_rabbitmq_url(mq) };
    struct amqp_publisher *publisher;

    seam_require_ok(t, amqp_publisher_open(&publisher, &settings));
    seam_cleanup(t, close_publisher, publisher);
    return amqp_publisher_port(publisher);
}

static void start(seam_t *t, struct services *s)
{
    s->pay = seam_http_mock_start(t, "https://api.pay.test");
    s->pg = seam_postgres_start(t, .migrations = "../repository/migrations");
    seam_postgres_exec(s->pg,
                       "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')");
    s->mq = seam_rabbitmq_start(t);
    flow_start(t, &s->flow, seam_postgres_conninfo(s->pg), open_publisher(t, s->mq));
}

/* What readers of the events set up. */
static void bind_queue(const struct services *s)
{
    seam_rabbitmq_exchange(s->mq, "orders", "topic");
    seam_rabbitmq_queue(s->mq, "paid");
    seam_rabbitmq_bind(s->mq, "paid", "orders", "order.paid");
}

SEAM_TEST(order_flow_with_services)
{
    struct order order = sample_order(1);
    const seam_message *message;
    struct services s;

    start(t, &s);
    bind_queue(&s);
    seam_http_expect(s.pay, .method = "POST", .path = "/v1/charges",
                     .json_subset = "{'amount': 4200, 'currency': 'EUR'}",
                     .reply = { { .json = "{'id': 'ch_1'}" } });

    flow_place(t, &s.flow, &order);
    seam_check_eq(t, seam_postgres_value(s.pg, "SELECT count(*) FROM outbox"), "1");
    flow_announce(t, &s.flow, 1);

    seam_check_eq(t, seam_http_mock_count(s.pay), 1);
    seam_check_eq(t, seam_postgres_value(s.pg, "SELECT status || payment_id FROM orders"),
                  "paidch_1");
    seam_check_eq(t, seam_postgres_value(s.pg, "SELECT count(*) FROM outbox"), "0");
    message = seam_rabbitmq_get(s.mq, "paid", 0);
    seam_check_eq(t, message->message_id, "00000000-0000-4000-8000-000000000001.paid");
    seam_check_json(t, message->body,
                    "{'order_id': '00000000-0000-4000-8000-000000000001', 'customer_id': 7,"
                    " 'total_cents': 4200, 'currency': 'EUR', 'paid_at_us': 1700000000000000}");
    seam_check_eq(t, seam_rabbitmq_count(s.mq, "paid"), 0);
}

/* The broker gives the event back: the transaction that took it out of the table is rolled back. */
SEAM_TEST(event_that_no_queue_wants_is_in_its_place_again)
{
    struct order order = sample_order(1);
    struct failure failure;
    struct services s;
    size_t sent;

    start(t, &s);
    seam_http_expect(s.pay, .method = "POST", .reply = { { .json = "{'id': 'ch_1'}" } });
    flow_place(t, &s.flow, &order);
    seam_check_eq(t, announcer_run(&s.flow.world.announcer, &sent, &failure), -1);
    seam_check_eq(t, failure.text, "the broker: no queue takes it");
    seam_check_eq(t, seam_postgres_value(s.pg, "SELECT count(*) FROM outbox"), "1");

    bind_queue(&s);
    flow_announce(t, &s.flow, 1);
    seam_check_eq(t, seam_rabbitmq_count(s.mq, "paid"), 1);
}
