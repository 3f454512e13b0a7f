/* service/engine_stream.c - parsers of the engine's streams: frames of logs, lines of JSON; no input or output. */

#include <string.h>

#include "service/engine_state.h"
#include "base/hostile.h"

static bool is_head(const unsigned char *head)
{
    return head[0] <= 2 && head[1] == 0 && head[2] == 0 && head[3] == 0;
}

static size_t size_of(const unsigned char *head)
{
    return (size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7];
}

/* Gather the head. Returns how many bytes it took of them. */
static size_t take_head(struct engine_frames *frames, const char *data, size_t size)
{
    size_t want = sizeof frames->head - frames->have;

    if (want > size)
        want = size;
    memcpy(frames->head + frames->have, data, want);
    frames->have += want;
    return want;
}

/* False when a head is none. */
static bool judge(struct engine_frames *frames)
{
    frames->broken = !is_head(frames->head);
    frames->kind = FRAMES_FRAMED;
    frames->left = size_of(frames->head);
    return !frames->broken;
}

static bool feed_framed(struct engine_frames *frames, const char *data, size_t size)
{
    while (size > 0) {
        size_t taken = size;

        if (frames->have < sizeof frames->head) {
            taken = take_head(frames, data, size);
            if (frames->have == sizeof frames->head && !judge(frames))
                return false;
        } else {
            if (taken > frames->left)
                taken = frames->left;
            frames->left -= taken;
            if (taken > 0 &&
                !frames->sink(frames->arg, frames->head[0] == 2 ? 2 : 1, data, taken))
                return false;
        }
        if (frames->have == sizeof frames->head && frames->left == 0)
            frames->have = 0;
        data += taken;
        size -= taken;
    }
    return true;
}

/* What a terminal writes does not begin with three NULs; it may be shorter than a head. */
static void recognise(struct engine_frames *frames, const char *data, size_t size)
{
    for (size_t i = 0; i < size && frames->have + i < 4; i++) {
        unsigned char byte = (unsigned char)data[i];

        if (frames->have + i == 0 ? byte > 2 : byte != 0)
            frames->kind = FRAMES_RAW;
    }
}

bool engine_frames_feed(void *arg, const char *data, size_t size)
{
    struct engine_frames *frames = arg;
    size_t early = frames->have;

    if (frames->kind == FRAMES_UNKNOWN)
        recognise(frames, data, size);
    if (frames->kind != FRAMES_RAW)
        return feed_framed(frames, data, size);
    frames->have = 0;
    if (early > 0 && !frames->sink(frames->arg, 1, (const char *)frames->head, early))
        return false;
    return size == 0 || frames->sink(frames->arg, 1, data, size);
}

/* ---- lines of JSON */

static bool give(struct engine_lines *lines, const char *line, size_t size)
{
    json_t *value;
    bool more;

    while (size > 0 && strchr("\r\n\t ", line[size - 1]))
        size--;
    if (size == 0)
        return true;
    value = json_loadb(line, size, JSON_DECODE_ANY, NULL);
    if (!value) {
        lines->broken = true;
        return false;
    }
    more = lines->sink(lines->arg, value);
    json_decref(value);
    lines->ended = !more;
    return more;
}

bool engine_lines_feed(void *arg, const char *data, size_t size)
{
    struct engine_lines *lines = arg;

    for (const char *end; (end = memchr(data, '\n', size));) {
        size_t part = (size_t)(end - data) + 1;

        if (buf_add(&lines->rest, data, part) < 0)
            lines->broken = true;
        if (lines->broken || !give(lines, lines->rest.data, lines->rest.size))
            return false;
        buf_clear(&lines->rest);
        data += part;
        size -= part;
    }
    if (buf_add(&lines->rest, data, size) < 0)
        lines->broken = true;
    return !lines->broken;
}

void engine_lines_end(struct engine_lines *lines)
{
    if (!lines->broken && lines->rest.size > 0)
        give(lines, lines->rest.data, lines->rest.size);
    buf_fini(&lines->rest);
}
