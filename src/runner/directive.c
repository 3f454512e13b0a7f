/* runner/directive.c - `//seam:` lines in a package's files; see directive.h. */

#include "runner/directive.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

enum { SOURCE_MAX = 64 << 20, DEPTH_MAX = 100 };

static const struct {
    const char *name;
    enum directive_kind kind;
} known[] = {
    { "build", DIRECTIVE_BUILD },     { "pkg-config", DIRECTIVE_PKG_CONFIG },
    { "cflags", DIRECTIVE_CFLAGS },   { "ldflags", DIRECTIVE_LDFLAGS },
    { "sources", DIRECTIVE_SOURCES }, { "program", DIRECTIVE_PROGRAM },
};

/* ---- build expressions: or = and {"||" and}, and = not {"&&" not}, not = "!" not | "(" or ")" | tag */

struct expression {
    const char *at;
    bool (*is_set)(void *arg, const char *tag);
    void *arg;
    int depth; /* of ! and ( */
    bool wrong;
};

static bool eat(struct expression *e, const char *token)
{
    while (isspace((unsigned char)*e->at))
        e->at++;
    if (strncmp(e->at, token, strlen(token)) != 0)
        return false;
    e->at += strlen(token);
    return true;
}

static bool any_of(struct expression *e);

static bool tag_of(struct expression *e)
{
    char tag[64];
    size_t size = 0;

    while (isalnum((unsigned char)e->at[size]) || (e->at[size] && strchr("_.-", e->at[size])))
        size++;
    if (size == 0 || size >= sizeof tag) {
        e->wrong = true;
        return false;
    }
    memcpy(tag, e->at, size);
    tag[size] = '\0';
    e->at += size;
    return e->is_set(e->arg, tag);
}

static bool one_of(struct expression *e)
{
    bool value = false;

    if (++e->depth > DEPTH_MAX)
        e->wrong = true;
    else if (eat(e, "!"))
        value = !one_of(e);
    else if (eat(e, "(")) {
        value = any_of(e);
        e->wrong |= !eat(e, ")");
    } else
        value = tag_of(e);
    e->depth--;
    return value;
}

static bool all_of(struct expression *e)
{
    bool value = one_of(e);

    while (!e->wrong && eat(e, "&&"))
        value = one_of(e) && value;
    return value;
}

static bool any_of(struct expression *e)
{
    bool value = all_of(e);

    while (!e->wrong && eat(e, "||"))
        value = all_of(e) || value;
    return value;
}

int directive_evaluate(const char *expression, bool (*is_set)(void *arg, const char *tag),
                       void *arg, struct err *err)
{
    struct expression e = { .at = expression, .is_set = is_set, .arg = arg };
    bool value = any_of(&e);

    eat(&e, "");
    if (!e.wrong && *e.at == '\0')
        return value;
    if (*e.at == '\0')
        return err_set(err, -EINVAL, "'%s' ends too early", expression);
    return err_set(err, -EINVAL, "'%s' cannot be understood at '%s'", expression, e.at);
}

/* ---- reading a file line by line */

struct reader {
    struct arena *arena;
    struct source_package *package;
    struct source_file *file;
    struct directive **last;
    bool (*is_set)(void *arg, const char *tag);
    void *arg;
    int line;
    bool in_comment;
    bool in_code;
};

static void trouble(struct reader *reader, const char *words)
{
    if (!reader->package->trouble)
        reader->package->trouble =
            arena_printf(reader->arena, "%s:%d: %s", reader->file->name, reader->line, words);
}

static void take_build(struct reader *reader, const char *words)
{
    struct err err;
    int value = directive_evaluate(words, reader->is_set, reader->arg, &err);

    if (reader->in_code)
        trouble(reader, "//seam:build must stand before the first line of code");
    else if (value < 0)
        trouble(reader, arena_printf(reader->arena, "//seam:build: %s", err.text));
    else if (value == 0)
        reader->file->excluded = true;
}

static void take_directive(struct reader *reader, char *text)
{
    size_t size = strcspn(text, " \t");
    char *words = text + size + strspn(text + size, " \t");

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct directive *directive;

        if (strlen(known[i].name) != size || memcmp(known[i].name, text, size) != 0)
            continue;
        if (!*words) {
            trouble(reader,
                    arena_printf(reader->arena, "//seam:%s says nothing", known[i].name));
            return;
        }
        if (known[i].kind == DIRECTIVE_BUILD) {
            take_build(reader, words);
            return;
        }
        directive = arena_zero(reader->arena, sizeof *directive);
        *directive = (struct directive){ NULL, known[i].kind, arena_dup(reader->arena, words),
                                         reader->file->name, reader->line };
        *reader->last = directive;
        reader->last = &directive->next;
        return;
    }
    trouble(reader, arena_printf(reader->arena,
                                 "unknown directive '//seam:%.*s'; known are build, "
                                 "pkg-config, cflags, ldflags, sources and program",
                                 (int)size, text));
}

/* `#include "mod.c"` in a test: that source is compiled as part of the test. */
static void take_include(struct reader *reader, const char *line)
{
    const char *quote = strchr(line, '"');
    const char *end = quote ? strchr(quote + 1, '"') : NULL;
    const char *name = quote ? quote + 1 : NULL;

    if (!end || !reader->file->is_test)
        return;
    for (struct source_file *file = reader->package->files; file; file = file->next)
        if (strlen(file->name) == (size_t)(end - name) &&
            memcmp(file->name, name, (size_t)(end - name)) == 0)
            file->included = true;
}

/* Whether the line has `main(` as a word of its own. */
bool directive_names_main(const char *line)
{
    for (const char *at = strstr(line, "main"); at; at = strstr(at + 4, "main")) {
        const char *after = at + 4 + strspn(at + 4, " \t");
        bool begins = at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');

        if (begins && *after == '(')
            return true;
    }
    return false;
}

/* Whether the line has code, given whether a comment is open before it. */
static bool has_code(struct reader *reader, const char *at)
{
    while (*at) {
        if (reader->in_comment) {
            const char *end = strstr(at, "*/");

            if (!end)
                return false;
            reader->in_comment = false;
            at = end + 2;
        } else if (isspace((unsigned char)*at))
            at++;
        else if (strncmp(at, "//", 2) == 0)
            return false;
        else if (strncmp(at, "/*", 2) == 0) {
            reader->in_comment = true;
            at += 2;
        } else
            return true;
    }
    return false;
}

static void take_line(struct reader *reader, char *line)
{
    line[strcspn(line, "\r")] = '\0';
    if (!reader->in_comment && strncmp(line, "//seam:", 7) == 0) {
        take_directive(reader, line + 7);
        return;
    }
    if (!has_code(reader, line))
        return;
    reader->in_code = true;
    if (line[strspn(line, " \t")] == '#' && strstr(line, "include"))
        take_include(reader, line);
    else if (!reader->file->has_main && directive_names_main(line))
        reader->file->has_main = true;
}

static void read_file(struct reader *reader)
{
    struct buf content = BUF_INIT(SOURCE_MAX);
    int r = io_read_file(reader->file->path, &content);
    char *next;

    reader->line = 0;
    reader->in_comment = reader->in_code = false;
    if (r < 0)
        trouble(reader, arena_printf(reader->arena, "cannot be read: %s", strerror(-r)));
    for (char *line = r < 0 ? NULL : content.data; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        reader->line++;
        take_line(reader, line);
    }
    buf_fini(&content);
}

void directives_read(struct arena *arena, struct source_package *package,
                     bool (*is_set)(void *arg, const char *tag), void *arg)
{
    struct reader reader = { .arena = arena,
                             .package = package,
                             .last = &package->directives,
                             .is_set = is_set,
                             .arg = arg };

    package->has_tests = false;
    for (reader.file = package->files; reader.file; reader.file = reader.file->next) {
        struct directive **before = reader.last;

        read_file(&reader);
        if (reader.file->excluded) { /* what it says does not count either */
            *before = NULL;
            reader.last = before;
        } else
            package->has_tests |= reader.file->is_test;
    }
}
