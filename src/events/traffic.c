/* events/traffic.c - the last exchanges of a (sub)test; see traffic.h. */

#include "events/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct traffic_line {
    uint64_t offset_us;
    uint64_t elapsed_ns;
    size_t size;
    size_t room; /* for the text */
    bool served;
    char text[];
};

/* The line in that slot, with room for so much; NULL when memory ends. */
static struct traffic_line *make_line(struct traffic_line **slot, size_t size)
{
    struct traffic_line *line = *slot;

    if (line && line->room >= size)
        return line;
    free(line);
    line = *slot = malloc(sizeof *line + size);
    if (line)
        line->room = size;
    return line;
}

void traffic_add(struct traffic *traffic, const struct event *event)
{
    size_t size = event->text.size < TRAFFIC_TEXT_MAX ? event->text.size : TRAFFIC_TEXT_MAX;
    struct traffic_line **slot, *line;

    if (!traffic->ring)
        traffic->ring = calloc(TRAFFIC_KEPT, sizeof(struct traffic_line *));
    slot = traffic->ring ? &traffic->ring[traffic->count % TRAFFIC_KEPT] : NULL;
    traffic->count++;
    if (!slot)
        return;
    line = make_line(slot, size);
    if (!line)
        return;
    line->offset_us = event->number > 0 ? (uint64_t)event->number : 0;
    line->elapsed_ns = event->elapsed_ns;
    line->served = event->flags & EVENT_SERVED;
    line->size = size;
    if (size > 0)
        memcpy(line->text, event->text.data, size);
}

void traffic_fini(struct traffic *traffic)
{
    for (int i = 0; traffic->ring && i < TRAFFIC_KEPT; i++)
        free(traffic->ring[i]);
    free(traffic->ring);
    *traffic = (struct traffic){ 0 };
}

/* ---- printing */

/* "0.4 ms", "12 ms", "1.5 s": two figures, or all before the point. */
enum { TIME_MAX = 32 };
static int write_time(char to[TIME_MAX], uint64_t us, bool tenths)
{
    if (us >= 10000000)
        return snprintf(to, TIME_MAX, "%.1f s", (double)us / 1e6);
    return snprintf(to, TIME_MAX, tenths ? "%.1f ms" : "%.0f ms", (double)us / 1e3);
}

/* The next line of *text, which becomes the rest. */
static struct text take_line(struct text *text)
{
    const char *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    struct text line = { text->data, end ? (size_t)(end - text->data) : text->size };
    size_t taken = line.size + (end ? 1 : 0);

    text->data += taken;
    text->size -= taken;
    return line;
}

static void add_text(struct buf *to, const char *before, struct text text, const char *behind)
{
    if (text.size == 0)
        return;
    buf_add_text(to, before);
    buf_add(to, text.data, text.size);
    buf_add_text(to, behind);
}

/* How long the answer took is told where it was long. */
static void add_elapsed(struct buf *to, uint64_t elapsed_ns)
{
    enum { LONG_NS = 100000000 };
    char time[TIME_MAX];

    if (elapsed_ns < LONG_NS)
        return;
    write_time(time, elapsed_ns / 1000, false);
    buf_printf(to, " in %s", time);
}

static void print_line(const struct traffic_line *line, struct buf *to, int width, int depth)
{
    struct text rest = { line->text, line->size };
    struct text what = take_line(&rest);
    struct text answer = take_line(&rest);
    struct text note = take_line(&rest);
    char time[TIME_MAX];

    write_time(time, line->offset_us, true);
    buf_printf(to, "%*s%*s  %s", 4 * depth + 8, "", width, time, line->served ? "served " : "");
    buf_add(to, what.data, what.size);
    buf_add_text(to, answer.size > 0 ? "  -> " : "  -> no answer");
    buf_add(to, answer.data, answer.size);
    add_elapsed(to, line->elapsed_ns);
    add_text(to, "  (", note, ")");
    add_text(to, "  ", take_line(&rest), "");
    buf_add_char(to, '\n');
}

/* How wide the widest time is. */
static int time_width(const struct traffic *traffic)
{
    int widest = 0;

    for (int i = 0; i < TRAFFIC_KEPT; i++) {
        char time[TIME_MAX];
        int width = traffic->ring[i] ? write_time(time, traffic->ring[i]->offset_us, true) : 0;

        widest = width > widest ? width : widest;
    }
    return widest;
}

void traffic_print(const struct traffic *traffic, struct buf *to, int depth)
{
    uint32_t kept = traffic->count < TRAFFIC_KEPT ? traffic->count : TRAFFIC_KEPT;
    int width;

    if (!traffic->ring)
        return;
    width = time_width(traffic);
    buf_printf(to, "%*straffic (last %u of %u):\n", 4 * depth + 4, "", kept, traffic->count);
    for (uint32_t i = traffic->count - kept; i < traffic->count; i++)
        if (traffic->ring[i % TRAFFIC_KEPT])
            print_line(traffic->ring[i % TRAFFIC_KEPT], to, width, depth);
}
