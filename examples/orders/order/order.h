/*
 * order/order.h - what an order is, and which orders make sense.
 *
 * The domain: values and pure functions, no input or output, no memory to
 * free. An order is a plain value that may be copied with `=`.
 *
 * Money is a whole number of cents beside a currency code. Points in time are
 * microseconds since 1970-01-01 00:00 UTC, which is what the database keeps.
 */
#ifndef ORDER_ORDER_H
#define ORDER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest texts, without their NUL; the database checks the same limits. */
enum {
    ORDER_ID_LENGTH = 36,
    ORDER_KEY_MAX = 64,
    ORDER_SKU_MAX = 40,
    ORDER_NOTE_MAX = 280,
    ORDER_METADATA_MAX = 1024,
    ORDER_PAYMENT_ID_MAX = 64,
    ORDER_LINES_MAX = 50,
};

enum order_status {
    ORDER_PENDING, /* saved, not paid for */
    ORDER_PAID,
    ORDER_DECLINED, /* the payment was refused for good */
};

struct money {
    int64_t cents;
    char currency[4]; /* ISO 4217, "EUR" */
};

struct order_line {
    char sku[ORDER_SKU_MAX + 1];
    int32_t quantity;
    int64_t unit_cents; /* in the order's currency */
};

struct order {
    char id[ORDER_ID_LENGTH + 1]; /* a UUID in lower case */
    char idempotency_key[ORDER_KEY_MAX + 1];
    int64_t customer_id;
    enum order_status status;
    char currency[4];
    char note[ORDER_NOTE_MAX + 1]; /* "" is no note */
    char metadata[ORDER_METADATA_MAX + 1]; /* a JSON object; "" stands for {} */
    char payment_id[ORDER_PAYMENT_ID_MAX + 1]; /* "" until it is paid */
    int64_t created_at_us;
    int64_t paid_at_us; /* 0 until it is paid */
    int32_t version; /* counts the updates, from 1 */
    size_t line_count;
    struct order_line lines[ORDER_LINES_MAX];
};

enum order_error {
    ORDER_OK,
    ORDER_BAD_ID,
    ORDER_BAD_KEY,
    ORDER_BAD_CUSTOMER,
    ORDER_BAD_CURRENCY,
    ORDER_NO_LINES,
    ORDER_TOO_MANY_LINES,
    ORDER_BAD_SKU,
    ORDER_REPEATED_SKU,
    ORDER_BAD_QUANTITY,
    ORDER_BAD_PRICE,
    ORDER_TOTAL_TOO_LARGE,
    ORDER_BAD_PAYMENT_ID,
    ORDER_WRONG_STATUS,
};

/* Say whether an order makes sense by itself; the first thing wrong with it otherwise. */
enum order_error order_validate(const struct order *order);

/* Add up the lines. Leaves `ret_total` alone when the sum does not fit. */
enum order_error order_total(const struct order *order, struct money *ret_total);

/* Turn a pending order into a paid or declined one; any other is ORDER_WRONG_STATUS. An
 * order that is refused stays as it was. */
enum order_error order_pay(struct order *order, const char *payment_id, int64_t at_us);
enum order_error order_decline(struct order *order);

/* Whether two orders ask for the same things. Metadata is not looked at: the database is
 * free to write the same JSON in another way. */
bool order_asks_the_same(const struct order *a, const struct order *b);

const char *order_error_text(enum order_error error);
const char *order_status_name(enum order_status status);

/* Returns false and leaves `ret_status` alone when no status has that name. */
bool order_status_parse(const char *name, enum order_status *ret_status);

#endif
