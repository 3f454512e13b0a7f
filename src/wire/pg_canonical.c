/* wire/pg_canonical.c - values as the server would write them; see pg_type.h. */

#include <errno.h>
#include <string.h>

#include "wire/pg_value.h"

enum {
    NAME_BYTES = 63,
    TIMESTAMPTZ_OID = 1184,
    INTERVAL_OID = 1186,
    JSON_OID = 114,
    NAME_OID = 19
};
enum { BPCHAR_OID = 1042, VARCHAR_OID = 1043, FLOAT4_OID = 700 };

struct canonical {
    const struct pg_type *type;
    int modifier;
    const char *text;
    size_t size;
    struct buf *to;
    struct err *err;
};

/* ---- text ---------------------------------------------------------------------------------- */

/* The bytes of the first `characters` of UTF-8; *ret_count is how many there are, if fewer. */
static size_t measure(const char *text, size_t size, size_t characters, size_t *ret_count)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++) {
        bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;

        if (begins && count == characters) {
            *ret_count = count;
            return i;
        }
        count += begins;
    }
    *ret_count = count;
    return size;
}

/* As a cast does: varchar(n) is cut, character(n) also filled up. A name is cut by bytes. */
static int write_text(const struct canonical *one)
{
    size_t limit = one->modifier >= 4 ? (size_t)one->modifier - 4 : one->size;
    size_t count, size = one->size;

    if (one->type->oid == NAME_OID && size > NAME_BYTES)
        for (size = NAME_BYTES; size > 0 && ((unsigned char)one->text[size] & 0xc0) == 0x80;)
            size--;
    if (one->type->oid != BPCHAR_OID && one->type->oid != VARCHAR_OID)
        return buf_add(one->to, one->text, size);
    size = measure(one->text, size, limit, &count);
    buf_add(one->to, one->text, size);
    if (one->type->oid == BPCHAR_OID && one->modifier >= 4)
        for (; count < limit && !one->to->failed; count++)
            buf_add_char(one->to, ' ');
    return 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int write_bool(const struct canonical *one)
{
    bool value;
    int r = pg_bool_read(one->type, one->text, one->size, &value, one->err);

    return r < 0 ? r : buf_add_char(one->to, value ? 't' : 'f');
}

static int write_int(const struct canonical *one)
{
    int64_t value;
    int r = pg_int_read(one->type, one->text, one->size, &value, one->err);

    return r < 0 ? r : buf_printf(one->to, "%lld", (long long)value);
}

static int write_float(const struct canonical *one)
{
    double value;
    int r = pg_float_read(one->type, one->text, one->size, &value, one->err);

    if (r == 0)
        pg_float_write(one->to, value, one->type->oid == FLOAT4_OID);
    return r;
}

static int write_numeric(const struct canonical *one)
{
    struct pg_numeric numeric;
    int r = pg_numeric_read(one->text, one->size, &numeric, one->err);

    if (r < 0)
        return r;
    r = pg_numeric_round(&numeric, one->modifier, one->err);
    if (r == 0)
        pg_numeric_write(one->to, &numeric);
    pg_numeric_fini(&numeric);
    return r;
}

/* ---- times --------------------------------------------------------------------------------- */

static int write_interval(const struct canonical *one)
{
    struct pg_interval value;
    int r = pg_interval_read(one->type, one->text, one->size, &value, one->err);

    if (r < 0)
        return r;
    if (one->modifier >= 0)
        value.micro = pg_time_round(one->type, value.micro, one->modifier & 0xffff);
    pg_interval_write(one->to, &value);
    return 0;
}

static bool is_zone(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return false;
    return size == 2 || size == 5;
}

/* "1999-01-08 04:05:06.5+02" as a server in that zone writes it: the same clock in UTC. */
static bool is_of_a_zone(const char *text, size_t size, struct buf *ret_as_utc)
{
    size_t zone = size;

    while (zone > 0 && text[zone - 1] != '+' && text[zone - 1] != '-')
        zone--;
    if (zone == 0 || !memchr(text, ':', zone) || !is_zone(text + zone, size - zone))
        return false;
    buf_add(ret_as_utc, text, zone - 1);
    buf_add_text(ret_as_utc, "+00");
    return true;
}

/* What has a zone stays in it when it is written as the server does; else it is UTC. */
static bool keeps_zone(const struct canonical *one)
{
    struct buf as_utc = BUF_INIT(200), written = BUF_INIT(200);
    int64_t value;
    bool keeps = one->type->oid == TIMESTAMPTZ_OID && one->size < 100 &&
                 is_of_a_zone(one->text, one->size, &as_utc) &&
                 pg_time_read(one->type, buf_text(&as_utc), as_utc.size, &value, NULL) == 0;

    if (keeps) {
        pg_time_write(&written, one->type, pg_time_round(one->type, value, one->modifier));
        keeps = strcmp(buf_text(&written), buf_text(&as_utc)) == 0;
    }
    buf_fini(&as_utc);
    buf_fini(&written);
    return keeps;
}

static int write_time(const struct canonical *one)
{
    int64_t value;
    int r;

    if (one->type->oid == INTERVAL_OID)
        return write_interval(one);
    r = pg_time_read(one->type, one->text, one->size, &value, one->err);
    if (r < 0)
        return r;
    if (keeps_zone(one))
        return buf_add(one->to, one->text, one->size);
    pg_time_write(one->to, one->type, pg_time_round(one->type, value, one->modifier));
    return 0;
}

/* ---- others -------------------------------------------------------------------------------- */

static int write_bytes(const struct canonical *one)
{
    struct buf bytes = BUF_INIT(one->to->cap);
    int r = pg_bytea_read(one->type, one->text, one->size, &bytes, one->err);

    if (r == 0)
        pg_bytea_write(one->to, buf_text(&bytes), bytes.size);
    buf_fini(&bytes);
    return r;
}

static int write_uuid(const struct canonical *one)
{
    unsigned char uuid[16];
    int r = pg_uuid_read(one->type, one->text, one->size, uuid, one->err);

    if (r == 0)
        pg_uuid_write(one->to, uuid);
    return r;
}

/* json keeps its text. */
static int write_json(const struct canonical *one)
{
    struct buf checked = BUF_INIT(one->to->cap);
    int r;

    if (one->type->oid != JSON_OID)
        return pg_json_write(one->text, one->size, PG_JSON_KEEP, one->to, one->err);
    r = pg_json_write(one->text, one->size, PG_JSON_CHECK, &checked, one->err);
    buf_fini(&checked);
    return r < 0 ? r : buf_add(one->to, one->text, one->size);
}

static int write_element(void *arg, const struct pg_type *element, const char *text,
                         size_t size, struct buf *to, struct err *err)
{
    return pg_canonical(element, *(int *)arg, text, size, to, err);
}

static int write_array(const struct canonical *one)
{
    int modifier = one->modifier;

    return pg_array_read(one->text, one->size, pg_type_of_oid(one->type->element), false,
                         write_element, &modifier, one->to, one->err);
}

int pg_canonical(const struct pg_type *type, int modifier, const char *text, size_t size,
                 struct buf *to, struct err *err)
{
    static int (*const writers[])(const struct canonical *one) = {
        [PG_KIND_TEXT] = write_text,       [PG_KIND_BOOL] = write_bool,
        [PG_KIND_INT] = write_int,         [PG_KIND_FLOAT] = write_float,
        [PG_KIND_NUMERIC] = write_numeric, [PG_KIND_BYTES] = write_bytes,
        [PG_KIND_TIME] = write_time,       [PG_KIND_UUID] = write_uuid,
        [PG_KIND_JSON] = write_json,       [PG_KIND_ARRAY] = write_array,
    };
    const struct canonical one = {
        .type = type, .modifier = modifier, .text = text, .size = size, .to = to, .err = err
    };
    size_t before = to->size;
    int r = writers[type->kind](&one);

    if (r < 0)
        to->size = before;
    return r == 0 && to->failed ? -ENOMEM : r;
}
