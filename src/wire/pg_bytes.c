/* wire/pg_bytes.c - bytea and uuid; see pg_value.h. */

#include <errno.h>

#include "wire/pg_value.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* "\x00 ff": blanks may stand between bytes. */
static int read_hex(const char *text, size_t size, struct buf *to, struct err *err)
{
    for (size_t i = 2; i < size;) {
        int high, low;

        if (is_space(text[i])) {
            i++;
            continue;
        }
        high = hex_digit(text[i]);
        if (high < 0)
            return err_set(err, -EDOM, "invalid hexadecimal digit: \"%c\"", text[i]);
        if (i + 1 == size)
            return err_set(err, -EDOM, "invalid hexadecimal data: odd number of digits");
        low = hex_digit(text[i + 1]);
        if (low < 0)
            return err_set(err, -EDOM, "invalid hexadecimal digit: \"%c\"", text[i + 1]);
        buf_add_char(to, (char)(high << 4 | low));
        i += 2;
    }
    return 0;
}

static bool is_octal(const char *at)
{
    return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
           at[2] <= '7';
}

/* "a\\b\001". */
static int read_escaped(const struct pg_type *type, const char *text, size_t size,
                        struct buf *to, struct err *err)
{
    for (size_t i = 0; i < size;) {
        if (text[i] != '\\') {
            buf_add_char(to, text[i++]);
        } else if (i + 1 < size && text[i + 1] == '\\') {
            buf_add_char(to, '\\');
            i += 2;
        } else if (i + 3 < size && is_octal(text + i + 1)) {
            buf_add_char(to, (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                    (text[i + 3] - '0')));
            i += 4;
        } else {
            return err_set(err, -EINVAL, "invalid input syntax for type %s", type->name);
        }
    }
    return 0;
}

int pg_bytea_read(const struct pg_type *type, const char *text, size_t size, struct buf *to,
                  struct err *err)
{
    if (size >= 2 && text[0] == '\\' && text[1] == 'x')
        return read_hex(text, size, to, err);
    return read_escaped(type, text, size, to, err);
}

void pg_bytea_write(struct buf *to, const void *data, size_t size)
{
    const unsigned char *at = data;

    buf_add_text(to, "\\x");
    for (size_t i = 0; i < size; i++)
        buf_printf(to, "%02x", at[i]);
}

/* Braces around it, and hyphens behind any four digits, or none. */
int pg_uuid_read(const struct pg_type *type, const char *text, size_t size,
                 unsigned char ret[16], struct err *err)
{
    const char *at = text, *end = text + size;
    bool braces = size > 0 && *text == '{';

    at += braces;
    for (int i = 0; i < 16; i++) {
        int high = at < end ? hex_digit(at[0]) : -1;
        int low = at + 1 < end ? hex_digit(at[1]) : -1;

        if (high < 0 || low < 0)
            return pg_bad_syntax(type, text, size, err);
        ret[i] = (unsigned char)(high << 4 | low);
        at += 2;
        if (at < end && *at == '-' && i % 2 == 1 && i < 15)
            at++;
    }
    if (braces && (at == end || *at++ != '}'))
        return pg_bad_syntax(type, text, size, err);
    return at == end ? 0 : pg_bad_syntax(type, text, size, err);
}

void pg_uuid_write(struct buf *to, const unsigned char uuid[16])
{
    for (int i = 0; i < 16; i++)
        buf_printf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}
