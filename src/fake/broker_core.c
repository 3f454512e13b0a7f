/* fake/broker_core.c - exchanges, queues and bindings, and the life of a broker; see broker_core.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/broker_state.h"

static const char *const type_names[] = {
    [BROKER_DIRECT] = "direct",
    [BROKER_TOPIC] = "topic",
    [BROKER_FANOUT] = "fanout",
    [BROKER_HEADERS] = "headers",
};

/* ---- exchanges --------------------------------------------------------------------------- */

static struct exchange *add_exchange(struct broker *broker, const char *name,
                                     enum broker_type type)
{
    struct exchange *exchange = arena_zero(&broker->arena, sizeof *exchange);

    *exchange = (struct exchange){ .next = broker->exchanges,
                                   .name = arena_dup(&broker->arena, name),
                                   .type = type };
    broker->exchanges = exchange;
    return exchange;
}

static int parse_type(const char *text, enum broker_type *ret, struct err *err)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (strcmp(type_names[i], text) == 0) {
            *ret = (enum broker_type)i;
            return 0;
        }
    return err_set(err, -EINVAL, "COMMAND_INVALID - unknown exchange type '%s'", text);
}

static int check_exchange(const struct broker *broker, const char *name,
                          const struct exchange *there, enum broker_type type, struct err *err)
{
    if (!*name)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    if (!there && strncmp(name, "amq.", 4) == 0)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - exchange name '%s' contains reserved prefix 'amq.*'",
                       name);
    if (there && there->type != type)
        return err_set(
            err, -EEXIST,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange '%s' in vhost "
            "'%s': received '%s' but current is '%s'",
            name, broker->vhost, type_names[type], type_names[there->type]);
    return 0;
}

/* `wish` NULL: what there is may have any properties. */
static int declare_exchange(struct broker *broker, const char *name, const char *type,
                            const struct broker_wish *wish, struct err *err)
{
    struct exchange *there = broker_find_exchange(broker, name);
    enum broker_type parsed = BROKER_DIRECT;
    const struct broker_argument *alternate;
    int r = parse_type(type, &parsed, err);

    if (r == 0)
        r = check_exchange(broker, name, there, parsed, err);
    if (r == 0 && wish && there && there->is_wished)
        return broker_compare_wish(broker, "exchange", name, wish, &there->wish, false, err);
    if (r < 0)
        return r;
    there = there ? there : add_exchange(broker, name, parsed);
    if (!wish)
        return 0;
    there->is_wished = true;
    there->wish = broker_copy_wish(broker, wish);
    alternate = broker_find_argument(&there->wish, "alternate-exchange");
    there->alternate = alternate ? alternate->value : NULL;
    return 0;
}

int broker_declare_exchange(struct broker *broker, const char *name, const char *type,
                            struct err *err)
{
    return declare_exchange(broker, name, type, NULL, err);
}

int broker_wish_exchange(struct broker *broker, const char *name,
                         const struct broker_wish *wish, struct err *err)
{
    return declare_exchange(broker, name, wish->type, wish, err);
}

int broker_check_exchange(const struct broker *broker, const char *name, struct err *err)
{
    if (!*name)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    return broker_find_exchange(broker, name) ? 0 : broker_no_exchange(broker, name, err);
}

int broker_check_internal(const struct broker *broker, const char *name, struct err *err)
{
    const struct exchange *exchange = broker_find_exchange(broker, name);

    if (!exchange || !exchange->wish.internal)
        return 0;
    return err_set(err, -EINVAL,
                   "ACCESS_REFUSED - cannot publish to internal exchange '%s' in vhost '%s'",
                   name, broker->vhost);
}

bool broker_matches_headers(const struct broker *broker, const char *exchange)
{
    const struct exchange *there = broker_find_exchange(broker, exchange);

    return there && there->type == BROKER_HEADERS;
}

bool broker_has_exchange(const struct broker *broker, const char *name)
{
    return broker_find_exchange(broker, name) != NULL;
}

/* ---- queues ------------------------------------------------------------------------------ */

int broker_check_lock(const struct broker *broker, const struct queue *queue, uint64_t owner,
                      bool exclusive, struct err *err)
{
    if (queue->wish.exclusive == exclusive && (!exclusive || queue->wish.owner == owner))
        return 0;
    return err_set(err, -EBUSY,
                   "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '%s' in "
                   "vhost '%s'. It could be originally declared on another connection or the "
                   "exclusive property value does not match that of the original declaration.",
                   queue->name, broker->vhost);
}

static int64_t number_of(const struct broker_wish *wish, const char *name)
{
    const struct broker_argument *argument = broker_find_argument(wish, name);

    return argument ? strtoll(argument->value, NULL, 10) : -1;
}

static const char *text_of(const struct broker_wish *wish, const char *name)
{
    const struct broker_argument *argument = broker_find_argument(wish, name);

    return argument ? argument->value : NULL;
}

static void add_queue(struct broker *broker, const char *name, const struct broker_wish *wish,
                      bool is_wished)
{
    struct queue *queue = arena_zero(&broker->arena, sizeof *queue);
    struct queue **end = &broker->queues;

    queue->name = arena_dup(&broker->arena, name);
    queue->wish = broker_copy_wish(broker, wish);
    queue->is_wished = is_wished;
    queue->dead_letter_exchange = text_of(&queue->wish, "x-dead-letter-exchange");
    queue->dead_letter_key = text_of(&queue->wish, "x-dead-letter-routing-key");
    queue->ttl_ms = number_of(&queue->wish, "x-message-ttl");
    queue->max_length = number_of(&queue->wish, "x-max-length");
    queue->end = &queue->ready;
    while (*end)
        end = &(*end)->next;
    *end = queue;
}

/* One that a test has declared takes the properties of the client that declares it first. */
static int meet_queue(struct broker *broker, struct queue *there,
                      const struct broker_wish *wish, bool is_wished, struct err *err)
{
    int r = 0;

    if (is_wished && there->is_wished)
        r = broker_check_lock(broker, there, wish->owner, wish->exclusive, err);
    if (r == 0)
        r = broker_compare_wish(broker, "queue", there->name, wish, &there->wish,
                                !is_wished || !there->is_wished, err);
    if (r < 0 || there->is_wished || !is_wished)
        return r;
    there->is_wished = true;
    there->wish = broker_copy_wish(broker, wish);
    return 0;
}

static int declare_queue(struct broker *broker, const char *name,
                         const struct broker_wish *wish, bool is_wished, struct err *err)
{
    struct queue *there = broker_find_queue(broker, name);
    bool is_ours = is_wished && strncmp(name, "amq.gen-", 8) == 0;
    int r = 0;

    if (!is_ours && (!*name || strncmp(name, "amq.", 4) == 0) && !there)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - queue name '%s' contains reserved prefix 'amq.*'",
                       name);
    if (there)
        return meet_queue(broker, there, wish, is_wished, err);
    r = broker_check_queue_wish(broker, name, wish, err);
    if (r == 0)
        add_queue(broker, name, wish, is_wished);
    return r;
}

int broker_wish_queue(struct broker *broker, const char *name, const struct broker_wish *wish,
                      struct err *err)
{
    struct broker_wish own = *wish;

    own.durable = wish->durable && !wish->exclusive; /* as RabbitMQ has it */
    return declare_queue(broker, name, &own, true, err);
}

int broker_declare_queue(struct broker *broker, const char *name,
                         const struct broker_arguments *said, struct err *err)
{
    char ttl[16], length[16];
    const struct broker_argument all[] = {
        { "x-dead-letter-exchange", "longstr", said->dead_letter_exchange },
        { "x-dead-letter-routing-key", "longstr", said->dead_letter_key },
        { "x-message-ttl", "signedint", said->message_ttl_ms ? ttl : NULL },
        { "x-max-length", "signedint", said->max_length ? length : NULL },
    };
    struct broker_argument given[sizeof all / sizeof *all];
    struct broker_wish wish = { .arguments = given };

    snprintf(ttl, sizeof ttl, "%d", said->message_ttl_ms);
    snprintf(length, sizeof length, "%d", said->max_length);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value)
            given[wish.argument_count++] = all[i];
    return declare_queue(broker, name, &wish, false, err);
}

/* ---- bindings ---------------------------------------------------------------------------- */

static struct broker_headers copy_headers(struct broker *broker,
                                          const struct broker_headers *headers)
{
    seam_message_header *copy = arena_zero(&broker->arena, headers->count * sizeof *copy + 1);

    for (size_t i = 0; i < headers->count; i++)
        copy[i] = (seam_message_header){ arena_dup(&broker->arena, headers->at[i].name),
                                         arena_dup(&broker->arena, headers->at[i].value) };
    return (struct broker_headers){ copy, headers->count, headers->any,
                                    arena_dup(&broker->arena, headers->types) };
}

static int find_source(const struct broker *broker, const char *name, struct exchange **ret,
                       struct err *err)
{
    *ret = broker_find_exchange(broker, name);
    if (!*name)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    return *ret ? 0 : broker_no_exchange(broker, name, err);
}

static void add_binding(struct broker *broker, struct exchange *source,
                        const struct binding *wanted)
{
    struct binding **at;

    for (at = &source->bindings; *at; at = &(*at)->next)
        if ((*at)->queue == wanted->queue && (*at)->exchange == wanted->exchange &&
            strcmp((*at)->key, wanted->key) == 0 &&
            broker_is_same_headers(&(*at)->headers, &wanted->headers))
            return;
    *at = arena_zero(&broker->arena, sizeof **at);
    **at = (struct binding){ .queue = wanted->queue,
                             .exchange = wanted->exchange,
                             .key = arena_dup(&broker->arena, wanted->key),
                             .headers = copy_headers(broker, &wanted->headers) };
}

int broker_bind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                const struct broker_headers *headers, struct err *err)
{
    static const struct broker_headers none;
    struct binding wanted = { .queue = broker_find_queue(broker, queue),
                              .key = key,
                              .headers = headers ? *headers : none };
    struct exchange *source;
    int r = find_source(broker, exchange, &source, err);

    if (r == 0 && !wanted.queue)
        r = broker_no_queue(broker, queue, err);
    if (r == 0)
        add_binding(broker, source, &wanted);
    return r;
}

int broker_bind_exchange(struct broker *broker, const char *destination, const char *source,
                         const char *key, const struct broker_headers *headers, struct err *err)
{
    static const struct broker_headers none;
    struct binding wanted = { .key = key, .headers = headers ? *headers : none };
    struct exchange *from;
    int r = find_source(broker, destination, &wanted.exchange, err);

    if (r == 0)
        r = find_source(broker, source, &from, err);
    if (r == 0)
        add_binding(broker, from, &wanted);
    return r;
}

/* ---- the broker -------------------------------------------------------------------------- */

static void add_durable(struct broker *broker, const char *name, enum broker_type type)
{
    struct exchange *exchange = add_exchange(broker, name, type);

    exchange->is_wished = true;
    exchange->wish.durable = true;
}

struct broker *broker_new(const struct broker_time *time)
{
    struct broker *broker = calloc(1, sizeof *broker);

    if (!broker)
        return NULL;
    broker->time = *time;
    broker->held_end = &broker->held;
    broker->vhost = "/";
    add_exchange(broker, "", BROKER_DIRECT);
    add_durable(broker, "amq.direct", BROKER_DIRECT);
    add_durable(broker, "amq.topic", BROKER_TOPIC);
    add_durable(broker, "amq.fanout", BROKER_FANOUT);
    add_durable(broker, "amq.headers", BROKER_HEADERS);
    add_durable(broker, "amq.match", BROKER_HEADERS);
    return broker;
}

void broker_name_host(struct broker *broker, const char *vhost)
{
    broker->vhost = arena_dup(&broker->arena, vhost);
}

void broker_free(struct broker *broker)
{
    if (!broker)
        return;
    arena_fini(&broker->arena);
    free(broker);
}

int64_t broker_now_ms(const struct broker *broker)
{
    return broker->time.now_ms(broker->time.arg);
}

void *broker_alloc(struct broker *broker, size_t size)
{
    return arena_zero(&broker->arena, size);
}

char *broker_dup(struct broker *broker, const char *text)
{
    return arena_dup(&broker->arena, text);
}
