/*
 * wire/pg_time.c - date, time and timestamps; see pg_value.h.
 *
 * Read are the forms of ISO 8601, and what the server writes. The server knows many more ("Jan 8, 1999",
 * "now", names of zones): a text that may be one of those is refused as what it is, not as a mistake.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_value.h"

enum { DATE_OID = 1082, TIME_OID = 1083, TIMESTAMPTZ_OID = 1184 };
enum {
    EPOCH_DAYS = 730425, /* of 2000-01-01, from 0000-03-01 */
    FIRST_DAY = -2451545, /* 4714-11-24 BC, from 2000-01-01; dates and timestamps begin there */
    LAST_DATE = 2145031949, /* 5874898-01-01 */
    LAST_DAY = 106751991, /* a day behind it does not fit in 64 bits of microseconds */
    ZONE_MAX = 16 * 3600,
    MICRO_DIGITS = 6
};
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define LAST_MICRO INT64_C(9223371331200000000) /* 294277-01-01 */

/* What a text says, before it is a value. */
struct fields {
    long year;
    int month, day, hour, minute, second, micro;
    long zone; /* seconds east of Greenwich */
    bool has_date, has_clock, before_christ;
};

struct cursor {
    const char *at, *end;
};

enum reading { READ_OK, READ_SYNTAX, READ_RANGE, READ_ZONE };

/* ---- days ---------------------------------------------------------------------------------- */

/* Days from 0000-03-01, of the calendar that is Gregorian at all times; year 0 is 1 BC. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
}

static void date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    *ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(cursor->end - cursor->at) < size || strncasecmp(cursor->at, word, size) != 0)
        return false;
    cursor->at += size;
    return true;
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || (*cursor->at >= '\t' && *cursor->at <= '\r')))
        cursor->at++;
}

/* How many digits there were, of at most nine. */
static int take_number(struct cursor *cursor, long *ret)
{
    int count = 0;

    *ret = 0;
    for (; is_digit(cursor) && count < 9; count++)
        *ret = *ret * 10 + (*cursor->at++ - '0');
    return count;
}

static bool take_int(struct cursor *cursor, int *ret)
{
    long value;
    int count = take_number(cursor, &value);

    *ret = (int)value;
    return count > 0;
}

/* 1999-01-08, 19990108. */
static bool take_date(struct cursor *cursor, struct fields *to)
{
    struct cursor begin = *cursor;
    int count = take_number(cursor, &to->year);

    to->has_date = true;
    if (count >= 3 && take(cursor, '-'))
        return take_int(cursor, &to->month) && take(cursor, '-') && take_int(cursor, &to->day);
    if (count == 8) {
        to->day = (int)(to->year % 100);
        to->month = (int)(to->year / 100 % 100);
        to->year /= 10000;
        return true;
    }
    *cursor = begin;
    to->has_date = false;
    return true;
}

/* 04:05, 04:05:06.789. */
static bool take_clock(struct cursor *cursor, struct fields *to)
{
    to->has_clock = true;
    if (!take_int(cursor, &to->hour) || !take(cursor, ':') || !take_int(cursor, &to->minute))
        return false;
    if (!take(cursor, ':'))
        return true;
    if (!take_int(cursor, &to->second))
        return false;
    if (take(cursor, '.'))
        to->micro = (int)pg_rounded(pg_fraction(&cursor->at, cursor->end) * (double)SECOND);
    return true;
}

/* Z, UTC, GMT, +2, +02:30, +0230, -04:56:02. */
static enum reading take_zone(struct cursor *cursor, struct fields *to)
{
    bool minus = cursor->at < cursor->end && *cursor->at == '-';
    long hours = 0, minutes = 0, seconds = 0;
    int count;

    if (take_word(cursor, "utc") || take_word(cursor, "gmt") || take_word(cursor, "z"))
        return READ_OK;
    if (!take(cursor, '+') && !take(cursor, '-'))
        return READ_OK;
    count = take_number(cursor, &hours);
    if (count == 0)
        return READ_SYNTAX;
    if (count > 2) {
        minutes = hours % 100;
        hours /= 100;
    } else if (take(cursor, ':')) {
        if (take_number(cursor, &minutes) == 0)
            return READ_SYNTAX;
        if (take(cursor, ':') && take_number(cursor, &seconds) == 0)
            return READ_SYNTAX;
    }
    if (hours > 15 || minutes > 59 || seconds > 59)
        return READ_ZONE;
    to->zone = (hours * 60 + minutes) * 60 + seconds;
    to->zone = minus ? -to->zone : to->zone;
    return READ_OK;
}

static enum reading take_all(struct cursor *cursor, struct fields *to)
{
    enum reading zone;

    skip_blanks(cursor);
    if (!take_date(cursor, to))
        return READ_SYNTAX;
    if (to->has_date && !take_word(cursor, "t"))
        skip_blanks(cursor);
    if (is_digit(cursor) && !take_clock(cursor, to))
        return READ_SYNTAX;
    skip_blanks(cursor);
    zone = take_zone(cursor, to);
    if (zone != READ_OK)
        return zone;
    skip_blanks(cursor);
    to->before_christ = take_word(cursor, "bc");
    if (!to->before_christ)
        take_word(cursor, "ad");
    skip_blanks(cursor);
    return cursor->at == cursor->end ? READ_OK : READ_SYNTAX;
}

static enum reading check_fields(struct fields *fields)
{
    if (fields->has_date) {
        if (fields->year == 0)
            return READ_RANGE;
        if (fields->before_christ)
            fields->year = 1 - fields->year;
        if (fields->month < 1 || fields->month > 12 || fields->day < 1 ||
            fields->day > days_in(fields->year, fields->month))
            return READ_RANGE;
    }
    if (fields->hour > 24 || fields->minute > 59 || fields->second > 60 ||
        (fields->hour == 24 && (fields->minute > 0 || fields->second > 0 || fields->micro > 0)))
        return READ_RANGE;
    return READ_OK;
}

/* ---- words --------------------------------------------------------------------------------- */

/* Beginnings of words that the server knows in dates, and we do not read. */
static bool may_be_known(const char *text, size_t size)
{
    static const char *const words[] = {
        "now", "tod", "tom", "yes", "all", "jan", "feb", "mar", "apr", "may", "jun", "jul",
        "aug", "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
        "am",  "pm",  "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "cet", "cest",
    };

    if (memchr(text, '/', size))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);

        for (size_t at = 0; at + length <= size; at++) {
            bool begins =
                at == 0 || !((text[at - 1] | 32) >= 'a' && (text[at - 1] | 32) <= 'z');

            if (begins && strncasecmp(text + at, words[i], length) == 0)
                return true;
        }
    }
    return false;
}

static int refuse(const struct pg_type *type, enum reading reading, const char *text,
                  size_t size, struct err *err)
{
    if (reading == READ_RANGE)
        return err_set(err, -ERANGE, "date/time field value out of range: \"%.*s\"", (int)size,
                       text);
    if (reading == READ_ZONE)
        return err_set(err, -EDOM, "time zone displacement out of range: \"%.*s\"", (int)size,
                       text);
    if (may_be_known(text, size))
        return err_set(err, -ENOTSUP,
                       "'%.*s' is not read as %s here; write it as in "
                       "'1999-01-08 04:05:06'",
                       (int)size, text, type->name);
    return pg_bad_syntax(type, text, size, err);
}

static bool read_word(const struct pg_type *type, const char *text, size_t size, int64_t *ret)
{
    pg_trim(&text, &size);
    if (type->oid == TIME_OID)
        return false;
    if (size == 8 && strncasecmp(text, "infinity", size) == 0)
        *ret = INT64_MAX;
    else if (size == 9 && strncasecmp(text, "-infinity", size) == 0)
        *ret = INT64_MIN;
    else if (size == 5 && strncasecmp(text, "epoch", size) == 0)
        *ret = (days_of(1970, 1, 1) - EPOCH_DAYS) * (type->oid == DATE_OID ? 1 : DAY);
    else
        return false;
    return true;
}

/* ---- values -------------------------------------------------------------------------------- */

static int64_t micro_of(const struct fields *fields)
{
    return ((fields->hour * INT64_C(60) + fields->minute) * 60 + fields->second) * SECOND +
           fields->micro;
}

static int out_of_range(const struct pg_type *type, const char *text, size_t size,
                        struct err *err)
{
    return err_set(err, -ERANGE, "%s out of range: \"%.*s\"",
                   type->oid == DATE_OID ? "date" : "timestamp", (int)size, text);
}

static int date_value(const struct pg_type *type, const struct fields *fields, const char *text,
                      size_t size, int64_t *ret, struct err *err)
{
    int64_t days = days_of(fields->year, fields->month, fields->day) - EPOCH_DAYS;
    int64_t zone = type->oid == TIMESTAMPTZ_OID ? fields->zone * SECOND : 0;
    int64_t micro;

    if (days < FIRST_DAY || days >= LAST_DATE || (type->oid != DATE_OID && days > LAST_DAY))
        return out_of_range(type, text, size, err);
    *ret = days;
    if (type->oid == DATE_OID)
        return 0;
    micro = days * DAY;
    if (__builtin_add_overflow(micro, micro_of(fields) - zone, &micro) ||
        micro < FIRST_DAY * DAY || micro >= LAST_MICRO)
        return out_of_range(type, text, size, err);
    *ret = micro;
    return 0;
}

int pg_time_read(const struct pg_type *type, const char *text, size_t size, int64_t *ret,
                 struct err *err)
{
    struct cursor cursor = { .at = text, .end = text + size };
    struct fields fields = { 0 };
    enum reading reading;

    if (read_word(type, text, size, ret))
        return 0;
    reading = take_all(&cursor, &fields);
    if (reading == READ_OK)
        reading = check_fields(&fields);
    if (reading == READ_OK && (type->oid == TIME_OID ? !fields.has_clock : !fields.has_date))
        reading = READ_SYNTAX;
    if (reading != READ_OK)
        return refuse(type, reading, text, size, err);
    if (type->oid != TIME_OID)
        return date_value(type, &fields, text, size, ret, err);
    *ret = micro_of(&fields);
    return *ret <= DAY ? 0 : refuse(type, READ_RANGE, text, size, err);
}

/* To `modifier` digits of a second, half away from zero. */
int64_t pg_time_round(const struct pg_type *type, int64_t value, int modifier)
{
    int64_t unit = 1;

    if (type->oid == DATE_OID || modifier < 0 || modifier >= MICRO_DIGITS ||
        value == INT64_MAX || value == INT64_MIN)
        return value;
    for (int i = modifier; i < MICRO_DIGITS; i++)
        unit *= 10;
    return (value < 0 ? value - unit / 2 : value + unit / 2) / unit * unit;
}

/* ---- writing ------------------------------------------------------------------------------- */

void pg_time_write_clock(struct buf *to, uint64_t hours, uint64_t micro)
{
    unsigned seconds = (unsigned)(micro / SECOND), rest = (unsigned)(micro % SECOND);
    int digits = MICRO_DIGITS;

    buf_printf(to, "%02llu:%02u:%02u", (unsigned long long)hours, seconds / 60, seconds % 60);
    if (rest == 0)
        return;
    for (; rest % 10 == 0; rest /= 10)
        digits--;
    buf_printf(to, ".%0*u", digits, rest);
}

static void write_date(struct buf *to, int64_t year, int month, int day)
{
    buf_printf(to, "%04lld-%02d-%02d", (long long)(year > 0 ? year : 1 - year), month, day);
}

bool pg_time_is_in_range(const struct pg_type *type, int64_t value)
{
    if (type->oid == TIME_OID)
        return value >= 0 && value <= DAY;
    if (value == INT64_MAX || value == INT64_MIN)
        return true;
    if (type->oid == DATE_OID)
        return value >= FIRST_DAY && value < LAST_DATE;
    return value >= FIRST_DAY * DAY && value < LAST_MICRO;
}

void pg_time_write(struct buf *to, const struct pg_type *type, int64_t value)
{
    int64_t days = value, micro = 0, year;
    int month, day;

    if (type->oid == TIME_OID) {
        pg_time_write_clock(to, (uint64_t)(value / HOUR), (uint64_t)(value % HOUR));
        return;
    }
    if (value == INT64_MAX || value == INT64_MIN) {
        buf_add_text(to, value > 0 ? "infinity" : "-infinity");
        return;
    }
    if (type->oid != DATE_OID) {
        days = (value >= 0 ? value : value - (DAY - 1)) / DAY;
        micro = value - days * DAY;
    }
    date_of(days + EPOCH_DAYS, &year, &month, &day);
    write_date(to, year, month, day);
    if (type->oid != DATE_OID) {
        buf_add_char(to, ' ');
        pg_time_write_clock(to, (uint64_t)(micro / HOUR), (uint64_t)(micro % HOUR));
    }
    if (type->oid == TIMESTAMPTZ_OID)
        buf_add_text(to, "+00");
    if (year <= 0)
        buf_add_text(to, " BC");
}
