/* wire/pg_numeric.c - decimal numbers of any size; see pg_value.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_value.h"

enum {
    WHOLE_MAX = 131072, /* digits before the point */
    SCALE_MAX = 16383,
    DIGITS_CAP = 1 << 20,
    GROUP = 4, /* digits of one of the base 10000 */
    HEADER = 8, /* bytes of the binary format before its digits */
    SCALE_OF_INFINITY = 32 /* it has none, but that is what the server sends */
};
enum {
    SIGN_MINUS = 0x4000,
    SIGN_NAN = 0xc000,
    SIGN_INFINITY = 0xd000,
    SIGN_MINUS_INFINITY = 0xf000
};

static const struct pg_type *numeric_type(void)
{
    return pg_type_of_oid(1700);
}

static bool is_zero(const struct pg_numeric *numeric)
{
    return strspn(buf_text(&numeric->digits), "0") == numeric->digits.size;
}

static int overflow(struct err *err)
{
    return err_set(err, -ERANGE, "value overflows numeric format");
}

/* ---- reading ------------------------------------------------------------------------------- */

static char special_of(const char *text, size_t size)
{
    static const struct {
        const char *word;
        char special;
    } words[] = { { "nan", 'N' },       { "infinity", '+' }, { "+infinity", '+' },
                  { "-infinity", '-' }, { "inf", '+' },      { "+inf", '+' },
                  { "-inf", '-' } };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (size == strlen(words[i].word) && strncasecmp(text, words[i].word, size) == 0)
            return words[i].special;
    return 0;
}

/* "e-5" at the end of a number; false: it is none. One that is too long is as good as a very large one. */
static bool read_exponent(const char *at, const char *end, long *ret)
{
    bool negative = at < end && *at == '-';
    long value = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        if (value < 100000000L)
            value = value * 10 + (*at - '0');
    }
    *ret = negative ? -value : value;
    return true;
}

/* Digits and the place of the point; false: that is no number. */
static bool read_digits(const char *at, const char *end, struct pg_numeric *to,
                        long *ret_exponent)
{
    bool has_point = false;

    *ret_exponent = 0;
    for (; at < end; at++) {
        if (*at == '.' && !has_point) {
            has_point = true;
        } else if (*at >= '0' && *at <= '9') {
            buf_add_char(&to->digits, *at);
            to->whole += !has_point;
        } else {
            break;
        }
    }
    if (to->digits.size == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E'))
        return read_exponent(at + 1, end, ret_exponent);
    return at == end;
}

static void add_zeros(struct buf *to, size_t count)
{
    while (count-- > 0 && !to->failed)
        buf_add_char(to, '0');
}

/* Put `count` zeros before all digits. */
static void lead_with_zeros(struct pg_numeric *numeric, size_t count)
{
    struct buf digits = BUF_INIT(DIGITS_CAP);

    add_zeros(&digits, count);
    buf_add(&digits, numeric->digits.data, numeric->digits.size);
    buf_fini(&numeric->digits);
    numeric->digits = digits;
}

static void drop_leading_zeros(struct pg_numeric *numeric)
{
    size_t count = 0;

    while (count < numeric->whole && numeric->digits.data[count] == '0')
        count++;
    buf_drop(&numeric->digits, count);
    numeric->whole -= count;
}

/* Move the point. The scale is what the server makes of it: never below 0. */
static int apply_exponent(struct pg_numeric *numeric, long exponent, struct err *err)
{
    long scale = (long)(numeric->digits.size - numeric->whole) - exponent;
    long whole = (long)numeric->whole + exponent;
    size_t leading = strspn(buf_text(&numeric->digits), "0");

    numeric->scale = scale > 0 ? (size_t)scale : 0;
    if (numeric->scale > SCALE_MAX)
        return overflow(err);
    if (is_zero(numeric)) {
        buf_clear(&numeric->digits);
        add_zeros(&numeric->digits, numeric->scale);
        numeric->whole = 0;
        numeric->negative = false;
        return 0;
    }
    if (whole - (long)leading > WHOLE_MAX)
        return overflow(err);
    if (whole < 0)
        lead_with_zeros(numeric, (size_t)-whole);
    else if (whole > (long)numeric->digits.size)
        add_zeros(&numeric->digits, (size_t)whole - numeric->digits.size);
    numeric->whole = whole > 0 ? (size_t)whole : 0;
    drop_leading_zeros(numeric);
    return 0;
}

int pg_numeric_read(const char *text, size_t size, struct pg_numeric *ret, struct err *err)
{
    struct pg_numeric numeric = { .digits = BUF_INIT(DIGITS_CAP) };
    const char *at = text;
    size_t left = size;
    long exponent;
    int r = 0;

    pg_trim(&at, &left);
    numeric.special = special_of(at, left);
    if (!numeric.special) {
        const char *end = at + left;

        numeric.negative = left > 0 && *at == '-';
        at += left > 0 && (*at == '-' || *at == '+');
        if (!read_digits(at, end, &numeric, &exponent))
            r = pg_bad_syntax(numeric_type(), text, size, err);
        else
            r = apply_exponent(&numeric, exponent, err);
    }
    if (r == 0 && numeric.digits.failed)
        r = overflow(err);
    if (r < 0) {
        pg_numeric_fini(&numeric);
        return r;
    }
    *ret = numeric;
    return 0;
}

void pg_numeric_fini(struct pg_numeric *numeric)
{
    buf_fini(&numeric->digits);
}

/* ---- the modifier: numeric(precision, scale) ------------------------------------------------ */

/* Half goes away from zero. A zero before all digits takes what is carried. */
static void round_to(struct pg_numeric *numeric, long scale)
{
    struct buf *digits = &numeric->digits;
    long keep = (long)numeric->whole + 1 + scale;

    lead_with_zeros(numeric, 1);
    numeric->whole++;
    if (keep <= 0) {
        buf_clear(digits);
        numeric->whole = 0;
    } else if (keep < (long)digits->size) {
        size_t at = (size_t)keep;
        bool up = digits->data[at] >= '5';

        digits->size = at;
        digits->data[at] = '\0';
        while (up && digits->data[at - 1] == '9')
            digits->data[--at] = '0';
        if (up)
            digits->data[at - 1]++;
    }
    numeric->scale = scale > 0 ? (size_t)scale : 0;
    add_zeros(digits, numeric->whole + numeric->scale - digits->size);
    drop_leading_zeros(numeric);
    numeric->negative = numeric->negative && !is_zero(numeric);
}

/* The place of the first digit that is not 0: 1 is just before the point, 0 just behind it. */
static long first_digit(const struct pg_numeric *numeric)
{
    return (long)numeric->whole - (long)strspn(buf_text(&numeric->digits), "0");
}

int pg_numeric_round(struct pg_numeric *numeric, int modifier, struct err *err)
{
    int precision = (modifier - 4) >> 16 & 0xffff;
    int scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;

    if (modifier < 4 || numeric->special == 'N')
        return 0;
    if (!numeric->special)
        round_to(numeric, scale);
    if (numeric->special || (!is_zero(numeric) && first_digit(numeric) > precision - scale))
        return err_set(err, -ERANGE, "numeric field overflow");
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

void pg_numeric_write(struct buf *to, const struct pg_numeric *numeric)
{
    const char *digits = buf_text(&numeric->digits);

    if (numeric->special) {
        buf_add_text(to, numeric->special == 'N'   ? "NaN"
                         : numeric->special == '+' ? "Infinity"
                                                   : "-Infinity");
        return;
    }
    if (numeric->negative)
        buf_add_char(to, '-');
    if (numeric->whole == 0)
        buf_add_char(to, '0');
    buf_add(to, digits, numeric->whole);
    if (numeric->scale > 0) {
        buf_add_char(to, '.');
        buf_add(to, digits + numeric->whole, numeric->scale);
    }
}

/* The binary format has digits of base 10000: `first` of them before the point, none at either end being 0. */
struct groups {
    long first, begin, end; /* begin and end count from the first one, 0 */
};

/* The digit of base 10000 at place n; the decimal ones beyond both ends are 0. */
static int group_at(const struct pg_numeric *numeric, long first, long n)
{
    long at = (n - first) * GROUP + (long)numeric->whole;
    int value = 0;

    for (long i = at; i < at + GROUP; i++) {
        bool is_there = i >= 0 && i < (long)numeric->digits.size;

        value = value * 10 + (is_there ? numeric->digits.data[i] - '0' : 0);
    }
    return value;
}

static struct groups groups_of(const struct pg_numeric *numeric)
{
    long first = ((long)numeric->whole + GROUP - 1) / GROUP;
    long behind = ((long)numeric->scale + GROUP - 1) / GROUP;
    struct groups groups = { .first = first, .begin = 0, .end = first + behind };

    while (groups.begin < groups.end && group_at(numeric, first, groups.begin) == 0)
        groups.begin++;
    while (groups.end > groups.begin && group_at(numeric, first, groups.end - 1) == 0)
        groups.end--;
    return groups;
}

void pg_numeric_encode(struct buf *to, const struct pg_numeric *numeric)
{
    struct groups groups = groups_of(numeric);
    long count = groups.end - groups.begin;
    size_t scale = numeric->scale;
    int sign = numeric->special == 'N'   ? SIGN_NAN
               : numeric->special == '+' ? SIGN_INFINITY
               : numeric->special == '-' ? SIGN_MINUS_INFINITY
               : numeric->negative       ? SIGN_MINUS
                                         : 0;

    if (numeric->special) {
        count = 0;
        scale = numeric->special == 'N' ? 0 : SCALE_OF_INFINITY;
    }
    pg_put_number(to, (uint64_t)count, 2);
    pg_put_number(to, count > 0 ? (uint64_t)(groups.first - groups.begin - 1) : 0, 2);
    pg_put_number(to, (uint64_t)sign, 2);
    pg_put_number(to, scale, 2);
    for (long i = groups.begin; i < groups.begin + count; i++)
        pg_put_number(to, (uint64_t)group_at(numeric, groups.first, i), 2);
}

/* ---- reading the binary format -------------------------------------------------------------- */

static void add_group(struct buf *to, int value)
{
    buf_printf(to, "%04d", value);
}

static int decode_digits(const char *data, long count, long weight, struct pg_numeric *to)
{
    for (long i = weight < 0 ? weight + 1 : 0; i < 0; i++)
        add_group(&to->digits, 0);
    for (long i = 0; i < count; i++) {
        int value = (int)pg_get_number(data + HEADER + 2 * i, 2);

        if (value >= 10000)
            return -EINVAL;
        add_group(&to->digits, value);
    }
    to->whole = weight >= 0 ? (size_t)(weight + 1) * GROUP : 0;
    if (to->digits.size < to->whole + to->scale)
        add_zeros(&to->digits, to->whole + to->scale - to->digits.size);
    to->digits.size = to->whole + to->scale;
    drop_leading_zeros(to);
    return to->digits.failed ? -EINVAL : 0;
}

int pg_numeric_decode(const void *data, size_t size, struct pg_numeric *ret)
{
    const char *at = data;
    struct pg_numeric numeric = { .digits = BUF_INIT(DIGITS_CAP) };
    long count, weight;
    int sign;

    if (size < HEADER)
        return -EINVAL;
    count = (long)pg_get_number(at, 2);
    weight = count > 0 ? pg_get_signed(at + 2, 2) : -1;
    sign = (int)pg_get_number(at + 4, 2);
    numeric.scale = pg_get_number(at + 6, 2);
    if (size != HEADER + 2 * (size_t)count || numeric.scale > SCALE_MAX)
        return -EINVAL;
    if (sign == SIGN_NAN || sign == SIGN_INFINITY || sign == SIGN_MINUS_INFINITY)
        numeric.special = sign == SIGN_NAN ? 'N' : sign == SIGN_INFINITY ? '+' : '-';
    else if (sign != 0 && sign != SIGN_MINUS)
        return -EINVAL;
    numeric.negative = sign == SIGN_MINUS;
    if (decode_digits(at, count, weight, &numeric) < 0) {
        pg_numeric_fini(&numeric);
        return -EINVAL;
    }
    *ret = numeric;
    return 0;
}

/* ---- comparing ----------------------------------------------------------------------------- */

static char digit_behind(const struct pg_numeric *numeric, size_t n)
{
    return numeric->whole + n < numeric->digits.size ? numeric->digits.data[numeric->whole + n]
                                                     : '0';
}

bool pg_numeric_is_same(const struct pg_numeric *a, const struct pg_numeric *b)
{
    size_t scale = a->scale > b->scale ? a->scale : b->scale;

    if (a->special || b->special)
        return a->special == b->special;
    if (a->negative != b->negative || a->whole != b->whole ||
        strncmp(buf_text(&a->digits), buf_text(&b->digits), a->whole) != 0)
        return false;
    for (size_t i = 0; i < scale; i++)
        if (digit_behind(a, i) != digit_behind(b, i))
            return false;
    return true;
}
