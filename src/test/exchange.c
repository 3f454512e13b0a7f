/* test/exchange.c - tell the runner what crossed a seam, fit to be shown. */

#include <string.h>

#include "base/deadline.h"
#include "test/mask.h"
#include "test/quote.h"
#include "test/state.h"

/* What is looked at of a text, in bytes, and kept, in columns; with "..." behind it a body has 120. A record
 * stays below PIPE_BUF, for processes that the test forked. */
enum { LOOKED_AT = 512, WHAT_COLUMNS = 300, WORDS_COLUMNS = 100, BODY_COLUMNS = 117 };

/* How many of the first bytes need no escape and take a column each. A backslash stays single: JSON is full of
 * them. */
static size_t plain_size(const char *text, size_t size)
{
    size_t count = 0;

    while (count < size && text[count] >= ' ' && text[count] <= '~')
        count++;
    return count;
}

/* As quote_add_head, but at the price of a copy where nothing needs an escape: every test with a double pays
 * for this. */
static void add_shown(struct buf *to, const char *text, size_t size, size_t columns, bool more)
{
    for (size_t at = 0; at < size;) {
        size_t plain = plain_size(text + at, size - at < columns ? size - at : columns);
        struct quote_unit unit;

        buf_add(to, text + at, plain);
        at += plain;
        columns -= plain;
        if (at == size)
            break;
        unit = quote_unit(text + at, size - at, 0);
        more |= unit.columns > columns;
        if (unit.columns > columns)
            break;
        buf_add_text(to, unit.form);
        at += unit.size;
        columns -= unit.columns;
    }
    if (more)
        buf_add_text(to, "...");
}

/* A line of the event's text. `scratch` is empty before and after. */
static void add_line(struct buf *to, struct buf *scratch, struct text text, size_t columns)
{
    bool more = text.size > LOOKED_AT;

    if (to->size > 0)
        buf_add_char(to, '\n');
    mask_text(scratch, text.data, more ? LOOKED_AT : text.size);
    add_shown(to, buf_text(scratch), scratch->size, columns, more);
    buf_clear(scratch);
}

/* Microseconds from the beginning of `t` to the request. */
static int32_t offset_us(const seam_t *t, const struct t_exchange *exchange)
{
    uint64_t begin_ns =
        exchange->begin_ns ? exchange->begin_ns : now_ns() - exchange->elapsed_ns;
    uint64_t zero_ns = t->begin_ns + t->paused_ns;
    uint64_t offset = begin_ns > zero_ns ? (begin_ns - zero_ns) / 1000 : 0;

    return offset < INT32_MAX ? (int32_t)offset : INT32_MAX;
}

/* A double belongs to one test, and its subtests are the ones who call it. */
static const seam_t *caller(const seam_t *owner)
{
    const seam_t *t = current_test;

    while (t && t != owner)
        t = t->parent;
    return t ? current_test : owner;
}

void t_tally(seam_t *t, enum tally tally, int number, const char *words)
{
    struct event event = { .kind = EVENT_TALLY,
                           .status = (uint8_t)tally,
                           .node = t->node,
                           .number = number,
                           .text = text_of(words) };

    if (number > 0)
        emit_aside(&event);
}

void t_exchange(seam_t *t, const struct t_exchange *exchange)
{
    enum { TEXT_MAX = 4 * LOOKED_AT };
    struct buf words = BUF_INIT(TEXT_MAX), scratch = BUF_INIT(TEXT_MAX);
    const seam_t *of = caller(t);
    struct event event = {
        .kind = EVENT_EXCHANGE,
        .node = of->node,
        .number = offset_us(of, exchange),
        .elapsed_ns = exchange->elapsed_ns,
        .file = text_of(exchange->seam),
    };

    buf_reserve(&words, 512);
    buf_reserve(&scratch, 512);
    add_line(&words, &scratch, text_of(exchange->what), WHAT_COLUMNS);
    add_line(&words, &scratch, text_of(exchange->answer), WORDS_COLUMNS);
    add_line(&words, &scratch, text_of(exchange->note), WORDS_COLUMNS);
    add_line(&words, &scratch, (struct text){ exchange->body, exchange->body_size },
             BODY_COLUMNS);
    event.text = (struct text){ buf_text(&words), words.size };
    emit_aside(&event);
    buf_fini(&words);
    buf_fini(&scratch);
}
