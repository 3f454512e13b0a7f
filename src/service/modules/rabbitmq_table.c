/* service/modules/rabbitmq_table.c - AMQP's field tables and JSON; see rabbitmq_table.h. */

#include "service/modules/rabbitmq_table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

amqp_bytes_t rabbitmq_bytes(const char *text)
{
    return text ? amqp_cstring_bytes(text) : amqp_empty_bytes;
}

static amqp_bytes_t keep(amqp_pool_t *pool, const char *text)
{
    amqp_bytes_t bytes = { 0 };

    amqp_pool_alloc_bytes(pool, strlen(text), &bytes);
    if (bytes.bytes)
        memcpy(bytes.bytes, text, bytes.len);
    return bytes;
}

static int add(struct rabbitmq_table *table, const char *name, amqp_field_value_t value)
{
    if (table->count == RABBITMQ_TABLE_MAX)
        return -E2BIG;
    table->entries[table->count++] = (amqp_table_entry_t){ keep(table->pool, name), value };
    return 0;
}

int rabbitmq_table_text(struct rabbitmq_table *table, const char *name, const char *value)
{
    amqp_field_value_t field = { .kind = AMQP_FIELD_KIND_UTF8 };

    field.value.bytes = keep(table->pool, value);
    return add(table, name, field);
}

int rabbitmq_table_number(struct rabbitmq_table *table, const char *name, int64_t value)
{
    return add(table, name,
               (amqp_field_value_t){ .kind = AMQP_FIELD_KIND_I64, .value.i64 = value });
}

amqp_table_t rabbitmq_table_end(struct rabbitmq_table *table)
{
    return (amqp_table_t){ table->count, table->entries };
}

/* ---- from JSON -------------------------------------------------------------------------- */

static amqp_field_value_t from_json(amqp_pool_t *pool, json_t *json);

static amqp_field_value_t from_object(amqp_pool_t *pool, json_t *json)
{
    amqp_field_value_t value = { .kind = AMQP_FIELD_KIND_TABLE };
    size_t size = json_object_size(json);
    amqp_table_entry_t *entry = amqp_pool_alloc(pool, (size + 1) * sizeof *entry);
    const char *key;
    json_t *member;

    value.value.table = (amqp_table_t){ (int)size, entry };
    json_object_foreach(json, key, member) *entry++ =
        (amqp_table_entry_t){ keep(pool, key), from_json(pool, member) };
    return value;
}

static amqp_field_value_t from_array(amqp_pool_t *pool, json_t *json)
{
    amqp_field_value_t value = { .kind = AMQP_FIELD_KIND_ARRAY };
    size_t size = json_array_size(json);
    amqp_field_value_t *entries = amqp_pool_alloc(pool, (size + 1) * sizeof *entries);

    value.value.array = (amqp_array_t){ (int)size, entries };
    for (size_t i = 0; i < size; i++)
        entries[i] = from_json(pool, json_array_get(json, i));
    return value;
}

static amqp_field_value_t from_json(amqp_pool_t *pool, json_t *json)
{
    amqp_field_value_t value = { .kind = AMQP_FIELD_KIND_VOID };

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return from_object(pool, json);
    case JSON_ARRAY:
        return from_array(pool, json);
    case JSON_STRING:
        value.kind = AMQP_FIELD_KIND_UTF8;
        value.value.bytes = keep(pool, json_string_value(json));
        break;
    case JSON_INTEGER:
        value.kind = AMQP_FIELD_KIND_I64;
        value.value.i64 = json_integer_value(json);
        break;
    case JSON_REAL:
        value.kind = AMQP_FIELD_KIND_F64;
        value.value.f64 = json_real_value(json);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value.kind = AMQP_FIELD_KIND_BOOLEAN;
        value.value.boolean = json_is_true(json);
        break;
    case JSON_NULL:
        break;
    }
    return value;
}

int rabbitmq_table_json(struct rabbitmq_table *table, const char *json, struct err *err)
{
    json_error_t fault;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &fault), *member;
    const char *key;
    int r = 0;

    if (!json_is_object(root)) {
        r = err_set(err, -EINVAL, "the arguments are no JSON object: %s",
                    root ? "it is another value" : fault.text);
        json_decref(root);
        return r;
    }
    json_object_foreach(root, key, member) if (r == 0) r =
        add(table, key, from_json(table->pool, member));
    json_decref(root);
    return r < 0 ? err_set(err, r, "there are more than %d arguments", RABBITMQ_TABLE_MAX) : 0;
}

/* ---- to text ---------------------------------------------------------------------------- */

static json_t *to_json(const amqp_field_value_t *value);

static json_t *table_to_json(const amqp_table_t *table)
{
    json_t *object = json_object();

    for (int i = 0; i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];
        char *key = strndup(entry->key.bytes, entry->key.len);

        if (key)
            json_object_set_new(object, key, to_json(&entry->value));
        free(key);
    }
    return object;
}

static json_t *array_to_json(const amqp_array_t *array)
{
    json_t *list = json_array();

    for (int i = 0; i < array->num_entries; i++)
        json_array_append_new(list, to_json(&array->entries[i]));
    return list;
}

/* Whether it is an integer, and which. */
static bool integer_of(const amqp_field_value_t *value, int64_t *ret)
{
    switch (value->kind) {
    case AMQP_FIELD_KIND_I8:
        *ret = value->value.i8;
        return true;
    case AMQP_FIELD_KIND_U8:
        *ret = value->value.u8;
        return true;
    case AMQP_FIELD_KIND_I16:
        *ret = value->value.i16;
        return true;
    case AMQP_FIELD_KIND_U16:
        *ret = value->value.u16;
        return true;
    case AMQP_FIELD_KIND_I32:
        *ret = value->value.i32;
        return true;
    case AMQP_FIELD_KIND_U32:
        *ret = value->value.u32;
        return true;
    case AMQP_FIELD_KIND_I64:
        *ret = value->value.i64;
        return true;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
        *ret = (int64_t)value->value.u64;
        return true;
    default:
        return false;
    }
}

static json_t *to_json(const amqp_field_value_t *value)
{
    int64_t number;
    json_t *text;

    if (integer_of(value, &number))
        return json_integer(number);
    switch (value->kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
        return json_boolean(value->value.boolean);
    case AMQP_FIELD_KIND_F32:
        return json_real((double)value->value.f32);
    case AMQP_FIELD_KIND_F64:
        return json_real(value->value.f64);
    case AMQP_FIELD_KIND_TABLE:
        return table_to_json(&value->value.table);
    case AMQP_FIELD_KIND_ARRAY:
        return array_to_json(&value->value.array);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        text = json_stringn(value->value.bytes.bytes, value->value.bytes.len);
        return text ? text : json_null();
    default:
        return json_null();
    }
}

void rabbitmq_value_text(const amqp_field_value_t *value, struct buf *ret)
{
    json_t *json;
    char *text;

    if (value->kind == AMQP_FIELD_KIND_UTF8 || value->kind == AMQP_FIELD_KIND_BYTES) {
        buf_add(ret, value->value.bytes.bytes, value->value.bytes.len);
        return;
    }
    json = to_json(value);
    text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text)
        buf_add_text(ret, text);
    free(text);
    json_decref(json);
}
