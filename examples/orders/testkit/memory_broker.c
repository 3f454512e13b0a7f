/* testkit/memory_broker.c - see memory_broker.h. */

#include "testkit/memory_broker.h"

#include <stdio.h>
#include <string.h>

static int publish(void *self, const struct event *event, struct failure *failure)
{
    const seam_message message = { .exchange = "orders",
                                   .routing_key = event->routing_key,
                                   .body = event->body,
                                   .size = strlen(event->body),
                                   .message_id = event->id,
                                   .content_type = "application/json",
                                   .persistent = true,
                                   .priority = -1 };
    int r = seam_broker_send(self, &message, true);

    snprintf(failure->text, sizeof failure->text, "the broker: %s", strerror(-r));
    return r < 0 ? -1 : 0;
}

struct event_publisher memory_broker_port(seam_broker *broker)
{
    return (struct event_publisher){ .self = broker, .publish = publish };
}

seam_broker *memory_broker_start(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_exchange(broker, "orders", "topic");
    seam_broker_queue(broker, "paid");
    seam_broker_bind(broker, "paid", "orders", "order.paid");
    return broker;
}
