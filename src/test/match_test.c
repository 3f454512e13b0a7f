/* test/match_test.c - patterns that match, do not match, are wrong or take for ever. */

#include "test/match.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

#define NOT_FOUND ""

/* NULL for `words` says that it is found. */
static void match_says(seam_t *t, const char *text, const char *pattern, const char *words)
{
    struct err err;

    seam_check_eq(t, match_regex(text, pattern, &err), !words);
    seam_check_str(t, err.text, words ? words : "");
}

SEAM_TEST(match_is_found_anywhere)
{
    seam_via(t, match_says(t, "order 17 paid", "\\d+ (?<state>paid|open)", NULL));
    seam_via(t, match_says(t, "order 17 paid", "^\\d+", NOT_FOUND));
    seam_via(t, match_says(t, "", "^$", NULL));
}

SEAM_TEST(match_takes_the_end_for_the_very_end)
{
    seam_via(t, match_says(t, "paid\n", "paid$", NOT_FOUND));
    seam_via(t, match_says(t, "paid\n", "(?m)paid$", NULL));
}

SEAM_TEST(match_takes_code_points_where_the_text_has_them)
{
    seam_via(t, match_says(t, "caf\xc3\xa9", "^caf.$", NULL));
    seam_via(t, match_says(t, "caf\xe9", "^caf.$", NULL));
    seam_via(t, match_says(t, "caf\xe9", "\xe9$", NULL));
}

SEAM_TEST(match_says_what_is_wrong_with_a_pattern)
{
    seam_via(
        t, match_says(t, "x", "a[b", "missing terminating ] for character class at offset 3"));
    seam_via(
        t, match_says(t, "x", "*", "quantifier does not follow a repeatable item at offset 0"));
}

SEAM_TEST(match_ends_when_it_takes_too_long, .timeout_ms = 60000)
{
    seam_via(t, match_says(t, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "^(a+)+$",
                           "the pattern takes too many steps for this text (match limit "
                           "exceeded)\n"
                           "try: a pattern without a repeat inside a repeat, such as (a+)+"));
}

SEAM_TEST(match_without_err_is_a_plain_question)
{
    seam_check(t, match_regex("abc", "b", NULL));
    seam_check(t, !match_regex("abc", "[", NULL));
}

/* ---- patterns that are kept */

SEAM_TEST(match_pattern_is_used_again)
{
    struct match_pattern *pattern;
    struct err err;

    seam_require_ok(t, match_pattern_new(&pattern, "b.?c", false, &err));
    seam_check(t, match_pattern_found(pattern, "abc", 3, &err));
    seam_check(t, !match_pattern_found(pattern, "abd", 3, &err));
    seam_check(t, match_pattern_found(pattern, "\0b\0c", 4, &err));
    seam_check(t, match_pattern_found(pattern,
                                      "b\xff"
                                      "c",
                                      3, &err));
    seam_check_eq(t, err.text, "");
    match_pattern_free(pattern);
    match_pattern_free(NULL);
}

SEAM_TEST(match_pattern_of_the_whole_text)
{
    static const char *const others[] = { "/users/x", "/users/7/", "a/users/7", "/users/7\n" };
    struct match_pattern *pattern;
    struct err err;

    seam_require_ok(t, match_pattern_new(&pattern, "/users/\\d+|/x", true, &err));
    seam_check(t, match_pattern_found(pattern, "/users/17", 9, &err));
    seam_check(t, match_pattern_found(pattern, "/x", 2, &err));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        seam_check(t, !match_pattern_found(pattern, others[i], strlen(others[i]), &err));
    match_pattern_free(pattern);
}

SEAM_TEST(match_pattern_that_is_wrong_says_so_at_once)
{
    struct match_pattern *pattern = NULL;
    struct err err;

    seam_check_eq(t, match_pattern_new(&pattern, "a[b", true, &err), -EINVAL);
    seam_check_eq(t, err.text, "missing terminating ] for character class at offset 3");
    seam_check_null(t, pattern);
}
