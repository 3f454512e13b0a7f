/* test/diff_text.c - two texts of one line: both, and a caret at the first difference; see
 * diff.h. */

#include "test/diff.h"

#include <string.h>

#include "test/diff_lines.h"
#include "test/quote.h"

enum { COLUMNS = 72 }; /* of a text, beside its label and quotes */

static void add_side(struct buf *out, const char *label, const char *text, size_t size,
                     struct quote_window window)
{
    buf_printf(out, "%-6s", label);
    if (text)
        quote_add(out, text, size, window, '"');
    else
        buf_add_text(out, "NULL");
    buf_add_char(out, '\n');
}

/* Dots from the opening quote to the difference, which is in column `columns` behind it. */
static void add_caret(struct buf *out, bool is_cut, size_t columns)
{
    buf_printf(out, "%*s", (int)strlen(is_cut ? "want: ..." : "want: "), "");
    for (size_t i = 0; i <= columns; i++)
        buf_add_char(out, '.');
    buf_add_char(out, '^');
}

/* Up to the difference both are the same, so windows with one begin put it at one place. */
static void diff_one_line(struct buf *out, const char *got, size_t got_size, const char *want,
                          size_t want_size)
{
    size_t at = quote_difference(got, got_size, want, want_size);
    struct quote_window in_got = quote_window(got, got_size, at, COLUMNS, '"');
    struct quote_window in_want = quote_window(want, want_size, at, COLUMNS, '"');

    if (in_got.begin < in_want.begin)
        in_got = quote_window_from(got, got_size, in_want.begin, COLUMNS, '"');
    if (in_want.begin < in_got.begin)
        in_want = quote_window_from(want, want_size, in_got.begin, COLUMNS, '"');
    add_side(out, "got:", got, got_size, in_got);
    add_side(out, "want:", want, want_size, in_want);
    if (at == got_size && at == want_size)
        return;
    add_caret(out, in_want.begin > 0,
              quote_columns(want + in_want.begin, at - in_want.begin, '"'));
    if (in_want.begin > 0 || in_want.end < want_size || in_got.end < got_size)
        buf_printf(out, " byte %zu; got %zu bytes, want %zu", at, got_size, want_size);
    buf_add_char(out, '\n');
}

/* Whether a line ends before the text does. */
static bool has_lines(const char *text, size_t size)
{
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;

    return end && end + 1 < text + size;
}

void diff_text_sized(struct buf *out, const char *got, size_t got_size, const char *want,
                     size_t want_size)
{
    if (!got || !want) {
        add_side(out, "got:", got, got_size, quote_window(got, got_size, 0, COLUMNS, '"'));
        add_side(out, "want:", want, want_size, quote_window(want, want_size, 0, COLUMNS, '"'));
    } else if (has_lines(got, got_size) || has_lines(want, want_size)) {
        diff_lines(out, got, got_size, want, want_size);
    } else {
        diff_one_line(out, got, got_size, want, want_size);
    }
}

void diff_text(struct buf *out, const char *got, const char *want)
{
    diff_text_sized(out, got, got ? strlen(got) : 0, want, want ? strlen(want) : 0);
}
