/* test/beside.c - two sides written as a table; see beside.h. */

#include "test/beside.h"

#include <stdint.h>
#include <string.h>

#include "test/quote.h"

enum {
    LEFT_MIN = 36, /* columns: tables of short rows look alike */
    RIGHT_MIN = 36,
    SECRET_SHOWN = 4 /* characters of a secret that differs */
};

void beside_add(struct beside *table, const char *kind, const char *left, const char *right,
                enum beside_mark mark)
{
    const struct beside_row row = { kind, left, right, mark };

    buf_add(&table->rows, &row, sizeof row);
}

/* ---- cells ------------------------------------------------------------------------------- */

/* Its backslashes are already those of escapes and take one column each. */
size_t beside_columns(const char *text)
{
    size_t columns = quote_columns(text, strlen(text), 0);

    for (; *text; text++)
        columns -= *text == '\\';
    return columns;
}

const char *beside_value(struct arena *arena, const char *prefix, const char *value,
                         size_t size, const char *other, size_t other_size, char delimiter)
{
    size_t before = beside_columns(prefix);
    size_t columns = before < BESIDE_COLUMNS / 2 ? BESIDE_COLUMNS - before : BESIDE_COLUMNS / 2;
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

const char *beside_secret(struct arena *arena, const char *value, size_t size, bool differs)
{
    size_t shown = size / 3 < SECRET_SHOWN ? size / 3 : SECRET_SHOWN; /* never most of it */
    const char *head = arena_copy(arena, value, quote_unit_begin(value, size, shown));

    if (!differs)
        return "***";
    return arena_printf(arena, "%s... (%zu characters)",
                        beside_value(arena, "", head, strlen(head), NULL, 0, 0), size);
}

/* ---- the table --------------------------------------------------------------------------- */

static size_t count_rows(const struct beside *table)
{
    return table->rows.size / sizeof(struct beside_row);
}

static const struct beside_row *row_at(const struct beside *table, size_t i)
{
    return (const struct beside_row *)(const void *)table->rows.data + i;
}

static size_t wider(size_t columns, size_t other)
{
    return columns > other ? columns : other;
}

static void pad(struct buf *to, const char *text, size_t columns)
{
    size_t own = beside_columns(text);

    buf_add_text(to, text);
    buf_printf(to, "%*s", own < columns ? (int)(columns - own) : 0, "");
}

static void write_row(struct buf *to, const struct beside_row *row, size_t kind, size_t left,
                      size_t right)
{
    static const char *const marks[] = { "ok", "<<<", "" };
    const size_t begin = to->size;

    pad(to, row->kind, kind);
    pad(to, row->left, left - kind);
    buf_add_text(to, "| ");
    if (row->mark == BESIDE_UNKNOWN)
        buf_add_text(to, row->right);
    else
        pad(to, row->right, right);
    buf_add_text(to, marks[row->mark]);
    while (to->size > begin && to->data[to->size - 1] == ' ')
        to->data[--to->size] = '\0';
    buf_add_char(to, '\n');
}

void beside_write(const struct beside *table, struct buf *to)
{
    const struct beside_row title = { "", table->left, table->right, BESIDE_UNKNOWN };
    size_t kind = 0, left = 0, right = RIGHT_MIN;

    for (size_t i = 0; i < count_rows(table); i++) {
        const struct beside_row *row = row_at(table, i);

        kind = wider(kind, strlen(row->kind) + 2);
        left = wider(left, beside_columns(row->left));
        right = wider(right, beside_columns(row->right) + 2);
    }
    left = wider(LEFT_MIN, kind + left + 1);
    write_row(to, &title, 0, left, right);
    for (size_t i = 0; i < count_rows(table); i++)
        write_row(to, row_at(table, i), kind, left, right);
}
