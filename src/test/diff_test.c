/* test/diff_test.c - what the diffs show, to the letter, and that no input makes them long. */

#include "test/diff.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/library.h"
#include "test/myers.h"

/* ---- texts ------------------------------------------------------------------------------- */

static void text_shows(seam_t *t, const char *got, const char *want, const char *shown)
{
    struct buf out = BUF_INIT(DIFF_MAX);

    diff_text(&out, got, want);
    seam_check_str(t, buf_text(&out), shown);
    buf_fini(&out);
}

SEAM_TEST(diff_text_of_one_line_points_at_the_first_difference)
{
    seam_via(t, text_shows(t, "order", "orders",
                           "got:  \"order\"\n"
                           "want: \"orders\"\n"
                           "      ......^\n"));
    seam_via(t, text_shows(t, "", "x",
                           "got:  \"\"\n"
                           "want: \"x\"\n"
                           "      .^\n"));
    seam_via(t, text_shows(t, "same", "same",
                           "got:  \"same\"\n"
                           "want: \"same\"\n"));
    seam_via(t, text_shows(t, NULL, "x",
                           "got:  NULL\n"
                           "want: \"x\"\n"));
}

SEAM_TEST(diff_text_shows_what_a_reader_cannot_see)
{
    seam_via(t, text_shows(t, "a\t\x1b\\\"", "a\n",
                           "got:  \"a\\t\\x1b\\\\\\\"\"\n"
                           "want: \"a\\n\"\n"
                           "      ..^\n"));
    seam_via(t, text_shows(t,
                           "no\xc2\xa0"
                           "break",
                           "no break",
                           "got:  \"no\\u00a0break\"\n"
                           "want: \"no break\"\n"
                           "      ...^\n"));
    seam_via(t, text_shows(t, "caf\xc3\xa9", "cafe\xcc\x81",
                           "got:  \"caf\xc3\xa9\"\n"
                           "want: \"cafe\\u0301\"\n"
                           "      ....^\n"));
    seam_via(t, text_shows(t, "\xff\xc3", "\xfe\xc3",
                           "got:  \"\\xff\\xc3\"\n"
                           "want: \"\\xfe\\xc3\"\n"
                           "      .^\n"));
}

SEAM_TEST(diff_text_puts_the_caret_below_a_whole_code_point)
{
    /* The two differ in their third bytes only, and each takes two columns. */
    seam_via(t, text_shows(t, "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xad",
                           "got:  \"\xe6\x97\xa5\xe6\x9c\xac\"\n"
                           "want: \"\xe6\x97\xa5\xe6\x9c\xad\"\n"
                           "      ...^\n"));
}

SEAM_TEST(diff_text_shortens_long_lines_around_the_difference)
{
    seam_via(t,
             text_shows(t,
                        "The quick brown fox jumps over the lazy dog and then runs away from "
                        "the big bad wolf until night falls",
                        "The quick brown fox jumps over the lazy dog and then runs away from "
                        "the big sad wolf until night falls",
                        "got:  ...\"dog and then runs away from the big bad wolf until night "
                        "falls\"\n"
                        "want: ...\"dog and then runs away from the big sad wolf until night "
                        "falls\"\n"
                        "         .....................................^ byte 76; got 102 "
                        "bytes, want 102\n"));
    seam_via(t,
             text_shows(t, "short",
                        "short, but the other one goes on for longer than a line of a "
                        "terminal has room for",
                        "got:  \"short\"\n"
                        "want: \"short, but the other one goes on for longer than a line of a "
                        "terminal ha\"...\n"
                        "      ......^ byte 5; got 5 bytes, want 82\n"));
}

SEAM_TEST(diff_text_of_several_lines_shows_those_that_differ)
{
    seam_via(t, text_shows(t, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n",
                           "1\n2\n3\n4\n5\nsix\n7\n8\n9\n10\n11\n12\n13\n14\nnew\n15\n",
                           "- want (16 lines), + got (15 lines), escapes as in C\n"
                           "@@ want from line 3, got from line 3 @@\n"
                           "  3\n"
                           "  4\n"
                           "  5\n"
                           "- six\n"
                           "+ 6\n"
                           "  7\n"
                           "  8\n"
                           "  9\n"
                           "@@ want from line 12, got from line 12 @@\n"
                           "  12\n"
                           "  13\n"
                           "  14\n"
                           "- new\n"
                           "  15\n"));
}

SEAM_TEST(diff_text_of_several_lines_shows_line_ends_and_spaces)
{
    seam_via(t, text_shows(t, "a\r\nb \nc\td\nend", "a\nb\nc d\nend\n",
                           "- want (4 lines), + got (4 lines), escapes as in C\n"
                           "@@ want from line 1, got from line 1 @@\n"
                           "- a\n"
                           "- b\n"
                           "- c d\n"
                           "- end\n"
                           "+ a\\r\n"
                           "+ b\\x20\n"
                           "+ c\\td\n"
                           "+ end\n"
                           "\\ no newline at the end\n"));
}

SEAM_TEST(diff_text_of_several_lines_begins_and_ends_with_a_difference)
{
    seam_via(t, text_shows(t, "new\na\nb\nc\nd\n", "a\nb\nc\nd\nold\n",
                           "- want (5 lines), + got (5 lines), escapes as in C\n"
                           "@@ want from line 1, got from line 1 @@\n"
                           "+ new\n"
                           "  a\n"
                           "  b\n"
                           "  c\n"
                           "  d\n"
                           "- old\n"));
    seam_via(t, text_shows(t, "a\nb\n", "",
                           "- want (0 lines), + got (2 lines), escapes as in C\n"
                           "@@ want from line 1, got from line 1 @@\n"
                           "+ a\n"
                           "+ b\n"));
}

/* "<prefix>0\n<prefix>1\n..." */
static const char *numbered(seam_t *t, const char *prefix, int count)
{
    char *text = seam_alloc(t, (size_t)count * (strlen(prefix) + 12) + 1);
    char *at = text;

    for (int i = 0; i < count; i++)
        at += snprintf(at, strlen(prefix) + 12, "%s%d\n", prefix, i);
    return text;
}

SEAM_TEST(diff_text_of_strangers_gives_up_looking_for_partners)
{
    seam_via(t, text_shows(t, numbered(t, "g", 1000), numbered(t, "w", 3),
                           "- want (3 lines), + got (1000 lines), escapes as in C\n"
                           "too many lines differ to tell which belong together\n"
                           "@@ want from line 1, got from line 1 @@\n"
                           "- w0\n"
                           "- w1\n"
                           "- w2\n"
                           "+ g0\n"
                           "+ g1\n"
                           "+ g2\n"
                           "+ g3\n"
                           "+ g4\n"
                           "+ g5\n"
                           "+ g6\n"
                           "+ g7\n"
                           "+ g8\n"
                           "+ g9\n"
                           "+ g10\n"
                           "+ ... 989 more lines\n"));
}

SEAM_TEST(diff_text_compares_a_part_of_texts_without_end)
{
    const char *want = numbered(t, "", 50000);
    char *got = seam_format(t, "%s", want);

    memcpy(strstr(got, "\n7\n"), "\nx\n", 3);
    seam_via(t, text_shows(t, got, want,
                           "- want (50000 lines), + got (50000 lines), escapes as in C\n"
                           "@@ want from line 5, got from line 5 @@\n"
                           "  4\n"
                           "  5\n"
                           "  6\n"
                           "- 7\n"
                           "+ x\n"
                           "  8\n"
                           "  9\n"
                           "  10\n"
                           "... 20000 lines were compared, not the rest\n"));
}

/* ---- memory ------------------------------------------------------------------------------ */

static void memory_shows(seam_t *t, const void *got, size_t got_size, const void *want,
                         size_t want_size, const char *shown)
{
    struct buf out = BUF_INIT(DIFF_MAX);

    diff_memory(&out, got, got_size, want, want_size);
    seam_check_str(t, buf_text(&out), shown);
    buf_fini(&out);
}

SEAM_TEST(diff_memory_marks_bytes_in_both_columns)
{
    seam_via(t, memory_shows(t, "hello world, this is a text of some bytes", 41,
                             "hello world, this is a test of some byt", 39,
                             "got 41 bytes, want 39 bytes; the first difference is at byte 25\n"
                             "both  00000000  68 65 6c 6c 6f 20 77 6f  72 6c 64 2c 20 74 68 69 "
                             "|hello world, thi|\n"
                             "got   00000010  73 20 69 73 20 61 20 74  65 78 74 20 6f 66 20 73 "
                             "|s is a text of s|\n"
                             "want  00000010  73 20 69 73 20 61 20 74  65 73 74 20 6f 66 20 73 "
                             "|s is a test of s|\n"
                             "                                            ^^                   "
                             "          ^\n"
                             "got   00000020  6f 6d 65 20 62 79 74 65  73                      "
                             "|ome bytes|\n"
                             "want  00000020  6f 6d 65 20 62 79 74                             "
                             "|ome byt|\n"
                             "                                     ^^  ^^                      "
                             "        ^^\n"));
}

SEAM_TEST(diff_memory_names_what_is_not_there)
{
    seam_via(t, memory_shows(t, "", 0, "abc", 3,
                             "got 0 bytes, want 3 bytes; the first difference is at byte 0\n"
                             "want  00000000  61 62 63                                         "
                             "|abc|\n"
                             "                ^^ ^^ ^^                                         "
                             " ^^^\n"));
    seam_via(t, memory_shows(t, NULL, 3, "", 0, "got NULL for 3 bytes, want 0 bytes\n"));
}

SEAM_TEST(diff_memory_shows_six_rows_of_each_side)
{
    static const char got[400];
    char want[400];
    struct buf out = BUF_INIT(DIFF_MAX);

    memset(want, 1, sizeof want);
    diff_memory(&out, got, sizeof got, want, sizeof want);
    seam_check_contains(t, buf_text(&out), "\ngot   00000050  00");
    seam_check_contains(t, buf_text(&out), "\nwant  00000050  01");
    seam_check(t, !strstr(buf_text(&out), "00000060"));
    seam_check_contains(t, buf_text(&out), "^^\n... 304 more bytes\n");
    buf_fini(&out);
}

/* ---- JSON -------------------------------------------------------------------------------- */

/* NULL for `shown` says that they are equal. */
static void json_shows(seam_t *t, const char *got, const char *want, const char *shown)
{
    struct buf out = BUF_INIT(DIFF_MAX);
    bool is_equal = diff_json(&out, got, got ? strlen(got) : 0, want, want ? strlen(want) : 0);

    seam_check_eq(t, is_equal, !shown);
    seam_check_str(t, buf_text(&out), shown ? shown : "");
    buf_fini(&out);
}

SEAM_TEST(diff_json_knows_what_is_equal)
{
    seam_via(t, json_shows(t, "{\"a\": 1, \"b\": [true, null]}",
                           "{\"b\":[true,null],\"a\":1.0}", NULL));
    seam_via(t, json_shows(t, "\"\\u00e9\"", "\"\xc3\xa9\"", NULL));
    seam_via(t, json_shows(t, "[-0.0, 1e2]", "[0, 100]", NULL));
    seam_via(t, json_shows(t, "{}", "{}", NULL));
}

SEAM_TEST(diff_json_lists_differences_by_path)
{
    seam_via(t, json_shows(t,
                           "{\"id\": 7, \"amount\": 4200, \"x y\": null,"
                           " \"items\": [{\"sku\": \"a\"}, {\"sku\": \"b\"}]}",
                           "{\"id\": \"7\", \"amount\": 4300, \"currency\": \"EUR\","
                           " \"items\": [{\"sku\": \"a\"}, {\"sku\": \"c\"}]}",
                           "path            got       want\n"
                           "$.id            7         \"7\"\n"
                           "$.amount        4200      4300\n"
                           "$.currency      (absent)  \"EUR\"\n"
                           "$.items[1].sku  \"b\"       \"c\"\n"
                           "$[\"x y\"]        null      (absent)\n"));
    seam_via(t, json_shows(t, "[0.1, [1, {\"a\": \"b\"}], 3]", "[0.2, false, 4.0]",
                           "path  got            want\n"
                           "$[0]  0.1            0.2\n"
                           "$[1]  [1,{\"a\":\"b\"}]  false\n"
                           "$[2]  3              4.0\n"));
}

SEAM_TEST(diff_json_compares_integers_exactly)
{
    seam_via(t, json_shows(t, "9223372036854775807", "9223372036854775806",
                           "path  got                  want\n"
                           "$     9223372036854775807  9223372036854775806\n"));
    seam_via(t, json_shows(t, "9007199254740993", "9007199254740992.0",
                           "path  got               want\n"
                           "$     9007199254740993  9007199254740992.0\n"));
    seam_via(t, json_shows(t, "[18446744073709551615]", "[18446744073709551615]", NULL));
    seam_via(t,
             json_shows(t, "{\"n\": -18446744073709551615}", "{\"n\": -18446744073709551616}",
                        "path  got                    want\n"
                        "$.n   -18446744073709551615  -18446744073709551616\n"));
}

SEAM_TEST(diff_json_finds_where_an_element_was_put_in)
{
    seam_via(t, json_shows(t, "[0, 1, 2, 3, 4]", "[1, 2, 3, 4]",
                           "path  got  want\n"
                           "$[0]  0    (absent)\n"));
    seam_via(t, json_shows(t, "[1, 2, 4]", "[1, 2, 3, 4]",
                           "path  got       want\n"
                           "$[2]  (absent)  3\n"));
}

SEAM_TEST(diff_json_shows_where_long_strings_differ)
{
    seam_via(
        t, json_shows(t, "\"a text that goes on and on and on and on and on and then differs\"",
                      "\"a text that goes on and on and on and on and on and then DIFFERS\"",
                      "path  got                                   want\n"
                      "$     ...\" and on and on and then differs\"  "
                      "...\" and on and on and then DIFFERS\"\n"));
}

SEAM_TEST(diff_json_counts_what_it_does_not_list)
{
    struct buf out = BUF_INIT(DIFF_MAX);
    struct buf got = BUF_INIT(1000);
    struct buf want = BUF_INIT(1000);

    for (int i = 0; i < 30; i++) {
        buf_printf(&got, "%c%d", i ? ',' : '[', i);
        buf_printf(&want, "%c%d", i ? ',' : '[', -1);
    }
    buf_add_char(&got, ']');
    buf_add_char(&want, ']');
    seam_check(t, !diff_json(&out, got.data, got.size, want.data, want.size));
    seam_check_contains(t, buf_text(&out), "\n$[19]  19   -1\n... and 10 more differences\n");
    buf_fini(&out);
    buf_fini(&got);
    buf_fini(&want);
}

SEAM_TEST(diff_json_reads_single_quotes_in_want_only)
{
    seam_via(t, json_shows(t, "{\"say\": \"he said \\\"hi\\\", it's late\"}",
                           "{'say': 'he said \"hi\", it\\'s late'}", NULL));
    seam_via(t, json_shows(t, "['a']", "['a']",
                           "got is not JSON: line 1, column 2: invalid token near '''\n"
                           "    ['a']\n"
                           "     ^\n"));
}

SEAM_TEST(diff_json_says_where_a_text_is_no_json)
{
    seam_via(t, json_shows(t, "<html>", "{'a': 18446744073709551616,\n 'b': nul}",
                           "got is not JSON: line 1, column 1: invalid token near '<'\n"
                           "    <html>\n"
                           "    ^\n"
                           "want is not JSON: line 2, column 9: invalid token near 'nul'\n"
                           "     'b': nul}\n"
                           "            ^\n"));
    seam_via(t, json_shows(t, "{\"a\": 1, \"a\": 1}", "{\"a\": 1}",
                           "got is not JSON: line 1, column 12: duplicate object key near "
                           "'\"a\"'\n"
                           "    {\"a\": 1, \"a\": 1}\n"
                           "               ^\n"));
    seam_via(t,
             json_shows(t, "{18446744073709551616: 1}", "{}",
                        "got is not JSON: line 1, column 2: string or '}' expected near '{'\n"
                        "    {18446744073709551616: 1}\n"
                        "     ^\n"));
    seam_via(t, json_shows(t, " \n", NULL,
                           "got is empty, not JSON\n"
                           "want is NULL, not JSON\n"));
}

/* ---- limits ------------------------------------------------------------------------------ */

static char *repeated(seam_t *t, const char *piece, int count)
{
    size_t size = strlen(piece);
    char *text = seam_alloc(t, (size_t)count * size + 1);

    for (int i = 0; i < count; i++)
        memcpy(text + (size_t)i * size, piece, size);
    return text;
}

SEAM_TEST(diffs_keep_to_their_limit)
{
    /* Four bytes and one column: the most bytes that a column can have. */
    const char *wide = repeated(t, "\xf0\x90\x80\x80", 200);
    const char *got = repeated(t, seam_format(t, "same\nit is %s\n", wide), 300);
    const char *want = repeated(t, seam_format(t, "same\nit was %s\n", wide), 300);
    struct buf out = BUF_INIT(DIFF_MAX);

    diff_text(&out, got, want);
    seam_check(t, !out.failed);
    seam_check_contains(t, buf_text(&out), "\n... and more differences\n");
    buf_clear(&out);

    got = seam_format(t, "[%s1]",
                      repeated(t, seam_format(t, "{\"%.120s\": \"%s\"},", wide, wide), 50));
    want = seam_format(t, "[%s1]",
                       repeated(t, seam_format(t, "{\"%.120s\": \"%s.\"},", wide, wide), 50));
    seam_check(t, !diff_json(&out, got, strlen(got), want, strlen(want)));
    seam_check(t, !out.failed);
    seam_check_contains(t, buf_text(&out), "... and 30 more differences\n");
    buf_fini(&out);
}

SEAM_TEST(diff_json_walks_as_deep_as_its_parser)
{
    const char *deep = seam_format(t, "%s1%s", repeated(t, "[", 2000), repeated(t, "]", 2000));
    const char *other = seam_format(t, "%s2%s", repeated(t, "[", 2000), repeated(t, "]", 2000));
    const char *deeper = repeated(t, "[", 4000);
    struct buf out = BUF_INIT(DIFF_MAX);

    seam_check(t, diff_json(&out, deep, strlen(deep), deep, strlen(deep)));
    seam_check(t, !diff_json(&out, deep, strlen(deep), other, strlen(other)));
    seam_check_contains(t, buf_text(&out), "[0][0][0]  1    2\n");
    seam_check(t, !diff_json(&out, deeper, strlen(deeper), deep, strlen(deep)));
    seam_check_contains(t, buf_text(&out), "maximum parsing depth reached near '['");
    buf_fini(&out);
}

/* ---- what they stand on ------------------------------------------------------------------ */

struct letters {
    const char *a;
    const char *b;
};

static bool same_letter(const void *context, int in_a, int in_b)
{
    const struct letters *letters = context;

    return letters->a[in_a] == letters->b[in_b];
}

SEAM_TEST(myers_finds_the_fewest_edits_or_none)
{
    static const struct letters letters = { "abcabba",
                                            "cbabac" }; /* the example of the paper */
    const struct myers input = { 7, 6, same_letter, &letters };
    struct arena arena = { 0 };
    bool removed[7] = { false };
    bool added[6] = { false };
    int edits = 0;

    seam_check_eq(t, myers_mark(&input, 4, &arena, removed, added), -E2BIG);
    seam_require_ok(t, myers_mark(&input, 5, &arena, removed, added));
    for (int i = 0; i < 7; i++)
        edits += removed[i];
    for (int i = 0; i < 6; i++)
        edits += added[i];
    seam_check_eq(t, edits, 5);
    arena_fini(&arena);
}

SEAM_TEST(library_that_is_missing_names_its_package)
{
    struct err err;

    seam_check_eq(t,
                  library_load("libseam-no-such.so.1", "libseam-no-such1", NULL, 0, NULL, &err),
                  -ENOENT);
    seam_check_str(
        t, err.text,
        "cannot load libseam-no-such.so.1: cannot open shared object file: No such file "
        "or directory\n"
        "try: apt-get install libseam-no-such1");
}
