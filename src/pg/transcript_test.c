/* pg/transcript_test.c - turns keep their order and their bytes; what is too much is counted. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources transcript.c ../base/arena.c ../base/buf.c

#include <seam/seam.h>
#include <string.h>

#include "pg/transcript.h"

static void fini(void *transcript)
{
    pg_transcript_fini(transcript);
}

static struct pg_transcript *new_transcript(seam_t *t)
{
    struct pg_transcript *transcript = seam_alloc(t, sizeof *transcript);

    pg_transcript_init(transcript);
    seam_cleanup(t, fini, transcript);
    return transcript;
}

static struct pg_turn *add(struct pg_transcript *transcript, int session, char type,
                           const char *body)
{
    struct pg_frame frame = { type, body, strlen(body) };

    return pg_transcript_add(transcript, session, &frame);
}

SEAM_TEST(turns_of_all_sessions_stay_in_order)
{
    struct pg_transcript *transcript = new_transcript(t);
    char body[] = "SELECT 1";
    struct pg_turn *first;

    first = add(transcript, 1, 'Q', body);
    add(transcript, 2, 'P', "");
    body[0] = '?'; /* the transcript has its own */
    seam_check_eq(t, transcript->count, 2);
    seam_check_same(t, transcript->first, first);
    seam_check_mem(t, first->body, first->size, "SELECT 1", 8);
    seam_check_eq(t, first->next->session, 2);
    seam_check_eq(t, first->next->type, 'P');
    seam_check_null(t, first->next->next);
}

SEAM_TEST(an_answer_grows_by_pieces)
{
    struct pg_transcript *transcript = new_transcript(t);
    struct pg_turn *turn, *other;
    char want[3000];

    turn = add(transcript, 1, 'Q', "");
    for (size_t i = 0; i < sizeof want; i++) {
        want[i] = (char)('a' + i % 26);
        pg_transcript_answer(transcript, turn, &want[i], 1);
        if (i == 1500)
            other = add(transcript, 1, 'Q', "");
    }
    seam_check_mem(t, turn->answer, turn->answer_size, want, sizeof want);
    seam_check_eq(t, other->answer_size, 0);
    seam_check_lt(t, transcript->size, 10000);
}

SEAM_TEST(claims_stay_in_order)
{
    struct pg_transcript *transcript = new_transcript(t);
    struct pg_claim claim = { .sql = "one", .expected = true };
    struct pg_turn *turn;

    turn = add(transcript, 1, 'Q', "one; two");
    pg_transcript_claim(transcript, turn, &claim);
    claim.sql = "two";
    pg_transcript_claim(transcript, turn, &claim);
    seam_require(t, turn->claims && turn->claims->next);
    seam_check_eq(t, turn->claims->sql, "one");
    seam_check_eq(t, turn->claims->next->sql, "two");
    seam_check_null(t, turn->claims->next->next);
}

SEAM_TEST(beyond_the_cap_turns_are_counted_and_no_later_one_is_kept)
{
    static char much[PG_TRANSCRIPT_MAX / 4];
    struct pg_transcript *transcript = new_transcript(t);
    struct pg_frame large = { 'd', much, sizeof much };
    int kept = 0;

    while (kept < 10 && pg_transcript_add(transcript, 1, &large))
        kept++;
    seam_check_eq(t, kept, 3);
    seam_check_null(t, add(transcript, 1, 'Q', "small"));
    seam_check_eq(t, transcript->lost, 2);
    pg_transcript_answer(transcript, NULL, "x", 1);
    pg_transcript_claim(transcript, NULL, &(struct pg_claim){ .sql = "x" });
}
