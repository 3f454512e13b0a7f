/* testkit/sample_order.h - an order that is right in every respect, for tests to change. */
#ifndef TESTKIT_SAMPLE_ORDER_H
#define TESTKIT_SAMPLE_ORDER_H

#include "order/order.h"

/* A pending order of customer 7 for 42.00 EUR in two lines. Different numbers give different
 * ids, idempotency keys ("key-<number>") and times of creation. */
struct order sample_order(int number);

#endif
