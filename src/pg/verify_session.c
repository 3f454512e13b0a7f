/* pg/verify_session.c - give a session's messages to a real one; see verify.h. */

#include <errno.h>
#include <string.h>

#include "pg/verify.h"
#include "pg/verify_turn.h"
#include "test/t.h"

enum { PAIRS_MAX = 64 };

/* ---- beginning and end */

static struct verify_session *find_session(struct pg_verifier *verifier, int number)
{
    struct verify_session *session = verifier->sessions;

    while (session && session->number != number)
        session = session->next;
    if (session)
        return session;
    session = arena_zero(&verifier->arena, sizeof *session);
    *session = (struct verify_session){ .next = verifier->sessions,
                                        .number = number,
                                        .real = { .fd = -1 },
                                        .claimed_state = 'I',
                                        .is_over = true };
    verifier->sessions = session;
    return session;
}

static bool is_for_us(const char *name)
{
    return strcmp(name, "user") != 0 && strcmp(name, "database") != 0 &&
           strcmp(name, "replication") != 0 && strncmp(name, "_pq_.", 5) != 0;
}

/* What the program said when it began its session, but for who it is. The program's own options come first: a
 * later word wins. */
static void take_pairs(struct pg_verifier *verifier, const struct pg_turn *turn,
                       const char **pairs)
{
    static const char timeout[] = "-c lock_timeout=1000";
    const struct pg_frame frame = { 0, turn->body, turn->size };
    struct pg_body body = pg_body(&frame);
    const char *options = timeout;
    int count = 0;

    while (count < PAIRS_MAX - 4) {
        const char *name = pg_get_text(&body);
        const char *value = *name ? pg_get_text(&body) : "";

        if (body.failed || !*name)
            break;
        if (strcmp(name, "options") == 0)
            options = arena_printf(&verifier->arena, "%s %s", value, timeout);
        else if (is_for_us(name)) {
            pairs[count++] = name;
            pairs[count++] = value;
        }
    }
    pairs[count++] = "options";
    pairs[count++] = options;
    pairs[count] = NULL;
}

static void begin_session(struct pg_verifier *verifier, struct verify_session *session,
                          const struct pg_turn *turn)
{
    const char *pairs[PAIRS_MAX];
    struct pg_messages claimed;
    struct pg_error error;
    struct err err;

    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    if (pg_messages_error(&claimed, &error))
        return; /* nobody got in */
    take_pairs(verifier, turn, pairs);
    if (real_open(&session->real, &verifier->address, pairs, verify_deadline(verifier), &err) <
        0) {
        seam_error_at(verifier->t, verifier->site,
                      "the double begins a session that PostgreSQL %s refuses\n%s",
                      verifier->server_version, err.text);
        return;
    }
    session->real.fd = t_private_fd(session->real.fd);
    session->is_over = false;
}

/* A server that has a transaction to undo is waited for: its locks are gone then. */
void verify_session_end(struct verify_session *session)
{
    struct arena arena = { 0 };
    struct pg_messages said;

    if (real_is_open(&session->real) && session->real.state != 'I') {
        real_put(&session->real, 'X', "", 0);
        real_exchange(&session->real, "X", 0, &arena, &said, NULL);
        arena_fini(&arena);
    }
    real_end(&session->real);
    session->is_over = true;
    session->ahead = NULL;
}

static void end_session(struct pg_verifier *verifier, struct verify_session *session)
{
    verify_turn_unresolved(verifier, session, NULL);
    verify_session_end(session);
    verify_transaction_ended(verifier, session->number, false);
}

/* ---- what turn files share */

void verify_put(struct verify_session *session, const struct pg_turn *turn)
{
    if (session->ahead)
        return;
    real_put(&session->real, turn->type, turn->body, turn->size);
    if (turn->type != 'S')
        real_put(&session->real, 'H', "", 0);
}

/* What has come already, up to and with the first of `until`. */
static void take_ahead(struct pg_verifier *verifier, struct verify_session *session,
                       const char *until, struct pg_messages *ret)
{
    bool is_last = false;

    *ret = (struct pg_messages){ .last = &ret->first };
    while (session->ahead && !is_last) {
        struct pg_message *message =
            arena_copy(&verifier->arena, session->ahead, sizeof *message);

        is_last = strchr(until, message->frame.type) != NULL;
        session->ahead = message->next;
        message->next = NULL;
        *ret->last = message;
        ret->last = &message->next;
    }
}

bool verify_exchange(struct pg_verifier *verifier, struct verify_session *session,
                     const char *until, struct pg_messages *ret)
{
    struct pg_error error;
    struct err err;
    int r;

    if (session->ahead) {
        take_ahead(verifier, session, until, ret);
        return true;
    }
    r = real_exchange(&session->real, until, verify_deadline(verifier), &verifier->arena, ret,
                      &err);

    if (r == 0)
        return true;
    verify_session_end(session);
    verify_transaction_ended(verifier, session->number, false);
    if (pg_messages_error(ret, &error))
        return true; /* that is its answer */
    seam_error_at(verifier->t, verifier->site,
                  "what the double claims of session %d cannot be verified further: %s",
                  session->number, err.text);
    return false;
}

/* The isolation that a statement asks for holds until the transaction's end. */
void verify_look_at_isolation(struct pg_verifier *verifier, struct verify_session *session,
                              const char *sql)
{
    struct pg_sql is;

    pg_sql_classify(&is, sql, &verifier->arena);
    if (is.kind == PG_SQL_BEGIN)
        session->isolation = is.isolation;
    else if (is.isolation)
        session->isolation = is.isolation;
}

static const struct pg_turn *next_turn(const struct pg_verifier *verifier,
                                       const struct pg_turn *turn)
{
    return turn == verifier->until ? NULL : turn->next;
}

const struct pg_claim *verify_next_claim(const struct pg_verifier *verifier,
                                         const struct pg_turn *turn)
{
    const struct pg_turn *at = turn;

    for (; at; at = next_turn(verifier, at))
        if (at->session == turn->session &&
            (at->claims || at->type == 'S' || at->type == 'X' || at->type == 'Q'))
            return at->claims;
    return NULL;
}

/* A statement that is executed later than in its own batch. */
static const struct pg_claim *claim_of_sql(const struct pg_verifier *verifier,
                                           const struct pg_turn *turn, const char *sql)
{
    for (; turn; turn = next_turn(verifier, turn))
        for (const struct pg_claim *claim = turn->claims; claim; claim = claim->next)
            if (claim->sql && strcmp(claim->sql, sql) == 0)
                return claim;
    return NULL;
}

void verify_turn_unresolved(struct pg_verifier *verifier, struct verify_session *session,
                            const struct pg_turn *turn)
{
    struct verify_case of = { .session = session };

    if (session->failed_sql) {
        of.claim = session->failed_claim;
        of.sql = session->failed_sql;
        of.arguments = session->failed_arguments;
        of.claimed = session->claimed_error;
    } else if (session->real_failed && session->real_sql) {
        of.sql = session->real_sql;
        of.claim = turn ? claim_of_sql(verifier, turn, of.sql) : NULL;
        of.real = (struct pg_outcome){ .end = 'E', .error = session->real_error };
    }
    if (of.sql && !session->lost)
        verify_conclude(verifier, &of);
    session->failed_sql = session->real_sql = NULL;
}

static void copy_data(struct pg_verifier *verifier, struct verify_session *session,
                      const struct pg_turn *turn)
{
    enum { ENOUGH = 1 << 20 };
    struct pg_messages said;

    real_put(&session->real, turn->type, turn->body, turn->size);
    if (session->real.out.size > ENOUGH)
        verify_exchange(verifier, session, "", &said);
}

static void end_copy(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *turn)
{
    struct verify_case of = { .session = session,
                              .claim = turn->claims ? turn->claims : session->copying,
                              .sql = session->copy_sql };
    struct pg_messages claimed, real;
    const struct pg_message *at;

    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    real_put(&session->real, turn->type, turn->body, turn->size);
    if (!verify_exchange(verifier, session, session->unsynced ? "CE" : "Z", &real))
        return;
    if (session->unsynced)
        real_put(&session->real, 'H', "", 0);
    at = claimed.first;
    pg_outcome_next(&at, &of.claimed);
    at = real.first;
    pg_outcome_next(&at, &of.real);
    session->real_failed |= session->unsynced && of.real.end == 'E';
    verify_conclude(verifier, &of);
}

static void take_copy(struct pg_verifier *verifier, struct verify_session *session,
                      const struct pg_turn *turn)
{
    if (!session->copy_sql)
        return;
    if (turn->type == 'd') {
        copy_data(verifier, session, turn);
        return;
    }
    end_copy(verifier, session, turn);
    session->copy_sql = NULL;
    session->copying = NULL;
}

static void call_function(struct pg_verifier *verifier, struct verify_session *session,
                          const struct pg_turn *turn)
{
    struct pg_messages said;

    real_put(&session->real, 'F', turn->body, turn->size);
    verify_exchange(verifier, session, "Z", &said);
}

/* ---- all of them */

/* Where the mock's session stands now: its last ReadyForQuery. */
static void follow(struct pg_verifier *verifier, struct verify_session *session,
                   const struct pg_turn *turn)
{
    struct pg_messages claimed;

    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    for (const struct pg_message *at = claimed.first; at; at = at->next)
        if (at->frame.type == 'Z' && at->frame.size == 1)
            verify_follow(verifier, session, *at->frame.body);
    if (session->claimed_state == 'I')
        session->isolation = NULL;
}

/* What comes behind something that is not known is not known either. */
static void count_unknown(struct pg_verifier *verifier, const struct pg_claim *claim)
{
    for (; claim; claim = claim->next)
        if (claim->expected && claim->rule) {
            verifier->counts.undecided++;
            verify_unsure(verifier, claim->sql);
        }
}

void verify_turn(struct pg_verifier *verifier, const struct pg_turn *turn)
{
    struct verify_session *session = find_session(verifier, turn->session);

    if (turn->type == 0) {
        begin_session(verifier, session, turn);
        return;
    }
    if (session->is_over && !session->ahead)
        return;
    if (turn->type == 'X') {
        end_session(verifier, session);
        return;
    }
    if (session->lost)
        count_unknown(verifier, turn->claims);
    if (turn->type == 'Q' && !session->lost)
        verify_query(verifier, session, turn);
    else if (turn->type == 'S')
        verify_sync(verifier, session, turn);
    else if (strchr("PBDEC", turn->type)) {
        verify_send_ahead(verifier, session, turn);
        if (!session->is_over || session->ahead)
            verify_extended(verifier, session, turn);
    } else if (strchr("dcf", turn->type) && !session->lost)
        take_copy(verifier, session, turn);
    else if (turn->type == 'F' && !session->lost)
        call_function(verifier, session, turn);
    follow(verifier, session, turn);
}
