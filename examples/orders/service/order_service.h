/*
 * service/order_service.h - take an order, have it paid, tell the others.
 *
 *     place: validate -> save as pending -> charge -> mark as paid, with the event
 *
 * Each step may fail or be the last one before a crash, so each is safe to do
 * again. Placing the same order with the same idempotency key goes on where the
 * first attempt stopped, and charges once: the payment provider is given the
 * order's id as its own idempotency key.
 *
 * The event goes into an outbox in the transaction that marks the order as paid, so
 * that there is never one without the other. Sending it is the announcer's work.
 *
 * Ownership: the service borrows its ports, which live at least as long as it does.
 *
 * Threads: as many as the ports allow; the service itself keeps no state.
 */
#ifndef SERVICE_ORDER_SERVICE_H
#define SERVICE_ORDER_SERVICE_H

#include "service/ports.h"

struct order_service {
    struct order_repository orders;
    struct payment_gateway payments;
    struct bell bell; /* .ring may be NULL: the outbox is looked at anyway */
    struct clock clock;
    struct id_generator ids;
};

enum service_result {
    SERVICE_OK,
    SERVICE_INVALID, /* the order makes no sense, or the database refused it */
    SERVICE_NO_CUSTOMER,
    SERVICE_NOT_FOUND,
    SERVICE_KEY_REUSED, /* the idempotency key belongs to a different order */
    SERVICE_DECLINED, /* saved, but the payment was refused */
    SERVICE_TRY_AGAIN, /* something is away or busy: the same call may succeed later */
    SERVICE_FAILED, /* a mistake that the caller cannot mend */
};

/* Place an order. The caller fills in idempotency_key, customer_id, currency, note, metadata
 * and the lines of `draft`; the rest is ours. `ret_order` is the order as it is kept now,
 * written with SERVICE_OK and SERVICE_DECLINED; it may be `draft` itself. */
enum service_result order_service_place(const struct order_service *service,
                                        const struct order *draft, struct order *ret_order,
                                        struct failure *failure);

enum service_result order_service_find(const struct order_service *service, const char *id,
                                       struct order *ret_order, struct failure *failure);

/* Go on with orders that a crash or an outage left pending, the oldest first, a batch at a
 * time. Stops at the first failure that is not a declined payment. *ret_settled counts those
 * that are not pending any more, and is always written. */
enum service_result order_service_settle(const struct order_service *service,
                                         size_t *ret_settled, struct failure *failure);

#endif
