/* test/filter_test.c - -run and -skip patterns; each case was tried with go test 1.26. */

#include "test/filter.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

static const char *const words[] = { "no", "partial", "full" };

static const char *matched(seam_t *t, const char *pattern, const char *name)
{
    struct filter filter;
    struct err err = { "" };
    const char *word = "bad pattern";

    if (seam_check_ok(t, filter_init(&filter, pattern, &err)))
        word = words[filter_match(&filter, name)];
    else
        seam_log(t, "%s", err.text);
    filter_fini(&filter);
    return word;
}

struct filter_row {
    const char *pattern;
    const char *name;
    const char *want;
};

static const struct filter_row rows[] = {
    { NULL, "a", "full" },
    { "", "a/b", "full" },
    { "a", "bab", "full" }, /* found anywhere */
    { "^a$", "bab", "no" },
    { "^a$", "a/b/c", "full" }, /* levels without an element match */
    { "a/b", "a", "partial" },
    { "a/b", "a/b", "full" },
    { "a/b", "a/c", "no" },
    { "a//c", "a/anything/c", "full" },
    { "a/", "a", "partial" },
    { "/b", "anything/b", "full" },
    { "a|b", "xbx", "full" },
    { "a/x|b/y", "b", "partial" }, /* alternatives are whole paths */
    { "a/x|b/y", "a/y", "no" },
    { "(a|b)/x", "b/x", "full" }, /* not within parentheses */
    { "(a/b)", "ab", "no" },
    { "[|/]", "x|x", "full" }, /* nor in brackets */
    { "[[:alpha:]|]x", "|x", "full" }, /* nor in brackets in brackets */
    { "a]/b", "a]/b", "full" }, /* an unmatched ] is legal */
    { "a\\|b", "a|b", "full" }, /* nor behind a backslash */
    { "[(]/b", "(/b", "full" }, /* brackets hide parentheses */
    { "a b", "a_b", "full" }, /* written as names are */
    { "a\tb/c\xc2\xa0"
      "d",
      "a_b/c_d", "full" },
    { "t/x\\/y", "t/x/y", "no" }, /* an escaped / is looked for in one level */
};

SEAM_TEST(filter_has_the_slash_semantics_of_go)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seam_scope(t, "'%s' on '%s'", rows[i].pattern ? rows[i].pattern : "(none)",
                   rows[i].name);
        seam_check_eq(t, matched(t, rows[i].pattern, rows[i].name), rows[i].want);
    }
}

SEAM_TEST(filter_says_which_element_is_wrong)
{
    struct filter filter;
    struct err err;

    seam_check_eq(t, filter_init(&filter, "a|b/[", &err), -EINVAL);
    seam_check_str(
        t, err.text,
        "element 1 of 'a|b/[': missing terminating ] for character class at offset 1");
    filter_fini(&filter);
    seam_check_eq(t, filter_init(&filter, "(", NULL), -EINVAL);
    filter_fini(&filter);
}

SEAM_TEST(filter_matches_a_name_of_any_length)
{
    char name[5001] = "";

    memset(name, 'a', 5000);
    seam_check_eq(t, matched(t, "a", name), "full");
}

SEAM_TEST(filter_rewrites_what_a_name_cannot_show)
{
    char to[4 * 32 + 1];

    filter_rewrite(to, "a \t\n\v\f\rb");
    seam_check_str(t, to, "a______b");
    filter_rewrite(to, "\x01\x1f\x7f\a\b");
    seam_check_str(t, to, "\\x01\\x1f\\x7f\\a\\b");
    filter_rewrite(to, "\xc2\x85\xc2\xa0\xe2\x80\x8a\xe2\x80\xaf\xe3\x80\x80\xe2\x80\x8b");
    seam_check_str(t, to, "_____\xe2\x80\x8b");
    filter_rewrite(to, "\xe2\x80");
    seam_check_str(t, to, "\xe2\x80");
    filter_rewrite(to, "");
    seam_check_str(t, to, "");
}
