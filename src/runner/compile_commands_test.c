/* runner/compile_commands_test.c - which flags a file is given by a project's database. */

#include "runner/build.h"

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>

#include "base/io.h"

/* The flags of src/a.c by a database in the folder above it whose text has one %s for that folder, or
 * "none"; then where they hold, relative to that folder. */
static const char *flags_by(seam_t *t, const char *before, const char *behind)
{
    char *folder = realpath(seam_tempdir(t), NULL);
    const char *text = seam_format(t, "%s%s%s", before, folder, behind);
    struct arena arena = { 0 };
    struct options options = { 0 };
    struct source_file file = { .name = "a.c", .path = seam_path(t, "%s/src/a.c", folder) };
    struct source_package package = { .files = &file,
                                      .has_tests = true,
                                      .folder = seam_path(t, "%s/src", folder) };
    struct build build = { .arena = &arena, .options = &options, .packages = &package };
    const char *flags;

    seam_require_ok(t, io_make_folders(package.folder, 0700));
    seam_write_file(t, file.path, "", 0);
    seam_write_file(t, seam_path(t, "%s/compile_commands.json", folder), text, strlen(text));
    seam_check_ok(t, compile_commands_apply(&build, NULL));
    flags = seam_format(t, "%s @%s", file.flags ? file.flags : "none",
                        file.folder ? file.folder + strlen(folder) : "");
    free(folder);
    arena_fini(&arena);
    return flags;
}

#define DIRECTORY "[{\"directory\": \""

static const char *flags_of(seam_t *t, const char *words)
{
    return flags_by(t, DIRECTORY, seam_format(t, "\", \"file\": \"src/a.c\", %s}]", words));
}

SEAM_TEST(flags_are_what_a_compiler_was_told)
{
    seam_check_str(t,
                   flags_of(t, "\"arguments\": [\"cc\", \"-DX=a b\", \"-c\", \"-I\", \"inc\", "
                               "\"-o\", \"a.o\", \"src/a.c\", \"-O1\"]"),
                   " '-DX=a b' '-I' 'inc' '-O1' @");
    seam_check_str(t, flags_of(t, "\"command\": \"cc -MD -MT x -MF a.d -DX src/a.c -g\""),
                   " '-DX' '-g' @");
}

SEAM_TEST(flags_begin_behind_whatever_starts_the_compiler)
{
    seam_check_str(t, flags_of(t, "\"command\": \"ccache /usr/bin/cc -DX src/a.c\""),
                   " '-DX' @");
    seam_check_str(t, flags_of(t, "\"arguments\": [\"ccache\", \"cc\", \"-DX\"]"), " '-DX' @");
}

SEAM_TEST(flags_of_a_command_lose_the_quotes_of_a_shell)
{
    seam_check_str(t, flags_of(t, "\"command\": \"cc -DA=\\\"a b\\\" '-DB=\\\"b\\\"' -c a\""),
                   " '-DA=a b' '-DB=\"b\"' 'a' @");
    seam_check_str(t, flags_of(t, "\"command\": \"cc -DC=\\\\\\\"c\\\\\\\" \\\"src/a.c\\\"\""),
                   " '-DC=\"c\"' @");
    seam_check_str(t, flags_of(t, "\"command\": \"cc \\\"-DA='\\\" src/a.c\""),
                   " '-DA='\\''' @");
}

SEAM_TEST(flags_belong_to_the_file_that_the_path_leads_to)
{
    seam_check_str(t,
                   flags_by(t, DIRECTORY,
                            "/src/../src\", \"file\": \"./a.c\", "
                            "\"command\": \"cc -DX ../src/a.c\"}]"),
                   " '-DX' @/src/../src");
    seam_check_str(
        t, flags_by(t, DIRECTORY, "\", \"file\": \"a.c\", \"command\": \"cc -DX a.c\"}]"),
        "none @");
    seam_check_str(t,
                   flags_by(t,
                            DIRECTORY "src\", \"file\": \"a.c\", \"command\": \"cc -DX\"}, "
                                      "{\"directory\": \"",
                            "\", \"file\": \"src/a.c\", \"command\": \"cc -DY\"}]"),
                   " '-DX' @/src");
}

SEAM_TEST(flags_of_a_database_that_is_none_are_not_used)
{
    seam_check_str(t, flags_by(t, DIRECTORY, "\"}, 7, {\"file\": 1}]"), "none @");
    seam_check_str(t, flags_by(t, "{\"directory\": \"", "\"}"), "none @");
    seam_check_str(t, flags_by(t, "[", ""), "none @");
}
