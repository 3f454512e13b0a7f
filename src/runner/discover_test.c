/* runner/discover_test.c - package patterns against a tree of files. */
//seam:pkg-config jansson
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Werror
//seam:sources ../base/*.c ../events/*.c ../report/*.c ../service/clean.c ../service/identity.c
//seam:sources ../test/filter.c ../test/library.c ../test/match.c ../test/quote.c

#include "runner/discover.h"

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

/* An empty file, and the folders above it. */
static void make(seam_t *t, const char *path)
{
    char *folder = seam_format(t, "%s", path);
    char *slash = strrchr(folder, '/');

    if (slash) {
        *slash = '\0';
        seam_require_ok(t, io_make_folders(folder, 0700));
    }
    seam_require_ok(t, io_write_file(path, "", 0));
}

/* Go to a folder of the test's own and make these files there. */
static void make_tree(seam_t *t, const char *const *paths)
{
    seam_chdir(t, seam_tempdir(t));
    for (; *paths; paths++)
        make(t, *paths);
}

#define TREE(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The packages as one text: name: files; a '*' marks a package with tests, a '+' a test file. */
static const char *found(seam_t *t, const char *const *patterns)
{
    struct buf out = BUF_INIT(10000);
    struct source_package *package = NULL;
    struct arena arena = { 0 };
    struct err err = { "" };
    const char *text;
    int count = 0;

    while (patterns[count])
        count++;
    if (discover(&arena, patterns, count, &package, &err) < 0)
        buf_printf(&out, "error: %s\n", err.text);
    for (; package; package = package->next) {
        buf_printf(&out, "%s (%s)%s:", package->name, package->argument,
                   package->has_tests ? "*" : "");
        for (const struct source_file *file = package->files; file; file = file->next)
            buf_printf(&out, " %s%s%s", file->name, file->is_test ? "+" : "",
                       file->is_cxx ? "(c++)" : "");
        buf_add_char(&out, '\n');
    }
    text = seam_format(t, "%s", buf_text(&out));
    buf_fini(&out);
    arena_fini(&arena);
    return text;
}

SEAM_TEST(discover_knows_tests_by_their_names)
{
    make_tree(t, TREE("p/a.c", "p/a_test.c", "p/test_b.c", "p/c_test.cc", "p/d_test.cpp",
                      "p/e_test.cxx", "p/f.cxx", "p/_test.c", "p/contest.c", "p/a_test.h",
                      "p/.hidden_test.c", "p/notes.txt", "p/.c", "p/g.S", "p/g_test.S",
                      "p/folder_test.c/h.txt"));
    seam_check_str(t, found(t, TREE("./p")),
                   "p (./p)*: _test.c a.c a_test.c+ c_test.cc+(c++) contest.c "
                   "d_test.cpp+(c++) e_test.cxx+(c++) f.cxx(c++) g.S g_test.S test_b.c+\n");
}

SEAM_TEST(discover_walks_a_tree_in_order)
{
    make_tree(t, TREE("top_test.c", "b/b_test.c", "a/x/x_test.c", "a/a.c", "none/notes.txt"));
    seam_check_str(t, found(t, TREE("./...")),
                   seam_format(t,
                               "%s (.)*: top_test.c+\n"
                               "a (./a): a.c\n"
                               "a/x (./a/x)*: x_test.c+\n"
                               "b (./b)*: b_test.c+\n",
                               strrchr(seam_tempdir(t), '/') + 1));
    seam_check_str(t, found(t, TREE("a/...")), "a (./a): a.c\na/x (./a/x)*: x_test.c+\n");
}

SEAM_TEST(discover_passes_over_what_is_not_ours)
{
    make_tree(t, TREE(".git/x_test.c", "_old/x_test.c", "testdata/x_test.c",
                      "cmake/CMakeCache.txt", "cmake/x_test.c", "meson/meson-private/x",
                      "meson/x_test.c", "ninja/build.ninja", "ninja/x_test.c", "a/x_test.c"));
    seam_check_ok(t, symlink("..", "a/loop"));
    seam_check_str(t, found(t, TREE("./...")), "a (./a)*: x_test.c+\n");
    seam_check_str(t, found(t, TREE("testdata")), "testdata (./testdata)*: x_test.c+\n");
}

SEAM_TEST(discover_finds_each_package_once)
{
    make_tree(t, TREE("a/x_test.c", "b/x_test.c"));
    seam_check_str(t, found(t, TREE("./b", "a", "./a/../b/", "./...")),
                   "b (./b)*: x_test.c+\na (./a)*: x_test.c+\n");
}

SEAM_TEST(discover_gives_no_name_twice)
{
    make_tree(t, TREE("p/x_test.c", "p/p/x_test.c", "p/p/p/x_test.c"));
    seam_chdir(t, seam_path(t, "%s/p", seam_tempdir(t)));
    seam_check_str(t, found(t, TREE("./...")),
                   ". (.)*: x_test.c+\n"
                   "p (./p)*: x_test.c+\n"
                   "p/p (./p/p)*: x_test.c+\n");
}

SEAM_TEST(discover_takes_this_folder_for_no_pattern)
{
    make_tree(t, TREE("p/x_test.c"));
    seam_chdir(t, seam_path(t, "%s/p", seam_tempdir(t)));
    seam_check_str(t, found(t, TREE(NULL)), "p (.)*: x_test.c+\n");
}

SEAM_TEST(discover_names_a_package_elsewhere_by_its_path)
{
    const char *tree = realpath(seam_tempdir(t), NULL);

    make_tree(t, TREE("p/x.c", "q/x.c"));
    seam_chdir(t, seam_path(t, "%s/p", tree));
    seam_check_str(t, found(t, TREE("../q")), seam_format(t, "%s/q (%s/q): x.c\n", tree, tree));
    free((char *)tree);
}

SEAM_TEST(discover_shows_an_empty_folder_that_was_named)
{
    make_tree(t, TREE("p/notes.txt"));
    seam_check_str(t, found(t, TREE("p")), "p (./p):\n");
    seam_check_str(t, found(t, TREE("p/...")), "");
}

SEAM_TEST(discover_says_what_is_wrong_with_a_pattern)
{
    make_tree(t, TREE("p/x_test.c"));
    seam_check_str(t, found(t, TREE("./nothing")),
                   "error: no package './nothing': No such file or directory\n");
    seam_check_str(t, found(t, TREE("")), "error: no package '': No such file or directory\n");
    seam_check_str(
        t, found(t, TREE("p/x_test.c")),
        "error: 'p/x_test.c' is not a folder; a package is a folder with test files, and "
        "./... all below this one\n");
}
