/* repository/rules_test.c - what the database does not let through, alone and in a crowd. */

//seam:build integration

#include <seam/postgres.h>

#include <stdatomic.h>
#include <string.h>

#include "repository/fixture_test.h"
#include "repository/postgres_repository.h"
#include "testkit/sample_order.h"

/* ---- what only the real database knows -------------------------------------------------- */

/* A mock that answers "INSERT 0 1" to whatever it is sent would let this order through. */
SEAM_TEST(second_order_with_the_same_key_is_refused)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order first = sample_order(1), second = sample_order(2);
    struct failure failure;

    must_save(t, &orders, &first);
    memcpy(second.idempotency_key, first.idempotency_key, sizeof second.idempotency_key);
    seam_check_eq(t, orders.save(orders.self, &second, &failure), REPOSITORY_DUPLICATE);
    seam_check_contains(t, failure.text, "orders_idempotency_key_key");
    seam_check_contains(t, failure.text, "Key (idempotency_key)=(key-1) already exists.");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "1");
}

SEAM_TEST(second_order_with_the_same_id_is_refused)
{
    struct order_repository orders = open_repository(t, start_database(t));
    struct order first = sample_order(1), second = sample_order(2);
    struct failure failure;

    must_save(t, &orders, &first);
    memcpy(second.id, first.id, sizeof second.id);
    seam_check_eq(t, orders.save(orders.self, &second, &failure), REPOSITORY_DUPLICATE);
    seam_check_contains(t, failure.text, "orders_pkey");
}

SEAM_TEST(order_of_nobody_is_refused)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;

    order.customer_id = 8;
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_NO_CUSTOMER);
    seam_check_contains(t, failure.text, "orders_customer_id_fkey");
    seam_via(t, check_no_orders(t, pg));
}

SEAM_TEST(customer_with_orders_cannot_be_removed)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);

    must_save(t, &orders, &order);
    seam_postgres_exec(pg, "DO $$ BEGIN DELETE FROM customers; RAISE 'removed';"
                           " EXCEPTION WHEN foreign_key_violation THEN NULL; END $$");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM customers"), "1");
}

static void small_currency(struct order *order)
{
    order->currency[0] = 'e';
}

static void blank_in_key(struct order *order)
{
    order->idempotency_key[0] = ' ';
}

static void paid_without_a_time(struct order *order)
{
    order->status = ORDER_PAID;
    order->payment_id[0] = 'p';
}

static void paid_without_a_payment(struct order *order)
{
    order->status = ORDER_PAID;
    order->paid_at_us = 1;
}

static void no_quantity(struct order *order)
{
    order->lines[1].quantity = 0;
}

static void negative_price(struct order *order)
{
    order->lines[1].unit_cents = -1;
}

static void repeated_sku(struct order *order)
{
    memcpy(order->lines[1].sku, order->lines[0].sku, sizeof order->lines[1].sku);
}

static void metadata_is_a_list(struct order *order)
{
    memcpy(order->metadata, "[1]", 4);
}

static void metadata_is_broken(struct order *order)
{
    memcpy(order->metadata, "{\"a\":", 6);
}

/* As long as it may be when it comes in, half as long again as jsonb writes it: if that were
 * kept, the order could not be read any more. */
static void metadata_grows(struct order *order)
{
    size_t length = 7;

    memcpy(order->metadata, "{\"a\":[0", length);
    for (; length + 4 <= ORDER_METADATA_MAX; length += 2)
        memcpy(order->metadata + length, ",0", 2);
    memcpy(order->metadata + length, "]}", 3);
}

static void note_is_no_utf8(struct order *order)
{
    memcpy(order->note, "\xff", 2);
}

struct rule_row {
    const char *name;
    void (*spoil)(struct order *order);
    const char *words; /* of the server */
};

struct rule_case {
    const struct rule_row *row;
    struct order_repository orders;
    seam_postgres *pg;
};

SEAM_SUBTEST(rule_row)
{
    const struct rule_case *c = arg;
    struct order order = sample_order(1);
    struct failure failure;

    c->row->spoil(&order);
    seam_check_eq(t, c->orders.save(c->orders.self, &order, &failure), REPOSITORY_REFUSED);
    seam_check_contains(t, failure.text, c->row->words);
    seam_via(t, check_no_orders(t, c->pg));
}

SEAM_TEST(database_has_rules_of_its_own)
{
    static const struct rule_row rows[] = {
        { "currency", small_currency, "orders_currency_check" },
        { "key", blank_in_key, "orders_idempotency_key_check" },
        { "paid without a time", paid_without_a_time, "paid_orders_say_when" },
        { "paid without a payment", paid_without_a_payment, "paid_orders_have_a_payment" },
        { "quantity", no_quantity, "order_lines_quantity_check" },
        { "price", negative_price, "order_lines_unit_cents_check" },
        { "repeated sku", repeated_sku, "order_lines_order_id_sku_key" },
        { "metadata is a list", metadata_is_a_list, "metadata_is_an_object" },
        { "metadata is broken", metadata_is_broken, "invalid input syntax for type json" },
        { "metadata grows", metadata_grows, "metadata_fits" },
        { "note is no UTF-8", note_is_no_utf8, "invalid byte sequence" },
    };
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule_case c = { &rows[i], orders, pg };

        seam_run(t, rows[i].name, rule_row, &c);
    }
}

/* ---- transactions ----------------------------------------------------------------------- */

SEAM_TEST(failed_save_leaves_nothing_and_the_next_one_works)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;

    order.lines[1].quantity = 0; /* by now the order and its first line are in */
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_REFUSED);
    seam_via(t, check_no_orders(t, pg));
    seam_check_eq(t,
                  seam_postgres_value(pg, "SELECT count(*) FROM pg_stat_activity"
                                          " WHERE datname = current_database()"
                                          " AND starts_with(state, 'idle in transaction')"),
                  "0");

    order.lines[1].quantity = 1;
    must_save(t, &orders, &order);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM order_lines"), "2");
}

SEAM_TEST(half_saved_order_is_seen_by_nobody)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;

    /* Deferred to the COMMIT, which is the last moment for a save to fail. */
    seam_postgres_exec(pg,
                       "CREATE FUNCTION too_late() RETURNS trigger LANGUAGE plpgsql AS"
                       " $$ BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = '40001'; END $$");
    seam_postgres_exec(pg, "CREATE CONSTRAINT TRIGGER too_late AFTER INSERT ON order_lines"
                           " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                           " EXECUTE FUNCTION too_late()");
    seam_check_eq(t, orders.save(orders.self, &order, &failure), REPOSITORY_TRY_AGAIN);
    seam_via(t, check_no_orders(t, pg));

    seam_postgres_exec(pg, "DROP TRIGGER too_late ON order_lines");
    must_save(t, &orders, &order);
}

enum { RIVALS = 8 };

struct race {
    seam_postgres *pg;
    atomic_int won, refused;
};

static void save_with_the_same_key(seam_t *t, int index, void *arg)
{
    struct race *race = arg;
    struct order order = sample_order(index);
    struct postgres_repository *repository;
    struct order_repository orders;
    enum repository_result result;
    struct failure failure;

    memcpy(order.idempotency_key, "the-key", 8);
    if (postgres_repository_open(&repository, seam_postgres_conninfo(race->pg), &failure)) {
        seam_error(t, "rival %d: %s", index, failure.text);
        return;
    }
    orders = postgres_repository_port(repository);
    result = orders.save(orders.self, &order, &failure);
    if (result == REPOSITORY_OK)
        atomic_fetch_add(&race->won, 1);
    else if (result == REPOSITORY_DUPLICATE)
        atomic_fetch_add(&race->refused, 1);
    else
        seam_error(t, "rival %d: %s", index, failure.text);
    postgres_repository_close(repository);
}

SEAM_TEST(of_many_with_the_same_key_one_wins)
{
    struct race race = { .pg = start_database(t) };

    seam_threads(t, RIVALS, save_with_the_same_key, &race);
    seam_check_eq(t, atomic_load(&race.won), 1);
    seam_check_eq(t, atomic_load(&race.refused), RIVALS - 1);
    seam_check_eq(t, seam_postgres_value(race.pg, "SELECT count(*) FROM orders"), "1");
    seam_check_eq(t, seam_postgres_value(race.pg, "SELECT count(*) FROM order_lines"), "2");
}

SEAM_TEST(lost_update_is_noticed)
{
    seam_postgres *pg = start_database(t);
    struct order_repository ours = open_repository(t, pg), theirs = open_repository(t, pg);
    struct order order = sample_order(1), read_by_us, read_by_them;
    struct failure failure;

    must_save(t, &ours, &order);
    read_by_us = must_find(t, &ours, order.id);
    read_by_them = must_find(t, &theirs, order.id);

    seam_require_ok(t, order_pay(&read_by_them, "ch_1", 1700000001000001));
    seam_require_ok(t, theirs.update(theirs.self, &read_by_them, NULL, &failure));
    seam_require_ok(t, order_decline(&read_by_us));
    seam_check_eq(t, ours.update(ours.self, &read_by_us, NULL, &failure), REPOSITORY_CONFLICT);
    seam_check_contains(t, failure.text, "is at version 2 now, paid");
    seam_check_eq(t, read_by_us.version, 1);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "paid");
}
