/* wire/pg_number.c - whole numbers, truths and floating point; see pg_value.h. */

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_value.h"

enum { OID_OID = 26, FLOAT4_OID = 700, NUMBER_MAX = 400, FRACTION_MAX = 60 };

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void pg_trim(const char **text, size_t *size)
{
    while (*size > 0 && is_space(**text)) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && is_space((*text)[*size - 1]))
        (*size)--;
}

int pg_bad_syntax(const struct pg_type *type, const char *text, size_t size, struct err *err)
{
    size_t name = strcspn(type->other, " ");
    bool whole = type->kind != PG_KIND_TIME || strstr(type->other, " with ");

    return err_set(err, -EINVAL, "invalid input syntax for type %.*s: \"%.*s\"",
                   (int)(whole ? strlen(type->other) : name), type->other, (int)size, text);
}

int pg_bad_bytes(const struct pg_type *type, struct err *err)
{
    return err_set(err, -EINVAL, "incorrect binary data format of type '%s'", type->name);
}

void pg_put_number(struct buf *to, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        buf_add_char(to, (char)(value >> (8 * bytes)));
}

uint64_t pg_get_number(const void *data, int bytes)
{
    const unsigned char *at = data;
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

int64_t pg_get_signed(const void *data, int bytes)
{
    uint64_t value = pg_get_number(data, bytes);
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);

    return (int64_t)((value ^ sign) - sign);
}

/* ---- whole numbers and truths -------------------------------------------------------------- */

static int bad_range(const struct pg_type *type, const char *text, size_t size, struct err *err)
{
    return err_set(err, -ERANGE, "value \"%.*s\" is out of range for type %s", (int)size, text,
                   type->other);
}

/* An oid is unsigned, and takes what fits when it is taken for signed. */
static void limits_of(const struct pg_type *type, int64_t *ret_least, int64_t *ret_most)
{
    int bits = 8 * type->size - 1;

    *ret_most = (int64_t)(((uint64_t)1 << bits) - 1);
    *ret_least = -*ret_most - 1;
    if (type->oid == OID_OID)
        *ret_most = UINT32_MAX;
}

int pg_int_read(const struct pg_type *type, const char *text, size_t size, int64_t *ret,
                struct err *err)
{
    const char *at = text;
    size_t left = size;
    bool negative, too_big = false;
    uint64_t value = 0;
    int64_t least, most;

    pg_trim(&at, &left);
    negative = left > 0 && *at == '-';
    if (left > 0 && (*at == '-' || *at == '+'))
        at++, left--;
    if (left == 0)
        return pg_bad_syntax(type, text, size, err);
    for (; left > 0; at++, left--) {
        if (*at < '0' || *at > '9')
            return pg_bad_syntax(type, text, size, err);
        too_big |= value > (UINT64_MAX - 9) / 10;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    limits_of(type, &least, &most);
    if (too_big || value > (uint64_t)most + (negative ? (uint64_t) - (least + most) : 0))
        return bad_range(type, text, size, err);
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    if (type->oid == OID_OID)
        *ret = (uint32_t)*ret;
    return 0;
}

/* Each word may be cut as long as it is told from the others. */
int pg_bool_read(const struct pg_type *type, const char *text, size_t size, bool *ret,
                 struct err *err)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } words[] = { { "true", 1, true }, { "false", 1, false }, { "yes", 1, true },
                  { "no", 1, false },  { "on", 2, true },     { "off", 2, false },
                  { "1", 1, true },    { "0", 1, false } };
    const char *at = text;
    size_t left = size;

    pg_trim(&at, &left);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (left >= words[i].least && left <= strlen(words[i].word) &&
            strncasecmp(at, words[i].word, left) == 0) {
            *ret = words[i].value;
            return 0;
        }
    return pg_bad_syntax(type, text, size, err);
}

/* ---- fractions --------------------------------------------------------------------------------- */

double pg_fraction(const char **at, const char *end)
{
    char text[FRACTION_MAX] = "0";
    size_t size = 1;

    text[size++] = *localeconv()->decimal_point;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        if (size < sizeof text - 1)
            text[size++] = **at;
    return strtod(text, NULL);
}

int64_t pg_rounded(double value)
{
    int64_t whole = (int64_t)value;
    double rest = value - (double)whole;
    bool odd = whole % 2 != 0;

    return whole + (rest > 0.5 || (rest == 0.5 && odd)) -
           (rest < -0.5 || (rest == -0.5 && odd));
}

/* ---- floating point ------------------------------------------------------------------------ */

/* strtod and printf have the point of the locale, the server has '.'. */
static void change_point(char *text, char from, char to)
{
    char *point = strchr(text, from);

    if (point)
        *point = to;
}

static double read_number(char *text, bool single, char **ret_end)
{
    change_point(text, '.', *localeconv()->decimal_point);
    return single ? (double)strtof(text, ret_end) : strtod(text, ret_end);
}

int pg_float_read(const struct pg_type *type, const char *text, size_t size, double *ret,
                  struct err *err)
{
    bool single = type->oid == FLOAT4_OID;
    char copy[NUMBER_MAX];
    const char *at = text;
    size_t left = size;
    char *end;
    double value;

    pg_trim(&at, &left);
    if (left == 0 || left >= sizeof copy || memchr(at, '(', left))
        return pg_bad_syntax(type, text, size, err);
    memcpy(copy, at, left);
    copy[left] = '\0';
    errno = 0;
    value = read_number(copy, single, &end);
    if (*end)
        return pg_bad_syntax(type, text, size, err);
    if (errno == ERANGE && (value == 0 || isinf(value)))
        return err_set(err, -ERANGE, "\"%.*s\" is out of range for type %s", (int)left, at,
                       type->other);
    *ret = value;
    return 0;
}

/* The next value above or below one that is above 0; no libm, which libseam does without. */
static double neighbour(double value, bool single, int step)
{
    float narrow = (float)value;
    uint32_t narrow_bits;
    uint64_t bits;

    memcpy(&narrow_bits, &narrow, sizeof narrow);
    memcpy(&bits, &value, sizeof value);
    narrow_bits += (uint32_t)step;
    bits += (uint64_t)(int64_t)step;
    memcpy(&narrow, &narrow_bits, sizeof narrow);
    memcpy(&value, &bits, sizeof value);
    return single ? (double)narrow : value;
}

/* Whether digits stand for the value and for no other. The server takes no text that lies just between two
 * values, though it would be read as the one that is even. */
static bool is_own_text(const char *text, double value, bool single)
{
    long double exact = strtold(text, NULL);
    double up = neighbour(value, single, 1), down = neighbour(value, single, -1);

    if (single ? (double)strtof(text, NULL) != value : strtod(text, NULL) != value)
        return false;
    return exact > ((long double)value + down) / 2 &&
           (isinf(up) || exact < ((long double)value + up) / 2);
}

/* The fewest digits, as "d.ddde+dd". */
static void shortest(char *text, size_t room, double value, bool single)
{
    for (int digits = 0; digits <= (single ? 8 : 16); digits++) {
        snprintf(text, room, "%.*e", digits, value);
        if (is_own_text(text, value, single))
            break;
    }
    change_point(text, *localeconv()->decimal_point, '.');
}

/* Digits with the point put behind `whole` of them. */
static void write_plain(struct buf *to, const char *digits, int whole)
{
    int count = (int)strlen(digits);

    if (whole <= 0) {
        buf_printf(to, "0.%.*s%s", -whole, "0000", digits);
        return;
    }
    for (int i = 0; i < whole || i < count; i++) {
        if (i == whole)
            buf_add_char(to, '.');
        buf_add_char(to, i < count ? digits[i] : '0');
    }
}

void pg_float_write(struct buf *to, double value, bool single)
{
    char text[40], digits[24] = "";
    size_t count = 0;
    int exponent;

    if (isnan(value) || isinf(value)) {
        buf_add_text(to, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (signbit(value))
        buf_add_char(to, '-');
    if (value == 0) {
        buf_add_char(to, '0');
        return;
    }
    shortest(text, sizeof text, value < 0 ? -value : value, single);
    exponent = atoi(strchr(text, 'e') + 1);
    for (const char *at = text; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    if (exponent >= -4 && exponent < (single ? 6 : 15))
        write_plain(to, digits, exponent + 1);
    else
        buf_printf(to, "%c%s%se%c%02d", digits[0], digits[1] ? "." : "", digits + 1,
                   exponent < 0 ? '-' : '+', abs(exponent));
}
