/* runner/directive.c - `//seam:` lines in a package's files; see directive.h. */

#include "runner/directive.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "runner/capability.h"

enum { SOURCE_MAX = 64 << 20, DEPTH_MAX = 100 };

static const struct {
    const char *name;
    enum directive_kind kind;
} known[] = {
    { "build", DIRECTIVE_BUILD },     { "pkg-config", DIRECTIVE_PKG_CONFIG },
    { "cflags", DIRECTIVE_CFLAGS },   { "ldflags", DIRECTIVE_LDFLAGS },
    { "sources", DIRECTIVE_SOURCES }, { "program", DIRECTIVE_PROGRAM },
};

enum { KNOWN_COUNT = sizeof known / sizeof *known };

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

/* A source that a test includes, or a header of the package's. */
struct inclusion {
    struct inclusion *next;
    const char *path;
};

struct reader {
    struct arena *arena;
    struct source_package *package;
    struct source_file *file;
    struct directive **last;
    struct inclusion *inclusions;
    struct inclusion *headers; /* that have been looked at */
    bool (*is_set)(void *arg, const char *tag);
    void *arg;
    int line;
    bool in_comment;
    bool in_code;
};

/* The first mistake of a package is the one that is told. */
static void trouble_at(struct reader *reader, const char *file, int line, const char *words)
{
    if (!reader->package->trouble)
        reader->package->trouble = arena_printf(reader->arena, "%s:%d: %s", file, line, words);
}

static void trouble(struct reader *reader, const char *words)
{
    trouble_at(reader, reader->file->name, reader->line, words);
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

static void keep_directive(struct reader *reader, enum directive_kind kind, const char *words)
{
    struct directive *directive = arena_zero(reader->arena, sizeof *directive);

    *directive = (struct directive){ .kind = kind,
                                     .words = arena_dup(reader->arena, words),
                                     .file = reader->file->name,
                                     .line = reader->line };
    *reader->last = directive;
    reader->last = &directive->next;
}

/* Of a file that a directive brings only `build` counts: flags are the package's own. */
static void take_directive(struct reader *reader, char *text)
{
    size_t size = strcspn(text, " \t");
    char *words = text + size + strspn(text + size, " \t");
    size_t i = 0;

    while (i < KNOWN_COUNT &&
           (strlen(known[i].name) != size || memcmp(known[i].name, text, size) != 0))
        i++;
    if (i == KNOWN_COUNT)
        trouble(reader, arena_printf(reader->arena,
                                     "unknown directive '//seam:%.*s'; known are build, "
                                     "pkg-config, cflags, ldflags, sources and program",
                                     (int)size, text));
    else if (!*words)
        trouble(reader, arena_printf(reader->arena, "//seam:%s says nothing", known[i].name));
    else if (known[i].kind == DIRECTIVE_BUILD)
        take_build(reader, words);
    else if (!reader->file->is_extra)
        keep_directive(reader, known[i].kind, words);
}

static const struct {
    const char *header;
    unsigned capabilities;
} seam_headers[] = {
    { "amqp_mock.h",
      CAPABILITY_AMQP_MOCK | CAPABILITY_BROKER | CAPABILITY_NET | CAPABILITY_LINK },
    { "broker.h", CAPABILITY_BROKER },
    { "clock.h", CAPABILITY_CLOCK | CAPABILITY_LINK },
    { "http.h", CAPABILITY_HTTP | CAPABILITY_NET },
    { "mhd.h", CAPABILITY_HTTP | CAPABILITY_NET },
    { "http_mock.h",
      CAPABILITY_HTTP_MOCK | CAPABILITY_HTTP | CAPABILITY_NET | CAPABILITY_LINK },
    { "net.h", CAPABILITY_NET | CAPABILITY_LINK },
    { "pg_mock.h", CAPABILITY_PG_MOCK | CAPABILITY_NET | CAPABILITY_LINK },
    { "proxy.h", CAPABILITY_PROXY | CAPABILITY_NET },
    { "uuid.h", CAPABILITY_CLOCK | CAPABILITY_LINK },
    { "verify.h", CAPABILITY_PG_MOCK | CAPABILITY_NET | CAPABILITY_LINK },
};

/* What a header of Seam's asks for: bits of enum capability. */
static unsigned capability_of_include(const char *line)
{
    const char *name = strstr(line, "seam/");
    size_t size;

    if (!name || name == line || !strchr("<\"", name[-1]))
        return 0;
    name += strlen("seam/");
    size = strcspn(name, ">\"");
    for (size_t i = 0; i < sizeof seam_headers / sizeof *seam_headers; i++)
        if (strlen(seam_headers[i].header) == size &&
            memcmp(seam_headers[i].header, name, size) == 0)
            return seam_headers[i].capabilities;
    return 0;
}

/* Returns false when it was there before. */
static bool note_inclusion(struct reader *reader, struct inclusion **list, const char *path)
{
    struct inclusion *inclusion;

    for (inclusion = *list; inclusion; inclusion = inclusion->next)
        if (strcmp(inclusion->path, path) == 0)
            return false;
    inclusion = arena_zero(reader->arena, sizeof *inclusion);
    *inclusion = (struct inclusion){ .path = path, .next = *list };
    *list = inclusion;
    return true;
}

static void take_header(struct reader *reader, const char *path);

/* `#include "mod.c"` in a test: that source is compiled as part of the test. A header of Seam's asks for
 * a library, also when a header of the package includes it. */
static void take_include(struct reader *reader, const char *line, const char *folder)
{
    const char *quote = strchr(line, '"');
    const char *end = quote ? strchr(quote + 1, '"') : NULL;
    const char *path;

    reader->package->capabilities |= capability_of_include(line);
    if (!end)
        return;
    path = arena_copy(reader->arena, quote + 1, (size_t)(end - quote - 1));
    path = source_path(reader->arena, folder, path);
    if (source_language(path) != LANGUAGE_NONE)
        note_inclusion(reader, &reader->inclusions, path);
    else if (*path == '/')
        take_header(reader, path);
}

/* A header that cannot be read is the compiler's to complain of. */
static void take_header(struct reader *reader, const char *path)
{
    struct buf content = BUF_INIT(SOURCE_MAX);
    const char *folder = arena_copy(reader->arena, path, (size_t)(strrchr(path, '/') - path));
    char *next;

    if (!note_inclusion(reader, &reader->headers, path) || io_read_file(path, &content) < 0)
        return;
    for (char *line = content.data; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (line[strspn(line, " \t")] == '#' && strstr(line, "include"))
            take_include(reader, line, folder);
    }
    buf_fini(&content);
}

/* Whether the line has `main(` as a word of its own. */
static bool names_main(const char *line)
{
    for (const char *at = strstr(line, "main"); at; at = strstr(at + 4, "main")) {
        const char *after = at + 4 + strspn(at + 4, " \t");
        bool begins = at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');

        if (begins && *after == '(')
            return true;
    }
    return false;
}

/* One character, or all of a string or character constant: it may hold what looks like a comment. */
static size_t piece_size(const char *at)
{
    size_t size = 1;

    if (*at != '"' && *at != '\'')
        return 1;
    while (at[size] && at[size] != *at)
        size += at[size] == '\\' && at[size + 1] ? 2 : 1;
    return size + (at[size] != '\0');
}

/* Whether the line has code; what it says of comments is kept for the next. */
static bool has_code(struct reader *reader, const char *at)
{
    bool code = false;

    if (!reader->in_comment && !strstr(at, "/*")) { /* most lines */
        at += strspn(at, " \t\v\f");
        return *at && strncmp(at, "//", 2) != 0;
    }
    while (*at) {
        if (reader->in_comment) {
            const char *end = strstr(at, "*/");

            if (!end)
                break;
            reader->in_comment = false;
            at = end + 2;
        } else if (strncmp(at, "//", 2) == 0) {
            break;
        } else if (strncmp(at, "/*", 2) == 0) {
            reader->in_comment = true;
            at += 2;
        } else {
            code |= !isspace((unsigned char)*at);
            at += piece_size(at);
        }
    }
    return code;
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
    if (line[strspn(line, " \t")] == '#' && strstr(line, "include")) {
        if (reader->file->is_test && !reader->file->excluded)
            take_include(reader, line, reader->package->folder);
    } else if (!reader->file->has_main && names_main(line))
        reader->file->has_main = true;
}

/* Returns 0 or a negative errno. */
static int read_file(struct reader *reader)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file so */
    struct buf content = BUF_INIT(SOURCE_MAX);
    int r = io_read_file(reader->file->path, &content);
    char *next;

    reader->line = 0;
    reader->in_comment = reader->in_code = false;
    for (char *line = r < 0 ? NULL : content.data; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (reader->line++ == 0 && strncmp(line, mark, sizeof mark - 1) == 0)
            line += sizeof mark - 1;
        take_line(reader, line);
    }
    buf_fini(&content);
    return r;
}

/* ---- files that //seam:sources and //seam:program name */

static void cannot_read(struct reader *reader, const struct directive *directive,
                        const char *path, int r)
{
    const char *name = directive->kind == DIRECTIVE_SOURCES ? "sources" : "program";

    trouble_at(reader, directive->file, directive->line,
               r == -ENOENT ? arena_printf(reader->arena, "//seam:%s: no file '%s'", name, path)
                            : arena_printf(reader->arena, "//seam:%s: cannot read '%s': %s",
                                           name, path, strerror(-r)));
}

static void add_file(struct reader *reader, struct directive *directive, const char *name)
{
    struct source_package *package = reader->package;
    const char *path = source_path(reader->arena, package->folder, name);
    struct source_file **last =
        directive->kind == DIRECTIVE_PROGRAM ? &directive->files : &package->files;
    struct source_file *file;
    int r;

    for (; *last; last = &(*last)->next)
        if (strcmp((*last)->path, path) == 0)
            return; /* named twice, or it lies in the package */
    file = arena_zero(reader->arena, sizeof *file);
    *file = (struct source_file){ .path = path,
                                  .name = arena_dup(reader->arena, name),
                                  .is_extra = true,
                                  .is_cxx = source_language(name) == LANGUAGE_CXX };
    *last = reader->file = file;
    r = read_file(reader);
    if (r < 0)
        cannot_read(reader, directive, path, r);
}

/* The folder is to be taken by the letter, whatever its name. */
static const char *glob_pattern(struct arena *arena, const char *folder, const char *word)
{
    struct buf pattern = BUF_INIT(SOURCE_MAX);
    const char *text;

    for (; *word != '/' && *folder; folder++) {
        if (strchr("\\*?[", *folder))
            buf_add_char(&pattern, '\\');
        buf_add_char(&pattern, *folder);
    }
    text = arena_printf(arena, "%s%s%s", buf_text(&pattern), *word == '/' ? "" : "/", word);
    buf_fini(&pattern);
    return text;
}

/* What matches a word with wildcards, but no tests. */
static void add_matching(struct reader *reader, struct directive *directive, const char *word)
{
    const char *folder = reader->package->folder;
    const char *pattern = glob_pattern(reader->arena, folder, word);
    size_t skip = *word == '/' ? 0 : strlen(folder) + 1;
    glob_t paths = { 0 };

    if (glob(pattern, 0, NULL, &paths) != 0)
        cannot_read(reader, directive, word, -ENOENT);
    for (size_t i = 0; i < paths.gl_pathc; i++)
        if (!source_is_test(strrchr(paths.gl_pathv[i], '/') + 1))
            add_file(reader, directive, paths.gl_pathv[i] + skip);
    globfree(&paths);
}

static void add_files(struct reader *reader, struct directive *directive)
{
    const char *at = directive->words;
    size_t size = strcspn(at, " \t");

    if (directive->kind == DIRECTIVE_PROGRAM) {
        directive->program = arena_copy(reader->arena, at, size);
        at += size + strspn(at + size, " \t");
        if (!*at)
            trouble_at(reader, directive->file, directive->line,
                       "//seam:program: name the program and its files, such as "
                       "//seam:program ordersd ../cmd/ordersd.c");
    }
    for (; *at; at += size + strspn(at + size, " \t")) {
        const char *word;

        size = strcspn(at, " \t");
        word = arena_copy(reader->arena, at, size);
        if (strpbrk(word, "*?["))
            add_matching(reader, directive, word);
        else
            add_file(reader, directive, word);
    }
}

static void mark_included(struct reader *reader)
{
    for (const struct inclusion *at = reader->inclusions; at; at = at->next)
        for (struct source_file *file = reader->package->files; file; file = file->next)
            file->included |= strcmp(file->path, at->path) == 0;
}

static void read_package(struct reader *reader)
{
    struct source_package *package = reader->package;

    package->has_tests = false;
    for (reader->file = package->files; reader->file; reader->file = reader->file->next) {
        struct directive **before = reader->last;
        int r = read_file(reader);

        if (r < 0 && !package->trouble)
            package->trouble = arena_printf(reader->arena, "%s: cannot be read: %s",
                                            reader->file->name, strerror(-r));
        if (reader->file->excluded) { /* what it says does not count either */
            *before = NULL;
            reader->last = before;
        } else
            package->has_tests |= reader->file->is_test;
    }
}

void directives_read(struct arena *arena, struct source_package *package,
                     bool (*is_set)(void *arg, const char *tag), void *arg)
{
    struct reader reader = { .arena = arena,
                             .package = package,
                             .last = &package->directives,
                             .is_set = is_set,
                             .arg = arg };

    read_package(&reader);
    for (struct directive *directive = package->directives; directive && package->has_tests;
         directive = directive->next)
        if (directive->kind == DIRECTIVE_SOURCES || directive->kind == DIRECTIVE_PROGRAM)
            add_files(&reader, directive);
    mark_included(&reader);
}

const char *directive_words(struct arena *arena, const struct source_package *package,
                            enum directive_kind kind)
{
    const char *words = "";

    for (const struct directive *d = package->directives; d; d = d->next)
        if (d->kind == kind)
            words = arena_printf(arena, "%s %s", words, d->words);
    return words;
}
