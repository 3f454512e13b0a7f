/* service/modules/rabbitmq_message.c - messages as fields of requests and answers; see rabbitmq_message.h. */

#include "service/modules/rabbitmq_message.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { POOL_PAGE = 4096, PERSISTENT = 2, HEADER_MAX = 1 << 20 };

/* The properties that are texts: under which name, behind which flag, where. */
static const struct {
    const char *name;
    amqp_flags_t flag;
    size_t offset;
} texts[] = {
    { "content_type", AMQP_BASIC_CONTENT_TYPE_FLAG,
      offsetof(amqp_basic_properties_t, content_type) },
    { "content_encoding", AMQP_BASIC_CONTENT_ENCODING_FLAG,
      offsetof(amqp_basic_properties_t, content_encoding) },
    { "correlation_id", AMQP_BASIC_CORRELATION_ID_FLAG,
      offsetof(amqp_basic_properties_t, correlation_id) },
    { "reply_to", AMQP_BASIC_REPLY_TO_FLAG, offsetof(amqp_basic_properties_t, reply_to) },
    { "expiration", AMQP_BASIC_EXPIRATION_FLAG, offsetof(amqp_basic_properties_t, expiration) },
    { "message_id", AMQP_BASIC_MESSAGE_ID_FLAG, offsetof(amqp_basic_properties_t, message_id) },
    { "type", AMQP_BASIC_TYPE_FLAG, offsetof(amqp_basic_properties_t, type) },
    { "user_id", AMQP_BASIC_USER_ID_FLAG, offsetof(amqp_basic_properties_t, user_id) },
    { "app_id", AMQP_BASIC_APP_ID_FLAG, offsetof(amqp_basic_properties_t, app_id) },
};

static amqp_bytes_t bytes_of(const struct message *value)
{
    return (amqp_bytes_t){ value->size, (void *)(uintptr_t)value->data };
}

/* A name and behind it its value. */
static int read_headers(const struct message *request, struct rabbitmq_table *headers)
{
    struct message key, value;
    size_t at = 0;
    amqp_table_entry_t *entry = NULL;

    while (message_next(request, &at, &key, &value) == 1) {
        if (message_is(&key, "header_name")) {
            if (headers->count == RABBITMQ_TABLE_MAX)
                return -E2BIG;
            entry = &headers->entries[headers->count++];
            *entry = (amqp_table_entry_t){ bytes_of(&value), { .kind = AMQP_FIELD_KIND_VOID } };
        } else if (message_is(&key, "header_value") && entry) {
            entry->value.kind = AMQP_FIELD_KIND_UTF8;
            entry->value.value.bytes = bytes_of(&value);
        }
    }
    return 0;
}

int rabbitmq_properties_read(const struct message *request, struct rabbitmq_properties *ret)
{
    amqp_basic_properties_t *amqp = &ret->amqp;
    int64_t priority = message_int(request, "priority", -1);
    int r;

    *ret = (struct rabbitmq_properties){ 0 };
    init_amqp_pool(&ret->pool, POOL_PAGE);
    ret->headers.pool = &ret->pool;
    amqp->_flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    amqp->delivery_mode = PERSISTENT;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct message value = message_value(request, texts[i].name);

        if (!value.data)
            continue;
        amqp->_flags |= texts[i].flag;
        *(amqp_bytes_t *)(void *)((char *)amqp + texts[i].offset) = bytes_of(&value);
    }
    if (priority >= 0) {
        amqp->_flags |= AMQP_BASIC_PRIORITY_FLAG;
        amqp->priority = (uint8_t)priority;
    }
    r = read_headers(request, &ret->headers);
    amqp->headers = rabbitmq_table_end(&ret->headers);
    if (ret->headers.count > 0)
        amqp->_flags |= AMQP_BASIC_HEADERS_FLAG;
    return r;
}

void rabbitmq_properties_fini(struct rabbitmq_properties *properties)
{
    empty_amqp_pool(&properties->pool);
}

static void add_headers(const amqp_table_t *headers, struct buf *reply)
{
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_table_entry_t *entry = &headers->entries[i];
        struct buf value = BUF_INIT(HEADER_MAX);

        rabbitmq_value_text(&entry->value, &value);
        message_add(reply, "header_name", entry->key.bytes, entry->key.len);
        message_add(reply, "header_value", buf_text(&value), value.size);
        buf_fini(&value);
    }
}

void rabbitmq_message_add(amqp_bytes_t exchange, amqp_bytes_t key, bool redelivered,
                          uint64_t tag, const amqp_message_t *message, struct buf *reply)
{
    const amqp_basic_properties_t *amqp = &message->properties;

    message_add(reply, "exchange", exchange.bytes ? exchange.bytes : "", exchange.len);
    message_add(reply, "key", key.bytes ? key.bytes : "", key.len);
    message_add(reply, "body", message->body.bytes ? message->body.bytes : "",
                message->body.len);
    message_add_int(reply, "redelivered", redelivered);
    message_add_int(reply, "tag", (int64_t)tag);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const amqp_bytes_t *text =
            (const amqp_bytes_t *)(const void *)((const char *)amqp + texts[i].offset);

        if (amqp->_flags & texts[i].flag)
            message_add(reply, texts[i].name, text->bytes ? text->bytes : "", text->len);
    }
    if (amqp->_flags & AMQP_BASIC_DELIVERY_MODE_FLAG)
        message_add_int(reply, "persistent", amqp->delivery_mode == PERSISTENT);
    if (amqp->_flags & AMQP_BASIC_PRIORITY_FLAG)
        message_add_int(reply, "priority", amqp->priority);
    if (amqp->_flags & AMQP_BASIC_TIMESTAMP_FLAG)
        message_add_int(reply, "timestamp", (int64_t)amqp->timestamp);
    if (amqp->_flags & AMQP_BASIC_HEADERS_FLAG)
        add_headers(&amqp->headers, reply);
}
