/* runner/ninja.c - write the ninja file of a build. */

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"
#include "runner/build.h"
#include "runner/capability.h"
#include "runner/directive.h"
#include "runner/include_words.h"

enum { NINJA_MAX = 64 << 20, FLAT_MAX = 180 };

/* A path in a build line: what is special to ninja is escaped; '|' has no escape but a variable. $in and
 * $out are quoted for the shell by ninja itself. */
static void add_path(struct buf *to, const char *path)
{
    for (; *path; path++) {
        if (strchr("$ :", *path))
            buf_add_char(to, '$');
        if (*path == '|')
            buf_add_text(to, "${pipe}");
        else
            buf_add_char(to, *path);
    }
}

/* Words for the shell: only '$' is special to ninja, and a value ends with its line. */
static void add_words(struct buf *to, const char *words)
{
    for (; *words; words++) {
        if (*words == '$')
            buf_add_char(to, '$');
        buf_add_char(to, strchr("\r\n", *words) ? ' ' : *words);
    }
}

/* Words for a compiler that runs in `folder`. */
static void add_compiler_words(struct buf *to, const char *words, const char *folder)
{
    struct buf rooted = BUF_INIT(NINJA_MAX);

    include_words_add(&rooted, words, folder);
    add_words(to, buf_text(&rooted));
    buf_fini(&rooted);
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

/* -MD: a change of libseam's or of another library's headers counts as well. */
static void add_rules(struct buf *to, const struct build *build)
{
    static const char compile[] =
        " $flags -MD -MF $out.d -c $in -o $out\n"
        "  depfile = $out.d\n  deps = gcc\n  description = $package\n";
    const char *sanitizer = sanitizer_flags(build->options);

    buf_add_text(to, "ninja_required_version = 1.7\npipe = |\n");
    buf_add_text(to, "rule cc\n  command = cd $folder && ");
    add_words(to, build->cc);
    buf_printf(to, "%s%srule cxx\n  command = cd $folder && ", sanitizer, compile);
    add_words(to, build->cxx);
    buf_printf(to,
               "%s%srule link\n  command = cd $folder && $driver%s -o $out $in $flags\n"
               "  description = $package\n",
               sanitizer, compile, sanitizer);
}

/* Each package has a folder of its own, whatever others are called; "." is for this folder where that has
 * no better name. */
const char *build_object_folder(const struct build *build, const struct source_package *package)
{
    const char *name = package->name;

    return arena_printf(build->arena, "%s/%s%s", build->folder, *name == '/' ? ".root" : "",
                        strcmp(name, ".") == 0 ? ".here" : name);
}

const char *build_binary(const struct build *build, const struct source_package *package)
{
    return arena_printf(build->arena, "%s/%s_test", build_object_folder(build, package),
                        strrchr(package->folder, '/') + 1);
}

const char *build_object(const struct build *build, const struct source_package *package,
                         const char *name, const char *end)
{
    const char *folder = build_object_folder(build, package);
    struct buf flat = BUF_INIT(NINJA_MAX);
    const char *object;

    for (const char *at = name; *at; at++)
        buf_add_text(&flat, *at == '/' ? "+" : *at == '+' ? "++" : (char[]){ *at, '\0' });
    if (flat.size > FLAT_MAX) /* a file name has its limit */
        object =
            arena_printf(build->arena, "%s/%016llx%s", folder,
                         (unsigned long long)hash_bytes(HASH_BEGIN, flat.data, flat.size), end);
    else
        object = arena_printf(build->arena, "%s/%s%s", folder, buf_text(&flat), end);
    buf_fini(&flat);
    return object;
}

/* ---- one compiled file */

struct unit {
    struct build *build;
    struct source_package *package;
    const char *package_flags; /* cflags and pkg-config of the package */
    const char *libraries; /* of pkg-config */
};

static const char *own_flags(const struct unit *unit, const struct source_file *file)
{
    const struct build *build = unit->build;

    return file->flags ? file->flags : file->is_cxx ? build->cxxflags : build->cflags;
}

/* Variables that every build line has. */
static void add_place(struct buf *to, const struct unit *unit, const char *folder)
{
    buf_printf(to, "\n  package = %u\n  folder = ", unit->package->number);
    add_quoted(to, folder);
}

static void add_unit(struct buf *to, const struct unit *unit, const struct source_file *file,
                     const char *object, bool rename_main)
{
    const char *folder = file->folder ? file->folder : unit->package->folder;

    buf_add_text(to, "build ");
    add_path(to, object);
    buf_add_text(to, file->is_cxx ? ": cxx " : ": cc ");
    add_path(to, file->wrapper ? file->wrapper : file->path);
    add_place(to, unit, folder);
    buf_add_text(to, "\n  flags = ");
    add_compiler_words(to, own_flags(unit, file), folder);
    buf_add_text(to, " -isystem ");
    add_quoted(to, unit->build->installation->include);
    buf_add_text(to, " ");
    add_compiler_words(to, unit->package_flags, folder);
    if (rename_main)
        buf_add_text(to, " -Dmain=seam_renamed_main");
    if (file->wrapper) {
        buf_add_text(to, " -include ");
        add_quoted(to, file->path);
    }
    buf_add_char(to, '\n');
}

/* All that is compiled of a list of files; their objects are added to `objects`. Returns whether one of
 * them is C++. */
static bool add_units(struct buf *to, const struct unit *unit, const struct source_file *files,
                      const char *program, struct buf *objects)
{
    const char *end = program ? arena_printf(unit->build->arena, ".%s.o", program) : ".o";
    bool any_cxx = false;

    for (const struct source_file *file = files; file; file = file->next) {
        const char *object;

        if (file->excluded || file->included)
            continue;
        object = build_object(unit->build, unit->package, file->name, end);
        add_unit(to, unit, file, object, file->has_main && !program);
        buf_add_char(objects, ' ');
        add_path(objects, object);
        any_cxx |= file->is_cxx;
    }
    return any_cxx;
}

static void add_input(struct buf *to, const char *path)
{
    buf_add_char(to, ' ');
    add_path(to, path);
}

static void add_word(struct buf *to, const char *word)
{
    buf_add_char(to, ' ');
    add_quoted(to, word);
}

/* -z now: a test's process is forked, and would otherwise look up again each function that it is the
 * first to call. */
static void add_link(struct buf *to, const struct unit *unit, const char *target, bool cxx,
                     const struct buf *objects, bool with_seam)
{
    struct build *build = unit->build;

    buf_add_text(to, "build ");
    add_path(to, target);
    buf_printf(to, ": link%s", buf_text(objects));
    if (with_seam) {
        buf_add_text(to, " |");
        capability_archives(build, unit->package->capabilities, add_input, to);
    }
    add_place(to, unit, unit->package->folder);
    buf_add_text(to, "\n  driver = ");
    add_words(to, cxx ? build->cxx : build->cc);
    buf_add_text(to, "\n  flags = ");
    add_words(to, build->ldflags);
    if (with_seam) {
        add_words(to, private_link_flags(build, unit->package));
        capability_archives(build, unit->package->capabilities, add_word, to);
        buf_add_text(to, capability_words(build, unit->package));
    }
    add_words(to, directive_words(build->arena, unit->package, DIRECTIVE_LDFLAGS));
    buf_add_char(to, ' ');
    add_words(to, unit->libraries);
    buf_add_text(to, with_seam ? " -pthread -Wl,-z,now\n" : " -pthread\n");
}

/* //seam:program NAME FILE...: beside the test program, where tests look for it. */
static void add_programs(struct buf *to, const struct unit *unit)
{
    for (const struct directive *d = unit->package->directives; d; d = d->next) {
        struct buf objects = BUF_INIT(NINJA_MAX);
        bool cxx;

        if (d->kind != DIRECTIVE_PROGRAM)
            continue;
        cxx = add_units(to, unit, d->files, d->program, &objects);
        add_link(to, unit,
                 arena_printf(unit->build->arena, "%s/%s",
                              build_object_folder(unit->build, unit->package), d->program),
                 cxx, &objects, false);
        buf_fini(&objects);
    }
}

static void add_package(struct buf *to, struct build *build, struct source_package *package)
{
    struct unit unit = { .build = build, .package = package };
    const char *flags = pkg_config(build, package, "--cflags");
    struct buf objects = BUF_INIT(NINJA_MAX);
    bool cxx;

    unit.libraries = flags ? pkg_config(build, package, "--libs") : NULL;
    if (!unit.libraries)
        return;
    unit.package_flags = arena_printf(
        build->arena, "%s %s", directive_words(build->arena, package, DIRECTIVE_CFLAGS), flags);
    cxx = add_units(to, &unit, package->files, NULL, &objects);
    add_link(to, &unit, build_binary(build, package), cxx, &objects, true);
    add_programs(to, &unit);
    buf_fini(&objects);
}

/* A line of a ninja file has no escape for a line end. */
static bool has_line_end(struct build *build, struct source_package *package)
{
    const char *paths[] = { build->folder, build->installation->include, package->folder };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strpbrk(paths[i], "\r\n"))
            package->trouble = arena_printf(
                build->arena, "the name of the folder '%s' has a line end", paths[i]);
    for (const struct source_file *file = package->files; file; file = file->next)
        if (strpbrk(file->path, "\r\n") && !package->trouble)
            package->trouble = arena_printf(
                build->arena, "the name of the file '%s' has a line end", file->path);
    return package->trouble != NULL;
}

int ninja_write(struct build *build, struct err *err)
{
    const char *path = arena_printf(build->arena, "%s/build.ninja", build->folder);
    struct buf text = BUF_INIT(NINJA_MAX);
    int r = 0;

    add_rules(&text, build);
    for (struct source_package *package = build->packages; package; package = package->next) {
        size_t begin = text.size;

        if (!package->has_tests || package->trouble || has_line_end(build, package))
            continue;
        add_package(&text, build, package);
        if (package->trouble) /* found while writing: nothing of it is built */
            text.size = begin;
    }
    if (text.failed)
        r = err_set(err, -EFBIG, "the ninja file would have more than %d MB", NINJA_MAX >> 20);
    else if ((r = build_write_file(path, &text)) < 0)
        err_system(err, r, "cannot write '%s'", path);
    buf_fini(&text);
    return r;
}
