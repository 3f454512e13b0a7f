/* service/modules/rabbitmq_calls.c - what a test does with exchanges, queues and messages; see rabbitmq_lease.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/modules/rabbitmq_lease.h"
#include "service/modules/rabbitmq_message.h"

enum { CONFIRM_MAX_MS = 30000, POOL_PAGE = 4096, STORY_MAX = 64 << 10 };

/* A text of the request, valid as long as that; empty when it has none. */
static amqp_bytes_t bytes_of(const struct message *request, const char *name)
{
    struct message value = message_value(request, name);

    return (amqp_bytes_t){ value.size, (void *)(uintptr_t)value.data };
}

static int result(struct rabbitmq_link *link, struct err *err)
{
    return rabbitmq_link_result(link, amqp_get_rpc_reply(link->state), err);
}

/* ---- exchanges, queues, bindings -------------------------------------------------------- */

static int do_exchange(struct rabbitmq_lease *mine, const struct message *request,
                       struct buf *reply, struct err *err)
{
    (void)reply;
    amqp_exchange_declare(mine->link.state, RABBITMQ_CHANNEL, bytes_of(request, "name"),
                          bytes_of(request, "type"), 0, 1, 0, 0, amqp_empty_table);
    return result(&mine->link, err);
}

static int read_arguments(const struct message *request, struct rabbitmq_table *table,
                          struct err *err)
{
    static const char *const texts[] = { "x-dead-letter-exchange",
                                         "x-dead-letter-routing-key" };
    static const char *const numbers[] = { "x-message-ttl", "x-max-length" };
    char *text;
    int r = 0;

    for (size_t i = 0; i < 2; i++) {
        text = message_text(request, texts[i]);
        if (text)
            rabbitmq_table_text(table, texts[i], text);
        free(text);
        if (message_value(request, numbers[i]).data)
            rabbitmq_table_number(table, numbers[i], message_int(request, numbers[i], 0));
    }
    text = message_text(request, "arguments");
    if (text)
        r = rabbitmq_table_json(table, text, err);
    free(text);
    return r;
}

static int do_queue(struct rabbitmq_lease *mine, const struct message *request,
                    struct buf *reply, struct err *err)
{
    struct rabbitmq_table table = { 0 };
    amqp_pool_t pool;
    int r;

    (void)reply;
    init_amqp_pool(&pool, POOL_PAGE);
    table.pool = &pool;
    r = read_arguments(request, &table, err);
    if (r == 0) {
        amqp_queue_declare(mine->link.state, RABBITMQ_CHANNEL, bytes_of(request, "name"), 0,
                           message_int(request, "transient", 0) == 0, 0,
                           message_int(request, "auto_delete", 0) != 0,
                           rabbitmq_table_end(&table));
        r = result(&mine->link, err);
    }
    empty_amqp_pool(&pool);
    return r;
}

static int do_bind(struct rabbitmq_lease *mine, const struct message *request,
                   struct buf *reply, struct err *err)
{
    (void)reply;
    amqp_queue_bind(mine->link.state, RABBITMQ_CHANNEL, bytes_of(request, "queue"),
                    bytes_of(request, "exchange"), bytes_of(request, "key"), amqp_empty_table);
    return result(&mine->link, err);
}

static int do_count(struct rabbitmq_lease *mine, const struct message *request,
                    struct buf *reply, struct err *err)
{
    const amqp_queue_declare_ok_t *queue =
        amqp_queue_declare(mine->link.state, RABBITMQ_CHANNEL, bytes_of(request, "queue"), 1, 0,
                           0, 0, amqp_empty_table);
    int r = result(&mine->link, err);

    if (r == 0) {
        message_add_int(reply, "messages", queue->message_count);
        message_add_int(reply, "consumers", queue->consumer_count);
    }
    return r;
}

static int do_purge(struct rabbitmq_lease *mine, const struct message *request,
                    struct buf *reply, struct err *err)
{
    const amqp_queue_purge_ok_t *purged =
        amqp_queue_purge(mine->link.state, RABBITMQ_CHANNEL, bytes_of(request, "queue"));
    int r = result(&mine->link, err);

    if (r == 0)
        message_add_int(reply, "messages", purged->message_count);
    return r;
}

/* ---- publishing ------------------------------------------------------------------------- */

static int begin_confirms(struct rabbitmq_link *link, struct err *err)
{
    int r = 0;

    if (!link->confirms) {
        amqp_confirm_select(link->state, RABBITMQ_CHANNEL);
        r = result(link, err);
    }
    link->confirms = r == 0;
    return r;
}

/* The message that no queue takes comes back before it is confirmed. */
static int take_returned(struct rabbitmq_link *link, struct err *err)
{
    amqp_message_t message;
    int r = rabbitmq_link_result(
        link, amqp_read_message(link->state, RABBITMQ_CHANNEL, &message, 0), err);

    if (r == 0)
        amqp_destroy_message(&message);
    return r;
}

static int await_confirm(struct rabbitmq_link *link, bool *ret_returned, struct err *err)
{
    uint64_t deadline = deadline_after_ms(CONFIRM_MAX_MS);
    amqp_frame_t frame;
    int r;

    for (;;) {
        r = rabbitmq_link_frame(link, deadline, &frame, err);
        if (r == -ETIMEDOUT)
            return err_set(err, r, "the broker did not confirm it within %d s",
                           CONFIRM_MAX_MS / 1000);
        if (r < 0)
            return r;
        if (frame.frame_type != AMQP_FRAME_METHOD)
            continue;
        switch (frame.payload.method.id) {
        case AMQP_BASIC_ACK_METHOD:
            return 0;
        case AMQP_BASIC_NACK_METHOD:
            return err_set(err, -EREMOTEIO, "the broker refuses it (basic.nack)");
        case AMQP_BASIC_RETURN_METHOD:
            *ret_returned = true;
            r = take_returned(link, err);
            if (r < 0)
                return r;
            break;
        default:
            return rabbitmq_link_refused(link, frame.payload.method, err);
        }
    }
}

static int do_publish(struct rabbitmq_lease *mine, const struct message *request,
                      struct buf *reply, struct err *err)
{
    struct rabbitmq_link *link = &mine->link;
    struct rabbitmq_properties properties;
    struct buf story = BUF_INIT(STORY_MAX);
    bool may_be_lost = message_int(request, "may_be_lost", 0) != 0, returned = false;
    int r = begin_confirms(link, err);

    if (r < 0)
        return r;
    if (rabbitmq_properties_read(request, &properties) < 0)
        r = err_set(err, -E2BIG, "there are more than %d headers", RABBITMQ_TABLE_MAX);
    if (r == 0 &&
        amqp_basic_publish(link->state, RABBITMQ_CHANNEL, bytes_of(request, "exchange"),
                           bytes_of(request, "key"), !may_be_lost, 0, &properties.amqp,
                           bytes_of(request, "body")) != AMQP_STATUS_OK) {
        rabbitmq_link_close(link);
        r = err_set(err, -ENOTCONN, "the connection to the broker is lost");
    }
    if (r == 0)
        r = await_confirm(link, &returned, err);
    rabbitmq_properties_fini(&properties);
    if (r == 0 && returned) {
        rabbitmq_story(mine, &story);
        r = keeper_error(reply, "no queue takes it\n%s", buf_text(&story));
    }
    buf_fini(&story);
    return r;
}

/* ---- taking ----------------------------------------------------------------------------- */

/* What is there already. -EAGAIN: nothing. */
static int take_ready(struct rabbitmq_link *link, amqp_bytes_t queue, struct buf *reply,
                      struct err *err)
{
    amqp_rpc_reply_t got = amqp_basic_get(link->state, RABBITMQ_CHANNEL, queue, 1);
    const amqp_basic_get_ok_t *head = got.reply.decoded;
    amqp_bytes_t exchange, key;
    amqp_message_t message;
    bool redelivered;
    uint64_t tag;
    int r = rabbitmq_link_result(link, got, err);

    if (r < 0)
        return r;
    if (got.reply.id != AMQP_BASIC_GET_OK_METHOD)
        return -EAGAIN;
    exchange = amqp_bytes_malloc_dup(head->exchange);
    key = amqp_bytes_malloc_dup(head->routing_key);
    redelivered = head->redelivered != 0;
    tag = head->delivery_tag;
    r = rabbitmq_link_result(
        link, amqp_read_message(link->state, RABBITMQ_CHANNEL, &message, 0), err);
    if (r == 0) {
        rabbitmq_message_add(exchange, key, redelivered, tag, &message, reply);
        amqp_destroy_message(&message);
    }
    amqp_bytes_free(exchange);
    amqp_bytes_free(key);
    return r;
}

/* The rest of a message that is delivered, whose method has come. */
static int take_delivery(struct rabbitmq_link *link, const amqp_basic_deliver_t *head,
                         uint64_t *ret_tag, struct buf *reply, struct err *err)
{
    amqp_bytes_t exchange = amqp_bytes_malloc_dup(head->exchange);
    amqp_bytes_t key = amqp_bytes_malloc_dup(head->routing_key);
    bool redelivered = head->redelivered != 0;
    uint64_t tag = head->delivery_tag;
    amqp_message_t message;
    int r = rabbitmq_link_result(
        link, amqp_read_message(link->state, RABBITMQ_CHANNEL, &message, 0), err);

    if (r == 0) {
        rabbitmq_message_add(exchange, key, redelivered, tag, &message, reply);
        amqp_destroy_message(&message);
        *ret_tag = tag;
    }
    amqp_bytes_free(exchange);
    amqp_bytes_free(key);
    return r;
}

/* The next message for a consumer. -ETIMEDOUT: none. *ret_consumer (may be NULL): the number in its tag. */
static int await_delivery(struct rabbitmq_link *link, uint64_t deadline_ns, int *ret_consumer,
                          uint64_t *ret_tag, struct buf *reply, struct err *err)
{
    amqp_frame_t frame;
    int r;

    do {
        r = rabbitmq_link_frame(link, deadline_ns, &frame, err);
        if (r < 0)
            return r;
    } while (frame.frame_type != AMQP_FRAME_METHOD);
    if (frame.payload.method.id == AMQP_BASIC_CANCEL_METHOD)
        return err_set(err, -EREMOTEIO, "the broker has ended the consumer: its queue is gone");
    if (frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
        const amqp_basic_deliver_t *head = frame.payload.method.decoded;
        char number[16];

        snprintf(number, sizeof number, "%.*s", (int)head->consumer_tag.len,
                 (const char *)head->consumer_tag.bytes);
        if (ret_consumer)
            *ret_consumer = atoi(number);
        return take_delivery(link, head, ret_tag, reply, err);
    }
    return rabbitmq_link_refused(link, frame.payload.method, err);
}

/* Be a consumer of one message until it comes: the broker says when. One that is delivered while the consumer
 * is being ended counts, too. */
static int take_next(struct rabbitmq_link *link, amqp_bytes_t queue, uint64_t deadline_ns,
                     struct buf *reply, struct err *err)
{
    amqp_bytes_t tag = amqp_cstring_bytes("get");
    uint64_t delivery = 0;
    int r, found;

    amqp_basic_qos(link->state, RABBITMQ_CHANNEL, 0, 1, 0);
    r = result(link, err);
    if (r < 0)
        return r;
    amqp_basic_consume(link->state, RABBITMQ_CHANNEL, queue, tag, 0, 0, 0, amqp_empty_table);
    r = result(link, err);
    if (r < 0)
        return r;
    found = await_delivery(link, deadline_ns, NULL, &delivery, reply, err);
    if (found < 0 && found != -ETIMEDOUT)
        return found;
    amqp_basic_cancel(link->state, RABBITMQ_CHANNEL, tag);
    r = result(link, err);
    if (r == 0 && found < 0)
        found = await_delivery(link, now_ns(), NULL, &delivery, reply, err);
    if (r == 0 && found == 0)
        amqp_basic_ack(link->state, RABBITMQ_CHANNEL, delivery, 0);
    return r < 0 ? r : found;
}

static int do_get(struct rabbitmq_lease *mine, const struct message *request, struct buf *reply,
                  struct err *err)
{
    int within_ms = (int)message_int(request, "within_ms", 0);
    uint64_t deadline = now_ns() + (uint64_t)(within_ms > 0 ? within_ms : 0) * 1000000u;
    struct buf story = BUF_INIT(STORY_MAX);
    amqp_bytes_t queue = bytes_of(request, "queue");
    int r = take_ready(&mine->link, queue, reply, err);

    if (r == -EAGAIN)
        r = take_next(&mine->link, queue, deadline, reply, err);
    if (mine->link.state)
        amqp_maybe_release_buffers(mine->link.state);
    if (r == -ETIMEDOUT) {
        rabbitmq_story(mine, &story);
        r = keeper_error(reply, "no message came to '%.*s' within %d ms\n%s", (int)queue.len,
                         (const char *)queue.bytes, within_ms, buf_text(&story));
    }
    buf_fini(&story);
    return r;
}

/* ---- consumers -------------------------------------------------------------------------- */

/* A queue of the consumer's own, which ends with it. */
static int make_queue(struct rabbitmq_link *link, const struct message *request,
                      amqp_bytes_t *ret, struct err *err)
{
    const amqp_queue_declare_ok_t *queue = amqp_queue_declare(
        link->state, RABBITMQ_CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
    int r = result(link, err);

    if (r < 0)
        return r;
    *ret = amqp_bytes_malloc_dup(queue->queue);
    amqp_queue_bind(link->state, RABBITMQ_CHANNEL, *ret, bytes_of(request, "exchange"),
                    bytes_of(request, "key"), amqp_empty_table);
    return result(link, err);
}

static int do_consume(struct rabbitmq_lease *mine, const struct message *request,
                      struct buf *reply, struct err *err)
{
    struct rabbitmq_link *link = &mine->consuming;
    bool own = !message_value(request, "queue").data;
    amqp_bytes_t queue = bytes_of(request, "queue"), made = { 0 };
    char tag[16];
    int r = rabbitmq_lease_open(mine, link, err);

    if (r == 0 && own)
        r = make_queue(link, request, &made, err);
    if (r == 0) {
        snprintf(tag, sizeof tag, "%d", ++mine->consumers);
        amqp_basic_consume(link->state, RABBITMQ_CHANNEL, own ? made : queue,
                           amqp_cstring_bytes(tag), 0, 1, 0, amqp_empty_table);
        r = result(link, err);
    }
    if (r == 0)
        message_add_int(reply, "consumer", mine->consumers);
    amqp_bytes_free(made);
    return r;
}

/* The next message of any consumer, {consumer: its number, ...} or {none: 1}. */
static int do_next(struct rabbitmq_lease *mine, const struct message *request,
                   struct buf *reply, struct err *err)
{
    int within_ms = (int)message_int(request, "within_ms", 0), consumer = 0, r;
    uint64_t deadline = now_ns() + (uint64_t)(within_ms > 0 ? within_ms : 0) * 1000000u, tag;

    if (!mine->consuming.state)
        return err_set(err, -ENOTCONN, "the consumer's connection has ended");
    r = await_delivery(&mine->consuming, deadline, &consumer, &tag, reply, err);
    if (mine->consuming.state)
        amqp_maybe_release_buffers(mine->consuming.state);
    message_add_int(reply, r == 0 ? "consumer" : "none", r == 0 ? consumer : 1);
    return r == -ETIMEDOUT ? 0 : r;
}

/* ---- */

int rabbitmq_call(struct rabbitmq_lease *mine, const char *verb, const struct message *request,
                  struct buf *reply)
{
    static const struct {
        const char *verb;
        int (*fn)(struct rabbitmq_lease *mine, const struct message *request, struct buf *reply,
                  struct err *err);
    } calls[] = {
        { "exchange", do_exchange }, { "queue", do_queue },     { "bind", do_bind },
        { "publish", do_publish },   { "get", do_get },         { "count", do_count },
        { "purge", do_purge },       { "consume", do_consume }, { "next", do_next },
    };
    struct err err = { "" };
    size_t i = 0;
    int r;

    while (i < sizeof calls / sizeof *calls && strcmp(verb, calls[i].verb) != 0)
        i++;
    if (i == sizeof calls / sizeof *calls)
        return -ENOSYS;
    r = rabbitmq_lease_open(mine, &mine->link, &err);
    if (r == 0)
        r = calls[i].fn(mine, request, reply, &err);
    if (r < 0 && r != -ECANCELED)
        r = keeper_error(reply, "%s", err.text);
    return r;
}
