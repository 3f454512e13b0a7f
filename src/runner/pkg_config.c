/* runner/pkg_config.c - ask pkg-config for flags, and say well what it does not know. */

#include <string.h>

#include "runner/build.h"
#include "runner/directive.h"

static const struct {
    const char *module;
    const char *package;
} debian[] = {
    { "libpq", "libpq-dev" },
    { "libcurl", "libcurl4-openssl-dev" },
    { "librabbitmq", "librabbitmq-dev" },
    { "libmicrohttpd", "libmicrohttpd-dev" },
    { "openssl", "libssl-dev" },
    { "libssl", "libssl-dev" },
    { "libcrypto", "libssl-dev" },
    { "jansson", "libjansson-dev" },
    { "sqlite3", "libsqlite3-dev" },
    { "zlib", "zlib1g-dev" },
    { "hiredis", "libhiredis-dev" },
    { "rdkafka", "librdkafka-dev" },
    { "glib-2.0", "libglib2.0-dev" },
    { "libpcre2-8", "libpcre2-dev" },
    { "libuv", "libuv1-dev" },
    { "libevent", "libevent-dev" },
    { "mariadb", "libmariadb-dev" },
    { "libxml-2.0", "libxml2-dev" },
};

static const char *remedy(struct arena *arena, const char *module)
{
    for (size_t i = 0; i < sizeof debian / sizeof *debian; i++)
        if (strcmp(debian[i].module, module) == 0)
            return arena_printf(arena, "apt-get install %s", debian[i].package);
    return arena_printf(arena, "install the package that has %s.pc, or set PKG_CONFIG_PATH",
                        module);
}

/* What pkg-config said of these words, so that packages that need the same ask once. */
struct pkg_config_answer {
    struct pkg_config_answer *next;
    const char *option;
    const char *modules;
    const char *flags; /* NULL: it does not know one of them */
    const char *words; /* then: its own, the first line */
    bool missing; /* there is no pkg-config */
};

/* "pkg-config OPTION WORD...", the words of a list with blanks between them. */
static int run(struct arena *arena, const char *option, const char *modules, struct buf *output)
{
    size_t count = 2, room = 4 + strlen(modules);
    const char **argv = arena_zero(arena, room * sizeof *argv);
    char *save = NULL;

    argv[0] = "pkg-config";
    argv[1] = option;
    for (char *word = strtok_r(arena_dup(arena, modules), " \t", &save); word;
         word = strtok_r(NULL, " \t", &save))
        argv[count++] = word;
    return build_run_program(argv, NULL, NULL, output);
}

/* Flags are the last line, behind warnings; of words for a failure the first says most. */
static const char *one_line(struct arena *arena, const char *text, bool last)
{
    char *line = arena_dup(arena, text);
    char *end = strrchr(line, '\n');
    char *before;

    if (last && end) {
        *end = '\0';
        before = strrchr(line, '\n');
        return before ? before + 1 : line;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static struct pkg_config_answer *ask(struct build *build, const char *option,
                                     const char *modules)
{
    struct pkg_config_answer *answer = build->answers;
    struct buf output = BUF_INIT(1 << 20);
    const char *line;
    int status;

    while (answer &&
           (strcmp(answer->option, option) != 0 || strcmp(answer->modules, modules) != 0))
        answer = answer->next;
    if (answer)
        return answer;
    answer = arena_zero(build->arena, sizeof *answer);
    status = run(build->arena, option, modules, &output);
    line = one_line(build->arena, buf_text(&output), status == 0);
    *answer = (struct pkg_config_answer){ .next = build->answers,
                                          .option = option,
                                          .modules = modules,
                                          .flags = status == 0 ? line : NULL,
                                          .words = line,
                                          .missing = status < 0 || status >> 8 == 127 };
    buf_fini(&output);
    return build->answers = answer;
}

/* A name, not an option, a comparison or a version. */
static bool is_module(const char *word)
{
    return !strchr("-<>=!0123456789", *word);
}

/* Name the first module that is not there, with the line that asks for it. */
static bool say_missing(struct build *build, struct source_package *package,
                        const struct directive *directive)
{
    char *save = NULL;

    for (char *word = strtok_r(arena_dup(build->arena, directive->words), " \t", &save); word;
         word = strtok_r(NULL, " \t", &save)) {
        if (!is_module(word) || ask(build, "--exists", word)->flags)
            continue;
        package->trouble =
            arena_printf(build->arena,
                         "pkg-config does not know '%s' (%s:%d: //seam:pkg-config %s)\n"
                         "    try: %s",
                         word, directive->file, directive->line, directive->words,
                         remedy(build->arena, word));
        return true;
    }
    return false;
}

static void say_trouble(struct build *build, struct source_package *package,
                        const struct pkg_config_answer *answer)
{
    if (answer->missing) {
        package->trouble = arena_printf(build->arena,
                                        "pkg-config cannot be started: %s\n"
                                        "    try: apt-get install pkg-config",
                                        answer->words);
        return;
    }
    for (const struct directive *d = package->directives; d; d = d->next)
        if (d->kind == DIRECTIVE_PKG_CONFIG && say_missing(build, package, d))
            return;
    package->trouble =
        arena_printf(build->arena, "pkg-config%s: %s", answer->modules, answer->words);
}

const char *pkg_config(struct build *build, struct source_package *package, const char *option)
{
    const char *modules = directive_words(build->arena, package, DIRECTIVE_PKG_CONFIG);
    const struct pkg_config_answer *answer;

    if (!*modules)
        return "";
    answer = ask(build, option, modules);
    if (!answer->flags)
        say_trouble(build, package, answer);
    return answer->flags;
}
