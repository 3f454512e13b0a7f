/*
 * testkit/memory_broker.h - Seam's broker in memory, as the service's event_publisher.
 *
 * The port is the application's own, and these few lines are all that it takes to have another
 * broker behind it. What broker/amqp_publisher.c says of a message is said here, too: exchange,
 * routing key, id, persistent, mandatory.
 */
#ifndef TESTKIT_MEMORY_BROKER_H
#define TESTKIT_MEMORY_BROKER_H

#include <seam/broker.h>

#include "service/ports.h"

/* The broker with the exchange and a queue "paid" that is bound to "order.paid". */
seam_broker *memory_broker_start(seam_t *t);

struct event_publisher memory_broker_port(seam_broker *broker);

#endif
