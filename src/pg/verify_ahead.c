/*
 * pg/verify_ahead.c - a batch of the extended protocol is sent at once where nothing has to be done between its
 * messages; see verify.h.
 *
 * What libpq sends for a statement (Parse, Bind, Describe, Execute, Sync) would be five round trips; a real
 * client has one. The answers wait in session->ahead, and each turn takes its own.
 */

#include <string.h>

#include "pg/verify.h"
#include "pg/verify_turn.h"

static const struct pg_turn *next_turn(const struct pg_verifier *verifier,
                                       const struct pg_turn *turn)
{
    return turn == verifier->until ? NULL : turn->next;
}

/* The Sync that ends it. NULL: another session speaks before that, or something has to come between. */
static const struct pg_turn *end_of_batch(const struct pg_verifier *verifier,
                                          const struct pg_turn *turn)
{
    const struct pg_turn *at = turn;

    while (at && at->session == turn->session && strchr("PBDEC", at->type))
        at = next_turn(verifier, at);
    return at && at->session == turn->session && at->type == 'S' ? at : NULL;
}

/* Sequences are set behind Describe; data of COPY comes behind Execute; an error of the world is made there. */
static bool needs_steps(struct pg_verifier *verifier, const struct pg_claim *claim)
{
    struct pg_sql is;

    pg_sql_classify(&is, claim->sql, &verifier->arena);
    return is.returning || verify_is_injected(claim) ||
           (is.command && strcmp(is.command, "COPY") == 0);
}

static bool may_be_sent(struct pg_verifier *verifier, const struct pg_turn *turn,
                        const struct pg_turn *end)
{
    int claims = 0;

    for (; turn != end; turn = turn->next)
        for (const struct pg_claim *claim = turn->claims; claim; claim = claim->next)
            if (++claims > 1 || needs_steps(verifier, claim))
                return false;
    return claims == 1;
}

void verify_send_ahead(struct pg_verifier *verifier, struct verify_session *session,
                       const struct pg_turn *turn)
{
    const struct pg_turn *end;
    struct pg_messages said;

    if (session->ahead || session->unsynced || session->lost || session->copy_sql)
        return;
    end = end_of_batch(verifier, turn);
    if (!end || !may_be_sent(verifier, turn, end))
        return;
    verify_give(verifier, session, verify_next_claim(verifier, turn));
    if (session->lost || session->is_over)
        return;
    for (; turn != end; turn = turn->next)
        real_put(&session->real, turn->type, turn->body, turn->size);
    real_put(&session->real, 'S', "", 0);
    if (verify_exchange(verifier, session, "Z", &said))
        session->ahead = said.first;
}
