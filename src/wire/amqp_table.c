/* wire/amqp_table.c - field tables of AMQP 0-9-1 in RabbitMQ's types; see amqp.h. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "wire/amqp.h"

/* How many bytes a value of a type has; -1: its size stands in front of it; -2: there is no such type. */
static int width_of(char type)
{
    static const struct {
        const char *types;
        int width;
    } widths[] = { { "V", 0 }, { "tbB", 1 }, { "su", 2 },   { "Iif", 4 },
                   { "D", 5 }, { "lTd", 8 }, { "SxFA", -1 } };

    for (size_t i = 0; type && i < sizeof widths / sizeof *widths; i++)
        if (strchr(widths[i].types, type))
            return widths[i].width;
    return -2;
}

/* ---- reading ----------------------------------------------------------------------------- */

bool amqp_array_next(struct amqp_cursor *cursor, struct amqp_field *ret)
{
    int width;

    if (cursor->failed || cursor->at == cursor->end)
        return false;
    ret->type = (char)amqp_take(cursor, 1);
    width = width_of(ret->type);
    if (width == -2)
        cursor->failed = true;
    ret->size = width == -1 ? amqp_take(cursor, 4) : width < 0 ? 0 : (size_t)width;
    ret->data = amqp_take_bytes(cursor, ret->size);
    return !cursor->failed;
}

bool amqp_table_next(struct amqp_cursor *cursor, struct amqp_field *ret)
{
    if (cursor->failed || cursor->at == cursor->end)
        return false;
    ret->name_size = amqp_take(cursor, 1);
    ret->name = amqp_take_bytes(cursor, ret->name_size);
    if (cursor->at == cursor->end)
        cursor->failed = true;
    return !cursor->failed && amqp_array_next(cursor, ret);
}

static int check(const void *data, size_t size, int depth, bool is_array)
{
    struct amqp_cursor cursor = amqp_cursor(data, size);
    struct amqp_field field = { 0 };
    int r = depth > AMQP_TABLE_DEPTH ? -EPROTO : 0;

    while (r == 0 &&
           (is_array ? amqp_array_next(&cursor, &field) : amqp_table_next(&cursor, &field)))
        if (field.type == 'F' || field.type == 'A')
            r = check(field.data, field.size, depth + 1, field.type == 'A');
    return cursor.failed ? -EPROTO : r;
}

int amqp_table_check(const void *data, size_t size, int depth)
{
    return check(data, size, depth, false);
}

bool amqp_table_find(const void *data, size_t size, const char *name, struct amqp_field *ret)
{
    struct amqp_cursor cursor = amqp_cursor(data, size);

    while (amqp_table_next(&cursor, ret))
        if (ret->name_size == strlen(name) && memcmp(ret->name, name, ret->name_size) == 0)
            return true;
    return false;
}

bool amqp_field_number(const struct amqp_field *field, int64_t *ret)
{
    struct amqp_cursor cursor = amqp_cursor(field->data, field->size);
    uint64_t value;

    if (!field->type || !strchr("tbBsuIilT", field->type))
        return false;
    value = amqp_take(&cursor, (int)field->size);
    if (strchr("bsIl", field->type) && field->size < 8 &&
        value >> (field->size * 8 - 1)) /* it is below 0 */
        value |= ~UINT64_C(0) << (field->size * 8);
    *ret = (int64_t)value;
    return true;
}

static const struct {
    char type;
    const char *name;
} type_names[] = { { 'S', "longstr" },       { 'I', "signedint" },    { 't', "bool" },
                   { 'b', "byte" },          { 'B', "unsignedbyte" }, { 's', "short" },
                   { 'u', "unsignedshort" }, { 'i', "unsignedint" },  { 'l', "long" },
                   { 'T', "timestamp" },     { 'd', "double" },       { 'f', "float" },
                   { 'D', "decimal" },       { 'F', "table" },        { 'A', "array" },
                   { 'x', "binary" },        { 'V', "void" } };

const char *amqp_type_name(char type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return "";
}

char amqp_type_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (strcmp(type_names[i].name, name) == 0)
            return type_names[i].type;
    return '\0';
}

char amqp_type_class(char type)
{
    if (type && strchr("bBsuIilT", type))
        return 'I';
    return type == 'x' ? 'S' : type;
}

/* ---- showing ----------------------------------------------------------------------------- */

static double to_double(const struct amqp_field *field)
{
    struct amqp_cursor cursor = amqp_cursor(field->data, field->size);
    uint64_t bits = amqp_take(&cursor, (int)field->size);
    uint32_t half = (uint32_t)bits;
    double wide;
    float narrow;

    memcpy(&wide, &bits, sizeof wide);
    memcpy(&narrow, &half, sizeof narrow);
    return field->type == 'f' ? (double)narrow : wide;
}

static void add_decimal(const struct amqp_field *field, struct buf *to)
{
    struct amqp_cursor cursor = amqp_cursor(field->data, field->size);
    int scale = (int)amqp_take(&cursor, 1);
    uint32_t value = (uint32_t)amqp_take(&cursor, 4);

    buf_printf(to, "%" PRIu32 "e-%d", value, scale);
}

static void add_json_text(const char *data, size_t size, struct buf *to)
{
    buf_add_char(to, '"');
    for (size_t i = 0; i < size; i++)
        if (data[i] == '"' || data[i] == '\\')
            buf_printf(to, "\\%c", data[i]);
        else if ((unsigned char)data[i] < ' ')
            buf_printf(to, "\\u%04x", (unsigned)(unsigned char)data[i]);
        else
            buf_add_char(to, data[i]);
    buf_add_char(to, '"');
}

static void add_json(const struct amqp_field *field, struct buf *to)
{
    bool is_array = field->type == 'A';
    struct amqp_cursor cursor = amqp_cursor(field->data, field->size);
    struct amqp_field inner;
    const char *comma = "";

    if (field->type == 'S' || field->type == 'x') {
        add_json_text(field->data, field->size, to);
        return;
    }
    if (!is_array && field->type != 'F') {
        amqp_field_text(field, to);
        return;
    }
    buf_add_char(to, is_array ? '[' : '{');
    while (is_array ? amqp_array_next(&cursor, &inner) : amqp_table_next(&cursor, &inner)) {
        buf_add_text(to, comma);
        if (!is_array) {
            add_json_text(inner.name, inner.name_size, to);
            buf_add_char(to, ':');
        }
        add_json(&inner, to);
        comma = ",";
    }
    buf_add_char(to, is_array ? ']' : '}');
}

void amqp_field_text(const struct amqp_field *field, struct buf *to)
{
    int64_t number;

    if (field->type == 'S' || field->type == 'x')
        buf_add(to, field->data, field->size);
    else if (field->type == 'F' || field->type == 'A')
        add_json(field, to);
    else if (field->type == 'V')
        buf_add_text(to, "null");
    else if (field->type == 't')
        buf_add_text(to, *field->data ? "true" : "false");
    else if (field->type == 'D')
        add_decimal(field, to);
    else if (amqp_field_number(field, &number))
        buf_printf(to, "%" PRId64, number);
    else
        buf_printf(to, "%.17g", to_double(field));
}

static void show(const void *data, size_t size, bool is_array, struct buf *to)
{
    struct amqp_cursor cursor = amqp_cursor(data, size);
    struct amqp_field field;
    const char *comma = "";

    buf_add_char(to, is_array ? '[' : '{');
    while (is_array ? amqp_array_next(&cursor, &field) : amqp_table_next(&cursor, &field)) {
        if (is_array)
            buf_printf(to, "%s%c=", comma, field.type);
        else
            buf_printf(to, "%s%.*s:%c=", comma, (int)field.name_size, field.name, field.type);
        if (field.type == 'F' || field.type == 'A')
            show(field.data, field.size, field.type == 'A', to);
        else
            amqp_field_text(&field, to);
        comma = ",";
    }
    buf_add_char(to, is_array ? ']' : '}');
}

void amqp_table_show(const void *data, size_t size, struct buf *to)
{
    show(data, size, false, to);
}

/* ---- writing ----------------------------------------------------------------------------- */

void amqp_add_field_bytes(struct buf *to, const char *name, char type, const void *data,
                          size_t size)
{
    amqp_add_short_text(to, name);
    buf_add_char(to, type);
    amqp_add_long_bytes(to, data, size);
}

void amqp_add_field_text(struct buf *to, const char *name, const char *text)
{
    amqp_add_field_bytes(to, name, 'S', text, strlen(text));
}

void amqp_add_field_number(struct buf *to, const char *name, char type, int64_t number)
{
    int width = width_of(type);

    amqp_add_short_text(to, name);
    buf_add_char(to, type);
    for (int i = width - 1; i >= 0; i--)
        amqp_add_octet(to, (unsigned)((uint64_t)number >> (8 * i) & 0xff));
}

void amqp_add_field_bool(struct buf *to, const char *name, bool value)
{
    amqp_add_field_number(to, name, 't', value);
}

void amqp_add_field(struct buf *to, const struct amqp_field *field)
{
    amqp_add_octet(to, (unsigned)field->name_size);
    buf_add(to, field->name, field->name_size);
    buf_add_char(to, field->type);
    if (width_of(field->type) == -1)
        amqp_add_long_bytes(to, field->data, field->size);
    else
        buf_add(to, field->data, field->size);
}
