/* cmd/flags/flags_test.c - flags as users spell and misspell them. In a folder of its own, because a
 * package is linked whole and the other files of cmd need the whole runner. */
//seam:cflags -I../.. -I../../../include -D_GNU_SOURCE -Wall -Wextra -Werror
//seam:sources ../flags.c ../../base/*.c

#include "cmd/flags.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 12 };

/* Parse the words of a line, cut at blanks; the line and its words live as long as the test. */
static int parse(seam_t *t, const char *line, struct options *options, struct err *err)
{
    char **argv = seam_alloc(t, (WORDS_MAX + 1) * sizeof *argv);
    char *words = seam_format(t, "seam %s", line);
    int argc = 0;

    for (char *word = strtok_r(words, " ", &words); word; word = strtok_r(NULL, " ", &words))
        argv[argc++] = word;
    return flags_parse(argc, argv, options, err);
}

static struct options parsed(seam_t *t, const char *line)
{
    struct options options = { 0 };
    struct err err = { "" };

    if (!seam_check_ok(t, parse(t, line, &options, &err)))
        seam_log(t, "%s: %s", line, err.text);
    seam_cleanup(t, free, options.arguments);
    return options;
}

static void refused(seam_t *t, const char *line, const char *words)
{
    struct options options = { 0 };
    struct err err = { "" };

    seam_check_lt(t, parse(t, line, &options, &err), 0);
    seam_check_str(t, err.text, words);
    free(options.arguments);
}

SEAM_TEST(flags_have_defaults)
{
    struct options o = parsed(t, "");

    seam_check_eq(t, o.count, 1);
    seam_check_le(t, 1, o.parallel);
    seam_check_eq(t, o.jobs, o.parallel);
    seam_check_eq(t, o.timeout_ms, 600000);
    seam_check_eq(t, o.argument_count, 0);
    seam_check_null(t, o.run);
}

SEAM_TEST(flags_are_spelled_in_four_ways)
{
    seam_check_eq(t, parsed(t, "-run x").run, "x");
    seam_check_eq(t, parsed(t, "--run x").run, "x");
    seam_check_eq(t, parsed(t, "-run=x").run, "x");
    seam_check_eq(t, parsed(t, "--run=x=y").run, "x=y");
    seam_check_eq(t, parsed(t, "-run=").run, "");
    seam_check_eq(t, parsed(t, "-run -v").run, "-v"); /* the next word, whatever it is */
}

SEAM_TEST(flags_that_are_truths_take_a_value_only_behind_an_equals_sign)
{
    struct options o = parsed(t, "-v false");

    seam_check(t, o.verbose);
    seam_check_eq(t, o.argument_count, 1);
    seam_check(t, !parsed(t, "-v -v=false").verbose);
    seam_check(t, parsed(t, "-v=true").verbose);
}

SEAM_TEST(flags_stand_anywhere_before_two_dashes)
{
    struct options o = parsed(t, "a -v b -run x - -- -json --");

    seam_check(t, o.verbose);
    seam_check(t, !o.json);
    seam_require_eq(t, o.argument_count, 5);
    seam_check_eq(t, o.arguments[0], "a");
    seam_check_eq(t, o.arguments[2], "-");
    seam_check_eq(t, o.arguments[3], "-json");
    seam_check_eq(t, o.arguments[4], "--");
    seam_check_null(t, o.arguments[5]);
}

/* A copy of just that size lets a sanitizer see a byte read too many. */
SEAM_TEST(flags_take_an_empty_word_for_a_word)
{
    char *empty = calloc(1, 1);
    char *argv[] = { empty, empty, NULL };
    struct options options;

    seam_check_ok(t, flags_parse(2, argv, &options, NULL));
    seam_check_eq(t, options.argument_count, 1);
    free(options.arguments);
    free(empty);
}

SEAM_TEST(flags_take_numbers_in_their_range)
{
    seam_check_eq(t, parsed(t, "-count 3").count, 3);
    seam_check_eq(t, parsed(t, "-parallel=1000000").parallel, 1000000);
    seam_via(t, refused(t, "-count 0", "-count: '0' is not a number from 1 to 1000000"));
    seam_via(t, refused(t, "-count -1", "-count: '-1' is not a number from 1 to 1000000"));
    seam_via(t, refused(t, "-count=", "-count: '' is not a number from 1 to 1000000"));
    seam_via(t, refused(t, "-p 2x", "-p: '2x' is not a number from 1 to 1000000"));
    seam_via(t, refused(t, "-p 99999999999999999999",
                        "-p: '99999999999999999999' is not a number from 1 to 1000000"));
}

SEAM_TEST(flags_take_modes_of_doubles)
{
    seam_check_eq(t, parsed(t, "").net, NET_DENY);
    seam_check_eq(t, parsed(t, "-net warn").net, NET_WARN);
    seam_check_eq(t, parsed(t, "-net=allow").net, NET_ALLOW);
    seam_check_eq(t, parsed(t, "-net=allow -net deny").net, NET_DENY);
    seam_check_eq(t, parsed(t, "").hooks, HOOKS_ON);
    seam_check_eq(t, parsed(t, "-hooks off").hooks, HOOKS_OFF);
    seam_via(t, refused(t, "-net no", "-net: 'no' is none of: deny warn allow"));
    seam_via(t, refused(t, "-hooks=false", "-hooks: 'false' is none of: on off"));
}

SEAM_TEST(flags_take_times)
{
    seam_check_eq(t, parsed(t, "-timeout 90s").timeout_ms, 90000);
    seam_check_eq(t, parsed(t, "-timeout 1h30m").timeout_ms, 5400000);
    seam_check_eq(t, parsed(t, "-timeout 1.5s").timeout_ms, 1500);
    seam_check_eq(t, parsed(t, "-timeout 250ms").timeout_ms, 250);
    seam_check_eq(t, parsed(t, "-timeout 0").timeout_ms, 0);
    seam_check_eq(t, parsed(t, "-reuse 1m1ms").reuse_s, 61); /* seconds, rounded up */
}

SEAM_TEST(flags_refuse_what_is_no_time)
{
    static const char *const times[] = { "10",   "s",    "-1s",    "1x",    "1s2", "nan",
                                         "infs", "0x1s", "1e300h", "9000h", "" };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        seam_scope(t, "%s", times[i]);
        seam_via(t, refused(t, seam_format(t, "-timeout=%s", times[i]),
                            seam_format(t, "-timeout: '%s' is not a time such as 90s, 10m or 0",
                                        times[i])));
    }
}

SEAM_TEST(flags_take_one_of_their_words)
{
    seam_check_eq(t, parsed(t, "-leaks off").leaks, LEAKS_OFF);
    seam_check_eq(t, parsed(t, "-leaks=fail").leaks, LEAKS_FAIL);
    seam_check_eq(t, parsed(t, "-isolate none").isolate, ISOLATE_NONE);
    seam_check_eq(t, parsed(t, "-services docker").services, SERVICES_DOCKER);
    seam_via(t, refused(t, "-leaks no", "-leaks: 'no' is none of: warn off fail"));
    seam_via(t, refused(t, "-leaks=", "-leaks: '' is none of: warn off fail"));
    seam_via(t, refused(t, "-isolate for", "-isolate: 'for' is none of: fork exec none"));
}

SEAM_TEST(flags_shuffle_by_a_seed)
{
    seam_check(t, !parsed(t, "-shuffle off").shuffle);
    seam_check(t, parsed(t, "-shuffle on").shuffle);
    seam_check_eq(t, parsed(t, "-shuffle 18446744073709551615").shuffle_seed, UINT64_MAX);
    seam_via(t, refused(t, "-shuffle -1", "-shuffle: '-1' is not on, off or a number"));
    seam_via(t, refused(t, "-shuffle x", "-shuffle: 'x' is not on, off or a number"));
}

SEAM_TEST(flags_that_are_wrong_are_named)
{
    seam_via(t, refused(t, "-verbos", "unknown flag '-verbos'; try: seam help test"));
    seam_via(t, refused(t, "-=x", "unknown flag '-=x'; try: seam help test"));
    seam_via(t, refused(t, "-run", "-run needs a value"));
    seam_via(t, refused(t, "-v=yes", "-v: 'yes' is not true or false"));
}

SEAM_TEST(flags_are_shown_with_their_help)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    flags_show(to);
    fclose(to);
    seam_check_contains(t, text, "  -run        run what matches this pattern");
    seam_check(t, !strstr(text, "from-program"));
    free(text);
}
