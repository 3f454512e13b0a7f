/*
 * fake/broker_expect.c - what a test expects to be published; see seam/broker.h.
 *
 * Messages are offered to expectations when the test asks, or ends: each to the first that it fits and that has
 * not got all.
 */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/broker.h"
#include "test/t.h"

enum { WITHIN_MS = 5000 };

/* ---- making ------------------------------------------------------------------------------ */

static seam_message_match match_of(const seam_broker_expectation *said)
{
    seam_message_match match = {
        .exchange = said->exchange,
        .routing_key = said->routing_key,
        .key_pattern = said->key_pattern,
        .text = said->text,
        .contains = said->contains,
        .pattern = said->pattern,
        .json = said->json,
        .json_equal = said->json_equal,
        .content_type = said->content_type,
        .message_id = said->message_id,
        .fn = said->fn,
        .arg = said->arg,
    };

    memcpy(match.headers, said->headers, sizeof match.headers);
    return match;
}

static const char *check(const seam_broker_expectation *said, bool waits)
{
    if (said->times < 0)
        return ".times is below 0";
    if (said->never && (said->times > 0 || said->optional || said->in_order))
        return ".never excludes .times, .optional and .in_order";
    if (waits && (said->never || said->optional || said->in_order))
        return ".never, .optional and .in_order are for seam_broker_expect";
    if (!waits && said->within_ms != 0)
        return ".within_ms is for seam_broker_eventually";
    if (said->within_ms < 0)
        return ".within_ms is below 0";
    return NULL;
}

/* Ends the test when it makes no sense. */
static struct expectation *make(seam_broker *broker, const seam_broker_expectation *said,
                                bool waits)
{
    struct arena *arena = t_arena(broker->t);
    struct expectation *made = arena_zero(arena, sizeof *made);
    const char *key = said->routing_key ? said->routing_key : said->key_pattern;
    const char *fault = check(said, waits);
    seam_message_match match = match_of(said);
    struct err err;

    if (fault)
        seam_fatal_at(broker->t, said->site, "%s", fault);
    made->said = *said;
    made->times = said->times > 0 ? said->times : 1;
    made->name = key ? arena_printf(arena, "'%s'", key) : "a message";
    if (message_match_new(arena, &match, &made->match, &err) < 0)
        seam_fatal_at(broker->t, said->site, "%s", err.text);
    return made;
}

void seam_broker_expect_at(seam_broker *broker, const seam_broker_expectation *said)
{
    struct expectation *made = make(broker, said, false);

    *broker->expectations_end = made;
    broker->expectations_end = &made->next;
    broker->offered = 0;
}

/* ---- messages are offered ---------------------------------------------------------------- */

static void say_forbidden(seam_broker *broker, const struct expectation *expectation,
                          struct published *published, struct arena *arena)
{
    published->reported = true;
    seam_error_at(broker->t, expectation->said.site,
                  "%s was published, which never should be: %s", expectation->name,
                  broker_say_published(published, arena));
}

static void take(struct expectation *expectation, struct published *published)
{
    published->by = expectation;
    published->surplus_of = NULL;
    if (expectation->taken++ == 0)
        expectation->first = published->number;
    expectation->last = published->number;
}

static void offer(seam_broker *broker, struct published *published)
{
    struct arena arena = { 0 };
    struct expectation *taker = NULL;

    for (struct expectation *at = broker->expectations; at; at = at->next) {
        bool is_open = at->said.never || (!taker && at->taken < at->times);
        bool is_surplus = !at->said.never && !taker && !is_open && !published->surplus_of;

        if ((!is_open && !is_surplus) ||
            !message_match_holds(at->match, published->message, &arena))
            continue;
        if (at->said.never) {
            say_forbidden(broker, at, published, &arena);
            taker = at;
            break;
        }
        if (is_open)
            taker = at;
        else
            published->surplus_of = at;
    }
    if (taker)
        take(taker, published);
    arena_fini(&arena);
}

static void settle(seam_broker *broker)
{
    struct published *at;

    for (; (at = broker_published(broker, broker->offered)); broker->offered++)
        if (!at->by && !at->reported)
            offer(broker, at);
}

/* ---- at the end -------------------------------------------------------------------------- */

/* In a test that has failed already it is a note: what it expected could not come any more. */
static void say(seam_broker *broker, bool as_note, seam_site at, const char *words)
{
    if (as_note)
        seam_log_at(broker->t, at, "%s", words);
    else
        seam_error_at(broker->t, at, "%s", words);
}

static const char *times_text(struct arena *arena, int times)
{
    return times == 1 ? "once" : arena_printf(arena, "%d times", times);
}

static const char *say_missing(const seam_broker *broker, const struct expectation *at,
                               struct arena *arena)
{
    const char *nearest = broker_say_nearest(broker, at->match, arena);

    if (at->taken == 0)
        return arena_printf(arena, "%s was not published\n%s", at->name, nearest);
    return arena_printf(arena, "%s was published %s, not %s\n%s", at->name,
                        times_text(arena, at->taken), times_text(arena, at->times), nearest);
}

/* NULL: there is none too many, or they were reported. */
static const char *say_surplus(seam_broker *broker, const struct expectation *expectation,
                               struct arena *arena)
{
    const struct published *first = NULL;
    struct published *at;
    int count = 0;

    for (size_t i = 0; (at = broker_published(broker, i)); i++) {
        if (at->surplus_of != expectation || at->reported)
            continue;
        at->reported = true;
        first = first ? first : at;
        count++;
    }
    if (count == 0)
        return NULL;
    return arena_printf(arena, "%s was published %s, not %s\nthe first that is too many: %s",
                        expectation->name, times_text(arena, expectation->taken + count),
                        times_text(arena, expectation->times),
                        broker_say_published(first, arena));
}

/* NULL: what is expected above came before. */
static const char *say_order(seam_broker *broker, const struct expectation *below,
                             struct arena *arena)
{
    for (const struct expectation *at = broker->expectations; at != below; at = at->next)
        if (at->said.in_order && at->taken > 0 && below->first < at->last)
            return arena_printf(
                arena,
                "%s was published before %s, which is expected before it\n    %s\n    %s",
                below->name, at->name,
                broker_say_published(broker_published(broker, below->first - 1), arena),
                broker_say_published(broker_published(broker, at->last - 1), arena));
    return NULL;
}

static void judge(seam_broker *broker, const struct expectation *at, bool as_note)
{
    struct arena arena = { 0 };
    const char *surplus = say_surplus(broker, at, &arena);
    const char *order =
        at->said.in_order && at->taken > 0 ? say_order(broker, at, &arena) : NULL;

    if (at->taken < at->times && !at->said.optional && !at->said.never)
        say(broker, as_note, at->said.site, say_missing(broker, at, &arena));
    if (surplus)
        say(broker, as_note, at->said.site, surplus);
    if (order)
        say(broker, as_note, at->said.site, order);
    arena_fini(&arena);
}

static bool is_stray(const struct published *published)
{
    return !published->by && !published->reported && !published->surplus_of;
}

void broker_expect_end(seam_broker *broker)
{
    bool as_note = seam_failed(broker->t);
    struct arena arena = { 0 };
    const char *strays;

    settle(broker);
    for (const struct expectation *at = broker->expectations; at; at = at->next)
        judge(broker, at, as_note);
    strays = broker->strict ? broker_say_unexpected(broker, is_stray, &arena) : NULL;
    if (strays)
        say(broker, as_note, broker->site, strays);
    arena_fini(&arena);
}

static bool is_unexpected(const struct published *published)
{
    return !published->by && !published->reported && !published->waited;
}

void seam_broker_expect_nothing_else_at(seam_broker *broker, seam_site at)
{
    struct arena arena = { 0 };
    const char *words;

    settle(broker);
    words = broker_say_unexpected(broker, is_unexpected, &arena);
    if (words)
        seam_error_at(broker->t, at, "%s", words);
    arena_fini(&arena);
}

/* ---- waiting ----------------------------------------------------------------------------- */

/* False: nobody has published another until then. */
static bool wait_for_more(seam_broker *broker, size_t count, uint64_t deadline_ns)
{
    const struct timespec until = { .tv_sec = (time_t)(deadline_ns / 1000000000u),
                                    .tv_nsec = (long)(deadline_ns % 1000000000u) };
    bool more;
    int r = 0;

    pthread_mutex_lock(&broker->lock);
    while (!(more = broker->journal.size / sizeof(struct published *) > count) && r == 0)
        r = machine.cond_clockwait(&broker->came, &broker->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&broker->lock);
    return more;
}

/* Each message is returned once. */
static bool claim(seam_broker *broker, struct published *published)
{
    bool is_first;

    pthread_mutex_lock(&broker->lock);
    is_first = !published->waited;
    published->waited = true;
    pthread_mutex_unlock(&broker->lock);
    return is_first;
}

static const struct published *find_awaited(seam_broker *broker, struct expectation *wanted,
                                            uint64_t deadline_ns)
{
    struct published *at;
    size_t i = 0;

    do {
        for (; (at = broker_published(broker, i)); i++) {
            struct arena arena = { 0 };
            bool holds = message_match_holds(wanted->match, at->message, &arena);

            arena_fini(&arena);
            if (holds && claim(broker, at) && ++wanted->taken == wanted->times)
                return at;
        }
    } while (wait_for_more(broker, i, deadline_ns));
    return NULL;
}

static void say_late(seam_broker *broker, const struct expectation *wanted, int within_ms)
{
    struct arena arena = { 0 };

    seam_error_at(broker->t, wanted->said.site, "within %d ms %s", within_ms,
                  say_missing(broker, wanted, &arena));
    arena_fini(&arena);
}

const seam_message *seam_broker_eventually_at(seam_broker *broker,
                                              const seam_broker_expectation *said)
{
    struct expectation *wanted = make(broker, said, true);
    int within_ms = t_wait_ms(broker->t, said->within_ms > 0 ? said->within_ms : WITHIN_MS);
    const struct published *found =
        find_awaited(broker, wanted, now_ns() + (uint64_t)within_ms * 1000000u);

    if (!found)
        say_late(broker, wanted, within_ms);
    message_match_fini(wanted->match);
    return found ? found->message : NULL;
}
