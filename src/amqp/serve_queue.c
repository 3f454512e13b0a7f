/* amqp/serve_queue.c - queues and their bindings, as clients ask for them; see session.h. */

#include <stdio.h>
#include <string.h>

#include "amqp/session.h"

/* ---- queue.declare ----------------------------------------------------------------------- */

/* Arguments that RabbitMQ heeds and the mock does not; `only` is the value that makes no difference. */
static const char *find_unsupported(const struct broker_wish *wish)
{
    static const struct {
        const char *name, *only;
    } all[] = { { "x-expires", NULL },
                { "x-max-priority", NULL },
                { "x-single-active-consumer", "false" },
                { "x-max-length-bytes", NULL },
                { "x-overflow", "drop-head" },
                { "x-queue-type", "classic" },
                { "x-queue-leader-locator", NULL },
                { "x-dead-letter-strategy", NULL },
                { "x-delivery-limit", NULL } };

    for (size_t i = 0; i < wish->argument_count; i++)
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            if (strcmp(wish->arguments[i].name, all[j].name) == 0 &&
                (!all[j].only || strcmp(wish->arguments[i].value, all[j].only) != 0))
                return all[j].name;
    return NULL;
}

static void answer_declared(struct amqp_call *call, const char *name)
{
    struct broker_counts counts;

    snprintf(call->lane->queue, sizeof call->lane->queue, "%s", name);
    if (amqp_call_number(call, 6))
        return;
    broker_counts(call->core, name, &counts, &call->err);
    amqp_add_method(call->out, call->ask->channel, AMQP_QUEUE_DECLARE_OK, name,
                    (int)counts.ready, (int)counts.consumers);
}

/* ticket queue passive durable exclusive auto-delete no-wait arguments */
static void declare(struct amqp_call *call)
{
    const char *name = amqp_call_text(call, 1), *unsupported;
    bool passive = amqp_call_number(call, 2);
    struct broker_wish wish = { .durable = amqp_call_number(call, 3),
                                .exclusive = amqp_call_number(call, 4),
                                .auto_delete = amqp_call_number(call, 5),
                                .owner = (uint64_t)call->session->number };
    int r;

    amqp_call_wish(call, 7, &wish);
    unsupported = passive ? NULL : find_unsupported(&wish);
    if (unsupported) {
        amqp_call_unsupported(
            call, arena_printf(&call->arena, "the argument '%s' of a queue", unsupported));
        return;
    }
    if (!*name && !passive)
        name = amqp_call_new_name(call, "amq.gen-");
    r = passive ? broker_check_queue(call->core, name, wish.owner, &call->err)
                : broker_wish_queue(call->core, name, &wish, &call->err);
    if (r < 0)
        amqp_call_refuse(call, call->err.text);
    else
        answer_declared(call, name);
}

/* ---- bindings ---------------------------------------------------------------------------- */

static bool check_match(struct amqp_call *call, const struct broker_argument *match,
                        struct broker_headers *ret)
{
    ret->any = strncmp(match->value, "any", 3) == 0;
    if (strcmp(match->type, "longstr") != 0)
        amqp_call_refuse_as(call,
                            "PRECONDITION_FAILED - Invalid x-match field type %s (value %s); "
                            "expected longstr",
                            match->type, match->value);
    else if (strcmp(match->value, "all") != 0 && strcmp(match->value, "any") != 0 &&
             strcmp(match->value, "all-with-x") != 0 && strcmp(match->value, "any-with-x") != 0)
        amqp_call_refuse_as(call,
                            "PRECONDITION_FAILED - Invalid x-match field value <<\"%s\">>; "
                            "expected all, any, all-with-x, or any-with-x",
                            match->value);
    else
        return true;
    return false;
}

/* Names that begin with x- are heeded only where the match says so. */
bool amqp_call_headers(struct amqp_call *call, int argument, const char *exchange,
                       struct broker_headers *ret)
{
    struct broker_wish wish = { 0 };
    const struct broker_argument *match = NULL;
    seam_message_header *headers;
    char *types;
    bool with_x;

    *ret = (struct broker_headers){ 0 };
    amqp_call_wish(call, argument, &wish);
    if (wish.argument_count == 0)
        return true;
    for (size_t i = 0; i < wish.argument_count; i++)
        if (strcmp(wish.arguments[i].name, "x-match") == 0)
            match = &wish.arguments[i];
    if (match && broker_matches_headers(call->core, exchange) && !check_match(call, match, ret))
        return false;
    with_x = match && strstr(match->value, "-with-x");
    headers = arena_zero(&call->arena, wish.argument_count * sizeof *headers);
    types = arena_zero(&call->arena, wish.argument_count + 1);
    for (size_t i = 0; i < wish.argument_count; i++)
        if (strcmp(wish.arguments[i].name, "x-match") != 0 &&
            (with_x || strncmp(wish.arguments[i].name, "x-", 2) != 0)) {
            types[ret->count] = amqp_type_class(amqp_type_of_name(wish.arguments[i].type));
            headers[ret->count++] = (seam_message_header){
                wish.arguments[i].name,
                strcmp(wish.arguments[i].type, "void") == 0 ? NULL : wish.arguments[i].value
            };
        }
    ret->at = headers;
    ret->types = types;
    return true;
}

/* The queue of a binding must be there and open to this connection, but for one that is taken back. */
static int check_binding(struct amqp_call *call, const char *queue, const char *exchange,
                         bool is_bind)
{
    uint64_t owner = (uint64_t)call->session->number;
    int r = 0;

    if (is_bind && *exchange)
        r = broker_check_exchange(call->core, exchange, &call->err);
    if (r == 0 && broker_check_queue(call->core, queue, 0, NULL) == 0)
        r = broker_check_queue(call->core, queue, owner, &call->err);
    return r;
}

/* ticket queue exchange routing-key (no-wait) arguments */
static void bind(struct amqp_call *call, bool is_bind)
{
    const char *queue = amqp_call_queue(call, 1), *exchange = amqp_call_text(call, 2);
    const char *key = amqp_call_text(call, 3);
    struct broker_headers headers;
    int r;

    if (!queue || !amqp_call_headers(call, is_bind ? 5 : 4, exchange, &headers))
        return;
    if (!*key && !*amqp_call_text(call, 1))
        key = queue;
    r = check_binding(call, queue, exchange, is_bind);
    if (r == 0)
        r = is_bind
                ? broker_bind(call->core, queue, exchange, key, &headers, &call->err)
                : broker_unbind(call->core, queue, true, exchange, key, &headers, &call->err);
    if (r < 0)
        amqp_call_refuse(call, call->err.text);
    else if (!is_bind)
        amqp_add_method(call->out, call->ask->channel, AMQP_QUEUE_UNBIND_OK);
    else if (!amqp_call_number(call, 4))
        amqp_add_method(call->out, call->ask->channel, AMQP_QUEUE_BIND_OK);
}

/* ---- queue.purge, queue.delete ----------------------------------------------------------- */

static void answer_count(struct amqp_call *call, int r, int no_wait, enum amqp_method_id id,
                         size_t count)
{
    if (r < 0)
        amqp_call_refuse(call, call->err.text);
    else if (!amqp_call_number(call, no_wait))
        amqp_add_method(call->out, call->ask->channel, id, (int)count);
}

/* ticket queue no-wait */
static void purge(struct amqp_call *call)
{
    const char *queue = amqp_call_queue(call, 1);
    size_t count = 0;
    int r;

    if (!queue)
        return;
    r = broker_check_queue(call->core, queue, (uint64_t)call->session->number, &call->err);
    if (r == 0)
        r = broker_purge(call->core, queue, &count, &call->err);
    answer_count(call, r, 2, AMQP_QUEUE_PURGE_OK, count);
}

/* ticket queue if-unused if-empty no-wait */
static void delete (struct amqp_call *call)
{
    const char *queue = amqp_call_queue(call, 1);
    uint64_t owner = (uint64_t)call->session->number;
    size_t count = 0;
    int r = 0;

    if (!queue)
        return;
    if (broker_check_queue(call->core, queue, 0, NULL) == 0)
        r = broker_check_queue(call->core, queue, owner, &call->err);
    if (r == 0)
        r = broker_delete_queue(call->core, queue, amqp_call_number(call, 2),
                                amqp_call_number(call, 3), &count, &call->err);
    answer_count(call, r, 4, AMQP_QUEUE_DELETE_OK, count);
}

void amqp_serve_queue(struct amqp_call *call)
{
    switch (call->ask->method.spec->id) {
    case AMQP_QUEUE_DECLARE:
        declare(call);
        break;
    case AMQP_QUEUE_PURGE:
        purge(call);
        break;
    case AMQP_QUEUE_DELETE:
        delete (call);
        break;
    default:
        bind(call, call->ask->method.spec->id == AMQP_QUEUE_BIND);
    }
}
