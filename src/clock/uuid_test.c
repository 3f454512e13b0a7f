/* clock/uuid_test.c - identities that can be foreseen. */

#include <seam/uuid.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

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

/* ---- at the seam ------------------------------------------------------------------------- */

struct drawn {
    unsigned char by_getrandom[10], by_getentropy[16], by_open[8], by_fopen[8], id[16];
    uint32_t by_arc4random;
};

void uuid_generate(unsigned char *to);

static void draw(seam_t *t, struct drawn *ret)
{
    FILE *file = fopen("/dev/random", "rb");
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    memset(ret, 0, sizeof *ret);
    seam_check_eq(t, getrandom(ret->by_getrandom, 10, 0), 10);
    seam_check_eq(t, getentropy(ret->by_getentropy, 16), 0);
    seam_check_eq(t, read(fd, ret->by_open, 8), 8);
    seam_check_eq(t, fread(ret->by_fopen, 1, 8, file), 8);
    ret->by_arc4random = arc4random();
    uuid_generate(ret->id);
    fclose(file);
    close(fd);
}

SEAM_SUBTEST(draws)
{
    seam_uuid_start(t, .seed = 7, .at_the_seam = true);
    draw(t, arg);
}

SEAM_TEST(libc_draws_by_the_seed)
{
    static const struct drawn nothing;
    struct drawn one = nothing, same = nothing, other;
    unsigned char byte[2][16];

    seam_run(t, "one", draws, &one);
    seam_run(t, "same", draws, &same);
    seam_check_mem(t, &one, sizeof one, &same, sizeof same);
    seam_check(t, memcmp(&one, &nothing, sizeof one) != 0);
    seam_uuid_start(t, .seed = 8, .at_the_seam = true);
    draw(t, &other);
    seam_check(t, memcmp(one.by_getrandom, other.by_getrandom, 10) != 0);
    seam_check(t, memcmp(one.by_open, other.by_open, 8) != 0);
    seam_check(t, one.by_arc4random != other.by_arc4random);
    getrandom(byte[0], 16, 0);
    getrandom(byte[1], 16, 0);
    seam_check(t, memcmp(byte[0], byte[1], 16) != 0);
}

SEAM_TEST(libuuid_gives_the_ids_of_the_port)
{
    static const unsigned char listed[16] = { 1, 2, [15] = 3 };
    seam_uuid *ids = seam_uuid_start(t, .seed = 7, .at_the_seam = true,
                                     .list = { "01020000-0000-0000-0000-000000000003" });
    unsigned char id[16];
    char text[37], *at = text;

    uuid_generate(id);
    seam_check_mem(t, id, 16, listed, 16);
    seam_uuid_next(ids, text);
    seam_check_eq(t, text, seam_uuid_at(ids, 1));
    uuid_generate(id);
    for (int i = 0; i < 16; i++)
        at += snprintf(at, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    seam_check_eq(t, text, seam_uuid_at(ids, 2));
    seam_check_eq(t, seam_uuid_count(ids), 3);
}

SEAM_TEST(numbers_below_a_bound)
{
    seam_uuid_start(t, .at_the_seam = true);
    for (int i = 0; i < 100; i++)
        seam_check(t, arc4random_uniform(7) < 7);
    seam_check_eq(t, arc4random_uniform(1), 0);
    seam_check_eq(t, arc4random_uniform(0), 0);
}

static void fails_after_a_draw(seam_t *t)
{
    char byte;

    seam_uuid_start(t, .seed = 7, .at_the_seam = true);
    seam_check_eq(t, getrandom(&byte, 1, 0), 1);
    seam_error(t, "wrong");
}

static void seeds_twice(seam_t *t)
{
    seam_uuid_start(t, .at_the_seam = true);
    seam_uuid_start(t, .at_the_seam = true);
}

static void lists_no_uuid(seam_t *t)
{
    seam_uuid_start(t, .at_the_seam = true, .list = { "order-1" });
}

SEAM_TEST(a_failure_at_the_seam)
{
    trial_says(t, fails_after_a_draw,
               "error t: wrong\n"
               "log t: ids followed from a seed: .seed = 7u gives the same again\n"
               "end t fail\n");
    trial_says(t, seeds_twice,
               "error t: libc's functions go by a seed already: a test has one .at_the_seam\n"
               "end t fail\n");
    trial_says(t, lists_no_uuid,
               "error t: id 0 of .list, 'order-1', is no UUID, as .at_the_seam has them\n"
               "end t fail\n");
}

static void lists_too_long(seam_t *t)
{
    seam_uuid_start(t, .list = { "a", "0123456789012345678901234567890123456" });
}

SEAM_TEST(what_is_refused)
{
    trial_says(t, lists_too_long,
               "error t: id 1 of .list has 37 characters, not at most 36\n"
               "end t fail\n");
}
