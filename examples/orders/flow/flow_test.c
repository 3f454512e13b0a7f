/* flow/flow_test.c - see flow_test.h. */

#include "flow/flow_test.h"

#include <seam/clock.h>
#include <seam/uuid.h>

#include "payment/http_gateway.h"
#include "repository/postgres_outbox.h"
#include "repository/postgres_repository.h"

SEAM_CLEANUP_FN(close_repository, postgres_repository_close, struct postgres_repository *);
SEAM_CLEANUP_FN(close_outbox, postgres_outbox_close, struct postgres_outbox *);
SEAM_CLEANUP_FN(close_gateway, http_gateway_close, struct http_gateway *);

/* Seam's clock behind the service's own port: it stands still. */
static int64_t now_us(void *clock)
{
    return seam_clock_now_ns(clock) / 1000;
}

static int no_time(void *self, int64_t ms)
{
    (void)self;
    (void)ms;
    return -1;
}

static struct payment_gateway open_gateway(seam_t *t)
{
    const struct http_gateway_settings settings = { .token = "secret",
                                                    .waiter = { .wait = no_time } };
    struct http_gateway *gateway;

    seam_require_ok(t, http_gateway_open(&gateway, &settings));
    seam_cleanup(t, close_gateway, gateway);
    return http_gateway_port(gateway);
}

static struct order_repository open_orders(seam_t *t, const char *conninfo)
{
    struct postgres_repository *repository;
    struct failure failure;

    if (postgres_repository_open(&repository, conninfo, &failure))
        seam_fatal(t, "cannot open the repository: %s", failure.text);
    seam_cleanup(t, close_repository, repository);
    return postgres_repository_port(repository);
}

static struct outbox open_outbox(seam_t *t, const char *conninfo)
{
    struct postgres_outbox *outbox;
    struct failure failure;

    if (postgres_outbox_open(&outbox, conninfo, &failure))
        seam_fatal(t, "cannot open the outbox: %s", failure.text);
    seam_cleanup(t, close_outbox, outbox);
    return postgres_outbox_port(outbox);
}

void flow_start(seam_t *t, struct flow *flow, const char *conninfo,
                struct event_publisher events)
{
    world_init(&flow->world);
    flow->world.service.clock.self =
        seam_clock_start(t, .at = "2023-11-14T22:13:20Z", .port_only = true);
    flow->world.service.clock.now_us = now_us;
    flow->world.service.ids.self =
        seam_uuid_start(t, .list = { "00000000-0000-4000-8000-000000000001" });
    flow->world.service.ids.next = seam_uuid_next;
    flow->world.service.orders = open_orders(t, conninfo);
    flow->world.service.payments = open_gateway(t);
    flow->world.announcer.outbox = open_outbox(t, conninfo);
    flow->world.announcer.events = events;
}

void flow_place(seam_t *t, struct flow *flow, struct order *order)
{
    struct failure failure;

    if (order_service_place(&flow->world.service, order, order, &failure))
        seam_fatal(t, "cannot place the order: %s", failure.text);
}

void flow_announce(seam_t *t, struct flow *flow, size_t want)
{
    struct failure failure;
    size_t sent;

    if (announcer_run(&flow->world.announcer, &sent, &failure) < 0)
        seam_fatal(t, "%zu events announced, and then: %s", sent, failure.text);
    seam_check_eq(t, sent, want);
}
