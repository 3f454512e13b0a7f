/* clock/uuid_test.c - identities that can be foreseen. */

#include <seam/uuid.h>

#include <string.h>

#include "test/trial_test.h"

static void check_form(seam_t *t, const char *id)
{
    seam_check_match(t, id,
                     "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
}

SEAM_TEST(the_nth_id_is_known)
{
    seam_uuid *ids = seam_uuid_start(t);
    char id[37];

    for (size_t i = 0; i < 100; i++) {
        const char *known = seam_uuid_at(ids, i);

        check_form(t, known);
        seam_check_eq(t, seam_uuid_next(ids, id), 0);
        seam_check_eq(t, id, known);
        seam_check_ne(t, id, seam_uuid_at(ids, i + 1));
    }
    seam_check_eq(t, seam_uuid_count(ids), 100);
}

SEAM_TEST(ids_follow_from_the_seed)
{
    seam_uuid *one = seam_uuid_start(t, .seed = 7), *same = seam_uuid_start(t, .seed = 7);
    seam_uuid *other = seam_uuid_start(t, .seed = 8);

    seam_check_eq(t, seam_uuid_at(one, 0), "50858203-873e-4679-b4ca-c5489fdc078a");
    seam_check_eq(t, seam_uuid_at(one, 5), seam_uuid_at(same, 5));
    seam_check_ne(t, seam_uuid_at(one, 5), seam_uuid_at(other, 5));
    seam_check_eq(t, seam_uuid_seed(one), 7);
}

SEAM_SUBTEST(keeps_its_seed)
{
    *(uint64_t *)arg = seam_uuid_seed(seam_uuid_start(t));
}

SEAM_TEST(the_seed_follows_from_the_name)
{
    uint64_t a = 0, b = 0;

    seam_run(t, "a", keeps_its_seed, &a);
    seam_run(t, "b", keeps_its_seed, &b);
    seam_check_ne(t, a, b);
    seam_check_eq(t, seam_uuid_seed(seam_uuid_start(t)), seam_uuid_seed(seam_uuid_start(t)));
}

SEAM_TEST(listed_ids_come_first)
{
    seam_uuid *ids = seam_uuid_start(t, .list = { "one", "two" });
    char id[37];

    seam_uuid_next(ids, id);
    seam_check_eq(t, id, "one");
    seam_uuid_next(ids, id);
    seam_check_eq(t, id, "two");
    seam_uuid_next(ids, id);
    check_form(t, id);
    seam_check_eq(t, seam_uuid_at(ids, 1), "two");
}

static void fails(seam_t *t)
{
    seam_uuid *ids = seam_uuid_start(t, .seed = 18446744073709551615u);
    char id[37];

    seam_uuid_next(ids, id);
    seam_error(t, "wrong");
}

static void fails_without_ids(seam_t *t)
{
    seam_uuid_start(t);
    seam_error(t, "wrong");
}

SEAM_TEST(a_failure_shows_the_seed)
{
    trial_says(t, fails,
               "error t: wrong\n"
               "log t: ids followed from a seed: .seed = 18446744073709551615u gives the same "
               "again\n"
               "end t fail\n");
    trial_says(t, fails_without_ids, "error t: wrong\nend t fail\n");
}

static void asks_at_the_seam(seam_t *t)
{
    seam_uuid_start(t, .at_the_seam = true);
}

static void lists_too_long(seam_t *t)
{
    seam_uuid_start(t, .list = { "a", "0123456789012345678901234567890123456" });
}

SEAM_TEST(what_is_refused)
{
    trial_says(t, asks_at_the_seam,
               "error t: seam_uuid_start: .at_the_seam is not supported yet\n"
               "try: seam_uuid_next behind the program's own source of ids\n"
               "end t fail\n");
    trial_says(t, lists_too_long,
               "error t: id 1 of .list has 37 characters, not at most 36\n"
               "end t fail\n");
}
