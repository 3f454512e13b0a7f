/*
 * wire/pg_value.h - values of single types in both formats; inner to pg_binary.c, pg_canonical.c and what they call.
 *
 * Readers take a text of `size` bytes. They return 0, or set the server's words and return -EINVAL (its syntax),
 * -ERANGE (its range), -ENOTSUP (the server may know it, we do not), or what else pg_value_sqlstate knows.
 */
#ifndef WIRE_PG_VALUE_H
#define WIRE_PG_VALUE_H

#include "wire/pg_type.h"

int pg_bad_syntax(const struct pg_type *type, const char *text, size_t size, struct err *err);
int pg_bad_bytes(const struct pg_type *type,
                 struct err *err); /* binary data of a wrong size or form */

int pg_utf8_check(const char *text, size_t size, struct err *err); /* -EILSEQ */

/* The text without white space around it. */
void pg_trim(const char **text, size_t *size);

void pg_put_number(struct buf *to, uint64_t value,
                   int bytes); /* the first byte is the highest */
uint64_t pg_get_number(const void *data, int bytes);
int64_t pg_get_signed(const void *data, int bytes);

/* ---- pg_number.c: whole numbers, truths, floating point */

int pg_int_read(const struct pg_type *type, const char *text, size_t size, int64_t *ret,
                struct err *err);
int pg_bool_read(const struct pg_type *type, const char *text, size_t size, bool *ret,
                 struct err *err);
int pg_float_read(const struct pg_type *type, const char *text, size_t size, double *ret,
                  struct err *err);
double pg_fraction(const char **at,
                   const char *end); /* the digits behind a point, and go behind them */
int64_t pg_rounded(double value); /* half to the even neighbour */
void pg_float_write(struct buf *to, double value, bool single); /* the server's shortest text */

/* ---- pg_numeric.c */

struct pg_numeric {
    char special; /* 'N' NaN, '+' and '-' infinity; 0: a number */
    bool negative;
    struct buf digits; /* before the point and behind it, without leading zeros */
    size_t whole; /* of them before the point */
    size_t scale; /* behind it */
};

int pg_numeric_read(const char *text, size_t size, struct pg_numeric *ret, struct err *err);
int pg_numeric_round(struct pg_numeric *numeric, int modifier, struct err *err);
void pg_numeric_write(struct buf *to, const struct pg_numeric *numeric);
void pg_numeric_encode(struct buf *to, const struct pg_numeric *numeric);
int pg_numeric_decode(const void *data, size_t size, struct pg_numeric *ret);
bool pg_numeric_is_same(const struct pg_numeric *a, const struct pg_numeric *b);
void pg_numeric_fini(struct pg_numeric *numeric);

/* ---- pg_time.c: date, time, timestamp, timestamptz: days or microseconds, from 2000-01-01 where it is a date.
 * INT64_MAX and INT64_MIN are infinity and -infinity, also of a date. */

int pg_time_read(const struct pg_type *type, const char *text, size_t size, int64_t *ret,
                 struct err *err);
int64_t pg_time_round(const struct pg_type *type, int64_t value, int modifier);
/* Whether the type has such a value; INT64_MAX and INT64_MIN are the infinities. */
bool pg_time_is_in_range(const struct pg_type *type, int64_t value);
void pg_time_write(struct buf *to, const struct pg_type *type, int64_t value);
void pg_time_write_clock(struct buf *to, uint64_t hours,
                         uint64_t micro); /* 04:05:06.5; micro below an hour */

/* ---- pg_interval.c */

struct pg_interval {
    int64_t micro;
    int32_t days, months;
};
int pg_interval_read(const struct pg_type *type, const char *text, size_t size,
                     struct pg_interval *ret, struct err *err);
void pg_interval_write(struct buf *to, const struct pg_interval *interval);

/* ---- pg_bytes.c: bytea and uuid, as bytes */

int pg_bytea_read(const struct pg_type *type, const char *text, size_t size, struct buf *to,
                  struct err *err);
void pg_bytea_write(struct buf *to, const void *data, size_t size);
int pg_uuid_read(const struct pg_type *type, const char *text, size_t size,
                 unsigned char ret[16], struct err *err);
void pg_uuid_write(struct buf *to, const unsigned char uuid[16]);

/* ---- pg_array.c: one array in another form, element by element */

/* Called for each element, NULL for SQL's NULL; adds it to `to`. */
typedef int pg_element_fn(void *arg, const struct pg_type *element, const char *text,
                          size_t size, struct buf *to, struct err *err);
int pg_array_read(const char *text, size_t size, const struct pg_type *element, bool binary,
                  pg_element_fn *fn, void *arg, struct buf *to, struct err *err);
int pg_array_decode(const struct pg_type *type, const void *data, size_t size, struct buf *to,
                    struct err *err);

/* ---- pg_json.c: JSON as jsonb keeps it */

enum pg_json_mode {
    PG_JSON_CHECK, /* whether it is JSON; what is written is of no use */
    PG_JSON_KEEP, /* re-spaced, keys in order and once each, numbers with their scale */
    PG_JSON_VALUE /* the same, with numbers by value alone: 1.0 is 1 */
};
int pg_json_write(const char *text, size_t size, enum pg_json_mode mode, struct buf *to,
                  struct err *err);

#endif
