/* fake/broker_route.c - which queues get a message; see broker_state.h. */

#include <errno.h>
#include <string.h>

#include "fake/broker_state.h"
#include "fake/message_key.h"

struct exchange *broker_find_exchange(const struct broker *broker, const char *name)
{
    struct exchange *exchange = broker->exchanges;

    while (exchange && strcmp(exchange->name, name) != 0)
        exchange = exchange->next;
    return exchange;
}

struct queue *broker_find_queue(const struct broker *broker, const char *name)
{
    struct queue *queue = broker->queues;

    while (queue && strcmp(queue->name, name) != 0)
        queue = queue->next;
    return queue;
}

/* ---- bindings ---------------------------------------------------------------------------- */

static bool header_holds(const seam_message_header *wanted, const seam_message *message)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, wanted->name) == 0)
            return !wanted->value || strcmp(message->headers[i].value, wanted->value) == 0;
    return false;
}

/* None asked for: any message. */
static bool headers_hold(const struct broker_headers *headers, const seam_message *message)
{
    size_t held = 0;

    for (size_t i = 0; i < headers->count; i++)
        held += header_holds(&headers->at[i], message);
    return headers->any && headers->count > 0 ? held > 0 : held == headers->count;
}

static bool binding_holds(const struct exchange *exchange, const struct binding *binding,
                          const seam_message *message)
{
    switch (exchange->type) {
    case BROKER_DIRECT:
        return strcmp(binding->key, message->routing_key) == 0;
    case BROKER_TOPIC:
        return message_key_matches(binding->key, message->routing_key);
    case BROKER_FANOUT:
        return true;
    case BROKER_HEADERS:
        break;
    }
    return headers_hold(&binding->headers, message);
}

/* Whether a binding before this one has led to its queue. */
static bool is_routed(const struct exchange *exchange, const struct binding *last,
                      const seam_message *message)
{
    for (const struct binding *at = exchange->bindings; at != last; at = at->next)
        if (at->queue == last->queue && binding_holds(exchange, at, message))
            return true;
    return false;
}

int broker_route_letter(struct broker *broker, const struct letter *letter, broker_route_fn *fn,
                        void *arg, struct err *err)
{
    const seam_message *message = &letter->message;
    const struct exchange *exchange = broker_find_exchange(broker, message->exchange);
    struct queue *named =
        *message->exchange ? NULL : broker_find_queue(broker, message->routing_key);
    int count = 0;

    if (!exchange)
        return err_set(err, -ENOENT, "NOT_FOUND - no exchange '%s' in vhost '/'",
                       message->exchange);
    if (named) {
        fn(broker, named, letter, arg);
        return 1;
    }
    for (const struct binding *at = exchange->bindings; at; at = at->next)
        if (binding_holds(exchange, at, message) && !is_routed(exchange, at, message)) {
            fn(broker, at->queue, letter, arg);
            count++;
        }
    return count;
}

/* ---- publishing -------------------------------------------------------------------------- */

static void count_only(struct broker *broker, struct queue *queue, const struct letter *letter,
                       void *arg)
{
    (void)broker;
    (void)queue;
    (void)letter;
    (void)arg;
}

static void enqueue(struct broker *broker, struct queue *queue, const struct letter *letter,
                    void *arg)
{
    (void)arg;
    broker_enqueue(broker, queue, letter);
}

int broker_route(struct broker *broker, const seam_message *message, struct err *err)
{
    const struct letter letter = { .message = *message };
    int r = broker_check_expiration(message, err);

    return r < 0 ? r : broker_route_letter(broker, &letter, count_only, NULL, err);
}

void broker_publish(struct broker *broker, const seam_message *copy)
{
    const struct letter *letter =
        (const struct letter *)(const void *)((const char *)copy -
                                              offsetof(struct letter, message));

    broker_route_letter(broker, letter, enqueue, NULL, NULL);
}
