/* runner/compile_commands.c - read a project's compile_commands.json, and write one for editors. */

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "runner/build.h"

/* ---- reading: of -build DIR, else of the package's folder and its parents */

static const char *find_database(struct build *build, const struct source_package *package)
{
    char *folder = arena_dup(build->arena,
                             build->options->build ? build->options->build : package->folder);

    for (;;) {
        const char *path = arena_printf(build->arena, "%s/compile_commands.json", folder);
        char *slash = strrchr(folder, '/');

        if (access(path, R_OK) == 0)
            return path;
        if (build->options->build || !slash || slash == folder)
            return NULL;
        *slash = '\0';
    }
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
static bool is_dropped(const char *word, bool *ret_with_next)
{
    static const char *const alone[] = { "-c", "-MD", "-MMD", "-MP" };
    static const char *const with_next[] = { "-o", "-MF", "-MT", "-MQ" };

    *ret_with_next = false;
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (strcmp(word, alone[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof with_next / sizeof *with_next; i++)
        if (strcmp(word, with_next[i]) == 0)
            return *ret_with_next = true;
    return false;
}

static void flags_from_arguments(struct buf *to, json_t *arguments, const char *file)
{
    for (size_t i = 1; i < json_array_size(arguments); i++) {
        const char *word = json_string_value(json_array_get(arguments, i));
        bool with_next;

        if (!word || strcmp(word, file) == 0)
            continue;
        if (is_dropped(word, &with_next))
            i += with_next;
        else
            add_shell_word(to, word);
    }
}

/* `command` is a line for the shell: words are cut at blanks outside quotes and kept as they are. */
static void flags_from_command(struct buf *to, const char *command, const char *file)
{
    bool first = true, skip = false;

    while (*command) {
        const char *begin = command + strspn(command, " \t");
        char quote = 0;
        struct buf word = BUF_INIT(1 << 20);
        bool with_next = false;

        for (command = begin; *command && (quote || !strchr(" \t", *command)); command++) {
            quote = quote == *command                   ? 0
                    : !quote && strchr("\"'", *command) ? *command
                                                        : quote;
            buf_add_char(&word, *command);
            if (*command == '\\' && command[1] && quote != '\'')
                buf_add_char(&word, *++command);
        }
        if (!first && !skip && word.size > 0 && strcmp(word.data, file) != 0 &&
            !is_dropped(word.data, &with_next))
            buf_printf(to, " %s", word.data);
        skip = with_next;
        first = false;
        buf_fini(&word);
    }
}

static void apply_entry(struct build *build, struct source_package *package, json_t *entry)
{
    const char *folder = json_string_value(json_object_get(entry, "directory"));
    const char *name = json_string_value(json_object_get(entry, "file"));
    const char *command = json_string_value(json_object_get(entry, "command"));
    struct buf flags = BUF_INIT(1 << 20);
    char *path;

    if (!folder || !name)
        return;
    path =
        realpath(*name == '/' ? name : arena_printf(build->arena, "%s/%s", folder, name), NULL);
    for (struct source_file *file = path ? package->files : NULL; file; file = file->next) {
        if (strcmp(file->path, path) != 0 || file->flags)
            continue;
        if (command)
            flags_from_command(&flags, command, name);
        else
            flags_from_arguments(&flags, json_object_get(entry, "arguments"), name);
        file->flags = arena_dup(build->arena, buf_text(&flags));
        file->folder = arena_dup(build->arena, folder);
    }
    free(path);
    buf_fini(&flags);
}

void compile_commands_apply(struct build *build)
{
    const char *loaded = NULL;
    json_t *database = NULL;

    for (struct source_package *package = build->packages; package; package = package->next) {
        const char *path =
            package->has_tests && !package->trouble ? find_database(build, package) : NULL;
        json_error_t why;

        if (!path)
            continue;
        if (!loaded || strcmp(loaded, path) != 0) {
            json_decref(database);
            database = json_load_file(path, 0, &why);
            loaded = path;
            if (!database)
                fprintf(stderr, "seam: %s:%d: %s; its flags are not used\n", path, why.line,
                        why.text);
        }
        for (size_t i = 0; i < json_array_size(database); i++)
            apply_entry(build, package, json_array_get(database, i));
    }
    json_decref(database);
}

/* ---- writing: ninja knows the commands */

void compile_commands_write(struct build *build)
{
    const char *path = arena_printf(build->arena, "%s/compile_commands.json", build->folder);
    const char *ninja = arena_printf(build->arena, "%s/build.ninja", build->folder);
    const char *argv[] = { "ninja", "-C", build->folder, "-t", "compdb", "cc", "cxx", NULL };
    struct buf text = BUF_INIT(64 << 20);
    const char *begin;

    if (io_is_newer(path, ninja))
        return;
    if (build_run_program(argv, NULL, &text) == 0 && (begin = strchr(buf_text(&text), '[')))
        io_write_file(path, begin, strlen(begin));
    buf_fini(&text);
}
