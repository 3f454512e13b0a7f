/* testkit/fakes.c - stand-ins for the service's ports; see fakes.h. */

#include "testkit/fakes.h"

#include <stdio.h>
#include <string.h>

#include "testkit/sample_order.h"

static const char refused[] = "the fake was told to fail";

static void say(struct failure *failure, const char *text)
{
    snprintf(failure->text, sizeof failure->text, "%s", text);
}

/* ---- repository ------------------------------------------------------------------------- */

static struct order *by_id(struct fake_repository *fake, const char *id)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->orders[i].id, id) == 0)
            return &fake->orders[i];
    return NULL;
}

static struct order *by_key(struct fake_repository *fake, const char *key)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->orders[i].idempotency_key, key) == 0)
            return &fake->orders[i];
    return NULL;
}

static enum repository_result save(void *self, const struct order *order,
                                   struct failure *failure)
{
    struct fake_repository *fake = self;

    if (fake->rival_saves)
        fake->orders[fake->count++] = *fake->rival_saves;
    fake->rival_saves = NULL;
    say(failure, refused);
    if (fake->refuse.save)
        return fake->refuse.save;
    if (by_id(fake, order->id) || by_key(fake, order->idempotency_key))
        return REPOSITORY_DUPLICATE;
    if (fake->count == FAKE_ROOM)
        return REPOSITORY_FAILED;
    fake->orders[fake->count++] = *order;
    return REPOSITORY_OK;
}

static enum repository_result answer(const struct order *order, struct order *ret_order)
{
    if (!order)
        return REPOSITORY_NOT_FOUND;
    *ret_order = *order;
    return REPOSITORY_OK;
}

static enum repository_result find(void *self, const char *id, struct order *ret_order,
                                   struct failure *failure)
{
    struct fake_repository *fake = self;

    say(failure, refused);
    return fake->refuse.find ? fake->refuse.find : answer(by_id(fake, id), ret_order);
}

static enum repository_result find_by_key(void *self, const char *key, struct order *ret_order,
                                          struct failure *failure)
{
    struct fake_repository *fake = self;

    say(failure, refused);
    if (fake->refuse.find_by_key)
        return fake->refuse.find_by_key;
    return answer(by_key(fake, key), ret_order);
}

static enum repository_result list(void *self, enum order_status status, struct order *orders,
                                   size_t room, size_t *ret_count, struct failure *failure)
{
    struct fake_repository *fake = self;
    size_t count = 0;

    say(failure, refused);
    if (fake->refuse.list)
        return fake->refuse.list;
    for (size_t i = 0; i < fake->count && count < room; i++)
        if (fake->orders[i].status == status)
            orders[count++] = fake->orders[i];
    *ret_count = count;
    return REPOSITORY_OK;
}

static void let_rival_act(struct fake_repository *fake, const char *id)
{
    struct order *kept = by_id(fake, id);

    if (fake->rival_updates && kept)
        *kept = *fake->rival_updates;
    if (fake->rival_removes)
        fake->count = 0;
    fake->rival_updates = NULL;
    fake->rival_removes = false;
}

static enum repository_result update(void *self, struct order *order, const struct event *event,
                                     struct failure *failure)
{
    struct fake_repository *fake = self;
    struct order *kept;

    let_rival_act(fake, order->id);
    say(failure, refused);
    if (fake->refuse.update)
        return fake->refuse.update;
    kept = by_id(fake, order->id);
    if (!kept)
        return REPOSITORY_NOT_FOUND;
    if (kept->version != order->version)
        return REPOSITORY_CONFLICT;
    if (event && fake->event_count == FAKE_ROOM)
        return REPOSITORY_FAILED;
    if (event)
        fake->events[fake->event_count++] = *event;
    order->version++;
    *kept = *order;
    return REPOSITORY_OK;
}

/* ---- outbox: the repository's events ---------------------------------------------------- */

static enum repository_result take(void *self, struct event *ret_event, struct failure *failure)
{
    struct fake_repository *fake = self;

    say(failure, refused);
    if (fake->refuse.take)
        return fake->refuse.take;
    if (fake->event_count == 0)
        return REPOSITORY_NOT_FOUND;
    *ret_event = fake->events[0];
    return REPOSITORY_OK;
}

static enum repository_result finish(void *self, bool announced, struct failure *failure)
{
    struct fake_repository *fake = self;

    say(failure, refused);
    if (fake->refuse.finish)
        return fake->refuse.finish;
    if (announced)
        memmove(&fake->events[0], &fake->events[1],
                --fake->event_count * sizeof fake->events[0]);
    return REPOSITORY_OK;
}

/* ---- the other ports -------------------------------------------------------------------- */

static enum payment_result charge(void *self, const char *key, struct money amount,
                                  char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1],
                                  struct failure *failure)
{
    struct fake_gateway *fake = self;

    fake->count++;
    fake->amount = amount;
    snprintf(fake->key, sizeof fake->key, "%s", key);
    say(failure, refused);
    if (fake->silent_from && fake->count >= fake->silent_from)
        return PAYMENT_UNAVAILABLE;
    if (fake->answer == PAYMENT_OK)
        snprintf(ret_payment_id, ORDER_PAYMENT_ID_MAX + 1, "%s", fake->payment_id);
    return fake->answer;
}

static int publish(void *self, const struct event *event, struct failure *failure)
{
    struct fake_publisher *fake = self;

    say(failure, refused);
    if (fake->count == FAKE_ROOM || (fake->silent_from && fake->count + 1 >= fake->silent_from))
        return -1;
    fake->events[fake->count++] = *event;
    return 0;
}

static void ring(void *self)
{
    struct fake_bell *fake = self;

    fake->rung++;
}

static int64_t now_us(void *self)
{
    struct fake_clock *fake = self;

    return fake->now_us;
}

static int next(void *self, char ret_id[ORDER_ID_LENGTH + 1])
{
    struct fake_ids *fake = self;

    if (fake->runs_dry)
        return -1;
    memcpy(ret_id, sample_order(++fake->used).id, ORDER_ID_LENGTH + 1);
    return 0;
}

void world_init(struct world *world)
{
    *world = (struct world){
        .payments = { .payment_id = "ch_1" },
        .clock = { .now_us = 1700000000000001 },
        .service = {
            .orders = { &world->orders, save, find, find_by_key, list, update },
            .payments = { &world->payments, charge },
            .bell = { &world->bell, ring },
            .clock = { &world->clock, now_us },
            .ids = { &world->ids, next },
        },
        .announcer = {
            .outbox = { &world->orders, take, finish },
            .events = { &world->published, publish },
        },
    };
}
