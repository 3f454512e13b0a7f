/* front/order_json_test.c - orders as JSON: what is taken, what is refused, what is sent. */

//seam:pkg-config libmicrohttpd jansson
//seam:cflags -I..
//seam:sources ../order/order.c ../service/*.c ../testkit/fakes.c ../testkit/sample_order.c

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>

#include "front/order_json.h"
#include "testkit/sample_order.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

SEAM_CLEANUP_FN(free_text, free, void *);

/* ---- reading ---------------------------------------------------------------------------- */

SEAM_TEST(all_of_a_draft_is_read)
{
    static const char text[] =
        "{\"lines\": [{\"unit_cents\": 1250, \"sku\": \"tea-green\", \"quantity\": 2},"
        " {\"sku\": \"cup-blue\", \"quantity\": 1, \"unit_cents\": 1700}],"
        " \"metadata\": {\"channel\": \"web\"}, \"note\": \"ring twice\","
        " \"currency\": \"EUR\", \"customer_id\": 7}";
    struct order want = sample_order(1), got;
    struct failure failure;

    if (order_json_read(text, strlen(text), &got, &failure) < 0)
        seam_fatal(t, "%s", failure.text);
    seam_check(t, order_asks_the_same(&got, &want));
    seam_check_json(t, got.metadata, want.metadata);
    seam_check_eq(t, got.idempotency_key, ""); /* that is in the head of the request */
}

/* Wrapped around what a row is about: a line, or what follows the lines. */
#define HEAD "{\"customer_id\": 7, \"currency\": \"EUR\", \"lines\": ["
#define LINE "{\"sku\": \"a\", \"quantity\": 1, \"unit_cents\": 1}"
#define FIFTY_BYTES "12345678901234567890123456789012345678901234567890"
#define FIVE_LINES LINE "," LINE "," LINE "," LINE "," LINE
#define TEN_LINES FIVE_LINES "," FIVE_LINES

struct refused_row {
    const char *name;
    const char *text;
    const char *words;
};

SEAM_SUBTEST(refused_row)
{
    const struct refused_row *row = arg;
    struct order draft = { .version = 99 };
    struct failure failure = { "" };

    seam_check_eq(t, order_json_read(row->text, strlen(row->text), &draft, &failure), -1);
    seam_check_contains(t, failure.text, row->words);
    seam_check_eq(t, draft.version, 99);
}

SEAM_TEST(what_is_no_draft_is_refused)
{
    static const struct refused_row rows[] = {
        { "nothing", "", "line 1" },
        { "half", "{\"customer_id\": 7,", "line 1" },
        { "a list", "[]", "Expected object" },
        { "no lines", "{\"customer_id\": 7, \"currency\": \"EUR\"}", "lines" },
        { "customer in words", "{\"customer_id\": \"7\"}", "Expected integer" },
        { "fraction", HEAD "{\"sku\": \"a\", \"quantity\": 1.5, \"unit_cents\": 1}]}",
          "Expected integer" },
        { "unknown member", HEAD LINE "], \"discount\": 10}", "discount" },
        { "same member twice", HEAD LINE "], \"currency\": \"USD\"}", "duplicate" },
        { "unknown member of a line",
          HEAD "{\"sku\": \"a\", \"quantity\": 1, \"unit_cents\": 1, \"x\": 1}]}", "a line: " },
        { "long sku",
          HEAD "{\"sku\": \"" FIFTY_BYTES "\", \"quantity\": 1, \"unit_cents\": 1}]}",
          "'sku' is longer than 40 bytes" },
        { "large quantity",
          HEAD "{\"sku\": \"a\", \"quantity\": 4294967297, \"unit_cents\": 1}]}",
          "'quantity' is too large" },
        { "large price",
          HEAD "{\"sku\": \"a\", \"quantity\": 1, \"unit_cents\": 9223372036854775808}]}",
          "too big integer" },
        { "long currency", "{\"customer_id\": 7, \"currency\": \"EURO\", \"lines\": []}",
          "'currency' is longer than 3 bytes" },
        { "lines are no list", "{\"customer_id\": 7, \"currency\": \"EUR\", \"lines\": 1}",
          "'lines' is no list" },
        { "too many lines",
          HEAD TEN_LINES "," TEN_LINES "," TEN_LINES "," TEN_LINES "," TEN_LINES "," LINE "]}",
          "more lines than" },
        { "metadata is a list", HEAD LINE "], \"metadata\": [1]}", "'metadata' is no object" },
        { "NUL in a text", HEAD LINE "], \"note\": \"a\\u0000b\"}", "\\u0000" },
        { "no UTF-8", HEAD LINE "], \"note\": \"\xff\"}", "0xff" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, refused_row, &rows[i]);
}

/* ---- writing ---------------------------------------------------------------------------- */

static const char *write_order(seam_t *t, const struct order *order)
{
    char *text = order_json_write(order);

    seam_require(t, text != NULL);
    seam_cleanup(t, free_text, text);
    return text;
}

SEAM_TEST(paid_order_is_written)
{
    struct order order = sample_order(1);

    seam_require_ok(t, order_pay(&order, "ch_1", 1700000001000001));
    seam_check_json(t, write_order(t, &order),
                    "{'id': '00000000-0000-4000-8000-000000000001', 'status': 'paid',"
                    " 'customer_id': 7, 'currency': 'EUR', 'total_cents': 4200,"
                    " 'note': 'ring twice', 'metadata': {'channel': 'web'},"
                    " 'payment_id': 'ch_1', 'created_at_us': 1700000000123457,"
                    " 'paid_at_us': 1700000001000001,"
                    " 'lines': [{'sku': 'tea-green', 'quantity': 2, 'unit_cents': 1250},"
                    " {'sku': 'cup-blue', 'quantity': 1, 'unit_cents': 1700}]}");
}

SEAM_TEST(what_an_order_does_not_have_is_null)
{
    struct order order = sample_order(1);

    order.note[0] = '\0';
    order.metadata[0] = '\0';
    order.line_count = 0;
    seam_check_json(t, write_order(t, &order),
                    "{'id': '00000000-0000-4000-8000-000000000001', 'status': 'pending',"
                    " 'customer_id': 7, 'currency': 'EUR', 'total_cents': 0, 'note': null,"
                    " 'metadata': {}, 'payment_id': null, 'created_at_us': 1700000000123457,"
                    " 'paid_at_us': null, 'lines': []}");
}
