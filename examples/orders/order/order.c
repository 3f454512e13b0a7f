/* order/order.c - the rules of an order; see order.h. */

#include "order/order.h"

#include <string.h>

static const char *const status_names[] = {
    [ORDER_PENDING] = "pending",
    [ORDER_PAID] = "paid",
    [ORDER_DECLINED] = "declined",
};

static const char *const error_texts[] = {
    [ORDER_OK] = "ok",
    [ORDER_BAD_ID] = "the id is not a UUID in lower case",
    [ORDER_BAD_KEY] = "the idempotency key is empty or not of visible ASCII characters",
    [ORDER_BAD_CUSTOMER] = "the customer id is not a positive number",
    [ORDER_BAD_CURRENCY] = "the currency is not three capital letters",
    [ORDER_NO_LINES] = "there are no lines",
    [ORDER_TOO_MANY_LINES] = "there are more lines than an order may have",
    [ORDER_BAD_SKU] = "a line has no sku",
    [ORDER_REPEATED_SKU] = "two lines have the same sku",
    [ORDER_BAD_QUANTITY] = "a line's quantity is not a positive number",
    [ORDER_BAD_PRICE] = "a line's price is negative",
    [ORDER_TOTAL_TOO_LARGE] = "the total is too large",
    [ORDER_BAD_PAYMENT_ID] = "the payment id is empty or too long",
    [ORDER_WRONG_STATUS] = "the order is not pending any more",
};

static bool is_uuid(const char *id)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(id) != ORDER_ID_LENGTH)
        return false;
    for (size_t i = 0; i < ORDER_ID_LENGTH; i++) {
        const char *allowed = shape[i] == 'x' ? "0123456789abcdef" : "-";

        if (!strchr(allowed, id[i]))
            return false;
    }
    return true;
}

static bool is_key(const char *key)
{
    for (const char *c = key; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *key != '\0';
}

static bool is_currency(const char *code)
{
    return strlen(code) == 3 && strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static bool sku_is_repeated(const struct order *order, size_t line)
{
    for (size_t i = 0; i < line; i++)
        if (strcmp(order->lines[i].sku, order->lines[line].sku) == 0)
            return true;
    return false;
}

static enum order_error validate_line(const struct order *order, size_t i)
{
    const struct order_line *line = &order->lines[i];

    if (line->sku[0] == '\0')
        return ORDER_BAD_SKU;
    if (line->quantity <= 0)
        return ORDER_BAD_QUANTITY;
    if (line->unit_cents < 0)
        return ORDER_BAD_PRICE;
    return sku_is_repeated(order, i) ? ORDER_REPEATED_SKU : ORDER_OK;
}

static enum order_error validate_lines(const struct order *order)
{
    struct money total;

    if (order->line_count == 0)
        return ORDER_NO_LINES;
    if (order->line_count > ORDER_LINES_MAX)
        return ORDER_TOO_MANY_LINES;
    for (size_t i = 0; i < order->line_count; i++) {
        enum order_error error = validate_line(order, i);

        if (error)
            return error;
    }
    return order_total(order, &total);
}

enum order_error order_validate(const struct order *order)
{
    if (!is_uuid(order->id))
        return ORDER_BAD_ID;
    if (!is_key(order->idempotency_key))
        return ORDER_BAD_KEY;
    if (order->customer_id <= 0)
        return ORDER_BAD_CUSTOMER;
    if (!is_currency(order->currency))
        return ORDER_BAD_CURRENCY;
    return validate_lines(order);
}

enum order_error order_total(const struct order *order, struct money *ret_total)
{
    int64_t sum = 0;

    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        int64_t cents;

        if (__builtin_mul_overflow(line->unit_cents, line->quantity, &cents) ||
            __builtin_add_overflow(sum, cents, &sum))
            return ORDER_TOTAL_TOO_LARGE;
    }
    ret_total->cents = sum;
    memcpy(ret_total->currency, order->currency, sizeof ret_total->currency);
    return ORDER_OK;
}

enum order_error order_pay(struct order *order, const char *payment_id, int64_t at_us)
{
    size_t length = strlen(payment_id);

    if (order->status != ORDER_PENDING)
        return ORDER_WRONG_STATUS;
    if (length == 0 || length > ORDER_PAYMENT_ID_MAX)
        return ORDER_BAD_PAYMENT_ID;
    order->status = ORDER_PAID;
    order->paid_at_us = at_us;
    memcpy(order->payment_id, payment_id, length + 1);
    return ORDER_OK;
}

enum order_error order_decline(struct order *order)
{
    if (order->status != ORDER_PENDING)
        return ORDER_WRONG_STATUS;
    order->status = ORDER_DECLINED;
    return ORDER_OK;
}

static bool same_line(const struct order_line *a, const struct order_line *b)
{
    return strcmp(a->sku, b->sku) == 0 && a->quantity == b->quantity &&
           a->unit_cents == b->unit_cents;
}

bool order_asks_the_same(const struct order *a, const struct order *b)
{
    if (a->customer_id != b->customer_id || a->line_count != b->line_count ||
        strcmp(a->currency, b->currency) != 0 || strcmp(a->note, b->note) != 0)
        return false;
    for (size_t i = 0; i < a->line_count; i++)
        if (!same_line(&a->lines[i], &b->lines[i]))
            return false;
    return true;
}

const char *order_error_text(enum order_error error)
{
    return error_texts[error];
}

const char *order_status_name(enum order_status status)
{
    return status_names[status];
}

bool order_status_parse(const char *name, enum order_status *ret_status)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++)
        if (strcmp(status_names[i], name) == 0) {
            *ret_status = (enum order_status)i;
            return true;
        }
    return false;
}
