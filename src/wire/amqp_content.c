/* wire/amqp_content.c - contents of AMQP 0-9-1: the header with its properties, and the body; see amqp.h. */

#include <errno.h>
#include <string.h>

#include "wire/amqp.h"

enum { CLASS_BASIC = 60, FIRST_BIT = 15 };

/* S short text, t table, o octet, T time; the first has the highest flag. */
static const struct {
    const char *name;
    char type;
} properties_of_basic[AMQP_PROPERTIES] = {
    [AMQP_CONTENT_TYPE] = { "content-type", 'S' },
    [AMQP_CONTENT_ENCODING] = { "content-encoding", 'S' },
    [AMQP_HEADERS] = { "headers", 't' },
    [AMQP_DELIVERY_MODE] = { "delivery-mode", 'o' },
    [AMQP_PRIORITY] = { "priority", 'o' },
    [AMQP_CORRELATION_ID] = { "correlation-id", 'S' },
    [AMQP_REPLY_TO] = { "reply-to", 'S' },
    [AMQP_EXPIRATION] = { "expiration", 'S' },
    [AMQP_MESSAGE_ID] = { "message-id", 'S' },
    [AMQP_TIMESTAMP] = { "timestamp", 'T' },
    [AMQP_TYPE] = { "type", 'S' },
    [AMQP_USER_ID] = { "user-id", 'S' },
    [AMQP_APP_ID] = { "app-id", 'S' },
    [AMQP_CLUSTER_ID] = { "cluster-id", 'S' },
};

const char *amqp_property_name(enum amqp_property property)
{
    return properties_of_basic[property].name;
}

/* ---- reading ----------------------------------------------------------------------------- */

static void take_property(struct arena *arena, struct amqp_cursor *cursor, char type,
                          struct amqp_value *ret)
{
    size_t size;
    const char *data;

    *ret = (struct amqp_value){ .data = "" };
    if (type == 'o' || type == 'T') {
        ret->number = amqp_take(cursor, type == 'o' ? 1 : 8);
        return;
    }
    size = amqp_take(cursor, type == 'S' ? 1 : 4);
    data = amqp_take_bytes(cursor, size);
    if (!data)
        return;
    ret->data = arena_copy(arena, data, size);
    ret->size = size;
    if (type == 't' && amqp_table_check(data, size, 0) < 0)
        cursor->failed = true;
}

int amqp_properties_read(struct arena *arena, const void *data, size_t size,
                         struct amqp_properties *ret)
{
    struct amqp_cursor cursor = amqp_cursor(data, size);
    unsigned flags = (unsigned)amqp_take(&cursor, 2);

    *ret = (struct amqp_properties){ 0 };
    if (flags & 3) /* more flags follow, or one that no property has */
        return -EPROTO;
    for (int i = 0; i < AMQP_PROPERTIES && !cursor.failed; i++)
        if (flags & 1u << (FIRST_BIT - i)) {
            take_property(arena, &cursor, properties_of_basic[i].type, &ret->at[i]);
            ret->set |= 1u << i;
        }
    return cursor.failed || cursor.at != cursor.end ? -EPROTO : 0;
}

int amqp_content_read(struct arena *arena, const void *payload, size_t size,
                      struct amqp_content *ret)
{
    struct amqp_cursor cursor = amqp_cursor(payload, size);

    *ret = (struct amqp_content){ .class_id = (int)amqp_take(&cursor, 2) };
    amqp_take(&cursor, 2); /* the weight */
    ret->body_size = amqp_take(&cursor, 8);
    if (cursor.failed)
        return -EPROTO;
    ret->raw_size = (size_t)(cursor.end - cursor.at);
    ret->raw = arena_copy(arena, cursor.at, ret->raw_size);
    return amqp_properties_read(arena, cursor.at, ret->raw_size, &ret->properties);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void add_property(struct buf *to, char type, const struct amqp_value *value)
{
    if (type == 'o')
        amqp_add_octet(to, (unsigned)value->number);
    else if (type == 'T')
        amqp_add_longlong(to, value->number);
    else if (type == 'S')
        amqp_add_short_text(to, value->data);
    else
        amqp_add_long_bytes(to, value->data, value->size);
}

void amqp_properties_write(struct buf *to, const struct amqp_properties *properties)
{
    unsigned flags = 0;

    for (int i = 0; i < AMQP_PROPERTIES; i++)
        if (properties->set & 1u << i)
            flags |= 1u << (FIRST_BIT - i);
    amqp_add_short(to, flags);
    for (int i = 0; i < AMQP_PROPERTIES; i++)
        if (properties->set & 1u << i)
            add_property(to, properties_of_basic[i].type, &properties->at[i]);
}

void amqp_add_content(struct buf *to, int channel, const void *properties,
                      size_t properties_size, const void *body, size_t size, size_t frame_max)
{
    size_t at = amqp_frame_begin(to, AMQP_FRAME_HEADER, channel);
    size_t most = frame_max > 0 ? frame_max - AMQP_FRAME_OVERHEAD : size;

    amqp_add_short(to, CLASS_BASIC);
    amqp_add_short(to, 0);
    amqp_add_longlong(to, size);
    buf_add(to, properties, properties_size);
    amqp_frame_end(to, at);
    for (size_t sent = 0; sent < size;) {
        size_t piece = size - sent < most ? size - sent : most;

        at = amqp_frame_begin(to, AMQP_FRAME_BODY, channel);
        buf_add(to, (const char *)body + sent, piece);
        amqp_frame_end(to, at);
        sent += piece;
    }
}
