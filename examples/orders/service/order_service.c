/* service/order_service.c - order, payment, event; see order_service.h. */

#include "service/order_service.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "service/events.h"

enum { SETTLE_BATCH = 8 };

__attribute__((format(printf, 3, 4))) static enum service_result
fail(struct failure *failure, enum service_result result, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    return result;
}

/* What a failure of the repository means to the caller; the words are the repository's own. */
static enum service_result from_repository(enum repository_result result)
{
    static const enum service_result meaning[] = {
        [REPOSITORY_OK] = SERVICE_OK,
        [REPOSITORY_NOT_FOUND] = SERVICE_NOT_FOUND,
        [REPOSITORY_DUPLICATE] =
            SERVICE_FAILED, /* a key's owner is looked up before: an id clash */
        [REPOSITORY_NO_CUSTOMER] = SERVICE_NO_CUSTOMER,
        [REPOSITORY_REFUSED] = SERVICE_INVALID,
        [REPOSITORY_CONFLICT] = SERVICE_TRY_AGAIN,
        [REPOSITORY_TRY_AGAIN] = SERVICE_TRY_AGAIN,
        [REPOSITORY_UNAVAILABLE] = SERVICE_TRY_AGAIN,
        [REPOSITORY_FAILED] = SERVICE_FAILED,
    };

    return meaning[result];
}

/* ---- saved once ------------------------------------------------------------------------- */

/* The draft with what is ours to decide. */
static enum service_result prepare(const struct order_service *service,
                                   const struct order *draft, struct order *ret_order,
                                   struct failure *failure)
{
    enum order_error error;

    *ret_order = *draft;
    if (service->ids.next(service->ids.self, ret_order->id) < 0)
        return fail(failure, SERVICE_FAILED, "cannot make an id for the order");
    ret_order->status = ORDER_PENDING;
    ret_order->created_at_us = service->clock.now_us(service->clock.self);
    ret_order->paid_at_us = 0;
    ret_order->payment_id[0] = '\0';
    ret_order->version = 1;
    error = order_validate(ret_order);
    if (error)
        return fail(failure, SERVICE_INVALID, "%s", order_error_text(error));
    return SERVICE_OK;
}

/* Replace `order` by the one that was kept under its key, which has to ask for the same
 * things. */
static enum service_result recall(const struct order_service *service, struct order *order,
                                  struct failure *failure)
{
    const struct order_repository *orders = &service->orders;
    struct order kept;
    enum repository_result result =
        orders->find_by_key(orders->self, order->idempotency_key, &kept, failure);

    if (result)
        return from_repository(result);
    if (!order_asks_the_same(order, &kept))
        return fail(failure, SERVICE_KEY_REUSED,
                    "idempotency key '%s' belongs to order %s, which is a different one",
                    order->idempotency_key, kept.id);
    *order = kept;
    return SERVICE_OK;
}

/* Keep the order, unless it is kept already. Two callers with the same key may both find
 * nothing: the database's unique key decides, and the loser goes on with the winner's order. */
static enum service_result save_once(const struct order_service *service, struct order *order,
                                     struct failure *failure)
{
    const struct order_repository *orders = &service->orders;
    enum service_result recalled = recall(service, order, failure);
    enum repository_result saved;

    if (recalled != SERVICE_NOT_FOUND)
        return recalled;
    saved = orders->save(orders->self, order, failure);
    if (saved != REPOSITORY_DUPLICATE)
        return from_repository(saved);
    recalled = recall(service, order, failure);
    if (recalled == SERVICE_NOT_FOUND)
        return fail(failure, SERVICE_FAILED, "order id %s is taken by another order",
                    order->id);
    return recalled;
}

/* ---- paid once -------------------------------------------------------------------------- */

/* What to tell of an order that was settled, by whomever. */
static enum service_result outcome(const struct order *order, struct failure *failure)
{
    if (order->status == ORDER_PENDING)
        return fail(failure, SERVICE_TRY_AGAIN, "order %s was changed by somebody else",
                    order->id);
    if (order->status == ORDER_DECLINED)
        return fail(failure, SERVICE_DECLINED, "the payment of order %s was declined",
                    order->id);
    return SERVICE_OK;
}

/* Ask for the money and write the answer into the order. */
static enum service_result charge(const struct order_service *service, struct order *order,
                                  struct failure *failure)
{
    const struct payment_gateway *payments = &service->payments;
    char payment_id[ORDER_PAYMENT_ID_MAX + 1];
    enum payment_result result;
    enum order_error error;
    struct money amount;

    error = order_total(order, &amount);
    if (error)
        return fail(failure, SERVICE_FAILED, "order %s: %s", order->id,
                    order_error_text(error));
    result = payments->charge(payments->self, order->id, amount, payment_id, failure);
    if (result == PAYMENT_UNAVAILABLE)
        return SERVICE_TRY_AGAIN;
    if (result == PAYMENT_FAILED)
        return SERVICE_FAILED;
    if (result == PAYMENT_DECLINED)
        error = order_decline(order);
    else
        error = order_pay(order, payment_id, service->clock.now_us(service->clock.self));
    if (error)
        return fail(failure, SERVICE_FAILED, "order %s: %s", order->id,
                    order_error_text(error));
    return SERVICE_OK;
}

/* Somebody else was quicker: theirs is the outcome, and the event is theirs. */
static enum service_result accept_other(const struct order_service *service,
                                        struct order *order, struct failure *failure)
{
    struct order theirs;
    enum service_result result = order_service_find(service, order->id, &theirs, failure);

    if (result)
        return result;
    *order = theirs;
    return outcome(order, failure);
}

/* Keep what became of the order: a paid one together with the event that says so. */
static enum repository_result keep(const struct order_service *service, struct order *order,
                                   struct failure *failure)
{
    const struct order_repository *orders = &service->orders;
    enum repository_result result;
    struct event event;

    if (order->status != ORDER_PAID)
        return orders->update(orders->self, order, NULL, failure);
    event_order_paid(order, &event);
    result = orders->update(orders->self, order, &event, failure);
    if (result == REPOSITORY_OK && service->bell.ring)
        service->bell.ring(service->bell.self);
    return result;
}

/* Bring a pending order to its end, and leave any other as it is. */
static enum service_result settle(const struct order_service *service, struct order *order,
                                  struct failure *failure)
{
    enum repository_result updated;
    enum service_result result;

    if (order->status != ORDER_PENDING)
        return outcome(order, failure);
    result = charge(service, order, failure);
    if (result)
        return result;
    updated = keep(service, order, failure);
    if (updated == REPOSITORY_CONFLICT)
        return accept_other(service, order, failure);
    if (updated)
        return from_repository(updated);
    return outcome(order, failure);
}

static bool is_settled(enum service_result result)
{
    return result == SERVICE_OK || result == SERVICE_DECLINED;
}

/* ---- the public functions --------------------------------------------------------------- */

enum service_result order_service_place(const struct order_service *service,
                                        const struct order *draft, struct order *ret_order,
                                        struct failure *failure)
{
    struct order order;
    enum service_result result = prepare(service, draft, &order, failure);

    if (result == SERVICE_OK)
        result = save_once(service, &order, failure);
    if (result == SERVICE_OK)
        result = settle(service, &order, failure);
    if (is_settled(result))
        *ret_order = order;
    return result;
}

enum service_result order_service_find(const struct order_service *service, const char *id,
                                       struct order *ret_order, struct failure *failure)
{
    const struct order_repository *orders = &service->orders;

    return from_repository(orders->find(orders->self, id, ret_order, failure));
}

enum service_result order_service_settle(const struct order_service *service,
                                         size_t *ret_settled, struct failure *failure)
{
    const struct order_repository *orders = &service->orders;
    struct order batch[SETTLE_BATCH];
    size_t count;

    *ret_settled = 0;
    do {
        enum repository_result listed =
            orders->list(orders->self, ORDER_PENDING, batch, SETTLE_BATCH, &count, failure);

        if (listed)
            return from_repository(listed);
        for (size_t i = 0; i < count; i++) {
            enum service_result result = settle(service, &batch[i], failure);

            if (!is_settled(result))
                return result;
            ++*ret_settled;
        }
    } while (count > 0);
    return SERVICE_OK;
}
