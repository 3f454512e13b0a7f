/* service/events.h - the events that the order service announces. */
#ifndef SERVICE_EVENTS_H
#define SERVICE_EVENTS_H

#include "service/ports.h"

/* Make the event that says that the order was paid. The order is valid. */
void event_order_paid(const struct order *order, struct event *ret_event);

#endif
