/*
 * test/diff_lines.c - two texts of several lines; see diff_lines.h.
 *
 * What both texts begin with is passed over, but for a few lines; of the rest at most LINES_MAX
 * lines a side are compared, so that time and memory have a limit for texts of any size. Where
 * more than EDITS_MAX lines differ, all lines between the equal ends count as different.
 */

#include "test/diff_lines.h"

#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "test/diff.h"
#include "test/myers.h"
#include "test/quote.h"

enum {
    LINES_MAX = 20000,
    EDITS_MAX = 800,
    CONTEXT = 3, /* equal lines shown before and after a difference */
    RUN_MAX = 12, /* lines of one side shown in a row */
    COLUMNS = 92, /* of a line */
    BUDGET = DIFF_MAX - 1024 /* bytes; a line and the last words fit into what is left */
};

struct line {
    const char *text;
    size_t size; /* with its '\n', which the last line may lack */
    uint64_t hash; /* tells most lines apart without reading them again */
    bool differs; /* from its side's lines that have a partner */
};

struct side {
    char mark;
    struct line *lines;
    int count; /* of `lines` */
    size_t first; /* number of lines[0] in the whole text, from 0 */
    size_t total; /* lines of the whole text */
    const char *rest; /* behind `lines` */
};

struct view {
    struct buf *out;
    size_t limit; /* of out->size */
    struct side want;
    struct side got;
    bool full;
};

static size_t count_lines(const char *text, size_t size)
{
    const char *end = text + size;
    size_t count = 0;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        text = newline ? newline + 1 : end;
        count++;
    }
    return count;
}

/* Where to begin: CONTEXT lines before the one in which the texts first differ. */
static size_t begin_of(const char *got, size_t got_size, const char *want, size_t want_size)
{
    size_t at = quote_difference(got, got_size, want, want_size);

    for (int lines = 0; at > 0; at--)
        if (got[at - 1] == '\n' && lines++ == CONTEXT)
            break;
    return at;
}

static struct side side_of(struct arena *arena, char mark, const char *text, size_t size,
                           size_t begin)
{
    size_t left = count_lines(text + begin, size - begin);
    struct side side = { .mark = mark,
                         .first = count_lines(text, begin),
                         .count = left < LINES_MAX ? (int)left : LINES_MAX,
                         .rest = text + begin };

    side.total = side.first + left;
    side.lines = arena_zero(arena, (size_t)side.count * sizeof *side.lines);
    for (int i = 0; i < side.count; i++) {
        size_t rest = size - (size_t)(side.rest - text);
        const char *newline = memchr(side.rest, '\n', rest);
        size_t length = newline ? (size_t)(newline + 1 - side.rest) : rest;

        side.lines[i] = (struct line){ side.rest, length,
                                       hash_bytes(HASH_BEGIN, side.rest, length), false };
        side.rest += length;
    }
    return side;
}

static bool is_whole(const struct side *side)
{
    return side->first + (size_t)side->count == side->total;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a->hash == b->hash && a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

/* The part of both sides between equal beginnings and equal ends. */
struct middle {
    const struct view *view;
    int begin;
    int want_count;
    int got_count;
};

static bool same_in_middle(const void *context, int in_want, int in_got)
{
    const struct middle *middle = context;

    return same_line(&middle->view->want.lines[middle->begin + in_want],
                     &middle->view->got.lines[middle->begin + in_got]);
}

static struct middle middle_of(const struct view *view)
{
    int want = view->want.count;
    int got = view->got.count;
    int begin = 0;

    while (begin < want && begin < got &&
           same_line(&view->want.lines[begin], &view->got.lines[begin]))
        begin++;
    while (want > begin && got > begin && is_whole(&view->want) && is_whole(&view->got) &&
           same_line(&view->want.lines[want - 1], &view->got.lines[got - 1])) {
        want--;
        got--;
    }
    return (struct middle){ view, begin, want - begin, got - begin };
}

/* Find the lines that differ. Returns whether the rest are partners, one by one; else all that
 * lie between equal ends were marked. */
static bool mark_lines(struct view *view, struct arena *arena)
{
    struct middle middle = middle_of(view);
    struct myers input = { middle.want_count, middle.got_count, same_in_middle, &middle };
    bool *removed = arena_zero(arena, (size_t)middle.want_count + 1);
    bool *added = arena_zero(arena, (size_t)middle.got_count + 1);
    bool is_aligned = myers_mark(&input, EDITS_MAX, arena, removed, added) == 0;

    for (int i = 0; i < middle.want_count; i++)
        view->want.lines[middle.begin + i].differs = !is_aligned || removed[i];
    for (int i = 0; i < middle.got_count; i++)
        view->got.lines[middle.begin + i].differs = !is_aligned || added[i];
    return is_aligned;
}

/* Of a long line show the part in which it differs from its partner. */
static void add_shortened(struct buf *out, const char *text, size_t size,
                          const struct line *partner)
{
    size_t at = partner ? quote_difference(text, size, partner->text, partner->size) : 0;
    struct quote_window window = quote_window(text, size, at, COLUMNS, 0);
    bool hides_space = window.end == size && size > 0 && text[size - 1] == ' ';

    if (hides_space)
        window.end = --size;
    quote_add(out, text, size, window, 0);
    if (hides_space)
        buf_add_text(out, "\\x20");
}

static void add_line(struct view *view, char mark, const struct line *line,
                     const struct line *partner)
{
    bool is_ended = line->text[line->size - 1] == '\n';

    if (view->out->size > view->limit) {
        view->full = true;
        return;
    }
    buf_printf(view->out, "%c ", mark);
    add_shortened(view->out, line->text, is_ended ? line->size - 1 : line->size, partner);
    buf_add_text(view->out, is_ended ? "\n" : "\n\\ no newline at the end\n");
}

/* The lines from `at` on that differ, of one side; returns how many they are. */
static int run_of(const struct side *side, int at)
{
    int count = 0;

    while (at + count < side->count && side->lines[at + count].differs)
        count++;
    return count;
}

static void add_run(struct view *view, const struct side *side, int at, int count,
                    const struct side *other, int other_at, int other_count)
{
    int shown = count > RUN_MAX ? RUN_MAX - 1 : count;

    for (int i = 0; i < shown && !view->full; i++)
        add_line(view, side->mark, &side->lines[at + i],
                 i < other_count ? &other->lines[other_at + i] : NULL);
    if (shown < count && !view->full)
        buf_printf(view->out, "%c ... %d more lines\n", side->mark, count - shown);
}

static void add_header(struct view *view, int in_want, int in_got)
{
    if (!view->full)
        buf_printf(view->out, "@@ want from line %zu, got from line %zu @@\n",
                   view->want.first + (size_t)in_want + 1,
                   view->got.first + (size_t)in_got + 1);
}

static void add_equal(struct view *view, int in_want, int count)
{
    for (int i = 0; i < count && !view->full; i++)
        add_line(view, ' ', &view->want.lines[in_want + i], NULL);
}

/* Of equal lines show the first ones after a difference and the last ones before the next. */
static void add_context(struct view *view, int in_want, int in_got, int count, bool is_last)
{
    bool is_first = in_want + in_got == 0;
    int after = is_first ? 0 : count < CONTEXT ? count : CONTEXT;
    int left = count - after;
    int before = is_last ? 0 : left < CONTEXT ? left : CONTEXT;

    add_equal(view, in_want, after);
    if (!is_last && (is_first || left > before))
        add_header(view, in_want + count - before, in_got + count - before);
    add_equal(view, in_want + count - before, before);
}

static int equal_from(const struct view *view, int in_want, int in_got)
{
    int count = 0;

    while (in_want + count < view->want.count && in_got + count < view->got.count &&
           !view->want.lines[in_want + count].differs &&
           !view->got.lines[in_got + count].differs)
        count++;
    return count;
}

/* Walk both sides: an equal stretch, what want has next, what got has instead, and again. */
static void add_differences(struct view *view)
{
    int w = 0;
    int g = 0;

    do {
        int equal = equal_from(view, w, g);
        bool is_last = w + equal == view->want.count && g + equal == view->got.count;
        int removed = run_of(&view->want, w + equal);
        int added = run_of(&view->got, g + equal);

        add_context(view, w, g, equal, is_last);
        w += equal;
        g += equal;
        add_run(view, &view->want, w, removed, &view->got, g, added);
        add_run(view, &view->got, g, added, &view->want, w, removed);
        w += removed;
        g += added;
    } while (!view->full && (w < view->want.count || g < view->got.count));
}

void diff_lines(struct buf *out, const char *got, size_t got_size, const char *want,
                size_t want_size)
{
    size_t begin = begin_of(got, got_size, want, want_size);
    struct arena arena = { 0 };
    struct view view = { .out = out,
                         .limit = out->size + BUDGET,
                         .want = side_of(&arena, '-', want, want_size, begin),
                         .got = side_of(&arena, '+', got, got_size, begin) };

    buf_printf(out, "- want (%zu lines), + got (%zu lines), escapes as in C\n", view.want.total,
               view.got.total);
    if (!mark_lines(&view, &arena))
        buf_add_text(out, "too many lines differ to tell which belong together\n");
    add_differences(&view);
    if (view.full)
        buf_add_text(out, "... and more differences\n");
    else if (!is_whole(&view.want) || !is_whole(&view.got))
        buf_printf(out, "... %d lines were compared, not the rest\n", LINES_MAX);
    arena_fini(&arena);
}
