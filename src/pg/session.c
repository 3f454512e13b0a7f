/* pg/session.c - a connection to a PostgreSQL double, between its stream and its engine; see session.h. */

#include "pg/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"
#include "double/driven.h"
#include "net/tls_hash.h"
#include "pg/record.h"
#include "pg/transcript.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    NS_PER_MS = 1000000,
    AHEAD_MAX = 256 << 10, /* bytes behind the message that is being answered */
    DRIP_MAX = 65 << 20,
    KILL_MS = 10,
    FIRST_PID = 4000
};

static const struct pg_error killed = {
    .severity = "FATAL",
    .sqlstate = "57P01",
    .message = "terminating connection due to administrator command",
    .file = "postgres.c",
    .line = 3228,
    .routine = "ProcessInterrupts"
};

static struct pg_session *session_of(struct stream *stream)
{
    return (struct pg_session *)stream;
}

void pg_session_count(struct pg_session *session)
{
    if (session->number == 0)
        session->number = ++session->mock->session_count;
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

static void transcribe(void *arg, const struct pg_frame *frame)
{
    struct pg_session *session = arg;
    struct pg_frame begin = *frame;

    transcribe_answer(session);
    if (frame->type == 0) { /* what follows the version of the protocol */
        pg_session_count(session);
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

void pg_session_send(struct pg_session *session, bool all)
{
    struct buf *out = pg_server_out(session->server);
    size_t size = all ? out->size : pg_server_ready(session->server);

    if (session->mock->transcript)
        transcribe_answer(session);
    if (size == 0)
        return;
    buf_add(stream_out(&session->stream), out->data, size);
    buf_drop(out, size);
    session->told = out->size;
    session->answer_at -= size < session->answer_at ? size : session->answer_at;
}

static void start_tls(struct pg_session *session)
{
    pg_session_send(session, true);
    stream_flush(&session->stream);
    if (!session->stream.dead && stream_start_tls(&session->stream, session->mock->tls) < 0)
        stream_close(&session->stream, true); /* out of memory */
}

/* Whether there is no ask and no rest of an answer that holds the next message up. */
static bool can_go_on(const struct pg_session *session)
{
    return !session->stream.dead && !session->stream.closing && !session->silent &&
           !session->ask && session->drip.size == 0 && !session->proxy;
}

/* What a server that gets no start-up packet does: it says nothing, and closes. */
static void report_stranger(struct pg_session *session)
{
    struct seam_pg_mock *mock = session->mock;

    if (session->number == 0 && !session->cancels && pg_server_out(session->server)->size == 0)
        seam_error_at(
            mock->t, mock->site,
            "'%s' got what is no PostgreSQL start-up packet and closed the connection",
            mock->name);
}

static bool step(struct pg_session *session)
{
    struct pg_ask *ask;

    switch (pg_server_next(session->server, &ask)) {
    case PG_SERVER_ASK:
        session->ask = ask;
        pg_serve(session);
        return true;
    case PG_SERVER_TLS:
        start_tls(session);
        return true;
    case PG_SERVER_END:
        report_stranger(session);
        pg_session_send(session, true);
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
        pg_session_send(session, false);
        stream_flush(&session->stream);
    }
    session->runs = false;
    stream_leave(&session->stream);
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

static void kill_now(struct pg_session *session)
{
    session->killed = false;
    loop_timer_cancel(&session->timer);
    pg_server_fail(session->server, session->ends_with ? session->ends_with : &killed);
    pg_session_run(session);
}

/* Not at once: the client would have read the answer and this together, which is not what a program meets whose
 * session is ended between two statements. */
void pg_session_kill_soon(struct pg_session *session)
{
    if (session->killed)
        pg_session_after(session, KILL_MS, kill_now);
}

void pg_session_answered(struct pg_session *session)
{
    session->ask = NULL;
    session->rule = NULL;
    session->note = NULL;
    session->copied = NULL;
    session->forbidden = session->delayed = false;
    pg_entry_release(session->entry);
    session->entry = NULL;
    arena_clear(&session->arena);
    pg_session_kill_soon(session);
    pg_session_run(session);
}

void pg_session_let_go(struct pg_session *session)
{
    pg_entry_release(session->held);
    session->held = NULL;
}

void pg_session_silence(struct pg_session *session)
{
    session->silent = true;
    if (!session->stream.dead)
        stream_set_crowded(&session->stream, true);
}

/* ---- what comes from outside */

void pg_session_kill(struct pg_session *session)
{
    if (session->stream.dead || session->stream.closing)
        return;
    stream_enter(&session->stream);
    if (!session->begun || session->proxy) {
        stream_close(&session->stream, false);
    } else if (session->delayed) {
        pg_answer_error(session, &killed);
    } else if (!session->ask && session->drip.size == 0) {
        kill_now(session);
    } else {
        session->killed = true;
    }
    stream_leave(&session->stream);
}

void pg_session_notify(struct pg_session *session, int pid, const char *channel,
                       const char *payload)
{
    if (session->stream.dead || !session->begun || session->proxy)
        return;
    pg_server_notify(session->server, pid, channel, payload);
    pg_session_run(session);
}

/* NOTIFY of one session reaches the others. */
static void notified(void *arg, const char *channel, const char *payload)
{
    struct pg_session *session = arg, *next;

    for (struct pg_session *other = session->mock->sessions; other; other = next) {
        next = other->next;
        if (other != session)
            pg_session_notify(other, session->pid, channel, payload);
    }
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
    if (session->proxy) {
        pg_proxy_fed(session, data, size);
        return;
    }
    if (session->killed && !session->ask && session->drip.size == 0) {
        kill_now(session);
        return;
    }
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
    pg_record_cut(session);
    if (session->ask)
        pg_serve_cut(session);
    if (session->mock->transcript)
        transcribe_end(session);
}

static void room(struct stream *stream)
{
    pg_proxy_room(session_of(stream));
}

static void tls_failed(struct stream *stream, const char *words)
{
    struct seam_pg_mock *mock = session_of(stream)->mock;

    seam_log_at(mock->t, mock->site, "'%s': the program (%s) ended the TLS handshake: %s",
                mock->name, stream->peer, words);
}

static void gone(struct stream *stream)
{
    struct pg_session *session = session_of(stream);

    pg_server_free(session->server);
    pg_entry_release(session->entry);
    pg_entry_release(session->copy_entry);
    pg_session_let_go(session);
    arena_fini(&session->arena);
    buf_fini(&session->drip);
    free(session);
}

static const struct stream_owner owner = { .fed = fed,
                                           .ended = ended,
                                           .room = room,
                                           .cut = cut,
                                           .tls_failed = tls_failed,
                                           .leave_unread = driven_leave_unread,
                                           .gone = gone };

/* ---- the beginning */

/* A generator of our own, so that the program's rand() stays what it is. */
static uint32_t next_key(void)
{
    static uint64_t state;

    if (state == 0 &&
        syscall(SYS_getrandom, &state, sizeof state, GRND_NONBLOCK) != sizeof state)
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
    char random[PG_SERVER_RANDOM];
    struct pg_server_options options = { .version = said->version,
                                         .tls = session->mock->tls != NULL,
                                         .auth = ways[said->auth],
                                         .user = said->user,
                                         .password = said->password,
                                         .pid = session->pid,
                                         .key = session->key,
                                         .random = random,
                                         .hash = &tls_hash };
    int r = said->auth == SEAM_PG_SCRAM ? tls_random(random, sizeof random) : 0;

    if (r == 0)
        r = pg_server_new(&session->server, &options);
    if (r < 0)
        return r;
    pg_server_watch_notify(session->server, notified, session);
    if (session->mock->transcript)
        pg_server_watch(session->server, transcribe, session);
    return 0;
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

static int start(struct pg_session *session, int fd, const char *peer, bool has_driver)
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
    r = stream_start(&session->stream, &owner, fd, peer, has_driver);
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
    session->drip = BUF_INIT(DRIP_MAX);
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
