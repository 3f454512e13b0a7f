/* wire/pg_interval.c - intervals, as IntervalStyle postgres writes them; see pg_value.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_value.h"

enum { DAYS_OF_MONTH = 30, MONTHS_OF_YEAR = 12 };
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

enum measure { MICRO, DAYS, MONTHS };

/* The server knows units by their beginning; these are the words it has for them. */
static const struct {
    const char *words; /* blanks between */
    enum measure measure;
    int64_t factor;
} units[] = {
    { "us usec usecs usecond useconds microsecond microseconds microsecon", MICRO, 1 },
    { "ms msec msecs msecond mseconds millisecond milliseconds millisecon", MICRO, 1000 },
    { "s sec secs second seconds", MICRO, SECOND },
    { "m min mins minute minutes", MICRO, 60 * SECOND },
    { "h hr hrs hour hours", MICRO, HOUR },
    { "d day days", DAYS, 1 },
    { "w week weeks", DAYS, 7 },
    { "mon mons month months", MONTHS, 1 },
    { "y yr yrs year years", MONTHS, MONTHS_OF_YEAR },
    { "dec decs decade decades", MONTHS, 10 * MONTHS_OF_YEAR },
    { "c cent century centuries", MONTHS, 100 * MONTHS_OF_YEAR },
    { "mil mils millennia millennium", MONTHS, 1000 * MONTHS_OF_YEAR },
};

struct reader {
    const char *at, *end;
    struct pg_interval value;
    bool overflows;
    int count; /* of fields */
};

/* A number as it is written: "-1.5". */
struct amount {
    bool negative;
    int64_t whole;
    double fraction; /* 0 to 1, with the sign */
};

/* ---- adding up ----------------------------------------------------------------------------- */

static void add_micro(struct reader *reader, int64_t value)
{
    reader->overflows |=
        __builtin_add_overflow(reader->value.micro, value, &reader->value.micro);
}

static void add_whole(struct reader *reader, enum measure measure, int64_t whole,
                      int64_t factor)
{
    int64_t value;

    reader->overflows |= __builtin_mul_overflow(whole, factor, &value);
    if (measure == MICRO)
        add_micro(reader, value);
    else if (measure == DAYS)
        reader->overflows |=
            __builtin_add_overflow(reader->value.days, value, &reader->value.days);
    else
        reader->overflows |=
            __builtin_add_overflow(reader->value.months, value, &reader->value.months);
}

/* Half of a microsecond is none. What is passed is less than 2^53, so nothing is lost. */
static void add_fraction_micro(struct reader *reader, double value)
{
    int64_t whole = (int64_t)value;
    double rest = value - (double)whole;

    add_micro(reader, whole + (rest > 0.5) - (rest < -0.5));
}

static void add_fraction_days(struct reader *reader, double days)
{
    add_whole(reader, DAYS, (int64_t)days, 1);
    add_fraction_micro(reader, (days - (double)(int64_t)days) * (double)DAY);
}

static void add(struct reader *reader, const struct amount *amount, enum measure measure,
                int64_t factor)
{
    double rest = amount->fraction * (double)factor;

    add_whole(reader, measure, amount->whole, factor);
    reader->count++;
    if (measure == MICRO)
        add_fraction_micro(reader, rest);
    else if (measure == DAYS)
        add_fraction_days(reader, rest);
    else if (factor > 1)
        add_whole(reader, MONTHS, pg_rounded(rest), 1);
    else
        add_fraction_days(reader, rest * DAYS_OF_MONTH);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '@' ||
                                        (*reader->at >= '\t' && *reader->at <= '\r')))
        reader->at++;
}

static bool is_digit(const struct reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* What does not fit stays the greatest that does: it may be negated. */
static bool take_whole(struct reader *reader, int64_t *ret)
{
    const char *begin = reader->at;

    *ret = 0;
    for (; is_digit(reader); reader->at++)
        if (__builtin_mul_overflow(*ret, 10, ret) ||
            __builtin_add_overflow(*ret, *reader->at - '0', ret)) {
            reader->overflows = true;
            *ret = INT64_MAX;
        }
    return reader->at > begin;
}

static bool take_amount(struct reader *reader, struct amount *ret)
{
    bool has_digits;

    *ret = (struct amount){ .negative = take(reader, '-') };
    if (!ret->negative)
        take(reader, '+');
    has_digits = take_whole(reader, &ret->whole);
    if (take(reader, '.')) {
        has_digits |= is_digit(reader);
        ret->fraction = pg_fraction(&reader->at, reader->end);
    }
    if (ret->negative) {
        ret->whole = -ret->whole;
        ret->fraction = -ret->fraction;
    }
    return has_digits;
}

/* ":05:06.789" behind the hours; the sign of those is that of all. */
static bool take_clock(struct reader *reader, const struct amount *hours)
{
    int64_t minutes = 0, seconds = 0;
    int sign = hours->negative ? -1 : 1;
    double fraction = 0;

    if (!take_whole(reader, &minutes))
        return false;
    if (take(reader, ':') && !take_whole(reader, &seconds))
        return false;
    if (take(reader, '.'))
        fraction = pg_fraction(&reader->at, reader->end);
    reader->count++;
    if (minutes > 59 || seconds > 60) {
        reader->overflows = true;
        return true;
    }
    add_whole(reader, MICRO, hours->whole, HOUR);
    add_micro(reader, sign * (minutes * 60 + seconds) * SECOND);
    add_fraction_micro(reader, sign * fraction * (double)SECOND);
    return true;
}

static bool is_unit(const char *words, const char *word, size_t size)
{
    while (*words) {
        size_t length = strcspn(words, " ");

        if (length == size && strncasecmp(words, word, size) == 0)
            return true;
        words += length + (words[length] == ' ');
    }
    return false;
}

/* A number without a unit has seconds; before a clock it has days. */
static bool take_unit(struct reader *reader, const struct amount *amount)
{
    const char *word;
    size_t size = 0;

    skip_blanks(reader);
    word = reader->at;
    while (word + size < reader->end && (word[size] | 32) >= 'a' && (word[size] | 32) <= 'z')
        size++;
    if (size == 0) {
        add(reader, amount, reader->at == reader->end ? MICRO : DAYS,
            reader->at == reader->end ? SECOND : 1);
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (is_unit(units[i].words, word, size)) {
            reader->at += size;
            add(reader, amount, units[i].measure, units[i].factor);
            return true;
        }
    return false;
}

static bool take_field(struct reader *reader)
{
    struct amount amount;
    int64_t months;

    if (!take_amount(reader, &amount))
        return false;
    if (take(reader, ':'))
        return take_clock(reader, &amount);
    if (take(reader, '-')) { /* 1-2: years and months */
        if (!take_whole(reader, &months))
            return false;
        add_whole(reader, MONTHS, amount.whole, MONTHS_OF_YEAR);
        add_whole(reader, MONTHS, amount.negative ? -months : months, 1);
        reader->count++;
        return true;
    }
    return take_unit(reader, &amount);
}

/* P1Y2M3DT4H5M6S, P2W. */
static bool take_iso(struct reader *reader)
{
    static const char dates[] = "YMWD", clocks[] = "HMS";
    static const int64_t date_factors[] = { MONTHS_OF_YEAR, 1, 7, 1 },
                         clock_factors[] = { HOUR, 60 * SECOND, SECOND };
    bool is_clock = false;

    while (reader->at < reader->end) {
        struct amount amount;
        const char *unit;

        if (!is_clock && take(reader, 'T')) {
            is_clock = true;
            continue;
        }
        if (!take_amount(reader, &amount) || reader->at == reader->end)
            return false;
        unit = strchr(is_clock ? clocks : dates, *reader->at++);
        if (!unit || !*unit)
            return false;
        if (is_clock)
            add(reader, &amount, MICRO, clock_factors[unit - clocks]);
        else
            add(reader, &amount, unit - dates < 2 ? MONTHS : DAYS, date_factors[unit - dates]);
    }
    return reader->count > 0;
}

static bool take_ago(struct reader *reader)
{
    if (reader->end - reader->at < 3 || strncasecmp(reader->at, "ago", 3) != 0)
        return false;
    reader->at += 3;
    reader->value.micro = -reader->value.micro;
    reader->value.days = -reader->value.days;
    reader->value.months = -reader->value.months;
    skip_blanks(reader);
    return true;
}

static bool take_all(struct reader *reader)
{
    skip_blanks(reader);
    if (take(reader, 'P'))
        return take_iso(reader);
    while (reader->at < reader->end) {
        if (reader->count > 0 && take_ago(reader))
            break;
        if (!take_field(reader))
            return false;
        skip_blanks(reader);
    }
    return reader->at == reader->end && reader->count > 0;
}

int pg_interval_read(const struct pg_type *type, const char *text, size_t size,
                     struct pg_interval *ret, struct err *err)
{
    struct reader reader = { .at = text, .end = text + size };

    if (!take_all(&reader))
        return pg_bad_syntax(type, text, size, err);
    if (reader.overflows)
        return err_set(err, -ERANGE, "interval field value out of range: \"%.*s\"", (int)size,
                       text);
    *ret = reader.value;
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* "1 year", "-2 mons"; a positive one behind a negative one has its sign. */
static void write_part(struct buf *to, int64_t value, const char *unit, size_t begin,
                       bool *before_was_negative)
{
    if (value == 0)
        return;
    if (to->size > begin)
        buf_add_char(to, ' ');
    buf_printf(to, "%s%lld %s%s", *before_was_negative && value > 0 ? "+" : "",
               (long long)value, unit, value == 1 ? "" : "s");
    *before_was_negative = value < 0;
}

void pg_interval_write(struct buf *to, const struct pg_interval *interval)
{
    uint64_t micro =
        interval->micro < 0 ? 0 - (uint64_t)interval->micro : (uint64_t)interval->micro;
    size_t begin = to->size;
    bool negative = false;

    write_part(to, interval->months / MONTHS_OF_YEAR, "year", begin, &negative);
    write_part(to, interval->months % MONTHS_OF_YEAR, "mon", begin, &negative);
    write_part(to, interval->days, "day", begin, &negative);
    if (micro == 0 && to->size > begin)
        return;
    if (to->size > begin)
        buf_add_char(to, ' ');
    if (interval->micro < 0)
        buf_add_char(to, '-');
    else if (negative)
        buf_add_char(to, '+');
    pg_time_write_clock(to, micro / HOUR, micro % HOUR);
}
