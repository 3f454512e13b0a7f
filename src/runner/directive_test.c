/* runner/directive_test.c - build expressions, and what is read from the lines of files. */

#include "runner/directive.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

/* ---- expressions ------------------------------------------------------------------------- */

/* The tags that are set are those that begin with "yes". */
static bool begins_with_yes(void *arg, const char *tag)
{
    (void)arg;
    return strncmp(tag, "yes", 3) == 0;
}

struct expression_row {
    const char *text;
    int want;
};

static const struct expression_row expressions[] = {
    { "yes", 1 },
    { "no", 0 },
    { " yes ", 1 },
    { "!yes", 0 },
    { "!!yes", 1 },
    { "! no", 1 },
    { "yes && no", 0 },
    { "yes&&yes.2", 1 },
    { "no || yes_3", 1 },
    { "no||no-1", 0 },
    { "yes || no && no", 1 }, /* && binds closer */
    { "(yes || no) && no", 0 },
    { "!(yes && no)", 1 },
    { "!yes || yes", 1 }, /* ! binds closest */
    { "((yes))", 1 },
    { "", -EINVAL },
    { "!", -EINVAL },
    { "yes &&", -EINVAL },
    { "&& yes", -EINVAL },
    { "yes & no", -EINVAL },
    { "yes no", -EINVAL },
    { "(yes", -EINVAL },
    { "yes)", -EINVAL },
    { "()", -EINVAL },
    { "yes, no", -EINVAL },
};

SEAM_TEST(directive_evaluates_expressions)
{
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        seam_scope(t, "'%s'", expressions[i].text);
        seam_check_eq(t, directive_evaluate(expressions[i].text, begins_with_yes, NULL, NULL),
                      expressions[i].want);
    }
}

SEAM_TEST(directive_says_where_an_expression_goes_wrong)
{
    struct err err;

    directive_evaluate("yes & no", begins_with_yes, NULL, &err);
    seam_check_str(t, err.text, "'yes & no' cannot be understood at '& no'");
    directive_evaluate("(yes", begins_with_yes, NULL, &err);
    seam_check_str(t, err.text, "'(yes' ends too early");
}

/* Nested without end it must not take the stack. */
SEAM_TEST(directive_limits_how_deep_an_expression_goes)
{
    enum { DEEP = 1000000 };
    char *deep = seam_alloc(t, DEEP + 1);

    memset(deep, '(', DEEP);
    seam_check_eq(t, directive_evaluate(deep, begins_with_yes, NULL, NULL), -EINVAL);
    memset(deep, '!', DEEP);
    seam_check_eq(t, directive_evaluate(deep, begins_with_yes, NULL, NULL), -EINVAL);
}

/* ---- files ------------------------------------------------------------------------------- */

/* As a package's folder is: without links. */
static const char *real_folder(seam_t *t)
{
    char *real = realpath(seam_tempdir(t), NULL);
    const char *folder = seam_format(t, "%s", real);

    free(real);
    return folder;
}

/* What was read of a test file "a_test.c" with that text, beside a source "mod.c". */
static const char *read_of(seam_t *t, const char *text)
{
    static const char *const kinds[] = { "build",   "pkg-config", "cflags",
                                         "ldflags", "sources",    "program" };
    const char *path = seam_path(t, "%s/a_test.c", real_folder(t));
    const char *mod = seam_path(t, "%s/mod.c", real_folder(t));
    struct source_file source = { .path = mod, .name = "mod.c" };
    struct source_file test = {
        .next = &source, .path = path, .name = "a_test.c", .is_test = true
    };
    struct source_package package = { .files = &test, .folder = real_folder(t) };
    struct arena arena = { 0 };
    struct buf out = BUF_INIT(10000);
    const char *read;

    seam_write_file(t, path, text, strlen(text));
    seam_write_file(t, mod, "int f;\n", 7);
    directives_read(&arena, &package, begins_with_yes, NULL);
    for (const struct directive *d = package.directives; d; d = d->next)
        buf_printf(&out, "%s '%s' at %s:%d\n", kinds[d->kind], d->words, d->file, d->line);
    if (test.excluded)
        buf_add_text(&out, "excluded\n");
    if (test.has_main)
        buf_add_text(&out, "has main\n");
    if (source.included)
        buf_add_text(&out, "mod.c is included\n");
    if (package.trouble)
        buf_printf(&out, "trouble: %s\n", package.trouble);
    if (package.has_tests == test.excluded)
        buf_add_text(&out, "has_tests is wrong\n");
    read = seam_format(t, "%s", buf_text(&out));
    arena_fini(&arena);
    buf_fini(&out);
    return read;
}

SEAM_TEST(directive_is_read_with_its_line)
{
    seam_check_str(t,
                   read_of(t, "/* a_test.c */\n"
                              "//seam:cflags -I../include  -DX='a b'\n"
                              "//seam:pkg-config\tlibpq >= 15\r\n"
                              "int x;\n"
                              "//seam:program ordersd mod.c\n"),
                   "cflags '-I../include  -DX='a b'' at a_test.c:2\n"
                   "pkg-config 'libpq >= 15' at a_test.c:3\n"
                   "program 'ordersd mod.c' at a_test.c:5\n");
}

SEAM_TEST(directive_in_a_comment_is_none)
{
    seam_check_str(t,
                   read_of(t, "/*\n"
                              "//seam:cflags -DNO\n"
                              "*/ //seam:cflags -DNO\n"
                              "  //seam:cflags -DNO\n"
                              "// seam:cflags -DNO\n"),
                   "");
    seam_check_str(t, read_of(t, "int x; /* from here\n//seam:cflags -DNO\nto here */\n"), "");
    seam_check_str(t, read_of(t, "char *x = \"/*\";\n//seam:cflags -DX\n"),
                   "cflags '-DX' at a_test.c:2\n");
}

SEAM_TEST(directive_build_excludes_a_file_and_what_it_says)
{
    seam_check_str(t, read_of(t, "//seam:cflags -DNO\n//seam:build no\n"), "excluded\n");
    seam_check_str(t, read_of(t, "/* first */\n\n// second\n//seam:build yes && !no\n"), "");
    seam_check_str(t, read_of(t, "//seam:build no\n#include \"mod.c\"\n"), "excluded\n");
    seam_check_str(t, read_of(t, "\xef\xbb\xbf//seam:build no\n"), "excluded\n");
}

SEAM_TEST(directive_build_stands_before_code)
{
    seam_check_str(
        t, read_of(t, "int x;\n//seam:build no\n"),
        "trouble: a_test.c:2: //seam:build must stand before the first line of code\n");
    seam_check_str(
        t, read_of(t, "/* a */ int x; /* b\n*/\n//seam:build no\n"),
        "trouble: a_test.c:3: //seam:build must stand before the first line of code\n");
}

SEAM_TEST(directive_mistakes_name_their_line)
{
    seam_check_str(t, read_of(t, "\n//seam:build yes &\n"),
                   "trouble: a_test.c:2: //seam:build: 'yes &' cannot be understood at '&'\n");
    seam_check_str(t, read_of(t, "//seam:cflags\n//seam:ldflags \n"),
                   "trouble: a_test.c:1: //seam:cflags says nothing\n");
    seam_check_str(t, read_of(t, "//seam:cflag -DX\n"),
                   "trouble: a_test.c:1: unknown directive '//seam:cflag'; known are build, "
                   "pkg-config, cflags, ldflags, sources and program\n");
}

SEAM_TEST(directive_reader_sees_main_and_included_sources)
{
    seam_check_str(t, read_of(t, "#include <mod.c>\n// main()\nint domain(void);\n"), "");
    seam_check_str(t, read_of(t, "#include \"mod.c\"\n"), "mod.c is included\n");
    seam_check_str(t, read_of(t, "  # include \"mod.c\" // why\n"), "mod.c is included\n");
    seam_check_str(t, read_of(t, "#include \"./mod.c\"\n"), "mod.c is included\n");
    seam_check_str(t, read_of(t, "int main (void)\n"), "has main\n");
    seam_check_str(t, read_of(t, "int remain(int a); int main(void);"), "has main\n");
    seam_check_str(t, read_of(t, ""), "");
}

/* ---- files that directives bring --------------------------------------------------------- */

static void write_text(seam_t *t, const char *name, const char *text)
{
    seam_write_file(t, seam_path(t, "%s/%s", seam_tempdir(t), name), text, strlen(text));
}

static void add_names(struct buf *to, const struct source_file *files)
{
    for (const struct source_file *file = files; file; file = file->next)
        buf_printf(to, " %s%s%s%s", file->name, file->is_cxx ? "(c++)" : "",
                   file->excluded ? "(excluded)" : "", file->included ? "(included)" : "");
}

/* The files of a package in the folder "t [1]", which has one test, its flags, and the files of its
 * programs. */
static const char *brought(seam_t *t, const char *test)
{
    const char *folder = seam_path(t, "%s/t [1]", real_folder(t));
    struct source_file file = { .path = seam_path(t, "%s/a_test.c", folder),
                                .name = "a_test.c",
                                .is_test = true };
    struct source_package package = { .files = &file, .folder = folder };
    struct arena arena = { 0 };
    struct buf out = BUF_INIT(10000);
    const char *text;

    mkdir(folder, 0700);
    mkdir(seam_path(t, "%s/src", seam_tempdir(t)), 0700);
    write_text(t, "t [1]/a_test.c", test);
    write_text(t, "src/a.c", "//seam:cflags -DNO\nint main(void);\n");
    write_text(t, "src/b.cc", "//seam:build no\n");
    write_text(t, "src/c_test.c", "");
    write_text(t, "src/test_d.c", "");
    directives_read(&arena, &package, begins_with_yes, NULL);
    add_names(&out, file.next);
    buf_add_text(&out, directive_words(&arena, &package, DIRECTIVE_CFLAGS));
    for (const struct directive *d = package.directives; d; d = d->next)
        if (d->program) {
            buf_printf(&out, " %s:", d->program);
            add_names(&out, d->files);
        }
    text = seam_format(t, "%s", package.trouble ? package.trouble : buf_text(&out));
    arena_fini(&arena);
    buf_fini(&out);
    return text;
}

SEAM_TEST(directive_sources_are_added_once)
{
    seam_check_str(t,
                   brought(t, "//seam:sources ../src/a.c\n//seam:sources ../src/../src/a.c\n"),
                   " ../src/a.c");
    seam_check_str(t, brought(t, "//seam:sources a_test.c\n"), "");
}

SEAM_TEST(directive_wildcards_leave_tests_out)
{
    seam_check_str(t, brought(t, "//seam:sources ../src/*.c*\n"),
                   " ../src/a.c ../src/b.cc(c++)(excluded)");
    seam_check_str(t, brought(t, "//seam:sources ../s?c/[a-z].c\n"), " ../src/a.c");
}

SEAM_TEST(directive_source_that_a_test_includes_is_not_linked)
{
    seam_check_str(t, brought(t, "//seam:sources ../src/a.c\n#include \"../src/a.c\"\n"),
                   " ../src/a.c(included)");
}

SEAM_TEST(directive_program_has_files_of_its_own)
{
    seam_check_str(t,
                   brought(t, "//seam:program one ../src/a.c\n//seam:program two ../src/*.c\n"),
                   " one: ../src/a.c two: ../src/a.c");
    seam_check_str(t, brought(t, "//seam:program one\n"),
                   "a_test.c:1: //seam:program: name the program and its files, such as "
                   "//seam:program ordersd ../cmd/ordersd.c");
}

SEAM_TEST(directive_names_the_file_that_is_missing)
{
    seam_check_str(
        t, brought(t, "\n//seam:sources ../src/z.c\n"),
        seam_format(t, "a_test.c:2: //seam:sources: no file '%s/src/z.c'", real_folder(t)));
    seam_check_str(t, brought(t, "//seam:sources ../src/*.z\n"),
                   "a_test.c:1: //seam:sources: no file '../src/*.z'");
}
