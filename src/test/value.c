/* test/value.c - compare and show values; see value.h. */

#include "test/value.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seam/pg_mock.h"
#include "test/quote.h"

seam_value seam_value_i(intmax_t v)
{
    return (seam_value){ .kind = SEAM_KIND_INT, .as.i = v };
}

seam_value seam_value_u(uintmax_t v)
{
    return (seam_value){ .kind = SEAM_KIND_UINT, .as.u = v };
}

seam_value seam_value_d(double v)
{
    return (seam_value){ .kind = SEAM_KIND_DOUBLE, .as.d = v };
}

seam_value seam_value_b(bool v)
{
    return (seam_value){ .kind = SEAM_KIND_BOOL, .as.u = v };
}

seam_value seam_value_s(const char *v)
{
    return seam_value_n(v, v ? strlen(v) : 0);
}

seam_value seam_value_n(const char *v, size_t size)
{
    return (seam_value){ .kind = SEAM_KIND_TEXT, .size = size, .as.p = v };
}

seam_value seam_value_null(void)
{
    return (seam_value){ .kind = SEAM_KIND_NULL };
}

seam_value seam_value_any(void)
{
    return (seam_value){ .kind = SEAM_KIND_ANY };
}

seam_value seam_value_bytes(const void *p, size_t size)
{
    return (seam_value){ .kind = SEAM_KIND_BYTES, .size = size, .as.p = p };
}

seam_value seam_value_like(const char *pattern)
{
    return (seam_value){ .kind = SEAM_KIND_LIKE,
                         .size = pattern ? strlen(pattern) : 0,
                         .as.p = pattern };
}

seam_value seam_value_matches(seam_pg_matches_fn *fn)
{
    return (seam_value){ .kind = SEAM_KIND_MATCHES, .as.matches = fn };
}

enum {
    TEXT_COLUMNS = 2000, /* shown of a text */
    BYTES_SHOWN = 1000
};

static int order(bool less, bool more)
{
    return less ? -1 : more ? 1 : 0;
}

static bool is_integer(seam_value v)
{
    return v.kind == SEAM_KIND_INT || v.kind == SEAM_KIND_UINT || v.kind == SEAM_KIND_BOOL;
}

static int compare_integers(seam_value a, seam_value b)
{
    bool a_signed = a.kind == SEAM_KIND_INT;
    bool b_signed = b.kind == SEAM_KIND_INT;

    if (a_signed && b_signed)
        return order(a.as.i < b.as.i, b.as.i < a.as.i);
    if (a_signed && a.as.i < 0)
        return -1;
    if (b_signed && b.as.i < 0)
        return 1;
    return order(a.as.u < b.as.u, b.as.u < a.as.u);
}

static int compare_texts(seam_value a, seam_value b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int r;

    if (!a.as.p || !b.as.p)
        return order(!a.as.p && b.as.p, a.as.p && !b.as.p);
    r = common > 0 ? memcmp(a.as.p, b.as.p, common) : 0;
    return r ? r : order(a.size < b.size, b.size < a.size);
}

static long double number(seam_value v)
{
    return v.kind == SEAM_KIND_DOUBLE ? v.as.d
           : v.kind == SEAM_KIND_INT  ? (long double)v.as.i
                                      : (long double)v.as.u;
}

int value_compare(seam_value a, seam_value b, bool *ret_comparable)
{
    bool a_number = is_integer(a) || a.kind == SEAM_KIND_DOUBLE;
    bool b_number = is_integer(b) || b.kind == SEAM_KIND_DOUBLE;

    *ret_comparable = true;
    if (is_integer(a) && is_integer(b))
        return compare_integers(a, b);
    if (a.kind == b.kind && (a.kind == SEAM_KIND_TEXT || a.kind == SEAM_KIND_BYTES))
        return compare_texts(a, b);
    if (a.kind == SEAM_KIND_NULL && b.kind == SEAM_KIND_NULL)
        return 0;
    if (a_number && b_number && !isnan(number(a)) && !isnan(number(b)))
        return order(number(a) < number(b), number(b) < number(a));
    *ret_comparable = false;
    return 1;
}

void value_show_double(struct buf *to, double value)
{
    const char *point = localeconv()->decimal_point;
    char text[40];
    char *found;

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    found = strstr(text, point);
    if (found)
        buf_printf(to, "%.*s.%s", (int)(found - text), text, found + strlen(point));
    else
        buf_add_text(to, text);
}

bool value_is_pattern(seam_value value)
{
    return value.kind == SEAM_KIND_ANY || value.kind == SEAM_KIND_LIKE ||
           value.kind == SEAM_KIND_MATCHES;
}

static void show_bytes(struct buf *to, const unsigned char *bytes, size_t size)
{
    buf_add_text(to, "\\x");
    for (size_t i = 0; i < size && i < BYTES_SHOWN; i++)
        buf_printf(to, "%02x", bytes[i]);
    if (size > BYTES_SHOWN)
        buf_printf(to, "... (%zu bytes)", size);
}

static void show_text(struct buf *to, seam_value text)
{
    if (text.as.p)
        quote_add_head(to, text.as.p, text.size, TEXT_COLUMNS, '"');
    else
        buf_add_text(to, "NULL");
}

void value_show(struct buf *to, seam_value value)
{
    switch (value.kind) {
    case SEAM_KIND_INT:
        buf_printf(to, "%" PRIdMAX, value.as.i);
        break;
    case SEAM_KIND_UINT:
        buf_printf(to, "%" PRIuMAX, value.as.u);
        break;
    case SEAM_KIND_BOOL:
        buf_add_text(to, value.as.u ? "true" : "false");
        break;
    case SEAM_KIND_DOUBLE:
        value_show_double(to, value.as.d);
        break;
    case SEAM_KIND_TEXT:
        show_text(to, value);
        break;
    case SEAM_KIND_NULL:
        buf_add_text(to, "SEAM_SQL_NULL");
        break;
    case SEAM_KIND_BYTES:
        show_bytes(to, value.as.p, value.size);
        break;
    case SEAM_KIND_ANY:
        buf_add_text(to, "SEAM_ANY");
        break;
    case SEAM_KIND_LIKE:
        buf_add_text(to, "SEAM_LIKE(");
        show_text(to, value);
        buf_add_char(to, ')');
        break;
    case SEAM_KIND_MATCHES:
        buf_add_text(to, "SEAM_MATCHES");
        break;
    default:
        buf_printf(to, "%p", value.as.p);
    }
}
