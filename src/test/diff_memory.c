/* test/diff_memory.c - two blocks of memory as rows of bytes; see diff.h. */

#include "test/diff.h"

#include <string.h>

enum {
    ROW = 16, /* bytes */
    ROWS_MAX = 6 /* of each side */
};

struct block {
    const unsigned char *data;
    size_t size;
};

static bool has(struct block block, size_t at)
{
    return at < block.size;
}

static bool differs(struct block a, struct block b, size_t at)
{
    return has(a, at) != has(b, at) || (has(a, at) && a.data[at] != b.data[at]);
}

static bool row_differs(struct block a, struct block b, size_t row)
{
    for (size_t at = row; at < row + ROW; at++)
        if (differs(a, b, at))
            return true;
    return false;
}

static size_t first_difference(struct block a, struct block b)
{
    size_t least = a.size < b.size ? a.size : b.size;
    size_t at = 0;

    while (at < least && a.data[at] == b.data[at])
        at++;
    return at;
}

/* Add three columns for a byte: two for its digits or marks, one or two for the gap behind. */
static void add_cell(struct buf *out, size_t column, const char *two)
{
    buf_printf(out, "%s%s", two, column == ROW / 2 - 1 ? "  " : " ");
}

static void add_row(struct buf *out, const char *label, struct block block, size_t row)
{
    buf_printf(out, "%-5s %08zx  ", label, row);
    for (size_t i = 0; i < ROW; i++) {
        char digits[3] = "  ";

        if (has(block, row + i)) {
            digits[0] = "0123456789abcdef"[block.data[row + i] >> 4];
            digits[1] = "0123456789abcdef"[block.data[row + i] & 15];
        }
        add_cell(out, i, digits);
    }
    buf_add_char(out, '|');
    for (size_t i = 0; i < ROW && has(block, row + i); i++) {
        unsigned char byte = block.data[row + i];

        buf_add_char(out, byte >= ' ' && byte <= '~' ? (char)byte : '.');
    }
    buf_add_text(out, "|\n");
}

/* A line with a mark below each byte that differs, without blanks at its end. */
static void add_marks(struct buf *out, struct block got, struct block want, size_t row)
{
    buf_printf(out, "%-5s %8s  ", "", "");
    for (size_t i = 0; i < ROW; i++)
        add_cell(out, i, differs(got, want, row + i) ? "^^" : "  ");
    buf_add_char(out, ' ');
    for (size_t i = 0; i < ROW; i++)
        buf_add_char(out, differs(got, want, row + i) ? '^' : ' ');
    while (out->data && out->size > 0 && out->data[out->size - 1] == ' ')
        out->data[--out->size] = '\0';
    buf_add_char(out, '\n');
}

static void add_rows(struct buf *out, struct block got, struct block want, size_t row)
{
    if (!row_differs(got, want, row)) {
        add_row(out, "both", got, row);
        return;
    }
    if (has(got, row))
        add_row(out, "got", got, row);
    if (has(want, row))
        add_row(out, "want", want, row);
    add_marks(out, got, want, row);
}

static void add_size(struct buf *out, const char *label, const void *data, size_t size)
{
    if (data || size == 0)
        buf_printf(out, "%s %zu bytes", label, size);
    else
        buf_printf(out, "%s NULL for %zu bytes", label, size);
}

void diff_memory(struct buf *out, const void *got, size_t got_size, const void *want,
                 size_t want_size)
{
    struct block in_got = { got, got ? got_size : 0 };
    struct block in_want = { want, want ? want_size : 0 };
    size_t most = in_got.size > in_want.size ? in_got.size : in_want.size;
    size_t at = first_difference(in_got, in_want);
    size_t row = at - at % ROW;

    add_size(out, "got", got, got_size);
    add_size(out, ", want", want, want_size);
    if (at == most) {
        buf_add_char(out, '\n');
        return;
    }
    buf_printf(out, "; the first difference is at byte %zu\n", at);
    if (row >= ROW)
        row -= ROW; /* one row before it, to see where that is */
    for (int i = 0; i < ROWS_MAX && row < most; i++, row += ROW)
        add_rows(out, in_got, in_want, row);
    if (row < most)
        buf_printf(out, "... %zu more bytes\n", most - row);
}
