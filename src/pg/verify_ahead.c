/*
 * pg/verify_ahead.c - a batch of the extended protocol is sent at once where nothing has to be done between its
 * messages; see verify.h.
 *
 * What libpq sends for a statement (Parse, Bind, Describe, Execute, Sync) would be five round trips; a real
 * client has one. The answers wait in session->ahead, and each turn takes its own. Before the Execute it is
 * interrupted where the columns tell which sequences are to be set, where data is copied, and where nothing is to
 * be executed.
 */

#include <string.h>

#include "pg/verify_turn.h"

static const struct pg_turn *next_turn(const struct pg_verifier *verifier,
                                       const struct pg_turn *turn)
{
    return turn == verifier->until ? NULL : turn->next;
}

/* The Sync that ends it. NULL: another session speaks before that. */
static const struct pg_turn *end_of_batch(const struct pg_verifier *verifier,
                                          const struct pg_turn *turn)
{
    const struct pg_turn *at = turn;

    while (at && at->session == turn->session && strchr("PBDEC", at->type))
        at = next_turn(verifier, at);
    return at && at->session == turn->session && at->type == 'S' ? at : NULL;
}

/* The only Execute of the batch; NULL: there are more, or none. */
static const struct pg_turn *find_execute(const struct pg_turn *turn, const struct pg_turn *end)
{
    const struct pg_turn *found = NULL;

    for (; turn != end; turn = turn->next)
        if (turn->type == 'E') {
            if (found || !turn->claims)
                return NULL;
            found = turn;
        }
    return found;
}

static bool is_copy(const struct pg_sql *is)
{
    return is->command && strcmp(is->command, "COPY") == 0;
}

/* ---- sending */

static const char *answer_of(char type)
{
    return type == 'P' ? "1E" : type == 'B' ? "2E" : type == 'D' ? "TnE" : "3E";
}

static void send_all(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *turn, const struct pg_turn *end)
{
    struct pg_messages said;

    for (; turn != end; turn = turn->next)
        real_put(&session->real, turn->type, turn->body, turn->size);
    real_put(&session->real, 'S', "", 0);
    if (verify_exchange(verifier, session, "Z", &said))
        session->ahead = said.first;
}

/* What is before the Execute. */
static void send_some(struct pg_verifier *verifier, struct verify_session *session,
                      const struct pg_turn *turn, const struct pg_turn *execute)
{
    struct pg_messages all = { .last = &all.first }, said;
    struct pg_error error = { 0 };

    for (const struct pg_turn *at = turn; at != execute; at = at->next)
        real_put(&session->real, at->type, at->body, at->size);
    real_put(&session->real, 'H', "", 0);
    session->unsynced = true;
    for (; turn != execute && !error.sqlstate && !session->is_over; turn = turn->next) {
        if (!verify_exchange(verifier, session, answer_of(turn->type), &said))
            return;
        pg_messages_error(&said, &error);
        if (!said.first)
            continue;
        *all.last = said.first;
        all.last = said.last;
    }
    session->ahead = all.first;
}

void verify_send_ahead(struct pg_verifier *verifier, struct verify_session *session,
                       const struct pg_turn *turn)
{
    const struct pg_turn *end, *execute;
    struct pg_sql is;

    if (session->ahead || session->unsynced || session->lost || session->copy_sql)
        return;
    end = end_of_batch(verifier, turn);
    execute = end ? find_execute(turn, end) : NULL;
    if (!execute || !execute->claims->expected)
        return;
    pg_sql_classify(&is, execute->claims->sql, &verifier->arena);
    verify_give(verifier, session, execute->claims);
    if (session->lost || session->is_over || session->unsynced)
        return;
    if (!is.returning && !is_copy(&is) && !verify_is_injected(execute->claims))
        send_all(verifier, session, turn, end);
    else if (turn != execute)
        send_some(verifier, session, turn, execute);
}

void verify_send_end(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *execute)
{
    const struct pg_turn *sync = next_turn(verifier, execute);
    struct pg_sql is;

    if (session->ahead || !sync || sync->session != execute->session || sync->type != 'S')
        return;
    pg_sql_classify(&is, execute->claims ? execute->claims->sql : "", &verifier->arena);
    if (execute->claims && !is_copy(&is))
        send_all(verifier, session, execute, sync);
}
