/* fake/broker_queue.c - messages in queues: given out, acknowledged, back again; see broker_core.h. */

#include <errno.h>
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
    broker_dead_letter(broker, queue, letter, reason);
}

/* ---- time to live ------------------------------------------------------------------------ */

static int parse_expiration(const char *text, int64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoll(text, &end, 10);
    return *text && strspn(text, "0123456789") == strlen(text) && errno == 0 &&
                   *ret <= UINT32_MAX
               ? 0
               : -EINVAL;
}

int broker_check_expiration(const seam_message *message, struct err *err)
{
    int64_t ms;

    if (!message->expiration || parse_expiration(message->expiration, &ms) == 0)
        return 0;
    return err_set(err, -EINVAL, "PRECONDITION_FAILED - invalid expiration '%s'",
                   message->expiration);
}

/* The lesser of the queue's and the message's own; -1: never. */
static int64_t expiry(const struct queue *queue, const seam_message *message, int64_t now_ms)
{
    int64_t ttl_ms = queue->arguments.message_ttl_ms > 0 ? queue->arguments.message_ttl_ms : -1;
    int64_t own_ms;

    if (message->expiration && parse_expiration(message->expiration, &own_ms) == 0 &&
        (ttl_ms < 0 || own_ms < ttl_ms))
        ttl_ms = own_ms;
    return ttl_ms < 0 ? -1 : now_ms + ttl_ms;
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
    return consumer->prefetch <= 0 || consumer->held < consumer->prefetch;
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
    int max = queue->arguments.max_length;

    *entry = (struct entry){ .letter = letter, .queue = queue, .place = ++broker->places };
    entry->expires_ms = is_next ? -1 : expiry(queue, &letter->message, broker_now_ms(broker));
    first_of(broker, queue);
    put(queue, entry);
    while (max > 0 && queue->ready_count > (size_t)max)
        bury(broker, take_first(queue), "maxlen");
}

/* ---- out of it --------------------------------------------------------------------------- */

static const seam_message *hand_out(struct broker *broker, struct queue *queue, int consumer)
{
    struct entry *entry = take_first(queue);
    seam_message *message =
        arena_copy(&broker->arena, &entry->letter->message, sizeof *message);

    entry->tries++;
    entry->tag = ++broker->tags;
    entry->consumer = consumer;
    entry->next = NULL;
    *broker->held_end = entry;
    broker->held_end = &entry->next;
    queue->held_count++;
    message->redelivered = entry->tries > 1;
    message->delivery_tag = entry->tag;
    message->at_ms = broker_now_ms(broker);
    return message;
}

static int no_queue(const char *name, struct err *err)
{
    return err_set(err, -ENOENT, "NOT_FOUND - no queue '%s' in vhost '/'", name);
}

int broker_get(struct broker *broker, const char *name, const seam_message **ret,
               struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);

    *ret = NULL;
    if (!queue)
        return no_queue(name, err);
    expire_all(broker);
    if (first_of(broker, queue))
        *ret = hand_out(broker, queue, 0);
    return 0;
}

int broker_counts(struct broker *broker, const char *name, struct broker_counts *ret,
                  struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);

    *ret = (struct broker_counts){ 0, 0 };
    if (!queue)
        return no_queue(name, err);
    expire_all(broker);
    *ret = (struct broker_counts){ queue->ready_count, queue->held_count };
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
    entry->queue->held_count--;
    consumer = find_consumer(entry->queue, entry->consumer);
    if (consumer)
        consumer->held--;
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
    if (requeue)
        put(entry->queue, entry);
    else
        bury(broker, entry, "rejected");
    return 0;
}

void broker_recover(struct broker *broker)
{
    while (broker->held) {
        struct entry *entry = release(broker, broker->held->tag);

        put(entry->queue, entry);
    }
}

/* ---- consumers --------------------------------------------------------------------------- */

static void append_consumer(struct queue *queue, struct consumer *consumer)
{
    struct consumer **end = &queue->consumers;

    while (*end)
        end = &(*end)->next;
    consumer->next = NULL;
    *end = consumer;
}

int broker_consume(struct broker *broker, const char *name, int prefetch, struct err *err)
{
    struct queue *queue = broker_find_queue(broker, name);
    struct consumer *consumer;

    if (!queue)
        return no_queue(name, err);
    consumer = arena_zero(&broker->arena, sizeof *consumer);
    consumer->number = ++broker->consumers;
    consumer->prefetch = prefetch;
    append_consumer(queue, consumer);
    return consumer->number;
}

void broker_cancel(struct broker *broker, int number)
{
    for (struct queue *queue = broker->queues; queue; queue = queue->next)
        for (struct consumer **at = &queue->consumers; *at; at = &(*at)->next)
            if ((*at)->number == number) {
                *at = (*at)->next;
                return;
            }
}

/* The first whose turn it is becomes the last. */
static struct consumer *next_consumer(struct queue *queue)
{
    struct consumer **at = &queue->consumers, *consumer;

    while (*at && !has_room(*at))
        at = &(*at)->next;
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
        consumer->held++;
        *ret = (struct broker_delivery){ .consumer = consumer->number, .queue = queue->name };
        ret->message = hand_out(broker, queue, consumer->number);
        ret->tries = entry->tries;
        return true;
    }
    return false;
}
