/* repository/outbox_test.c - events in a real database: kept with their order, taken out by one. */

//seam:build integration

#include <seam/postgres.h>

#include "repository/fixture_test.h"
#include "repository/postgres_outbox.h"
#include "service/events.h"
#include "testkit/sample_order.h"

SEAM_CLEANUP_FN(close_outbox, postgres_outbox_close, struct postgres_outbox *);

#define WAITING "SELECT count(*) FROM outbox"

static struct outbox open_outbox(seam_t *t, seam_postgres *pg)
{
    struct postgres_outbox *outbox;
    struct failure failure;

    if (postgres_outbox_open(&outbox, seam_postgres_conninfo(pg), &failure))
        seam_fatal(t, "cannot open the outbox: %s", failure.text);
    seam_cleanup(t, close_outbox, outbox);
    return postgres_outbox_port(outbox);
}

/* Save sample_order(number) and mark it as paid, with its event. */
static void pay(seam_t *t, seam_postgres *pg, int number)
{
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(number);
    struct failure failure;
    struct event event;

    must_save(t, &orders, &order);
    seam_require_ok(t, order_pay(&order, "ch_1", 1700000001000001));
    event_order_paid(&order, &event);
    seam_require_ok(t, orders.update(orders.self, &order, &event, &failure));
}

static struct event must_take(seam_t *t, const struct outbox *outbox)
{
    struct event event = { .id = "" };
    struct failure failure;

    if (outbox->take(outbox->self, &event, &failure))
        seam_fatal(t, "cannot take an event: %s", failure.text);
    return event;
}

SEAM_TEST(event_comes_out_as_it_went_in)
{
    seam_postgres *pg = start_database(t);
    struct outbox outbox = open_outbox(t, pg);
    struct failure failure;
    struct event event;

    pay(t, pg, 1);
    event = must_take(t, &outbox);
    seam_check_eq(t, event.id, "00000000-0000-4000-8000-000000000001.paid");
    seam_check_eq(t, event.routing_key, "order.paid");
    seam_check_eq(t, event.body,
                  "{\"order_id\":\"00000000-0000-4000-8000-000000000001\",\"customer_id\":7,"
                  "\"total_cents\":4200,\"currency\":\"EUR\",\"paid_at_us\":1700000001000001}");
    seam_require_ok(t, outbox.finish(outbox.self, true, &failure));
    seam_check_eq(t, outbox.take(outbox.self, &event, &failure), REPOSITORY_NOT_FOUND);
    seam_check_eq(t, seam_postgres_value(pg, WAITING), "0");
}

SEAM_TEST(event_that_was_not_announced_is_the_next_again)
{
    seam_postgres *pg = start_database(t);
    struct outbox outbox = open_outbox(t, pg);
    struct failure failure;

    pay(t, pg, 1);
    pay(t, pg, 2);
    seam_check_match(t, must_take(t, &outbox).id, "1\\.paid$");
    seam_require_ok(t, outbox.finish(outbox.self, false, &failure));
    seam_check_match(t, must_take(t, &outbox).id, "1\\.paid$");
    seam_require_ok(t, outbox.finish(outbox.self, true, &failure));
    seam_check_match(t, must_take(t, &outbox).id, "2\\.paid$");
}

SEAM_TEST(two_announcers_never_have_the_same_event)
{
    seam_postgres *pg = start_database(t);
    struct outbox ours = open_outbox(t, pg), theirs = open_outbox(t, pg);
    struct failure failure;
    struct event event;

    pay(t, pg, 1);
    pay(t, pg, 2);
    seam_check_match(t, must_take(t, &ours).id, "1\\.paid$");
    seam_check_match(t, must_take(t, &theirs).id, "2\\.paid$");
    seam_require_ok(t, theirs.finish(theirs.self, true, &failure));
    seam_check_eq(t, theirs.take(theirs.self, &event, &failure), REPOSITORY_NOT_FOUND);
}

SEAM_TEST(announcer_that_dies_gives_its_event_back)
{
    seam_postgres *pg = start_database(t);
    struct outbox outbox = open_outbox(t, pg);
    struct failure failure;

    pay(t, pg, 1);
    must_take(t, &outbox);
    seam_postgres_exec(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE state = 'idle in transaction'"
                           " AND datname = current_database()");
    seam_check_eq(t, outbox.finish(outbox.self, true, &failure), REPOSITORY_UNAVAILABLE);
    must_take(t, &outbox); /* on a connection that was made anew */
}

/* One transaction: what refuses the event keeps the order from being paid. */
SEAM_TEST(order_is_not_paid_without_its_event)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;
    struct event event;

    must_save(t, &orders, &order);
    seam_require_ok(t, order_pay(&order, "ch_1", 1700000001000001));
    event_order_paid(&order, &event);
    event.body[0] = '?';
    seam_check_eq(t, orders.update(orders.self, &order, &event, &failure), REPOSITORY_REFUSED);
    seam_check_eq(t, order.version, 1);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "pending");
    seam_check_eq(t, seam_postgres_value(pg, WAITING), "0");
}

/* And the other way round: who loses the race for an order does not announce it. */
SEAM_TEST(event_is_not_kept_without_its_order)
{
    seam_postgres *pg = start_database(t);
    struct order_repository orders = open_repository(t, pg);
    struct order order = sample_order(1);
    struct failure failure;
    struct event event;

    must_save(t, &orders, &order);
    seam_postgres_exec(pg, "UPDATE orders SET version = 2");
    seam_require_ok(t, order_pay(&order, "ch_1", 1700000001000001));
    event_order_paid(&order, &event);
    seam_check_eq(t, orders.update(orders.self, &order, &event, &failure), REPOSITORY_CONFLICT);
    seam_check_eq(t, seam_postgres_value(pg, WAITING), "0");
}

SEAM_TEST(event_that_does_not_fit_is_not_cut)
{
    seam_postgres *pg = start_database(t);
    struct outbox outbox = open_outbox(t, pg);
    struct event event = { .id = "untouched" };
    struct failure failure;

    seam_postgres_exec(pg, "ALTER TABLE outbox DROP CONSTRAINT outbox_routing_key_check");
    seam_postgres_exec(pg, "INSERT INTO outbox (id, routing_key, body)"
                           " VALUES ('1', repeat('k', 32), '{}')");
    seam_check_eq(t, outbox.take(outbox.self, &event, &failure), REPOSITORY_FAILED);
    seam_check_eq(t, failure.text,
                  "the outbox keeps a routing_key of 32 bytes; this program takes 31");
    seam_check_eq(t, event.id, "untouched");
    seam_check_eq(t, seam_postgres_value(pg, WAITING), "1");
}
