/* repository/order_rows.c - orders from the rows of a query; see order_rows.h. */

#include "repository/order_rows.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of ORDER_ROWS_SELECT. */
enum column {
    ID,
    IDEMPOTENCY_KEY,
    CUSTOMER_ID,
    STATUS,
    CURRENCY,
    NOTE,
    METADATA,
    PAYMENT_ID,
    CREATED_AT_US,
    PAID_AT_US,
    VERSION,
    SKU,
    QUANTITY,
    UNIT_CENTS,
};

/* One row of the answer. NULL reads as "" and as 0, which is what an order says for "none". */
struct row {
    const PGresult *rows;
    int number;
};

static const char *text_of(const struct row *row, enum column column)
{
    return PQgetvalue(row->rows, row->number, (int)column);
}

static int64_t number_of(const struct row *row, enum column column)
{
    return strtoll(text_of(row, column), NULL, 10);
}

static bool copy_text(const struct row *row, enum column column, char *into, size_t room)
{
    size_t length = strlen(text_of(row, column));

    if (length >= room)
        return false;
    memcpy(into, text_of(row, column), length + 1);
    return true;
}

static enum repository_result misfit(const struct row *row, const char *what,
                                     struct failure *failure)
{
    snprintf(failure->text, sizeof failure->text, "order %s: the database keeps %s",
             text_of(row, ID), what);
    return REPOSITORY_FAILED;
}

static enum repository_result read_head(const struct row *row, struct order *ret_order,
                                        struct failure *failure)
{
    struct order order = {
        .customer_id = number_of(row, CUSTOMER_ID),
        .created_at_us = number_of(row, CREATED_AT_US),
        .paid_at_us = number_of(row, PAID_AT_US),
        .version = (int32_t)number_of(row, VERSION), /* its column is an integer */
    };

    if (!copy_text(row, ID, order.id, sizeof order.id) ||
        !copy_text(row, IDEMPOTENCY_KEY, order.idempotency_key, sizeof order.idempotency_key) ||
        !copy_text(row, CURRENCY, order.currency, sizeof order.currency) ||
        !copy_text(row, NOTE, order.note, sizeof order.note) ||
        !copy_text(row, METADATA, order.metadata, sizeof order.metadata) ||
        !copy_text(row, PAYMENT_ID, order.payment_id, sizeof order.payment_id))
        return misfit(row, "a text that is too long for this program", failure);
    if (!order_status_parse(text_of(row, STATUS), &order.status))
        return misfit(row, "a status that this program does not know", failure);
    *ret_order = order;
    return REPOSITORY_OK;
}

static enum repository_result add_line(const struct row *row, struct order *order,
                                       struct failure *failure)
{
    struct order_line *line = &order->lines[order->line_count];

    if (PQgetisnull(row->rows, row->number, SKU))
        return REPOSITORY_OK; /* the join's way of saying: no lines */
    if (order->line_count == ORDER_LINES_MAX)
        return misfit(row, "more lines than this program takes", failure);
    if (!copy_text(row, SKU, line->sku, sizeof line->sku))
        return misfit(row, "a sku that is too long for this program", failure);
    line->quantity = (int32_t)number_of(row, QUANTITY); /* its column is an integer */
    line->unit_cents = number_of(row, UNIT_CENTS);
    order->line_count++;
    return REPOSITORY_OK;
}

enum repository_result order_rows_read(const PGresult *rows, struct order *orders, size_t room,
                                       size_t *ret_count, struct failure *failure)
{
    size_t count = 0;

    for (struct row row = { .rows = rows }; row.number < PQntuples(rows); row.number++) {
        enum repository_result result = REPOSITORY_OK;

        if (count == 0 || strcmp(orders[count - 1].id, text_of(&row, ID)) != 0) {
            if (count == room)
                break;
            result = read_head(&row, &orders[count++], failure);
        }
        if (result == REPOSITORY_OK)
            result = add_line(&row, &orders[count - 1], failure);
        if (result)
            return result;
    }
    *ret_count = count;
    return REPOSITORY_OK;
}
