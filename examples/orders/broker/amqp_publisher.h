/*
 * broker/amqp_publisher.h - events announced through RabbitMQ.
 *
 * Fills the event_publisher port of service/ports.h. An event goes to the exchange "orders", with
 * its routing key, persistent, its id as the message's; and it counts as announced when the broker
 * has confirmed that a queue keeps it. One that no queue wants is a failure: whoever is to read it
 * has not set up a queue yet, and should not miss it.
 *
 * The connection is made by the first event, and anew by the next one after it was lost.
 *
 * Ownership: whoever opens a publisher closes it. Settings are copied.
 *
 * Threads: one at a time for each publisher.
 */
#ifndef BROKER_AMQP_PUBLISHER_H
#define BROKER_AMQP_PUBLISHER_H

#include "service/ports.h"

#define AMQP_PUBLISHER_EXCHANGE "orders"

struct amqp_publisher;

struct amqp_publisher_settings {
    const char *url; /* "amqp://user:password@host:port/vhost" */
    int timeout_ms; /* for each answer of the broker; 0: 5 s */
};

/* Returns 0, or -1 when there is no memory. Nobody is asked yet. */
int amqp_publisher_open(struct amqp_publisher **ret_publisher,
                        const struct amqp_publisher_settings *settings);

/* NULL is fine. */
void amqp_publisher_close(struct amqp_publisher *publisher);

/* The port; good until the publisher is closed. */
struct event_publisher amqp_publisher_port(struct amqp_publisher *publisher);

#endif
