/* runner/compile_commands.c - read a project's compile_commands.json, and write one for editors. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_name.h"
#include "base/io.h"
#include "base/map.h"
#include "runner/build.h"
#include "runner/directive.h"

enum { FLAGS_MAX = 1 << 20, DATABASE_MAX = 64 << 20 };

/* ---- which flags of a compiler's call are kept */

/* The words of one call, as they come. */
struct call {
    struct arena *arena;
    const struct source_file *file; /* what it compiles */
    const char *folder; /* where */
    struct buf flags;
    bool begun; /* before the first flag stand the compiler, and what starts it (ccache) */
    bool skip; /* the next word belongs to one that was left out */
};

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static bool is_the_file(const struct call *call, const char *word)
{
    return strcmp(base_name(word), base_name(call->file->path)) == 0 &&
           strcmp(source_path(call->arena, call->folder, word), call->file->path) == 0;
}

static void add_shell_word(struct buf *to, const char *word)
{
    buf_add_text(to, " '");
    for (; *word; word++)
        if (*word == '\'')
            buf_add_text(to, "'\\''");
        else
            buf_add_char(to, *word);
    buf_add_char(to, '\'');
}

/* Leave out the compiler, what is compiled, where it goes, and dependency files. */
static void take_word(struct call *call, const char *word)
{
    static const char *const alone[] = { "-c", "-MD", "-MMD", "-MP", "--", NULL };
    static const char *const with_next[] = { "-o", "-MF", "-MT", "-MQ", NULL };

    call->begun |= *word == '-';
    if (call->skip)
        call->skip = false;
    else if (is_one_of(word, with_next))
        call->skip = true;
    else if (call->begun && !is_one_of(word, alone) && !is_the_file(call, word))
        add_shell_word(&call->flags, word);
}

static void take_arguments(struct call *call, const json_t *arguments)
{
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *word = json_string_value(json_array_get(arguments, i));

        if (word)
            take_word(call, word);
    }
}

/* One word of a line for the shell, without its quotes. Returns what follows it. */
static const char *read_word(const char *at, struct buf *ret)
{
    char quote = '\0';

    for (; *at && (quote || !strchr(" \t\r\n", *at)); at++) {
        const char *escaped = quote == '"' ? "$`\"\\" : quote ? "" : at + 1;

        if (*at == quote)
            quote = '\0';
        else if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
        else if (*at == '\\' && at[1] && strchr(escaped, at[1]))
            buf_add_char(ret, *++at);
        else
            buf_add_char(ret, *at);
    }
    return at;
}

static void take_command(struct call *call, const char *command)
{
    struct buf word = BUF_INIT(FLAGS_MAX);

    for (;;) {
        command += strspn(command, " \t\r\n");
        if (!*command)
            break;
        buf_clear(&word);
        command = read_word(command, &word);
        take_word(call, buf_text(&word));
    }
    buf_fini(&word);
}

/* ---- a database: of -build DIR, else of the package's folder or the nearest above it */

struct database {
    const char *path; /* NULL: none is loaded */
    const char *folder;
    json_t *entries;
    struct map first; /* base name of a file -> 1 + its first entry */
    uint32_t *next; /* of an entry: 1 + the next of that base name; 0: none */
};

static const char *find_database(struct build *build, const struct source_package *package)
{
    char *folder = arena_dup(build->arena, package->folder);

    for (;;) {
        const char *path = arena_printf(build->arena, "%s/compile_commands.json", folder);
        char *slash = strrchr(folder, '/');

        if (access(path, R_OK) == 0)
            return path;
        if (!slash || slash == folder)
            return NULL;
        *slash = '\0';
    }
}

static void unload(struct database *database)
{
    json_decref(database->entries);
    map_fini(&database->first);
    free(database->next);
    *database = (struct database){ 0 };
}

/* From the last to the first, so that of two entries for a file the first is found first. */
static void make_index(struct database *database)
{
    size_t count = json_array_size(database->entries);

    database->next = calloc(count + 1, sizeof *database->next);
    for (size_t i = count; database->next && i > 0; i--) {
        const json_t *entry = json_array_get(database->entries, i - 1);
        const char *name = json_string_value(json_object_get(entry, "file"));
        uint32_t *first = name ? map_at(&database->first, base_name(name)) : NULL;

        if (!first)
            continue;
        database->next[i - 1] = *first;
        *first = (uint32_t)i;
    }
}

static void load(struct build *build, struct database *database, const char *path)
{
    json_error_t why = { .line = 1, .text = "it is no list" };

    unload(database);
    database->path = path;
    database->folder =
        arena_printf(build->arena, "%.*s", (int)(strrchr(path, '/') - path), path);
    database->entries = json_load_file(path, 0, &why);
    if (json_is_array(database->entries))
        make_index(database);
    else
        fprintf(stderr, "seam: %s:%d: %s; its flags are not used\n", path, why.line, why.text);
}

static void take_entry(struct build *build, const struct database *database,
                       const json_t *entry, struct source_file *file)
{
    const char *folder = json_string_value(json_object_get(entry, "directory"));
    const char *name = json_string_value(json_object_get(entry, "file"));
    const char *command = json_string_value(json_object_get(entry, "command"));
    struct call call = { .arena = build->arena, .file = file, .flags = BUF_INIT(FLAGS_MAX) };

    if (!folder)
        return;
    call.folder =
        *folder == '/' ? folder : arena_printf(build->arena, "%s/%s", database->folder, folder);
    if (!is_the_file(&call, name))
        return;
    if (command)
        take_command(&call, command);
    else
        take_arguments(&call, json_object_get(entry, "arguments"));
    file->flags = arena_dup(build->arena, buf_text(&call.flags));
    file->folder = arena_dup(build->arena, call.folder);
    buf_fini(&call.flags);
}

static void apply_to(struct build *build, const struct database *database,
                     struct source_file *files)
{
    for (struct source_file *file = files; file; file = file->next) {
        const uint32_t *first = map_find(&database->first, base_name(file->path));

        for (uint32_t i = first ? *first : 0; i && !file->flags; i = database->next[i - 1])
            take_entry(build, database, json_array_get(database->entries, i - 1), file);
    }
}

int compile_commands_apply(struct build *build, struct err *err)
{
    const char *folder = build->options->build;
    const char *named =
        folder ? arena_printf(build->arena, "%s/compile_commands.json", folder) : NULL;
    struct database database = { 0 };

    if (named && access(named, R_OK) < 0)
        return err_system(err, -errno, "-build: cannot read '%s'", named);
    for (struct source_package *package = build->packages; package; package = package->next) {
        bool wanted = package->has_tests && !package->trouble;
        const char *path = !wanted ? NULL : named ? named : find_database(build, package);

        if (!path)
            continue;
        if (!database.path || strcmp(database.path, path) != 0)
            load(build, &database, path);
        apply_to(build, &database, package->files);
        for (const struct directive *d = package->directives; d; d = d->next)
            apply_to(build, &database, d->files);
    }
    unload(&database);
    return 0;
}

/* ---- writing: ninja knows the commands */

void compile_commands_write(struct build *build)
{
    const char *path = arena_printf(build->arena, "%s/compile_commands.json", build->folder);
    const char *ninja = arena_printf(build->arena, "%s/build.ninja", build->folder);
    const char *argv[] = { "ninja", "-t", "compdb", "cc", "cxx", NULL };
    struct buf text = BUF_INIT(DATABASE_MAX);

    if (io_is_newer(path, ninja))
        return;
    if (build_run_program(argv, build->folder, NULL, &text) == 0 && !text.failed)
        io_write_file(path, buf_text(&text), text.size);
    buf_fini(&text);
}
