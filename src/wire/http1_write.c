/* wire/http1_write.c - bytes out of HTTP/1.1 messages; see http1.h. */

#include <errno.h>
#include <string.h>

#include "wire/http1.h"

/* All or nothing: take back what was added behind `before` when not all of it fitted. */
static int settle(struct buf *to, size_t before)
{
    if (!to->failed)
        return 0;
    to->size = before;
    return -ENOBUFS;
}

static bool are_fields(const struct http_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!http_is_field(&fields->at[i]))
            return false;
    return true;
}

static bool is_sound(const struct http_message *message)
{
    if (!are_fields(&message->fields))
        return false;
    if (!message->method)
        return message->status >= 100 && message->status <= 999 &&
               (!message->reason || !strpbrk(message->reason, "\r\n"));
    return http_is_token(message->method, strlen(message->method)) && *message->target &&
           !strpbrk(message->target, " \r\n");
}

static void write_first_line(struct buf *to, const struct http_message *message)
{
    const char version[] = { 'H', 'T', 'T', 'P',
                             '/', '1', '.', (char)('0' + message->minor % 10) };
    const char status[] = { ' ', (char)('0' + message->status / 100 % 10),
                            (char)('0' + message->status / 10 % 10),
                            (char)('0' + message->status % 10), ' ' };

    if (message->method) {
        buf_add_text(to, message->method);
        buf_add_char(to, ' ');
        buf_add_text(to, message->target);
        buf_add_char(to, ' ');
        buf_add(to, version, sizeof version);
    } else {
        buf_add(to, version, sizeof version);
        buf_add(to, status, sizeof status);
        buf_add_text(to, message->reason ? message->reason : http_reason(message->status));
    }
    buf_add_text(to, "\r\n");
}

static void write_fields(struct buf *to, const struct http_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        buf_add_text(to, fields->at[i].name);
        buf_add_text(to, ": ");
        buf_add_text(to, fields->at[i].value);
        buf_add_text(to, "\r\n");
    }
}

/* Each answer has one, and printf is slow. */
static void write_length(struct buf *to, size_t length)
{
    char digits[24];
    char *at = digits + sizeof digits;

    do
        *--at = (char)('0' + length % 10);
    while (length /= 10);
    buf_add_text(to, "Content-Length: ");
    buf_add(to, at, (size_t)(digits + sizeof digits - at));
    buf_add_text(to, "\r\n");
}

static void write_framing(struct buf *to, const struct http_message *message,
                          enum http1_framing framing)
{
    const struct http_fields *fields = &message->fields;

    if (http_value(fields, "Content-Length") || http_value(fields, "Transfer-Encoding"))
        return;
    if (framing == HTTP1_CHUNKED)
        buf_add_text(to, "Transfer-Encoding: chunked\r\n");
    else if (framing == HTTP1_SIZED && (message->body_size > 0 || !message->method))
        write_length(to, message->body_size);
}

int http1_write(struct buf *to, const struct http_message *message, enum http1_framing framing)
{
    const size_t before = to->size;

    if (!is_sound(message))
        return -EINVAL;
    write_first_line(to, message);
    write_fields(to, &message->fields);
    write_framing(to, message, framing);
    if (!message->keep_alive && message->status / 100 != 1 &&
        !http_value(&message->fields, "Connection"))
        buf_add_text(to, "Connection: close\r\n");
    buf_add_text(to, "\r\n");
    if (framing == HTTP1_SIZED && message->body_size > 0)
        buf_add(to, message->body, message->body_size);
    return settle(to, before);
}

int http1_write_chunk(struct buf *to, const void *data, size_t size)
{
    const size_t before = to->size;

    if (size == 0)
        return 0;
    buf_printf(to, "%zx\r\n", size);
    buf_add(to, data, size);
    buf_add_text(to, "\r\n");
    return settle(to, before);
}

int http1_write_last(struct buf *to, const struct http_fields *trailers)
{
    const size_t before = to->size;

    if (!are_fields(trailers))
        return -EINVAL;
    buf_add_text(to, "0\r\n");
    write_fields(to, trailers);
    buf_add_text(to, "\r\n");
    return settle(to, before);
}
