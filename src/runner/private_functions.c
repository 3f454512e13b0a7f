/*
 * runner/private_functions.c - tests may call a static function that they declare, as in a Go package.
 *
 * When the link leaves a name undefined and exactly one source of the package defines a static function
 * of that name, that source is compiled (by -include, which knows any path) in front of a wrapper,
 *
 *     extern __typeof__(f) seam_static_f __attribute__((alias("f")));
 *     # the test's own declaration, so that the compiler compares it with the definition
 *
 * and linked with --defsym=f=seam_static_f. What was found is kept in `private` in the object folder.
 */

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "runner/build.h"

enum { TEXT_MAX = 64 << 20 };

static const char *list_path(struct build *build, const struct source_package *package)
{
    return arena_printf(build->arena, "%s/private", build_object_folder(build, package));
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next `name(` in text that is a word of its own, or NULL. */
static const char *find_call(const char *text, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        const char *after = at + size + strspn(at + size, " \t\n");

        if ((at == text || !is_word(at[-1])) && !is_word(at[size]) && *after == '(')
            return at;
    }
    return NULL;
}

/* Where the declaration around `at` begins: behind the last ; } # line or comment before it. */
static const char *declaration_begin(const char *text, const char *at)
{
    const char *begin = at;

    while (begin > text && !strchr(";}", begin[-1]) && strncmp(begin - 1, "/\n", 2) != 0 &&
           !(begin[-1] == '\n' && (*begin == '#' || strncmp(begin, "//", 2) == 0)))
        begin--;
    if (*begin == '#' || strncmp(begin, "//", 2) == 0)
        begin += strcspn(begin, "\n");
    return begin + strspn(begin, " \t\n");
}

static const char *closing(const char *open)
{
    int depth = 0;

    for (; *open; open++) {
        depth += *open == '(' ? 1 : *open == ')' ? -1 : 0;
        if (depth == 0)
            return open + 1;
    }
    return open;
}

/* Whether the text defines a static function of that name. */
static bool defines_static(const char *text, const char *name)
{
    for (const char *at = find_call(text, name); at; at = find_call(at + 1, name)) {
        const char *begin = declaration_begin(text, at);
        const char *end = closing(strchr(at, '('));

        if (strncmp(begin, "static", 6) == 0 && begin[6] && !is_word(begin[6]) &&
            end[strspn(end, " \t\n")] == '{')
            return true;
    }
    return false;
}

/* The declaration `... name(...);` in a test file: text and line; NULL when there is none. */
static const char *declaration(struct arena *arena, const char *text, const char *name,
                               int *ret_line)
{
    for (const char *at = find_call(text, name); at; at = find_call(at + 1, name)) {
        const char *begin = declaration_begin(text, at);
        const char *end = closing(strchr(at, '('));
        int line = 1;

        end += strspn(end, " \t\n");
        if (*end != ';' || begin == at)
            continue;
        for (const char *c = text; c < begin; c++)
            line += *c == '\n';
        *ret_line = line;
        return arena_copy(arena, begin, (size_t)(end + 1 - begin));
    }
    return NULL;
}

static struct source_file *only_definer(struct source_package *package, const char *name)
{
    struct source_file *found = NULL;

    for (struct source_file *file = package->files; file; file = file->next) {
        struct buf text = BUF_INIT(TEXT_MAX);
        bool defines = !file->is_test && !file->excluded && !file->included && !file->is_cxx &&
                       io_read_file(file->path, &text) == 0 &&
                       defines_static(buf_text(&text), name);

        buf_fini(&text);
        if (defines && found)
            return NULL;
        if (defines)
            found = file;
    }
    return found;
}

static void add_declaration(struct buf *to, int line, const char *path, const char *words)
{
    buf_printf(to, "#line %d \"", line);
    for (; *path; path++) {
        if (strchr("\"\\", *path))
            buf_add_char(to, '\\');
        buf_add_char(to, *path);
    }
    buf_printf(to, "\"\n%s\n", words);
}

static void add_declarations(struct build *build, const struct source_package *package,
                             const char *name, struct buf *to)
{
    for (const struct source_file *file = package->files; file; file = file->next) {
        struct buf text = BUF_INIT(TEXT_MAX);
        const char *words = NULL;
        int line;

        if (file->is_test && !file->excluded && io_read_file(file->path, &text) == 0)
            words = declaration(build->arena, buf_text(&text), name, &line);
        if (words)
            add_declaration(to, line, file->path, words);
        buf_fini(&text);
    }
}

/* ---- the list: "file name" lines */

/* The next line that is whole, without its end; *at becomes what follows. NULL at the end. */
static char *next_entry(char **at, char **ret_name)
{
    char *line = *at;
    char *end = line + strcspn(line, "\n");

    if (!*end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    *ret_name = strrchr(line, ' '); /* a file's name may have blanks, a function's has none */
    if (!*ret_name)
        return next_entry(at, ret_name);
    *(*ret_name)++ = '\0';
    return line;
}

static void write_wrapper(struct build *build, struct source_package *package,
                          struct source_file *file, const char *list)
{
    const char *path = build_object(build, package, file->name, ".private.c");
    char *at = arena_dup(build->arena, list);
    struct buf text = BUF_INIT(TEXT_MAX);
    char *source, *name;

    while ((source = next_entry(&at, &name))) {
        if (strcmp(source, file->name) != 0)
            continue;
        buf_printf(&text,
                   "extern __typeof__(%s) seam_static_%s __attribute__((alias(\"%s\")));\n",
                   name, name, name);
        add_declarations(build, package, name, &text);
    }
    if (build_write_file(path, &text) == 0)
        file->wrapper = path;
    buf_fini(&text);
}

void private_load(struct build *build, struct source_package *package)
{
    struct buf list = BUF_INIT(TEXT_MAX);

    if (io_read_file(list_path(build, package), &list) == 0)
        for (struct source_file *file = package->files; file; file = file->next) {
            const char *line = arena_printf(build->arena, "%s ", file->name);

            if (strncmp(buf_text(&list), line, strlen(line)) == 0 ||
                strstr(buf_text(&list), arena_printf(build->arena, "\n%s", line)))
                write_wrapper(build, package, file, buf_text(&list));
        }
    buf_fini(&list);
}

bool private_forget(struct build *build, struct source_package *package)
{
    if (unlink(list_path(build, package)) < 0)
        return false;
    for (struct source_file *file = package->files; file; file = file->next)
        file->wrapper = NULL;
    return true;
}

const char *private_link_flags(struct build *build, const struct source_package *package)
{
    struct buf list = BUF_INIT(TEXT_MAX);
    char *flags = arena_dup(build->arena, "");
    char *at, *name;

    if (io_read_file(list_path(build, package), &list) == 0)
        for (at = list.data; next_entry(&at, &name);)
            flags = arena_printf(build->arena, "%s -Wl,--defsym=%s=seam_static_%s", flags, name,
                                 name);
    buf_fini(&list);
    return flags;
}

/* The names in "undefined reference to `f'" (bfd, gold) and "undefined symbol: f" (lld, mold). */
static const char *next_undefined(const char *at, char *name, size_t size)
{
    static const char *const words[] = { "undefined reference to `", "undefined symbol: " };
    const char *first = NULL;

    for (int i = 0; i < 2; i++) {
        const char *found = strstr(at, words[i]);

        if (found && (!first || found < first))
            first = found + strlen(words[i]);
    }
    if (first) {
        size_t length = 0;

        while (is_word(first[length]) && length + 1 < size)
            length++;
        memcpy(name, first, length);
        name[length] = '\0';
    }
    return first;
}

bool private_resolve(struct build *build, struct source_package *package,
                     const char *linker_output)
{
    struct buf list = BUF_INIT(TEXT_MAX);
    bool learned = false;
    char name[256];

    io_read_file(list_path(build, package), &list);
    for (const char *at = linker_output; (at = next_undefined(at, name, sizeof name));) {
        struct source_file *file = *name ? only_definer(package, name) : NULL;
        const char *line =
            file ? arena_printf(build->arena, "%s %s\n", file->name, name) : NULL;

        if (!line || strstr(buf_text(&list), line))
            continue;
        buf_add_text(&list, line);
        learned = true;
    }
    if (learned)
        learned = build_write_file(list_path(build, package), &list) == 0;
    if (learned)
        private_load(build, package);
    buf_fini(&list);
    return learned;
}
