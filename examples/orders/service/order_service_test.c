/* service/order_service_test.c - the service alone, every port a fake. */

//seam:cflags -I..
//seam:sources ../order/order.c ../testkit/fakes.c ../testkit/sample_order.c

#include <seam/seam.h>

#include <string.h>

#include "testkit/fakes.h"
#include "testkit/sample_order.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Place sample_order(number), whose id, status and times are the service's to replace. */
static enum service_result place(struct world *world, int number, struct order *ret_order,
                                 struct failure *failure)
{
    struct order draft = sample_order(number);

    return order_service_place(&world->service, &draft, ret_order, failure);
}

/* ---- the straight way ------------------------------------------------------------------- */

SEAM_TEST(placed_order_is_saved_and_paid_with_its_event)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    seam_require_ok(t, place(&world, 1, &order, &failure));

    seam_check_eq(t, order.status, ORDER_PAID);
    seam_check_eq(t, order.payment_id, "ch_1");
    seam_check_eq(t, order.created_at_us, world.clock.now_us);
    seam_check_eq(t, order.paid_at_us, world.clock.now_us);
    seam_check_eq(t, order.version, 2);

    seam_require_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.orders.orders[0].status, ORDER_PAID);
    seam_check_eq(t, world.payments.count, 1);
    seam_check_eq(t, world.payments.key, order.id);
    seam_check_eq(t, world.payments.amount.cents, 4200);
    seam_check_eq(t, world.payments.amount.currency, "EUR");
    seam_check_eq(t, world.orders.event_count, 1);
    seam_check_eq(t, world.bell.rung, 1);
}

SEAM_TEST(event_tells_who_paid_how_much)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    seam_require_ok(t, place(&world, 1, &order, &failure));
    seam_require_eq(t, world.orders.event_count, 1);
    seam_check_eq(t, world.orders.events[0].routing_key, "order.paid");
    seam_check_eq(t, world.orders.events[0].id, "00000000-0000-4000-8000-000000000001.paid");
    seam_check_json(t, world.orders.events[0].body,
                    "{'order_id': '00000000-0000-4000-8000-000000000001', 'customer_id': 7,"
                    " 'total_cents': 4200, 'currency': 'EUR', 'paid_at_us': 1700000000000001}");
}

SEAM_TEST(draft_may_be_where_the_order_goes)
{
    struct failure failure;
    struct world world;
    struct order order = sample_order(1);

    world_init(&world);
    seam_require_ok(t, order_service_place(&world.service, &order, &order, &failure));
    seam_check_eq(t, order.status, ORDER_PAID);
}

SEAM_TEST(what_is_not_the_callers_to_set_is_ignored)
{
    struct order draft = sample_order(1), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    world.payments.answer = PAYMENT_DECLINED;
    seam_require_ok(t, order_pay(&draft, "ch_0", 1));
    draft.version = 40;
    seam_check_eq(t, order_service_place(&world.service, &draft, &order, &failure),
                  SERVICE_DECLINED);
    seam_check_eq(t, world.payments.count, 1);
    seam_check_eq(t, order.created_at_us, world.clock.now_us);
    seam_check_eq(t, order.paid_at_us, 0);
    seam_check_eq(t, order.payment_id, "");
    seam_check_eq(t, order.version, 2);
}

SEAM_TEST(order_is_found_by_id)
{
    struct order placed, found;
    struct failure failure;
    struct world world;

    world_init(&world);
    seam_require_ok(t, place(&world, 1, &placed, &failure));
    seam_require_ok(t, order_service_find(&world.service, placed.id, &found, &failure));
    seam_check_eq(t, found.idempotency_key, "key-1");
    seam_check_eq(t, order_service_find(&world.service, "nobody", &found, &failure),
                  SERVICE_NOT_FOUND);
}

/* ---- the same key again ----------------------------------------------------------------- */

SEAM_TEST(same_key_again_is_the_same_order)
{
    struct order first, second;
    struct failure failure;
    struct world world;

    world_init(&world);
    seam_require_ok(t, place(&world, 1, &first, &failure));
    seam_require_ok(t, place(&world, 1, &second, &failure));
    seam_check_eq(t, second.id, first.id);
    seam_check_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.payments.count, 1);
    seam_check_eq(t, world.orders.event_count, 1);
}

SEAM_TEST(key_of_a_different_order_is_refused)
{
    struct order draft = sample_order(1), first, second = { .version = 99 };
    struct failure failure;
    struct world world;

    world_init(&world);
    seam_require_ok(t, order_service_place(&world.service, &draft, &first, &failure));
    draft.lines[0].quantity = 200;
    seam_check_eq(t, order_service_place(&world.service, &draft, &second, &failure),
                  SERVICE_KEY_REUSED);
    seam_check_contains(t, failure.text, "key-1");
    seam_check_contains(t, failure.text, first.id);
    seam_check_eq(t, second.version, 99);
    seam_check_eq(t, world.payments.count, 1);
}

SEAM_TEST(loser_of_a_race_goes_on_with_the_winners_order)
{
    struct order rival = sample_order(1), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    world.ids.used = 1; /* sample_order(1) has the id that the rival drew */
    world.orders.rival_saves = &rival;
    seam_require_ok(t, place(&world, 1, &order, &failure));
    seam_check_eq(t, order.id, rival.id);
    seam_check_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.payments.key, rival.id);
}

SEAM_TEST(id_that_is_taken_is_a_failure)
{
    struct order rival = sample_order(2), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    world.ids.used = 1; /* the next id is the rival's */
    world.orders.rival_saves = &rival;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_FAILED);
    seam_check_contains(t, failure.text, rival.id);
    seam_check_eq(t, world.payments.count, 0);
}

/* ---- orders that make no sense ---------------------------------------------------------- */

SEAM_TEST(invalid_order_is_not_saved)
{
    struct order draft = sample_order(1), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    draft.line_count = 0;
    seam_check_eq(t, order_service_place(&world.service, &draft, &order, &failure),
                  SERVICE_INVALID);
    seam_check_eq(t, failure.text, order_error_text(ORDER_NO_LINES));
    seam_check_eq(t, world.orders.count, 0);
}

SEAM_TEST(no_id_no_order)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.ids.runs_dry = true;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_FAILED);
    seam_check_contains(t, failure.text, "cannot make an id");
    seam_check_eq(t, world.orders.count, 0);
}

/* ---- payments --------------------------------------------------------------------------- */

SEAM_TEST(declined_order_stays_declined)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.payments.answer = PAYMENT_DECLINED;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_DECLINED);
    seam_check_eq(t, order.status, ORDER_DECLINED);
    seam_check_eq(t, world.orders.event_count, 0);

    world.payments.answer = PAYMENT_OK;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_DECLINED);
    seam_check_contains(t, failure.text, "was declined");
    seam_check_eq(t, world.payments.count, 1);
}

SEAM_TEST(outage_of_the_gateway_leaves_an_order_that_can_be_placed_again)
{
    struct order order = { .version = 99 };
    struct failure failure;
    struct world world;

    world_init(&world);
    world.payments.answer = PAYMENT_UNAVAILABLE;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_TRY_AGAIN);
    seam_check_eq(t, order.version, 99);
    seam_require_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.orders.orders[0].status, ORDER_PENDING);

    world.payments.answer = PAYMENT_OK;
    seam_require_ok(t, place(&world, 1, &order, &failure));
    seam_check_eq(t, order.status, ORDER_PAID);
    seam_check_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.payments.key, world.orders.orders[0].id);
}

SEAM_TEST(gateway_that_cannot_work_leaves_the_order_pending)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.payments.answer = PAYMENT_FAILED;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_FAILED);
    seam_require_eq(t, world.orders.count, 1);
    seam_check_eq(t, world.orders.orders[0].status, ORDER_PENDING);
}

SEAM_TEST(payment_without_an_id_is_a_failure)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.payments.payment_id = "";
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_FAILED);
    seam_check_contains(t, failure.text, "payment id");
    seam_check_eq(t, world.orders.orders[0].status, ORDER_PENDING);
}

SEAM_TEST(kept_order_without_a_total_is_not_charged)
{
    struct failure failure;
    struct world world;
    size_t settled;

    world_init(&world);
    world.orders.orders[0] = sample_order(1);
    world.orders.orders[0].lines[0].unit_cents = INT64_MAX;
    world.orders.count = 1;
    seam_check_eq(t, order_service_settle(&world.service, &settled, &failure), SERVICE_FAILED);
    seam_check_contains(t, failure.text, order_error_text(ORDER_TOTAL_TOO_LARGE));
    seam_check_eq(t, settled, 0);
    seam_check_eq(t, world.payments.count, 0);
}

/* ---- somebody else settles the same order ----------------------------------------------- */

struct rival_row {
    const char *name;
    enum order_status makes;
    enum service_result want;
};

SEAM_SUBTEST(rival_row)
{
    const struct rival_row *row = arg;
    struct order rival = sample_order(1), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    rival.status = row->makes;
    rival.version = 2;
    world.orders.rival_updates = &rival;
    seam_check_eq(t, place(&world, 1, &order, &failure), row->want);
    seam_check_eq(t, world.orders.orders[0].status, row->makes);
    seam_check_eq(t, world.orders.orders[0].version, 2);
    seam_check_eq(t, world.orders.event_count, 0);
}

SEAM_TEST(rival_was_quicker)
{
    static const struct rival_row rows[] = {
        { "paid", ORDER_PAID, SERVICE_OK },
        { "declined", ORDER_DECLINED, SERVICE_DECLINED },
        { "still pending", ORDER_PENDING, SERVICE_TRY_AGAIN },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, rival_row, &rows[i]);
}

SEAM_TEST(rival_removed_the_order)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.orders.rival_removes = true;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_NOT_FOUND);
}

SEAM_TEST(rivals_answer_cannot_be_read)
{
    struct order rival = sample_order(1), order;
    struct failure failure;
    struct world world;

    world_init(&world);
    rival.version = 2;
    world.orders.rival_updates = &rival;
    world.orders.refuse.find = REPOSITORY_UNAVAILABLE;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_TRY_AGAIN);
}

/* ---- events ------------------------------------------------------------------------------ */

SEAM_TEST(declined_order_has_no_event)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.payments.answer = PAYMENT_DECLINED;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_DECLINED);
    seam_check_eq(t, world.orders.event_count, 0);
    seam_check_eq(t, world.bell.rung, 0);
}

SEAM_TEST(service_without_a_bell_works)
{
    struct failure failure;
    struct world world;
    struct order order;

    world_init(&world);
    world.service.bell = (struct bell){ 0 };
    seam_require_ok(t, place(&world, 1, &order, &failure));
    seam_check_eq(t, world.orders.event_count, 1);
}

/* ---- every failure of the repository, at every call ------------------------------------- */

struct failure_row {
    const char *name;
    struct refusals refuse;
    enum service_result want;
    size_t charges;
};

SEAM_SUBTEST(failure_row)
{
    const struct failure_row *row = arg;
    struct order order = { .version = 99 };
    struct failure failure;
    struct world world;

    world_init(&world);
    world.orders.refuse = row->refuse;
    seam_check_eq(t, place(&world, 1, &order, &failure), row->want);
    seam_check_eq(t, failure.text, "the fake was told to fail");
    seam_check_eq(t, order.version, 99);
    seam_check_eq(t, world.payments.count, row->charges);
    seam_check_eq(t, world.orders.event_count, 0);
}

SEAM_TEST(repository_fails)
{
    static const struct failure_row rows[] = {
        { "away", { .find_by_key = REPOSITORY_UNAVAILABLE }, SERVICE_TRY_AGAIN, 0 },
        { "busy", { .find_by_key = REPOSITORY_TRY_AGAIN }, SERVICE_TRY_AGAIN, 0 },
        { "broken", { .find_by_key = REPOSITORY_FAILED }, SERVICE_FAILED, 0 },
        { "away at save", { .save = REPOSITORY_UNAVAILABLE }, SERVICE_TRY_AGAIN, 0 },
        { "deadlock at save", { .save = REPOSITORY_TRY_AGAIN }, SERVICE_TRY_AGAIN, 0 },
        { "no such customer", { .save = REPOSITORY_NO_CUSTOMER }, SERVICE_NO_CUSTOMER, 0 },
        { "rule broken", { .save = REPOSITORY_REFUSED }, SERVICE_INVALID, 0 },
        { "broken at save", { .save = REPOSITORY_FAILED }, SERVICE_FAILED, 0 },
        { "away at update", { .update = REPOSITORY_UNAVAILABLE }, SERVICE_TRY_AGAIN, 1 },
        { "broken at update", { .update = REPOSITORY_FAILED }, SERVICE_FAILED, 1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, failure_row, &rows[i]);
}

SEAM_TEST(crash_between_payment_and_update_charges_once)
{
    struct failure failure;
    struct world world;
    struct order order;
    char first_key[sizeof world.payments.key];

    world_init(&world);
    world.orders.refuse.update = REPOSITORY_UNAVAILABLE;
    seam_check_eq(t, place(&world, 1, &order, &failure), SERVICE_TRY_AGAIN);
    memcpy(first_key, world.payments.key, sizeof first_key);

    world.orders.refuse.update = REPOSITORY_OK;
    seam_require_ok(t, place(&world, 1, &order, &failure));
    seam_check_eq(t, world.payments.count, 2);
    seam_check_eq(t, world.payments.key, first_key); /* for the gateway the same charge */
}

/* ---- orders that were left pending ------------------------------------------------------ */

static void leave_pending(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        world->orders.orders[world->orders.count++] = sample_order(i + 1);
}

SEAM_TEST(nothing_to_settle)
{
    struct failure failure;
    struct world world;
    size_t settled;

    world_init(&world);
    seam_require_ok(t, order_service_settle(&world.service, &settled, &failure));
    seam_check_eq(t, settled, 0);
}

SEAM_TEST(all_that_was_left_is_settled)
{
    struct failure failure;
    struct world world;
    size_t settled;

    world_init(&world);
    leave_pending(&world, 20); /* more than a batch */
    seam_require_ok(t, order_service_settle(&world.service, &settled, &failure));
    seam_check_eq(t, settled, 20);
    seam_check_eq(t, world.orders.event_count, 20);
    for (size_t i = 0; i < 20; i++)
        seam_check_eq(t, world.orders.orders[i].status, ORDER_PAID);
}

SEAM_TEST(declined_orders_do_not_stop_the_others)
{
    struct failure failure;
    struct world world;
    size_t settled;

    world_init(&world);
    leave_pending(&world, 3);
    world.payments.answer = PAYMENT_DECLINED;
    seam_require_ok(t, order_service_settle(&world.service, &settled, &failure));
    seam_check_eq(t, settled, 3);
    seam_check_eq(t, world.orders.event_count, 0);
}

SEAM_TEST(outage_stops_settling_where_it_is)
{
    struct failure failure;
    struct world world;
    size_t settled;

    world_init(&world);
    leave_pending(&world, 5);
    world.payments.silent_from = 3;
    seam_check_eq(t, order_service_settle(&world.service, &settled, &failure),
                  SERVICE_TRY_AGAIN);
    seam_check_eq(t, settled, 2);
    seam_check_eq(t, world.payments.count, 3);
    seam_check_eq(t, world.orders.orders[2].status, ORDER_PENDING);
}

SEAM_TEST(list_that_cannot_be_had)
{
    struct failure failure;
    struct world world;
    size_t settled = 99;

    world_init(&world);
    world.orders.refuse.list = REPOSITORY_UNAVAILABLE;
    seam_check_eq(t, order_service_settle(&world.service, &settled, &failure),
                  SERVICE_TRY_AGAIN);
    seam_check_eq(t, settled, 0);
}
