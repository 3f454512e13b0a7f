/* pg/record_replay.c - which tape of a recording answers a statement; see record.h. */

#include <string.h>

#include "pg/record.h"
#include "pg/rule_set.h"
#include "pg/session.h"

/* ---- whether a tape is about a statement */

static bool is_same_text(const struct record_value *value, const struct pg_argument *got,
                         uint32_t type, struct arena *arena)
{
    struct pg_argument typed = *got;
    const char *text;
    size_t size;

    if (typed.type == 0)
        typed.type = type;
    text = pg_argument_text(&typed, arena, &size);
    return text &&
           ((size == value->size && memcmp(text, value->text, size) == 0) ||
            pg_same_value(pg_type_of_oid(typed.type), value->text, value->size, text, size));
}

static bool is_same_argument(const struct record_value *value, const struct pg_argument *got,
                             uint32_t type, struct arena *arena)
{
    switch (value->kind) {
    case RECORD_REDACTED:
        return true;
    case RECORD_NULL:
        return !got->data;
    case RECORD_BINARY:
        return got->data && got->format == 1 && got->size == value->size &&
               memcmp(got->data, value->text, got->size) == 0;
    case RECORD_TEXT:
        break;
    }
    return got->data && is_same_text(value, got, type, arena);
}

static bool holds(struct pg_session *session, const struct record_tape *tape)
{
    const struct pg_call *call = &session->call;

    if (!call->normal || strcmp(call->normal, tape->normal) != 0)
        return false;
    if (!call->arguments || tape->event != RECORD_EXECUTED)
        return true;
    if (call->argument_count != tape->argument_count)
        return false;
    for (size_t i = 0; i < call->argument_count; i++)
        if (!is_same_argument(&tape->arguments[i], &call->arguments[i],
                              i < tape->type_count ? tape->types[i] : 0, &session->arena))
            return false;
    return true;
}

/* ---- the one that is due */

static struct record_tape *next_of(const struct record_session *of)
{
    return of->at < of->count ? of->tapes[of->at] : NULL;
}

static bool is_due(struct pg_session *session, struct record_tape *tape,
                   enum record_event event)
{
    return tape && tape->event == event && (event == RECORD_SYNCED || holds(session, tape));
}

struct record_tape *record_due(struct pg_session *session, enum record_event event)
{
    struct pg_recording *recording = session->mock->recording;
    struct record_tape *tape;

    if (session->recorded) {
        tape = next_of(session->recorded);
        return is_due(session, tape, event) ? tape : NULL;
    }
    for (size_t i = 0; i < recording->file_session_count; i++) {
        tape = next_of(&recording->sessions[i]);
        if (!recording->sessions[i].taken && is_due(session, tape, event))
            return tape;
    }
    return NULL;
}

void record_use(struct pg_session *session, struct record_tape *tape)
{
    session->recorded = &session->mock->recording->sessions[tape->session - 1];
    session->recorded->taken = true;
    session->recorded->at++;
    tape->used = true;
}

const struct record_tape *record_peek(struct pg_session *session)
{
    struct pg_recording *recording = session->mock->recording;
    const struct record_tape *tape = record_due(session, RECORD_EXECUTED);

    for (size_t i = 0; i < recording->count && !tape; i++)
        if (recording->tapes[i]->event != RECORD_PARSED && session->call.normal &&
            strcmp(recording->tapes[i]->normal, session->call.normal) == 0)
            tape = recording->tapes[i];
    return tape;
}
