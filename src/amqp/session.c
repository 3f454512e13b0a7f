/* amqp/session.c - a connection to an AMQP double, between its stream and its engine; see session.h. */

#include "amqp/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/verify.h"
#include "base/deadline.h"
#include "double/driven.h"
#include "test/t.h"

#include "base/hostile.h"

#define NS_PER_S 1000000000ull

enum { CLOSING_MAX_S = 30 };

static struct amqp_session *session_of(struct stream *stream)
{
    return (struct amqp_session *)stream;
}

/* ---- going on ---------------------------------------------------------------------------- */

void amqp_session_send(struct amqp_session *session)
{
    struct buf *out = amqp_server_out(session->server);

    if (out->size == 0 || session->stream.dead || session->stalled)
        return;
    session->said_ns = now_ns();
    if (session->mock->transcript)
        amqp_transcribe_answers(session);
    session->heard = 0;
    buf_add(stream_out(&session->stream), out->data, out->size);
    buf_clear(out);
    stream_flush(&session->stream);
}

static void tick(struct loop_timer *timer);

static uint64_t agreed_ns(const struct amqp_session *session)
{
    return (uint64_t)amqp_server_heartbeat_s(session->server) * NS_PER_S;
}

static void set_timer(struct amqp_session *session)
{
    uint64_t agreed = agreed_ns(session), at = session->closed_by_ns;

    if (session->stream.dead)
        return;
    session->timer.fire = tick;
    if (agreed > 0)
        at = deadline_first(at, now_ns() + agreed / 2);
    if (at > 0)
        loop_timer_set(&session->timer, at);
}

static void disconnect(struct amqp_session *session, const char *because)
{
    struct seam_amqp_mock *mock = session->mock;

    seam_log_at(mock->t, mock->site, "'%s': the program (%s) %s, and was disconnected",
                mock->name, session->stream.peer, because);
    stream_close(&session->stream, true);
}

/* Twice in the time that was agreed on; who has said nothing for twice of that is gone. */
static void tick(struct loop_timer *timer)
{
    struct amqp_session *session =
        (struct amqp_session *)((char *)timer - offsetof(struct amqp_session, timer));
    uint64_t now = now_ns(), agreed = agreed_ns(session);
    char because[96];

    if (session->stream.dead || session->stalled)
        return;
    if (session->closed_by_ns && now >= session->closed_by_ns) {
        disconnect(session, "has not answered connection.close in time");
        return;
    }
    if (agreed > 0 && now - session->heard_ns > 2 * agreed) {
        snprintf(because, sizeof because,
                 "has sent no heartbeat for twice the %d s that were agreed on",
                 amqp_server_heartbeat_s(session->server));
        disconnect(session, because);
        return;
    }
    if (agreed > 0 && now - session->said_ns >= agreed / 2) {
        struct buf *out = amqp_server_out(session->server);

        amqp_frame_end(out, amqp_frame_begin(out, AMQP_FRAME_HEARTBEAT, 0));
    }
    set_timer(session);
    amqp_session_send(session);
}

/* What the engine has refused itself is in the report; what no client does by itself fails the test. */
static void report_trouble(struct amqp_session *session)
{
    struct seam_amqp_mock *mock = session->mock;
    const char *words = amqp_server_trouble(session->server);
    uint64_t now = now_ns();

    if (!words)
        return;
    t_exchange(mock->t, &(struct t_exchange){ .seam = "amqp",
                                              .what = mock->name,
                                              .answer = words,
                                              .begin_ns = now,
                                              .note = "refused" });
}

static void begin_work(struct amqp_session *session)
{
    if (session->was_open || !amqp_server_is_open(session->server))
        return;
    session->was_open = true;
    set_timer(session);
}

static void release_queues(struct amqp_session *session)
{
    struct seam_amqp_mock *mock = session->mock;

    session->released = true;
    broker_release_owner(broker_enter(mock->broker), (uint64_t)session->number);
    broker_leave(mock->broker);
    amqp_door_pump(mock);
}

/* What was its own goes when it closes, before that is answered. Like RabbitMQ's, an end that the client does not
 * confirm comes after the time of a heartbeat, 30 s at most. */
static void end_work(struct amqp_session *session)
{
    uint64_t patience;

    if (!session->was_open || session->released || amqp_server_is_open(session->server))
        return;
    release_queues(session);
    patience = agreed_ns(session);
    if (patience == 0 || patience > CLOSING_MAX_S * NS_PER_S)
        patience = CLOSING_MAX_S * NS_PER_S;
    session->closed_by_ns = now_ns() + patience;
    set_timer(session);
}

static bool can_go_on(const struct amqp_session *session)
{
    return !session->stream.dead && !session->stream.closing && !session->stalled &&
           !session->blocked;
}

static bool step(struct amqp_session *session)
{
    struct amqp_ask *ask;

    switch (amqp_server_next(session->server, &ask)) {
    case AMQP_SERVER_ASK:
        amqp_serve(session, ask);
        if (session->lost)
            stream_close(&session->stream, true);
        return true;
    case AMQP_SERVER_END:
        report_trouble(session);
        amqp_session_send(session);
        stream_close_when_sent(&session->stream, true);
        return false;
    case AMQP_SERVER_MORE:
        break;
    }
    report_trouble(session);
    return false;
}

void amqp_session_run(struct amqp_session *session)
{
    if (session->runs)
        return;
    session->runs = true;
    stream_enter(&session->stream);
    while (can_go_on(session) && step(session))
        ;
    begin_work(session);
    end_work(session);
    amqp_session_send(session);
    session->runs = false;
    stream_leave(&session->stream);
}

void amqp_session_each(struct seam_amqp_mock *mock, void (*fn)(struct amqp_session *session))
{
    struct amqp_session **all;
    size_t count = 0;

    for (struct amqp_session *at = mock->sessions; at; at = at->next)
        count++;
    all = calloc(count + 1, sizeof *all);
    if (!all)
        arena_give_up(count * sizeof *all);
    count = 0;
    for (struct amqp_session *at = mock->sessions; at; at = at->next) {
        stream_enter(&at->stream);
        all[count++] = at;
    }
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->stream.dead)
            fn(all[i]);
        stream_leave(&all[i]->stream);
    }
    free(all);
}

/* ---- the stream's owner ------------------------------------------------------------------ */

static void fed(struct stream *stream, const void *data, size_t size)
{
    struct amqp_session *session = session_of(stream);

    if (session->stalled)
        return;
    session->heard_ns = now_ns();
    if (amqp_server_feed(session->server, data, size) < 0) {
        stream_close(stream, true);
        return;
    }
    amqp_session_run(session);
}

static void ended(struct stream *stream)
{
    stream_close_when_sent(stream, false);
}

static void channel_gone(void *arg, int channel, void *memory)
{
    (void)arg;
    (void)channel;
    amqp_lane_end(memory);
}

static void cut(struct stream *stream)
{
    struct amqp_session *session = session_of(stream);

    *session->link = session->next;
    if (session->next)
        session->next->link = session->link;
    loop_timer_cancel(&session->timer);
    if (session->mock->transcript)
        amqp_transcribe_end(session);
    amqp_server_end(session->server);
    if (!session->released)
        release_queues(session);
}

static void tls_failed(struct stream *stream, const char *words)
{
    struct seam_amqp_mock *mock = session_of(stream)->mock;

    seam_log_at(mock->t, mock->site, "'%s': the program (%s) ended the TLS handshake: %s",
                mock->name, stream->peer, words);
}

static void gone(struct stream *stream)
{
    struct amqp_session *session = session_of(stream);

    amqp_server_free(session->server);
    free(session);
}

static const struct stream_owner owner = { .fed = fed,
                                           .ended = ended,
                                           .cut = cut,
                                           .tls_failed = tls_failed,
                                           .leave_unread = driven_leave_unread,
                                           .gone = gone };

/* ---- the beginning ----------------------------------------------------------------------- */

static int new_engine(struct amqp_session *session)
{
    const struct seam_amqp_mock *mock = session->mock;
    const seam_amqp_mock_options *said = &mock->options;
    const struct amqp_server_options options = {
        .user = said->user,
        .password = said->password,
        .vhost = mock->origin.vhost,
        .heartbeat_s = said->heartbeat_s,
        .frame_max = said->frame_max,
        .channel_max = said->channel_max,
        .channel_gone = channel_gone,
        .arg = session,
    };
    int r = amqp_server_new(&session->server, &options);

    if (r == 0 && mock->transcript)
        amqp_server_watch(session->server, amqp_transcribe, session);
    return r;
}

static void enlist(struct amqp_session *session)
{
    struct amqp_session **first = &session->mock->sessions;

    session->next = *first;
    session->link = first;
    if (*first)
        (*first)->link = &session->next;
    *first = session;
}

static int start(struct amqp_session *session, int fd, const char *peer, bool has_driver)
{
    int r = new_engine(session);

    if (r < 0) {
        t_private_close(fd);
        return r;
    }
    r = stream_start(&session->stream, &owner, fd, peer, has_driver);
    if (r == 0 && session->mock->tls)
        r = stream_start_tls(&session->stream, session->mock->tls);
    if (r < 0)
        amqp_server_free(session->server);
    return r;
}

int amqp_session_new(struct amqp_session **ret, struct seam_amqp_mock *mock, int fd,
                     const char *peer, bool has_driver)
{
    struct amqp_session *session = calloc(1, sizeof *session);
    int r;

    if (!session)
        arena_give_up(sizeof *session);
    session->mock = mock;
    session->number = ++mock->session_count;
    session->heard_ns = session->said_ns = now_ns();
    r = start(session, fd, peer, has_driver);
    if (r < 0) {
        free(session);
        return r;
    }
    enlist(session);
    if (has_driver)
        stream_enter(&session->stream);
    *ret = session;
    return 0;
}
