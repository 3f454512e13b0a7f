/*
 * runner/stream.c - a test's two pipes become one ordered stream of events.
 *
 * The event pipe has records; the output pipe has raw bytes, with a mark wherever an event belongs
 * between bytes (test/emit.c). A marked event waits for its mark; an unmarked one stands before all
 * output that has not been placed yet. So events are read first and output second.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "runner/attempt.h"
#include "runner/ending.h"

enum { OUTPUT_KEPT_S = 24 * 3600 }; /* files of earlier runs */
enum { PAUSE_NS = 1000000 };
enum {
    READ_SIZE = 64 << 10,
    OUTPUT_IN_MEMORY = 1 << 20,
    OUTPUT_TAIL = 2 << 10,
    EVENTS_MAX = EVENT_MAX + (1 << 20),
    UNPLACED_MAX = 8 << 20
};

/* ---- open nodes */

const char *stream_current(const struct attempt *attempt)
{
    return attempt->open ? attempt->open->name : attempt->test ? attempt->test->name : "";
}

static void open_node(struct attempt *attempt, uint32_t id, struct text name)
{
    struct node *node = malloc(sizeof *node + name.size + 1);

    if (!node)
        arena_give_up(sizeof *node);
    *node = (struct node){ .outer = attempt->open, .id = id };
    memcpy(node->name, name.data, name.size);
    node->name[name.size] = '\0';
    attempt->open = node;
}

static void close_node(struct attempt *attempt, uint32_t id)
{
    for (struct node **at = &attempt->open; *at; at = &(*at)->outer)
        if ((*at)->id == id) {
            struct node *node = *at;

            *at = node->outer;
            free(node);
            return;
        }
}

void stream_close_nodes(struct attempt *attempt, enum verdict verdict)
{
    while (attempt->open) {
        struct event end = { .kind = EVENT_END,
                             .status = (uint8_t)verdict,
                             .node = attempt->open->id,
                             .test = text_of(attempt->open->name) };

        attempt_emit(attempt, &end);
        close_node(attempt, attempt->open->id);
    }
}

/* ---- output */

static void write_file(struct attempt *attempt, const char *data, size_t size)
{
    if (attempt->output_error == 0)
        attempt->output_error = io_write_all(attempt->output_file, data, size);
}

/* Too much for memory: from here on it goes to a file, with what came before. */
static void spill(struct attempt *attempt)
{
    struct run *run = attempt->agent->package->run;
    char *path = arena_printf(&run->arena, "%s/output/%s-%u.txt", run->cache, run->id,
                              ++run->output_files);

    if (run->output_files == 1)
        io_expire_files(arena_printf(&run->arena, "%s/output", run->cache), OUTPUT_KEPT_S);
    attempt->output_file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (attempt->output_file < 0)
        attempt->output_error = -errno;
    attempt->output_path = path;
    attempt->output_tail = BUF_INIT(2 * OUTPUT_TAIL);
    write_file(attempt, attempt->output_head.data, attempt->output_head.size);
    buf_fini(&attempt->output_head);
}

static void keep_tail(struct buf *tail, const char *data, size_t size)
{
    if (size > OUTPUT_TAIL) {
        data += size - OUTPUT_TAIL;
        size = OUTPUT_TAIL;
    }
    if (tail->size + size > OUTPUT_TAIL)
        buf_drop(tail, tail->size + size - OUTPUT_TAIL);
    buf_add(tail, data, size);
}

static void emit_output(struct attempt *attempt, const char *data, size_t size)
{
    struct event event = {
        .kind = EVENT_OUTPUT,
        .node = attempt->open ? attempt->open->id : EVENT_ROOT,
        .test = text_of(stream_current(attempt)),
        .text = { data, size },
    };

    if (size == 0)
        return;
    attempt->output_total += size;
    if (!attempt->output_path && attempt->output_total <= OUTPUT_IN_MEMORY) {
        attempt->output_head.cap = OUTPUT_IN_MEMORY;
        buf_add(&attempt->output_head, data, size);
        attempt_emit(attempt, &event);
        attempt->output_last = data[size - 1];
        return;
    }
    if (!attempt->output_path)
        spill(attempt);
    write_file(attempt, data, size);
    keep_tail(&attempt->output_tail, data, size);
}

/* The head went out as it came; say where all of it lies and how it ends. */
void stream_say_output(struct attempt *attempt)
{
    const char *tail = buf_text(&attempt->output_tail);
    const char *line = strchr(tail, '\n');
    struct buf words = BUF_INIT(2 * OUTPUT_TAIL + 1024);
    struct event event = { .kind = EVENT_OUTPUT,
                           .node = EVENT_ROOT,
                           .test = text_of(attempt->test->name) };

    buf_printf(&words, "%s[seam: %llu bytes of output in all, ",
               attempt->output_last == '\n' ? "" : "\n",
               (unsigned long long)attempt->output_total);
    if (attempt->output_error < 0)
        buf_printf(&words, "not all kept: cannot write %s: %s; it ends with:]\n",
                   attempt->output_path, strerror(-attempt->output_error));
    else
        buf_printf(&words, "kept in %s; it ends with:]\n", attempt->output_path);
    buf_add_text(&words, line && line[1] ? line + 1 : tail);
    event.text = (struct text){ buf_text(&words), words.size };
    if (attempt->output_tail.size > 0)
        attempt_emit(attempt, &event);
    buf_clear(&attempt->output_tail);
    buf_fini(&words);
}

/* Where the next mark begins in the unplaced output, or the end; *ret_number is its event. */
static size_t find_mark(const struct attempt *attempt, uint32_t *ret_number, bool *ret_partial)
{
    const struct run *run = attempt->agent->package->run;
    const char *data = buf_text(&attempt->output_bytes);
    size_t size = attempt->output_bytes.size;

    *ret_partial = false;
    for (size_t i = 0; i < size; i++) {
        const char *found = memchr(data + i, MARK_BYTE, size - i);
        char number[9];
        size_t known;

        if (!found)
            return size;
        i = (size_t)(found - data);
        known = size - i - 1 < MARK_NONCE ? size - i - 1 : MARK_NONCE;
        if (memcmp(found + 1, run->nonce, known) != 0)
            continue;
        if (size - i < MARK_SIZE) {
            *ret_partial = true;
            return i;
        }
        memcpy(number, found + 1 + MARK_NONCE, 8);
        number[8] = '\0';
        *ret_number = (uint32_t)strtoul(number, NULL, 16);
        return i;
    }
    return size;
}

/* Emit the output that stands before the next event: up to its mark, which is dropped. Returns whether
 * that mark was met; then what follows must wait for the event. */
static bool place_output(struct attempt *attempt)
{
    struct buf *bytes = &attempt->output_bytes;
    uint32_t next = attempt->events_seen;

    for (;;) {
        uint32_t number = 0;
        bool partial;
        size_t at = find_mark(attempt, &number, &partial);
        bool marked = !partial && at < bytes->size;

        emit_output(attempt, buf_text(bytes), at);
        if (!marked || number > next) {
            buf_drop(bytes, at);
            return false;
        }
        buf_drop(bytes, at + MARK_SIZE);
        if (number == next)
            return attempt->mark_passed = true;
    }
}

/* Through one buffer for all: what waits in an attempt's own is mostly nothing. */
static ssize_t read_into(struct attempt *attempt, struct watch *watch, struct buf *into,
                         size_t cap)
{
    static char bytes[READ_SIZE];
    ssize_t n;

    into->cap = cap;
    if (watch->fd < 0 || into->size + READ_SIZE > cap)
        return 0;
    n = read(watch->fd, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        loop_close(&attempt->agent->package->run->loop, watch);
    if (n == READ_SIZE) /* it was full, and the test may have waited for us */
        fcntl(watch->fd, F_SETPIPE_SZ, AGENT_WIDE_PIPE);
    if (n > 0 &&
        buf_add(into, bytes, (size_t)n) < 0) { /* a part is gone: no more can be believed */
        attempt->lost = true;
        ending_kill(attempt);
        return 0;
    }
    return n > 0 ? n : 0;
}

static bool read_output(struct attempt *attempt)
{
    return read_into(attempt, &attempt->output, &attempt->output_bytes, UNPLACED_MAX) > 0;
}

/* ---- events */

static void take_event(struct attempt *attempt, struct event *event)
{
    bool own = !(event->flags & EVENT_FORKED);

    if (own && event->flags & EVENT_MARKED)
        while (!attempt->mark_passed && !place_output(attempt))
            if (!read_output(attempt))
                break;
    if (own) {
        attempt->mark_passed = false;
        attempt->events_seen++;
    }
    if (event->kind == EVENT_RUN && event->node != EVENT_ROOT)
        open_node(attempt, event->node, event->test);
    attempt_take_event(attempt, event);
    if (event->kind == EVENT_END)
        close_node(attempt, event->node);
}

/* Those that have been read. */
static void decode_events(struct attempt *attempt)
{
    struct buf *bytes = &attempt->event_bytes;
    size_t at = 0;

    for (;;) {
        struct event event;
        long size = event_decode(buf_text(bytes) + at, bytes->size - at, &event);

        if (size < 0) { /* the test wrote into our pipe: no more can be understood */
            at = bytes->size;
            loop_close(&attempt->agent->package->run->loop, &attempt->events);
        }
        if (size <= 0)
            break;
        at += (size_t)size;
        take_event(attempt, &event);
    }
    buf_drop(bytes, at);
}

static void take_events(struct attempt *attempt)
{
    while (read_into(attempt, &attempt->events, &attempt->event_bytes, EVENTS_MAX) == READ_SIZE)
        ;
    decode_events(attempt);
}

static void pump(struct attempt *attempt, int turns)
{
    while (turns-- > 0) {
        take_events(attempt);
        if (attempt->mark_passed || !read_output(attempt))
            return;
        take_events(attempt);
        if (!attempt->mark_passed)
            place_output(attempt);
    }
}

/* Who speaks once mostly goes on, and each of its writes would wake us for a few bytes; so for a moment
 * the loop does not watch it. */
void stream_ready(struct watch *watch, uint32_t events)
{
    struct attempt *attempt = watch->owner;
    struct loop *loop = &attempt->agent->package->run->loop;

    (void)events;
    pump(attempt, 16);
    loop_pause(loop, &attempt->output);
    loop_pause(loop, &attempt->events);
    attempt->watch_ns = now_ns() + PAUSE_NS;
}

void stream_watch(struct attempt *attempt)
{
    struct loop *loop = &attempt->agent->package->run->loop;

    attempt->watch_ns = 0;
    if (attempt->output.fd >= 0)
        loop_add(loop, &attempt->output, attempt->output.fd, stream_ready, attempt);
    if (attempt->events.fd >= 0)
        loop_add(loop, &attempt->events, attempt->events.fd, stream_ready, attempt);
}

/* Half a record in front of them is of a process that the test forked. */
void stream_add_events(struct attempt *attempt, const char *records, size_t size)
{
    pump(attempt, 256);
    buf_clear(&attempt->event_bytes);
    buf_add(&attempt->event_bytes, records, size);
    decode_events(attempt);
}

void stream_drain(struct attempt *attempt)
{
    pump(attempt, 256);
    attempt->mark_passed = false;
    attempt->events_seen = UINT32_MAX; /* no event will come: the rest belongs here */
    place_output(attempt);
    emit_output(attempt, buf_text(&attempt->output_bytes), attempt->output_bytes.size);
    buf_clear(&attempt->output_bytes);
    if (attempt->output_path)
        stream_say_output(attempt);
}
