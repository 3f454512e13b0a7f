/* fake/broker_core.c - exchanges, queues and bindings, and the life of a broker; see broker_core.h. */

#include <errno.h>
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

static void add_exchange(struct broker *broker, const char *name, enum broker_type type)
{
    struct exchange *exchange = arena_zero(&broker->arena, sizeof *exchange);

    *exchange = (struct exchange){ .next = broker->exchanges,
                                   .name = arena_dup(&broker->arena, name),
                                   .type = type };
    broker->exchanges = exchange;
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

int broker_declare_exchange(struct broker *broker, const char *name, const char *type,
                            struct err *err)
{
    const struct exchange *there = broker_find_exchange(broker, name);
    enum broker_type parsed = BROKER_DIRECT;
    int r = parse_type(type, &parsed, err);

    if (r < 0)
        return r;
    if (!*name)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    if (!there && strncmp(name, "amq.", 4) == 0)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - exchange name '%s' contains reserved prefix 'amq.*'",
                       name);
    if (there && there->type != parsed)
        return err_set(
            err, -EEXIST,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange '%s' in vhost "
            "'/': received '%s' but current is '%s'",
            name, type, type_names[there->type]);
    if (!there)
        add_exchange(broker, name, parsed);
    return 0;
}

bool broker_has_exchange(const struct broker *broker, const char *name)
{
    return broker_find_exchange(broker, name) != NULL;
}

/* ---- queues ------------------------------------------------------------------------------ */

/* What RabbitMQ says of an argument that is not the one the queue has; the sides are NULL for none. */
static int differs(const char *queue, const char *argument, const char *got,
                   const char *got_type, const char *has, struct err *err)
{
    struct err received, current;

    if (got)
        err_set(&received, 0, "the value '%s' of type '%s'", got, got_type);
    if (has)
        err_set(&current, 0, "the value '%s' of type '%s'", has, got_type);
    return err_set(err, -EEXIST,
                   "PRECONDITION_FAILED - inequivalent arg '%s' for queue '%s' in vhost '/': "
                   "received %.500s but current is %.500s",
                   argument, queue, got ? received.text : "none", has ? current.text : "none");
}

static int check_text(const struct queue *queue, const char *argument, const char *got,
                      const char *has, struct err *err)
{
    if (got == has || (got && has && strcmp(got, has) == 0))
        return 0;
    return differs(queue->name, argument, got, "longstr", has, err);
}

static int check_number(struct broker *broker, const struct queue *queue, const char *argument,
                        int got, int has, struct err *err)
{
    if (got == has)
        return 0;
    return differs(queue->name, argument, got ? arena_printf(&broker->arena, "%d", got) : NULL,
                   "signedint", has ? arena_printf(&broker->arena, "%d", has) : NULL, err);
}

static int check_arguments(struct broker *broker, const struct queue *queue,
                           const struct broker_arguments *got, struct err *err)
{
    const struct broker_arguments *has = &queue->arguments;
    int r = check_text(queue, "x-dead-letter-exchange", got->dead_letter_exchange,
                       has->dead_letter_exchange, err);

    if (r == 0)
        r = check_text(queue, "x-dead-letter-routing-key", got->dead_letter_key,
                       has->dead_letter_key, err);
    if (r == 0)
        r = check_number(broker, queue, "x-message-ttl", got->message_ttl_ms,
                         has->message_ttl_ms, err);
    if (r == 0)
        r = check_number(broker, queue, "x-max-length", got->max_length, has->max_length, err);
    return r;
}

static void add_queue(struct broker *broker, const char *name,
                      const struct broker_arguments *arguments)
{
    struct queue *queue = arena_zero(&broker->arena, sizeof *queue);
    struct queue **end = &broker->queues;

    queue->name = arena_dup(&broker->arena, name);
    queue->arguments = *arguments;
    queue->arguments.dead_letter_exchange =
        arena_dup(&broker->arena, arguments->dead_letter_exchange);
    queue->arguments.dead_letter_key = arena_dup(&broker->arena, arguments->dead_letter_key);
    queue->end = &queue->ready;
    while (*end)
        end = &(*end)->next;
    *end = queue;
}

static int invalid(const char *name, const char *argument, const char *words, struct err *err)
{
    return err_set(err, -EINVAL,
                   "PRECONDITION_FAILED - invalid arg '%s' for queue '%s' in vhost '/': %s",
                   argument, name, words);
}

int broker_declare_queue(struct broker *broker, const char *name,
                         const struct broker_arguments *arguments, struct err *err)
{
    const struct queue *there = broker_find_queue(broker, name);

    if (there)
        return check_arguments(broker, there, arguments, err);
    if (!*name || strncmp(name, "amq.", 4) == 0)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - queue name '%s' contains reserved prefix 'amq.*'",
                       name);
    if (arguments->message_ttl_ms < 0)
        return invalid(name, "x-message-ttl", "it is below 0", err);
    if (arguments->max_length < 0)
        return invalid(name, "x-max-length", "it is below 0", err);
    if (arguments->dead_letter_key && !arguments->dead_letter_exchange)
        return invalid(name, "x-dead-letter-routing-key", "routing_key_but_no_dlx_defined",
                       err);
    add_queue(broker, name, arguments);
    return 0;
}

/* ---- bindings ---------------------------------------------------------------------------- */

static struct broker_headers copy_headers(struct broker *broker,
                                          const struct broker_headers *headers)
{
    seam_message_header *copy = arena_zero(&broker->arena, headers->count * sizeof *copy + 1);

    for (size_t i = 0; i < headers->count; i++)
        copy[i] = (seam_message_header){ arena_dup(&broker->arena, headers->at[i].name),
                                         arena_dup(&broker->arena, headers->at[i].value) };
    return (struct broker_headers){ copy, headers->count, headers->any };
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_headers(const struct broker_headers *a, const struct broker_headers *b)
{
    bool same = a->count == b->count && a->any == b->any;

    for (size_t i = 0; same && i < a->count; i++)
        same = is_same_text(a->at[i].name, b->at[i].name) &&
               is_same_text(a->at[i].value, b->at[i].value);
    return same;
}

static int find_both(struct broker *broker, const char *queue, const char *exchange,
                     struct queue **ret_queue, struct exchange **ret_exchange, struct err *err)
{
    *ret_queue = broker_find_queue(broker, queue);
    *ret_exchange = broker_find_exchange(broker, exchange);
    if (!*ret_queue)
        return err_set(err, -ENOENT, "NOT_FOUND - no queue '%s' in vhost '/'", queue);
    if (!*exchange)
        return err_set(err, -EINVAL,
                       "ACCESS_REFUSED - operation not permitted on the default exchange");
    if (!*ret_exchange)
        return err_set(err, -ENOENT, "NOT_FOUND - no exchange '%s' in vhost '/'", exchange);
    return 0;
}

int broker_bind(struct broker *broker, const char *queue_name, const char *exchange_name,
                const char *key, const struct broker_headers *headers, struct err *err)
{
    static const struct broker_headers none;
    struct exchange *exchange;
    struct queue *queue;
    struct binding **at;
    int r = find_both(broker, queue_name, exchange_name, &queue, &exchange, err);

    if (r < 0)
        return r;
    headers = headers ? headers : &none;
    for (at = &exchange->bindings; *at; at = &(*at)->next)
        if ((*at)->queue == queue && strcmp((*at)->key, key) == 0 &&
            is_same_headers(&(*at)->headers, headers))
            return 0;
    *at = arena_zero(&broker->arena, sizeof **at);
    **at = (struct binding){ .queue = queue,
                             .key = arena_dup(&broker->arena, key),
                             .headers = copy_headers(broker, headers) };
    return 0;
}

/* ---- the broker -------------------------------------------------------------------------- */

struct broker *broker_new(const struct broker_time *time)
{
    struct broker *broker = calloc(1, sizeof *broker);

    if (!broker)
        return NULL;
    broker->time = *time;
    broker->held_end = &broker->held;
    add_exchange(broker, "", BROKER_DIRECT);
    add_exchange(broker, "amq.direct", BROKER_DIRECT);
    add_exchange(broker, "amq.topic", BROKER_TOPIC);
    add_exchange(broker, "amq.fanout", BROKER_FANOUT);
    add_exchange(broker, "amq.headers", BROKER_HEADERS);
    add_exchange(broker, "amq.match", BROKER_HEADERS);
    return broker;
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
