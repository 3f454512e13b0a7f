/* wire/pg_same.c - whether two texts are one value; see pg_type.h. */

#include <math.h>
#include <string.h>

#include "wire/pg_value.h"

enum { VALUE_CAP = 64 << 20 };

struct pair {
    const char *a, *b;
    size_t a_size, b_size;
};

static bool is_same_text(const struct pair *pair)
{
    return pair->a_size == pair->b_size && memcmp(pair->a, pair->b, pair->a_size) == 0;
}

/* Writes a value in a form that is the same for the same values. */
typedef int write_form(const struct pg_type *type, const char *text, size_t size,
                       struct buf *to);

/* What has no such form is compared as text. */
static bool is_same_form(const struct pg_type *type, const struct pair *pair, write_form *write)
{
    struct buf a = BUF_INIT(VALUE_CAP), b = BUF_INIT(VALUE_CAP);
    bool same;

    if (write(type, pair->a, pair->a_size, &a) == 0 &&
        write(type, pair->b, pair->b_size, &b) == 0)
        same = a.size == b.size && memcmp(buf_text(&a), buf_text(&b), a.size) == 0;
    else
        same = is_same_text(pair);
    buf_fini(&a);
    buf_fini(&b);
    return same;
}

/* As the server writes it. */
static int write_canonical(const struct pg_type *type, const char *text, size_t size,
                           struct buf *to)
{
    return pg_canonical(type, -1, text, size, to, NULL);
}

/* -1: at least one of them is none. */
static int compare_numerics(const struct pair *pair)
{
    struct pg_numeric a, b;
    int same;

    if (pg_numeric_read(pair->a, pair->a_size, &a, NULL) < 0)
        return -1;
    if (pg_numeric_read(pair->b, pair->b_size, &b, NULL) < 0) {
        pg_numeric_fini(&a);
        return -1;
    }
    same = pg_numeric_is_same(&a, &b);
    pg_numeric_fini(&a);
    pg_numeric_fini(&b);
    return same;
}

static bool is_same_number(const struct pair *pair)
{
    int same = compare_numerics(pair);

    return same < 0 ? is_same_text(pair) : same == 1;
}

static bool is_same_float(const struct pg_type *type, const struct pair *pair)
{
    double a, b;

    if (pg_float_read(type, pair->a, pair->a_size, &a, NULL) < 0 ||
        pg_float_read(type, pair->b, pair->b_size, &b, NULL) < 0)
        return is_same_text(pair);
    return a == b || (isnan(a) && isnan(b));
}

/* An instant, whatever the zone. */
static bool is_same_time(const struct pg_type *type, const struct pair *pair)
{
    int64_t a, b;

    if (strcmp(type->name, "interval") == 0)
        return is_same_form(type, pair, write_canonical);
    if (pg_time_read(type, pair->a, pair->a_size, &a, NULL) < 0 ||
        pg_time_read(type, pair->b, pair->b_size, &b, NULL) < 0)
        return is_same_text(pair);
    return a == b;
}

static int write_json(const struct pg_type *type, const char *text, size_t size, struct buf *to)
{
    (void)type;
    return pg_json_write(text, size, PG_JSON_VALUE, to, NULL);
}

/* Behind character(n)'s last letter blanks do not count. */
static bool is_same_padded(struct pair pair)
{
    while (pair.a_size > 0 && pair.a[pair.a_size - 1] == ' ')
        pair.a_size--;
    while (pair.b_size > 0 && pair.b[pair.b_size - 1] == ' ')
        pair.b_size--;
    return is_same_text(&pair);
}

/* ---- arrays: their elements in a form that is the same for the same values ------------------ */

static int write_value(void *arg, const struct pg_type *element, const char *text, size_t size,
                       struct buf *to, struct err *err)
{
    struct pg_numeric numeric;

    (void)arg;
    if (element->kind == PG_KIND_JSON)
        return pg_json_write(text, size, PG_JSON_VALUE, to, err);
    if (element->kind == PG_KIND_TIME && strcmp(element->name, "interval") != 0)
        return pg_to_binary(element, text, size, to, err);
    if (element->kind != PG_KIND_NUMERIC)
        return pg_canonical(element, -1, text, size, to, err);
    if (pg_numeric_read(text, size, &numeric, err) < 0)
        return -1;
    while (numeric.scale > 0 && numeric.digits.data[numeric.digits.size - 1] == '0') {
        numeric.digits.size--;
        numeric.scale--;
    }
    pg_numeric_write(to, &numeric);
    pg_numeric_fini(&numeric);
    return 0;
}

static int write_array(const struct pg_type *type, const char *text, size_t size,
                       struct buf *to)
{
    return pg_array_read(text, size, pg_type_of_oid(type->element), false, write_value, NULL,
                         to, NULL);
}

bool pg_same_value(const struct pg_type *type, const char *a, size_t a_size, const char *b,
                   size_t b_size)
{
    const struct pair pair = { .a = a, .b = b, .a_size = a_size, .b_size = b_size };

    if (!type)
        return is_same_number(&pair);
    switch (type->kind) {
    case PG_KIND_TEXT:
        return strcmp(type->name, "bpchar") == 0 ? is_same_padded(pair) : is_same_text(&pair);
    case PG_KIND_NUMERIC:
    case PG_KIND_INT:
        return is_same_number(&pair);
    case PG_KIND_FLOAT:
        return is_same_float(type, &pair);
    case PG_KIND_TIME:
        return is_same_time(type, &pair);
    case PG_KIND_JSON:
        return is_same_form(type, &pair, write_json);
    case PG_KIND_ARRAY:
        return is_same_form(type, &pair, write_array);
    case PG_KIND_BOOL:
    case PG_KIND_BYTES:
    case PG_KIND_UUID:
        break;
    }
    return is_same_form(type, &pair, write_canonical);
}
