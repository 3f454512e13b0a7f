/*
 * pg/record_proxy.c - a session that is recorded: between the program and the real server; see record.h.
 *
 *   program ── session->stream ── messages ── proxy->stream ── real server
 *
 * Neither side is read on while the other takes nothing: what waits here is bounded, whatever is asked for.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "pg/record.h"
#include "pg/session.h"
#include "test/t.h"

#include "base/hostile.h"

enum { CROWDED = 1 << 20 /* bytes that wait to be sent */, WAIT_MS = 100 };

struct record_proxy {
    struct stream stream; /* to the server; first: this is how it is known there */
    struct pg_session *session; /* NULL: the program has gone */
    struct pg_recording *recording; /* lives until the test's end, as the session does */
    struct pg_reader client, server;
    struct record_tap *tap;
    bool said_goodbye, saw_fatal;
};

static struct record_proxy *proxy_of(struct stream *stream)
{
    return (struct record_proxy *)stream;
}

static void put_frame(struct buf *to, const struct pg_frame *frame)
{
    size_t begun = pg_begin(to, frame->type);

    buf_add(to, frame->body, frame->size);
    pg_end(to, begun);
}

/* ---- from the server */

/* As the journal of a replay has them, so that a test may ask for its calls in either. */
static struct pg_argument *arguments_of(struct arena *arena, const struct record_tape *tape)
{
    struct pg_argument *arguments =
        arena_zero(arena, (tape->argument_count + 1) * sizeof *arguments);

    for (size_t i = 0; i < tape->argument_count; i++) {
        const struct record_value *value = &tape->arguments[i];

        arguments[i].data = value->kind == RECORD_REDACTED ? "REDACTED" : value->text;
        arguments[i].size = value->kind == RECORD_REDACTED ? strlen("REDACTED") : value->size;
        arguments[i].format = value->kind == RECORD_BINARY;
    }
    return arguments;
}

static void report(struct pg_session *session, const struct record_tape *tape)
{
    const struct pg_error *error = tape ? tape->error : NULL;
    struct arena arena = { 0 };
    struct pg_entry *entry;

    if (!tape || !*tape->sql)
        return;
    session->call = (struct pg_call){ .sql = tape->sql,
                                      .argument_count = tape->argument_count,
                                      .arguments = arguments_of(&arena, tape),
                                      .arena = &arena };
    entry = pg_journal_add(&session->mock->journal, session->number, &session->call);
    pg_entry_answer(entry, error ? NULL : tape->tag, error ? error->sqlstate : NULL);
    pg_entry_release(entry);
    session->note = "from the real server";
    session->begin_ns = now_ns();
    pg_report(session,
              error ? arena_printf(&arena, "%s %s", error->sqlstate, error->message)
                    : tape->tag,
              NULL, 0);
    session->note = NULL;
    session->call = (struct pg_call){ .sql = NULL };
    arena_fini(&arena);
}

static bool is_fatal(const struct pg_frame *frame)
{
    struct pg_error error;

    return frame->type == 'E' && pg_read_error(frame, &error) == 0 && error.severity &&
           strcmp(error.severity, "ERROR") != 0;
}

static void take(struct record_proxy *proxy, struct pg_session *session, const void *data,
                 size_t size)
{
    enum pg_step step = PG_MORE;
    struct pg_frame frame;

    if (pg_feed(&proxy->server, data, size) == 0)
        while ((step = pg_next(&proxy->server, &frame)) == PG_FRAME) {
            proxy->saw_fatal = proxy->saw_fatal || is_fatal(&frame);
            if (record_tap_server(proxy->tap, &frame))
                put_frame(stream_out(&session->stream), &frame);
            report(session, record_tap_ended(proxy->tap));
        }
    if (step == PG_WRONG) {
        record_fail(proxy->recording, "what the real server sends cannot be read: %s",
                    proxy->server.error);
        stream_close(&proxy->stream, true);
        return;
    }
    stream_flush(&session->stream);
    if (!proxy->stream.dead && !session->stream.dead &&
        stream_unsent(&session->stream) > CROWDED)
        stream_set_crowded(&proxy->stream, true);
}

static void fed(struct stream *stream, const void *data, size_t size)
{
    struct record_proxy *proxy = proxy_of(stream);
    struct pg_session *session = proxy->session;

    if (!session || session->stream.dead)
        return;
    stream_enter(&session->stream);
    take(proxy, session, data, size);
    stream_leave(&session->stream);
}

void pg_proxy_room(struct pg_session *session)
{
    struct record_proxy *proxy = session->proxy;

    if (proxy && !proxy->stream.dead && stream_unsent(&session->stream) <= CROWDED)
        stream_set_crowded(&proxy->stream, false);
}

/* ---- from the program */

struct waiting {
    int fd;
};

static void wait_outside(void *arg)
{
    struct pollfd wanted = { .fd = ((struct waiting *)arg)->fd, .events = POLLOUT };

    machine.poll(&wanted, 1, WAIT_MS);
}

/* What a driver hands over has been taken already; so its thread waits here. Not when the program has to read
 * first: the server may wait for that. */
static void let_it_take(struct record_proxy *proxy)
{
    struct pg_session *session = proxy->session;

    while (!proxy->stream.dead && !session->stream.dead && !proxy->stream.crowded &&
           stream_unsent(&proxy->stream) > CROWDED) {
        struct waiting waiting = { proxy->stream.watch.fd };

        loop_outside(wait_outside, &waiting);
        stream_flush(&proxy->stream);
    }
}

static void forward(struct record_proxy *proxy, const struct pg_frame *frame)
{
    struct buf describe = BUF_INIT(frame->size + 64);
    bool more = record_tap_client(proxy->tap, frame, &describe);

    proxy->said_goodbye = proxy->said_goodbye || frame->type == 'X';
    put_frame(stream_out(&proxy->stream), frame);
    if (more)
        buf_add(stream_out(&proxy->stream), describe.data, describe.size);
    buf_fini(&describe);
}

void pg_proxy_fed(struct pg_session *session, const void *data, size_t size)
{
    struct record_proxy *proxy = session->proxy;
    enum pg_step step = PG_MORE;
    struct pg_frame frame;

    if (proxy->stream.dead)
        return;
    stream_enter(&session->stream);
    stream_enter(&proxy->stream);
    if (pg_feed(&proxy->client, data, size) == 0)
        while (!proxy->stream.dead && (step = pg_next(&proxy->client, &frame)) == PG_FRAME) {
            forward(proxy, &frame);
            if (stream_unsent(&proxy->stream) > CROWDED)
                stream_flush(&proxy->stream);
        }
    if (step == PG_WRONG) {
        record_fail(proxy->recording, "what the program sends cannot be read: %s",
                    proxy->client.error);
        stream_close(&session->stream, true);
    }
    stream_flush(&proxy->stream);
    if (session->stream.inline_thread)
        let_it_take(proxy);
    else if (!session->stream.dead && stream_unsent(&proxy->stream) > CROWDED)
        stream_set_crowded(&session->stream, true);
    stream_leave(&proxy->stream);
    stream_leave(&session->stream);
}

/* ---- the end */

static void server_room(struct stream *stream)
{
    struct pg_session *session = proxy_of(stream)->session;

    if (!session || session->stream.dead || stream_unsent(stream) > CROWDED)
        return;
    stream_enter(&session->stream);
    stream_set_crowded(&session->stream, false);
    stream_leave(&session->stream);
}

static void server_ended(struct stream *stream)
{
    stream_close(stream, false);
}

static void server_cut(struct stream *stream)
{
    struct record_proxy *proxy = proxy_of(stream);
    struct pg_session *session = proxy->session;
    const char *waits = session ? record_tap_waits(proxy->tap) : NULL;

    if (!session)
        return;
    if (!proxy->said_goodbye && !proxy->saw_fatal)
        record_fail(proxy->recording, "the real server ended a session%s%.200s%s",
                    waits ? " while this waited for its answer: '" : "", waits ? waits : "",
                    waits ? "'" : "");
    stream_enter(&session->stream);
    stream_close_when_sent(&session->stream, true);
    stream_leave(&session->stream);
}

static void server_gone(struct stream *stream)
{
    struct record_proxy *proxy = proxy_of(stream);

    pg_reader_fini(&proxy->client);
    pg_reader_fini(&proxy->server);
    record_tap_free(proxy->tap);
    free(proxy);
}

void pg_record_cut(struct pg_session *session)
{
    struct record_proxy *proxy = session->proxy;
    const struct pg_frame goodbye = { .type = 'X', .body = "" };

    if (session->recorded)
        session->recorded->by = NULL;
    if (!proxy)
        return;
    session->proxy = NULL;
    proxy->session = NULL;
    if (!proxy->stream.dead && !proxy->said_goodbye) {
        put_frame(stream_out(&proxy->stream), &goodbye);
        stream_flush(&proxy->stream);
    }
    stream_close(&proxy->stream, false);
    stream_leave(&proxy->stream);
}

/* ---- the beginning */

static const struct stream_owner owner = { .fed = fed,
                                           .ended = server_ended,
                                           .room = server_room,
                                           .cut = server_cut,
                                           .gone = server_gone };

int record_proxy_new(struct pg_session *session, int fd)
{
    struct record_proxy *proxy = calloc(1, sizeof *proxy);
    int r;

    if (!proxy)
        arena_give_up(sizeof *proxy);
    r = stream_start(&proxy->stream, &owner, fd, "the real server", false);
    if (r < 0) {
        free(proxy);
        return r;
    }
    proxy->session = session;
    proxy->recording = session->mock->recording;
    proxy->tap = record_tap_new(proxy->recording, 0);
    pg_reader_init(&proxy->client, false);
    proxy->client.started = true;
    pg_reader_init(&proxy->server, true);
    stream_enter(&proxy->stream); /* until the session is cut */
    session->proxy = proxy;
    return 0;
}
