/* repository/order_rows.h - orders from the rows of a query. */
#ifndef REPOSITORY_ORDER_ROWS_H
#define REPOSITORY_ORDER_ROWS_H

#include <libpq-fe.h>

#include "service/ports.h"

/* A query that order_rows_read understands: `which` follows WHERE. One row for each line of an
 * order; an order's rows stand together. */
#define ORDER_ROWS_SELECT(which)                                                               \
    "SELECT o.id, o.idempotency_key, o.customer_id, o.status, o.currency, o.note, o.metadata," \
    " o.payment_id, (extract(epoch FROM o.created_at) * 1000000)::bigint,"                     \
    " (extract(epoch FROM o.paid_at) * 1000000)::bigint, o.version,"                           \
    " l.sku, l.quantity, l.unit_cents"                                                         \
    " FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id"                              \
    " WHERE " which " ORDER BY o.created_at, o.id, l.position"

/* Read at most `room` orders. Nothing is cut: what does not fit into an order is a failure. */
enum repository_result order_rows_read(const PGresult *rows, struct order *orders, size_t room,
                                       size_t *ret_count, struct failure *failure);

#endif
