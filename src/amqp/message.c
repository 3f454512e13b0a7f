/* amqp/message.c - messages as the wire has them and as the broker has them; see session.h. */

#include <stdlib.h>
#include <string.h>

#include "amqp/session.h"

enum { TEXT_MAX = 16 << 20, PERSISTENT = 2 };

/* ---- from the wire ----------------------------------------------------------------------- */

static const char *text_of(const struct amqp_properties *properties, enum amqp_property which)
{
    return properties->set & 1u << which ? properties->at[which].data : NULL;
}

static const char *read_headers(struct arena *arena, const struct amqp_value *table,
                                seam_message *ret)
{
    struct amqp_cursor cursor = amqp_cursor(table->data, table->size);
    struct buf text = BUF_INIT(TEXT_MAX);
    struct amqp_field field;
    seam_message_header *headers;
    char *types;
    size_t count = 0;

    while (amqp_table_next(&cursor, &field))
        count++;
    headers = arena_zero(arena, count * sizeof *headers + 1);
    types = arena_zero(arena, count + 1);
    cursor = amqp_cursor(table->data, table->size);
    for (size_t i = 0; amqp_table_next(&cursor, &field); i++) {
        buf_clear(&text);
        amqp_field_text(&field, &text);
        headers[i].name = arena_copy(arena, field.name, field.name_size);
        headers[i].value = arena_copy(arena, buf_text(&text), text.size);
        types[i] = amqp_type_class(field.type);
    }
    buf_fini(&text);
    ret->headers = headers;
    ret->header_count = count;
    return types;
}

const char *amqp_message_read(struct arena *arena, const struct amqp_properties *properties,
                              seam_message *ret)
{
    const struct amqp_value *at = properties->at;

    ret->persistent = at[AMQP_DELIVERY_MODE].number == PERSISTENT;
    ret->content_type = text_of(properties, AMQP_CONTENT_TYPE);
    ret->content_encoding = text_of(properties, AMQP_CONTENT_ENCODING);
    ret->priority = properties->set & 1u << AMQP_PRIORITY ? (int)at[AMQP_PRIORITY].number : -1;
    ret->correlation_id = text_of(properties, AMQP_CORRELATION_ID);
    ret->reply_to = text_of(properties, AMQP_REPLY_TO);
    ret->expiration = text_of(properties, AMQP_EXPIRATION);
    ret->message_id = text_of(properties, AMQP_MESSAGE_ID);
    ret->timestamp = (int64_t)at[AMQP_TIMESTAMP].number;
    ret->type = text_of(properties, AMQP_TYPE);
    ret->user_id = text_of(properties, AMQP_USER_ID);
    ret->app_id = text_of(properties, AMQP_APP_ID);
    if (properties->set & 1u << AMQP_HEADERS && at[AMQP_HEADERS].size > 0)
        return read_headers(arena, &at[AMQP_HEADERS], ret);
    return NULL;
}

/* ---- to the wire ------------------------------------------------------------------------- */

static void set(struct amqp_properties *properties, enum amqp_property which, const char *data,
                size_t size)
{
    properties->at[which] = (struct amqp_value){ 0, data, size };
    properties->set |= 1u << which;
}

static void set_text(struct amqp_properties *properties, enum amqp_property which,
                     const char *text)
{
    if (text)
        set(properties, which, text, strlen(text));
}

static void set_number(struct amqp_properties *properties, enum amqp_property which,
                       uint64_t number)
{
    properties->at[which] = (struct amqp_value){ number, "", 0 };
    properties->set |= 1u << which;
}

static void write_headers(struct arena *arena, const seam_message *message,
                          struct amqp_properties *ret)
{
    struct buf table = BUF_INIT(TEXT_MAX);

    for (size_t i = 0; i < message->header_count; i++)
        if (strncmp(message->headers[i].name, "x-death", sizeof "x-death") != 0 &&
            strncmp(message->headers[i].name, "x-first-death-", 14) != 0)
            amqp_add_field_text(&table, message->headers[i].name, message->headers[i].value);
    if (table.size > 0)
        set(ret, AMQP_HEADERS, arena_copy(arena, table.data, table.size), table.size);
    buf_fini(&table);
}

/* Of a message that a test has sent: its headers are all texts. */
static void from_message(struct arena *arena, const seam_message *message,
                         struct amqp_properties *ret)
{
    *ret = (struct amqp_properties){ 0 };
    set_text(ret, AMQP_CONTENT_TYPE, message->content_type);
    set_text(ret, AMQP_CONTENT_ENCODING, message->content_encoding);
    write_headers(arena, message, ret);
    if (message->persistent)
        set_number(ret, AMQP_DELIVERY_MODE, PERSISTENT);
    if (message->priority > 0)
        set_number(ret, AMQP_PRIORITY, (uint64_t)message->priority);
    set_text(ret, AMQP_CORRELATION_ID, message->correlation_id);
    set_text(ret, AMQP_REPLY_TO, message->reply_to);
    set_text(ret, AMQP_EXPIRATION, message->expiration);
    set_text(ret, AMQP_MESSAGE_ID, message->message_id);
    if (message->timestamp)
        set_number(ret, AMQP_TIMESTAMP, (uint64_t)message->timestamp);
    set_text(ret, AMQP_TYPE, message->type);
    set_text(ret, AMQP_USER_ID, message->user_id);
    set_text(ret, AMQP_APP_ID, message->app_id);
}

/* ---- deaths ------------------------------------------------------------------------------ */

static void add_keys(struct buf *table, const char *key)
{
    struct buf keys = BUF_INIT(1 << 12);

    buf_add_char(&keys, 'S');
    amqp_add_long_bytes(&keys, key, strlen(key));
    amqp_add_field_bytes(table, "routing-keys", 'A', keys.data, keys.size);
    buf_fini(&keys);
}

static void add_expiration(struct buf *table, const struct broker_death *death)
{
    if (death->expiration)
        amqp_add_field_text(table, "original-expiration", death->expiration);
}

/* The fields in RabbitMQ's order, which is that of their names from the second death on. */
static void add_death(struct buf *list, const struct broker_death *death)
{
    struct buf table = BUF_INIT(1 << 16);

    amqp_add_field_number(&table, "count", 'l', death->count);
    if (death->is_first) {
        amqp_add_field_text(&table, "reason", death->reason);
        amqp_add_field_text(&table, "queue", death->queue);
        amqp_add_field_number(&table, "time", 'T', death->time_s);
        amqp_add_field_text(&table, "exchange", death->exchange);
        add_keys(&table, death->key);
        add_expiration(&table, death);
    } else {
        amqp_add_field_text(&table, "exchange", death->exchange);
        add_expiration(&table, death);
        amqp_add_field_text(&table, "queue", death->queue);
        amqp_add_field_text(&table, "reason", death->reason);
        add_keys(&table, death->key);
        amqp_add_field_number(&table, "time", 'T', death->time_s);
    }
    buf_add_char(list, 'F');
    amqp_add_long_bytes(list, table.data, table.size);
    buf_fini(&table);
}

/* The broker has set it when the message died first. */
static void add_first(struct buf *table, const struct amqp_value *old,
                      const seam_message *message, const char *name)
{
    const char *text = seam_message_header_value(message, name);
    struct amqp_field field;

    if (text && !amqp_table_find(old->data, old->size, name, &field))
        amqp_add_field_text(table, name, text);
}

/* The header x-death where it was, or last. */
static void add_deaths(struct arena *arena, const struct broker_death *deaths,
                       const seam_message *message, struct amqp_properties *properties)
{
    const struct amqp_value old = properties->set & 1u << AMQP_HEADERS
                                      ? properties->at[AMQP_HEADERS]
                                      : (struct amqp_value){ .data = "" };
    struct amqp_cursor cursor = amqp_cursor(old.data, old.size);
    struct buf list = BUF_INIT(TEXT_MAX), table = BUF_INIT(TEXT_MAX);
    struct amqp_field field;
    bool is_there = false;

    for (const struct broker_death *death = deaths; death; death = death->next)
        add_death(&list, death);
    while (amqp_table_next(&cursor, &field)) {
        bool is_it = field.name_size == 7 && memcmp(field.name, "x-death", 7) == 0;

        is_there = is_there || is_it;
        if (is_it)
            amqp_add_field_bytes(&table, "x-death", 'A', list.data, list.size);
        else
            amqp_add_field(&table, &field);
    }
    if (!is_there)
        amqp_add_field_bytes(&table, "x-death", 'A', list.data, list.size);
    add_first(&table, &old, message, "x-first-death-exchange");
    add_first(&table, &old, message, "x-first-death-queue");
    add_first(&table, &old, message, "x-first-death-reason");
    set(properties, AMQP_HEADERS, arena_copy(arena, table.data, table.size), table.size);
    buf_fini(&list);
    buf_fini(&table);
}

const char *amqp_message_properties(struct arena *arena, const seam_message *delivered,
                                    size_t *ret_size)
{
    struct broker_attached attached = broker_attached(delivered);
    struct amqp_properties properties;
    struct buf bytes = BUF_INIT(TEXT_MAX);
    const char *copy;

    if (attached.data && !attached.deaths) {
        *ret_size = attached.size;
        return attached.data;
    }
    if (!attached.data ||
        amqp_properties_read(arena, attached.data, attached.size, &properties) < 0)
        from_message(arena, delivered, &properties);
    if (attached.deaths) {
        add_deaths(arena, attached.deaths, delivered, &properties);
        properties.set &= ~(1u << AMQP_EXPIRATION);
    }
    amqp_properties_write(&bytes, &properties);
    *ret_size = bytes.size;
    copy = arena_copy(arena, buf_text(&bytes), bytes.size);
    buf_fini(&bytes);
    return copy;
}
