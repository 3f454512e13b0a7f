/* pg/verify.c - the claims of a transcript, one turn after the other; see verify.h. */

#include "pg/verify.h"

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "base/io.h"
#include "lease/postgres.h"
#include "test/t.h"

enum { ANSWER_MS = 60000, SEED_MAX = 64 << 20 };

void pg_verifier_init(struct pg_verifier *verifier, seam_t *t, seam_site site,
                      struct pg_transcript *transcript)
{
    *verifier = (struct pg_verifier){
        .t = t, .site = site, .transcript = transcript, .helper = { .fd = -1 }
    };
}

uint64_t verify_deadline(const struct pg_verifier *verifier)
{
    return deadline_after_ms(t_wait_ms(verifier->t, ANSWER_MS));
}

/* ---- the database */

/* A verification that cannot be is counted, and no failure unless -no-skip says so. */
static void say_unavailable(struct pg_verifier *verifier, const char *why)
{
    const char *line = arena_copy(&verifier->arena, why, strcspn(why, "\n"));

    if (t_no_skip())
        seam_error_at(verifier->t, verifier->site, "the double cannot be verified: %s", why);
    else
        seam_log_at(verifier->t, verifier->site, "the double is not verified: %s", why);
    t_tally(verifier->t, TALLY_UNVERIFIED, 1, line);
}

static bool lease(struct pg_verifier *verifier, const char **ret_conninfo)
{
    const seam_postgres_options options = { .version = verifier->version,
                                            .migrations = verifier->migrations,
                                            .seed = verifier->seed,
                                            .site = verifier->site };
    seam_postgres *pg;
    const char *why;
    int r = postgres_try(verifier->t, &options, &pg, &why);

    if (r == -ENOENT)
        say_unavailable(verifier, why);
    else if (r < 0)
        seam_error_at(verifier->t, verifier->site, "the double cannot be verified: %s", why);
    if (r < 0)
        return false;
    verifier->server_version = arena_dup(&verifier->arena, seam_postgres_version(pg));
    *ret_conninfo = seam_postgres_conninfo(pg);
    return true;
}

static bool read_address(struct pg_verifier *verifier, const char *conninfo)
{
    if (real_address_parse(&verifier->arena, conninfo, &verifier->address) == 0)
        return true;
    seam_error_at(verifier->t, verifier->site, "cannot understand the address '%s'", conninfo);
    return false;
}

/* Which tables the file of SQL writes. */
static void read_seed(struct pg_verifier *verifier)
{
    struct buf text = BUF_INIT(SEED_MAX);

    if (verifier->seed &&
        io_read_file(t_source_path(verifier->t, verifier->site, verifier->seed), &text) == 0)
        verify_wrote_sql(verifier, arena_dup(&verifier->arena, buf_text(&text)), verifier->site,
                         0, false);
    buf_fini(&text);
}

static bool open_database(struct pg_verifier *verifier)
{
    const char *conninfo;

    if (verifier->server_version || verifier->unavailable)
        return !verifier->unavailable;
    verifier->unavailable = !lease(verifier, &conninfo) || !read_address(verifier, conninfo);
    if (!verifier->unavailable) {
        read_seed(verifier);
        verify_fact_begin(verifier);
    }
    return !verifier->unavailable;
}

/* ---- all turns */

static void say_lost(struct pg_verifier *verifier)
{
    if (verifier->transcript->lost > 0)
        t_warn_at(verifier->t, verifier->site,
                  "%d messages came after the first %d MB and were not verified",
                  verifier->transcript->lost, PG_TRANSCRIPT_MAX >> 20);
}

static void tally(struct pg_verifier *verifier, const seam_verify_counts *before)
{
    const seam_verify_counts *now = &verifier->counts;

    t_tally(verifier->t, TALLY_CONFIRMED, now->confirmed - before->confirmed, NULL);
    t_tally(verifier->t, TALLY_UNDECIDED, now->undecided - before->undecided, NULL);
    t_tally(verifier->t, TALLY_CONTRADICTED, now->contradicted - before->contradicted, NULL);
}

void pg_verifier_run(struct pg_verifier *verifier, const struct pg_turn *first,
                     const struct pg_turn *until)
{
    const seam_verify_counts before = verifier->counts;

    if (!first || !open_database(verifier))
        return;
    verifier->until = until;
    for (const struct pg_turn *turn = first;; turn = turn->next) {
        verify_turn(verifier, turn);
        verifier->done = turn;
        if (turn == until)
            break;
    }
    tally(verifier, &before);
    say_lost(verifier);
}

void pg_verifier_fini(struct pg_verifier *verifier)
{
    for (struct verify_session *session = verifier->sessions; session; session = session->next)
        verify_session_end(session);
    real_end(&verifier->helper);
    map_fini(&verifier->unsure);
    map_fini(&verifier->given);
    map_fini(&verifier->said);
    map_fini(&verifier->forms);
    arena_fini(&verifier->arena);
}
