/* service/announcer_test.c - from the outbox to a publisher, both of them fakes. */

#include <seam/seam.h>

#include <stdio.h>

#include "testkit/fakes.h"

/* So many events wait in the outbox: "1", "2", ... */
static void fill(struct world *world, int count)
{
    world_init(world);
    for (int i = 0; i < count; i++) {
        struct event *event = &world->orders.events[world->orders.event_count++];

        *event = (struct event){ .routing_key = "order.paid", .body = "{}" };
        snprintf(event->id, sizeof event->id, "%d", i + 1);
    }
}

SEAM_TEST(empty_outbox_is_soon_done)
{
    struct failure failure;
    struct world world;
    size_t sent = 99;

    fill(&world, 0);
    seam_require_ok(t, announcer_run(&world.announcer, &sent, &failure));
    seam_check_eq(t, sent, 0);
}

SEAM_TEST(all_go_out_in_their_order_and_once)
{
    struct failure failure;
    struct world world;
    size_t sent;

    fill(&world, 3);
    seam_require_ok(t, announcer_run(&world.announcer, &sent, &failure));
    seam_check_eq(t, sent, 3);
    seam_require_eq(t, world.published.count, 3);
    seam_check_eq(t, world.published.events[0].id, "1");
    seam_check_eq(t, world.published.events[2].id, "3");
    seam_check_eq(t, world.orders.event_count, 0);

    seam_require_ok(t, announcer_run(&world.announcer, &sent, &failure));
    seam_check_eq(t, sent, 0);
    seam_check_eq(t, world.published.count, 3);
}

SEAM_TEST(what_nobody_takes_waits_with_all_behind_it)
{
    struct failure failure;
    struct world world;
    size_t sent;

    fill(&world, 3);
    world.published.silent_from = 2;
    seam_check_eq(t, announcer_run(&world.announcer, &sent, &failure), -1);
    seam_check_eq(t, failure.text, "the fake was told to fail");
    seam_check_eq(t, sent, 1);
    seam_require_eq(t, world.orders.event_count, 2);
    seam_check_eq(t, world.orders.events[0].id, "2");

    world.published.silent_from = 0;
    seam_require_ok(t, announcer_run(&world.announcer, &sent, &failure));
    seam_check_eq(t, sent, 2);
    seam_check_eq(t, world.published.events[1].id, "2");
}

SEAM_TEST(outbox_that_is_away_is_told)
{
    struct failure failure;
    struct world world;
    size_t sent;

    fill(&world, 1);
    world.orders.refuse.take = REPOSITORY_UNAVAILABLE;
    seam_check_eq(t, announcer_run(&world.announcer, &sent, &failure), -1);
    seam_check_eq(t, sent, 0);
    seam_check_eq(t, world.published.count, 0);
}

/* The broker has it, and the database does not come to know: better twice than never. */
SEAM_TEST(event_that_cannot_be_forgotten_is_sent_again_with_the_same_id)
{
    struct failure failure;
    struct world world;
    size_t sent;

    fill(&world, 1);
    world.orders.refuse.finish = REPOSITORY_UNAVAILABLE;
    seam_check_eq(t, announcer_run(&world.announcer, &sent, &failure), -1);
    seam_check_eq(t, sent, 0);

    world.orders.refuse.finish = REPOSITORY_OK;
    seam_require_ok(t, announcer_run(&world.announcer, &sent, &failure));
    seam_require_eq(t, world.published.count, 2);
    seam_check_eq(t, world.published.events[0].id, world.published.events[1].id);
}
