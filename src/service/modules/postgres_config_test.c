/* service/modules/postgres_config_test.c - a file in the form of postgresql.conf, as settings. */

#include "service/modules/postgres_config.h"

#include <seam/seam.h>

enum { MOST = 4 };

struct parsed {
    struct arena arena;
    const char *list[MOST];
    size_t count;
    struct err err;
    int result;
};

static void finish(void *arg)
{
    arena_fini(&((struct parsed *)arg)->arena);
}

static struct parsed *parse(seam_t *t, const char *text)
{
    static struct parsed parsed;

    parsed = (struct parsed){ .err = { "" } };
    parsed.result = postgres_config_parse("own.conf", text, &parsed.arena, parsed.list, MOST,
                                          &parsed.count, &parsed.err);
    seam_cleanup(t, finish, &parsed);
    return &parsed;
}

SEAM_TEST(config_is_read_as_the_server_reads_it)
{
    struct parsed *parsed =
        parse(t, "# a comment\n\n  work_mem = 8MB # another\nsearch_path 'a, b'\r\n"
                 "seam.note='it''s \\'so\\''");

    seam_check_eq(t, parsed->result, 0);
    seam_require_eq(t, parsed->count, 3);
    seam_check_str(t, parsed->list[0], "work_mem=8MB");
    seam_check_str(t, parsed->list[1], "search_path=a, b");
    seam_check_str(t, parsed->list[2], "seam.note=it's 'so'");
}

SEAM_TEST(config_that_is_wrong_is_named_with_its_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "\n= 3\n", "own.conf:2: a name is wanted" },
        { "work_mem\n", "own.conf:1: a value is wanted" },
        { "a = 'b\n", "own.conf:1: a value is wanted" },
        { "a = 1 2\n", "own.conf:1: something stands behind the value" },
        { "include 'more.conf'\n", "own.conf:1: other files cannot be included here" },
        { "a=1\na=2\na=3\na=4\na=5\n", "own.conf:5: there are too many settings" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        seam_check_str(t, parse(t, cases[i].text)->err.text, cases[i].words);
}
