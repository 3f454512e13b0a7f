/* service/events.c - events as JSON; see events.h. */

#include "service/events.h"

#include <inttypes.h>
#include <stdio.h>

/* A valid order's id and currency have no character that JSON would want escaped, and its total
 * fits: order_validate has seen to both. */
void event_order_paid(const struct order *order, struct event *ret_event)
{
    struct money total = { 0 };

    order_total(order, &total);
    *ret_event = (struct event){ .routing_key = "order.paid" };
    snprintf(ret_event->id, sizeof ret_event->id, "%s.paid", order->id);
    snprintf(ret_event->body, sizeof ret_event->body,
             "{\"order_id\":\"%s\",\"customer_id\":%" PRId64 ",\"total_cents\":%" PRId64
             ",\"currency\":\"%s\",\"paid_at_us\":%" PRId64 "}",
             order->id, order->customer_id, total.cents, total.currency, order->paid_at_us);
}
