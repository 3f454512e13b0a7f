/* test/json_source.c - a JSON text made ready for a parser; see json_source.h. */

#include "test/json_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/quote.h"

enum { COLUMNS = 72 }; /* of the line that is shown */

struct cursor {
    const char *text;
    size_t size;
    size_t at;
};

/* One character of a string, or one that is escaped. */
static int copy_character(struct buf *out, struct cursor *cursor, char quote)
{
    const char *from = cursor->text + cursor->at;
    size_t size = from[0] == '\\' && cursor->at + 1 < cursor->size ? 2 : 1;
    int r;

    if (from[0] == '"')
        r = buf_add_text(out, "\\\"");
    else if (quote == '\'' && size == 2 && from[1] == '\'')
        r = buf_add_char(out, '\'');
    else
        r = buf_add(out, from, size);
    if (r == 0)
        cursor->at += size;
    return r;
}

/* A string from quote to quote, or to the end of the text when the second is missing. */
static int copy_string(struct buf *out, struct cursor *cursor)
{
    char quote = cursor->text[cursor->at];
    int r = buf_add_char(out, '"');

    if (r == 0)
        cursor->at++;
    while (r == 0 && cursor->at < cursor->size && cursor->text[cursor->at] != quote)
        r = copy_character(out, cursor, quote);
    if (r == 0 && cursor->at < cursor->size)
        r = buf_add_char(out, '"');
    if (r == 0 && cursor->at < cursor->size)
        cursor->at++;
    return r;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a number is an integer as JSON writes it, and needs more than 64 bits. */
static bool is_big(const char *number, size_t size)
{
    size_t sign = number[0] == '-';
    char digits[24] = "";

    for (size_t i = sign; i < size; i++)
        if (!is_digit(number[i]))
            return false;
    if (size - sign < 19 || number[sign] == '0')
        return false;
    if (size >= sizeof digits)
        return true;
    memcpy(digits, number, size);
    errno = 0;
    strtoll(digits, NULL, 10);
    return errno == ERANGE;
}

static int copy_number(struct buf *out, struct cursor *cursor)
{
    const char *number = cursor->text + cursor->at;
    size_t left = cursor->size - cursor->at;
    size_t size = 1;
    int r;

    while (size < left && number[size] && strchr("0123456789+-.eE", number[size]))
        size++;
    if (is_big(number, size))
        r = buf_printf(out, "{\"\\u0001" JSON_BIG_WORDS "\":\"%.*s\"}", (int)size, number);
    else
        r = buf_add(out, number, size);
    if (r == 0)
        cursor->at += size;
    return r;
}

size_t json_source_copy(struct buf *out, const struct json_source *source)
{
    struct cursor cursor = { source->text, source->size, 0 };
    int r = 0;

    while (r == 0 && cursor.at < cursor.size) {
        char c = cursor.text[cursor.at];

        if (c == '"' || (c == '\'' && source->single_quotes))
            r = copy_string(out, &cursor);
        else if (!source->keep_numbers && (c == '-' || is_digit(c)))
            r = copy_number(out, &cursor);
        else if ((r = buf_add_char(out, c)) == 0)
            cursor.at++;
    }
    return cursor.at;
}

/* Where in the text the last byte is that the parser took. */
static size_t last_taken(const struct json_source *source, size_t position)
{
    struct buf cut = BUF_INIT(position > 0 ? position - 1 : 0);
    size_t at = json_source_copy(&cut, source);

    buf_fini(&cut);
    return at < source->size ? at : source->size - 1;
}

static size_t count_units(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t at = 0; at < size; count++)
        at += quote_unit(text + at, size - at, 0).size;
    return count;
}

/* A line of the text and, below it, a caret at the byte `at`. */
static void add_line(struct buf *out, const char *line, size_t size, size_t at)
{
    struct quote_window window = quote_window(line, size, at, COLUMNS, 0);
    size_t before = quote_columns(line + window.begin, at - window.begin, 0);

    buf_add_text(out, "    ");
    quote_add(out, line, size, window, 0);
    buf_printf(out, "\n    %*s^\n", (int)before + (window.begin > 0 ? 3 : 0), "");
}

void json_source_fault(struct buf *out, const struct json_source *source, size_t position,
                       const char *words)
{
    size_t at = last_taken(source, position);
    const char *end = memchr(source->text + at, '\n', source->size - at);
    const char *line = source->text;
    size_t number = 1;
    size_t size;

    for (size_t i = 0; i < at; i++)
        if (source->text[i] == '\n') {
            line = source->text + i + 1;
            number++;
        }
    size = (size_t)((end ? end : source->text + source->size) - line);
    at = quote_unit_begin(line, size, (size_t)(source->text + at - line));
    buf_printf(out, "%s is not JSON: line %zu, column %zu: ", source->label, number,
               count_units(line, at) + 1);
    quote_add_head(out, words, strlen(words), 3 * COLUMNS, 0);
    buf_add_char(out, '\n');
    add_line(out, line, size, at);
}
