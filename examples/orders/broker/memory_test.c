/*
 * broker/memory_test.c - the announcer with Seam's broker in memory behind the publisher's port: what
 * becomes of an event on a broker's bad days.
 */

//seam:pkg-config librabbitmq
//seam:cflags -I..
//seam:sources ../order/*.c ../service/*.c ../testkit/*.c

#include <seam/broker.h>

#include <string.h>

#include "testkit/fakes.h"
#include "testkit/memory_broker.h"
#include "testkit/sample_order.h"

/* A world in which sample_order(1) was placed and paid, and its event waits. */
static void start(seam_t *t, struct world *world, seam_broker *broker)
{
    struct order order = sample_order(1);
    struct failure failure;

    world_init(world);
    world->announcer.events = memory_broker_port(broker);
    seam_require_ok(t, order_service_place(&world->service, &order, &order, &failure));
    seam_require_eq(t, world->orders.event_count, 1);
}

static int announce(struct world *world, struct failure *failure)
{
    size_t sent;

    return announcer_run(&world->announcer, &sent, failure);
}

SEAM_TEST(event_reaches_the_queue)
{
    seam_broker *broker = memory_broker_start(t);
    const seam_message *message;
    struct failure failure;
    struct world world;

    start(t, &world, broker);
    seam_require_ok(t, announce(&world, &failure));
    message = seam_broker_get(broker, "paid");
    seam_require(t, message != NULL);
    seam_check_eq(t, message->message_id, "00000000-0000-4000-8000-000000000001.paid");
    seam_check_eq(t, message->content_type, "application/json");
    seam_check(t, message->persistent);
    seam_check_json(t, message->body,
                    "{'order_id': '00000000-0000-4000-8000-000000000001', 'customer_id': 7,"
                    " 'total_cents': 4200, 'currency': 'EUR', 'paid_at_us': 1700000000000001}");
}

SEAM_TEST(event_is_sent_once)
{
    seam_broker *broker = memory_broker_start(t);
    struct failure failure;
    struct world world;

    seam_broker_expect(broker, .exchange = "orders", .routing_key = "order.paid",
                       .json = "{'total_cents': 4200}");
    start(t, &world, broker);
    seam_require_ok(t, announce(&world, &failure));
    seam_require_ok(t, announce(&world, &failure));
    seam_broker_expect_nothing_else(broker);
}

/* Whoever binds a queue later gets it. */
SEAM_TEST(event_that_no_queue_wants_waits_for_one)
{
    seam_broker *broker = seam_broker_start(t);
    struct failure failure;
    struct world world;

    seam_broker_exchange(broker, "orders", "topic");
    start(t, &world, broker);
    seam_check_eq(t, announce(&world, &failure), -1);
    seam_check_eq(t, world.orders.event_count, 1);

    seam_broker_queue(broker, "mails");
    seam_broker_bind(broker, "mails", "orders", "order.*");
    seam_require_ok(t, announce(&world, &failure));
    seam_check_eq(t, seam_broker_ready(broker, "mails"), 1);
    seam_check_eq(t, world.orders.event_count, 0);
}

SEAM_TEST(outage_delays_an_event)
{
    seam_broker *broker = memory_broker_start(t);
    struct failure failure;
    struct world world;

    start(t, &world, broker);
    seam_broker_fail(broker, .connection_lost = true, .times = 2);
    seam_check_eq(t, announce(&world, &failure), -1);
    seam_check_contains(t, failure.text, "not connected");
    seam_check_eq(t, announce(&world, &failure), -1);
    seam_check_eq(t, seam_broker_count(broker), 0);
    seam_require_ok(t, announce(&world, &failure));
    seam_check_eq(t, seam_broker_count(broker), 1);
}

/* The broker took it, and its answer was lost: nobody can tell that from an outage. The same id lets
 * receivers drop the second one. */
SEAM_TEST(lost_answer_repeats_an_event_under_its_id)
{
    seam_broker *broker = memory_broker_start(t);
    struct failure failure;
    struct world world;

    start(t, &world, broker);
    seam_broker_fail(broker, .connection_lost = true, .accepted = true);
    seam_check_eq(t, announce(&world, &failure), -1);
    seam_require_ok(t, announce(&world, &failure));
    seam_require_eq(t, seam_broker_count(broker), 2);
    seam_check_eq(t, seam_broker_message(broker, 0)->message_id,
                  seam_broker_message(broker, 1)->message_id);
}
