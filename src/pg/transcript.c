/* pg/transcript.c - what the sessions of a mock were sent and answered; see transcript.h. */

#include "pg/transcript.h"

#include <string.h>

void pg_transcript_init(struct pg_transcript *transcript)
{
    *transcript = (struct pg_transcript){ .last = &transcript->first };
}

void pg_transcript_fini(struct pg_transcript *transcript)
{
    arena_fini(&transcript->arena);
    pg_transcript_init(transcript);
}

/* Whether there is room for so much more; it is taken then. */
static bool take_room(struct pg_transcript *transcript, size_t size)
{
    if (transcript->lost > 0 || size > PG_TRANSCRIPT_MAX - transcript->size)
        return false;
    transcript->size += size;
    return true;
}

struct pg_turn *pg_transcript_add(struct pg_transcript *transcript, int session,
                                  const struct pg_frame *frame)
{
    struct pg_turn *turn;

    if (!take_room(transcript, sizeof *turn + frame->size)) {
        transcript->lost++;
        return NULL;
    }
    turn = arena_zero(&transcript->arena, sizeof *turn);
    turn->session = session;
    turn->type = frame->type;
    turn->body = arena_copy(&transcript->arena, frame->body, frame->size);
    turn->size = frame->size;
    *transcript->last = turn;
    transcript->last = &turn->next;
    transcript->count++;
    return turn;
}

/* Rows come piece by piece: room is doubled, so that all pieces together are copied about twice. */
static bool make_room(struct pg_transcript *transcript, struct pg_turn *turn, size_t size)
{
    size_t want = turn->answer_size + size;
    size_t room = turn->answer_room * 2 > want ? turn->answer_room * 2 : want;
    char *answer;

    if (want <= turn->answer_room)
        return true;
    if (!take_room(transcript, room))
        return false;
    answer = arena_zero(&transcript->arena, room);
    if (turn->answer_size > 0)
        memcpy(answer, turn->answer, turn->answer_size);
    turn->answer = answer;
    turn->answer_room = room;
    return true;
}

void pg_transcript_answer(struct pg_transcript *transcript, struct pg_turn *turn,
                          const void *data, size_t size)
{
    if (!turn || size == 0)
        return;
    if (!make_room(transcript, turn, size)) {
        transcript->lost++;
        return;
    }
    memcpy((char *)turn->answer + turn->answer_size, data, size);
    turn->answer_size += size;
}

void pg_transcript_claim(struct pg_transcript *transcript, struct pg_turn *turn,
                         const struct pg_claim *claim)
{
    struct pg_claim **at;
    struct pg_claim *copy;

    if (!turn)
        return;
    copy = arena_copy(&transcript->arena, claim, sizeof *claim);
    copy->next = NULL;
    copy->sql = arena_dup(&transcript->arena, claim->sql);
    for (at = &turn->claims; *at;)
        at = &(*at)->next;
    *at = copy;
}
