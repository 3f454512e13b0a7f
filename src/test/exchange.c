/* test/exchange.c - tell the runner what crossed a seam, fit to be shown. */

#include <string.h>

#include "base/deadline.h"
#include "test/mask.h"
#include "test/quote.h"
#include "test/state.h"

/* What is looked at of a text, in bytes, and kept, in columns; with "..." behind it a body has 120. A record
 * stays below PIPE_BUF, for processes that the test forked. */
enum { LOOKED_AT = 512, WHAT_COLUMNS = 300, WORDS_COLUMNS = 100, BODY_COLUMNS = 117 };

/* The event's text: no column takes more than four bytes. */
struct words {
    char *end;
    char data[4 * (WHAT_COLUMNS + 2 * WORDS_COLUMNS + BODY_COLUMNS) + 4 * sizeof "..."];
};

static void add(struct words *to, const char *data, size_t size)
{
    memcpy(to->end, data, size);
    to->end += size;
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* How many of the first bytes need no escape and take a column each. A backslash stays single: JSON is full of
 * them. */
static size_t plain_size(const char *text, size_t size)
{
    size_t count = 0;

    while (count < size && is_printable(text[count]))
        count++;
    return count;
}

/* As quote_add_head, but at the price of a copy where nothing needs an escape: every test with a double pays
 * for this. */
static void add_shown(struct words *to, const char *text, size_t size, size_t columns,
                      bool more)
{
    for (size_t at = 0; at < size;) {
        size_t plain = plain_size(text + at, size - at < columns ? size - at : columns);
        struct quote_unit unit;

        add(to, text + at, plain);
        at += plain;
        columns -= plain;
        if (at == size)
            break;
        unit = quote_unit(text + at, size - at, 0);
        more |= unit.columns > columns;
        if (unit.columns > columns)
            break;
        add(to, unit.form, strlen(unit.form));
        at += unit.size;
        columns -= unit.columns;
    }
    if (more)
        add(to, "...", 3);
}

enum { HARM = 1, EQUALS = 2, BEGINS_NAME = 4 };

/* What is among the bytes: one that needs an escape or may belong to a URL or to JSON; a '='; what the name of a
 * parameter follows. Without a branch for each byte: compilers do many of them at once. */
static unsigned look_at(const char *text, size_t size)
{
    unsigned char found = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        found |=
            (unsigned char)(((unsigned char)(c - ' ') > '~' - ' ' || c == '"' || c == '@') |
                            (c == '=') << 1 |
                            (c == '?' || c == '&' || c == '#' || c == ';') << 2);
    }
    return found;
}

/* Whether the text is shown as it is: no byte needs an escape, and none can belong to what is masked
 * (test/mask.h). The parameter of a form may begin the text. */
static bool is_harmless(const char *text, size_t size)
{
    unsigned found = look_at(text, size);
    const char *equals = found == EQUALS ? memchr(text, '=', size) : NULL;

    if (!equals)
        return !(found & HARM) && !(found & EQUALS);
    return memchr(text, ' ', (size_t)(equals - text)) ||
           !mask_is_secret(text, (size_t)(equals - text));
}

static void add_line(struct words *to, struct text text, size_t columns)
{
    bool more = text.size > LOOKED_AT;
    struct buf masked = BUF_INIT(4 * LOOKED_AT);

    if (to->end > to->data)
        add(to, "\n", 1);
    if (text.size <= columns && is_harmless(text.data, text.size)) {
        if (text.size > 0)
            add(to, text.data, text.size);
        return;
    }
    mask_text(&masked, text.data, more ? LOOKED_AT : text.size);
    add_shown(to, buf_text(&masked), masked.size, columns, more);
    buf_fini(&masked);
}

/* The method and what it was asked of, as far as they are looked at. */
static void add_what(struct words *to, const struct t_exchange *exchange)
{
    char joined[LOOKED_AT + 1];
    size_t method = exchange->method ? strnlen(exchange->method, LOOKED_AT - 1) : 0;
    size_t what = strnlen(exchange->what, sizeof joined);
    size_t room = sizeof joined;

    if (method > 0) {
        memcpy(joined, exchange->method, method);
        joined[method++] = ' ';
        room -= method;
    }
    if (what > room)
        what = room;
    memcpy(joined + method, exchange->what, what);
    add_line(to, (struct text){ joined, method + what }, WHAT_COLUMNS);
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
    const seam_t *of = exchange->served ? t : caller(t);
    struct words words;
    struct event event = {
        .kind = EVENT_EXCHANGE,
        .flags = exchange->served ? EVENT_SERVED : 0,
        .node = of->node,
        .number = offset_us(of, exchange),
        .elapsed_ns = exchange->elapsed_ns,
        .time_ns = exchange->begin_ns ? exchange->begin_ns + exchange->elapsed_ns : 0,
        .file = text_of(exchange->seam),
    };

    words.end = words.data;
    add_what(&words, exchange);
    add_line(&words, text_of(exchange->answer), WORDS_COLUMNS);
    add_line(&words, text_of(exchange->note), WORDS_COLUMNS);
    add_line(&words, (struct text){ exchange->body, exchange->body_size }, BODY_COLUMNS);
    event.text = (struct text){ words.data, (size_t)(words.end - words.data) };
    emit_aside(&event);
}
