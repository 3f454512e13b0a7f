/* http/nearest_table.c - rows of a rule beside a request, written as a table; see nearest.h. */

#include "http/nearest.h"

#include <stdint.h>
#include <string.h>

#include "test/quote.h"

enum {
    LEFT_MIN = 36, /* columns: tables of short rows look alike */
    RIGHT_MIN = 36,
    SECRET_SHOWN = 4 /* characters of a secret that differs, ... */
};

void nearest_add(struct nearest_table *table, const char *kind, const char *rule,
                 const char *request, enum nearest_mark mark)
{
    const struct nearest_row row = { kind, rule, request, mark };

    buf_add(&table->rows, &row, sizeof row);
}

/* ---- cells ------------------------------------------------------------------------------- */

/* Its backslashes are already those of escapes and take one column each. */
size_t nearest_columns(const char *text)
{
    size_t columns = quote_columns(text, strlen(text), 0);

    for (; *text; text++)
        columns -= *text == '\\';
    return columns;
}

const char *nearest_value(struct arena *arena, const char *prefix, const char *value,
                          size_t size, const char *other, size_t other_size, char delimiter)
{
    size_t before = nearest_columns(prefix);
    size_t columns =
        before < NEAREST_COLUMNS / 2 ? NEAREST_COLUMNS - before : NEAREST_COLUMNS / 2;
    size_t focus = other ? quote_difference(value, size, other, other_size) : 0;
    struct buf cell = BUF_INIT(1 << 16);
    const char *copy;

    buf_add_text(&cell, prefix);
    quote_add(&cell, value, size, quote_window(value, size, focus, columns, delimiter),
              delimiter);
    copy = arena_dup(arena, buf_text(&cell));
    buf_fini(&cell);
    return copy;
}

const char *nearest_secret(struct arena *arena, const char *value, size_t size, bool differs)
{
    size_t shown = size / 3 < SECRET_SHOWN ? size / 3 : SECRET_SHOWN; /* never most of it */
    const char *head = arena_copy(arena, value, quote_unit_begin(value, size, shown));

    if (!differs)
        return "***";
    return arena_printf(arena, "%s... (%zu characters)",
                        nearest_value(arena, "", head, strlen(head), NULL, 0, 0), size);
}

/* ---- the table --------------------------------------------------------------------------- */

static size_t count_rows(const struct nearest_table *table)
{
    return table->rows.size / sizeof(struct nearest_row);
}

static const struct nearest_row *row_at(const struct nearest_table *table, size_t i)
{
    return (const struct nearest_row *)(const void *)table->rows.data + i;
}

static size_t wider(size_t columns, size_t other)
{
    return columns > other ? columns : other;
}

static void pad(struct buf *to, const char *text, size_t columns)
{
    size_t own = nearest_columns(text);

    buf_add_text(to, text);
    buf_printf(to, "%*s", own < columns ? (int)(columns - own) : 0, "");
}

static void write_row(struct buf *to, const struct nearest_row *row, size_t kind, size_t left,
                      size_t right)
{
    static const char *const marks[] = { "ok", "<<<", "" };
    const size_t begin = to->size;

    pad(to, row->kind, kind);
    pad(to, row->rule, left - kind);
    buf_add_text(to, "| ");
    if (row->mark == NEAREST_UNKNOWN)
        buf_add_text(to, row->request);
    else
        pad(to, row->request, right);
    buf_add_text(to, marks[row->mark]);
    while (to->size > begin && to->data[to->size - 1] == ' ')
        to->data[--to->size] = '\0';
    buf_add_char(to, '\n');
}

void nearest_write(const struct nearest_table *table, struct buf *to)
{
    static const struct nearest_row title = { "", "rule", "request", NEAREST_UNKNOWN };
    size_t kind = 0, left = 0, right = RIGHT_MIN;

    for (size_t i = 0; i < count_rows(table); i++) {
        const struct nearest_row *row = row_at(table, i);

        kind = wider(kind, strlen(row->kind) + 2);
        left = wider(left, nearest_columns(row->rule));
        right = wider(right, nearest_columns(row->request) + 2);
    }
    left = wider(LEFT_MIN, kind + left + 1);
    write_row(to, &title, 0, left, right);
    for (size_t i = 0; i < count_rows(table); i++)
        write_row(to, row_at(table, i), kind, left, right);
}
