/* fake/broker_report.c - what is said of messages and expectations; see broker.h. */

#include <inttypes.h>
#include <string.h>

#include "base/base_name.h"
#include "fake/broker.h"
#include "test/mask.h"
#include "test/quote.h"

enum {
    REPORT_MAX = 1 << 20,
    SHOWN_MAX = 5, /* messages that are shown of those that nobody expected */
    BODY_COLUMNS = 80,
    LOOKED_AT = 4096 /* of a body, in bytes */
};

static const char *end_of_number(size_t number)
{
    size_t last = number % 100 / 10 == 1 ? 0 : number % 10;

    return last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}

const char *broker_say_published(const struct published *published, struct arena *arena)
{
    return arena_printf(arena, "%s, the %zu%s, after %" PRId64 " ms",
                        message_name(published->message, arena), published->number,
                        end_of_number(published->number), published->message->at_ms);
}

static const char *say_site(seam_site site, struct arena *arena)
{
    return arena_printf(arena, "%s:%d", base_name(site.file), site.line);
}

static const char *finish(struct buf *text, struct arena *arena)
{
    const char *copy;

    while (text->size > 0 && text->data[text->size - 1] == '\n')
        text->data[--text->size] = '\0';
    copy = arena_dup(arena, buf_text(text));
    buf_fini(text);
    return copy;
}

/* ---- the message that is nearest to an expectation --------------------------------------- */

/* Of those that do not count for it already. One that no expectation takes is nearer than one that another does. */
static const struct published *find_nearest(const seam_broker *broker,
                                            const struct message_match *match)
{
    const struct published *best = NULL, *at;
    size_t most = 0;

    for (size_t i = 0; (at = broker_published(broker, i)); i++) {
        struct arena scratch = { 0 };
        size_t weight;

        if (at->by && at->by->match == match)
            continue;
        weight = 2 * message_match_weight(match, at->message, &scratch) + 1;
        arena_fini(&scratch);
        if (at->by)
            weight = weight / 4;
        if (best && weight <= most)
            continue;
        best = at;
        most = weight;
    }
    return best;
}

const char *broker_say_nearest(const seam_broker *broker, const struct message_match *match,
                               struct arena *arena)
{
    const struct published *nearest = find_nearest(broker, match);
    size_t count = seam_broker_count(broker);
    struct buf text = BUF_INIT(REPORT_MAX);

    if (!nearest)
        return count > 0 ? "nothing else was published" : "nothing was published";
    if (count == 1)
        buf_printf(&text, "one message was published: %s\n",
                   broker_say_published(nearest, arena));
    else
        buf_printf(&text, "the nearest of %zu messages: %s\n", count,
                   broker_say_published(nearest, arena));
    if (nearest->by)
        buf_printf(&text, "it counts for the expectation at %s\n",
                   say_site(nearest->by->said.site, arena));
    else if (nearest->waited)
        buf_add_text(&text, "an earlier seam_broker_eventually has returned it\n");
    message_match_beside(match, nearest->message, arena, &text);
    return finish(&text, arena);
}

/* ---- messages that nobody expected ------------------------------------------------------- */

static void add_message(struct buf *to, const struct published *published, struct arena *arena)
{
    const seam_message *message = published->message;
    struct buf body = BUF_INIT(4 * LOOKED_AT);

    mask_text(&body, message->body, message->size < LOOKED_AT ? message->size : LOOKED_AT);
    buf_printf(to, "    %s: ", broker_say_published(published, arena));
    quote_add_head(to, buf_text(&body), body.size, BODY_COLUMNS, 0);
    buf_add_char(to, '\n');
    buf_fini(&body);
}

static const struct expectation *find_expectation(const seam_broker *broker,
                                                  const seam_message *message)
{
    const struct expectation *best = NULL;
    size_t most = 0;

    for (const struct expectation *at = broker->expectations; at; at = at->next) {
        struct arena scratch = { 0 };
        size_t weight = at->said.never
                            ? 0
                            : 2 * message_match_weight(at->match, message, &scratch) +
                                  (at->taken < at->times) + 1;

        arena_fini(&scratch);
        if (weight <= most)
            continue;
        best = at;
        most = weight;
    }
    return best;
}

static void add_expectation(struct buf *to, const seam_broker *broker,
                            const struct published *published, struct arena *arena)
{
    const struct expectation *nearest = find_expectation(broker, published->message);
    const char *which;

    if (!nearest)
        return;
    which = published->number == 1 ? "first"
                                   : arena_printf(arena, "%zu%s", published->number,
                                                  end_of_number(published->number));
    buf_printf(to, "the expectation nearest to the %s is at %s%s\n", which,
               say_site(nearest->said.site, arena),
               nearest->taken >= nearest->times ? ", which has got all" : "");
    message_match_beside(nearest->match, published->message, arena, to);
}

const char *broker_say_unexpected(seam_broker *broker, broker_published_is *is,
                                  struct arena *arena)
{
    struct buf lines = BUF_INIT(REPORT_MAX), text = BUF_INIT(REPORT_MAX);
    const struct published *first = NULL;
    struct published *at;
    size_t count = 0;

    for (size_t i = 0; (at = broker_published(broker, i)); i++) {
        if (!is(at))
            continue;
        at->reported = true;
        first = first ? first : at;
        if (count++ < SHOWN_MAX)
            add_message(&lines, at, arena);
    }
    if (count > 0)
        buf_printf(&text, "%zu message%s not expected:\n%s", count,
                   count == 1 ? " was" : "s were", buf_text(&lines));
    if (count > SHOWN_MAX)
        buf_printf(&text, "    ... and %zu more\n", count - SHOWN_MAX);
    buf_fini(&lines);
    if (count == 0)
        return NULL;
    add_expectation(&text, broker, first, arena);
    return finish(&text, arena);
}
