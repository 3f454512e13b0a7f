/*
 * lease/rabbitmq_consumer.c - consumers of the test's own; see seam/rabbitmq.h.
 *
 * The keeper consumes, all of a test's consumers on one connection. What comes for any of them comes here with its
 * number and is put to the consumer of that number.
 */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/message_match.h"
#include "lease/rabbitmq.h"
#include "test/t.h"

enum { WITHIN_MS = 5000, STORY_MAX = 1 << 20 };

/* One that came. */
struct arrival {
    struct arrival *next;
    const seam_message *message;
    bool taken; /* by an expectation, or reported */
};

struct seam_rabbitmq_consumer {
    seam_rabbitmq_consumer *next;
    seam_rabbitmq *mq;
    int number;
    const char *name; /* "queue 'orders'" */
    struct arrival *first, **end;
};

/* ---- coming ----------------------------------------------------------------------------- */

seam_rabbitmq_consumer *seam_rabbitmq_consume_at(seam_rabbitmq *mq, seam_site at,
                                                 const char *queue, const char *exchange,
                                                 const char *key)
{
    struct arena *arena = t_arena(mq->t);
    seam_rabbitmq_consumer *consumer = arena_zero(arena, sizeof *consumer);
    struct message answer;
    struct buf frame;

    lease_request(&frame, "consume");
    message_add_text(&frame, "queue", queue);
    message_add_text(&frame, "exchange", exchange);
    message_add_text(&frame, "key", key);
    rabbitmq_ask(mq, at, &frame, &answer, "consume from", queue ? queue : exchange);
    *consumer = (seam_rabbitmq_consumer){
        .next = mq->consumers,
        .mq = mq,
        .number = (int)message_int(&answer, "consumer", 0),
        .name = queue ? arena_printf(arena, "queue '%s'", queue)
                      : arena_printf(arena, "exchange '%s', key '%s'", exchange, key),
        .end = &consumer->first,
    };
    return mq->consumers = consumer;
}

static void put(seam_rabbitmq *mq, const struct message *answer)
{
    int number = (int)message_int(answer, "consumer", 0);
    struct arrival *arrival = arena_zero(t_arena(mq->t), sizeof *arrival);

    arrival->message = rabbitmq_message(mq, answer);
    for (seam_rabbitmq_consumer *at = mq->consumers; at; at = at->next)
        if (at->number == number) {
            *at->end = arrival;
            at->end = &arrival->next;
        }
}

/* Wait for one more, of any consumer. False: none came. */
static bool wait_for_more(seam_rabbitmq_consumer *consumer, seam_site at, uint64_t deadline_ns)
{
    seam_rabbitmq *mq = consumer->mq;
    struct message answer;
    struct buf frame;

    lease_request(&frame, "next");
    message_add_int(&frame, "within_ms", deadline_poll_ms(deadline_ns));
    if (rabbitmq_try(mq, at, &frame, &answer) < 0)
        seam_fatal_at(mq->t, at, "rabbitmq: cannot consume from %s: %s", consumer->name,
                      lease_text(mq->lease, &answer, "error"));
    if (message_int(&answer, "none", 0) != 0)
        return false;
    put(mq, &answer);
    return true;
}

static struct arrival *first_left(const seam_rabbitmq_consumer *consumer)
{
    struct arrival *at = consumer->first;

    while (at && at->taken)
        at = at->next;
    return at;
}

/* ---- saying ----------------------------------------------------------------------------- */

/* A message beside what was wanted, behind words that name it. */
static const char *say_beside(const char *words, const struct message_match *match,
                              const seam_message *message, struct arena *arena)
{
    struct buf text = BUF_INIT(STORY_MAX);
    const char *all;

    buf_printf(&text, "%s, %s:\n", words, message_name(message, arena));
    message_match_beside(match, message, arena, &text);
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.data[--text.size] = '\0';
    all = arena_dup(arena, buf_text(&text));
    buf_fini(&text);
    return all;
}

static const char *say_nearest(const seam_rabbitmq_consumer *consumer,
                               const struct message_match *match, struct arena *arena)
{
    const seam_message *nearest = NULL;
    size_t best = 0, count = 0, taken = 0;

    for (const struct arrival *at = consumer->first; at; at = at->next) {
        size_t weight = message_match_weight(match, at->message, arena);

        taken += at->taken;
        count++;
        if (!at->taken && (!nearest || weight > best)) {
            nearest = at->message;
            best = weight;
        }
    }
    if (count == 0)
        return "no message came at all";
    if (!nearest)
        return arena_printf(arena, "%zu came, and all were expected before", taken);
    return say_beside(arena_printf(arena,
                                   "%zu came, %zu of them expected before; the nearest of the "
                                   "others",
                                   count, taken),
                      match, nearest, arena);
}

/* ---- expecting -------------------------------------------------------------------------- */

static struct arrival *find(const seam_rabbitmq_consumer *consumer,
                            const struct message_match *match, bool in_order,
                            struct arena *arena)
{
    for (struct arrival *at = first_left(consumer); at; at = at->next) {
        if (!at->taken && message_match_holds(match, at->message, arena))
            return at;
        if (in_order)
            return NULL;
    }
    return NULL;
}

const seam_message *seam_rabbitmq_expect_at(seam_rabbitmq_consumer *consumer,
                                            const seam_rabbitmq_expectation *wanted)
{
    seam_t *t = consumer->mq->t;
    struct arena *arena = t_arena(t);
    int within_ms = t_wait_ms(t, wanted->within_ms > 0 ? wanted->within_ms : WITHIN_MS);
    uint64_t deadline = now_ns() + (uint64_t)within_ms * 1000000u;
    struct message_match *match;
    struct arrival *found;
    struct err err;

    if (message_match_new(arena, &wanted->match, &match, &err) < 0)
        seam_fatal_at(t, wanted->site, "%s", err.text);
    while (!(found = find(consumer, match, wanted->in_order, arena)) &&
           !(wanted->in_order && first_left(consumer)) &&
           wait_for_more(consumer, wanted->site, deadline))
        ;
    if (found)
        found->taken = true;
    else if (wanted->in_order && first_left(consumer))
        seam_error_at(t, wanted->site, "%s",
                      say_beside(arena_printf(arena, "the next message of %s is another one",
                                              consumer->name),
                                 match, first_left(consumer)->message, arena));
    else
        seam_error_at(t, wanted->site, "no such message came from %s within %d ms\n%s",
                      consumer->name, within_ms, say_nearest(consumer, match, arena));
    message_match_fini(match);
    return found ? found->message : NULL;
}

void seam_rabbitmq_expect_nothing_at(seam_rabbitmq_consumer *consumer, seam_site at,
                                     int within_ms)
{
    seam_t *t = consumer->mq->t;
    uint64_t deadline = now_ns() + (uint64_t)t_wait_ms(t, within_ms) * 1000000u;
    struct arrival *left;

    while (!(left = first_left(consumer)) && wait_for_more(consumer, at, deadline))
        ;
    if (!left)
        return;
    left->taken = true;
    seam_error_at(t, at, "a message came from %s that nobody expected: %s\n    body: %.200s",
                  consumer->name, message_name(left->message, t_arena(t)), left->message->body);
}
