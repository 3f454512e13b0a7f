/* pg/serve_fault.c - answers that break off, come in drops, or are the last of their session. */

#include "pg/session.h"

#include "base/hostile.h"

enum { DRIP_MS = 1 };

/* The answer leaves the engine's output and goes to `to`; what was in front of it is sent. */
static void take_answer(struct pg_session *session, size_t size, struct buf *to)
{
    struct buf *out = pg_server_out(session->server);
    size_t whole = out->size - session->answer_at;

    buf_add(to, out->data + session->answer_at, size < whole ? size : whole);
    out->size = session->answer_at;
    pg_session_send(session, true);
}

/* So many bytes of it are the last. */
static void cut_answer(struct pg_session *session, int after)
{
    struct buf part = BUF_INIT(SIZE_MAX);

    take_answer(session, (size_t)after, &part);
    if (part.size > 0)
        buf_add(stream_out(&session->stream), part.data, part.size);
    buf_fini(&part);
}

static void drip(struct pg_session *session)
{
    size_t size =
        session->drip_size < session->drip.size ? session->drip_size : session->drip.size;

    buf_add(stream_out(&session->stream), session->drip.data, size);
    buf_drop(&session->drip, size);
    stream_flush(&session->stream);
    if (session->stream.dead)
        return;
    if (session->drip.size > 0)
        pg_session_after(session, DRIP_MS, drip);
    else {
        pg_session_kill_soon(session);
        pg_session_run(session);
    }
}

static void begin_drip(struct pg_session *session, int size)
{
    session->drip_size = size > 0 ? (size_t)size : 1;
    take_answer(session, SIZE_MAX, &session->drip);
    stream_flush(&session->stream);
    if (session->drip.size > 0)
        pg_session_after(session, DRIP_MS, drip);
}

static void break_off(struct pg_session *session, const struct pg_said *said)
{
    stream_enter(&session->stream);
    cut_answer(session, said->fault_after);
    session->silent = true;
    stream_flush(&session->stream);
    if (said->fault == SEAM_PG_CLOSED)
        stream_close_when_sent(&session->stream, true);
    else if (said->fault == SEAM_PG_STALL)
        pg_session_silence(session);
    else
        stream_close(&session->stream, true);
    stream_leave(&session->stream);
}

bool pg_fault_send(struct pg_session *session, const struct pg_said *said)
{
    switch ((enum seam_pg_fault)said->fault) {
    case SEAM_PG_RESET:
    case SEAM_PG_CLOSED:
    case SEAM_PG_STALL:
        break_off(session, said);
        return false;
    case SEAM_PG_DRIP:
        begin_drip(session, said->fault_after);
        return true;
    case SEAM_PG_KILL:
        session->killed = true;
        return true;
    default:
        return true;
    }
}
