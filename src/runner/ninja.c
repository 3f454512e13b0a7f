/* runner/ninja.c - write the ninja file of a build. */

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "runner/build.h"
#include "runner/directive.h"

enum { NINJA_MAX = 64 << 20 };

/* A path in a build line: what is special to ninja is escaped; $in and $out are quoted for the shell
 * by ninja itself. */
static void add_path(struct buf *to, const char *path)
{
    for (; *path; path++) {
        if (strchr("$ :", *path))
            buf_add_char(to, '$');
        buf_add_char(to, *path);
    }
}

/* Words for the shell: only '$' is special to ninja. */
static void add_words(struct buf *to, const char *words)
{
    for (; words && *words; words++) {
        if (*words == '$')
            buf_add_char(to, '$');
        buf_add_char(to, *words);
    }
}

/* One word for the shell, in single quotes. */
static void add_quoted(struct buf *to, const char *word)
{
    buf_add_char(to, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_add_text(to, "'\\'");
        else if (*word == '$')
            buf_add_char(to, '$');
        buf_add_char(to, *word);
    }
    buf_add_char(to, '\'');
}

static const char *sanitizer_flags(const struct options *options)
{
    if (options->race)
        return " -fsanitize=thread";
    if (options->asan)
        return " -fsanitize=address,undefined -fno-sanitize-recover=undefined "
               "-fno-omit-frame-pointer";
    return "";
}

static void add_rules(struct buf *to, const struct build *build)
{
    const char *sanitizer = sanitizer_flags(build->options);

    buf_add_text(to, "ninja_required_version = 1.7\nrule cc\n  command = cd $folder && ");
    add_words(to, build->cc);
    buf_printf(to,
               "%s $flags -MMD -MF $out.d -c $in -o $out\n  depfile = $out.d\n  deps = gcc\n"
               "rule cxx\n  command = cd $folder && ",
               sanitizer);
    add_words(to, build->cxx);
    buf_printf(to,
               "%s $flags -MMD -MF $out.d -c $in -o $out\n  depfile = $out.d\n  deps = gcc\n"
               "rule link\n  command = cd $folder && $driver%s -o $out $in $flags\n",
               sanitizer, sanitizer);
}

const char *build_object_folder(const struct build *build, const struct source_package *package)
{
    bool absolute = *package->name == '/';

    return arena_printf(build->arena, "%s/%s%s", build->folder, absolute ? "root" : "",
                        package->name);
}

const char *build_binary(const struct build *build, const struct source_package *package)
{
    const char *base = strrchr(package->name, '/');

    return arena_printf(build->arena, "%s/%s_test", build_object_folder(build, package),
                        base ? base + 1 : package->name);
}

/* ---- one compiled file */

struct unit {
    struct build *build;
    struct source_package *package;
    const char *package_flags; /* cflags and pkg-config of the package */
    const char *objects; /* folder */
};

/* "../src/orders.c" -> "..+src+orders.c.o": one folder for the objects of a package, apart from those of
 * packages below it. */
static const char *object_of(const struct unit *unit, const char *name, const char *suffix)
{
    char *flat = arena_dup(unit->build->arena, name);

    for (char *slash = strchr(flat, '/'); slash; slash = strchr(slash, '/'))
        *slash = '+';
    return arena_printf(unit->build->arena, "%s/%s%s.o", unit->objects, flat, suffix);
}

static const char *own_flags(const struct unit *unit, const struct source_file *file)
{
    const struct build *build = unit->build;

    return file->flags ? file->flags : file->is_cxx ? build->cxxflags : build->cflags;
}

static const char *add_unit(struct buf *to, const struct unit *unit,
                            const struct source_file *file, const char *suffix,
                            bool rename_main)
{
    const char *object = object_of(unit, file->name, suffix);

    buf_add_text(to, "build ");
    add_path(to, object);
    buf_printf(to, ": %s ", file->is_cxx ? "cxx" : "cc");
    add_path(to, file->wrapper ? file->wrapper : file->path);
    buf_add_text(to, "\n  folder = ");
    add_quoted(to, file->folder ? file->folder : unit->package->folder);
    buf_add_text(to, "\n  flags = ");
    add_words(to, own_flags(unit, file));
    buf_add_text(to, " -isystem ");
    add_quoted(to, unit->build->installation->include);
    if (file->wrapper) {
        buf_add_text(to, " -I");
        add_quoted(to, unit->package->folder);
    }
    buf_add_text(to, " ");
    add_words(to, unit->package_flags);
    if (rename_main)
        buf_add_text(to, " -Dmain=seam_renamed_main");
    buf_add_char(to, '\n');
    return object;
}

static const char *words_of(struct build *build, const struct source_package *package,
                            enum directive_kind kind)
{
    char *words = arena_dup(build->arena, "");

    for (const struct directive *d = package->directives; d; d = d->next)
        if (d->kind == kind)
            words = arena_printf(build->arena, "%s %s", words, d->words);
    return words;
}

/* Files of //seam:sources and //seam:program, as if they stood in the package. */
static struct source_file *file_of(struct build *build, struct source_package *package,
                                   const struct directive *d, const char *word, size_t size)
{
    struct source_file *file = arena_zero(build->arena, sizeof *file);
    struct buf content = BUF_INIT(64 << 20);
    const char *dot;

    file->name = arena_copy(build->arena, word, size);
    file->path = *file->name == '/'
                     ? file->name
                     : arena_printf(build->arena, "%s/%s", package->folder, file->name);
    dot = strrchr(file->name, '.');
    file->is_cxx = dot && strcmp(dot, ".c") != 0;
    if (io_read_file(file->path, &content) < 0) {
        if (!package->trouble)
            package->trouble =
                arena_printf(build->arena, "%s:%d: //seam:%s: no file '%s'", d->file, d->line,
                             d->kind == DIRECTIVE_SOURCES ? "sources" : "program", file->path);
    } else
        file->has_main = directive_names_main(buf_text(&content));
    buf_fini(&content);
    return file;
}

static bool is_test_file(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && dot - path > 5 && strncmp(dot - 5, "_test", 5) == 0;
}

/* The files that one word means: itself, or what matches it when it has a wildcard, but tests. */
static void expand_word(const struct unit *unit, const char *word, size_t size, glob_t *ret)
{
    const char *folder = unit->package->folder;
    const char *text = arena_copy(unit->build->arena, word, size);
    const char *path =
        *text == '/' ? text : arena_printf(unit->build->arena, "%s/%s", folder, text);

    if (glob(path, GLOB_NOMAGIC, NULL, ret) != 0)
        ret->gl_pathc = 0;
}

static void add_extra_sources(struct buf *to, const struct unit *unit,
                              const struct directive *d, const char *words, const char *suffix,
                              bool rename_main, struct buf *objects, bool *cxx)
{
    for (const char *word = words; *word;) {
        size_t size = strcspn(word, " \t");
        bool wild = memchr(word, '*', size) != NULL;
        const char *slash = NULL;
        glob_t paths;

        for (size_t i = 0; i < size; i++)
            slash = word[i] == '/' ? word + i : slash;
        expand_word(unit, word, size, &paths);
        for (size_t i = 0; i < paths.gl_pathc; i++) {
            const char *base = strrchr(paths.gl_pathv[i], '/') + 1;
            const char *name = arena_printf(unit->build->arena, "%.*s%s",
                                            slash ? (int)(slash + 1 - word) : 0, word, base);
            struct source_file *file;

            if (wild && is_test_file(base))
                continue;
            file = file_of(unit->build, unit->package, d, name, strlen(name));
            *cxx |= file->is_cxx;
            buf_add_char(objects, ' ');
            add_path(objects, add_unit(to, unit, file, suffix, rename_main && file->has_main));
        }
        if (paths.gl_pathc == 0)
            file_of(unit->build, unit->package, d, word, size); /* says that it is not there */
        globfree(&paths);
        word += size + strspn(word + size, " \t");
    }
}

/* -z now: a test's process is forked, and would otherwise look up again each function that it is the
 * first to call. */
static void add_link(struct buf *to, const struct unit *unit, const char *target, bool cxx,
                     const struct buf *objects, bool with_seam)
{
    struct build *build = unit->build;
    const char *libraries = pkg_config(build, unit->package, "--libs");

    buf_add_text(to, "build ");
    add_path(to, target);
    buf_printf(to, ": link%s", buf_text(objects));
    if (with_seam) {
        buf_add_text(to, " | ");
        add_path(to, build->installation->library);
    }
    buf_add_text(to, "\n  driver = ");
    add_words(to, cxx ? build->cxx : build->cc);
    buf_add_text(to, "\n  folder = ");
    add_quoted(to, unit->package->folder);
    buf_add_text(to, "\n  flags = ");
    add_words(to, build->ldflags);
    if (with_seam) {
        add_words(to, private_link_flags(build, unit->package));
        buf_add_char(to, ' ');
        add_quoted(to, build->installation->library);
    }
    add_words(to, words_of(build, unit->package, DIRECTIVE_LDFLAGS));
    buf_add_char(to, ' ');
    add_words(to, libraries);
    buf_add_text(to, with_seam ? " -pthread -Wl,-z,now\n" : " -pthread\n");
}

/* //seam:program NAME FILE...: beside the test program, where tests look for it. */
static void add_programs(struct buf *to, const struct unit *unit)
{
    for (const struct directive *d = unit->package->directives; d; d = d->next) {
        struct buf objects = BUF_INIT(NINJA_MAX);
        size_t size;
        const char *name;
        bool cxx = false;

        if (d->kind != DIRECTIVE_PROGRAM)
            continue;
        size = strcspn(d->words, " \t");
        name = arena_copy(unit->build->arena, d->words, size);
        if (!d->words[size] && !unit->package->trouble)
            unit->package->trouble =
                arena_printf(unit->build->arena,
                             "%s:%d: //seam:program: name the program and its "
                             "files, such as //seam:program ordersd ../cmd/ordersd.c",
                             d->file, d->line);
        add_extra_sources(to, unit, d, d->words + size + strspn(d->words + size, " \t"),
                          arena_printf(unit->build->arena, ".%s", name), false, &objects, &cxx);
        add_link(to, unit, arena_printf(unit->build->arena, "%s/%s", unit->objects, name), cxx,
                 &objects, false);
        buf_fini(&objects);
    }
}

static void add_package(struct buf *to, struct build *build, struct source_package *package)
{
    const char *from_pkg_config = pkg_config(build, package, "--cflags");
    struct unit unit = { build, package, NULL, build_object_folder(build, package) };
    struct buf objects = BUF_INIT(NINJA_MAX);
    bool cxx = false;

    if (!from_pkg_config)
        return;
    unit.package_flags = arena_printf(
        build->arena, "%s %s", words_of(build, package, DIRECTIVE_CFLAGS), from_pkg_config);
    for (struct source_file *file = package->files; file; file = file->next) {
        if (file->excluded || file->included)
            continue;
        cxx |= file->is_cxx;
        buf_add_char(&objects, ' ');
        add_path(&objects, add_unit(to, &unit, file, "", file->has_main));
    }
    for (const struct directive *d = package->directives; d; d = d->next)
        if (d->kind == DIRECTIVE_SOURCES)
            add_extra_sources(to, &unit, d, d->words, "", true, &objects, &cxx);
    add_link(to, &unit, build_binary(build, package), cxx, &objects, true);
    add_programs(to, &unit);
    buf_fini(&objects);
}

int ninja_write(struct build *build, struct err *err)
{
    const char *path = arena_printf(build->arena, "%s/build.ninja", build->folder);
    struct buf text = BUF_INIT(NINJA_MAX);
    struct buf before = BUF_INIT(NINJA_MAX);
    int r = 0;

    add_rules(&text, build);
    for (struct source_package *package = build->packages; package; package = package->next) {
        size_t begin = text.size;

        if (!package->has_tests || package->trouble)
            continue;
        add_package(&text, build, package);
        if (package->trouble) /* found while writing: nothing of it is built */
            text.size = begin;
    }
    if (text.failed)
        r = err_set(err, -EFBIG, "the ninja file would have more than %d MB", NINJA_MAX >> 20);
    else if (io_read_file(path, &before) < 0 || before.size != text.size ||
             memcmp(buf_text(&before), text.data, text.size) != 0) {
        r = io_write_file(path, text.data, text.size);
        if (r < 0)
            err_system(err, r, "cannot write '%s'", path);
    }
    buf_fini(&text);
    buf_fini(&before);
    return r;
}
