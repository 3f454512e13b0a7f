/* message.c - any bytes as frames: fields lie within their frame, and looking one up finds the first. */

#include "base/message.h"

#include "fuzz.h"

static void look_up(const struct message *frame, struct message key)
{
    struct message name, value, found;
    char text[256];
    size_t at = 0;

    if (memchr(key.data, 0, key.size))
        return;
    memcpy(text, key.data, key.size);
    text[key.size] = '\0';
    found = message_value(frame, text);
    MUST(found.data != NULL);
    while (message_next(frame, &at, &name, &value) == 1)
        if (name.size == key.size && memcmp(name.data, key.data, key.size) == 0)
            break;
    MUST(value.data == found.data && value.size == found.size);
    message_int(frame, text, 0);
    free(message_text(frame, text));
}

static void walk(const struct message *frame)
{
    struct message key, value;
    size_t at = 0;

    for (int i = 0; i < 100 && message_next(frame, &at, &key, &value) == 1; i++) {
        MUST(at <= frame->size);
        MUST(key.data >= frame->data && value.data + value.size <= frame->data + frame->size);
        look_up(frame, key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    struct message frame;
    long whole;

    while ((whole = message_parse(at, size, &frame)) > 0) {
        MUST((size_t)whole <= size && frame.size == (size_t)whole - 4);
        walk(&frame);
        at += whole;
        size -= (size_t)whole;
    }
    return 0;
}
