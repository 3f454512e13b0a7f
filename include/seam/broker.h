/*
 * seam/broker.h - a message broker in memory, for behind the port that the application owns.
 *
 *     SEAM_TEST(order_paid_is_published)
 *     {
 *         seam_broker *broker = seam_broker_start(t);
 *         struct event_publisher port = { .self = broker, .publish = seam_broker_publish };
 *
 *         seam_broker_expect(broker, .routing_key = "order.paid", .json = "{'id': 7}");
 *         seam_require_ok(t, order_service_pay(&port, 7));
 *     }
 *
 * The application's production code includes nothing of Seam: it publishes through an interface of its own, in which
 * the test puts these functions. The broker does what RabbitMQ does with exchanges, queues, bindings,
 * acknowledgements, dead letters, times to live and prefetch (AMQP 0-9-1, and RabbitMQ's own pages where that is
 * silent), at once and in one thread. An unmodified AMQP client talks to the same broker by seam/amqp_mock.h.
 *
 * An expectation that is not met when the (sub)test ends fails it, with the nearest message beside it. Times to live
 * go by the test's clock (seam/clock.h), which stands still or moves as it is told, else by the machine's.
 *
 * Ownership: a broker, its messages and strings belong to the (sub)test. What is passed in is copied.
 *
 * Threads: any thread may publish, get and acknowledge; the functions that may end the test are for its own thread.
 */
#ifndef SEAM_BROKER_H
#define SEAM_BROKER_H

#include <seam/message.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_broker seam_broker;

typedef struct seam_broker_options {
    const char *exchange SEAM_0; /* where seam_broker_publish publishes; NULL: "events", a topic exchange that is there */
    bool        strict SEAM_0; /* a message that no seam_broker_expect takes fails the test at its end */
    seam_site   site SEAM_0; /* set for you */
} seam_broker_options;

#define seam_broker_start(...) seam_broker_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_broker_start_(t, ...) seam_broker_start_at((t), SEAM_NEW(seam_broker_options, __VA_ARGS__))
seam_broker *seam_broker_start_at(seam_t *t, SEAM_REF(seam_broker_options) options);

/* ---- for the port of the application ------------------------------------------------------------ */

/* Publish to the broker's exchange. `broker` is a seam_broker. 0; what seam_broker_fail says otherwise: -ENOTCONN
 * when the connection is lost, -EIO when the publish fails, -ENOENT when it came back as unroutable. */
int seam_broker_publish(void *broker, const char *routing_key, const void *body, size_t size);

/* The same with all that a message may have; at_ms, redelivered and delivery_tag are set by the broker. */
int seam_broker_send(void *broker, const seam_message *message, bool mandatory);

/* ---- what is in it ------------------------------------------------------------------------------ */

typedef struct seam_broker_queue_options {
    const char *dead_letter_exchange SEAM_0;
    const char *dead_letter_key SEAM_0;
    int         message_ttl_ms SEAM_0;
    int         max_length SEAM_0; /* more: the oldest is dropped, or dead-lettered */
    seam_site   site SEAM_0; /* set for you */
} seam_broker_queue_options;

/* Declare; type is "direct", "topic", "fanout" or "headers". A name that is there with another type or other
 * arguments ends the test, in RabbitMQ's words. */
#define seam_broker_exchange(broker, name, type) seam_broker_exchange_at((broker), SEAM_HERE, (name), (type))
void seam_broker_exchange_at(seam_broker *broker, seam_site at, const char *name, const char *type);
#define seam_broker_queue(broker, ...) seam_broker_queue_(broker, __VA_ARGS__, .site = SEAM_SITE)
#define seam_broker_queue_(broker, name, ...) \
    seam_broker_queue_at((broker), (name), SEAM_NEW(seam_broker_queue_options, __VA_ARGS__))
void seam_broker_queue_at(seam_broker *broker, const char *name, SEAM_REF(seam_broker_queue_options) options);
#define seam_broker_bind(broker, queue, exchange, key) \
    seam_broker_bind_at((broker), SEAM_HERE, (queue), (exchange), (key))
void seam_broker_bind_at(seam_broker *broker, seam_site at, const char *queue, const char *exchange,
                         const char *key);

/* To a headers exchange: messages that have all of these headers, or, with .any, one of them. */
typedef struct seam_broker_headers {
    seam_message_header match[8] SEAM_0; /* a NULL value: any */
    bool                any SEAM_0;
    seam_site           site SEAM_0; /* set for you */
} seam_broker_headers;
#define seam_broker_bind_headers(broker, queue, ...) \
    seam_broker_bind_headers_(broker, queue, __VA_ARGS__, .site = SEAM_SITE)
#define seam_broker_bind_headers_(broker, queue, exchange, ...) \
    seam_broker_bind_headers_at((broker), (queue), (exchange), SEAM_NEW(seam_broker_headers, __VA_ARGS__))
void seam_broker_bind_headers_at(seam_broker *broker, const char *queue, const char *exchange,
                                 SEAM_REF(seam_broker_headers) wanted);

/* ---- consumers ---------------------------------------------------------------------------------- */

/* The next message of a queue, not acknowledged; NULL: there is none. */
const seam_message *seam_broker_get(seam_broker *broker, const char *queue);

/* A function that is called with each message of a queue, by the thread that publishes, outside of the broker's lock;
 * at most `prefetch` are unacknowledged at a time (0: no limit). Returns a number for seam_broker_cancel. */
typedef void seam_broker_consume_fn(seam_broker *broker, const seam_message *message, void *arg);
int seam_broker_consume(seam_broker *broker, const char *queue, int prefetch, seam_broker_consume_fn *fn, void *arg);
void seam_broker_cancel(seam_broker *broker, int consumer);

/* 0; -ENOENT: nothing unacknowledged has that tag. A rejected message that is not requeued is dead-lettered. */
int seam_broker_ack(seam_broker *broker, uint64_t delivery_tag);
int seam_broker_reject(seam_broker *broker, uint64_t delivery_tag, bool requeue);
void seam_broker_recover(seam_broker *broker); /* all that is unacknowledged goes back, as redelivered */

/* Messages that are ready in a queue, and those that are delivered and not acknowledged. */
size_t seam_broker_ready(seam_broker *broker, const char *queue);
size_t seam_broker_unacknowledged(seam_broker *broker, const char *queue);

/* ---- failures on demand ------------------------------------------------------------------------- */

typedef struct seam_broker_failure {
    int  at SEAM_0; /* the nth publish from now; 0: the next */
    int  times SEAM_0; /* so many in a row; 0: one; -1: all */
    bool connection_lost SEAM_0; /* -ENOTCONN, and what is unacknowledged goes back; else -EIO */
    bool unroutable SEAM_0; /* as if no queue was bound: -ENOENT when it is mandatory, and of seam_broker_publish */
    bool accepted SEAM_0; /* the message is taken nevertheless: the answer was lost */
} seam_broker_failure;

#define seam_broker_fail(broker, ...) \
    seam_broker_fail_with((broker), SEAM_NEW(seam_broker_failure, __VA_ARGS__))
void seam_broker_fail_with(seam_broker *broker, SEAM_REF(seam_broker_failure) failure);

/* ---- what was published ------------------------------------------------------------------------- */

/* All messages that were taken, in order, also those that no queue got, but for mandatory ones, which came back.
 * i from 0; NULL behind the last. */
size_t seam_broker_count(const seam_broker *broker);
const seam_message *seam_broker_message(const seam_broker *broker, size_t i);

/* That a message like this is published before the test ends, or was before this call: exactly .times (0: one). Each
 * message counts for the first expectation that it fits and that has not got all. With .in_order not before those of
 * expectations above it that are in order, too. */
typedef struct seam_broker_expectation {
    const char *exchange     SEAM_0; /* as in seam_message_match */
    const char *routing_key  SEAM_0;
    const char *key_pattern  SEAM_0;
    const char *text         SEAM_0;
    const char *contains     SEAM_0;
    const char *pattern      SEAM_0;
    const char *json         SEAM_0;
    const char *json_equal   SEAM_0;
    seam_message_header headers[8] SEAM_0;
    const char *content_type SEAM_0;
    const char *message_id   SEAM_0;
    bool      (*fn)(const seam_message *message, void *arg) SEAM_0;
    void       *arg          SEAM_0;
    int         times        SEAM_0;
    bool        optional     SEAM_0;
    bool        never        SEAM_0; /* fails the test when one is published */
    bool        in_order     SEAM_0;
    int         within_ms    SEAM_0; /* of seam_broker_eventually; 0: 5000 */
    seam_site   site         SEAM_0; /* set for you */
} seam_broker_expectation;

#define seam_broker_expect(...) seam_broker_expect_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_broker_expect_(broker, ...) \
    seam_broker_expect_at((broker), SEAM_NEW(seam_broker_expectation, __VA_ARGS__))
void seam_broker_expect_at(seam_broker *broker, SEAM_REF(seam_broker_expectation) expectation);

/* Wait for it, for code that publishes from another thread. Returns the message, the last of .times, and each one
 * once; fails the test, and returns NULL, when none comes in time. What seam_broker_expect expects is not affected. */
#define seam_broker_eventually(...) seam_broker_eventually_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_broker_eventually_(broker, ...) \
    seam_broker_eventually_at((broker), SEAM_NEW(seam_broker_expectation, __VA_ARGS__))
const seam_message *seam_broker_eventually_at(seam_broker *broker, SEAM_REF(seam_broker_expectation) expectation);

/* That all messages so far were taken by an expectation, or returned by seam_broker_eventually. */
#define seam_broker_expect_nothing_else(broker) seam_broker_expect_nothing_else_at((broker), SEAM_HERE)
void seam_broker_expect_nothing_else_at(seam_broker *broker, seam_site at);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
