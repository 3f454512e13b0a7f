/* events/event.c - the codec of the event stream; see event.h. */

#include "events/event.h"

#include <errno.h>
#include <string.h>

struct record {
    uint32_t size;
    uint8_t kind;
    uint8_t status;
    uint16_t flags;
    uint32_t node;
    uint32_t parent;
    int32_t number;
    uint32_t sizes[4];
    uint32_t spare;
    uint64_t time_ns;
    uint64_t elapsed_ns;
};

struct text text_of(const char *text)
{
    return (struct text){ text, text ? strlen(text) : 0 };
}

size_t event_size(const struct event *event)
{
    return sizeof(struct record) + event->package.size + event->test.size + event->file.size +
           event->text.size;
}

void event_write(char *to, const struct event *event)
{
    const struct text *texts[] = { &event->package, &event->test, &event->file, &event->text };
    struct record record = {
        .size = (uint32_t)(event_size(event) - sizeof record.size),
        .kind = event->kind,
        .status = event->status,
        .flags = event->flags,
        .node = event->node,
        .parent = event->parent,
        .number = event->number,
        .time_ns = event->time_ns,
        .elapsed_ns = event->elapsed_ns,
    };
    size_t at = sizeof record;

    for (int i = 0; i < 4; i++) {
        record.sizes[i] = (uint32_t)texts[i]->size;
        if (texts[i]->size > 0)
            memcpy(to + at, texts[i]->data, texts[i]->size);
        at += texts[i]->size;
    }
    memcpy(to, &record, sizeof record);
}

int event_encode(struct buf *to, const struct event *event)
{
    size_t size = event_size(event);
    char *at = size > EVENT_MAX ? NULL : buf_reserve(to, size);

    if (!at)
        return -ENOBUFS;
    event_write(at, event);
    at[size] = '\0';
    to->size += size;
    return 0;
}

long event_decode(const char *data, size_t size, struct event *ret)
{
    struct record record;
    struct text texts[4];
    size_t at = sizeof record;

    if (size < sizeof record.size)
        return 0;
    memcpy(&record.size, data, sizeof record.size);
    if (record.size < sizeof record - sizeof record.size || record.size > EVENT_MAX)
        return -EPROTO;
    if (size < record.size + sizeof record.size)
        return 0;
    memcpy(&record, data, sizeof record);
    for (int i = 0; i < 4; i++) {
        if (record.sizes[i] > record.size + sizeof record.size - at)
            return -EPROTO;
        texts[i] = (struct text){ data + at, record.sizes[i] };
        at += record.sizes[i];
    }
    if (at != record.size + sizeof record.size)
        return -EPROTO;
    *ret = (struct event){ record.kind,   record.status, record.flags,   record.node,
                           record.parent, record.number, record.time_ns, record.elapsed_ns,
                           texts[0],      texts[1],      texts[2],       texts[3] };
    return (long)at;
}
