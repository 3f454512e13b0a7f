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

/* ---- sessions that begin alike */

static bool is_same_value(const struct record_value *a, const struct record_value *b)
{
    return a->kind == b->kind && a->size == b->size &&
           (a->size == 0 || memcmp(a->text, b->text, a->size) == 0);
}

static bool is_same_text_or_none(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool have_same_rows(const struct record_tape *a, const struct record_tape *b)
{
    size_t cells = a->row_count * a->column_count;

    if (a->row_count != b->row_count || a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < cells; i++)
        if (a->cells[i].size != b->cells[i].size || !a->cells[i].text != !b->cells[i].text ||
            (a->cells[i].text &&
             memcmp(a->cells[i].text, b->cells[i].text, a->cells[i].size) != 0))
            return false;
    return true;
}

/* Whether a program cannot tell which of both it was given. */
static bool is_same_tape(const struct record_tape *a, const struct record_tape *b)
{
    if (a->event != b->event || strcmp(a->normal, b->normal) != 0 ||
        a->argument_count != b->argument_count || !is_same_text_or_none(a->tag, b->tag) ||
        !a->error != !b->error || a->copy != b->copy)
        return false;
    if (a->error && strcmp(a->error->sqlstate, b->error->sqlstate) != 0)
        return false;
    for (size_t i = 0; i < a->argument_count; i++)
        if (!is_same_value(&a->arguments[i], &b->arguments[i]))
            return false;
    return have_same_rows(a, b);
}

static bool begin_alike(const struct record_session *a, const struct record_session *b,
                        size_t count)
{
    if (a->count < count || b->count < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_same_tape(a->tapes[i], b->tapes[i]))
            return false;
    return true;
}

/* From now on `by` follows it, and has its first tapes behind it. */
static void take(struct record_session *of, struct pg_session *by, bool taken, size_t at)
{
    of->taken = taken;
    of->by = by;
    of->at = at;
    for (size_t i = 0; i < of->count; i++) {
        of->tapes[i]->used = i < at;
        of->tapes[i]->played_by = by && i < at ? by->number : of->tapes[i]->played_by;
    }
    if (by)
        by->recorded = of;
}

/* Nobody could tell until now which of the file's sessions this is: it may be another one that began alike, also
 * one that a second session follows, which then gets ours. */
static bool exchange(struct pg_session *session, enum record_event event)
{
    struct pg_recording *recording = session->mock->recording;
    struct record_session *mine = session->recorded;

    for (size_t i = 0; i < recording->file_session_count; i++) {
        struct record_session *of = &recording->sessions[i];
        size_t at = mine->at, other = of->at, most = at > other ? at : other;
        struct pg_session *by = of->by;
        bool taken = of->taken;

        if (of == mine || of->count <= at || !is_due(session, of->tapes[at], event) ||
            !begin_alike(mine, of, most))
            continue;
        take(mine, by, taken, other);
        take(of, session, true, at);
        return true;
    }
    return false;
}

/* ---- what is due */

struct record_tape *record_due(struct pg_session *session, enum record_event event)
{
    struct pg_recording *recording = session->mock->recording;
    struct record_tape *tape;

    if (session->recorded) {
        if (is_due(session, next_of(session->recorded), event) || exchange(session, event))
            return next_of(session->recorded);
        return NULL;
    }
    for (size_t i = 0; i < recording->file_session_count; i++) {
        tape = next_of(&recording->sessions[i]);
        if (!recording->sessions[i].taken && is_due(session, tape, event))
            return tape;
    }
    return NULL;
}

/* One that comes later in its session: what is in front of it was left out. */
struct record_tape *record_later(struct pg_session *session)
{
    struct pg_recording *recording = session->mock->recording;

    for (size_t i = 0; i < recording->file_session_count; i++) {
        struct record_session *of = &recording->sessions[i];

        if (session->recorded ? of != session->recorded : of->taken)
            continue;
        for (size_t n = of->at; n < of->count; n++)
            if (is_due(session, of->tapes[n], RECORD_EXECUTED))
                return of->tapes[n];
    }
    return NULL;
}

void record_use(struct pg_session *session, struct record_tape *tape)
{
    session->recorded = &session->mock->recording->sessions[tape->session - 1];
    session->recorded->taken = true;
    session->recorded->by = session;
    while (next_of(session->recorded) != tape)
        session->recorded->at++;
    session->recorded->at++;
    tape->used = true;
    tape->played_by = session->number;
}

const struct pg_error *record_end(struct pg_session *session)
{
    struct record_tape *tape = session->recorded ? next_of(session->recorded) : NULL;

    if (!tape || tape->event != RECORD_ENDED)
        return NULL;
    record_use(session, tape);
    return tape->error;
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
