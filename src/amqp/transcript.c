/* amqp/transcript.c - what clients of an AMQP double said and heard; see verify.h. */

#include <string.h>

#include "amqp/verify.h"
#include "test/t.h"

enum { TRANSCRIPT_MAX = 16 << 20 };

static const char first_header[] = "AMQP\0\0\x09\x01";

void amqp_verify_begin(struct seam_amqp_mock *mock)
{
    struct amqp_transcript *transcript;

    if (!mock->options.verify && !t_wants_verify())
        return;
    transcript = mock->transcript = arena_zero(t_arena(mock->t), sizeof *transcript);
    transcript->end = &transcript->first;
}

void amqp_transcribe_stop(struct seam_amqp_mock *mock)
{
    if (mock->transcript)
        mock->transcript->ended = true;
}

static void add(struct amqp_session *session, int what, const void *data, size_t size)
{
    struct amqp_transcript *transcript = session->mock->transcript;
    struct amqp_turn *turn;

    if (session->mock->broker->touched || transcript->size + size > TRANSCRIPT_MAX)
        transcript->ended = true;
    if (transcript->ended)
        return;
    turn = arena_zero(&transcript->arena, sizeof *turn);
    turn->session = session->number;
    turn->what = what;
    turn->data = arena_copy(&transcript->arena, data, size);
    turn->size = size;
    transcript->size += size;
    *transcript->end = turn;
    transcript->end = &turn->next;
}

/* The first header is no frame, and is always the same where frames follow. */
void amqp_transcribe(void *arg, const struct amqp_frame *frame)
{
    struct amqp_session *session = arg;
    struct buf bytes = BUF_INIT(TRANSCRIPT_MAX);
    size_t at;

    amqp_transcribe_answers(session);
    if (frame->type != AMQP_FRAME_HEARTBEAT) {
        at = amqp_frame_begin(&bytes, frame->type, frame->channel);
        buf_add(&bytes, frame->payload, frame->size);
        amqp_frame_end(&bytes, at);
        add(session, AMQP_TURN_SAID, bytes.data, bytes.size);
    }
    buf_fini(&bytes);
}

void amqp_transcribe_answers(struct amqp_session *session)
{
    const struct buf *out = amqp_server_out(session->server);
    struct amqp_transcript *transcript = session->mock->transcript;
    const char *login = amqp_server_login(session->server);
    struct amqp_frame frame;
    int size;

    if (!transcript->login && *login)
        transcript->login = arena_dup(&transcript->arena, login);
    if (!session->greeted && out->size > 0) {
        session->greeted = true;
        add(session, AMQP_TURN_SAID, first_header, sizeof first_header - 1);
        if (memcmp(out->data, "AMQP", 4) == 0)
            amqp_transcribe_stop(session->mock);
    }
    while (session->heard < out->size &&
           (size = amqp_frame_read(out->data + session->heard, out->size - session->heard, 0,
                                   &frame)) > 0) {
        if (frame.type != AMQP_FRAME_HEARTBEAT)
            add(session, AMQP_TURN_HEARD, out->data + session->heard, (size_t)size);
        session->heard += (size_t)size;
    }
}

void amqp_transcribe_end(struct amqp_session *session)
{
    amqp_transcribe_answers(session);
    add(session, AMQP_TURN_END, "", 0);
}
