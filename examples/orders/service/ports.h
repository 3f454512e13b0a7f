/*
 * service/ports.h - what the order service asks of the world.
 *
 * A port is a struct of functions and the `self` that each of them is given
 * first. The service knows nothing else of databases, brokers and payment
 * providers; adapters fill these structs in, and so do the fakes of the tests.
 *
 * A call that fails says which kind of failure it was, for the program, and why
 * in words, for people: in `failure`, which is never NULL, and whose text means
 * nothing when the call succeeded.
 */
#ifndef SERVICE_PORTS_H
#define SERVICE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "order/order.h"

struct failure {
    char text[512];
};

/* What there is to tell: a plain value made from the order alone. */
struct event {
    char id[64]; /* the same whenever it is made again: receivers drop repetitions by it */
    char routing_key[32];
    char body[256]; /* JSON */
};

/* ---- orders are kept -------------------------------------------------------------------- */

enum repository_result {
    REPOSITORY_OK,
    REPOSITORY_NOT_FOUND,
    REPOSITORY_DUPLICATE, /* an order with that id or idempotency key is there already */
    REPOSITORY_NO_CUSTOMER, /* the order names something that does not exist */
    REPOSITORY_REFUSED, /* a rule of the database does not allow such an order */
    REPOSITORY_CONFLICT, /* somebody else has updated the order since it was read */
    REPOSITORY_TRY_AGAIN, /* nothing is wrong with the request: deadlock, serialization */
    REPOSITORY_UNAVAILABLE, /* no answer; whether the call took effect is not known */
    REPOSITORY_FAILED, /* anything else: a mistake in the program or the schema */
};

struct order_repository {
    void *self;

    /* Keep a new order with its lines: all of it or nothing. */
    enum repository_result (*save)(void *self, const struct order *order,
                                   struct failure *failure);

    enum repository_result (*find)(void *self, const char *id, struct order *ret_order,
                                   struct failure *failure);
    enum repository_result (*find_by_key)(void *self, const char *idempotency_key,
                                          struct order *ret_order, struct failure *failure);

    /* The oldest orders of that status, at most `room` of them; *ret_count says how many. */
    enum repository_result (*list)(void *self, enum order_status status, struct order *orders,
                                   size_t room, size_t *ret_count, struct failure *failure);

    /* Keep the order's status, payment id and time of payment, provided that the version is
     * still the one that was read; then order->version becomes the new one. `event`, unless it
     * is NULL, goes into the outbox in the same transaction: both are kept or neither. */
    enum repository_result (*update)(void *self, struct order *order, const struct event *event,
                                     struct failure *failure);
};

/* ---- payments are taken ----------------------------------------------------------------- */

enum payment_result {
    PAYMENT_OK,
    PAYMENT_DECLINED, /* for good: asking again changes nothing */
    PAYMENT_UNAVAILABLE, /* no answer; asking again with the same key charges at most once */
    PAYMENT_FAILED, /* anything else: a mistake in the program or its settings */
};

struct payment_gateway {
    void *self;

    /* Charge the amount, once for each key however often it is asked. */
    enum payment_result (*charge)(void *self, const char *key, struct money amount,
                                  char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1],
                                  struct failure *failure);
};

/* ---- events are announced --------------------------------------------------------------- */

struct event_publisher {
    void *self;

    /* Returns 0 when somebody answers for the event from now on, -1 when it may be lost. */
    int (*publish)(void *self, const struct event *event, struct failure *failure);
};

/* Events that are decided on and not announced yet. They are put in by order_repository's update,
 * in the transaction that makes them true. */
struct outbox {
    void *self;

    /* Take out the oldest event that nobody else has in hand; NOT_FOUND when there is none. */
    enum repository_result (*take)(void *self, struct event *ret_event,
                                   struct failure *failure);

    /* End what a successful `take` began. Announced, the event is gone for good; if not, or when
     * the program dies before, it is in its place again. */
    enum repository_result (*finish)(void *self, bool announced, struct failure *failure);
};

/* Rung when an event was put into the outbox, so that nobody has to look all the time. */
struct bell {
    void *self;
    void (*ring)(void *self);
};

/* ---- time and names --------------------------------------------------------------------- */

struct clock {
    void *self;
    int64_t (*now_us)(void *self); /* since 1970-01-01 00:00 UTC */
};

struct id_generator {
    void *self;

    /* Write a new UUID in lower case. Returns 0, or -1 when there is no randomness to be
     * had. */
    int (*next)(void *self, char ret_id[ORDER_ID_LENGTH + 1]);
};

#endif
