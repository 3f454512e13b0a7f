/* cmd/pull.c - `seam pull [-update] [packages]`: fetch the images that tests name, and pin them; see seam(1). */

#include <ctype.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/command.h"
#include "cmd/image_lock_place.h"
#include "cmd/installation.h"
#include "runner/discover.h"

enum { SOURCE_MAX = 16 << 20, IMAGES_MAX = 1000 };

struct search {
    struct arena arena;
    const char *text; /* of the source */
    const char *path;
    char *images[IMAGES_MAX]; /* each once */
    int count;
};

/* ---- the text of C */

/* Behind a comment or a quoted text that begins here; NULL where none does. */
static const char *over(const char *at)
{
    char quote = *at;

    if (at[0] == '/' && at[1] == '/')
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (quote != '"' && quote != '\'')
        return NULL;
    for (at++; *at && *at != quote && *at != '\n'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

static const char *over_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static size_t word_size(const char *at)
{
    size_t size = 0;

    while (isalnum((unsigned char)at[size]) || at[size] == '_')
        size++;
    return size;
}

/* The text in quotes, which for an image has no escapes. */
static char *quoted(struct search *search, const char *at)
{
    size_t size = strcspn(at + 1, "\"\n\\");

    return at[0] == '"' && at[1 + size] == '"' && size > 0
               ? arena_copy(&search->arena, at + 1, size)
               : NULL;
}

/* What a name stands for: `#define NAME "text"`, `NAME[] = "text"`, `*NAME = "text"`. */
static char *value_of(struct search *search, const char *name, size_t size)
{
    for (const char *at = search->text, *end; *at; at = end) {
        char *value;

        end = over(at);
        if (end)
            continue;
        end = at + (word_size(at) > 0 ? word_size(at) : 1);
        if ((size_t)(end - at) != size || memcmp(at, name, size) != 0)
            continue;
        value = quoted(search, over_space(end + strspn(end, "[]= \t")));
        if (value)
            return value;
    }
    return NULL;
}

static int line_of(const struct search *search, const char *at)
{
    int line = 1;

    for (const char *text = search->text; text < at; text++)
        line += *text == '\n';
    return line;
}

static void add(struct search *search, char *image)
{
    for (int i = 0; i < search->count; i++)
        if (strcmp(search->images[i], image) == 0)
            return;
    if (search->count < IMAGES_MAX)
        search->images[search->count++] = image;
}

/* At ".image" of an initialiser, or of an assignment. */
static void take_image(struct search *search, const char *at)
{
    const char *value = over_space(at + strlen(".image"));
    char *image;

    if (*value != '=' || value[1] == '=')
        return;
    value = over_space(value + 1);
    image = *value == '"' ? quoted(search, value) : value_of(search, value, word_size(value));
    if (image)
        add(search, image);
    else if (word_size(value) != 4 || memcmp(value, "NULL", 4) != 0)
        fprintf(stderr,
                "seam: pull: %s:%d: this image's name is no text of this file, so it is not "
                "fetched\n",
                search->path, line_of(search, at));
}

static void search_file(struct search *search, const struct source_file *file)
{
    struct buf text = BUF_INIT(SOURCE_MAX);

    if (io_read_file(file->path, &text) == 0) {
        search->text = arena_dup(&search->arena, buf_text(&text));
        search->path = file->name;
        for (const char *at = search->text, *end; *at; at = end) {
            end = over(at);
            if (end)
                continue;
            end = at + 1;
            if (strncmp(at, ".image", 6) == 0 && word_size(at + 1) == 5)
                take_image(search, at);
        }
    }
    buf_fini(&text);
}

/* ---- the command */

static int fetch(struct search *search, bool update)
{
    struct installation installation = { 0 };
    struct err err = { "" };
    const char *lock = image_lock_place(&search->arena);
    char **argv = arena_zero(&search->arena, (size_t)(search->count + 4) * sizeof *argv);
    int status = -1;
    pid_t pid;

    if (installation_find(&search->arena, &installation, &err) < 0) {
        fprintf(stderr, "seam: pull: %s\n", err.text);
        return EXIT_OWN_TROUBLE;
    }
    argv[0] = arena_printf(&search->arena, "%s/services", installation.libexec);
    argv[1] = (char *)(update ? "--pull-newest" : "--pull");
    argv[2] = arena_dup(&search->arena, lock ? lock : IMAGE_LOCK_NAME);
    memcpy(argv + 3, search->images, (size_t)search->count * sizeof *argv);
    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return WEXITSTATUS(status);
    fprintf(stderr, "seam: pull: cannot run '%s'; try: seam doctor\n", argv[0]);
    return EXIT_OWN_TROUBLE;
}

static int pull(struct search *search, const char *const *patterns, int count, bool update)
{
    static const char *const all[] = { "./..." };
    struct source_package *package;
    struct err err = { "" };

    if (discover(&search->arena, count > 0 ? patterns : all, count > 0 ? count : 1, &package,
                 &err) < 0) {
        fprintf(stderr, "seam: %s\n", err.text);
        return EXIT_USAGE;
    }
    for (; package; package = package->next)
        for (const struct source_file *file = package->files; file; file = file->next)
            if (!file->is_extra)
                search_file(search, file);
    if (search->count > 0)
        return fetch(search, update);
    puts("no test names an image");
    return EXIT_NOTHING_MATCHED;
}

int command_pull(int argc, char **argv)
{
    static struct search search;
    const char **patterns = arena_zero(&search.arena, (size_t)argc * sizeof *patterns);
    bool update = false;
    int count = 0, r;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-update") == 0 || strcmp(argv[i], "--update") == 0)
            update = true;
        else if (argv[i][0] == '-') {
            fprintf(stderr, "seam: pull: unknown flag '%s'; there is -update\n", argv[i]);
            arena_fini(&search.arena);
            return EXIT_USAGE;
        } else
            patterns[count++] = argv[i];
    r = pull(&search, patterns, count, update);
    arena_fini(&search.arena);
    return r;
}
