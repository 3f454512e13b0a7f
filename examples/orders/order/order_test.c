/* order/order_test.c - the rules of an order; pure functions, nothing stands in. */

//seam:cflags -I..
//seam:sources ../testkit/sample_order.c

#include <seam/seam.h>

#include <stdio.h>
#include <string.h>

#include "order/order.h"
#include "testkit/sample_order.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

SEAM_TEST(sample_order_is_valid)
{
    struct order order = sample_order(1);

    seam_check_ok(t, order_validate(&order));
}

/* ---- one field at a time ---------------------------------------------------------------- */

/* A text for one field of an otherwise valid order, and what validation says to it. */
struct text_row {
    const char *name;
    const char *text;
    enum order_error want;
};

SEAM_SUBTEST(id_row)
{
    const struct text_row *row = arg;
    struct order order = sample_order(1);

    snprintf(order.id, sizeof order.id, "%s", row->text);
    seam_check_eq(t, order_validate(&order), row->want);
}

SEAM_TEST(id_is_a_uuid)
{
    static const struct text_row rows[] = {
        { "valid", "0f8fad5b-d9cb-469f-a165-70867728950e", ORDER_OK },
        { "empty", "", ORDER_BAD_ID },
        { "short", "0f8fad5b-d9cb-469f-a165-70867728950", ORDER_BAD_ID },
        { "capitals", "0F8FAD5B-D9CB-469F-A165-70867728950E", ORDER_BAD_ID },
        { "no hexadecimal digit", "0f8fad5g-d9cb-469f-a165-70867728950e", ORDER_BAD_ID },
        { "dash out of place", "0f8fad5bd-9cb-469f-a165-70867728950e", ORDER_BAD_ID },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, id_row, &rows[i]);
}

SEAM_SUBTEST(key_row)
{
    const struct text_row *row = arg;
    struct order order = sample_order(1);

    snprintf(order.idempotency_key, sizeof order.idempotency_key, "%s", row->text);
    seam_check_eq(t, order_validate(&order), row->want);
}

SEAM_TEST(idempotency_key_is_visible_ascii)
{
    static const struct text_row rows[] = {
        { "valid", "2024-01-31/cart#7~", ORDER_OK },
        { "empty", "", ORDER_BAD_KEY },
        { "blank", "key 7", ORDER_BAD_KEY },
        { "line break", "key\n", ORDER_BAD_KEY },
        { "delete", "key\x7f", ORDER_BAD_KEY },
        { "beyond ascii", "cl\xc3\xa9", ORDER_BAD_KEY },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, key_row, &rows[i]);
}

SEAM_SUBTEST(currency_row)
{
    const struct text_row *row = arg;
    struct order order = sample_order(1);

    snprintf(order.currency, sizeof order.currency, "%s", row->text);
    seam_check_eq(t, order_validate(&order), row->want);
}

SEAM_TEST(currency_is_three_capitals)
{
    static const struct text_row rows[] = {
        { "valid", "JPY", ORDER_OK },           { "empty", "", ORDER_BAD_CURRENCY },
        { "short", "EU", ORDER_BAD_CURRENCY },  { "small letters", "eur", ORDER_BAD_CURRENCY },
        { "digit", "EU1", ORDER_BAD_CURRENCY },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, currency_row, &rows[i]);
}

SEAM_TEST(customer_is_a_positive_number)
{
    struct order order = sample_order(1);

    order.customer_id = 0;
    seam_check_eq(t, order_validate(&order), ORDER_BAD_CUSTOMER);
    order.customer_id = -7;
    seam_check_eq(t, order_validate(&order), ORDER_BAD_CUSTOMER);
}

/* ---- lines and totals ------------------------------------------------------------------- */

struct lines_row {
    const char *name;
    size_t count;
    struct order_line lines[2];
    enum order_error want;
};

SEAM_SUBTEST(lines_row)
{
    const struct lines_row *row = arg;
    struct order order = sample_order(1);

    order.line_count = row->count;
    memcpy(order.lines, row->lines, sizeof row->lines);
    seam_check_eq(t, order_validate(&order), row->want);
}

SEAM_TEST(lines_make_sense)
{
    static const struct lines_row rows[] = {
        { "for free", 1, { { "gift", 1, 0 } }, ORDER_OK },
        { "none", 0, { { "", 0, 0 } }, ORDER_NO_LINES },
        { "too many", ORDER_LINES_MAX + 1, { { "a", 1, 1 } }, ORDER_TOO_MANY_LINES },
        { "no sku", 1, { { "", 1, 100 } }, ORDER_BAD_SKU },
        { "no quantity", 1, { { "a", 0, 100 } }, ORDER_BAD_QUANTITY },
        { "negative quantity", 1, { { "a", -1, 100 } }, ORDER_BAD_QUANTITY },
        { "negative price", 1, { { "a", 1, -1 } }, ORDER_BAD_PRICE },
        { "same sku twice", 2, { { "a", 1, 100 }, { "a", 2, 100 } }, ORDER_REPEATED_SKU },
        { "second line is wrong", 2, { { "a", 1, 100 }, { "b", 0, 100 } }, ORDER_BAD_QUANTITY },
        { "largest total", 1, { { "a", 1, INT64_MAX } }, ORDER_OK },
        { "product too large", 1, { { "a", 2, INT64_MAX } }, ORDER_TOTAL_TOO_LARGE },
        { "sum too large", 2, { { "a", 1, INT64_MAX }, { "b", 1, 1 } }, ORDER_TOTAL_TOO_LARGE },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, lines_row, &rows[i]);
}

SEAM_TEST(total_adds_up_the_lines)
{
    struct order order = sample_order(1);
    struct money total;

    seam_require_ok(t, order_total(&order, &total));
    seam_check_eq(t, total.cents, 2 * 1250 + 1700);
    seam_check_eq(t, total.currency, "EUR");
}

SEAM_TEST(total_that_does_not_fit_is_not_written)
{
    struct order order = sample_order(1);
    struct money total = { .cents = 5 };

    order.lines[1].unit_cents = INT64_MAX;
    seam_check_eq(t, order_total(&order, &total), ORDER_TOTAL_TOO_LARGE);
    seam_check_eq(t, total.cents, 5);
}

/* ---- status ----------------------------------------------------------------------------- */

SEAM_TEST(pending_order_is_paid)
{
    struct order order = sample_order(1);

    seam_require_ok(t, order_pay(&order, "ch_1", 1700000000654321));
    seam_check_eq(t, order.status, ORDER_PAID);
    seam_check_eq(t, order.payment_id, "ch_1");
    seam_check_eq(t, order.paid_at_us, 1700000000654321);
}

SEAM_TEST(order_ends_once)
{
    struct order paid = sample_order(1), declined = sample_order(2);

    seam_require_ok(t, order_pay(&paid, "ch_1", 1700000000654321));
    seam_check_eq(t, order_pay(&paid, "ch_2", 1700000000999999), ORDER_WRONG_STATUS);
    seam_check_eq(t, order_decline(&paid), ORDER_WRONG_STATUS);
    seam_check_eq(t, paid.payment_id, "ch_1");

    seam_require_ok(t, order_decline(&declined));
    seam_check_eq(t, order_pay(&declined, "ch_1", 1700000000654321), ORDER_WRONG_STATUS);
    seam_check_eq(t, declined.status, ORDER_DECLINED);
}

SEAM_TEST(payment_id_has_to_fit)
{
    char longest[ORDER_PAYMENT_ID_MAX + 1] = "";
    char longer[ORDER_PAYMENT_ID_MAX + 2] = "";
    struct order order = sample_order(1);

    memset(longer, 'x', sizeof longer - 1);
    seam_check_eq(t, order_pay(&order, longer, 1), ORDER_BAD_PAYMENT_ID);
    seam_check_eq(t, order_pay(&order, "", 1), ORDER_BAD_PAYMENT_ID);
    seam_check_eq(t, order.status, ORDER_PENDING);

    memset(longest, 'x', sizeof longest - 1);
    seam_check_ok(t, order_pay(&order, longest, 1));
    seam_check_eq(t, order.payment_id, longest);
}

SEAM_TEST(status_has_a_name)
{
    static const enum order_status all[] = { ORDER_PENDING, ORDER_PAID, ORDER_DECLINED };
    enum order_status status;

    for (size_t i = 0; i < COUNT(all); i++) {
        seam_scope(t, "status %s", order_status_name(all[i]));
        seam_require(t, order_status_parse(order_status_name(all[i]), &status));
        seam_check_eq(t, status, all[i]);
    }
}

SEAM_TEST(unknown_status_is_not_parsed)
{
    enum order_status status = ORDER_PAID;

    seam_check(t, !order_status_parse("lost", &status));
    seam_check(t, !order_status_parse("", &status));
    seam_check_eq(t, status, ORDER_PAID);
}

SEAM_TEST(every_error_has_words)
{
    for (int error = ORDER_OK; error <= ORDER_WRONG_STATUS; error++)
        seam_check_ne(t, order_error_text((enum order_error)error), "");
}

/* ---- the same order? -------------------------------------------------------------------- */

static void change_customer(struct order *order)
{
    order->customer_id++;
}

static void change_currency(struct order *order)
{
    order->currency[0] = 'X';
}

static void change_note(struct order *order)
{
    order->note[0] = '\0';
}

static void change_line_count(struct order *order)
{
    order->line_count--;
}

static void change_quantity(struct order *order)
{
    order->lines[1].quantity++;
}

static void change_price(struct order *order)
{
    order->lines[0].unit_cents++;
}

static void change_sku(struct order *order)
{
    order->lines[1].sku[0] = 'C';
}

static void change_what_is_ours(struct order *order)
{
    *order = sample_order(2);
    order->status = ORDER_PAID;
    order->version = 9;
}

static void change_metadata(struct order *order)
{
    snprintf(order->metadata, sizeof order->metadata, "{}");
}

struct change_row {
    const char *name;
    void (*change)(struct order *order);
    bool same;
};

SEAM_SUBTEST(change_row)
{
    const struct change_row *row = arg;
    struct order first = sample_order(1), second = sample_order(1);

    row->change(&second);
    seam_check_eq(t, order_asks_the_same(&first, &second), row->same);
    seam_check_eq(t, order_asks_the_same(&second, &first), row->same);
}

SEAM_TEST(orders_that_ask_the_same)
{
    static const struct change_row rows[] = {
        { "customer", change_customer, false },
        { "currency", change_currency, false },
        { "note", change_note, false },
        { "fewer lines", change_line_count, false },
        { "quantity", change_quantity, false },
        { "price", change_price, false },
        { "sku", change_sku, false },
        { "id, key, status, version", change_what_is_ours, true },
        { "metadata", change_metadata, true },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, change_row, &rows[i]);
}
