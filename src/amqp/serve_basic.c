/* amqp/serve_basic.c - messages that clients get, consume and settle; see session.h. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/session.h"

/* ---- basic.qos --------------------------------------------------------------------------- */

/* prefetch-size prefetch-count global */
static void qos(struct amqp_call *call)
{
    uint64_t size = amqp_call_number(call, 0);
    int count = (int)amqp_call_number(call, 1);

    if (size > 0) {
        amqp_call_refuse_as(call, "NOT_IMPLEMENTED - prefetch_size!=0 (%" PRIu64 ")", size);
        return;
    }
    if (amqp_call_number(call, 2))
        call->lane->limit.prefetch = count;
    else
        call->lane->prefetch = count;
    broker_limit_changed(call->core);
    amqp_add_method(call->out, call->ask->channel, AMQP_BASIC_QOS_OK);
}

/* ---- basic.consume, basic.cancel --------------------------------------------------------- */

static bool check_consume(struct amqp_call *call, const char *queue, const char *tag)
{
    struct broker_wish wish = { 0 };

    amqp_call_wish(call, 7, &wish);
    if (*tag && amqp_lane_consumer(call->lane, tag)) {
        amqp_call_refuse_as(call, "NOT_ALLOWED - attempt to reuse consumer tag '%s'", tag);
        return false;
    }
    if (strcmp(queue, "amq.rabbitmq.reply-to") == 0) {
        amqp_call_unsupported(call, "direct reply-to");
        return false;
    }
    if (broker_check_queue(call->core, queue, (uint64_t)call->session->number, &call->err) <
        0) {
        amqp_call_refuse(call, call->err.text);
        return false;
    }
    for (size_t i = 0; i < wish.argument_count; i++)
        if (strcmp(wish.arguments[i].name, "x-priority") == 0) {
            amqp_call_unsupported(call, "the argument 'x-priority' of a consumer");
            return false;
        }
    return true;
}

/* ticket queue consumer-tag no-local no-ack exclusive no-wait arguments */
static void consume(struct amqp_call *call)
{
    const char *queue = amqp_call_queue(call, 1), *tag = amqp_call_text(call, 2);
    struct amqp_lane *lane = call->lane;
    struct broker_consumer as = { .prefetch = lane ? lane->prefetch : 0,
                                  .limit = lane ? &lane->limit : NULL,
                                  .no_ack = amqp_call_number(call, 4),
                                  .exclusive = amqp_call_number(call, 5) };
    struct amqp_consumer *consumer;

    if (!queue || !check_consume(call, queue, tag))
        return;
    consumer = broker_alloc(call->core, sizeof *consumer);
    consumer->number =
        broker_door_consume(call->session->mock->broker, queue, &as, consumer, &call->err);
    if (consumer->number < 0) {
        amqp_call_refuse(call, call->err.text);
        return;
    }
    if (!*tag)
        tag = amqp_call_new_name(call, "amq.ctag-");
    consumer->tag = broker_dup(call->core, tag);
    consumer->lane = lane;
    consumer->no_ack = as.no_ack;
    consumer->next = lane->consumers;
    lane->consumers = consumer;
    if (!amqp_call_number(call, 6))
        amqp_add_method(call->out, lane->channel, AMQP_BASIC_CONSUME_OK, tag);
}

/* consumer-tag no-wait */
static void cancel(struct amqp_call *call)
{
    const char *tag = amqp_call_text(call, 0);
    struct amqp_consumer *consumer = amqp_lane_consumer(call->lane, tag);

    if (consumer) {
        amqp_lane_forget(consumer);
        broker_cancel(call->core, consumer->number);
    }
    if (!amqp_call_number(call, 1))
        amqp_add_method(call->out, call->ask->channel, AMQP_BASIC_CANCEL_OK, tag);
}

/* ---- basic.get --------------------------------------------------------------------------- */

static void hand_over(struct amqp_call *call, const char *queue, const seam_message *message)
{
    bool no_ack = amqp_call_number(call, 2);
    uint64_t tag = amqp_lane_hold(call->lane, message->delivery_tag, no_ack);
    struct broker_counts counts;
    size_t size;
    const char *properties = amqp_message_properties(&call->arena, message, &size);

    if (no_ack)
        broker_ack(call->core, message->delivery_tag);
    broker_counts(call->core, queue, &counts, &call->err);
    amqp_add_method(call->out, call->ask->channel, AMQP_BASIC_GET_OK, tag, message->redelivered,
                    message->exchange, message->routing_key, (int)counts.ready);
    amqp_server_content(call->session->server, call->ask->channel, properties, size,
                        message->body, message->size);
    call->body = message->body;
    call->body_size = message->size;
}

/* ticket queue no-ack */
static void get(struct amqp_call *call)
{
    const char *queue = amqp_call_queue(call, 1);
    const seam_message *message = NULL;
    int r;

    if (!queue)
        return;
    r = broker_check_queue(call->core, queue, (uint64_t)call->session->number, &call->err);
    if (r == 0)
        r = broker_get(call->core, queue, &message, &call->err);
    if (r < 0)
        amqp_call_refuse(call, call->err.text);
    else if (!message)
        amqp_add_method(call->out, call->ask->channel, AMQP_BASIC_GET_EMPTY, "");
    else
        hand_over(call, queue, message);
}

/* ---- settling ---------------------------------------------------------------------------- */

static void settle(struct amqp_call *call, bool multiple, bool accepts, bool requeue)
{
    uint64_t tag = amqp_call_number(call, 0);
    struct amqp_held *held, *next;

    if (!amqp_lane_take(call->lane, tag, multiple, &held)) {
        amqp_call_refuse_as(call, "PRECONDITION_FAILED - unknown delivery tag %" PRIu64, tag);
        return;
    }
    for (; held; held = next) {
        next = held->next;
        if (accepts)
            broker_ack(call->core, held->core_tag);
        else
            broker_reject(call->core, held->core_tag, requeue);
        free(held);
    }
}

static void recover(struct amqp_call *call)
{
    struct amqp_held *held, *next;

    if (!amqp_call_number(call, 0)) {
        amqp_call_refuse(call, "NOT_IMPLEMENTED - requeue=false");
        return;
    }
    amqp_lane_take(call->lane, 0, true, &held);
    for (; held; held = next) {
        next = held->next;
        broker_reject(call->core, held->core_tag, true);
        free(held);
    }
    if (call->ask->method.spec->id == AMQP_BASIC_RECOVER)
        amqp_add_method(call->out, call->ask->channel, AMQP_BASIC_RECOVER_OK);
}

void amqp_serve_basic(struct amqp_call *call)
{
    switch (call->ask->method.spec->id) {
    case AMQP_BASIC_QOS:
        qos(call);
        break;
    case AMQP_BASIC_CONSUME:
        consume(call);
        break;
    case AMQP_BASIC_CANCEL:
        cancel(call);
        break;
    case AMQP_BASIC_GET:
        get(call);
        break;
    case AMQP_BASIC_ACK:
        settle(call, amqp_call_number(call, 1), true, false);
        break;
    case AMQP_BASIC_NACK:
        settle(call, amqp_call_number(call, 1), false, amqp_call_number(call, 2));
        break;
    case AMQP_BASIC_REJECT:
        settle(call, false, false, amqp_call_number(call, 1));
        break;
    default:
        recover(call);
    }
}
