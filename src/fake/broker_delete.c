/* fake/broker_delete.c - exchanges, queues and bindings go; see broker_core.h. */

#include <errno.h>
#include <string.h>

#include "fake/broker_state.h"

static void drop_exchange(struct broker *broker, struct exchange *exchange);

/* ---- bindings ---------------------------------------------------------------------------- */

/* One that is to go when it has no binding left; not while those of others to it are being looked at. */
static void exchange_left(struct broker *broker, struct exchange *exchange)
{
    if (exchange->wish.auto_delete && !exchange->bindings)
        drop_exchange(broker, exchange);
}

/* Those that lead to it. Begins anew after each: an exchange may have gone with it. */
static bool drop_one_binding_to(struct broker *broker, const struct queue *queue,
                                const struct exchange *target)
{
    for (struct exchange *exchange = broker->exchanges; exchange; exchange = exchange->next)
        for (struct binding **at = &exchange->bindings; *at; at = &(*at)->next)
            if ((*at)->queue == queue && (*at)->exchange == target) {
                *at = (*at)->next;
                exchange_left(broker, exchange);
                return true;
            }
    return false;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool broker_is_same_headers(const struct broker_headers *a, const struct broker_headers *b)
{
    bool same = a->count == b->count && a->any == b->any && is_same_text(a->types, b->types);

    for (size_t i = 0; same && i < a->count; i++)
        same = is_same_text(a->at[i].name, b->at[i].name) &&
               is_same_text(a->at[i].value, b->at[i].value);
    return same;
}

int broker_unbind(struct broker *broker, const char *destination, bool is_queue,
                  const char *source, const char *key, const struct broker_headers *headers,
                  struct err *err)
{
    static const struct broker_headers none;
    struct exchange *exchange = broker_find_exchange(broker, source);
    struct queue *queue = is_queue ? broker_find_queue(broker, destination) : NULL;
    struct exchange *target = is_queue ? NULL : broker_find_exchange(broker, destination);

    if (!*source || (!is_queue && !*destination))
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    if (!exchange || (!queue && !target))
        return 0;
    headers = headers ? headers : &none;
    for (struct binding **at = &exchange->bindings; *at; at = &(*at)->next)
        if ((*at)->queue == queue && (*at)->exchange == target &&
            strcmp((*at)->key, key) == 0 && broker_is_same_headers(&(*at)->headers, headers)) {
            *at = (*at)->next;
            exchange_left(broker, exchange);
            return 0;
        }
    return 0;
}

/* ---- exchanges --------------------------------------------------------------------------- */

static void drop_exchange(struct broker *broker, struct exchange *exchange)
{
    struct exchange **at = &broker->exchanges;

    while (*at && *at != exchange)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = exchange->next;
    exchange->bindings = NULL;
    while (drop_one_binding_to(broker, NULL, exchange))
        ;
}

int broker_delete_exchange(struct broker *broker, const char *name, bool if_unused,
                           struct err *err)
{
    struct exchange *exchange = broker_find_exchange(broker, name);

    if (!*name)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    if (exchange && strncmp(name, "amq.", 4) == 0)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - deletion of system exchange '%s' in vhost '%s' not "
                       "allowed",
                       name, broker->vhost);
    if (exchange && if_unused && exchange->bindings)
        return err_set(err, -EBUSY, "PRECONDITION_FAILED - exchange '%s' in vhost '%s' in use",
                       name, broker->vhost);
    if (exchange)
        drop_exchange(broker, exchange);
    return 0;
}

/* ---- queues ------------------------------------------------------------------------------ */

/* Its consumers are cancelled; what is held of it can be settled, and goes nowhere. */
static void drop_queue(struct broker *broker, struct queue *queue)
{
    struct queue **at = &broker->queues;
    struct consumer **end = &broker->cancelled;

    while (*at != queue)
        at = &(*at)->next;
    *at = queue->next;
    broker_drop_ready(broker, queue);
    for (struct entry *entry = broker->held; entry; entry = entry->next)
        if (entry->queue == queue)
            entry->queue = NULL;
    while (*end)
        end = &(*end)->next;
    *end = queue->consumers;
    queue->consumers = NULL;
    while (drop_one_binding_to(broker, queue, NULL))
        ;
}

void broker_queue_left(struct broker *broker, struct queue *queue)
{
    if (queue->wish.auto_delete && !queue->consumers)
        drop_queue(broker, queue);
}

int broker_delete_queue(struct broker *broker, const char *name, bool if_unused, bool if_empty,
                        size_t *ret_messages, struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);
    struct broker_counts counts = { 0 };

    *ret_messages = 0;
    if (!queue)
        return 0;
    broker_counts(broker, name, &counts, err);
    if (if_unused && counts.consumers > 0)
        return err_set(err, -EBUSY, "PRECONDITION_FAILED - queue '%s' in vhost '%s' in use",
                       name, broker->vhost);
    if (if_empty && counts.ready > 0)
        return err_set(err, -EBUSY, "PRECONDITION_FAILED - queue '%s' in vhost '%s' not empty",
                       name, broker->vhost);
    *ret_messages = counts.ready;
    drop_queue(broker, queue);
    return 0;
}

int broker_purge(struct broker *broker, const char *name, size_t *ret_messages, struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);
    struct broker_counts counts;

    if (!queue)
        return broker_no_queue(broker, name, err);
    broker_counts(broker, name, &counts, err); /* what has expired goes to its dead letters */
    *ret_messages = broker_drop_ready(broker, queue);
    return 0;
}

void broker_release_owner(struct broker *broker, uint64_t owner)
{
    struct queue *queue = broker->queues, *next;

    for (; queue; queue = next) {
        next = queue->next;
        if (queue->wish.exclusive && queue->wish.owner == owner)
            drop_queue(broker, queue);
    }
}

int broker_check_queue(const struct broker *broker, const char *name, uint64_t owner,
                       struct err *err)
{
    const struct queue *queue = broker_find_queue(broker, name);

    if (!queue)
        return broker_no_queue(broker, name, err);
    return owner == 0 ? 0 : broker_check_lock(broker, queue, owner, queue->wish.exclusive, err);
}
