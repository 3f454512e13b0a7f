/* lease/rabbitmq_message.c - messages to a broker and from it; see seam/rabbitmq.h. */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/now.h"
#include "lease/rabbitmq.h"
#include "test/t.h"

enum {
    HEADERS = sizeof((seam_rabbitmq_publish_options *)0)->headers / sizeof(seam_message_header)
};

/* ---- publishing ------------------------------------------------------------------------- */

/* JSON in which ' stands for ", unless it has a " itself. */
static const char *plain_json(seam_rabbitmq *mq, const char *json)
{
    char *copy = arena_dup(t_arena(mq->t), json);

    if (!strchr(copy, '"'))
        for (char *at = copy; (at = strchr(at, '\'')); at++)
            *at = '"';
    return copy;
}

static void add_body(seam_rabbitmq *mq, const seam_rabbitmq_publish_options *options,
                     struct buf *frame)
{
    const char *body = options->json ? plain_json(mq, options->json) : options->text;
    const char *type = options->json ? "application/json" : NULL;

    if ((options->json != NULL) + (options->text != NULL) + (options->bytes != NULL) > 1)
        seam_fatal_at(mq->t, options->site,
                      "rabbitmq: .text, .json and .bytes exclude each other");
    if (options->bytes)
        message_add(frame, "body", options->bytes, options->size);
    else
        message_add_text(frame, "body", body ? body : "");
    message_add_text(frame, "content_type",
                     options->content_type ? options->content_type : type);
}

static void add_properties(const seam_rabbitmq_publish_options *options, struct buf *frame)
{
    message_add_text(frame, "message_id", options->message_id);
    message_add_text(frame, "correlation_id", options->correlation_id);
    message_add_text(frame, "reply_to", options->reply_to);
    if (options->expiration_ms > 0)
        message_add_int(frame, "expiration", options->expiration_ms);
    if (options->priority > 0)
        message_add_int(frame, "priority", options->priority);
    for (size_t i = 0; i < HEADERS && options->headers[i].name; i++) {
        message_add_text(frame, "header_name", options->headers[i].name);
        message_add_text(frame, "header_value", options->headers[i].value);
    }
}

void seam_rabbitmq_publish_at(seam_rabbitmq *mq, const seam_rabbitmq_publish_options *options)
{
    const char *key = options->routing_key ? options->routing_key : "";
    struct message answer;
    struct buf frame;

    lease_request(&frame, "publish");
    message_add_text(&frame, "exchange", options->exchange ? options->exchange : "");
    message_add_text(&frame, "key", key);
    message_add_int(&frame, "may_be_lost", options->may_be_lost);
    add_body(mq, options, &frame);
    add_properties(options, &frame);
    rabbitmq_ask(mq, options->site, &frame, &answer, "publish", key);
}

/* ---- taking ----------------------------------------------------------------------------- */

/* A text that the sender has set; else NULL. */
static const char *text_of(seam_rabbitmq *mq, const struct message *answer, const char *key)
{
    return message_value(answer, key).data ? lease_text(mq->lease, answer, key) : NULL;
}

static size_t count_headers(const struct message *answer)
{
    struct message key, value;
    size_t at = 0, count = 0;

    while (message_next(answer, &at, &key, &value) == 1)
        count += message_is(&key, "header_name");
    return count;
}

static void take_headers(seam_rabbitmq *mq, const struct message *answer, seam_message *to)
{
    struct arena *arena = t_arena(mq->t);
    seam_message_header *headers =
        arena_zero(arena, (count_headers(answer) + 1) * sizeof *headers);
    struct message key, value;
    size_t at = 0;

    to->headers = headers;
    while (message_next(answer, &at, &key, &value) == 1)
        if (message_is(&key, "header_name"))
            headers[to->header_count++].name = arena_copy(arena, value.data, value.size);
        else if (message_is(&key, "header_value") && to->header_count > 0)
            headers[to->header_count - 1].value = arena_copy(arena, value.data, value.size);
}

const seam_message *rabbitmq_message(seam_rabbitmq *mq, const struct message *answer)
{
    seam_message *to = arena_zero(t_arena(mq->t), sizeof *to);

    to->exchange = lease_text(mq->lease, answer, "exchange");
    to->routing_key = lease_text(mq->lease, answer, "key");
    to->body = lease_text(mq->lease, answer, "body");
    to->size = message_value(answer, "body").size;
    to->redelivered = message_int(answer, "redelivered", 0) != 0;
    to->persistent = message_int(answer, "persistent", 0) != 0;
    to->content_type = text_of(mq, answer, "content_type");
    to->content_encoding = text_of(mq, answer, "content_encoding");
    to->priority = (int)message_int(answer, "priority", -1);
    to->correlation_id = text_of(mq, answer, "correlation_id");
    to->reply_to = text_of(mq, answer, "reply_to");
    to->expiration = text_of(mq, answer, "expiration");
    to->message_id = text_of(mq, answer, "message_id");
    to->timestamp = message_int(answer, "timestamp", 0);
    to->type = text_of(mq, answer, "type");
    to->user_id = text_of(mq, answer, "user_id");
    to->app_id = text_of(mq, answer, "app_id");
    to->at_ms = fake_now_ms();
    to->delivery_tag = (uint64_t)message_int(answer, "tag", 0);
    take_headers(mq, answer, to);
    return to;
}

const seam_message *seam_rabbitmq_get_at(seam_rabbitmq *mq, seam_site at, const char *queue,
                                         int within_ms)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "get");
    message_add_text(&frame, "queue", queue);
    message_add_int(&frame, "within_ms", t_wait_ms(mq->t, within_ms));
    rabbitmq_ask(mq, at, &frame, &answer, "get a message of", queue);
    return rabbitmq_message(mq, &answer);
}
