/* base/buf.c - a growable run of bytes with a cap; see buf.h. */

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostile.h"

char *buf_reserve(struct buf *buf, size_t size)
{
    size_t want = buf->size + size + 1;
    size_t room = buf->room ? buf->room : 64;
    char *data;

    if (size > buf->cap || want > buf->cap + 1) {
        buf->failed = true;
        return NULL;
    }
    if (want <= buf->room)
        return buf->data + buf->size;
    while (room < want)
        room *= 2;
    room = HOSTILE_OR(want, room);
    data = realloc(buf->data, room);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    data[buf->size] = '\0'; /* it is text, even when the caller adds nothing */
    buf->data = data;
    buf->room = room;
    return data + buf->size;
}

int buf_add(struct buf *buf, const void *data, size_t size)
{
    char *to = buf_reserve(buf, size);

    if (!to)
        return -ENOBUFS;
    if (size > 0)
        memcpy(to, data, size);
    to[size] = '\0';
    buf->size += size;
    return 0;
}

int buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

int buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    char small[256];
    char *to;
    int size;

    va_copy(again, args);
    size = vsnprintf(small, sizeof small, format, args);
    if (size >= 0 && (size_t)size < sizeof small) {
        va_end(again);
        return buf_add(buf, small, (size_t)size);
    }
    to = size < 0 ? NULL : buf_reserve(buf, (size_t)size);
    if (to) {
        vsnprintf(to, (size_t)size + 1, format, again);
        buf->size += (size_t)size;
    }
    va_end(again);
    return to ? 0 : -ENOBUFS;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = buf_vprintf(buf, format, args);
    va_end(args);
    return r;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

void buf_drop(struct buf *buf, size_t size)
{
    if (size == 0)
        return;
    if (size < buf->size)
        memmove(buf->data, buf->data + size, buf->size - size);
    buf->size -= size;
    buf->data[buf->size] = '\0';
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data;

    *buf = BUF_INIT(buf->cap);
    return data;
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT(buf->cap);
}
