/* test/surroundings_test.c - folders, files and environment, and that all is as before afterwards. */

#include <seam/seam.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/trial_test.h"

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- environment and folder -------------------------------------------------------------- */

SEAM_SUBTEST(changes_the_environment)
{
    seam_setenv(t, "SEAM_UNIT_SET", "inner");
    seam_setenv(t, "SEAM_UNIT_SET", "innermost");
    seam_setenv(t, "SEAM_UNIT_NEW", "new");
    seam_setenv(t, "SEAM_UNIT_GONE", NULL);
    seam_check_eq(t, getenv("SEAM_UNIT_SET"), "innermost");
    seam_check_eq(t, getenv("SEAM_UNIT_NEW"), "new");
    seam_check_null(t, getenv("SEAM_UNIT_GONE"));
}

SEAM_TEST(setenv_is_undone)
{
    seam_setenv(t, "SEAM_UNIT_SET", "outer");
    seam_setenv(t, "SEAM_UNIT_GONE", "there");
    seam_run(t, "inner", changes_the_environment, NULL);
    seam_check_eq(t, getenv("SEAM_UNIT_SET"), "outer");
    seam_check_eq(t, getenv("SEAM_UNIT_GONE"), "there");
    seam_check_null(t, getenv("SEAM_UNIT_NEW"));
}

static void sets_a_bad_name(seam_t *t)
{
    seam_setenv(t, "A=B", "x");
}

SEAM_TEST(setenv_refuses_what_is_no_name)
{
    trial_says(t, sets_a_bad_name,
               "error t: 'A=B' is not the name of an environment variable\nend t fail\n");
}

SEAM_SUBTEST(changes_the_folder)
{
    const char *folder = arg;
    char *here;

    seam_chdir(t, folder);
    here = getcwd(NULL, 0);
    seam_check_eq(t, here, folder);
    seam_check_eq(t, getenv("PWD"), folder);
    free(here);
    seam_write_file(t, seam_path(t, "%s/made", folder), "x", 1);
    seam_check(t, exists("made"));
    seam_fatal(t, "even so");
}

static void changes_folder_and_back(seam_t *t)
{
    const char *before = realpath(".", NULL);

    seam_setenv(t, "PWD", "before");
    seam_run(t, "inner", changes_the_folder, realpath(seam_tempdir(t), NULL));
    seam_check_eq(t, realpath(".", NULL), before);
    seam_check_eq(t, getenv("PWD"), "before");
}

static void changes_to_nowhere(seam_t *t)
{
    seam_chdir(t, "/no/such/folder");
}

SEAM_TEST(chdir_is_undone)
{
    trial_says(t, changes_folder_and_back,
               "run t/inner\n"
               "error t/inner: even so\n"
               "end t/inner fail\n"
               "end t fail\n");
    trial_says(t, changes_to_nowhere,
               "error t: cannot change to '/no/such/folder': No such file or directory\n"
               "end t fail\n");
}

SEAM_TEST(chdir_starts_at_the_source)
{
    seam_chdir(t, "..");
    seam_check(t, exists("test/surroundings_test.c"));
}

/* ---- folders ----------------------------------------------------------------------------- */

SEAM_SUBTEST(fills_a_folder)
{
    const char **ret = arg;
    const char *folder = seam_tempdir(t);
    const char *deep = seam_path(t, "%s/locked/deep", folder);

    *ret = strdup(folder);
    seam_check_same(t, seam_tempdir(t), folder);
    seam_require_eq(t, mkdir(seam_path(t, "%s/locked", folder), 0700), 0);
    seam_require_eq(t, mkdir(deep, 0700), 0);
    seam_write_file(t, seam_path(t, "%s/file", deep), "x", 1);
    seam_check_eq(t, chmod(seam_path(t, "%s/locked", folder), 0000), 0);
}

SEAM_TEST(tempdir_is_removed_with_its_subtest)
{
    const char *own = seam_tempdir(t);
    char *inner = NULL;

    seam_run(t, "a/b c", fills_a_folder, &inner);
    seam_require(t, inner != NULL);
    seam_check_ne(t, inner, own);
    seam_check_contains(t, inner, "tempdir_is_removed_with_its_subtest_a_b_c.");
    seam_check(t, !exists(inner));
    seam_check(t, exists(own));
    free(inner);
}

static void has_no_folder(seam_t *t)
{
    seam_tempdir(t);
}

SEAM_TEST(tempdir_says_where_it_cannot_be)
{
    struct trial_options nowhere = { .folder = "/no/such" };

    seam_via(t, trial_says_with(t, has_no_folder, &nowhere,
                                "error t: cannot make a folder in '/no/such': No such file or "
                                "directory\n"
                                "end t fail\n"));
}

static void keeps_artifacts(seam_t *t)
{
    const char *folder = seam_artifact_dir(t);

    seam_write_file(t, seam_path(t, "%s/log", folder), "kept", 4);
}

SEAM_TEST(artifacts_are_kept_when_asked)
{
    struct trial_options options = { .artifacts = seam_tempdir(t) };
    const char *file = seam_path(t, "%s/t/log", options.artifacts);

    seam_via(
        t, trial_says_with(t, keeps_artifacts, &options,
                           seam_format(t, "artifact t%s/t\nend t pass\n", options.artifacts)));
    seam_check_eq(t, seam_read_file(t, file, NULL), "kept");
    trial_says(t, keeps_artifacts, "end t pass\n");
}

/* ---- files ------------------------------------------------------------------------------- */

SEAM_TEST(tempfile_follows_its_pattern)
{
    seam_file middle = seam_tempfile(t, "integration-*.txt");
    seam_file end = seam_tempfile(t, "plain");

    seam_check_match(t, middle.path, "/integration-[^/]{6}\\.txt$");
    seam_check_match(t, end.path, "/plain[^/]{6}$");
    seam_check_eq(t, write(middle.fd, "hello", 5), 5);
    seam_check_eq(t, seam_read_file(t, middle.path, NULL), "hello");
    seam_check_eq(t, fcntl(middle.fd, F_GETFD), FD_CLOEXEC);
}

static void asks_for_a_folder(seam_t *t)
{
    seam_tempfile(t, "a/b*");
}

SEAM_TEST(tempfile_names_no_folder)
{
    trial_says(t, asks_for_a_folder,
               "error t: the pattern 'a/b*' of a temporary file must not name a folder\n"
               "end t fail\n");
}

SEAM_TEST(files_are_read_and_written_whole)
{
    const char *path = seam_path(t, "%s/file", seam_tempdir(t));
    size_t size = 9;
    char *text;

    seam_write_file(t, path, "a\0b", 3);
    text = seam_read_file(t, path, &size);
    seam_check_mem(t, text, size, "a\0b", 3);
    seam_check_eq(t, text[3], '\0');
    seam_write_file(t, path, NULL, 0);
    seam_check_eq(t, seam_read_file(t, path, &size), "");
    seam_check_eq(t, size, 0);
}

static void reads_what_is_not_there(seam_t *t)
{
    seam_read_file(t, "/no/such/file", NULL);
}

static void writes_where_it_cannot(seam_t *t)
{
    seam_write_file(t, "/no/such/file", "x", 1);
}

SEAM_TEST(files_say_what_is_wrong)
{
    trial_says(t, reads_what_is_not_there,
               "error t: cannot read '/no/such/file': No such file or directory\nend t fail\n");
    trial_says(t, writes_where_it_cannot,
               "error t: cannot write '/no/such/file': No such file or directory\n"
               "end t fail\n");
}

static void makes_a_long_path(seam_t *t)
{
    seam_path(t, "%5000d", 1);
}

SEAM_TEST(path_keeps_to_the_limit)
{
    seam_check_eq(t, seam_path(t, "%s/%d", "a", 7), "a/7");
    trial_says(
        t, makes_a_long_path,
        "error t: a path of 5000 bytes is longer than paths may be (4096)\nend t fail\n");
}

SEAM_TEST(alloc_is_zeroed_and_aligned)
{
    for (size_t size = 1; size < 20000; size = size * 3 + 1) {
        unsigned char *at = seam_alloc(t, size);
        size_t zeros = 0;

        seam_check_eq(t, (uintptr_t)at % _Alignof(max_align_t), 0);
        while (zeros < size && at[zeros] == 0)
            zeros++;
        seam_check_eq(t, zeros, size);
        memset(at, 0xff, size);
    }
}
