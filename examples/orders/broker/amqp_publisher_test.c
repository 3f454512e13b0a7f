/* broker/amqp_publisher_test.c - the publisher, rabbitmq-c and all, with a real RabbitMQ. */

//seam:build integration

#include <seam/rabbitmq.h>

#include <string.h>

#include "broker/amqp_publisher.h"

SEAM_CLEANUP_FN(close_publisher, amqp_publisher_close, struct amqp_publisher *);

static struct event_publisher open_publisher(seam_t *t, const char *url)
{
    struct amqp_publisher *publisher;

    seam_require_ok(
        t, amqp_publisher_open(&publisher, &(struct amqp_publisher_settings){ .url = url }));
    seam_cleanup(t, close_publisher, publisher);
    return amqp_publisher_port(publisher);
}

/* A virtual host with a queue "paid" for what the publisher sends. */
static seam_rabbitmq *start_broker(seam_t *t)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);

    seam_rabbitmq_exchange(mq, "orders", "topic");
    seam_rabbitmq_queue(mq, "paid");
    seam_rabbitmq_bind(mq, "paid", "orders", "order.paid");
    return mq;
}

static const struct event event = { .id = "7.paid", .routing_key = "order.paid", .body = "{}" };

SEAM_TEST(event_is_a_message)
{
    seam_rabbitmq *mq = start_broker(t);
    struct event_publisher events = open_publisher(t, seam_rabbitmq_url(mq));
    const seam_message *message;
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    message = seam_rabbitmq_get(mq, "paid", 0);
    seam_check_eq(t, message->exchange, "orders");
    seam_check_eq(t, message->routing_key, "order.paid");
    seam_check_eq(t, message->message_id, "7.paid");
    seam_check_eq(t, message->content_type, "application/json");
    seam_check_eq(t, message->body, "{}");
    seam_check(t, message->persistent);
}

/* The exchange is the publisher's to declare, queues are the readers'. */
SEAM_TEST(event_that_no_queue_wants_is_not_taken)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    struct event_publisher events = open_publisher(t, seam_rabbitmq_url(mq));
    struct failure failure;

    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_eq(t, failure.text, "the broker: no queue takes it");

    seam_rabbitmq_queue(mq, "paid");
    seam_rabbitmq_bind(mq, "paid", "orders", "#");
    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_check_eq(t, seam_rabbitmq_count(mq, "paid"), 1);
}

SEAM_TEST(full_queue_refuses)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    struct event_publisher events = open_publisher(t, seam_rabbitmq_url(mq));
    struct failure failure;

    seam_rabbitmq_exchange(mq, "orders", "topic");
    seam_rabbitmq_queue(mq, "paid", .max_length = 1,
                        .arguments_json = "{\"x-overflow\": \"reject-publish\"}");
    seam_rabbitmq_bind(mq, "paid", "orders", "#");
    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_eq(t, failure.text, "the broker: it was not taken");

    seam_rabbitmq_purge(mq, "paid");
    seam_require_ok(t, events.publish(events.self, &event, &failure));
}

SEAM_TEST(connection_that_was_closed_is_made_anew)
{
    seam_rabbitmq *mq = start_broker(t);
    struct event_publisher events = open_publisher(t, seam_rabbitmq_url(mq));
    struct failure failure;

    seam_require_ok(t, events.publish(events.self, &event, &failure));
    seam_rabbitmq_close_connections(mq);
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_require_ok(t, events.publish(events.self, &event, &failure));
}

SEAM_TEST(exchange_of_another_kind_is_named)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    struct event_publisher events = open_publisher(t, seam_rabbitmq_url(mq));
    struct failure failure;

    seam_rabbitmq_exchange(mq, "orders", "fanout");
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text,
                        "cannot declare the exchange: 406 PRECONDITION_FAILED");
}

SEAM_TEST(stranger_is_not_let_in)
{
    seam_rabbitmq *mq = start_broker(t);
    struct event_publisher events =
        open_publisher(t, seam_format(t, "amqp://nobody:guess@127.0.0.1:%d/%s",
                                      seam_rabbitmq_port(mq), seam_rabbitmq_vhost(mq)));
    struct failure failure;

    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_contains(t, failure.text, "cannot log in");
}
