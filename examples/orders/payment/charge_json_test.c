/* payment/charge_json_test.c - charges as JSON, without any network. */

//seam:pkg-config jansson libcurl
//seam:cflags -I..

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>

#include "payment/charge_json.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

SEAM_CLEANUP_FN(free_text, free, void *);

SEAM_TEST(charge_is_written)
{
    struct money amount = { .cents = INT64_MAX, .currency = "EUR" };
    char *text = charge_json_write("order-7", amount);

    seam_cleanup(t, free_text, text);
    seam_check_json(t, text,
                    "{'order': 'order-7', 'amount': 9223372036854775807, 'currency': 'EUR'}");
}

struct answer_row {
    const char *name;
    const char *text;
    const char *words; /* NULL: it is a charge with the id "ch_1" */
};

SEAM_SUBTEST(answer_row)
{
    const struct answer_row *row = arg;
    char id[ORDER_PAYMENT_ID_MAX + 1] = "untouched";
    struct failure failure = { "" };
    int r = charge_json_read(row->text, strlen(row->text), id, &failure);

    seam_check_eq(t, r, row->words ? -1 : 0);
    seam_check_eq(t, id, row->words ? "untouched" : "ch_1");
    seam_check_contains(t, failure.text, row->words ? row->words : "");
}

SEAM_TEST(answer_is_a_charge_or_says_why_not)
{
    static const struct answer_row rows[] = {
        { "a charge", "{\"id\": \"ch_1\"}", NULL },
        { "more than we ask for", "{\"paid\": true, \"id\": \"ch_1\", \"fee\": 3}", NULL },
        { "nothing", "", "is no JSON: line 1" },
        { "half", "{\"id\": \"ch_1\"", "is no JSON: line 1" },
        { "a page", "<html>", "is no JSON: line 1" },
        { "second line", "{\n\"id\" 1}", "is no JSON: line 2" },
        { "a list", "[\"ch_1\"]", "it has no id" },
        { "no id", "{\"di\": \"ch_1\"}", "it has no id" },
        { "empty id", "{\"id\": \"\"}", "it has no id" },
        { "a number", "{\"id\": 1}", "it has no id" },
        { "too long",
          "{\"id\": \"0123456789012345678901234567890123456789012345678901234567890123x\"}",
          "its id is too long" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, answer_row, &rows[i]);
}

SEAM_TEST(reason_is_optional)
{
    static const char said[] = "{\"error\": \"no such token\"}";
    struct failure reason;

    charge_json_reason(said, strlen(said), &reason);
    seam_check_eq(t, reason.text, "no such token");
    charge_json_reason("<html>", 6, &reason);
    seam_check_eq(t, reason.text, "");
    charge_json_reason("{}", 2, &reason);
    seam_check_eq(t, reason.text, "");
}
