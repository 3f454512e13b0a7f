/* flow/flow_test.h - the order service with its real adapters, for the flow tests; each call may end the test. */
#ifndef FLOW_FLOW_TEST_H
#define FLOW_FLOW_TEST_H

#include <seam/seam.h>

#include "testkit/fakes.h"

/* Time and ids are Seam's: it is 2023-11-14 22:13:20 UTC, and the first order has the id of
 * sample_order(1). What is not mentioned is the world's fakes. */
struct flow {
    struct world world;
};

/* Orders and the outbox are kept at `conninfo`, payments taken by https://api.pay.test, events sent
 * by `events`. All is closed when the test ends. */
void flow_start(seam_t *t, struct flow *flow, const char *conninfo,
                struct event_publisher events);

/* Place an order, which has to be paid; `order` becomes the one that is kept. */
void flow_place(seam_t *t, struct flow *flow, struct order *order);

/* Announce what is in the outbox, which has to be so many events. */
void flow_announce(seam_t *t, struct flow *flow, size_t want);

#endif
