/* fake/broker_route.c - which queues get a message; see broker_state.h. */

#include <errno.h>
#include <string.h>

#include "base/buf.h"
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

int broker_no_queue(const struct broker *broker, const char *name, struct err *err)
{
    return err_set(err, -ENOENT, "NOT_FOUND - no queue '%s' in vhost '%s'", name,
                   broker->vhost);
}

int broker_no_exchange(const struct broker *broker, const char *name, struct err *err)
{
    return err_set(err, -ENOENT, "NOT_FOUND - no exchange '%s' in vhost '%s'", name,
                   broker->vhost);
}

/* ---- bindings ---------------------------------------------------------------------------- */

static bool is_same_type(const char *types, size_t i, char wanted)
{
    return !types || !wanted || strlen(types) <= i || types[i] == wanted;
}

static bool header_holds(const seam_message_header *wanted, char type,
                         const struct letter *letter)
{
    const seam_message *message = &letter->message;

    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, wanted->name) == 0)
            return !wanted->value || (strcmp(message->headers[i].value, wanted->value) == 0 &&
                                      is_same_type(letter->header_types, i, type));
    return false;
}

/* None asked for: any message. */
static bool headers_hold(const struct broker_headers *headers, const struct letter *letter)
{
    size_t held = 0;

    for (size_t i = 0; i < headers->count; i++)
        held +=
            header_holds(&headers->at[i], headers->types ? headers->types[i] : '\0', letter);
    return headers->any && headers->count > 0 ? held > 0 : held == headers->count;
}

static bool binding_holds(const struct exchange *exchange, const struct binding *binding,
                          const struct letter *letter)
{
    const seam_message *message = &letter->message;

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
    return headers_hold(&binding->headers, letter);
}

/* The queues and exchanges that a message has come to, each once. */
struct route {
    const struct letter *letter;
    struct buf queues, exchanges;
};

static bool add_once(struct buf *to, void *one)
{
    void **all = (void **)(void *)to->data;

    for (size_t i = 0; i < to->size / sizeof one; i++)
        if (all[i] == one)
            return false;
    if (buf_add(to, &one, sizeof one) < 0)
        arena_give_up(to->size);
    return true;
}

static void follow(const struct broker *broker, const struct exchange *exchange,
                   struct route *route);

static void follow_alternate(const struct broker *broker, const struct exchange *exchange,
                             struct route *route)
{
    const struct exchange *alternate =
        exchange->alternate ? broker_find_exchange(broker, exchange->alternate) : NULL;

    if (alternate)
        follow(broker, alternate, route);
}

static void follow(const struct broker *broker, const struct exchange *exchange,
                   struct route *route)
{
    bool is_bound = false;

    if (!add_once(&route->exchanges, (void *)exchange))
        return;
    for (const struct binding *at = exchange->bindings; at; at = at->next) {
        if (!binding_holds(exchange, at, route->letter))
            continue;
        is_bound = true;
        if (at->queue)
            add_once(&route->queues, at->queue);
        else
            follow(broker, at->exchange, route);
    }
    if (!is_bound)
        follow_alternate(broker, exchange, route);
}

/* All are known before the first gets it: that may dead-letter another message, which is routed meanwhile. */
static int route_bound(struct broker *broker, const struct exchange *exchange,
                       const struct letter *letter, broker_route_fn *fn, void *arg)
{
    struct route route = { letter, BUF_INIT(SIZE_MAX / 2), BUF_INIT(SIZE_MAX / 2) };
    struct queue **queues;
    size_t count;

    follow(broker, exchange, &route);
    queues = (struct queue **)(void *)route.queues.data;
    count = route.queues.size / sizeof *queues;
    for (size_t i = 0; i < count; i++)
        fn(broker, queues[i], letter, arg);
    buf_fini(&route.queues);
    buf_fini(&route.exchanges);
    return (int)count;
}

int broker_route_letter(struct broker *broker, const struct letter *letter, broker_route_fn *fn,
                        void *arg, struct err *err)
{
    const seam_message *message = &letter->message;
    const struct exchange *exchange = broker_find_exchange(broker, message->exchange);
    struct queue *named =
        *message->exchange ? NULL : broker_find_queue(broker, message->routing_key);

    if (!exchange)
        return broker_no_exchange(broker, message->exchange, err);
    if (named) {
        fn(broker, named, letter, arg);
        return 1;
    }
    return exchange->bindings || exchange->alternate
               ? route_bound(broker, exchange, letter, fn, arg)
               : 0;
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

int broker_route_typed(struct broker *broker, const seam_message *message,
                       const char *header_types, struct err *err)
{
    const struct letter letter = { .message = *message, .header_types = header_types };
    int r = broker_route_letter(broker, &letter, count_only, NULL, err);
    int wrong = r < 0 ? r : broker_check_expiration(message, err);

    return wrong < 0 ? wrong : r;
}

int broker_route(struct broker *broker, const seam_message *message, struct err *err)
{
    return broker_route_typed(broker, message, NULL, err);
}

void broker_publish(struct broker *broker, const seam_message *copy)
{
    const struct letter *letter =
        (const struct letter *)(const void *)((const char *)copy -
                                              offsetof(struct letter, message));

    broker_route_letter(broker, letter, enqueue, NULL, NULL);
}
