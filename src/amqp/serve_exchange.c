/* amqp/serve_exchange.c - exchanges, as clients ask for them; see session.h. */

#include <string.h>

#include "amqp/session.h"

static void answer(struct amqp_call *call, int r, int no_wait, enum amqp_method_id id)
{
    if (r < 0)
        amqp_call_refuse(call, call->err.text);
    else if (!amqp_call_number(call, no_wait))
        amqp_add_method(call->out, call->ask->channel, id);
}

/* ticket exchange type passive durable auto-delete internal no-wait arguments */
static void declare(struct amqp_call *call)
{
    const char *name = amqp_call_text(call, 1);
    struct broker_wish wish = { .type = amqp_call_text(call, 2),
                                .durable = amqp_call_number(call, 4),
                                .auto_delete = amqp_call_number(call, 5),
                                .internal = amqp_call_number(call, 6),
                                .owner = (uint64_t)call->session->number };
    int r;

    amqp_call_wish(call, 8, &wish);
    if (amqp_call_number(call, 3))
        r = broker_check_exchange(call->core, name, &call->err);
    else
        r = broker_wish_exchange(call->core, name, &wish, &call->err);
    answer(call, r, 7, AMQP_EXCHANGE_DECLARE_OK);
}

/* ticket exchange if-unused no-wait */
static void delete (struct amqp_call *call)
{
    int r = broker_delete_exchange(call->core, amqp_call_text(call, 1),
                                   amqp_call_number(call, 2), &call->err);

    answer(call, r, 3, AMQP_EXCHANGE_DELETE_OK);
}

/* ticket destination source routing-key no-wait arguments */
static void bind(struct amqp_call *call, bool is_bind)
{
    const char *destination = amqp_call_text(call, 1), *source = amqp_call_text(call, 2);
    const char *key = amqp_call_text(call, 3);
    struct broker_headers headers;
    int r;

    if (!amqp_call_headers(call, 5, source, &headers))
        return;
    r = is_bind
            ? broker_bind_exchange(call->core, destination, source, key, &headers, &call->err)
            : broker_unbind(call->core, destination, false, source, key, &headers, &call->err);
    answer(call, r, 4, is_bind ? AMQP_EXCHANGE_BIND_OK : AMQP_EXCHANGE_UNBIND_OK);
}

void amqp_serve_exchange(struct amqp_call *call)
{
    switch (call->ask->method.spec->id) {
    case AMQP_EXCHANGE_DECLARE:
        declare(call);
        break;
    case AMQP_EXCHANGE_DELETE:
        delete (call);
        break;
    default:
        bind(call, call->ask->method.spec->id == AMQP_EXCHANGE_BIND);
    }
}
