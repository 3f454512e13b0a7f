/* wire/pg_binary.c - values between the protocol's two formats; see pg_type.h. */

#include <errno.h>
#include <string.h>

#include "wire/pg_value.h"

enum {
    FLOAT4_OID = 700,
    DATE_OID = 1082,
    TIME_OID = 1083,
    INTERVAL_OID = 1186,
    JSONB_OID = 3802,
    JSONB_VERSION = 1
};

static int refuse(const struct pg_type *type, struct err *err)
{
    return err_set(err, -ENOTSUP,
                   "the binary format of type '%s' is not known here; ask for text",
                   type->name);
}

const char *pg_value_sqlstate(const struct pg_type *type, int code)
{
    bool is_time = type->kind == PG_KIND_TIME;

    if (type->element && code != -EILSEQ && code != -EBADMSG && code != -E2BIG &&
        code != -EOVERFLOW)
        return pg_value_sqlstate(pg_type_of_oid(type->element), code);
    switch (code) {
    case -EINVAL:
        return is_time ? "22007" : "22P02";
    case -ERANGE:
        return type->oid == INTERVAL_OID ? "22015" : is_time ? "22008" : "22003";
    case -EDOM: /* a zone's displacement, a digit of bytea */
        return is_time ? "22009" : "22023";
    case -EILSEQ:
        return "22021";
    case -ENODATA: /* a NUL in jsonb */
        return "22P05";
    case -EBADMSG: /* the braces of an array, and the next two */
        return "22P02";
    case -E2BIG:
        return "2202E";
    case -EOVERFLOW:
        return "54000";
    default:
        return NULL;
    }
}

/* ---- to binary ----------------------------------------------------------------------------- */

static int float_to_binary(const struct pg_type *type, const char *text, size_t size,
                           struct buf *to, struct err *err)
{
    double value;
    int r = pg_float_read(type, text, size, &value, err);
    float single = (float)value;
    uint64_t bits = 0;
    uint32_t single_bits;

    if (r < 0)
        return r;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&single_bits, &single, sizeof single_bits);
    if (type->oid == FLOAT4_OID)
        pg_put_number(to, single_bits, 4);
    else
        pg_put_number(to, bits, 8);
    return 0;
}

static int numeric_to_binary(const char *text, size_t size, struct buf *to, struct err *err)
{
    struct pg_numeric numeric;
    int r = pg_numeric_read(text, size, &numeric, err);

    if (r < 0)
        return r;
    pg_numeric_encode(to, &numeric);
    pg_numeric_fini(&numeric);
    return 0;
}

static int interval_to_binary(const struct pg_type *type, const char *text, size_t size,
                              struct buf *to, struct err *err)
{
    struct pg_interval interval;
    int r = pg_interval_read(type, text, size, &interval, err);

    if (r < 0)
        return r;
    pg_put_number(to, (uint64_t)interval.micro, 8);
    pg_put_number(to, (uint32_t)interval.days, 4);
    pg_put_number(to, (uint32_t)interval.months, 4);
    return 0;
}

static int time_to_binary(const struct pg_type *type, const char *text, size_t size,
                          struct buf *to, struct err *err)
{
    int64_t value;
    int r;

    if (type->oid == INTERVAL_OID)
        return interval_to_binary(type, text, size, to, err);
    r = pg_time_read(type, text, size, &value, err);
    if (r < 0)
        return r;
    if (type->oid == DATE_OID && (value == INT64_MAX || value == INT64_MIN))
        value = value > 0 ? INT32_MAX : INT32_MIN;
    pg_put_number(to, (uint64_t)value, type->size);
    return 0;
}

static int json_to_binary(const struct pg_type *type, const char *text, size_t size,
                          struct buf *to, struct err *err)
{
    struct buf checked = BUF_INIT(to->cap);
    int r;

    if (type->oid == JSONB_OID) {
        buf_add_char(to, JSONB_VERSION);
        return pg_json_write(text, size, PG_JSON_KEEP, to, err);
    }
    r = pg_json_write(text, size, PG_JSON_CHECK, &checked, err);
    buf_fini(&checked);
    if (r == 0)
        buf_add(to, text, size);
    return r;
}

static int element_to_binary(void *arg, const struct pg_type *element, const char *text,
                             size_t size, struct buf *to, struct err *err)
{
    (void)arg;
    return pg_to_binary(element, text, size, to, err);
}

static int encode(const struct pg_type *type, const char *text, size_t size, struct buf *to,
                  struct err *err)
{
    unsigned char uuid[16];
    int64_t number;
    bool truth;
    int r;

    switch (type->kind) {
    case PG_KIND_TEXT:
        return buf_add(to, text, size);
    case PG_KIND_BOOL:
        r = pg_bool_read(type, text, size, &truth, err);
        return r < 0 ? r : buf_add_char(to, truth);
    case PG_KIND_INT:
        r = pg_int_read(type, text, size, &number, err);
        if (r == 0)
            pg_put_number(to, (uint64_t)number, type->size);
        return r;
    case PG_KIND_UUID:
        r = pg_uuid_read(type, text, size, uuid, err);
        return r < 0 ? r : buf_add(to, uuid, sizeof uuid);
    case PG_KIND_FLOAT:
        return float_to_binary(type, text, size, to, err);
    case PG_KIND_NUMERIC:
        return numeric_to_binary(text, size, to, err);
    case PG_KIND_BYTES:
        return pg_bytea_read(type, text, size, to, err);
    case PG_KIND_TIME:
        return time_to_binary(type, text, size, to, err);
    case PG_KIND_JSON:
        return json_to_binary(type, text, size, to, err);
    case PG_KIND_ARRAY:
        return pg_array_read(text, size, pg_type_of_oid(type->element), true, element_to_binary,
                             NULL, to, err);
    }
    return refuse(type, err);
}

/* What was added before a mistake is taken back. */
int pg_to_binary(const struct pg_type *type, const char *text, size_t size, struct buf *to,
                 struct err *err)
{
    size_t before = to->size;
    int r;

    if (!type->binary)
        return refuse(type, err);
    r = pg_utf8_check(text, size, err);
    if (r < 0)
        return r;
    r = encode(type, text, size, to, err);
    if (r < 0)
        to->size = before;
    return r == 0 && to->failed ? -ENOMEM : r;
}

/* ---- to text ------------------------------------------------------------------------------- */

static void number_to_text(const struct pg_type *type, const void *data, struct buf *to)
{
    if (type->name[0] == 'o') /* oid */
        buf_printf(to, "%llu", (unsigned long long)pg_get_number(data, type->size));
    else
        buf_printf(to, "%lld", (long long)pg_get_signed(data, type->size));
}

static void float_to_text(const struct pg_type *type, const void *data, struct buf *to)
{
    uint64_t bits = pg_get_number(data, type->size);
    uint32_t single_bits = (uint32_t)bits;
    double value;
    float single;

    memcpy(&value, &bits, sizeof value);
    memcpy(&single, &single_bits, sizeof single);
    pg_float_write(to, type->size == 4 ? (double)single : value, type->size == 4);
}

static int numeric_to_text(const struct pg_type *type, const void *data, size_t size,
                           struct buf *to, struct err *err)
{
    struct pg_numeric numeric;

    if (pg_numeric_decode(data, size, &numeric) < 0)
        return pg_bad_bytes(type, err);
    pg_numeric_write(to, &numeric);
    pg_numeric_fini(&numeric);
    return 0;
}

static int time_to_text(const struct pg_type *type, const char *data, struct buf *to,
                        struct err *err)
{
    struct pg_interval interval;
    int64_t value = pg_get_signed(data, type->size == 4 ? 4 : 8);

    if (type->oid == INTERVAL_OID) {
        interval = (struct pg_interval){ .micro = value,
                                         .days = (int32_t)pg_get_signed(data + 8, 4),
                                         .months = (int32_t)pg_get_signed(data + 12, 4) };
        pg_interval_write(to, &interval);
        return 0;
    }
    if (type->oid == DATE_OID && (value == INT32_MAX || value == INT32_MIN))
        value = value > 0 ? INT64_MAX : INT64_MIN;
    if (!pg_time_is_in_range(type, value))
        return err_set(err, -ERANGE, "%s out of range",
                       type->oid == DATE_OID   ? "date"
                       : type->oid == TIME_OID ? "time"
                                               : "timestamp");
    pg_time_write(to, type, value);
    return 0;
}

static int json_to_text(const struct pg_type *type, const char *data, size_t size,
                        struct buf *to, struct err *err)
{
    if (type->oid != JSONB_OID)
        return buf_add(to, data, size);
    if (size == 0 || *data != JSONB_VERSION)
        return pg_bad_bytes(type, err);
    return pg_json_write(data + 1, size - 1, PG_JSON_KEEP, to, err);
}

static int decode(const struct pg_type *type, const void *data, size_t size, struct buf *to,
                  struct err *err)
{
    switch (type->kind) {
    case PG_KIND_TEXT:
        return buf_add(to, data, size);
    case PG_KIND_BOOL:
        return buf_add_char(to, pg_get_number(data, 1) ? 't' : 'f');
    case PG_KIND_INT:
        number_to_text(type, data, to);
        return 0;
    case PG_KIND_UUID:
        pg_uuid_write(to, data);
        return 0;
    case PG_KIND_FLOAT:
        float_to_text(type, data, to);
        return 0;
    case PG_KIND_NUMERIC:
        return numeric_to_text(type, data, size, to, err);
    case PG_KIND_BYTES:
        pg_bytea_write(to, data, size);
        return 0;
    case PG_KIND_TIME:
        return time_to_text(type, data, to, err);
    case PG_KIND_JSON:
        return json_to_text(type, data, size, to, err);
    case PG_KIND_ARRAY:
        return pg_array_decode(type, data, size, to, err);
    }
    return refuse(type, err);
}

int pg_to_text(const struct pg_type *type, const void *data, size_t size, struct buf *to,
               struct err *err)
{
    size_t before = to->size;
    int r;

    if (!type->binary)
        return refuse(type, err);
    if (type->size > 0 && type->kind != PG_KIND_TEXT && size != (size_t)type->size)
        return pg_bad_bytes(type, err);
    r = decode(type, data, size, to, err);
    if (r < 0)
        to->size = before;
    return r == 0 && to->failed ? -ENOMEM : r;
}
