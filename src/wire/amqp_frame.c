/* wire/amqp_frame.c - frames of AMQP 0-9-1, and the values that they are made of; see amqp.h. */

#include <errno.h>
#include <string.h>

#include "wire/amqp.h"

enum { HEAD = 7 };

/* ---- reading ----------------------------------------------------------------------------- */

struct amqp_cursor amqp_cursor(const void *data, size_t size)
{
    return (struct amqp_cursor){ .at = data,
                                 .end = size > 0 ? (const char *)data + size : data };
}

const char *amqp_take_bytes(struct amqp_cursor *cursor, size_t size)
{
    const char *at = cursor->at;

    if (cursor->failed || (size_t)(cursor->end - at) < size) {
        cursor->failed = true;
        return NULL;
    }
    if (size > 0)
        cursor->at += size;
    return at ? at : "";
}

uint64_t amqp_take(struct amqp_cursor *cursor, int bytes)
{
    const char *at = amqp_take_bytes(cursor, (size_t)bytes);
    uint64_t value = 0;

    for (int i = 0; at && i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

int amqp_frame_read(const char *data, size_t size, size_t frame_max, struct amqp_frame *ret)
{
    struct amqp_cursor cursor = amqp_cursor(data, size);
    uint64_t payload;

    if (size < HEAD)
        return 0;
    ret->type = (int)amqp_take(&cursor, 1);
    ret->channel = (int)amqp_take(&cursor, 2);
    payload = amqp_take(&cursor, 4);
    ret->payload = NULL;
    ret->size = payload;
    if (payload > INT32_MAX / 2 || (frame_max > 0 && payload + AMQP_FRAME_OVERHEAD > frame_max))
        return -EMSGSIZE;
    if (size - HEAD < payload + 1)
        return 0;
    ret->payload = data + HEAD;
    if ((unsigned char)data[HEAD + payload] != AMQP_FRAME_END)
        return -EPROTO;
    return (int)(payload + AMQP_FRAME_OVERHEAD);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void add_number(struct buf *to, uint64_t value, int bytes)
{
    char text[8];

    for (int i = 0; i < bytes; i++)
        text[i] = (char)(value >> (8 * (bytes - 1 - i)));
    buf_put(to, text, (size_t)bytes);
}

void amqp_add_octet(struct buf *to, unsigned value)
{
    add_number(to, value, 1);
}

void amqp_add_short(struct buf *to, unsigned value)
{
    add_number(to, value, 2);
}

void amqp_add_long(struct buf *to, uint32_t value)
{
    add_number(to, value, 4);
}

void amqp_add_longlong(struct buf *to, uint64_t value)
{
    add_number(to, value, 8);
}

void amqp_add_short_text(struct buf *to, const char *text)
{
    size_t size = text ? strnlen(text, AMQP_SHORT_MAX) : 0;

    amqp_add_octet(to, (unsigned)size);
    if (size > 0)
        buf_put(to, text, size);
}

void amqp_add_long_bytes(struct buf *to, const void *data, size_t size)
{
    amqp_add_long(to, (uint32_t)size);
    if (size > 0)
        buf_put(to, data, size);
}

size_t amqp_frame_begin(struct buf *to, int type, int channel)
{
    size_t at = to->size;

    amqp_add_octet(to, (unsigned)type);
    amqp_add_short(to, (unsigned)channel);
    amqp_add_long(to, 0);
    return at;
}

void amqp_frame_end(struct buf *to, size_t at)
{
    uint32_t size = (uint32_t)(to->size - at - HEAD);

    if (to->failed)
        return;
    for (int i = 0; i < 4; i++)
        to->data[at + 3 + (size_t)i] = (char)(size >> (8 * (3 - i)));
    amqp_add_octet(to, AMQP_FRAME_END);
}
