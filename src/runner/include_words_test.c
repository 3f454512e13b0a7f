/* runner/include_words_test.c - which of a compiler's words get a folder in front. */

#include "runner/include_words.h"

#include <seam/seam.h>

struct words_row {
    const char *name;
    const char *words;
    const char *want; /* in the folder /p */
};

static const struct words_row rows[] = {
    { "none", "-g -O0", "-g -O0" },
    { "nothing", "", "" },
    { "parent", "-I..", "-I'/p/'.." },
    { "here", " -I. -DX", " -I'/p/'. -DX" },
    { "absolute", "-I/usr/include", "-I/usr/include" },
    { "of the compiler's root", "-I=/x -I$HOME", "-I=/x -I$HOME" },
    { "two words", "-I inc -O1", "-I '/p/'inc -O1" },
    { "two words, absolute", "-isystem /usr -O1", "-isystem /usr -O1" },
    { "quoted as in a database", "'-DX=a b' '-I' 'inc' '-O1'",
      "'-DX=a b' '-I' '/p/''inc' '-O1'" },
    { "quoted, one word", "'-Ia b' -c", "-I'/p/''a b' -c" },
    { "quoted value", "-I\"a b\" -c", "-I'/p/'\"a b\" -c" },
    { "quoted, absolute", "'-I/a b' -I'/c'", "'-I/a b' -I'/c'" },
    { "others", "-iquote a -idirafter b -include c.h",
      "-iquote '/p/'a -idirafter '/p/'b -include '/p/'c.h" },
    { "not an option of ours", "-Wl,-Ix -DI=-Ix", "-Wl,-Ix -DI=-Ix" },
    { "option at the end", "-O1 -I", "-O1 -I" },
    { "escaped blank", "-Ia\\ b -c", "-I'/p/'a\\ b -c" },
};

SEAM_SUBTEST(words_row)
{
    const struct words_row *row = arg;
    struct buf out = BUF_INIT(1000);

    include_words_add(&out, row->words, "/p");
    seam_check_eq(t, buf_text(&out), row->want);
    buf_fini(&out);
}

SEAM_TEST(relative_folders_of_headers_get_a_root)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, words_row, &rows[i]);
}

SEAM_TEST(folder_with_a_quote_is_one_word)
{
    struct buf out = BUF_INIT(1000);

    include_words_add(&out, "-Ia", "/it's");
    seam_check_eq(t, buf_text(&out), "-I'/it'\\''s/'a");
    buf_fini(&out);
}
