/*
 * events/traffic.h - the last exchanges of a (sub)test, to be printed when it fails.
 *
 *     traffic (last 2 of 7):
 *         0.4 ms  POST https://api.pay.test/v1/charges  -> 429  {"error":"slow down"}
 *         2.1 ms  POST https://api.pay.test/v1/charges  -> 501  (no rule)
 *         2.3 ms  served GET /orders/7  -> 200                              by a server of the test's
 *
 * Ownership: it keeps copies, at most TRAFFIC_KEPT of TRAFFIC_TEXT_MAX bytes.
 * Threads: one at a time.
 */
#ifndef EVENTS_TRAFFIC_H
#define EVENTS_TRAFFIC_H

#include "base/buf.h"
#include "events/event.h"

enum { TRAFFIC_KEPT = 10, TRAFFIC_TEXT_MAX = 4096 };

/* Zero is empty. */
struct traffic {
    struct traffic_line **ring; /* TRAFFIC_KEPT of them; NULL until there is one */
    uint32_t count; /* of all that came; the next goes to ring[count % TRAFFIC_KEPT] */
};

/* Take an EVENT_EXCHANGE. One that memory ends for is counted and not shown. */
void traffic_add(struct traffic *traffic, const struct event *event);

/* Add the lines, behind 4 * depth + 4 blanks; nothing when there was no exchange. */
void traffic_print(const struct traffic *traffic, struct buf *to, int depth);
void traffic_fini(struct traffic *traffic);

#endif
