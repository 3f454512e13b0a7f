/* test/run_test.c - verdicts, clean-up and the names of subtests. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Werror
//seam:sources ../base/*.c ../events/*.c

#include <string.h>

#include "test/trial_test.h"

/* ---- verdicts ---------------------------------------------------------------------------- */

static void nothing(seam_t *t)
{
    (void)t;
}

static void fails(seam_t *t)
{
    seam_error(t, "too late");
    seam_log(t, "and went on");
}

static void fatal(seam_t *t)
{
    seam_fatal(t, "no way");
}

static void skips(seam_t *t)
{
    seam_skip(t, "not today");
}

static void skips_after_failure(seam_t *t)
{
    seam_error(t, "broken");
    seam_skip(t, "not today");
}

SEAM_TEST(run_gives_the_verdict)
{
    trial_says(t, nothing, "end t pass\n");
    trial_says(t, fails,
               "error t: too late\n"
               "log t: and went on\n"
               "end t fail\n");
    trial_says(t, fatal, "error t: no way\nend t fail\n");
    trial_says(t, skips, "skip t: not today\nend t skip\n");
}

SEAM_TEST(run_stays_failed_when_it_skips_later)
{
    trial_says(t, skips_after_failure,
               "error t: broken\n"
               "skip t: not today\n"
               "end t fail\n");
}

/* ---- clean-up ---------------------------------------------------------------------------- */

static seam_t *said_by;

static void says(void *words)
{
    seam_log(said_by, "%s", (const char *)words);
}

static void leaves(void *words)
{
    seam_fatal(said_by, "%s", (const char *)words);
}

static void register_three(seam_t *t)
{
    said_by = t;
    seam_cleanup(t, says, (void *)"first");
    seam_cleanup(t, says, (void *)"second");
    seam_cleanup(t, says, (void *)"third");
}

static void cleans_up(seam_t *t)
{
    register_three(t);
}

static void cleans_up_after_failure(seam_t *t)
{
    register_three(t);
    seam_error(t, "broken");
}

static void cleans_up_after_fatal(seam_t *t)
{
    register_three(t);
    seam_require_eq(t, 1, 2);
}

static void cleans_up_after_skip(seam_t *t)
{
    register_three(t);
    seam_skip(t, "not today");
}

static void fatal_in_clean_up(seam_t *t)
{
    said_by = t;
    seam_cleanup(t, says, (void *)"first");
    seam_cleanup(t, leaves, (void *)"cannot close");
    seam_cleanup(t, says, (void *)"third");
}

static void add_one(void *words)
{
    seam_cleanup(said_by, says, words);
}

static void clean_up_in_clean_up(seam_t *t)
{
    said_by = t;
    seam_cleanup(t, says, (void *)"first");
    seam_cleanup(t, add_one, (void *)"added late");
}

SEAM_TEST(run_cleans_up_last_in_first_out)
{
    const char *backwards = "log t: third\nlog t: second\nlog t: first\n";

    trial_says(t, cleans_up, seam_format(t, "%send t pass\n", backwards));
    trial_says(t, cleans_up_after_failure,
               seam_format(t, "error t: broken\n%send t fail\n", backwards));
    trial_says(t, cleans_up_after_fatal,
               seam_format(t, "error t: 1\ngot:  1\nwant: 2\n%send t fail\n", backwards));
    trial_says(t, cleans_up_after_skip,
               seam_format(t, "skip t: not today\n%send t skip\n", backwards));
}

SEAM_TEST(run_goes_on_after_a_fatal_in_a_clean_up)
{
    trial_says(t, fatal_in_clean_up,
               "log t: third\n"
               "error t: cannot close\n"
               "log t: first\n"
               "end t fail\n");
}

SEAM_TEST(run_takes_what_a_clean_up_registers)
{
    trial_says(t, clean_up_in_clean_up,
               "log t: added late\n"
               "log t: first\n"
               "end t pass\n");
}

/* ---- subtests ---------------------------------------------------------------------------- */

SEAM_SUBTEST(passes)
{
    (void)arg;
}

SEAM_SUBTEST(breaks)
{
    seam_error(t, "broken");
}

SEAM_SUBTEST(is_skipped)
{
    seam_skip(t, "not today");
}

SEAM_SUBTEST(holds_another)
{
    said_by = t;
    seam_cleanup(t, says, (void *)"clean-up of the outer one");
    seam_check(t, !seam_run(t, "inner", breaks, NULL));
}

static void has_subtests(seam_t *t)
{
    seam_check(t, seam_run(t, "a", passes, NULL));
    seam_check(t, seam_run(t, "b", is_skipped, NULL));
    seam_check(t, !seam_run(t, "c", holds_another, NULL));
    seam_check(t, seam_failed(t));
}

static void breaks_off(void *t)
{
    seam_fatal((seam_t *)t, "cannot close");
}

SEAM_SUBTEST(breaks_off_its_clean_up)
{
    seam_cleanup(t, breaks_off, t);
}

SEAM_SUBTEST(holds_one_that_breaks_off)
{
    seam_run(t, "inner", breaks_off_its_clean_up, NULL);
    seam_log(t, "goes on");
}

static void goes_on_after_a_clean_up(seam_t *t)
{
    seam_run(t, "outer", holds_one_that_breaks_off, NULL);
    seam_log(t, "goes on");
}

SEAM_TEST(run_ends_no_more_than_the_clean_up_that_breaks_off)
{
    trial_says(t, goes_on_after_a_clean_up,
               "run t/outer\n"
               "run t/outer/inner\n"
               "error t/outer/inner: cannot close\n"
               "end t/outer/inner fail\n"
               "log t/outer: goes on\n"
               "end t/outer fail\n"
               "log t: goes on\n"
               "end t fail\n");
}

static void has_skipped_subtest(seam_t *t)
{
    seam_run(t, "a", is_skipped, NULL);
}

SEAM_TEST(run_reports_a_tree)
{
    trial_says(t, has_subtests,
               "run t/a\n"
               "end t/a pass\n"
               "run t/b\n"
               "skip t/b: not today\n"
               "end t/b skip\n"
               "run t/c\n"
               "run t/c/inner\n"
               "error t/c/inner: broken\n"
               "end t/c/inner fail\n"
               "log t/c: clean-up of the outer one\n"
               "end t/c fail\n"
               "end t fail\n");
    trial_says(t, has_skipped_subtest,
               "run t/a\n"
               "skip t/a: not today\n"
               "end t/a skip\n"
               "end t pass\n");
}

static void passes_something_on(seam_t *t)
{
    int value = 7;

    seam_run(t, "a", passes, &value);
}

SEAM_SUBTEST(leaves_its_parent)
{
    seam_fatal((seam_t *)arg, "the parent cannot go on");
}

SEAM_SUBTEST(leaves_its_grandparent)
{
    seam_run(t, "inner", leaves_its_parent, arg);
    seam_log(t, "never said");
}

static void is_left_by_subtest(seam_t *t)
{
    seam_run(t, "a", leaves_its_parent, t);
    seam_log(t, "never said");
}

static void is_left_from_below(seam_t *t)
{
    seam_run(t, "a", leaves_its_grandparent, t);
    seam_log(t, "never said");
}

SEAM_TEST(run_ends_the_parent_that_a_subtest_leaves)
{
    trial_says(t, passes_something_on, "run t/a\nend t/a pass\nend t pass\n");
    trial_says(t, is_left_by_subtest,
               "run t/a\n"
               "error t: the parent cannot go on\n"
               "end t/a pass\n"
               "end t fail\n");
    trial_says(t, is_left_from_below,
               "run t/a\n"
               "run t/a/inner\n"
               "error t: the parent cannot go on\n"
               "end t/a/inner pass\n"
               "end t/a pass\n"
               "end t fail\n");
}

static void runs_in_clean_up(void *arg)
{
    seam_run((seam_t *)arg, "late", passes, NULL);
}

static void subtest_in_clean_up(seam_t *t)
{
    seam_cleanup(t, runs_in_clean_up, t);
}

SEAM_TEST(run_refuses_subtests_in_a_clean_up)
{
    trial_says(t, subtest_in_clean_up,
               "error t: seam_run 'late': t has ended; a clean-up cannot run subtests\n"
               "end t fail\n");
}

/* ---- names of subtests; the wanted ones are what go test prints ---------------------------- */

static void run_names(seam_t *t, const char *const *names)
{
    for (; *names; names++)
        seam_run(t, *names, passes, NULL);
}

static void plain_names(seam_t *t)
{
    run_names(t, (const char *const[]){ "a b", "a\tb\n", "bell\a", "nul\x01", "del\x7f", "", "",
                                        "no\xc2\xa0"
                                        "break",
                                        "back\\slash", "a/", "/", NULL });
}

static void used_names(seam_t *t)
{
    run_names(t, (const char *const[]){ "x", "x", "x#01", "x#02", "x", "x#07", "x#1", NULL });
}

static void taken_names(seam_t *t)
{
    run_names(t, (const char *const[]){ "y#01", "y", "y", "y", "z", "z/w", "z/w", "y#01",
                                        "y#00", "#", "#", "x#01#01", "x#01", "x", "x", NULL });
}

/* The names in a transcript, one behind the other. */
static const char *names_of(seam_t *t, void (*fn)(seam_t *t))
{
    const char *said = trial_run(t, fn, NULL);
    char *names = seam_format(t, "%s", "");

    for (const char *line = said; *line; line += strcspn(line, "\n") + 1)
        if (strncmp(line, "run t/", 6) == 0)
            names = seam_format(t, "%s%s%.*s", names, *names ? " " : "",
                                (int)strcspn(line + 6, "\n"), line + 6);
    return names;
}

SEAM_TEST(run_names_subtests_as_go_does)
{
    seam_check_str(t, names_of(t, plain_names),
                   "a_b a_b_ bell\\a nul\\x01 del\\x7f #00 #01 no_break back\\slash a/ /");
    seam_check_str(t, names_of(t, used_names), "x x#01 x#01#01 x#02 x#03 x#07 x#1");
    seam_check_str(t, names_of(t, taken_names),
                   "y#01 y y#02 y#03 z z/w z/w#01 y#01#01 y#00 # ##01 x#01#01 x#01 x x#02");
}

/* ---- -run and -skip below the top level ---------------------------------------------------- */

SEAM_SUBTEST(holds_b_and_c)
{
    seam_run(t, "b", passes, NULL);
    seam_check(t, seam_run(t, "c", breaks, NULL));
}

static void has_a_tree(seam_t *t)
{
    seam_run(t, "a", holds_b_and_c, NULL);
    seam_check(t, seam_run(t, "d", breaks, NULL));
}

SEAM_TEST(run_leaves_out_what_is_not_selected)
{
    struct trial_options chosen = { .run = "t/a/b" };
    struct trial_options skipped = { .skip = "t/d|t/a/c" };
    const char *both = "run t/a\nrun t/a/b\nend t/a/b pass\nend t/a pass\nend t pass\n";

    seam_via(t, trial_says_with(t, has_a_tree, &chosen, both));
    seam_via(t, trial_says_with(t, has_a_tree, &skipped, both));
}
