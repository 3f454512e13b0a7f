/*
 * ordersd/order_flow_test.c - the finished daemon from request to event: a real PostgreSQL, a real
 * RabbitMQ, and in the place of https://api.pay.test a double. And the same when the daemon is killed
 * where it hurts most.
 */

//seam:build integration

#include <seam/http_mock.h>
#include <seam/rabbitmq.h>

#include <signal.h>

#include "ordersd/daemon_test.h"

/* A virtual host with a queue for paid orders. */
static seam_rabbitmq *start_broker(seam_t *t)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);

    seam_rabbitmq_exchange(mq, "orders", "topic");
    seam_rabbitmq_queue(mq, "paid");
    seam_rabbitmq_bind(mq, "paid", "orders", "order.paid");
    return mq;
}

/* The one order is paid, and there was and will be one event of it. */
static void check_completed_once(seam_t *t, struct daemon *daemon, seam_postgres *pg,
                                 seam_rabbitmq *mq)
{
    const char *id;

    seam_check_contains(t, seam_rabbitmq_get(mq, "paid", 5000)->body, "\"total_cents\":4200");
    seam_check_eq(t, seam_process_stop(daemon->process), 0); /* it sends what it has to */
    id = seam_postgres_value(pg, "SELECT id FROM orders WHERE status = 'paid'");
    seam_check_ne(t, id, "");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "1");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM outbox"), "0");
    seam_check_eq(t, seam_rabbitmq_count(mq, "paid"), 0);
}

SEAM_TEST(order_flow_of_the_daemon)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    seam_rabbitmq *mq = start_broker(t);
    struct daemon daemon = start_daemon(t, pg, seam_rabbitmq_url(mq));
    const seam_http_response *placed, *again, *found;

    seam_http_expect(pay, CHARGE, .header = { "Authorization: Bearer secret" },
                     .json_subset = "{'amount': 4200, 'currency': 'EUR'}",
                     .reply = { { .json = "{'id': 'ch_1'}" } });
    placed = post(t, &daemon, "key-1");
    seam_check_eq(t, placed->status, 201);
    again = post(t, &daemon, "key-1"); /* neither charged nor announced again */
    seam_check_json(t, again->body, placed->body);
    found = seam_http_get(t, at(t, &daemon, seam_http_header(placed, "Location")));
    seam_check_eq(t, found->status, 200);
    seam_check_json(t, found->body, placed->body);

    seam_via(t, check_completed_once(t, &daemon, pg, mq));
    seam_check_eq(t, seam_http_mock_count(pay), 1);
}

/* The provider has charged, and the daemon dies before it knows. */
static void charge_and_kill(seam_http_exchange *x, void *arg)
{
    const struct daemon *daemon = arg;

    kill(seam_process_pid(daemon->process), SIGKILL);
    seam_http_respond(x, 200, "application/json", "{\"id\": \"ch_1\"}");
}

SEAM_TEST(killed_between_payment_and_database)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    seam_rabbitmq *mq = start_broker(t);
    struct daemon daemon = start_daemon(t, pg, seam_rabbitmq_url(mq));

    seam_http_expect(pay, CHARGE, .reply = { { .fn = charge_and_kill, .arg = &daemon } });
    seam_check_ne(t, try_to_post(t, &daemon, "key-1")->status, 201);
    seam_check_eq(t, seam_process_wait(daemon.process, 5000), -SIGKILL);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "pending");
    seam_check_eq(t, seam_rabbitmq_count(mq, "paid"), 0);

    /* The next start asks with the same key, for which the provider charges nothing more. */
    seam_http_expect(pay, CHARGE, .reply = { { .json = "{'id': 'ch_1'}" } });
    daemon = start_daemon(t, pg, seam_rabbitmq_url(mq));
    seam_via(t, check_completed_once(t, &daemon, pg, mq));
    seam_require_eq(t, seam_http_mock_count(pay), 2);
    seam_check_json(t, seam_http_mock_call(pay, 1)->body, seam_http_mock_call(pay, 0)->body);
}

/* The customer has been told, and the daemon dies before anybody else is. */
SEAM_TEST(killed_between_database_and_broker)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    seam_rabbitmq *mq = seam_rabbitmq_start(t); /* with no queue: nobody takes the event */
    struct daemon daemon = start_daemon(t, pg, seam_rabbitmq_url(mq));

    seam_http_expect(pay, CHARGE, .reply = { { .json = "{'id': 'ch_1'}" } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 201);
    seam_process_line(daemon.process, "^orders: events wait: .*no queue takes it", 5000);
    seam_process_signal(daemon.process, SIGKILL);
    seam_check_eq(t, seam_process_wait(daemon.process, 5000), -SIGKILL);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM outbox"), "1");

    seam_rabbitmq_queue(mq, "paid");
    seam_rabbitmq_bind(mq, "paid", "orders", "order.paid");
    daemon = start_daemon(t, pg, seam_rabbitmq_url(mq));
    seam_via(t, check_completed_once(t, &daemon, pg, mq));
    seam_check_eq(t, seam_http_mock_count(pay), 1);
}
