/* test/say_test.c - messages: which line they name, and the words in front of them. */

#include <seam/seam.h>

#include <stdio.h>
#include <string.h>

#include "test/trial_test.h"

/* ---- words ------------------------------------------------------------------------------- */

static void logs(seam_t *t)
{
    seam_log(t, "plain");
    seam_log(t, "%s %d\n\n", "with newlines", 2);
    seam_log(t, "two\nlines");
    seam_error(t, "%s", "");
}

SEAM_TEST(log_keeps_lines_within_and_drops_those_behind)
{
    trial_says(t, logs,
               "log t: plain\n"
               "log t: with newlines 2\n"
               "log t: two\nlines\n"
               "error t: \n"
               "end t fail\n");
}

SEAM_SUBTEST(logs_below)
{
    seam_log(t, "inherited");
    seam_scope(t, "own");
    seam_log(t, "not both");
}

static void scopes(seam_t *t)
{
    for (int i = 0; i < 2; i++) {
        seam_scope(t, "row %d", i);
        seam_check_eq(t, i, 0);
    }
    seam_run(t, "sub", logs_below, NULL);
    seam_scope(t, "%s", "");
    seam_log(t, "none");
}

SEAM_TEST(scope_stands_in_front)
{
    trial_says(t, scopes,
               "error t: row 1: i\ngot:  1\nwant: 0\n"
               "run t/sub\n"
               "log t/sub: row 1: inherited\n"
               "log t/sub: own: not both\n"
               "end t/sub pass\n"
               "log t: none\n"
               "end t fail\n");
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Says which line it should be reported at. */
static void names_line(seam_t *t, int line)
{
    seam_log(t, "%d", line);
}

static void passes_on(seam_t *t, int line)
{
    seam_via(t, names_line(t, line));
}

static int gives(seam_t *t, int value)
{
    seam_log(t, "%d", __LINE__);
    return value;
}

static void goes_via(seam_t *t)
{
    names_line(t, 0);
    seam_via(t, names_line(t, __LINE__));
    seam_via(t, passes_on(t, __LINE__)); /* the outermost one counts */
    seam_via(t, gives(t, 7));
    seam_log(t, "%d", __LINE__);
}

/* The lines on which a message's own line and what it says differ. */
static int count_others(const char *said)
{
    int others = 0;

    for (const char *line = strstr(said, "log t: "); line; line = strstr(line + 1, "log t: ")) {
        int at = 0, wanted = 0;

        sscanf(line, "log t: %d: %d", &at, &wanted);
        others += at == 0 || at != wanted;
    }
    return others;
}

SEAM_TEST(via_names_the_line_of_the_call)
{
    struct trial_options numbered = { .numbered = true };
    const char *said = trial_run(t, goes_via, &numbered);

    seam_check_eq(t, count_others(said), 2); /* the first, and the one that `gives` says */
}

static void leaves(seam_t *t)
{
    seam_fatal(t, "gone");
}

SEAM_SUBTEST(leaves_within_via)
{
    seam_via(t, leaves(t));
}

static void left_within_via(seam_t *t)
{
    seam_run(t, "sub", leaves_within_via, NULL);
    seam_log(t, "%d", __LINE__);
}

SEAM_TEST(via_ends_with_the_subtest_that_left_it)
{
    struct trial_options numbered = { .numbered = true };

    seam_check_eq(t, count_others(trial_run(t, left_within_via, &numbered)), 0);
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void has_attributes(seam_t *t)
{
    seam_attr(t, "issue", "17 and 18");
    seam_attr(t, "two words", "x");
}

SEAM_TEST(attr_has_a_word_for_its_key)
{
    trial_says(t, has_attributes,
               "attr t: issue=17 and 18\n"
               "error t: seam_attr: 'two words' must be one word, and its value one line of at "
               "most 64 KB\n"
               "end t fail\n");
}

SEAM_SUBTEST(knows_its_name)
{
    seam_check_eq(t, seam_name(t), "name_is_full/a_b");
}

SEAM_TEST(name_is_full)
{
    seam_check_eq(t, seam_name(t), "name_is_full");
    seam_run(t, "a b", knows_its_name, NULL);
}
