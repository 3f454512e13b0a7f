/* wire/amqp_method.c - methods of AMQP 0-9-1 with RabbitMQ's additions, read and written by one table; see amqp.h. */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "wire/amqp.h"

/* In the order of their ids. */
static const struct amqp_method_spec specs[] = {
    { AMQP_CONNECTION_START, "connection.start", "ootXX",
      "version-major version-minor server-properties mechanisms locales", false },
    { AMQP_CONNECTION_START_OK, "connection.start-ok", "tSXS",
      "client-properties mechanism response locale", false },
    { AMQP_CONNECTION_SECURE, "connection.secure", "X", "challenge", false },
    { AMQP_CONNECTION_SECURE_OK, "connection.secure-ok", "X", "response", false },
    { AMQP_CONNECTION_TUNE, "connection.tune", "sls", "channel-max frame-max heartbeat",
      false },
    { AMQP_CONNECTION_TUNE_OK, "connection.tune-ok", "sls", "channel-max frame-max heartbeat",
      false },
    { AMQP_CONNECTION_OPEN, "connection.open", "SSb", "virtual-host capabilities insist",
      false },
    { AMQP_CONNECTION_OPEN_OK, "connection.open-ok", "S", "known-hosts", false },
    { AMQP_CONNECTION_CLOSE, "connection.close", "sSss", "code text class method", false },
    { AMQP_CONNECTION_CLOSE_OK, "connection.close-ok", "", "", false },
    { AMQP_CONNECTION_BLOCKED, "connection.blocked", "S", "reason", false },
    { AMQP_CONNECTION_UNBLOCKED, "connection.unblocked", "", "", false },
    { AMQP_CONNECTION_UPDATE_SECRET, "connection.update-secret", "XS", "new-secret reason",
      false },
    { AMQP_CONNECTION_UPDATE_SECRET_OK, "connection.update-secret-ok", "", "", false },
    { AMQP_CHANNEL_OPEN, "channel.open", "S", "out-of-band", false },
    { AMQP_CHANNEL_OPEN_OK, "channel.open-ok", "X", "channel-id", false },
    { AMQP_CHANNEL_FLOW, "channel.flow", "b", "active", false },
    { AMQP_CHANNEL_FLOW_OK, "channel.flow-ok", "b", "active", false },
    { AMQP_CHANNEL_CLOSE, "channel.close", "sSss", "code text class method", false },
    { AMQP_CHANNEL_CLOSE_OK, "channel.close-ok", "", "", false },
    { AMQP_ACCESS_REQUEST, "access.request", "Sbbbbb",
      "realm exclusive passive active write read", false },
    { AMQP_ACCESS_REQUEST_OK, "access.request-ok", "s", "ticket", false },
    { AMQP_EXCHANGE_DECLARE, "exchange.declare", "sSSbbbbbt",
      "ticket exchange type passive durable auto-delete internal no-wait arguments", false },
    { AMQP_EXCHANGE_DECLARE_OK, "exchange.declare-ok", "", "", false },
    { AMQP_EXCHANGE_DELETE, "exchange.delete", "sSbb", "ticket exchange if-unused no-wait",
      false },
    { AMQP_EXCHANGE_DELETE_OK, "exchange.delete-ok", "", "", false },
    { AMQP_EXCHANGE_BIND, "exchange.bind", "sSSSbt",
      "ticket destination source routing-key no-wait arguments", false },
    { AMQP_EXCHANGE_BIND_OK, "exchange.bind-ok", "", "", false },
    { AMQP_EXCHANGE_UNBIND, "exchange.unbind", "sSSSbt",
      "ticket destination source routing-key no-wait arguments", false },
    { AMQP_EXCHANGE_UNBIND_OK, "exchange.unbind-ok", "", "", false },
    { AMQP_QUEUE_DECLARE, "queue.declare", "sSbbbbbt",
      "ticket queue passive durable exclusive auto-delete no-wait arguments", false },
    { AMQP_QUEUE_DECLARE_OK, "queue.declare-ok", "Sll", "queue message-count consumer-count",
      false },
    { AMQP_QUEUE_BIND, "queue.bind", "sSSSbt",
      "ticket queue exchange routing-key no-wait arguments", false },
    { AMQP_QUEUE_BIND_OK, "queue.bind-ok", "", "", false },
    { AMQP_QUEUE_PURGE, "queue.purge", "sSb", "ticket queue no-wait", false },
    { AMQP_QUEUE_PURGE_OK, "queue.purge-ok", "l", "message-count", false },
    { AMQP_QUEUE_DELETE, "queue.delete", "sSbbb", "ticket queue if-unused if-empty no-wait",
      false },
    { AMQP_QUEUE_DELETE_OK, "queue.delete-ok", "l", "message-count", false },
    { AMQP_QUEUE_UNBIND, "queue.unbind", "sSSSt", "ticket queue exchange routing-key arguments",
      false },
    { AMQP_QUEUE_UNBIND_OK, "queue.unbind-ok", "", "", false },
    { AMQP_BASIC_QOS, "basic.qos", "lsb", "prefetch-size prefetch-count global", false },
    { AMQP_BASIC_QOS_OK, "basic.qos-ok", "", "", false },
    { AMQP_BASIC_CONSUME, "basic.consume", "sSSbbbbt",
      "ticket queue consumer-tag no-local no-ack exclusive no-wait arguments", false },
    { AMQP_BASIC_CONSUME_OK, "basic.consume-ok", "S", "consumer-tag", false },
    { AMQP_BASIC_CANCEL, "basic.cancel", "Sb", "consumer-tag no-wait", false },
    { AMQP_BASIC_CANCEL_OK, "basic.cancel-ok", "S", "consumer-tag", false },
    { AMQP_BASIC_PUBLISH, "basic.publish", "sSSbb",
      "ticket exchange routing-key mandatory immediate", true },
    { AMQP_BASIC_RETURN, "basic.return", "sSSS", "code text exchange routing-key", true },
    { AMQP_BASIC_DELIVER, "basic.deliver", "SLbSS",
      "consumer-tag delivery-tag redelivered exchange routing-key", true },
    { AMQP_BASIC_GET, "basic.get", "sSb", "ticket queue no-ack", false },
    { AMQP_BASIC_GET_OK, "basic.get-ok", "LbSSl",
      "delivery-tag redelivered exchange routing-key message-count", true },
    { AMQP_BASIC_GET_EMPTY, "basic.get-empty", "S", "cluster-id", false },
    { AMQP_BASIC_ACK, "basic.ack", "Lb", "delivery-tag multiple", false },
    { AMQP_BASIC_REJECT, "basic.reject", "Lb", "delivery-tag requeue", false },
    { AMQP_BASIC_RECOVER_ASYNC, "basic.recover-async", "b", "requeue", false },
    { AMQP_BASIC_RECOVER, "basic.recover", "b", "requeue", false },
    { AMQP_BASIC_RECOVER_OK, "basic.recover-ok", "", "", false },
    { AMQP_BASIC_NACK, "basic.nack", "Lbb", "delivery-tag multiple requeue", false },
    { AMQP_CONFIRM_SELECT, "confirm.select", "b", "no-wait", false },
    { AMQP_CONFIRM_SELECT_OK, "confirm.select-ok", "", "", false },
    { AMQP_TX_SELECT, "tx.select", "", "", false },
    { AMQP_TX_SELECT_OK, "tx.select-ok", "", "", false },
    { AMQP_TX_COMMIT, "tx.commit", "", "", false },
    { AMQP_TX_COMMIT_OK, "tx.commit-ok", "", "", false },
    { AMQP_TX_ROLLBACK, "tx.rollback", "", "", false },
    { AMQP_TX_ROLLBACK_OK, "tx.rollback-ok", "", "", false },
};

enum { SPECS = sizeof specs / sizeof *specs };

const struct amqp_method_spec *amqp_spec(uint32_t id)
{
    size_t low = 0, high = SPECS;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (specs[middle].id == id)
            return &specs[middle];
        if (specs[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct amqp_method_spec *amqp_spec_named(const char *name)
{
    for (size_t i = 0; i < SPECS; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

static const struct {
    int code;
    const char *name;
} replies[] = {
    { AMQP_NO_ROUTE, "NO_ROUTE" },
    { AMQP_CONNECTION_FORCED, "CONNECTION_FORCED" },
    { AMQP_ACCESS_REFUSED, "ACCESS_REFUSED" },
    { AMQP_NOT_FOUND, "NOT_FOUND" },
    { AMQP_RESOURCE_LOCKED, "RESOURCE_LOCKED" },
    { AMQP_PRECONDITION_FAILED, "PRECONDITION_FAILED" },
    { AMQP_FRAME_ERROR, "FRAME_ERROR" },
    { AMQP_SYNTAX_ERROR, "SYNTAX_ERROR" },
    { AMQP_COMMAND_INVALID, "COMMAND_INVALID" },
    { AMQP_CHANNEL_ERROR, "CHANNEL_ERROR" },
    { AMQP_UNEXPECTED_FRAME, "UNEXPECTED_FRAME" },
    { AMQP_NOT_ALLOWED, "NOT_ALLOWED" },
    { AMQP_NOT_IMPLEMENTED, "NOT_IMPLEMENTED" },
    { AMQP_INTERNAL_ERROR, "INTERNAL_ERROR" },
};

const char *amqp_reply_name(int code)
{
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (replies[i].code == code)
            return replies[i].name;
    return "";
}

/* ---- reading ----------------------------------------------------------------------------- */

static const int widths[] = { ['o'] = 1, ['s'] = 2, ['l'] = 4, ['L'] = 8 };

static void take_bytes(struct arena *arena, struct amqp_cursor *cursor, int width,
                       struct amqp_value *ret)
{
    size_t size = amqp_take(cursor, width);
    const char *data = amqp_take_bytes(cursor, size);

    *ret = (struct amqp_value){ .data = "" };
    if (!data || cursor->failed)
        return;
    ret->data = arena_copy(arena, data, size);
    ret->size = size;
}

/* Bits that follow each other share octets. */
static unsigned take_bit(struct amqp_cursor *cursor, unsigned *octet, int *bit)
{
    if (*bit == 0)
        *octet = (unsigned)amqp_take(cursor, 1);
    *bit = (*bit + 1) % 8;
    return *octet >> ((*bit + 7) % 8) & 1;
}

static void take_values(struct arena *arena, struct amqp_cursor *cursor, const char *types,
                        struct amqp_value *values)
{
    unsigned octet = 0;
    int bit = 0;

    for (size_t i = 0; types[i]; i++) {
        values[i] = (struct amqp_value){ .data = "" };
        if (types[i] == 'b') {
            values[i].number = take_bit(cursor, &octet, &bit);
            continue;
        }
        bit = 0;
        if (types[i] == 'S' || types[i] == 'X' || types[i] == 't')
            take_bytes(arena, cursor, types[i] == 'S' ? 1 : 4, &values[i]);
        else
            values[i].number = amqp_take(cursor, widths[(unsigned char)types[i]]);
        if (types[i] == 't' && amqp_table_check(values[i].data, values[i].size, 0) < 0)
            cursor->failed = true;
    }
}

int amqp_method_read(struct arena *arena, const void *payload, size_t size,
                     struct amqp_method *ret, uint32_t *ret_id)
{
    struct amqp_cursor cursor = amqp_cursor(payload, size);

    *ret_id = (uint32_t)amqp_take(&cursor, 4);
    ret->spec = amqp_spec(*ret_id);
    if (cursor.failed)
        return -EPROTO;
    if (!ret->spec)
        return -ENOSYS;
    take_values(arena, &cursor, ret->spec->types, ret->values);
    return cursor.failed || cursor.at != cursor.end ? -EPROTO : 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

struct bits {
    unsigned octet;
    int count;
};

static void flush_bits(struct buf *to, struct bits *bits)
{
    if (bits->count > 0)
        amqp_add_octet(to, bits->octet);
    *bits = (struct bits){ 0, 0 };
}

static void add_bit(struct buf *to, struct bits *bits, bool value)
{
    bits->octet |= (unsigned)value << bits->count++;
    if (bits->count == 8)
        flush_bits(to, bits);
}

static void add_value(struct buf *to, char type, const struct amqp_value *value)
{
    switch (type) {
    case 'o':
        amqp_add_octet(to, (unsigned)value->number);
        break;
    case 's':
        amqp_add_short(to, (unsigned)value->number);
        break;
    case 'l':
        amqp_add_long(to, (uint32_t)value->number);
        break;
    case 'L':
        amqp_add_longlong(to, value->number);
        break;
    case 'S':
        amqp_add_short_text(to, value->data);
        break;
    default:
        amqp_add_long_bytes(to, value->data, value->size);
    }
}

void amqp_method_write(struct buf *to, const struct amqp_method *method)
{
    const char *types = method->spec->types;
    struct bits bits = { 0, 0 };

    amqp_add_long(to, method->spec->id);
    for (size_t i = 0; types[i]; i++) {
        if (types[i] == 'b') {
            add_bit(to, &bits, method->values[i].number != 0);
            continue;
        }
        flush_bits(to, &bits);
        add_value(to, types[i], &method->values[i]);
    }
    flush_bits(to, &bits);
}

static void take_arguments(struct amqp_method *method, va_list args)
{
    const char *types = method->spec->types;

    for (size_t i = 0; types[i]; i++) {
        struct amqp_value *value = &method->values[i];
        const struct buf *table;

        *value = (struct amqp_value){ .data = "" };
        if (types[i] == 'L')
            value->number = va_arg(args, uint64_t);
        else if (types[i] == 'X')
            value->size = va_arg(args, size_t);
        if (types[i] == 'S' || types[i] == 'X')
            value->data = va_arg(args, const char *);
        else if (types[i] == 't' && (table = va_arg(args, const struct buf *)))
            *value = (struct amqp_value){ 0, table->data, table->size };
        else if (types[i] != 't' && types[i] != 'L')
            value->number = (uint64_t)(unsigned)va_arg(args, int);
    }
}

void amqp_add_method(struct buf *to, int channel, enum amqp_method_id id, ...)
{
    struct amqp_method method = { .spec = amqp_spec(id) };
    size_t at = amqp_frame_begin(to, AMQP_FRAME_METHOD, channel);
    va_list args;

    va_start(args, id);
    take_arguments(&method, args);
    va_end(args);
    amqp_method_write(to, &method);
    amqp_frame_end(to, at);
}
