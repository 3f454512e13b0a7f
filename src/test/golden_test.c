/* test/golden_test.c - golden files compared and written; they lie in a copy of a source tree. */

#include <seam/seam.h>

#include <string.h>

#include "events/agent_link.h"
#include "test/trial_test.h"

/* The site of a source file in a folder of the test's own, so that its golden files are too. */
static seam_site site;
static const char *data;
static size_t size;

static void compares(seam_t *t)
{
    seam_log(t, "%s",
             seam_golden_at(t, site, "orders/list.txt", data, size) ? "same" : "other");
}

static void give(seam_t *t, const char *bytes, size_t count)
{
    site = (seam_site){ seam_path(t, "%s/list_test.c", seam_tempdir(t)), 7 };
    data = bytes;
    size = count;
}

static const char *golden_path(seam_t *t)
{
    return seam_path(t, "%s/testdata/golden/orders/list.txt", seam_tempdir(t));
}

SEAM_TEST(golden_is_written_and_then_compared)
{
    struct trial_options update = { .flags = AGENT_UPDATE };

    give(t, "one\ntwo\n", 8);
    seam_via(t, trial_says_with(t, compares, &update,
                                seam_format(t,
                                            "log t: wrote golden file '%s' (8 bytes)\n"
                                            "log t: same\n"
                                            "end t pass\n",
                                            golden_path(t))));
    seam_check_eq(t, seam_read_file(t, golden_path(t), NULL), "one\ntwo\n");
    trial_says(t, compares, "log t: same\nend t pass\n");

    give(t, "one\nTWO\n", 8);
    trial_says(t, compares,
               seam_format(t,
                           "error t: differs from the golden file '%s'\n"
                           "- want (2 lines), + got (2 lines), escapes as in C\n"
                           "@@ want from line 1, got from line 1 @@\n"
                           "  one\n"
                           "- two\n"
                           "+ TWO\n"
                           "try: seam test -update -run '^t$'\n"
                           "log t: other\n"
                           "end t fail\n",
                           golden_path(t)));
}

SEAM_TEST(golden_shows_bytes_where_it_is_no_text)
{
    struct trial_options update = { .flags = AGENT_UPDATE };

    give(t, "a\0b", 3);
    trial_run(t, compares, &update);
    trial_says(t, compares, "log t: same\nend t pass\n");
    give(t, "a\0c", 3);
    seam_check_contains(t, trial_run(t, compares, NULL), "the first difference is at byte 2\n");
}

SEAM_TEST(golden_of_nothing_is_an_empty_file)
{
    struct trial_options update = { .flags = AGENT_UPDATE };

    give(t, NULL, 0);
    trial_run(t, compares, &update);
    trial_says(t, compares, "log t: same\nend t pass\n");

    give(t, "more", 4);
    trial_run(t, compares, &update);
    give(t, NULL, 0);
    seam_check_contains(t, trial_run(t, compares, NULL), "want: \"more\"\n");
}

SEAM_TEST(golden_that_is_missing_says_how_to_make_it)
{
    give(t, "x", 1);
    trial_says(t, compares,
               seam_format(t,
                           "error t: cannot read the golden file '%s': No such file or "
                           "directory\n"
                           "try: seam test -update -run '^t$'\n"
                           "log t: other\n"
                           "end t fail\n",
                           golden_path(t)));
}
