/*
 * seam/rabbitmq.h - a RabbitMQ for a test.
 *
 *     SEAM_TEST(event_reaches_the_queue, .tags = "integration")
 *     {
 *         seam_rabbitmq *mq = seam_rabbitmq_start(t);
 *
 *         seam_rabbitmq_exchange(mq, "orders", "topic");
 *         seam_rabbitmq_queue(mq, "orders.created");
 *         seam_rabbitmq_bind(mq, "orders.created", "orders", "order.*");
 *         publisher_send(seam_rabbitmq_url(mq), "order.created", "{\"id\":7}");
 *         seam_check_eq(t, seam_rabbitmq_get(mq, "orders.created", 2000)->routing_key, "order.created");
 *     }
 *
 * The broker is a real one, shared by the tests of the run: a program of this machine, or a container where
 * `-services docker` says so or no rabbitmq-server is installed. Each test has a virtual host and a user of its
 * own, which are removed when it ends, with all in them; a lease takes some 10 ms, the first one the broker's start
 * (3 to 5 s natively). A private server (.private_server) may be stopped and restarted.
 *
 * Where there is neither, the test is skipped with the reason and the command that mends it; under `-no-skip` it
 * fails. What the broker logged while the test ran is printed when the test fails.
 *
 * Ownership: the handle, messages and strings belong to the (sub)test. Strings passed in are copied.
 *
 * Threads: only the thread that runs the (sub)test may call these; any thread may use the broker.
 */
#ifndef SEAM_RABBITMQ_H
#define SEAM_RABBITMQ_H

#include <seam/message.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_rabbitmq seam_rabbitmq;

/* What is wanted; zero is the default of each field. */
typedef struct seam_rabbitmq_options {
    bool        private_server SEAM_0; /* a broker of this test's own, that it may stop and pause */
    const char *definitions SEAM_0; /* a file of exported definitions, from the folder of the test's source: imported
                                       into the test's virtual host */
    const char *plugins SEAM_0; /* names with blanks between them, besides rabbitmq_management; tests with equal ones
                                   share a server */
    bool        tls SEAM_0; /* the url is amqps://; its certificate is of the run's CA (seam_rabbitmq_ca_file) */
    const char *image SEAM_0; /* in a container, of this image; NULL: "rabbitmq:3-management" where one is needed */
    seam_site   site SEAM_0; /* set for you */
} seam_rabbitmq_options;

/* Get a virtual host, ready and empty. Ends the test when it cannot. */
#define seam_rabbitmq_start(...) seam_rabbitmq_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_rabbitmq_start_(t, ...) \
    seam_rabbitmq_start_at((t), SEAM_NEW(seam_rabbitmq_options, __VA_ARGS__))
seam_rabbitmq *seam_rabbitmq_start_at(seam_t *t, SEAM_REF(seam_rabbitmq_options) options);

/* How to reach it. */
const char *seam_rabbitmq_url(const seam_rabbitmq *mq); /* "amqp://user:password@127.0.0.1:port/vhost" */
const char *seam_rabbitmq_host(const seam_rabbitmq *mq);
int         seam_rabbitmq_port(const seam_rabbitmq *mq);
const char *seam_rabbitmq_vhost(const seam_rabbitmq *mq);
const char *seam_rabbitmq_user(const seam_rabbitmq *mq);
const char *seam_rabbitmq_password(const seam_rabbitmq *mq);
const char *seam_rabbitmq_ca_file(const seam_rabbitmq *mq); /* ends the test without .tls */
const char *seam_rabbitmq_management_url(const seam_rabbitmq *mq); /* "http://127.0.0.1:port", the same user */
const char *seam_rabbitmq_version(const seam_rabbitmq *mq);

/* ---- what is in it ------------------------------------------------------------------------------ */

typedef struct seam_rabbitmq_queue_options {
    const char *dead_letter_exchange SEAM_0; /* x-dead-letter-exchange */
    const char *dead_letter_key SEAM_0;
    int         message_ttl_ms SEAM_0; /* x-message-ttl */
    int         max_length SEAM_0; /* x-max-length */
    bool        transient SEAM_0; /* not durable; queues are durable otherwise */
    bool        auto_delete SEAM_0;
    const char *arguments_json SEAM_0; /* more of them, as one JSON object */
    seam_site   site SEAM_0; /* set for you */
} seam_rabbitmq_queue_options;

/* Declare; type is "direct", "topic", "fanout" or "headers". Durable. What the broker refuses ends the test. */
#define seam_rabbitmq_exchange(mq, name, type) seam_rabbitmq_exchange_at((mq), SEAM_HERE, (name), (type))
void seam_rabbitmq_exchange_at(seam_rabbitmq *mq, seam_site at, const char *name, const char *type);

#define seam_rabbitmq_queue(mq, ...) seam_rabbitmq_queue_(mq, __VA_ARGS__, .site = SEAM_SITE)
#define seam_rabbitmq_queue_(mq, name, ...) \
    seam_rabbitmq_queue_at((mq), (name), SEAM_NEW(seam_rabbitmq_queue_options, __VA_ARGS__))
void seam_rabbitmq_queue_at(seam_rabbitmq *mq, const char *name, SEAM_REF(seam_rabbitmq_queue_options) options);

#define seam_rabbitmq_bind(mq, queue, exchange, key) \
    seam_rabbitmq_bind_at((mq), SEAM_HERE, (queue), (exchange), (key))
void seam_rabbitmq_bind_at(seam_rabbitmq *mq, seam_site at, const char *queue, const char *exchange,
                           const char *key);

/* ---- messages ----------------------------------------------------------------------------------- */

typedef struct seam_rabbitmq_publish_options {
    const char *exchange SEAM_0; /* NULL: the default one, whose keys are names of queues */
    const char *routing_key SEAM_0;
    const char *text SEAM_0; /* the body, or ... */
    const char *json SEAM_0; /* ... JSON, in which ' may stand for "; sets the content type */
    const void *bytes SEAM_0;
    size_t      size SEAM_0;
    seam_message_header headers[8] SEAM_0;
    const char *content_type SEAM_0;
    const char *message_id SEAM_0;
    const char *correlation_id SEAM_0;
    const char *reply_to SEAM_0;
    int         expiration_ms SEAM_0;
    int         priority SEAM_0;
    bool        may_be_lost SEAM_0; /* that no queue takes it does not end the test */
    seam_site   site SEAM_0; /* set for you */
} seam_rabbitmq_publish_options;

/* Publish, persistent, and wait for the broker's confirmation. That no queue takes it ends the test. */
#define seam_rabbitmq_publish(...) seam_rabbitmq_publish_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_rabbitmq_publish_(mq, ...) \
    seam_rabbitmq_publish_at((mq), SEAM_NEW(seam_rabbitmq_publish_options, __VA_ARGS__))
void seam_rabbitmq_publish_at(seam_rabbitmq *mq, SEAM_REF(seam_rabbitmq_publish_options) options);

/* Take the first message of a queue, acknowledged. Ends the test when none comes within so many milliseconds, with
 * what queues and bindings there are. */
#define seam_rabbitmq_get(mq, queue, within_ms) seam_rabbitmq_get_at((mq), SEAM_HERE, (queue), (within_ms))
const seam_message *seam_rabbitmq_get_at(seam_rabbitmq *mq, seam_site at, const char *queue, int within_ms);

/* How many messages are ready in a queue, how many consumers it has, and what it throws away. */
size_t seam_rabbitmq_count(seam_rabbitmq *mq, const char *queue);
size_t seam_rabbitmq_consumers(seam_rabbitmq *mq, const char *queue);
size_t seam_rabbitmq_purge(seam_rabbitmq *mq, const char *queue);

/* ---- a consumer of the test's own --------------------------------------------------------------- */

typedef struct seam_rabbitmq_consumer seam_rabbitmq_consumer;

/* Consume from a queue, or, with an exchange and a key, from a queue of its own that is bound to it; from now until
 * the (sub)test ends. Messages are acknowledged as they come. */
#define seam_rabbitmq_consume(mq, queue) seam_rabbitmq_consume_at((mq), SEAM_HERE, (queue), NULL, NULL)
#define seam_rabbitmq_listen(mq, exchange, key) \
    seam_rabbitmq_consume_at((mq), SEAM_HERE, NULL, (exchange), (key))
seam_rabbitmq_consumer *seam_rabbitmq_consume_at(seam_rabbitmq *mq, seam_site at, const char *queue,
                                                 const char *exchange, const char *key);

/* Wait for a message that matches, among all that came and were not expected before. With .in_order the next one has
 * to be it. When none comes in time the test fails here, with the nearest of those that came. */
typedef struct seam_rabbitmq_expectation {
    seam_message_match match SEAM_0;
    int                within_ms SEAM_0; /* 0: 5000 */
    bool               in_order SEAM_0;
    seam_site          site SEAM_0; /* set for you */
} seam_rabbitmq_expectation;

#define seam_rabbitmq_expect(...) seam_rabbitmq_expect_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_rabbitmq_expect_(consumer, ...) \
    seam_rabbitmq_expect_at((consumer), SEAM_NEW(seam_rabbitmq_expectation, __VA_ARGS__))
const seam_message *seam_rabbitmq_expect_at(seam_rabbitmq_consumer *consumer,
                                            SEAM_REF(seam_rabbitmq_expectation) expectation);

/* That nothing else comes: fails with the first message that nobody expected, now or within so many milliseconds. */
#define seam_rabbitmq_expect_nothing(consumer, within_ms) \
    seam_rabbitmq_expect_nothing_at((consumer), SEAM_HERE, (within_ms))
void seam_rabbitmq_expect_nothing_at(seam_rabbitmq_consumer *consumer, seam_site at, int within_ms);

/* ---- failures ----------------------------------------------------------------------------------- */

/* Close every connection of this test's user, as an administrator would; returns how many. */
#define seam_rabbitmq_close_connections(mq) seam_rabbitmq_close_connections_at((mq), SEAM_HERE)
size_t seam_rabbitmq_close_connections_at(seam_rabbitmq *mq, seam_site at);

/* These need .private_server and end the test without. A server that was restarted has its durable queues and
 * persistent messages, at the same address; a paused one keeps connections and does not answer. */
#define seam_rabbitmq_stop(mq) seam_rabbitmq_do_at((mq), SEAM_HERE, "stop")
#define seam_rabbitmq_restart(mq) seam_rabbitmq_do_at((mq), SEAM_HERE, "restart")
#define seam_rabbitmq_pause(mq) seam_rabbitmq_do_at((mq), SEAM_HERE, "pause")
#define seam_rabbitmq_resume(mq) seam_rabbitmq_do_at((mq), SEAM_HERE, "resume")
void seam_rabbitmq_do_at(seam_rabbitmq *mq, seam_site at, const char *what);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
