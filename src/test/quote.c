/* test/quote.c - text as C would write it; see quote.h. */

#include "test/quote.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

/* Code points that a reader cannot see, or cannot tell from another. */
static const struct range unseen[] = {
    { 0x80, 0xa0 },     { 0xad, 0xad },     { 0x300, 0x36f },     { 0x61c, 0x61c },
    { 0x115f, 0x1160 }, { 0x1680, 0x1680 }, { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
    { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },   { 0x3000, 0x3000 },
    { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
    { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
};

/* Code points that take two columns. */
static const struct range wide[] = {
    { 0x1100, 0x115e },   { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
    { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
    { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

#define IS_IN(code, ranges) is_in((code), (ranges), sizeof(ranges) / sizeof((ranges)[0]))
static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* The bytes that a code point has that begins with `lead`, 0 when none does. */
static size_t claimed_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xc0 || lead >= 0xf8)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The bytes that the code point at `text` has, 0 when there is none: strict, so neither
 * overlong forms nor surrogates nor what lies above U+10FFFF. */
static size_t decode(const unsigned char *text, size_t size, uint32_t *ret_code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = claimed_length(text[0]);
    uint32_t code = length == 1 ? text[0] : text[0] & (0x7fu >> length);

    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return length;
}

/* The letter behind the backslash, 0 when there is none. */
static char escape_letter(char c, char delimiter)
{
    static const char from[] = "\a\b\t\n\v\f\r\\";
    static const char to[] = "abtnvfr\\";
    const char *found = c ? strchr(from, c) : NULL;

    if (c && c == delimiter)
        return c;
    return found ? to[found - from] : '\0';
}

struct quote_unit quote_unit(const char *text, size_t size, char delimiter)
{
    struct quote_unit unit = { .size = 1, .columns = 1 };
    uint32_t code = (unsigned char)text[0];
    size_t length = decode((const unsigned char *)text, size, &code);
    char letter = length == 1 ? escape_letter(text[0], delimiter) : '\0';

    if (length > 0)
        unit.size = length;
    if (letter)
        unit.columns = (unsigned)snprintf(unit.form, sizeof unit.form, "\\%c", letter);
    else if (length == 0 || code < 0x20 || code == 0x7f)
        unit.columns = (unsigned)snprintf(unit.form, sizeof unit.form, "\\x%02x", code & 0xff);
    else if (IS_IN(code, unseen))
        unit.columns = (unsigned)snprintf(unit.form, sizeof unit.form,
                                          code > 0xffff ? "\\U%08x" : "\\u%04x", code);
    else {
        memcpy(unit.form, text, length);
        unit.columns = IS_IN(code, wide) ? 2 : 1;
    }
    return unit;
}

size_t quote_unit_begin(const char *text, size_t size, size_t at)
{
    for (size_t back = 1; back <= 3 && back <= at && at < size; back++)
        if (quote_unit(text + at - back, size - (at - back), 0).size > back)
            return at - back;
    return at;
}

size_t quote_difference(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t least = a_size < b_size ? a_size : b_size;
    size_t at = 0;
    size_t in_a;
    size_t in_b;

    while (at < least && a[at] == b[at])
        at++;
    in_a = quote_unit_begin(a, a_size, at);
    in_b = quote_unit_begin(b, b_size, at);
    return in_a < in_b ? in_a : in_b;
}

size_t quote_columns(const char *text, size_t size, char delimiter)
{
    size_t columns = 0;

    for (size_t at = 0; at < size;) {
        struct quote_unit unit = quote_unit(text + at, size - at, delimiter);

        columns += unit.columns;
        at += unit.size;
    }
    return columns;
}

bool quote_is_utf8(const char *text, size_t size)
{
    uint32_t code;
    size_t length;

    for (size_t at = 0; at < size; at += length) {
        length = decode((const unsigned char *)text + at, size - at, &code);
        if (length == 0)
            return false;
    }
    return true;
}

struct quote_window quote_window_from(const char *text, size_t size, size_t begin,
                                      size_t columns, char delimiter)
{
    struct quote_window window = { begin, begin };

    while (window.end < size) {
        struct quote_unit unit = quote_unit(text + window.end, size - window.end, delimiter);

        if (unit.columns > columns)
            break;
        columns -= unit.columns;
        window.end += unit.size;
    }
    return window;
}

struct quote_window quote_window(const char *text, size_t size, size_t focus, size_t columns,
                                 char delimiter)
{
    struct quote_window whole = quote_window_from(text, size, 0, columns, delimiter);
    size_t before;
    size_t begin;

    if (whole.end == size)
        return whole;
    if (focus > size)
        focus = size;
    /* A unit has at most 4 bytes and at least 1 column: start as far back as can matter. */
    begin = focus > 2 * columns ? quote_unit_begin(text, size, focus - 2 * columns) : 0;
    before = quote_columns(text + begin, focus - begin, delimiter);
    while (before > columns / 2) {
        struct quote_unit unit = quote_unit(text + begin, size - begin, delimiter);

        before -= unit.columns;
        begin += unit.size;
    }
    return quote_window_from(text, size, begin, columns, delimiter);
}

void quote_add(struct buf *out, const char *text, size_t size, struct quote_window window,
               char delimiter)
{
    if (window.begin > 0)
        buf_add_text(out, "...");
    if (delimiter)
        buf_add_char(out, delimiter);
    for (size_t at = window.begin; at < window.end && !out->failed;) {
        struct quote_unit unit = quote_unit(text + at, size - at, delimiter);

        buf_add_text(out, unit.form);
        at += unit.size;
    }
    if (out->failed)
        return;
    if (delimiter)
        buf_add_char(out, delimiter);
    if (window.end < size)
        buf_add_text(out, "...");
}

void quote_add_head(struct buf *out, const char *text, size_t size, size_t columns,
                    char delimiter)
{
    quote_add(out, text, size, quote_window(text, size, 0, columns, delimiter), delimiter);
}
