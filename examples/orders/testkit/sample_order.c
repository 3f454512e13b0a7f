/* testkit/sample_order.c - see sample_order.h. */

#include "testkit/sample_order.h"

#include <stdio.h>

struct order sample_order(int number)
{
    struct order order = {
        .customer_id = 7,
        .status = ORDER_PENDING,
        .currency = "EUR",
        .note = "ring twice",
        .metadata = "{\"channel\": \"web\"}",
        .created_at_us = 1700000000123456 + number,
        .version = 1,
        .line_count = 2,
        .lines = { { .sku = "tea-green", .quantity = 2, .unit_cents = 1250 },
                   { .sku = "cup-blue", .quantity = 1, .unit_cents = 1700 } },
    };

    snprintf(order.id, sizeof order.id, "00000000-0000-4000-8000-%012d", number);
    snprintf(order.idempotency_key, sizeof order.idempotency_key, "key-%d", number);
    return order;
}
