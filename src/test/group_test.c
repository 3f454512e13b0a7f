/* test/group_test.c - groups are set up once, before their first test, and torn down if that went well. */

#include <seam/seam.h>

#include <unistd.h>

#include "test/state.h"
#include "test/trial_test.h"

static int loads, refusals, unloads, barns;

static int load(void)
{
    loads++;
    return 0;
}

static int refuse(void)
{
    refusals++;
    return -5;
}

static void unload(void)
{
    unloads++;
}

static int build_barn(void)
{
    barns++;
    return 0;
}

/* All but the barn are entered in trials only: under valgrind these tests run in one process. */
SEAM_GROUP(granary, .setup = load, .teardown = unload);
SEAM_GROUP(barn, .setup = build_barn);
SEAM_GROUP(ruin, .setup = refuse, .teardown = unload);
SEAM_GROUP(field, .teardown = unload);

static void says_that_it_ran(seam_t *t)
{
    seam_log(t, "ran");
}

static const struct seam_options in_granary = { .group = "granary", .site = SEAM_SITE };
static const struct seam_options in_ruin = { .group = "ruin", .site = SEAM_SITE };
static const struct seam_options in_field = { .group = "field", .site = SEAM_SITE };
static const struct seam_options in_no_group = { .site = SEAM_SITE };
static const struct seam_options apart = { .group = "port 80", .site = SEAM_SITE };

static struct seam_test_record record_of(const struct seam_options *options)
{
    return (struct seam_test_record){ "t", says_that_it_ran, options, NULL };
}

static int enter(const struct seam_options *options)
{
    const struct seam_test_record record = record_of(options);

    return group_enter(&record);
}

/* ---- set-up and teardown ----------------------------------------------------------------- */

static void enters_thrice(seam_t *t)
{
    for (int i = 0; i < 3; i++)
        seam_check_eq(t, enter(&in_granary), 0);
    seam_log(t, "%d", loads);
}

static void enters_a_ruin_twice(seam_t *t)
{
    for (int i = 0; i < 2; i++)
        seam_check_eq(t, enter(&in_ruin), -5);
    seam_log(t, "%d", refusals);
}

SEAM_TEST(group_is_set_up_once)
{
    trial_says(t, enters_thrice, "log t: 1\nend t pass\n");
}

SEAM_TEST(group_that_failed_is_not_tried_again)
{
    trial_says(t, enters_a_ruin_twice, "log t: 1\nend t pass\n");
}

static void enters_a_field(seam_t *t)
{
    seam_check_eq(t, enter(&in_field), 0);
    seam_check_eq(t, enter(&in_no_group), 0);
}

SEAM_TEST(group_needs_no_set_up)
{
    trial_says(t, enters_a_field, "end t pass\n");
}

/* A name that no SEAM_GROUP declares only keeps tests apart. */
SEAM_TEST(group_needs_no_declaration)
{
    seam_check_eq(t, enter(&apart), 0);
}

static void tears_down(seam_t *t, const struct seam_options *first,
                       const struct seam_options *second)
{
    if (first)
        enter(first);
    if (second)
        enter(second);
    groups_tear_down();
    seam_log(t, "%d", unloads);
}

static void tears_down_nothing(seam_t *t)
{
    tears_down(t, NULL, NULL);
}

static void tears_down_a_ruin(seam_t *t)
{
    tears_down(t, &in_ruin, NULL);
}

static void tears_down_two_of_three(seam_t *t)
{
    enter(&in_ruin);
    tears_down(t, &in_granary, &in_field);
}

SEAM_TEST(group_that_was_never_set_up_is_not_torn_down)
{
    trial_says(t, tears_down_nothing, "log t: 0\nend t pass\n");
    trial_says(t, tears_down_a_ruin, "log t: 0\nend t pass\n");
}

SEAM_TEST(group_that_was_set_up_is_torn_down)
{
    trial_says(t, tears_down_two_of_three, "log t: 2\nend t pass\n");
}

/* ---- its tests --------------------------------------------------------------------------- */

/* Go on as another test, which is declared with these options. */
static SEAM_NORETURN void become(const struct seam_options *options)
{
    const struct seam_test_record record = record_of(options);

    _exit(run_test(&record, 0, false) ? 0 : 1);
}

static void becomes_one_of_the_granary(seam_t *t)
{
    (void)t;
    become(&in_granary);
}

static void becomes_one_of_the_ruin(seam_t *t)
{
    (void)t;
    become(&in_ruin);
}

/* The second test finds what the set-up of the first has left. */
static void becomes_the_second_of_the_ruin(seam_t *t)
{
    seam_check_eq(t, enter(&in_ruin), -5);
    become(&in_ruin);
}

SEAM_TEST(group_set_up_lets_its_tests_run)
{
    trial_says(t, becomes_one_of_the_granary, "log t: ran\nend t pass\n");
}

SEAM_TEST(group_whose_set_up_fails_fails_each_of_its_tests)
{
    static const char words[] = "error t: the set-up of group 'ruin' failed: it returned -5\n"
                                "end t fail\n";

    trial_says(t, becomes_one_of_the_ruin, words);
    trial_says(t, becomes_the_second_of_the_ruin, words);
}

/* ---- in the program that runs these very tests: the set-up is not the test's, but its agent's */

SEAM_TEST(group_is_ready_for_its_first_test, .group = "barn")
{
    seam_check_eq(t, barns, 1);
    seam_check_eq(t, enter(&(const struct seam_options){ .group = "barn" }), 0);
    seam_check_eq(t, barns, 1);
}

SEAM_TEST(group_is_ready_for_its_second_test, .group = "barn")
{
    seam_check_eq(t, barns, 1);
}
