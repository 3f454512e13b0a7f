/* pg/verify_mock.c - the functions of seam/verify.h, and how a mock is verified at its end. */

#include "link/link.h"
#include "net/loop.h"
#include "pg/mock.h"
#include "pg/session.h"
#include "pg/verify.h"
#include "test/t.h"

bool pg_verify_is_wanted(const struct seam_pg_mock *mock)
{
    return mock->options.verify || t_wants_verify();
}

static struct pg_verifier *verifier_of(struct seam_pg_mock *mock)
{
    struct pg_verifier *verifier = mock->verifier;

    if (verifier)
        return verifier;
    verifier = mock->verifier = arena_zero(t_arena(mock->t), sizeof *verifier);
    pg_verifier_init(verifier, mock->t, mock->site, mock->transcript);
    verifier->migrations = mock->options.migrations;
    verifier->seed = mock->options.seed;
    verifier->version = mock->options.version;
    return verifier;
}

/* Its answer is not whole yet: of a delay, of a program that goes on. */
static bool is_being_answered(const struct seam_pg_mock *mock, const struct pg_turn *turn)
{
    for (const struct pg_session *session = mock->sessions; session; session = session->next)
        if (session->ask && session->turn == turn)
            return true;
    return false;
}

/* Sessions that are open may add to the transcript meanwhile. */
static void verify(struct seam_pg_mock *mock)
{
    struct pg_verifier *verifier = verifier_of(mock);
    const struct pg_turn *first, *until = NULL;

    loop_lock();
    first = verifier->done ? verifier->done->next : mock->transcript->first;
    for (const struct pg_turn *turn = first; turn && !is_being_answered(mock, turn);
         turn = turn->next)
        until = turn;
    loop_unlock();
    if (!until)
        return;
    link_pass_begin();
    pg_verifier_run(verifier, first, until);
    link_pass_end();
}

void pg_verify(struct seam_pg_mock *mock)
{
    verify(mock);
    pg_verifier_fini(mock->verifier);
    mock->verifier = NULL;
}

seam_verify_counts seam_pg_verify(seam_pg_mock *mock)
{
    seam_verify_counts before = { 0 }, now;

    if (!mock->transcript)
        return before;
    before = verifier_of(mock)->counts;
    verify(mock);
    now = mock->verifier->counts;
    return (seam_verify_counts){ now.confirmed - before.confirmed,
                                 now.undecided - before.undecided,
                                 now.contradicted - before.contradicted };
}
