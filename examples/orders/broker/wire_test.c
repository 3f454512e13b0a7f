/*
 * broker/wire_test.c - the publisher, rabbitmq-c and all, with a double that speaks AMQP in the place
 * of RabbitMQ: no server, and bad days on request.
 */

#include <seam/amqp_mock.h>

#include "broker/amqp_publisher.h"

#define ORIGIN "amqp://mq.prod:5672/shop"
#define URL "amqp://orders:secret@mq.prod:5672/shop"

SEAM_CLEANUP_FN(close_publisher, amqp_publisher_close, struct amqp_publisher *);

static const struct event event = { .id = "7.paid", .routing_key = "order.paid", .body = "{}" };

/* The address is the one of production: the double has taken its place. */
static struct event_publisher open_publisher(seam_t *t, int timeout_ms)
{
    const struct amqp_publisher_settings settings = { .url = URL, .timeout_ms = timeout_ms };
    struct amqp_publisher *publisher;

    seam_require_ok(t, amqp_publisher_open(&publisher, &settings));
    seam_cleanup(t, close_publisher, publisher);
    return amqp_publisher_port(publisher);
}

/* A broker with a queue "paid" for what the publisher sends. */
static seam_amqp_mock *start_broker(seam_t *t)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = ORIGIN);
    seam_broker *broker = seam_amqp_mock_broker(mock);

    seam_broker_exchange(broker, "orders", "topic");
    seam_broker_queue(broker, "paid");
    seam_broker_bind(broker, "paid", "orders", "order.paid");
    return mock;
}

SEAM_TEST(event_is_sent_as_a_message)
{
    seam_amqp_mock *mock = start_broker(t);
    struct event_publisher events = open_publisher(t, 0);
    const seam_message *message;
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    message = seam_broker_get(seam_amqp_mock_broker(mock), "paid");
    seam_require(t, message != NULL);
    seam_check_eq(t, message->exchange, "orders");
    seam_check_eq(t, message->routing_key, "order.paid");
    seam_check_eq(t, message->message_id, "7.paid");
    seam_check_eq(t, message->content_type, "application/json");
    seam_check_eq(t, message->body, "{}");
    seam_check(t, message->persistent);
}

SEAM_TEST(second_event_goes_by_the_same_connection)
{
    seam_amqp_mock *mock = start_broker(t);
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_check_eq(t, seam_amqp_mock_connections(mock), 1);
    seam_check_eq(t, seam_broker_ready(seam_amqp_mock_broker(mock), "paid"), 2);
}

SEAM_TEST(event_that_comes_back_is_not_taken)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = ORIGIN);
    seam_broker *broker = seam_amqp_mock_broker(mock);
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_eq(t, failure.text, "the broker: no queue takes it");
    seam_broker_queue(broker, "paid");
    seam_broker_bind(broker, "paid", "orders", "#");
    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_check_eq(t, seam_amqp_mock_connections(mock), 1);
}

SEAM_TEST(exchange_of_another_kind_is_told)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = ORIGIN);
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_broker_exchange(seam_amqp_mock_broker(mock), "orders", "fanout");
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text,
                        "cannot declare the exchange: 406 PRECONDITION_FAILED");
}

/* What ends a connection costs one attempt; the next one makes it anew. */
struct loss_row {
    const char *name;
    enum seam_amqp_failure failure;
};

SEAM_SUBTEST(loss_row)
{
    const struct loss_row *row = arg;
    seam_amqp_mock *mock = start_broker(t);
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_amqp_mock_fail(mock, row->failure);
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_ne(t, failure.text, "");
    seam_require_ok(t, events.publish(events.self, &event, &failure));
}

SEAM_TEST(lost_connection_is_made_anew)
{
    static const struct loss_row rows[] = {
        { "closed by an operator", SEAM_AMQP_CLOSE },
        { "reset", SEAM_AMQP_RESET },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, loss_row, &rows[i]);
}

SEAM_TEST(broker_that_says_nothing_is_not_waited_for)
{
    seam_amqp_mock *mock = start_broker(t);
    struct event_publisher events = open_publisher(t, 50);
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_amqp_mock_fail(mock, SEAM_AMQP_STALL);
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text, "no confirmation");
}

SEAM_TEST(broker_that_refuses_connections_is_named)
{
    seam_amqp_mock *mock = start_broker(t);
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_amqp_mock_fail(mock, SEAM_AMQP_REFUSE);
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text, "cannot connect to mq.prod:5672");
    seam_amqp_mock_fail(mock, SEAM_AMQP_ACCEPT);
    seam_require_ok(t, events.publish(events.self, &event, &failure));
}

SEAM_TEST(wrong_password_is_told)
{
    struct event_publisher events = open_publisher(t, 0);
    struct failure failure;

    seam_amqp_mock_start(t, .origin = ORIGIN, .user = "orders", .password = "changed");
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text, "cannot log in");
}
