/*
 * http1.c - any bytes as HTTP/1.1, requests and responses: the pieces in which they come make no
 * difference, what is given keeps its limits, and a message that is written again reads the same.
 */

#include "wire/http1.h"

#include "fuzz.h"

static const struct http1_limits limits = { .line = 64, .head = 256, .fields = 6, .body = 128 };

static void same_fields(const struct http_fields *a, const struct http_fields *b, size_t from)
{
    MUST(a->count >= from && b->count >= from);
    for (size_t i = 0; i < from; i++) {
        MUST(strcmp(a->at[i].name, b->at[i].name) == 0);
        MUST(strcmp(a->at[i].value, b->at[i].value) == 0);
    }
}

/* Write what was read, with the framing that it says itself, and read that. */
static void read_again(enum http1_kind kind, const struct http_message *message)
{
    struct buf bytes = BUF_INIT(1 << 16);
    struct http_message again;
    struct http1_reader reader;
    bool chunked = http_value(&message->fields, "Transfer-Encoding") != NULL;

    if (chunked) {
        MUST(http1_write(&bytes, message, HTTP1_CHUNKED) == 0);
        MUST(http1_write_chunk(&bytes, message->body, message->body_size) == 0);
        MUST(http1_write_last(&bytes, &message->trailers) == 0);
    } else
        MUST(http1_write(&bytes, message, HTTP1_SIZED) == 0);
    http1_reader_init(&reader, kind, &http1_usual_limits);
    MUST(http1_feed(&reader, bytes.data, bytes.size) == 0);
    MUST(http1_next(&reader, &again) == HTTP1_MESSAGE);
    MUST(again.body_size == message->body_size);
    MUST(memcmp(again.body, message->body, again.body_size) == 0);
    same_fields(&message->fields, &again.fields, message->fields.count);
    MUST(!chunked || again.trailers.count == message->trailers.count);
    http1_reader_fini(&reader);
    buf_fini(&bytes);
}

static void check(enum http1_kind kind, const struct http_message *message)
{
    MUST(message->fields.count <= limits.fields && message->trailers.count <= limits.fields);
    MUST(message->body_size <= limits.body && message->body[message->body_size] == '\0');
    if (kind == HTTP1_REQUESTS || (http_has_body(NULL, message->status) && message->keep_alive))
        read_again(kind, message);
}

/* Feed pieces of `step`; *ret gets a mark for each thing that came. */
static enum http1_step read_all(enum http1_kind kind, const uint8_t *data, size_t size,
                                size_t step, struct buf *ret)
{
    struct http1_reader reader;
    struct http_message message;
    enum http1_step last = HTTP1_MORE;

    http1_reader_init(&reader, kind, &limits);
    for (size_t at = 0; at < size && last == HTTP1_MORE; at += step) {
        MUST(http1_feed(&reader, data + at, size - at < step ? size - at : step) == 0);
        while ((last = http1_next(&reader, &message)) == HTTP1_MESSAGE ||
               last == HTTP1_CONTINUE)
            if (last == HTTP1_MESSAGE) {
                check(kind, &message);
                buf_printf(ret, "%d %zu;", message.status, message.body_size);
            }
    }
    if (last == HTTP1_MORE) {
        http1_end(&reader);
        while ((last = http1_next(&reader, &message)) == HTTP1_MESSAGE)
            buf_printf(ret, "%d %zu;", message.status, message.body_size);
    }
    MUST(last != HTTP1_WRONG || (reader.error.status >= 400 && reader.error.text[0]));
    http1_reader_fini(&reader);
    return last;
}

static void read_both_ways(enum http1_kind kind, const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(1 << 20), pieces = BUF_INIT(1 << 20);
    enum http1_step a = read_all(kind, data, size, size ? size : 1, &whole);
    enum http1_step b = read_all(kind, data, size, 1, &pieces);

    MUST(a == b);
    MUST(strcmp(buf_text(&whole), buf_text(&pieces)) == 0);
    buf_fini(&whole);
    buf_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    read_both_ways(HTTP1_REQUESTS, data, size);
    read_both_ways(HTTP1_RESPONSES, data, size);
    return 0;
}
