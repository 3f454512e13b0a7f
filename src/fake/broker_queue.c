/* fake/broker_queue.c - messages in queues: given out, acknowledged, back again; see broker_core.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/broker_state.h"

/* ---- letters ----------------------------------------------------------------------------- */

static void copy_headers(struct broker *broker, seam_message *message)
{
    seam_message_header *headers =
        arena_zero(&broker->arena, message->header_count * sizeof *headers + 1);

    for (size_t i = 0; i < message->header_count; i++) {
        const seam_message_header *from = &message->headers[i];

        headers[i].name = arena_dup(&broker->arena, from->name);
        headers[i].value = arena_dup(&broker->arena, from->value ? from->value : "");
    }
    message->headers = headers;
}

static void copy_message(struct broker *broker, const seam_message *from, seam_message *to)
{
    const char **const texts[] = {
        &to->exchange,       &to->routing_key, &to->content_type, &to->content_encoding,
        &to->correlation_id, &to->reply_to,    &to->expiration,   &to->message_id,
        &to->type,           &to->user_id,     &to->app_id
    };

    *to = *from;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_dup(&broker->arena, *texts[i]);
    to->body = arena_copy(&broker->arena, from->body, from->size);
    copy_headers(broker, to);
    to->at_ms = broker_now_ms(broker);
    to->redelivered = false;
    to->delivery_tag = 0;
}

const seam_message *broker_copy(struct broker *broker, const seam_message *message)
{
    struct letter *letter = arena_zero(&broker->arena, sizeof *letter);

    copy_message(broker, message, &letter->message);
    return &letter->message;
}

void broker_attach(struct broker *broker, const seam_message *copy, const void *data,
                   size_t size, const char *header_types)
{
    struct letter *letter =
        (struct letter *)(void *)((char *)copy - offsetof(struct letter, message));

    letter->attached = arena_copy(&broker->arena, data, size);
    letter->attached_size = size;
    letter->header_types = arena_dup(&broker->arena, header_types);
}

/* ---- entries ----------------------------------------------------------------------------- */

static struct entry *new_entry(struct broker *broker)
{
    struct entry *entry = broker->spare;

    if (entry)
        broker->spare = entry->next;
    else
        entry = arena_zero(&broker->arena, sizeof *entry);
    return entry;
}

static void drop_entry(struct broker *broker, struct entry *entry)
{
    entry->next = broker->spare;
    broker->spare = entry;
}

/* By its place: new ones go to the end, those that come back mostly to the beginning. */
static void put(struct queue *queue, struct entry *entry)
{
    struct entry **at = entry->place > queue->last_place ? queue->end : &queue->ready;

    while (*at && (*at)->place < entry->place)
        at = &(*at)->next;
    entry->next = *at;
    *at = entry;
    if (!entry->next)
        queue->end = &entry->next;
    if (entry->place > queue->last_place)
        queue->last_place = entry->place;
    queue->ready_count++;
}

static struct entry *take_first(struct queue *queue)
{
    struct entry *entry = queue->ready;

    queue->ready = entry->next;
    if (!queue->ready)
        queue->end = &queue->ready;
    queue->ready_count--;
    return entry;
}

/* It may come back to the same queue while it is on its way. */
static void bury(struct broker *broker, struct entry *entry, const char *reason)
{
    struct queue *queue = entry->queue;
    const struct letter *letter = entry->letter;

    drop_entry(broker, entry);
    if (queue)
        broker_dead_letter(broker, queue, letter, reason);
}

/* ---- time to live ------------------------------------------------------------------------ */

/* -EINVAL with Erlang's words for what is wrong with it. */
static int parse_expiration(const char *text, int64_t *ret, char *words, size_t size)
{
    size_t sign = text[0] == '-' || text[0] == '+', digits = strspn(text + sign, "0123456789");
    const char *rest = text + sign + digits;

    errno = 0;
    *ret = strtoll(text, NULL, 10);
    if (digits == 0)
        snprintf(words, size, "no_integer");
    else if (*rest)
        snprintf(words, size, "{leftover_string,\"%.60s\"}", rest);
    else if (text[0] == '-')
        snprintf(words, size, "{value_negative,%.60s}", text);
    else
        return 0;
    return -EINVAL;
}

int broker_check_expiration(const seam_message *message, struct err *err)
{
    char words[100];
    int64_t ms;

    if (!message->expiration ||
        parse_expiration(message->expiration, &ms, words, sizeof words) == 0)
        return 0;
    return err_set(err, -EINVAL, "PRECONDITION_FAILED - invalid expiration '%s': %s",
                   message->expiration, words);
}

/* The lesser of the queue's and the message's own; -1: never. */
static int64_t expiry(const struct queue *queue, const seam_message *message, int64_t now_ms)
{
    int64_t ttl_ms = queue->ttl_ms, own_ms;
    char words[100];

    if (message->expiration &&
        parse_expiration(message->expiration, &own_ms, words, sizeof words) == 0 &&
        (ttl_ms < 0 || own_ms < ttl_ms))
        ttl_ms = own_ms;
    return ttl_ms < 0 || ttl_ms > INT64_MAX / 2 ? -1 : now_ms + ttl_ms;
}

/* As in RabbitMQ, only where it is next: one that lives longer holds up those behind it. */
static struct entry *first_of(struct broker *broker, struct queue *queue)
{
    int64_t now_ms = broker_now_ms(broker);

    while (queue->ready && queue->ready->expires_ms >= 0 && queue->ready->expires_ms <= now_ms)
        bury(broker, take_first(queue), "expired");
    return queue->ready;
}

/* Of all queues: one may be the dead letter queue of another. */
static void expire_all(struct broker *broker)
{
    for (struct queue *queue = broker->queues; queue; queue = queue->next)
        first_of(broker, queue);
}

/* ---- into a queue ------------------------------------------------------------------------ */

static bool has_room(const struct consumer *consumer)
{
    const struct broker_limit *limit = consumer->as.limit;

    return consumer->as.no_ack ||
           ((consumer->as.prefetch <= 0 || consumer->held < consumer->as.prefetch) &&
            (!limit || limit->prefetch <= 0 || limit->held < limit->prefetch));
}

/* A consumer that waits gets it before its time ends, however short that is. */
static bool is_awaited(const struct queue *queue)
{
    const struct consumer *consumer = queue->ready ? NULL : queue->consumers;

    while (consumer && !has_room(consumer))
        consumer = consumer->next;
    return consumer != NULL;
}

void broker_enqueue(struct broker *broker, struct queue *queue, const struct letter *letter)
{
    bool is_next = is_awaited(queue);
    struct entry *entry = new_entry(broker);
    int64_t max = queue->max_length;

    *entry = (struct entry){ .letter = letter, .queue = queue, .place = ++broker->places };
    entry->expires_ms = is_next ? -1 : expiry(queue, &letter->message, broker_now_ms(broker));
    first_of(broker, queue);
    put(queue, entry);
    while (max >= 0 && queue->ready_count > (size_t)max && !(max == 0 && is_next))
        bury(broker, take_first(queue), "maxlen");
}

/* ---- out of it --------------------------------------------------------------------------- */

static void hold(struct broker *broker, struct entry *entry, struct consumer *consumer)
{
    entry->consumer = consumer ? consumer->number : 0;
    entry->limit = consumer ? consumer->as.limit : NULL;
    entry->next = NULL;
    *broker->held_end = entry;
    broker->held_end = &entry->next;
    entry->queue->held_count++;
    if (consumer)
        consumer->held++;
    if (entry->limit)
        entry->limit->held++;
}

static const seam_message *hand_out(struct broker *broker, struct queue *queue,
                                    struct consumer *consumer)
{
    struct entry *entry = take_first(queue);
    struct handed *handed = arena_zero(&broker->arena, sizeof *handed);
    seam_message *message = &handed->message;

    *handed = (struct handed){ entry->letter->message, entry->letter };
    entry->tries++;
    entry->tag = ++broker->tags;
    message->redelivered = entry->tries > 1;
    message->delivery_tag = entry->tag;
    message->at_ms = broker_now_ms(broker);
    if (consumer && consumer->as.no_ack)
        drop_entry(broker, entry);
    else
        hold(broker, entry, consumer);
    return message;
}

struct broker_attached broker_attached(const seam_message *delivered)
{
    const struct letter *letter = ((const struct handed *)(const void *)delivered)->letter;

    return (struct broker_attached){ letter->attached, letter->attached_size, letter->deaths };
}

int broker_get(struct broker *broker, const char *name, const seam_message **ret,
               struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);

    *ret = NULL;
    if (!queue)
        return broker_no_queue(broker, name, err);
    expire_all(broker);
    if (first_of(broker, queue))
        *ret = hand_out(broker, queue, NULL);
    return 0;
}

int broker_counts(struct broker *broker, const char *name, struct broker_counts *ret,
                  struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);

    *ret = (struct broker_counts){ 0, 0, 0 };
    if (!queue)
        return broker_no_queue(broker, name, err);
    expire_all(broker);
    *ret = (struct broker_counts){ queue->ready_count, queue->held_count, 0 };
    for (const struct consumer *at = queue->consumers; at; at = at->next)
        ret->consumers++;
    return 0;
}

/* ---- settled ----------------------------------------------------------------------------- */

static struct consumer *find_consumer(const struct queue *queue, int number)
{
    struct consumer *consumer = queue->consumers;

    while (consumer && consumer->number != number)
        consumer = consumer->next;
    return consumer;
}

static void append_consumer(struct queue *queue, struct consumer *consumer)
{
    struct consumer **end = &queue->consumers;

    while (*end)
        end = &(*end)->next;
    consumer->next = NULL;
    *end = consumer;
}

/* Who has room again is behind all that have waited. */
static void unblock(struct queue *queue)
{
    struct consumer **at = &queue->consumers, *unblocked = NULL, **end = &unblocked;

    while (*at) {
        struct consumer *consumer = *at;

        if (!consumer->blocked || !has_room(consumer)) {
            at = &consumer->next;
            continue;
        }
        consumer->blocked = false;
        *at = consumer->next;
        consumer->next = NULL;
        *end = consumer;
        end = &consumer->next;
    }
    *at = unblocked;
}

void broker_limit_changed(struct broker *broker)
{
    for (struct queue *queue = broker->queues; queue; queue = queue->next)
        unblock(queue);
}

/* Out of the list of those that are held; NULL: no such tag. */
static struct entry *release(struct broker *broker, uint64_t tag)
{
    struct entry **at = &broker->held, *entry;
    struct consumer *consumer;

    while (*at && (*at)->tag != tag)
        at = &(*at)->next;
    entry = *at;
    if (!entry)
        return NULL;
    *at = entry->next;
    if (!*at)
        broker->held_end = at;
    if (entry->limit)
        entry->limit->held--;
    if (!entry->queue)
        return entry;
    entry->queue->held_count--;
    consumer = find_consumer(entry->queue, entry->consumer);
    if (consumer)
        consumer->held--;
    if (entry->limit)
        broker_limit_changed(broker);
    else
        unblock(entry->queue);
    return entry;
}

int broker_ack(struct broker *broker, uint64_t tag)
{
    struct entry *entry = release(broker, tag);

    if (!entry)
        return -ENOENT;
    drop_entry(broker, entry);
    return 0;
}

int broker_reject(struct broker *broker, uint64_t tag, bool requeue)
{
    struct entry *entry = release(broker, tag);

    if (!entry)
        return -ENOENT;
    if (requeue && entry->queue)
        put(entry->queue, entry);
    else
        bury(broker, entry, "rejected");
    return 0;
}

void broker_recover(struct broker *broker)
{
    while (broker->held) {
        struct entry *entry = release(broker, broker->held->tag);

        if (entry->queue)
            put(entry->queue, entry);
        else
            drop_entry(broker, entry);
    }
}

size_t broker_drop_ready(struct broker *broker, struct queue *queue)
{
    size_t count = queue->ready_count;

    while (queue->ready)
        drop_entry(broker, take_first(queue));
    return count;
}

int64_t broker_next_expiry(const struct broker *broker)
{
    int64_t next = -1;

    for (const struct queue *queue = broker->queues; queue; queue = queue->next)
        if (queue->ready && queue->ready->expires_ms >= 0 &&
            (next < 0 || queue->ready->expires_ms < next))
            next = queue->ready->expires_ms;
    return next;
}

/* ---- consumers --------------------------------------------------------------------------- */

int broker_consume_as(struct broker *broker, const char *name, const struct broker_consumer *as,
                      struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);
    struct consumer *consumer;

    if (!queue)
        return broker_no_queue(broker, name, err);
    if (queue->consumers && (as->exclusive || queue->consumers->as.exclusive))
        return err_set(err, -EBUSY,
                       "ACCESS_REFUSED - queue '%s' in vhost '%s' in exclusive use", name,
                       broker->vhost);
    consumer = arena_zero(&broker->arena, sizeof *consumer);
    consumer->number = ++broker->consumers;
    consumer->as = *as;
    append_consumer(queue, consumer);
    queue->was_consumed = true;
    return consumer->number;
}

int broker_consume(struct broker *broker, const char *queue, int prefetch, struct err *err)
{
    const struct broker_consumer as = { .prefetch = prefetch };

    return broker_consume_as(broker, queue, &as, err);
}

void broker_cancel(struct broker *broker, int number)
{
    for (struct queue *queue = broker->queues; queue; queue = queue->next)
        for (struct consumer **at = &queue->consumers; *at; at = &(*at)->next)
            if ((*at)->number == number) {
                *at = (*at)->next;
                broker_queue_left(broker, queue);
                return;
            }
}

int broker_next_cancelled(struct broker *broker)
{
    struct consumer *consumer = broker->cancelled;

    if (!consumer)
        return 0;
    broker->cancelled = consumer->next;
    return consumer->number;
}

/* The first whose turn it is becomes the last. Who has no room is not asked again until it has. */
static struct consumer *next_consumer(struct queue *queue)
{
    struct consumer **at = &queue->consumers, *consumer;

    for (; *at; at = &(*at)->next) {
        (*at)->blocked = (*at)->blocked || !has_room(*at);
        if (!(*at)->blocked)
            break;
    }
    consumer = *at;
    if (!consumer)
        return NULL;
    *at = consumer->next;
    append_consumer(queue, consumer);
    return consumer;
}

bool broker_deliver(struct broker *broker, struct broker_delivery *ret)
{
    expire_all(broker);
    for (struct queue *queue = broker->queues; queue; queue = queue->next) {
        struct entry *entry = queue->ready;
        struct consumer *consumer =
            entry && entry->tries < BROKER_TRIES_MAX ? next_consumer(queue) : NULL;

        if (!consumer)
            continue;
        ret->consumer = consumer->number;
        ret->queue = queue->name;
        ret->tries = entry->tries + 1;
        ret->message = hand_out(broker, queue, consumer);
        return true;
    }
    return false;
}
