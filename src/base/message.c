/* base/message.c - named byte strings in one frame; see message.h. */

#include "base/message.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/hostile.h"

static uint32_t get_u32(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

size_t message_begin(struct buf *buf)
{
    static const char size[4];
    size_t begin = buf->size;

    buf_add(buf, size, sizeof size);
    return begin;
}

int message_add(struct buf *buf, const char *key, const void *value, size_t size)
{
    size_t key_size = strlen(key);
    char head[4];

    if (key_size > 255 || size > MESSAGE_MAX) {
        buf->failed = true;
        return -EMSGSIZE;
    }
    buf_add_char(buf, (char)key_size);
    buf_add(buf, key, key_size);
    put_u32(head, (uint32_t)size);
    buf_add(buf, head, sizeof head);
    return buf_add(buf, value, size);
}

int message_add_text(struct buf *buf, const char *key, const char *text)
{
    return text ? message_add(buf, key, text, strlen(text)) : 0;
}

int message_add_int(struct buf *buf, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    return message_add_text(buf, key, text);
}

void message_end(struct buf *buf, size_t begin)
{
    if (!buf->failed)
        put_u32(buf->data + begin, (uint32_t)(buf->size - begin - 4));
}

long message_parse(const char *data, size_t size, struct message *ret)
{
    uint32_t want;

    if (size < 4)
        return 0;
    want = get_u32(data);
    if (want > MESSAGE_MAX)
        return -EPROTO;
    if (size - 4 < want)
        return 0;
    *ret = (struct message){ data + 4, want };
    return (long)want + 4;
}

int message_next(const struct message *message, size_t *at, struct message *ret_key,
                 struct message *ret_value)
{
    size_t left = message->size - *at;
    const char *p = message->data + *at;
    size_t key_size, value_size;

    if (left == 0)
        return 0;
    key_size = (unsigned char)p[0];
    if (left < 1 + key_size + 4)
        return -EPROTO;
    value_size = get_u32(p + 1 + key_size);
    if (left - 1 - key_size - 4 < value_size)
        return -EPROTO;
    *ret_key = (struct message){ p + 1, key_size };
    *ret_value = (struct message){ p + 1 + key_size + 4, value_size };
    *at += 1 + key_size + 4 + value_size;
    return 1;
}

bool message_is(const struct message *key, const char *name)
{
    return key->size == strlen(name) && memcmp(key->data, name, key->size) == 0;
}

struct message message_value(const struct message *message, const char *key)
{
    struct message name, value;
    size_t at = 0;

    while (message_next(message, &at, &name, &value) == 1)
        if (name.size == strlen(key) && memcmp(name.data, key, name.size) == 0)
            return value;
    return (struct message){ NULL, 0 };
}

char *message_text(const struct message *message, const char *key)
{
    struct message value = message_value(message, key);

    return value.data ? strndup(value.data, value.size) : NULL;
}

int64_t message_int(const struct message *message, const char *key, int64_t otherwise)
{
    struct message value = message_value(message, key);
    char text[24];

    if (!value.data || value.size == 0 || value.size >= sizeof text)
        return otherwise;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    return strtoll(text, NULL, 10);
}

int message_send(int fd, const struct buf *frame)
{
    return frame->failed ? -EMSGSIZE : io_write_all(fd, frame->data, frame->size);
}

int message_receive(int fd, struct buf *into, uint64_t deadline_ns, struct message *ret)
{
    buf_clear(into);
    for (;;) {
        long whole = message_parse(buf_text(into), into->size, ret);
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        size_t want = into->size < 4 ? 4 - into->size : get_u32(into->data) + 4 - into->size;
        char *to;
        ssize_t n;

        if (whole != 0)
            return whole < 0 ? (int)whole : 0;
        to = buf_reserve(into, want);
        if (!to)
            return -ENOBUFS;
        n = machine.poll(&wait, 1, deadline_poll_ms(deadline_ns));
        if (n == 0)
            return -ETIMEDOUT;
        if (n > 0)
            n = read(fd, to, want);
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (n > 0)
            into->size += (size_t)n;
    }
}
