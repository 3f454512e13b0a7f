/*
 * pg/record_verify.c - what was replayed, asked of the real server again; see record.h.
 *
 * The transcript of the mock's sessions goes to sessions of the real server, message by message, and a tap makes
 * tapes of what comes back. Each tape that was replayed has to have one there that says the same: columns and their
 * types, the tag, the SQLSTATE. Values of rows are the world's, and may be others.
 */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "base/io.h"
#include "pg/real_session.h"
#include "pg/record.h"
#include "pg/transcript.h"
#include "test/t.h"

#include "base/hostile.h"

enum { ANSWER_MS = 10000, WORDS_MAX = 64 << 10, PAIRS_MAX = 128, SHOWN = 60 };

/* A session of the transcript at the real server. */
struct peer {
    struct peer *next;
    int number;
    struct real_session real;
    struct record_tap *tap;
    bool copying;
};

struct asking {
    struct pg_recording *recording; /* that was replayed */
    struct pg_recording now; /* what the server says today */
    struct arena arena;
    struct peer *peers;
    const char *unreachable; /* NULL: nobody has failed to reach the server */
    int confirmed, contradicted;
};

/* ---- sessions */

static struct peer *find_peer(struct asking *asking, int number)
{
    struct peer *peer = asking->peers;

    while (peer && peer->number != number)
        peer = peer->next;
    return peer;
}

/* A lock that another session of the test holds is waited for no longer than this. */
static const char *const *read_pairs(struct asking *asking, const struct pg_turn *turn)
{
    static const char timeout[] = "-c lock_timeout=1000";
    const struct pg_frame frame = { 0, turn->body, turn->size };
    const char **pairs = arena_zero(&asking->arena, (PAIRS_MAX + 3) * sizeof *pairs);
    const char *options = timeout;
    struct pg_body body = pg_body(&frame);
    int count = 0;

    while (count < PAIRS_MAX) {
        const char *name = pg_get_text(&body);
        const char *value = *name ? pg_get_text(&body) : "";

        if (body.failed || !*name)
            break;
        if (strcmp(name, "options") == 0)
            options = arena_printf(&asking->arena, "%s %s", value, timeout);
        else if (strncmp(name, "_pq_.", 5) != 0) {
            pairs[count++] = name;
            pairs[count++] = value;
        }
    }
    pairs[count++] = "options";
    pairs[count] = options;
    return pairs;
}

static void begin_peer(struct asking *asking, const struct pg_turn *turn)
{
    struct record_login login = { .address = &asking->recording->address,
                                  .pairs = read_pairs(asking, turn) };
    struct peer *peer;
    int fd = record_log_in(&login);

    buf_fini(&login.welcome);
    if (fd < 0) {
        if (!asking->unreachable)
            asking->unreachable = arena_dup(&asking->arena, login.err.text);
        return;
    }
    peer = arena_zero(&asking->arena, sizeof *peer);
    peer->number = turn->session;
    peer->tap = record_tap_new(&asking->now, turn->session);
    peer->real = real_of(fd);
    peer->next = asking->peers;
    asking->peers = peer;
}

static void end_peer(struct peer *peer)
{
    struct arena arena = { 0 };
    struct pg_messages said;

    if (real_is_open(&peer->real)) { /* its transaction is undone when the server has closed */
        real_put(&peer->real, 'X', "", 0);
        real_exchange(&peer->real, "X", deadline_after_ms(ANSWER_MS), &arena, &said, NULL);
        arena_fini(&arena);
        t_private_close(peer->real.fd);
        peer->real.fd = -1;
    }
    real_end(&peer->real);
}

/* ---- turns */

static void hear(struct asking *asking, struct peer *peer, const char *until)
{
    struct arena arena = { 0 };
    struct pg_messages said;
    struct err err;
    int r =
        real_exchange(&peer->real, until, deadline_after_ms(ANSWER_MS), &arena, &said, &err);

    for (const struct pg_message *at = said.first; at; at = at->next) {
        peer->copying = at->frame.type == 'G' || (peer->copying && at->frame.type != 'Z');
        record_tap_server(peer->tap, &at->frame);
    }
    if (r < 0)
        record_fail(&asking->now, "session %d with the real server: %s", peer->number,
                    err.text);
    arena_fini(&arena);
}

static void say(struct asking *asking, struct peer *peer, const struct pg_turn *turn)
{
    const struct pg_frame frame = { turn->type, turn->body, turn->size };
    struct buf describe = BUF_INIT(turn->size + 64);

    if (record_tap_client(peer->tap, &frame, &describe)) {
        real_put(&peer->real, turn->type, turn->body, turn->size);
        buf_add(&peer->real.out, describe.data, describe.size);
    } else {
        real_put(&peer->real, turn->type, turn->body, turn->size);
    }
    buf_fini(&describe);
    if (turn->type == 'Q' || turn->type == 'S')
        hear(asking, peer, "ZG");
    else if (peer->copying && (turn->type == 'c' || turn->type == 'f'))
        hear(asking, peer, "ZCE");
}

/* A simple query goes on behind its COPY: to ReadyForQuery, or to the next COPY. */
static void take_turn(struct asking *asking, const struct pg_turn *turn)
{
    struct peer *peer = find_peer(asking, turn->session);

    if (turn->type == 0) {
        begin_peer(asking, turn);
        return;
    }
    if (!peer || !real_is_open(&peer->real))
        return;
    if (turn->type == 'X')
        end_peer(peer);
    else
        say(asking, peer, turn);
}

/* ---- comparing */

static void add_row(struct buf *to, const char *what, const char *recorded, const char *now)
{
    const char *none = "(none)";

    if (recorded && now && strcmp(recorded, now) == 0)
        return;
    if (recorded || now)
        buf_printf(to, "%s  %.*s | %.*s\n", what, SHOWN, recorded ? recorded : none, SHOWN,
                   now ? now : none);
}

static const char *show_columns(struct arena *arena, const struct record_tape *tape)
{
    struct buf out = BUF_INIT(WORDS_MAX);
    const char *copy;

    if (!tape->has_columns)
        return NULL;
    for (size_t i = 0; i < tape->column_count; i++)
        buf_printf(&out, "%s%s %s", i > 0 ? ", " : "", tape->columns[i].name,
                   tape->columns[i].type ? tape->columns[i].type : "(a type of its own)");
    copy = arena_dup(arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

static const char *show_types(struct arena *arena, const struct record_tape *tape)
{
    const char *text = NULL;

    for (size_t i = 0; i < tape->type_count; i++) {
        const char *name = record_type_name(arena, tape->types[i], -1);

        text = arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "",
                            name ? name : "(a type of its own)");
    }
    return text;
}

static const char *show_error(struct arena *arena, const struct pg_error *error)
{
    return error ? arena_printf(arena, "%s %s", error->sqlstate, error->message) : NULL;
}

static void compare(struct asking *asking, const struct record_tape *was,
                    const struct record_tape *is, struct buf *to)
{
    struct arena *arena = &asking->arena;
    bool same_error =
        was->error && is->error && strcmp(was->error->sqlstate, is->error->sqlstate) == 0;

    if (!same_error)
        add_row(to, "error", show_error(arena, was->error), show_error(arena, is->error));
    if (!was->error && !is->error)
        add_row(to, "parameters", show_types(arena, was), show_types(arena, is));
    if (!was->error && !is->error)
        add_row(to, "columns", show_columns(arena, was), show_columns(arena, is));
    if (!was->error && !is->error)
        add_row(to, "tag", was->tag, is->tag);
}

/* The next of that session today, of the same statement. */
static const struct record_tape *counterpart(struct asking *asking,
                                             const struct record_tape *tape, size_t *at)
{
    for (size_t i = *at; i < asking->now.count; i++) {
        const struct record_tape *now = asking->now.tapes[i];

        if (now->session != tape->played_by || now->event == RECORD_DESCRIBED || !now->ended ||
            strcmp(pg_sql_normal(now->sql, &asking->arena), tape->normal) != 0)
            continue;
        *at = i + 1;
        return now;
    }
    return NULL;
}

/* After its first contradiction a session is another one: whatever comes then proves nothing. */
static bool judge(struct asking *asking, const struct record_tape *tape, size_t *at)
{
    struct pg_recording *recording = asking->recording;
    const struct record_tape *now = counterpart(asking, tape, at);
    struct buf words = BUF_INIT(WORDS_MAX);
    bool holds;

    if (now)
        compare(asking, tape, now, &words);
    else
        buf_printf(&words, "answer  %.*s | (it did not come to it)\n", SHOWN,
                   tape->error ? tape->error->sqlstate
                   : tape->tag ? tape->tag
                               : "rows");
    holds = words.size == 0;
    if (!holds)
        seam_error_at(recording->mock->t, recording->site,
                      "%s: the real server answers otherwise than line %d of '%s'\n"
                      "recorded | now\n%stry: seam test -update -run '^%s$'",
                      record_name(tape, &asking->arena), tape->line, recording->file,
                      buf_text(&words), seam_name(recording->mock->t));
    buf_fini(&words);
    asking->confirmed += holds;
    asking->contradicted += !holds;
    return holds;
}

static void judge_all(struct asking *asking)
{
    const struct pg_recording *recording = asking->recording;

    for (size_t i = 0; i < recording->file_session_count; i++) {
        const struct record_session *of = &recording->sessions[i];
        size_t at = 0;

        for (size_t n = 0; n < of->count; n++)
            if (of->tapes[n]->used && !judge(asking, of->tapes[n], &at))
                break;
    }
}

/* ---- */

static void say_unverified(struct pg_recording *recording, const char *why)
{
    seam_t *t = recording->mock->t;

    if (t_no_skip())
        seam_error_at(t, recording->site, "'%s' cannot be verified: %s", recording->file, why);
    else
        seam_log_at(t, recording->site, "'%s' is not verified: %s", recording->file, why);
    t_tally(t, TALLY_UNVERIFIED, 1, why);
}

static void conclude(struct asking *asking)
{
    struct pg_recording *recording = asking->recording;
    seam_t *t = recording->mock->t;

    if (asking->unreachable) {
        say_unverified(recording, asking->unreachable);
        return;
    }
    judge_all(asking);
    if (asking->now.failure)
        seam_error_at(t, recording->site, "'%s' cannot be verified: %s", recording->file,
                      asking->now.failure);
    t_tally(t, TALLY_CONFIRMED, asking->confirmed, NULL);
    t_tally(t, TALLY_CONTRADICTED, asking->contradicted, NULL);
}

void record_verify(struct pg_recording *recording)
{
    struct pg_transcript *transcript = recording->mock->transcript;
    struct asking asking = { .recording = recording };

    if (recording->unavailable) {
        say_unverified(recording, recording->unavailable);
        return;
    }
    asking.now.redaction = recording->redaction;
    for (const struct pg_turn *turn = transcript->first; turn; turn = turn->next)
        take_turn(&asking, turn);
    for (struct peer *peer = asking.peers; peer; peer = peer->next)
        end_peer(peer);
    conclude(&asking);
    for (struct peer *peer = asking.peers; peer; peer = peer->next)
        record_tap_free(peer->tap);
    record_free_tapes(&asking.now);
    arena_fini(&asking.arena);
}
