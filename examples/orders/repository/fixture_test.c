/* repository/fixture_test.c - what the repository tests share; see fixture_test.h. */

//seam:build integration

#include "repository/fixture_test.h"

#include "repository/postgres_repository.h"

SEAM_CLEANUP_FN(close_repository, postgres_repository_close, struct postgres_repository *);

seam_postgres *start_database(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t, .migrations = "migrations");

    seam_postgres_exec(pg, "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')");
    return pg;
}

struct order_repository open_repository(seam_t *t, seam_postgres *pg)
{
    struct postgres_repository *repository;
    struct failure failure;

    if (postgres_repository_open(&repository, seam_postgres_conninfo(pg), &failure))
        seam_fatal(t, "cannot open the repository: %s", failure.text);
    seam_cleanup(t, close_repository, repository);
    return postgres_repository_port(repository);
}

void must_save(seam_t *t, const struct order_repository *orders, const struct order *order)
{
    struct failure failure;

    if (orders->save(orders->self, order, &failure))
        seam_fatal(t, "cannot save order %s: %s", order->id, failure.text);
}

struct order must_find(seam_t *t, const struct order_repository *orders, const char *id)
{
    struct failure failure;
    struct order order = { 0 };

    if (orders->find(orders->self, id, &order, &failure))
        seam_fatal(t, "cannot find order %s: %s", id, failure.text);
    return order;
}

static void check_same_lines(seam_t *t, const struct order *got, const struct order *want)
{
    seam_require_eq(t, got->line_count, want->line_count);
    for (size_t i = 0; i < want->line_count; i++) {
        seam_scope(t, "line %zu", i);
        seam_check_eq(t, got->lines[i].sku, want->lines[i].sku);
        seam_check_eq(t, got->lines[i].quantity, want->lines[i].quantity);
        seam_check_eq(t, got->lines[i].unit_cents, want->lines[i].unit_cents);
    }
    seam_scope(t, "%s", "");
}

void check_same_order(seam_t *t, const struct order *got, const struct order *want)
{
    seam_check_eq(t, got->id, want->id);
    seam_check_eq(t, got->idempotency_key, want->idempotency_key);
    seam_check_eq(t, got->customer_id, want->customer_id);
    seam_check_eq(t, got->status, want->status);
    seam_check_eq(t, got->currency, want->currency);
    seam_check_eq(t, got->note, want->note);
    seam_check_json(t, got->metadata, want->metadata);
    seam_check_eq(t, got->payment_id, want->payment_id);
    seam_check_eq(t, got->created_at_us, want->created_at_us);
    seam_check_eq(t, got->paid_at_us, want->paid_at_us);
    seam_check_eq(t, got->version, want->version);
    check_same_lines(t, got, want);
}

void check_no_orders(seam_t *t, seam_postgres *pg)
{
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "0");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM order_lines"), "0");
}
