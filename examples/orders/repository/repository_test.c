/* repository/repository_test.c - what goes into a real PostgreSQL comes out again. */

//seam:build integration
//seam:pkg-config libpq
//seam:cflags -I..
//seam:sources ../order/order.c ../testkit/sample_order.c

#include <seam/postgres.h>

#include <stdio.h>
#include <string.h>

#include "repository/fixture_test.h"
#include "testkit/sample_order.h"

/* ---- round trips ------------------------------------------------------------------------ */

SEAM_TEST(saved_order_is_found_again)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order order = sample_order(1), found;
    struct failure failure;

    must_save(t, &orders, &order);
    found = must_find(t, &orders, order.id);
    seam_via(t, check_same_order(t, &found, &order));

    seam_require_ok(t, orders.find_by_key(orders.self, "key-1", &found, &failure));
    seam_via(t, check_same_order(t, &found, &order));
}

SEAM_TEST(paid_order_is_found_again)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order order = sample_order(1), found;
    struct failure failure;

    must_save(t, &orders, &order);
    seam_require_ok(t, order_pay(&order, "ch_1", 1700000001000001));
    seam_require_ok(t, orders.update(orders.self, &order, NULL, &failure));
    seam_check_eq(t, order.version, 2);
    found = must_find(t, &orders, order.id);
    seam_via(t, check_same_order(t, &found, &order));
}

SEAM_TEST(order_as_large_as_can_be_is_found_again)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order order = sample_order(1), found;

    memset(order.idempotency_key, 'k', ORDER_KEY_MAX);
    memset(order.note, 'n', ORDER_NOTE_MAX);
    order.line_count = ORDER_LINES_MAX;
    for (size_t i = 0; i < ORDER_LINES_MAX; i++) {
        struct order_line *line = &order.lines[i];

        snprintf(line->sku, sizeof line->sku, "%0*zu", ORDER_SKU_MAX, i);
        line->quantity = INT32_MAX;
        line->unit_cents = INT64_MAX / INT32_MAX / ORDER_LINES_MAX;
    }
    seam_require_ok(t, order_validate(&order));
    must_save(t, &orders, &order);
    found = must_find(t, &orders, order.id);
    seam_via(t, check_same_order(t, &found, &order));
}

SEAM_TEST(text_of_any_script_is_kept)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order order = sample_order(1), found;

    snprintf(order.note, sizeof order.note, "%s",
             "it's \"quoted\"; \\ and $1, \xc5\x82\xc3\xb3\xc5\xbc\n\xf0\x9f\x8d\xb5");
    must_save(t, &orders, &order);
    found = must_find(t, &orders, order.id);
    seam_check_eq(t, found.note, order.note);
}

SEAM_TEST(nobodys_order_is_not_found)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order order = sample_order(1), found = { .version = 99 };
    struct failure failure;

    seam_check_eq(t, orders.find(orders.self, order.id, &found, &failure),
                  REPOSITORY_NOT_FOUND);
    seam_check_contains(t, failure.text, order.id);
    seam_check_eq(t, orders.find_by_key(orders.self, "key-1", &found, &failure),
                  REPOSITORY_NOT_FOUND);
    seam_check_eq(t, orders.update(orders.self, &order, NULL, &failure), REPOSITORY_NOT_FOUND);
    seam_check_eq(t, orders.find(orders.self, "no uuid", &found, &failure), REPOSITORY_REFUSED);
    seam_check_eq(t, found.version, 99);
}

/* ---- columns ---------------------------------------------------------------------------- */

SEAM_TEST(what_is_not_there_is_null)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1), found;

    order.note[0] = '\0';
    order.metadata[0] = '\0';
    must_save(t, &orders, &order);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT note IS NULL FROM orders"), "t");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT paid_at IS NULL FROM orders"), "t");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT payment_id IS NULL FROM orders"), "t");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT metadata FROM orders"), "{}");

    found = must_find(t, &orders, order.id);
    seam_check_eq(t, found.note, "");
    seam_check_eq(t, found.payment_id, "");
    seam_check_eq(t, found.paid_at_us, 0);
}

struct time_row {
    const char *name;
    int64_t us;
    const char *text; /* how the server writes it */
};

SEAM_SUBTEST(time_row)
{
    const struct time_row *row = arg;
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1), found;

    order.created_at_us = row->us;
    must_save(t, &orders, &order);
    seam_check_eq(t,
                  seam_postgres_value(pg, "SELECT to_char(created_at AT TIME ZONE 'UTC',"
                                          " 'YYYY-MM-DD HH24:MI:SS.US') FROM orders"),
                  row->text);
    found = must_find(t, &orders, order.id);
    seam_check_eq(t, found.created_at_us, row->us);
}

SEAM_TEST(times_are_kept_to_the_microsecond)
{
    static const struct time_row rows[] = {
        { "epoch", 0, "1970-01-01 00:00:00.000000" },
        { "one microsecond", 1, "1970-01-01 00:00:00.000001" },
        { "before 1970", -1, "1969-12-31 23:59:59.999999" },
        { "now", 1700000000123456, "2023-11-14 22:13:20.123456" },
        { "leap day", 1709251199999999, "2024-02-29 23:59:59.999999" },
        { "as far as doubles go", 9007199254740991, "2255-06-05 23:47:34.740991" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, time_row, &rows[i]);
}

SEAM_TEST(metadata_is_more_than_text)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1), found;

    snprintf(order.metadata, sizeof order.metadata, "%s",
             "{\"gift\":{\"from\":\"Ada\"},\"codes\":[7,9007199254740993]}");
    must_save(t, &orders, &order);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT metadata->'gift'->>'from' FROM orders"),
                  "Ada");
    seam_check_eq(
        t, seam_postgres_value(pg, "SELECT metadata @> '{\"codes\": [7]}' FROM orders"), "t");
    found = must_find(t, &orders, order.id);
    seam_check_ne(t, found.metadata, order.metadata); /* jsonb writes it in its own way */
    seam_check_json(t, found.metadata, order.metadata);
}

SEAM_TEST(oldest_orders_of_a_status_come_first)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order listed[3], declined = sample_order(9);
    struct failure failure;
    size_t count;

    for (int number = 1; number <= 5; number++) {
        struct order order = sample_order(number);

        order.created_at_us -= 10 * number; /* the last one is the oldest */
        must_save(t, &orders, &order);
    }
    seam_require_ok(t, order_decline(&declined));
    must_save(t, &orders, &declined);

    seam_require_ok(t, orders.list(orders.self, ORDER_PENDING, listed, 3, &count, &failure));
    seam_require_eq(t, count, 3);
    for (int i = 0; i < 3; i++) {
        seam_scope(t, "order %d", i);
        seam_check_eq(t, listed[i].id, sample_order(5 - i).id);
        seam_check_eq(t, listed[i].line_count, 2);
    }
    seam_scope(t, "%s", "");
    seam_require_ok(t, orders.list(orders.self, ORDER_DECLINED, listed, 3, &count, &failure));
    seam_check_eq(t, count, 1);
    seam_require_ok(t, orders.list(orders.self, ORDER_PAID, listed, 3, &count, &failure));
    seam_check_eq(t, count, 0);
}

/* CREATE INDEX CONCURRENTLY can fail half way and leave an index that nobody uses. */
SEAM_TEST(index_by_status_is_valid)
{
    seam_postgres *pg = start_database(t);

    seam_check_eq(t,
                  seam_postgres_value(pg, "SELECT indisvalid FROM pg_index"
                                          " WHERE indexrelid = 'orders_by_status'::regclass"),
                  "t");
}
