/* pg/session.c - a connection to a PostgreSQL double, between its stream and its engine; see session.h. */

#include "pg/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/deadline.h"
#include "link/link.h"
#include "pg/transcript.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    NS_PER_MS = 1000000,
    AHEAD_MAX = 256 << 10, /* bytes behind the message that is being answered */
    WAITING_MAX = 1 << 20, /* of notifications */
    DRIP_MAX = 65 << 20,
    RANDOM_SIZE = 34, /* of struct pg_server_options */
    FIRST_PID = 4000
};

static struct pg_session *session_of(struct stream *stream)
{
    return (struct pg_session *)stream;
}

/* ---- the transcript */

/* What the engine has written since belongs to the message that it was given last. */
static void transcribe_answer(struct pg_session *session)
{
    const struct buf *out = pg_server_out(session->server);

    if (session->turn && out->size > session->told)
        pg_transcript_answer(session->mock->transcript, session->turn,
                             out->data + session->told, out->size - session->told);
    session->told = out->size;
}

static bool is_start(const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    return pg_get_int32(&body) >> 16 == PG_PROTOCOL >> 16;
}

static void transcribe(void *arg, const struct pg_frame *frame)
{
    struct pg_session *session = arg;
    struct pg_frame begin = *frame;

    transcribe_answer(session);
    session->turn = NULL;
    if (frame->type == 0 && !is_start(frame))
        return; /* SSLRequest and the like are no part of the session */
    if (frame->type == 0) {
        begin.body += sizeof(int32_t);
        begin.size -= sizeof(int32_t);
    }
    session->turn = pg_transcript_add(session->mock->transcript, session->number, &begin);
    if (frame->type == 'X')
        session->said_goodbye = true;
}

static void transcribe_end(struct pg_session *session)
{
    static const struct pg_frame goodbye = { .type = 'X', .body = "" };

    transcribe_answer(session);
    if (session->begun && !session->said_goodbye)
        pg_transcript_add(session->mock->transcript, session->number, &goodbye);
    session->turn = NULL;
}

/* ---- going on */

void pg_session_send(struct pg_session *session)
{
    struct buf *out = pg_server_out(session->server);

    if (session->mock->transcript)
        transcribe_answer(session);
    session->told = 0;
    if (out->size == 0)
        return;
    buf_add(stream_out(&session->stream), out->data, out->size);
    buf_clear(out);
}

static void start_tls(struct pg_session *session)
{
    pg_session_send(session);
    stream_flush(&session->stream);
    if (!session->stream.dead && stream_start_tls(&session->stream, session->mock->tls) < 0)
        stream_close(&session->stream, true); /* out of memory */
}

static void say_killed(struct pg_session *session)
{
    static const struct pg_error error = {
        .severity = "FATAL",
        .sqlstate = "57P01",
        .message = "terminating connection due to administrator command",
        .file = "postgres.c",
        .line = 3228,
        .routine = "ProcessInterrupts"
    };

    pg_put_error(stream_out(&session->stream), 'E', &error);
    stream_close_when_sent(&session->stream, true);
}

static void deliver_waiting(struct pg_session *session)
{
    if (session->waiting.size == 0)
        return;
    buf_add(pg_server_out(session->server), session->waiting.data, session->waiting.size);
    buf_clear(&session->waiting);
}

/* Whether there is no ask and no rest of an answer that holds the next message up. */
static bool can_go_on(const struct pg_session *session)
{
    return !session->stream.dead && !session->stream.closing && !session->silent &&
           !session->ask && session->drip.size == 0;
}

static bool step(struct pg_session *session)
{
    switch (pg_server_next(session->server, &session->ask)) {
    case PG_SERVER_ASK:
        pg_serve(session);
        return true;
    case PG_SERVER_TLS:
        start_tls(session);
        return true;
    case PG_SERVER_END:
        pg_session_send(session);
        stream_close_when_sent(&session->stream, true);
        return false;
    case PG_SERVER_MORE:
        break;
    }
    return false;
}

void pg_session_run(struct pg_session *session)
{
    if (session->runs)
        return;
    session->runs = true;
    stream_enter(&session->stream);
    while (can_go_on(session) && step(session))
        ;
    if (!session->stream.dead && !session->ask) {
        session->ahead = 0;
        stream_set_crowded(&session->stream, session->silent);
    }
    if (!session->stream.dead && session->drip.size == 0 && !session->silent) {
        pg_session_send(session);
        if (session->killed && !session->ask && !session->stream.closing)
            say_killed(session);
        stream_flush(&session->stream);
    }
    session->runs = false;
    stream_leave(&session->stream);
}

void pg_session_answered(struct pg_session *session)
{
    session->ask = NULL;
    session->rule = NULL;
    session->note = NULL;
    session->forbidden = session->delayed = false;
    pg_entry_release(session->entry);
    session->entry = NULL;
    arena_fini(&session->arena);
    session->arena = (struct arena){ 0 };
    deliver_waiting(session);
    pg_session_run(session);
}

void pg_session_silence(struct pg_session *session)
{
    session->silent = true;
    if (!session->stream.dead)
        stream_set_crowded(&session->stream, true);
}

static void timer_fired(struct loop_timer *timer)
{
    struct pg_session *session =
        (struct pg_session *)((char *)timer - offsetof(struct pg_session, timer));

    stream_enter(&session->stream);
    session->then(session);
    stream_leave(&session->stream);
}

void pg_session_after(struct pg_session *session, int ms,
                      void (*then)(struct pg_session *session))
{
    session->then = then;
    session->timer.fire = timer_fired;
    loop_timer_set(&session->timer, now_ns() + (uint64_t)ms * NS_PER_MS);
}

/* ---- what comes from outside */

void pg_session_kill(struct pg_session *session)
{
    static const struct pg_error error = {
        .severity = "FATAL",
        .sqlstate = "57P01",
        .message = "terminating connection due to administrator command"
    };

    if (session->stream.dead || session->stream.closing)
        return;
    stream_enter(&session->stream);
    if (!session->begun)
        stream_close(&session->stream, false);
    else if (session->delayed)
        pg_answer_error(session, &error);
    else
        session->killed = true;
    pg_session_run(session);
    stream_leave(&session->stream);
}

void pg_session_notify(struct pg_session *session, const char *channel, const char *payload)
{
    if (session->stream.dead || !session->begun)
        return;
    if (session->ask || session->drip.size > 0) {
        size_t begun = pg_begin(&session->waiting, 'A');

        pg_put_int32(&session->waiting, session->pid);
        pg_put_text(&session->waiting, channel);
        pg_put_text(&session->waiting, payload);
        pg_end(&session->waiting, begun);
        return;
    }
    pg_server_notify(session->server, session->pid, channel, payload);
    pg_session_run(session);
}

struct pg_session *pg_session_of_key(struct seam_pg_mock *mock, int pid, uint32_t key)
{
    struct pg_session *at = mock->sessions;

    while (at && (at->pid != pid || at->key != key || !at->begun))
        at = at->next;
    return at;
}

/* ---- the stream's owner */

static void fed(struct stream *stream, const void *data, size_t size)
{
    struct pg_session *session = session_of(stream);

    if (session->silent)
        return;
    if (pg_server_feed(session->server, data, size) < 0) {
        stream_close(stream, true); /* out of memory */
        return;
    }
    if (session->ask || session->drip.size > 0) {
        session->ahead += size;
        stream_set_crowded(stream, session->ahead > AHEAD_MAX);
    }
    pg_session_run(session);
}

static void ended(struct stream *stream)
{
    stream_close_when_sent(stream, false);
}

static void cut(struct stream *stream)
{
    struct pg_session *session = session_of(stream);

    *session->link = session->next;
    if (session->next)
        session->next->link = session->link;
    loop_timer_cancel(&session->timer);
    if (session->ask)
        pg_serve_cut(session);
    if (session->mock->transcript)
        transcribe_end(session);
}

static void tls_failed(struct stream *stream, const char *words)
{
    struct seam_pg_mock *mock = session_of(stream)->mock;

    seam_log_at(mock->t, mock->site, "'%s': the program (%s) ended the TLS handshake: %s",
                mock->name, stream->peer, words);
}

static void leave_unread(struct stream *stream)
{
    if (session_of(stream)->has_driver)
        link_leave_unread(stream);
}

static void gone(struct stream *stream)
{
    struct pg_session *session = session_of(stream);

    pg_server_free(session->server);
    pg_entry_release(session->entry);
    pg_entry_release(session->copy_entry);
    arena_fini(&session->arena);
    buf_fini(&session->drip);
    buf_fini(&session->waiting);
    free(session);
}

static const struct stream_owner owner = { .fed = fed,
                                           .ended = ended,
                                           .cut = cut,
                                           .tls_failed = tls_failed,
                                           .leave_unread = leave_unread,
                                           .gone = gone };

/* ---- the beginning */

/* A generator of our own, so that the program's rand() stays what it is. */
static uint32_t next_key(void)
{
    static uint64_t state;

    if (state == 0 && getrandom(&state, sizeof state, GRND_NONBLOCK) != sizeof state)
        state = now_ns();
    state += 0x9e3779b97f4a7c15u;
    return (uint32_t)((state ^ (state >> 29)) * 0xbf58476d1ce4e5b9u >> 32);
}

static int new_engine(struct pg_session *session)
{
    static const enum pg_server_auth ways[] = { [SEAM_PG_TRUST] = PG_AUTH_TRUST,
                                                [SEAM_PG_SCRAM] = PG_AUTH_SCRAM,
                                                [SEAM_PG_CLEARTEXT] = PG_AUTH_CLEARTEXT };
    const seam_pg_mock_options *said = &session->mock->options;
    char random[RANDOM_SIZE];
    struct pg_server_options options = { .version = said->version,
                                         .tls = session->mock->tls != NULL,
                                         .auth = ways[said->auth],
                                         .user = said->user,
                                         .password = said->password,
                                         .pid = session->pid,
                                         .key = session->key,
                                         .random = random };
    int r;

    if (said->auth == SEAM_PG_SCRAM && getrandom(random, sizeof random, 0) < 0)
        return -errno;
    r = pg_server_new(&session->server, &options);
    if (r == 0 && session->mock->transcript)
        pg_server_watch(session->server, transcribe, session);
    return r;
}

static void enlist(struct pg_session *session)
{
    struct pg_session **first = &session->mock->sessions;

    session->next = *first;
    session->link = first;
    if (*first)
        (*first)->link = &session->next;
    *first = session;
}

static int start(struct pg_session *session, int fd, const char *peer)
{
    static int pid = FIRST_PID;
    int r;

    session->pid = pid++;
    session->key = next_key();
    r = new_engine(session);
    if (r < 0) {
        t_private_close(fd);
        return r;
    }
    r = stream_start(&session->stream, &owner, fd, peer, session->has_driver);
    if (r < 0)
        pg_server_free(session->server);
    return r;
}

int pg_session_new(struct pg_session **ret, struct seam_pg_mock *mock, int fd, const char *peer,
                   bool has_driver)
{
    struct pg_session *session = calloc(1, sizeof *session);
    int r;

    if (!session)
        arena_give_up(sizeof *session);
    session->mock = mock;
    session->has_driver = has_driver;
    session->drip = BUF_INIT(DRIP_MAX);
    session->waiting = BUF_INIT(WAITING_MAX);
    r = start(session, fd, peer);
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
