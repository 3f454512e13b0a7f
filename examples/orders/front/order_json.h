/* front/order_json.h - orders as the HTTP interface speaks of them. */
#ifndef FRONT_ORDER_JSON_H
#define FRONT_ORDER_JSON_H

#include "service/ports.h"

/*
 * Read what a customer may say of an order:
 *
 *     {"customer_id": 7, "currency": "EUR", "note": "ring twice", "metadata": {...},
 *      "lines": [{"sku": "tea-green", "quantity": 2, "unit_cents": 1250}]}
 *
 * Without note and metadata it is an order as well; other members are a mistake. Whether the
 * order makes sense is for order_validate to say. Returns 0, or -1 after saying what is wrong.
 */
int order_json_read(const char *text, size_t size, struct order *ret_draft,
                    struct failure *failure);

/* All of an order; to be freed. NULL when it cannot be written. */
char *order_json_write(const struct order *order);

#endif
