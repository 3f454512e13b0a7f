/* fake/broker_dead.c - messages that died in a queue go to its dead letter exchange; see broker_state.h. */

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "fake/broker_state.h"

enum { DEATHS_SIZE = 1 << 20 };

/* ---- what is remembered ------------------------------------------------------------------ */

static bool is_death(const struct broker_death *death, const struct queue *queue,
                     const char *reason)
{
    return strcmp(death->queue, queue->name) == 0 && strcmp(death->reason, reason) == 0;
}

/* Copies, without the one of the same queue and cause, whose count goes on. */
static struct broker_death *copy_deaths(struct broker *broker, const struct broker_death *from,
                                        const struct queue *queue, const char *reason,
                                        int *ret_count)
{
    struct broker_death *first = NULL, **end = &first;

    for (; from; from = from->next) {
        if (is_death(from, queue, reason)) {
            *ret_count = from->count;
            continue;
        }
        *end = arena_copy(&broker->arena, from, sizeof *from);
        end = &(*end)->next;
        *end = NULL;
    }
    return first;
}

static struct broker_death *add_death(struct broker *broker, const struct letter *letter,
                                      const struct queue *queue, const char *reason)
{
    struct broker_death *death = arena_zero(&broker->arena, sizeof *death);
    int count = 0;
    struct broker_death *earlier = copy_deaths(broker, letter->deaths, queue, reason, &count);

    *death = (struct broker_death){
        .next = earlier,
        .queue = queue->name,
        .reason = reason,
        .exchange = letter->message.exchange,
        .key = letter->message.routing_key,
        .expiration = letter->message.expiration,
        .time_s = (broker->time.epoch_ms + broker_now_ms(broker)) / 1000,
        .count = count + 1,
        .is_first = !letter->deaths,
    };
    return death;
}

/* ---- headers ----------------------------------------------------------------------------- */

static void add_text(struct buf *to, const char *text)
{
    buf_add_char(to, '"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            buf_printf(to, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            buf_printf(to, "\\u%04x", (unsigned)*text);
        else
            buf_add_char(to, *text);
    buf_add_char(to, '"');
}

static void add_member(struct buf *to, const char *name, const char *text)
{
    buf_printf(to, "\"%s\":", name);
    add_text(to, text);
}

/* The header x-death as JSON: a list of tables. */
static const char *show_deaths(struct broker *broker, const struct broker_death *death)
{
    struct buf text = BUF_INIT(DEATHS_SIZE);
    const char *copy;

    for (; death; death = death->next) {
        buf_printf(&text, "%s{\"count\":%d,", text.size ? "," : "[", death->count);
        add_member(&text, "reason", death->reason);
        buf_add_char(&text, ',');
        add_member(&text, "queue", death->queue);
        buf_printf(&text, ",\"time\":%" PRId64 ",", death->time_s);
        add_member(&text, "exchange", death->exchange);
        buf_add_text(&text, ",\"routing-keys\":[");
        add_text(&text, death->key);
        buf_add_char(&text, ']');
        if (death->expiration) {
            buf_add_char(&text, ',');
            add_member(&text, "original-expiration", death->expiration);
        }
        buf_add_char(&text, '}');
    }
    buf_add_char(&text, ']');
    copy = arena_dup(&broker->arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}

/* Set one, or add it behind the last: there is room. */
static void set_header(seam_message_header *headers, size_t *count, const char *name,
                       const char *value, bool is_first)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(headers[i].name, name) == 0) {
            if (!is_first)
                headers[i].value = value;
            return;
        }
    headers[(*count)++] = (seam_message_header){ name, value };
}

static void set_headers(struct broker *broker, struct letter *letter,
                        const struct broker_death *death)
{
    seam_message *message = &letter->message;
    seam_message_header *headers =
        arena_zero(&broker->arena, (message->header_count + 4) * sizeof *headers);

    if (message->header_count > 0)
        memcpy(headers, message->headers, message->header_count * sizeof *headers);
    set_header(headers, &message->header_count, "x-death", show_deaths(broker, letter->deaths),
               false);
    set_header(headers, &message->header_count, "x-first-death-exchange", death->exchange,
               true);
    set_header(headers, &message->header_count, "x-first-death-queue", death->queue, true);
    set_header(headers, &message->header_count, "x-first-death-reason", death->reason, true);
    message->headers = headers;
}

/* ---- */

/* Whether it has been in that queue before and nobody has rejected it since: it would go round for ever. */
static bool is_circle(const struct letter *letter, const struct queue *queue)
{
    for (const struct broker_death *death = letter->deaths; death; death = death->next) {
        if (strcmp(death->reason, "rejected") == 0)
            return false;
        if (strcmp(death->queue, queue->name) == 0)
            return true;
    }
    return false;
}

static void enqueue(struct broker *broker, struct queue *queue, const struct letter *letter,
                    void *arg)
{
    (void)arg;
    if (!is_circle(letter, queue))
        broker_enqueue(broker, queue, letter);
}

/* Its time to live is left behind: it would be over in the next queue, too. */
void broker_dead_letter(struct broker *broker, struct queue *queue, const struct letter *letter,
                        const char *reason)
{
    struct letter *dead;

    if (!queue->dead_letter_exchange ||
        !broker_has_exchange(broker, queue->dead_letter_exchange))
        return;
    dead = arena_copy(&broker->arena, letter, sizeof *letter);
    dead->deaths = add_death(broker, letter, queue, reason);
    set_headers(broker, dead, dead->deaths);
    dead->message.exchange = queue->dead_letter_exchange;
    if (queue->dead_letter_key)
        dead->message.routing_key = queue->dead_letter_key;
    dead->message.expiration = NULL;
    broker_route_letter(broker, dead, enqueue, NULL, NULL);
}
